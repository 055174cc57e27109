/*
 * compare_scratch.c: a folder of our own below $TMPDIR, /var/tmp or /tmp, with
 *
 *	run/stdout, run/files/, run/output   what the run that is going on writes
 *	stderr                               what it says
 *	stdin                                standard input, kept for all rounds
 *	plan.N                               what auto came to with N workers
 *
 * Standard input that is a regular file is not copied, but opened again for each run.
 */
#include "cmd/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/signals.h"
#include "pipeline/walk.h"

#define BUFFER_BYTES 65536

/* Removes a folder with all that is in it. Returns 0 or an errno. */
static int remove_tree(const char *folder)
{
	char root[PATH_MAX], *const roots[] = { root, NULL };
	FTSENT *entry;
	FTS *walk;
	int error = 0;

	snprintf(root, sizeof root, "%s", folder);
	walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (walk == NULL)
		return errno;
	while ((entry = fts_read(walk)) != NULL) {
		if (entry->fts_info == FTS_D)
			chmod(entry->fts_accpath, 0700); /* an output may have got the mode of a read-only folder */
		else if ((entry->fts_info == FTS_DP ? rmdir(entry->fts_accpath) : unlink(entry->fts_accpath)) != 0 &&
			 errno != ENOENT)
			error = errno;
	}
	fts_close(walk);
	return error;
}

/* A run that walked over the scratch folder would read its own output. */
static int check_place(const struct ccp_compare *c, struct ccp_err *err)
{
	char real[PATH_MAX], name[PATH_MAX];

	if (!c->command.settings.recursive || realpath(c->scratch, real) == NULL)
		return 0;
	for (size_t i = 0; i < c->command.name_count; i++) {
		size_t len;

		if (realpath(c->command.names[i], name) == NULL)
			continue;
		len = strcmp(name, "/") == 0 ? 0 : strlen(name);
		if (strncmp(real, name, len) == 0 && real[len] == '/')
			return ccp_err_set(err, CCP_E_USAGE,
					   "%.200s holds the place for outputs, %.80s: set TMPDIR to "
					   "another one",
					   c->command.names[i], c->scratch);
	}
	return 0;
}

static int make_folder(struct ccp_compare *c, struct ccp_err *err)
{
	const char *const places[] = { getenv("TMPDIR"), "/var/tmp", "/tmp" };
	int error = ENOENT;

	for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
		char real[PATH_MAX];

		/* absolute, because it is named in the words of a child */
		if (places[i] == NULL || places[i][0] == '\0' || realpath(places[i], real) == NULL)
			continue;
		if (snprintf(c->scratch, sizeof c->scratch, "%s/ccpipe-compare.XXXXXX", real) <
			    (int)sizeof c->scratch &&
		    mkdtemp(c->scratch) != NULL)
			return 0;
		error = errno;
	}
	c->scratch[0] = '\0';
	return ccp_err_sys(err, error, "no place for outputs (TMPDIR, /var/tmp, /tmp)");
}

/* Copies standard input to the file `out`. */
static int copy_input(int out, struct ccp_err *err)
{
	unsigned char buffer[BUFFER_BYTES];

	for (;;) {
		ssize_t n = read(STDIN_FILENO, buffer, sizeof buffer);

		if (ccp_signals_caught() != 0)
			return ccp_err_set(err, CCP_E_CANCELLED, "interrupted");
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return ccp_err_sys(err, errno, "standard input");
		for (ssize_t done = 0, more; done < n; done += more) {
			more = write(out, buffer + done, (size_t)(n - done));
			if (more < 0 && errno != EINTR)
				return ccp_err_sys(err, errno, "keeping standard input");
			more = more < 0 ? 0 : more;
		}
	}
}

