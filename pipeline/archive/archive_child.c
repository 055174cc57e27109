/*
 * archive_child.c: this same program as a child that decompresses gzip, by all that it knows of doing so in parallel.
 *
 * It reads a file or a pipe, writes to a pipe, and what it says on standard error is kept: one line, which becomes the
 * archive's. It is a process of its own because a run has the process to itself: its workers, its signals, its memory.
 * If we die its pipes end, and so does it.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/archive/archive_internal.h"

#define OPTIONS 3        /* our own, before the user's */
#define STATUS_WARNING 2 /* of this program */

static void close_if_open(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int spawn(struct ccp_archive_child *child, const char *const *options, const int *ends)
{
	char *arguments[OPTIONS + CCP_ARCHIVE_CHILD_OPTIONS + 2] = { (char *)(uintptr_t) "ccpipe",
								     (char *)(uintptr_t) "gunzip",
								     (char *)(uintptr_t) "-c",
								     (char *)(uintptr_t) "--progress=none" };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int failed;

	for (size_t i = 0; options[i] != NULL; i++)
		arguments[OPTIONS + 1 + i] = (char *)(uintptr_t)options[i];
	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	posix_spawn_file_actions_init(&actions);
	failed = 0;
	for (int fd = 0; fd <= 2 && failed == 0; fd++)
		failed = posix_spawn_file_actions_adddup2(&actions, ends[fd], fd);
	if (failed == 0)
		failed = posix_spawn(&child->pid, "/proc/self/exe", &actions, &attributes, arguments, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (failed != 0)
		child->pid = 0;
	return failed;
}

int ccp_archive_child_start(struct ccp_archive_child *child, const char *const *options, int from, struct ccp_err *err)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, words[2] = { -1, -1 }, failed = 0;

	if ((from < 0 && pipe2(in, O_CLOEXEC) != 0) || pipe2(out, O_CLOEXEC) != 0 || pipe2(words, O_CLOEXEC) != 0)
		failed = errno;
	if (failed == 0) {
		const int ends[3] = { from >= 0 ? from : in[0], out[1], words[1] };

		fcntl(out[1], F_SETPIPE_SZ, 1 << 20); /* fewer changes between the two; it need not work */
		failed = spawn(child, options, ends);
	}
	close_if_open(&in[0]);
	close_if_open(&out[1]);
	close_if_open(&words[1]);
	child->in = in[1];
	child->out = out[0];
	child->words = words[0];
	if (failed == 0) {
		fcntl(child->out, F_SETFL, O_NONBLOCK);
		if (child->in >= 0)
			fcntl(child->in, F_SETFL, O_NONBLOCK);
		return 0;
	}
	ccp_archive_child_kill(child);
	return ccp_err_sys(err, failed, "cannot start the decompressor");
}

/* What it said, without whose words they are: "ccpipe: standard input: at byte 12: unexpected end of file". */
static void read_words(struct ccp_archive_child *child, char *words, size_t room)
{
	char rest[512];
	size_t used = 0;
	ssize_t n;

	while ((n = read(child->words, used < room - 1 ? words + used : rest,
			 used < room - 1 ? room - 1 - used : sizeof rest)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		if (used < room - 1)
			used += (size_t)n;
	}
	words[used] = '\0';
	words[strcspn(words, "\n")] = '\0';
}

static int wait_for(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status;
}

int ccp_archive_child_end(struct ccp_archive_child *child, struct ccp_err *err)
{
	static const char *const prefixes[] = { "ccpipe: ", "standard input: " };
	char words[CCP_ERR_TEXT], *text = words, *end;
	uint64_t offset = CCP_NO_OFFSET;
	enum ccp_code code;
	int status;

	close_if_open(&child->in);
	close_if_open(&child->out);
	read_words(child, words, sizeof words);
	status = wait_for(child->pid);
	child->pid = 0;
	close_if_open(&child->words);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++)
		if (strncmp(text, prefixes[i], strlen(prefixes[i])) == 0)
			text += strlen(prefixes[i]);
	if (strncmp(text, "at byte ", 8) == 0) {
		offset = strtoull(text + 8, &end, 10);
		text = end + strspn(end, ": ");
	}
	/* as a warning it is told like what is passed over, since that is what happens to such bytes */
	code = WIFEXITED(status) && WEXITSTATUS(status) == STATUS_WARNING ? CCP_W_SPECIAL : CCP_E_OTHER;
	if (*text == '\0' && WIFSIGNALED(status))
		return ccp_err_set(err, CCP_E_OTHER, "the decompressor was killed by signal %d", WTERMSIG(status));
	return ccp_err_at(err, code, offset, "%s", *text != '\0' ? text : "the decompressor failed");
}

void ccp_archive_child_kill(struct ccp_archive_child *child)
{
	close_if_open(&child->in);
	close_if_open(&child->out);
	close_if_open(&child->words);
	if (child->pid == 0)
		return;
	kill(child->pid, SIGKILL);
	wait_for(child->pid);
	child->pid = 0;
}
