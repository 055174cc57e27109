/* test_source_stream.c: stdin, FIFOs and devices: portions, waiting, cancelling, errors. */
#include "tests/unit/source_help.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#define CHUNK 1000

TestSuite(source_stream, .init = help_enter, .fini = help_leave, .timeout = 10);

static struct ccp_job *begin(struct rig *rig, const char *name)
{
	static char *names[1];
	struct ccp_walk_options walk = { .names = names, .name_count = 1 };

	names[0] = (char *)name;
	rig_open(rig, &walk, CHUNK, true);
	return rig_take(rig);
}

static void end(struct rig *rig, struct ccp_job *job)
{
	rig_give(rig, job, true);
	rig_close(rig);
}

/* However the writer's portions fall, the chunks are the same. */
Test(source_stream, portions)
{
	for (size_t portion = 1; portion < 2 * CHUNK; portion = portion * 3 + 1) {
		struct rig rig = { .source = { .to_stdout = true } };
		int to = help_pipe_to_stdin();

		pid_t child = fork();
		if (child == 0) {
			for (size_t at = 0; at < 3 * CHUNK; at += portion)
				help_write(to, at, 3 * CHUNK - at < portion ? 3 * CHUNK - at : portion);
			_exit(0);
		}
		close(to);
		struct ccp_job *job = begin(&rig, "-");
		cr_assert_str_eq(job->input->origin.name, "");
		cr_assert(!job->input->origin.has_mtime && !job->input->has_meta && !job->input->sized);
		for (int i = 0; i < 3; i++) {
			cr_assert_eq(rig_load(&rig, job), 0);
			cr_assert_eq(job->piece.in.len, CHUNK);
			cr_assert(help_bytes_are_right(&job->piece));
			cr_assert_eq(job->piece.last, i == 2);
			if (i < 2) {
				rig_give(&rig, job, false);
				job = rig_take(&rig);
			}
		}
		end(&rig, job);
		cr_assert_eq(waitpid(child, NULL, 0), child);
	}
}

Test(source_stream, stdin_is_left_as_it_was)
{
	struct rig rig = { .source = { .to_stdout = true } };

	help_put("f", 300);
	int fd = open("f", O_RDONLY | O_CLOEXEC);
	dup2(fd, STDIN_FILENO);
	cr_assert_eq(lseek(STDIN_FILENO, 100, SEEK_SET), 100);
	struct ccp_job *job = begin(&rig, "-");
	cr_assert(job->input->sized && job->input->size == 200, "what is before the offset is not read");
	cr_assert(job->input->origin.has_mtime && job->input->origin.name[0] == '\0');
	cr_assert_eq(rig_load(&rig, job), 0);
	cr_assert_eq(job->piece.in.len, 200);
	cr_assert_eq(job->piece.in.data[0], help_byte(100));
	end(&rig, job);
	cr_assert_eq(fcntl(STDIN_FILENO, F_GETFL) & O_NONBLOCK, 0);
	close(fd);
}

/* Somebody else has made the pipe non-blocking: EAGAIN is not the end. */
Test(source_stream, non_blocking_stdin)
{
	struct rig rig = { .source = { .to_stdout = true } };
	int to = help_pipe_to_stdin();

	cr_assert_eq(fcntl(STDIN_FILENO, F_SETFL, O_NONBLOCK), 0);
	pid_t child = fork();
	if (child == 0) {
		for (int i = 0; i < 5; i++) {
			usleep(5000);
			help_write(to, (uint64_t)i * 10, 10);
		}
		_exit(0);
	}
	close(to);
	struct ccp_job *job = begin(&rig, "-");
	struct ccp_want want;
	cr_assert_eq(job->input->source->want(job, &rig.source, &want), 0);
	cr_assert_eq(want.kind, CCP_WANT_STREAM);
	cr_assert_eq(ccp_source_got(job, &rig.source, -EAGAIN), 0);
	cr_assert_eq(ccp_source_got(job, &rig.source, -EINTR), 0);
	cr_assert_eq(rig_load(&rig, job), 0);
	cr_assert_eq(job->piece.in.len, 50);
	cr_assert(help_bytes_are_right(&job->piece));
	end(&rig, job);
	waitpid(child, NULL, 0);
}

