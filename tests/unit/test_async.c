/*
 * test_async.c: the event loop, with io_uring and without: files, small and big, streams, slow and silent ones.
 */
#include <criterion/criterion.h>
#include <fcntl.h>

#include "tests/unit/strategy_help.h"

extern const struct ccp_strategy_ops ccp_strategy_async;

#define STRATEGY "read=async,work=threads,write=threads"

TestSuite(async, .init = help_set_up, .fini = help_tear_down, .timeout = 120);

/* 0: as it comes; 1: io_uring is forbidden. */
static void forbid(int forbidden)
{
	setenv("CCPIPE_NO_IO_URING", forbidden ? "1" : "", 1);
}

static void run_async(const struct ccp_transform_ops *transform)
{
	struct ccp_run_options options;
	struct ccp_err err;

	help_options(&options, transform, STRATEGY, "2");
	cr_assert(help_run(&options, &err) == 0, "%s", err.text);
}

Test(async, note_tells_the_fallback)
{
	cr_expect(!ccp_strategy_async.probe || !ccp_strategy_async.probe());
	forbid(1);
	const char *note = ccp_strategy_async.note();
	cr_assert(note);
	cr_expect(strstr(note, "regular files are read by helper threads"), "%s", note);
}

Test(async, files)
{
	static const size_t sizes[] = { 300 * HELP_CHUNK + 17, 100, 0, HELP_CHUNK, 7 * HELP_CHUNK, HELP_CHUNK - 1 };

	for (size_t i = 0; i < 6; i++)
		help_file(sizes[i]);
	for (int round = 0; round < 4; round++) {
		const struct ccp_transform_ops *transform = round / 2 ? &help_chain : &help_mix;

		forbid(round % 2);
		run_async(transform);
		for (size_t i = 0; i < 6; i++)
			cr_expect(help_file_right(transform, i, sizes[i]), "input %zu: %s", i, help.input[i].err.text);
	}
}

Test(async, many_small_files)
{
	for (size_t i = 0; i < HELP_INPUTS; i++)
		help_file(i);
	for (int forbidden = 0; forbidden < 2; forbidden++) {
		forbid(forbidden);
		run_async(&help_mix);
		for (size_t i = 0; i < HELP_INPUTS; i++)
			cr_expect(help_file_right(&help_mix, i, i), "input %zu: %s", i, help.input[i].err.text);
	}
}

Test(async, missing_files_are_their_own_error)
{
	help_file(1000);
	help_name();
	help_file(1000);
	for (int forbidden = 0; forbidden < 2; forbidden++) {
		forbid(forbidden);
		run_async(&help_mix);
		cr_expect(help_file_right(&help_mix, 0, 1000));
		cr_expect(help.input[1].outcome == CCP_FAILED && help.input[1].err.sys == ENOENT);
		cr_expect(help_file_right(&help_mix, 2, 1000));
	}
}

static pid_t start_writer(const char *path, const uint8_t *in, size_t bytes, size_t step, unsigned pause_us)
{
	pid_t writer = fork();

	if (writer != 0)
		return writer;
	FILE *file = fopen(path, "wb");
	for (size_t i = 0; i < bytes; i += step) {
		fwrite(in + i, 1, bytes - i < step ? bytes - i : step, file);
		fflush(file);
		if (pause_us > 0)
			help_sleep_us(pause_us);
	}
	fclose(file);
	_exit(0);
}

Test(async, slow_and_fast_fifos)
{
	size_t bytes = 20 * HELP_CHUNK + 5;
	uint8_t *in = malloc(bytes);
	struct ccp_run_options options;
	struct ccp_err err;

	for (size_t i = 0; i < bytes; i++)
		in[i] = help_byte(i);
	cr_assert(mkfifo(help_name(), 0600) == 0);
	help_file(5 * HELP_CHUNK);
	cr_assert(mkfifo(help_name(), 0600) == 0);
	for (int round = 0; round < 4; round++) {
		const struct ccp_transform_ops *transform = round / 2 ? &help_chain : &help_mix;

		forbid(round % 2);
		pid_t slow = start_writer(help.input[0].path, in, bytes, 1777, 2000);
		pid_t fast = start_writer(help.input[2].path, in, bytes, bytes, 0);
		help_options(&options, transform, STRATEGY, "2");
		size_t before = help_descriptors();
		cr_assert(ccp_run(&options, &help.summary, &err) == 0);
		cr_expect(help_descriptors() == before);
		waitpid(slow, NULL, 0);
		waitpid(fast, NULL, 0);
		cr_expect(help_right(transform, 0, in, bytes), "%s", help.input[0].err.text);
		cr_expect(help_file_right(transform, 1, 5 * HELP_CHUNK));
		cr_expect(help_right(transform, 2, in, bytes), "%s", help.input[2].err.text);
	}
	free(in);
}

