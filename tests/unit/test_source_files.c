/* test_source_files.c: regular files: short reads, files that change under our feet, errors with their offsets. */
#include "tests/unit/source_help.h"

#include <errno.h>
#include <sys/xattr.h>

#define CHUNK 1000

TestSuite(source_files, .init = help_enter, .fini = help_leave);

/* A rig for the file `f`, and its first job. */
static struct ccp_job *begin(struct rig *rig)
{
	static char *const names[] = { (char *)"f" };
	struct ccp_walk_options walk = { .names = names, .name_count = 1 };

	rig_open(rig, &walk, CHUNK, false);
	return rig_take(rig);
}

static struct ccp_want want(struct rig *rig, struct ccp_job *job)
{
	struct ccp_want w = { .kind = CCP_WANT_NOTHING };

	cr_assert_eq(job->input->source->want(job, &rig->source, &w), 0);
	return w;
}

static int got(struct rig *rig, struct ccp_job *job, int64_t result)
{
	return ccp_source_got(job, &rig->source, result);
}

static void end(struct rig *rig, struct ccp_job *job)
{
	int word;

	rig_give(rig, job, true);
	cr_assert_null(rig_next(rig, &word));
	rig_close(rig);
}

/* Opens a whole job by hand, up to the first read. */
static int open_by_hand(struct rig *rig, struct ccp_job *job)
{
	struct ccp_want w = want(rig, job);

	cr_assert_eq(w.kind, CCP_WANT_OPEN);
	cr_assert_str_eq(w.path, "f");
	cr_assert(w.flags & O_NONBLOCK && w.flags & O_CLOEXEC && w.flags & O_NOFOLLOW && w.flags & O_NOCTTY);
	return got(rig, job, open(w.path, w.flags));
}

Test(source_files, table)
{
	struct stat st;
	size_t found = 0;

	for (size_t i = 0; ccp_sources[i] != NULL; i++)
		found += ccp_sources[i] == &ccp_source_files || ccp_sources[i] == &ccp_source_stream;
	cr_assert_eq(found, 2);
	help_put("f", 1);
	cr_assert_eq(lstat("f", &st), 0);
	cr_assert_eq(ccp_source_for("f", &st), &ccp_source_files);
	cr_assert_eq(ccp_source_for("f", NULL), &ccp_source_stream);
	cr_assert_eq(lstat("/dev/null", &st), 0);
	cr_assert_eq(ccp_source_for("/dev/null", &st), &ccp_source_stream);
}

/* open, read of size and one byte, close: the end is known without a second read. */
Test(source_files, whole_in_few_calls)
{
	struct rig rig = { .source = { 0 } };
	struct ccp_want w;

	help_put("f", 300);
	struct ccp_job *job = begin(&rig);
	cr_assert_eq(open_by_hand(&rig, job), 0);
	w = want(&rig, job);
	cr_assert(w.kind == CCP_WANT_READ && w.len == 301 && w.offset == 0);
	cr_assert_eq(got(&rig, job, pread(w.fd, w.data, w.len, 0)), 0);
	w = want(&rig, job);
	cr_assert_eq(w.kind, CCP_WANT_CLOSE);
	cr_assert_eq(got(&rig, job, close(w.fd)), 0);
	cr_assert_eq(want(&rig, job).kind, CCP_WANT_NOTHING);
	cr_assert_eq(job->fd, -1);
	cr_assert_eq(job->piece.err.code, CCP_OK);
	cr_assert(job->input->sized && job->input->size == 300 && job->input->has_meta && !job->input->has_xattr);
	cr_assert(job->input->origin.has_mtime);
	end(&rig, job);
}

Test(source_files, short_reads_and_interruptions)
{
	struct rig rig = { .source = { 0 } };

	help_put("f", 300);
	struct ccp_job *job = begin(&rig);
	cr_assert_eq(want(&rig, job).kind, CCP_WANT_OPEN);
	cr_assert_eq(got(&rig, job, -EINTR), 0);
	cr_assert_eq(open_by_hand(&rig, job), 0);
	for (int i = 0;; i++) {
		struct ccp_want w = want(&rig, job);

		if (w.kind != CCP_WANT_READ)
			break;
		cr_assert_eq(w.offset, job->piece.in.len);
		size_t len = w.len < 7 ? w.len : 7;
		cr_assert_eq(got(&rig, job, i % 2 ? -EINTR : pread(w.fd, w.data, len, (off_t)w.offset)), 0);
	}
	cr_assert_eq(job->piece.in.len, 300);
	cr_assert(help_bytes_are_right(&job->piece));
	cr_assert_eq(rig_load(&rig, job), 0);
	end(&rig, job);
}