static int keep_input(struct ccp_compare *c, struct ccp_err *err)
{
	char path[PATH_MAX];
	struct stat st;
	int out, result;

	if (!c->command.reads_stdin)
		return 0;
	if (c->command.settings.files_from == NULL && fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode)) {
		c->input_offset = lseek(STDIN_FILENO, 0, SEEK_CUR);
		c->input_fd = open("/proc/self/fd/0", O_RDONLY | O_CLOEXEC);
		if (c->input_fd >= 0)
			return 0;
	}
	snprintf(path, sizeof path, "%s/stdin", c->scratch);
	out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (out < 0)
		return ccp_err_sys(err, errno, "keeping standard input");
	result = copy_input(out, err);
	close(out);
	return result;
}

int ccp_compare_scratch_init(struct ccp_compare *c, struct ccp_err *err)
{
	if (make_folder(c, err) != 0 || check_place(c, err) != 0)
		return -1;
	return keep_input(c, err);
}

void ccp_compare_scratch_release(struct ccp_compare *c)
{
	if (c->input_fd >= 0)
		close(c->input_fd);
	if (c->scratch[0] != '\0')
		remove_tree(c->scratch);
}

int ccp_compare_scratch_clear(const struct ccp_compare *c, struct ccp_err *err)
{
	char path[PATH_MAX];
	int error;

	snprintf(path, sizeof path, "%s/run", c->scratch);
	error = remove_tree(path);
	if (error != 0 && error != ENOENT)
		return ccp_err_sys(err, error, "%s", path);
	if (mkdir(path, 0700) != 0)
		return ccp_err_sys(err, errno, "%s", path);
	if (!c->command.to_dir)
		return 0;
	snprintf(path, sizeof path, "%s/run/files", c->scratch);
	return mkdir(path, 0700) == 0 ? 0 : ccp_err_sys(err, errno, "%s", path);
}

int ccp_compare_input(const struct ccp_compare *c, struct ccp_err *err)
{
	char path[PATH_MAX] = "/dev/null";
	int fd;

	if (c->input_fd >= 0)
		snprintf(path, sizeof path, "/proc/self/fd/%d", c->input_fd);
	else if (c->command.reads_stdin)
		snprintf(path, sizeof path, "%s/stdin", c->scratch);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || (c->input_fd >= 0 && c->input_offset > 0 && lseek(fd, c->input_offset, SEEK_SET) < 0)) {
		ccp_err_sys(err, errno, "standard input cannot be opened again");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	return fd;
}

/* Dirty pages would stay: they are written first. */
static void cool_file(int fd)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		fdatasync(fd);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	}
}

static void cool_path(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return;
	cool_file(fd);
	close(fd);
}

static void cool_names(const struct ccp_compare *c)
{
	const struct ccp_settings *s = &c->command.settings;
	char path[PATH_MAX];
	struct ccp_walk_options options = {
		.names = c->command.names,
		.name_count = c->command.name_count,
		.files_from = s->files_from,
		.nul_separated = s->nul_separated,
		.recursive = s->recursive,
		.follow = true,
	};
	struct ccp_walk_entry entry;
	struct ccp_walk *walk;
	struct ccp_err err;

	snprintf(path, sizeof path, "%s/stdin", c->scratch);
	if (s->files_from != NULL && strcmp(s->files_from, "-") == 0)
		options.files_from = path;
	if (ccp_walk_new(&walk, &options, &err) != 0)
		return;
	while (ccp_walk_next(walk, &entry) == 1) {
		if (entry.is_stdin)
			continue;
		if (!entry.has_stat && s->suffix != NULL) { /* gunzip finds NAME.gz */
			char name[PATH_MAX];

			if (snprintf(name, sizeof name, "%s%s", entry.path, s->suffix) < (int)sizeof name)
				cool_path(name);
		} else if (S_ISREG(entry.st.st_mode)) {
			cool_path(entry.path);
		}
	}
	ccp_walk_free(walk);
}

void ccp_compare_cool(const struct ccp_compare *c)
{
	struct ccp_err err;
	int fd;

	if (c->command.name_count > 0 || c->command.settings.files_from != NULL)
		cool_names(c);
	fd = c->command.reads_stdin ? ccp_compare_input(c, &err) : -1;
	if (fd >= 0) {
		cool_file(fd);
		close(fd);
	}
}