/* With lulls a job ends where the bytes do, if more may be long in coming; nothing is lost, nothing is twice there. */
Test(source_stream, lulls)
{
	static const size_t portions[] = { 10, 1, CHUNK, CHUNK + 1, 20 }, chunks[] = { 10, 1, CHUNK, CHUNK, 1, 20 };
	struct rig rig = { .source = { .to_stdout = true, .lulls = true } };
	int to = help_pipe_to_stdin();
	struct ccp_job *job = begin(&rig, "-");
	uint64_t written = 0, read = 0;

	for (size_t i = 0, k = 0; i < 6; i++) {
		if (read == written) {
			help_write(to, written, portions[k]);
			written += portions[k++];
		}
		cr_assert_eq(rig_load(&rig, job), 0);
		cr_assert(job->piece.offset == read && job->piece.in.len == chunks[i], "job %zu: %zu bytes at %zu", i,
			  job->piece.in.len, (size_t)job->piece.offset);
		cr_assert(help_bytes_are_right(&job->piece));
		read += job->piece.in.len;
		cr_assert(!job->piece.last && job->piece.lull == (read == written));
		rig_give(&rig, job, false);
		job = rig_take(&rig);
	}
	help_write(to, written, 5);
	close(to);
	cr_assert_eq(rig_load(&rig, job), 0);
	cr_assert(job->piece.last && !job->piece.lull && job->piece.in.len == 5 && job->piece.offset == written);
	end(&rig, job);
}

/* When is it due? Not before there is anything, and never of a stream that nobody wants cut. */
Test(source_stream, due)
{
	struct rig rig = { .source = { .to_stdout = true } };
	int to = help_pipe_to_stdin();
	struct ccp_job *job = begin(&rig, "-");
	struct ccp_want want;

	help_write(to, 0, 10);
	cr_assert_eq(job->input->source->want(job, &rig.source, &want), 0);
	cr_assert_eq(ccp_source_got(job, &rig.source, read(want.fd, want.data, want.len)), 0);
	cr_assert_eq(job->input->source->want(job, &rig.source, &want), 0);
	cr_assert_eq(want.due_ns, 0);
	cr_assert_eq(ccp_source_got(job, &rig.source, -ETIME), -1);
	cr_assert_eq(job->piece.err.code, CCP_E_SYS);
	end(&rig, job);

	rig.source.lulls = true;
	to = help_pipe_to_stdin();
	job = begin(&rig, "-");
	cr_assert_eq(job->input->source->want(job, &rig.source, &want), 0);
	cr_assert_eq(want.due_ns, 0);
	help_write(to, 0, 10);
	cr_assert_eq(ccp_source_got(job, &rig.source, read(want.fd, want.data, want.len)), 0);
	cr_assert_eq(job->input->source->want(job, &rig.source, &want), 0);
	cr_assert(want.due_ns > 0 && job->step == CCP_LOAD_READING);
	uint64_t due_ns = want.due_ns;
	help_write(to, 10, 10);
	cr_assert_eq(ccp_source_got(job, &rig.source, read(want.fd, want.data, want.len)), 0);
	cr_assert_eq(job->input->source->want(job, &rig.source, &want), 0);
	cr_assert_eq(want.due_ns, due_ns, "what trickles is due all the same");
	cr_assert_eq(ccp_source_got(job, &rig.source, -ETIME), 0);
	cr_assert(job->step == CCP_LOAD_DONE && job->piece.in.len == 20 && job->piece.lull);
	close(to);
	end(&rig, job);
}