static void expect_err(const struct ccp_job *job, enum ccp_code code, uint64_t offset, const char *text)
{
	cr_assert_eq(job->piece.err.code, code);
	cr_assert_eq(job->piece.err.offset, offset, "offset %ju", (uintmax_t)job->piece.err.offset);
	cr_assert_str_eq(job->piece.err.text, text);
	cr_assert_eq(job->fd, -1);
	cr_assert_eq(job->step, CCP_LOAD_DONE);
}

Test(source_files, errors_keep_no_descriptor)
{
	struct rig rig = { .source = { 0 } };
	int before = help_free_fd();

	help_put("f", 300);
	struct ccp_job *job = begin(&rig);
	cr_assert_eq(want(&rig, job).kind, CCP_WANT_OPEN);
	cr_assert_eq(got(&rig, job, -EACCES), -1);
	expect_err(job, CCP_E_SYS, CCP_NO_OFFSET, "Permission denied");
	end(&rig, job);

	job = begin(&rig);
	cr_assert_eq(open_by_hand(&rig, job), 0);
	want(&rig, job);
	cr_assert_eq(got(&rig, job, 120), 0);
	want(&rig, job);
	cr_assert_eq(got(&rig, job, -EIO), -1);
	expect_err(job, CCP_E_SYS, 120, "Input/output error");
	end(&rig, job);

	job = begin(&rig);
	unlink("f");
	cr_assert_eq(symlink("g", "f"), 0);
	cr_assert_eq(rig_load(&rig, job), -1);
	expect_err(job, CCP_E_SYMLINK, CCP_NO_OFFSET, "is a symbolic link");
	end(&rig, job);
	cr_assert_eq(help_free_fd(), before);
}

/* What a name has become between NEXT's look and LOAD's open. */
Test(source_files, replaced_before_the_open)
{
	struct rig rig = { .source = { 0 } };
	struct ccp_job *job;

	help_put("f", 300);
	job = begin(&rig);
	unlink("f");
	mkfifo("f", 0644);
	cr_assert_eq(rig_load(&rig, job), -1);
	expect_err(job, CCP_W_SPECIAL, CCP_NO_OFFSET, "is not a directory or a regular file");
	end(&rig, job);

	unlink("f");
	help_put("f", 300);
	rig.source.to_stdout = true;
	job = begin(&rig);
	unlink("f");
	mkfifo("f", 0644);
	cr_assert_eq(rig_load(&rig, job), -1);
	expect_err(job, CCP_E_CHANGED, CCP_NO_OFFSET, "is no longer a regular file");
	end(&rig, job);

	unlink("f");
	help_put("f", 300);
	job = begin(&rig);
	help_put("f", CHUNK + 1);
	cr_assert_eq(rig_load(&rig, job), -1);
	expect_err(job, CCP_E_CHANGED, CCP_NO_OFFSET, "grew while it was read");
	end(&rig, job);
}

Test(source_files, whole_that_changes)
{
	struct rig rig = { .source = { 0 } };
	struct ccp_job *job;
	struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = 1 } };

	help_put("f", 300); /* grows, but not beyond the chunk: all of it is read, with a warning */
	job = begin(&rig);
	cr_assert_eq(open_by_hand(&rig, job), 0);
	help_put("f", 400);
	cr_assert_eq(rig_load(&rig, job), 0);
	cr_assert_eq(job->piece.in.len, 400);
	expect_err(job, CCP_W_CHANGED, CCP_NO_OFFSET, "changed while it was read");
	end(&rig, job);

	job = begin(&rig); /* shrinks */
	cr_assert_eq(open_by_hand(&rig, job), 0);
	help_put("f", 100);
	cr_assert_eq(rig_load(&rig, job), 0);
	cr_assert_eq(job->piece.in.len, 100);
	expect_err(job, CCP_W_CHANGED, CCP_NO_OFFSET, "changed while it was read");
	end(&rig, job);

	job = begin(&rig); /* written to, the size is the same */
	cr_assert_eq(open_by_hand(&rig, job), 0);
	cr_assert_eq(utimensat(AT_FDCWD, "f", times, 0), 0);
	cr_assert_eq(rig_load(&rig, job), 0);
	expect_err(job, CCP_W_CHANGED, CCP_NO_OFFSET, "changed while it was read");
	end(&rig, job);

	job = begin(&rig); /* grows beyond the chunk */
	cr_assert_eq(open_by_hand(&rig, job), 0);
	help_put("f", 2 * CHUNK);
	cr_assert_eq(rig_load(&rig, job), -1);
	expect_err(job, CCP_E_CHANGED, CHUNK, "grew while it was read");
	end(&rig, job);
}

