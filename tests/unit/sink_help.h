/*
 * sink_help.h: what the sink tests share: a folder of their own, inputs made from files, and a run of one input.
 *
 * Criterion runs every test in a process of its own, so the working directory and the umask may be changed freely.
 */
#ifndef CCP_TESTS_UNIT_SINK_HELP_H
#define CCP_TESTS_UNIT_SINK_HELP_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "pipeline/commit.h"
#include "pipeline/sink.h"
#include "pipeline/target.h"

#define UNUSED __attribute__((unused))

extern const struct ccp_sink_ops ccp_sink_file, ccp_sink_single, ccp_sink_stdout, ccp_sink_null;

static char help_folder[64];
static struct ccp_input *help_inputs[128];
static unsigned help_input_count;

/* /var/tmp, because a tmpfs may lack user attributes */
static UNUSED void help_begin(void)
{
	strcpy(help_folder, "/var/tmp/ccpipe-sink-XXXXXX");
	cr_assert_not_null(mkdtemp(help_folder));
	cr_assert_eq(chdir(help_folder), 0);
	umask(022);
}

static int help_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static UNUSED void help_end(void)
{
	while (help_input_count > 0)
		free(help_inputs[--help_input_count]);
	cr_assert_eq(chdir("/"), 0);
	nftw(help_folder, help_remove, 16, FTW_DEPTH | FTW_PHYS);
}

/* Skips the test with a reason, and tidies, which Criterion does not after a skip. */
#define help_skip(...) \
	do { \
		help_end(); \
		cr_skip_test(__VA_ARGS__); \
	} while (0)

static UNUSED void help_write(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	cr_assert_not_null(file, "%s", path);
	fputs(text, file);
	cr_assert_eq(fclose(file), 0);
}

/* Whether `path` is a file that holds just `text`. */
static UNUSED bool help_holds(const char *path, const char *text)
{
	char found[256] = "";
	FILE *file = fopen(path, "r");

	if (file == NULL)
		return false;
	found[fread(found, 1, sizeof found - 1, file)] = '\0';
	fclose(file);
	return strcmp(found, text) == 0;
}

static UNUSED bool help_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* Every name in the folder but "." and "..", sorted by the shell's rules, joined by spaces. */
static UNUSED const char *help_list(void)
{
	static char names[512];
	FILE *ls = popen("ls -A | tr '\\n' ' '", "r");

	cr_assert_not_null(ls);
	names[fread(names, 1, sizeof names - 1, ls)] = '\0';
	pclose(ls);
	return names;
}

static UNUSED struct stat help_stat(const char *path)
{
	struct stat st = { 0 };

	cr_assert_eq(lstat(path, &st), 0, "%s", path);
	return st;
}

/* An input as a source would hand it over. Memory: help_end frees it. */
static UNUSED struct ccp_input *help_input(const char *path)
{
	struct ccp_input *input = calloc(1, sizeof *input);

	cr_assert(input != NULL && help_input_count < sizeof help_inputs / sizeof help_inputs[0]);
	help_inputs[help_input_count++] = input;
	snprintf(input->path, sizeof input->path, "%s", path);
	input->fd = -1;
	input->is_stdin = strcmp(path, "-") == 0;
	if (stat(path, &input->meta) == 0) {
		input->has_meta = S_ISREG(input->meta.st_mode);
		input->has_xattr = true;
	}
	return input;
}

static UNUSED struct ccp_sink_options help_options(void)
{
	return (struct ccp_sink_options){ .suffix = ".gz", .keep_metadata = true };
}

struct help_sink {
	const struct ccp_sink_ops *ops;
	struct ccp_sink *sink;
	struct ccp_err err;
};

static UNUSED struct help_sink help_create(const struct ccp_sink_ops *ops, const struct ccp_sink_options *options)
{
	struct help_sink s = { .ops = ops };

	ccp_err_clear(&s.err);
	cr_assert_eq(ops->create(&s.sink, options, &s.err), 0, "%s", s.err.text);
	return s;
}

static UNUSED int help_open(struct help_sink *s, struct ccp_input *input)
{
	ccp_err_clear(&s->err);
	return s->ops->open(s->sink, input, &s->err);
}

static UNUSED int help_put(struct help_sink *s, struct ccp_input *input, const char *text)
{
	return s->ops->write(s->sink, input, text, strlen(text), &s->err);
}

static UNUSED int help_commit(struct help_sink *s, struct ccp_input *input)
{
	ccp_err_clear(&s->err);
	return s->ops->commit(s->sink, input, &s->err);
}

static UNUSED int help_destroy(struct help_sink *s, bool failed)
{
	ccp_err_clear(&s->err);
	return s->ops->destroy(s->sink, failed, &s->err);
}

/* check, open, write and commit of one input with the file sink. Returns what the first that failed returned, or 0. */
static UNUSED int help_run(const struct ccp_sink_options *options, struct ccp_input *input, const char *text,
			   struct ccp_err *err)
{
	struct help_sink s = help_create(&ccp_sink_file, options);
	int result = ccp_sink_file.check(options, input, &s.err);

	if (result == 0)
		result = help_open(&s, input);
	if (result == 0) {
		cr_assert_eq(help_put(&s, input, text), 0, "%s", s.err.text);
		result = help_commit(&s, input);
	}
	*err = s.err;
	cr_assert_eq(help_destroy(&s, false), 0);
	return result;
}

/* From now on the kernel answers the system call `number` with `error` instead of doing it (seccomp). */
static UNUSED void help_refuse(unsigned number, unsigned error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { .len = sizeof code / sizeof code[0], .filter = code };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		help_skip("seccomp is not allowed here");
}

/* Runs `body(arg)` in a child and returns its exit status, or 256 and its signal. */
static UNUSED int help_fork(int (*body)(void *arg), void *arg)
{
	int status;
	pid_t pid = fork();

	cr_assert_geq(pid, 0);
	if (pid == 0)
		_exit(body(arg));
	cr_assert_eq(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

#endif