/* A FIFO is opened at once; that no writer is there yet is not its end. */
Test(source_stream, fifo_waits_for_its_writer)
{
	struct rig rig = { .source = { .to_stdout = true } };

	cr_assert_eq(mkfifo("p", 0600), 0);
	struct ccp_job *job = begin(&rig, "p");
	pid_t child = fork();
	if (child == 0) {
		usleep(30000);
		int to = open("p", O_WRONLY | O_CLOEXEC);
		help_write(to, 0, 10);
		_exit(0);
	}
	cr_assert_eq(rig_load(&rig, job), 0);
	cr_assert_eq(job->piece.in.len, 10);
	cr_assert(job->piece.last && !job->input->has_meta);
	end(&rig, job);
	waitpid(child, NULL, 0);
}

Test(source_stream, cancel_ends_the_wait)
{
	struct rig rig = { .source = { .to_stdout = true } };
	int cancel = eventfd(1, EFD_CLOEXEC);

	cr_assert_eq(mkfifo("p", 0600), 0);
	struct ccp_job *job = begin(&rig, "p");
	cr_assert_eq(ccp_source_load(job, &rig.source, cancel), -1);
	cr_assert_eq(job->piece.err.code, CCP_E_CANCELLED);
	cr_assert(job->piece.last && job->step == CCP_LOAD_DONE);
	ccp_next_loaded(rig.next, job->input, job->piece.last);
	cr_assert_null(ccp_next_current(rig.next));
	end(&rig, job);
	close(cancel);
}

Test(source_stream, devices)
{
	struct rig rig = { .source = { .to_stdout = true } };
	struct ccp_job *job = begin(&rig, "/dev/null");

	cr_assert_eq(rig_load(&rig, job), 0);
	cr_assert(job->piece.in.len == 0 && job->piece.first && job->piece.last);
	end(&rig, job);
	job = begin(&rig, "/dev/zero");
	cr_assert_eq(rig_load(&rig, job), 0);
	cr_assert(job->piece.in.len == CHUNK && !job->piece.last && job->input->peeked == 0);
	ccp_next_stop(rig.next, job->input);
	end(&rig, job);
}

Test(source_stream, errors_have_an_offset)
{
	struct rig rig = { .source = { .to_stdout = true } };
	int to = help_pipe_to_stdin();
	struct ccp_want want;

	help_write(to, 0, CHUNK + 50);
	struct ccp_job *job = begin(&rig, "-");
	cr_assert_eq(rig_load(&rig, job), 0);
	rig_give(&rig, job, false);
	job = rig_take(&rig);
	cr_assert_eq(job->input->source->want(job, &rig.source, &want), 0);
	cr_assert_eq(ccp_source_got(job, &rig.source, read(want.fd, want.data, want.len)), 0);
	cr_assert_eq(ccp_source_got(job, &rig.source, -EIO), -1);
	cr_assert_eq(job->piece.err.offset, CHUNK + 50);
	cr_assert_str_eq(job->piece.err.text, "Input/output error");
	cr_assert(job->piece.last);
	ccp_next_loaded(rig.next, job->input, job->piece.last);
	end(&rig, job);
}

Test(source_stream, stdin_that_cannot_be_read)
{
	struct rig rig = { .source = { .to_stdout = true } };

	int fd = open(".", O_RDONLY | O_CLOEXEC);
	dup2(fd, STDIN_FILENO);
	struct ccp_job *job = begin(&rig, "-");
	cr_assert_eq(rig_load(&rig, job), -1);
	cr_assert_eq(job->piece.err.sys, EISDIR);
	cr_assert_str_eq(job->piece.err.text, "Is a directory");
	end(&rig, job);
	close(fd);

	close(STDIN_FILENO);
	job = begin(&rig, "-");
	cr_assert(job->final && job->step == CCP_LOAD_DONE);
	cr_assert_eq(job->piece.err.sys, EBADF);
	end(&rig, job);
}