Test(source_files, cut_that_changes)
{
	struct rig rig = { .source = { 0 } };
	struct ccp_job *first, *second;

	help_put("f", 2 * CHUNK - 1);
	first = begin(&rig);
	second = rig_take(&rig);
	cr_assert_eq(rig_load(&rig, first), 0);
	cr_assert_eq(first->piece.err.code, CCP_OK);
	cr_assert_eq(truncate("f", CHUNK + 10), 0);
	cr_assert_eq(rig_load(&rig, second), -1);
	expect_err(second, CCP_E_CHANGED, CHUNK + 10, "shrank while it was read");
	rig_give(&rig, first, false);
	end(&rig, second);

	help_put("f", 2 * CHUNK);
	first = begin(&rig);
	second = rig_take(&rig);
	cr_assert(second->final && second->load_bytes == CHUNK);
	help_put("f", 2 * CHUNK + 1);
	cr_assert_eq(rig_load(&rig, second), 0);
	expect_err(second, CCP_W_CHANGED, CCP_NO_OFFSET, "changed while it was read");
	cr_assert_eq(second->piece.in.len, CHUNK);
	cr_assert_eq(want(&rig, first).kind, CCP_WANT_READ);
	cr_assert_eq(got(&rig, first, -EIO), -1);
	cr_assert_geq(first->input->fd, 0, "the input's descriptor is not the job's to close");
	rig_give(&rig, first, false);
	end(&rig, second);
}

/* As in a worker process, where the input's descriptor is not valid. */
Test(source_files, reopened)
{
	struct rig rig = { .source = { .remove_source = true } };
	int before = help_free_fd();

	help_put("f", 3 * CHUNK);
	struct ccp_job *jobs[3] = { begin(&rig), rig_take(&rig), rig_take(&rig) };
	int fd = jobs[0]->input->fd;

	jobs[0]->input->fd = 999;
	for (int i = 0; i < 3; i++)
		jobs[i]->reopen = true;
	cr_assert_eq(rig_load(&rig, jobs[1]), 0);
	cr_assert_eq(jobs[1]->piece.in.len, CHUNK);
	cr_assert(help_bytes_are_right(&jobs[1]->piece));
	cr_assert_eq(jobs[1]->fd, -1);
	cr_assert_eq(link("f", "kept"), 0); /* the number of the new one would be that of the old one */
	unlink("f");
	cr_assert_eq(rig_load(&rig, jobs[0]), -1);
	expect_err(jobs[0], CCP_E_SYS, CCP_NO_OFFSET, "No such file or directory");
	help_put("f", 3 * CHUNK);
	cr_assert_eq(rig_load(&rig, jobs[2]), -1);
	expect_err(jobs[2], CCP_E_CHANGED, 2 * CHUNK, "was replaced while it was read");
	jobs[0]->input->fd = fd;
	rig_give(&rig, jobs[0], false);
	rig_give(&rig, jobs[1], false);
	end(&rig, jobs[2]);
	cr_assert_eq(help_free_fd(), before);
}

/* A file that NEXT saw as a big one, and that is empty, or small, when it is opened. */
Test(source_files, shrank_before_it_was_cut)
{
	char *const names[] = { (char *)"f", (char *)"g" };
	struct ccp_walk_options walk = { .names = names, .name_count = 2 };
	struct rig rig = { .source = { 0 } };
	size_t sizes[] = { 0, 10, CHUNK };

	for (int i = 0; i < 3; i++) {
		help_put("f", 3 * CHUNK);
		help_put("g", 2 * CHUNK);
		rig_open(&rig, &walk, CHUNK, false);
		struct ccp_job *job = rig_take(&rig); /* looks at both */
		ccp_next_stop(rig.next, job->input);
		rig_give(&rig, job, true);
		help_put("g", sizes[i]);
		job = rig_take(&rig);
		cr_assert(job->final && job->piece.first && job->piece.last && !job->whole);
		cr_assert_eq(job->load_bytes, sizes[i]);
		cr_assert_eq(rig_load(&rig, job), 0);
		cr_assert_eq(job->piece.in.len, sizes[i]);
		end(&rig, job);
	}
}

Test(source_files, extended_attributes)
{
	struct rig rig = { .source = { 0 } };

	help_put("f", 1);
	if (setxattr("f", "user.ccp", "x", 1, 0) != 0)
		cr_skip_test("no user attributes on this file system");
	struct ccp_job *job = begin(&rig);
	cr_assert_eq(rig_load(&rig, job), 0);
	cr_assert(job->input->has_xattr);
	end(&rig, job);
}