/* Standard input: a file, which epoll does not take and which is read from where it stands; a pipe. */
Test(async, standard_input)
{
	size_t bytes = 10 * HELP_CHUNK + 77;
	uint8_t *in = malloc(bytes);
	struct ccp_run_options options;
	struct ccp_err err;

	help_file(bytes);
	for (size_t i = 0; i < bytes; i++)
		in[i] = help_byte(i + 1);
	for (int round = 0; round < 4; round++) {
		size_t skip = round / 2 ? 0 : 1000;
		int fd, pipes[2] = { -1, -1 };

		forbid(round % 2);
		fd = open(help.input[0].path, O_RDONLY);
		cr_assert(lseek(fd, (off_t)skip, SEEK_SET) == (off_t)skip);
		if (round / 2) {
			cr_assert(pipe2(pipes, O_CLOEXEC) == 0);
			if (fork() == 0) {
				for (size_t i = 0; i < bytes;) {
					ssize_t n = write(pipes[1], in + i, bytes - i < 999 ? bytes - i : 999);

					i += (size_t)(n > 0 ? n : 0);
				}
				_exit(0);
			}
			close(pipes[1]);
			dup2(pipes[0], 0);
			close(pipes[0]);
		} else {
			dup2(fd, 0);
		}
		close(fd);
		help_options(&options, &help_mix, STRATEGY, "2");
		options.walk.names = (char *[]){ (char[]){ "-" } };
		cr_assert(ccp_run(&options, &help.summary, &err) == 0);
		cr_expect(help_right(&help_mix, 0, in + skip, bytes - skip), "round %d: %s", round,
			  help.input[0].err.text);
		if (round / 2)
			wait(NULL);
	}
	free(in);
}

static unsigned ticks;

static void cancel_tick(void *arg, struct ccp_flow *flow, struct ccp_next *next)
{
	(void)arg, (void)flow, (void)next;
	if (++ticks == 2)
		ccp_run_cancel();
}

Test(async, cancelled_on_a_silent_fifo)
{
	struct ccp_run_options options;
	struct ccp_err err;

	cr_assert(mkfifo(help_name(), 0600) == 0);
	help_file(5 * HELP_CHUNK);
	int writer = open(help.input[0].path, O_RDWR | O_CLOEXEC); /* it says nothing, and does not end */
	for (int forbidden = 0; forbidden < 2; forbidden++) {
		forbid(forbidden);
		ticks = 0;
		help_options(&options, &help_mix, STRATEGY, "2");
		options.tick = cancel_tick;
		cr_assert(help_run(&options, &err) == 0);
		cr_expect(help.summary.cancelled);
		cr_expect(help.summary.wall_ns < 1000000000u, "%llu ns", (unsigned long long)help.summary.wall_ns);
		cr_expect(help.input[0].outcome == CCP_FAILED && help.input[0].err.code == CCP_E_CANCELLED, "%s",
			  help.input[0].err.text);
	}
	close(writer);
}

/* ---- resize ---------------------------------------------------------------------------------------------------- */

static struct ccp_exec *resized;
static unsigned resizes;

static int open_deep(struct ccp_exec **exec, struct ccp_flow *flow, const struct ccp_exec_options *options,
		     struct ccp_err *err)
{
	struct ccp_exec_options deep = { .degree = 1, .max_degree = 16 };
	int result = ccp_strategy_async.open(exec, flow, &deep, err);

	(void)options;
	resized = *exec;
	return result;
}

static void resize_tick(void *arg, struct ccp_flow *flow, struct ccp_next *next)
{
	static const unsigned degrees[] = { 16, 1, 3 };
	struct ccp_err err;

	(void)arg, (void)flow, (void)next;
	cr_expect(resized->ops->resize(resized, degrees[resizes++ % 3], &err) == 0, "%s", err.text);
	cr_expect(resized->ops->resize(resized, 17, &err) == -1);
}

Test(async, resize_up_and_down)
{
	struct ccp_strategy_ops deep = ccp_strategy_async;
	struct ccp_run_options options;
	struct ccp_err err;

	deep.open = open_deep;
	help_delay_us = 2000;
	for (size_t i = 0; i < 200; i++)
		help_file(HELP_CHUNK / 2);
	for (int forbidden = 0; forbidden < 2; forbidden++) {
		forbid(forbidden);
		help_options(&options, &help_mix, STRATEGY, "2");
		options.plan.stage[CCP_READ].strategy = &deep;
		options.tick = resize_tick;
		cr_assert(help_run(&options, &err) == 0);
		for (size_t i = 0; i < 200; i++)
			cr_expect(help_file_right(&help_mix, i, HELP_CHUNK / 2));
	}
	cr_expect(resizes > 2);
}
