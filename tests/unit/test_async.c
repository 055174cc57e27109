/*
 * test_async.c: the event loop, with io_uring and without: files, small and big, streams, slow and silent ones, delays,
 * and where its time goes.
 */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>

#include "pipeline/inject.h"
#include "pipeline/meter.h"
#include "strategies/async_internal.h"
#include "tests/unit/strategy_help.h"

extern const struct ccp_strategy_ops ccp_strategy_async, ccp_strategy_threads;

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
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* it would wait for a reader for ever */
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
static struct ccp_exec_options depths = { .degree = 1, .max_degree = 16 };
static struct ccp_meter *meter; /* of the next run; NULL = none */

static int open_deep(struct ccp_exec **exec, struct ccp_flow *flow, const struct ccp_exec_options *options,
		     struct ccp_err *err)
{
	struct ccp_exec_options deep = *options;
	int result;

	if (meter) /* a run has none by itself without a profile */
		((struct ccp_flow_config *)ccp_flow_config(flow))->meter = meter;
	deep.degree = depths.degree;
	deep.max_degree = depths.max_degree;
	result = ccp_strategy_async.open(exec, flow, &deep, err);
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

/* ---- injected delays ------------------------------------------------------------------------------------------- */

#define DELAYED 32

static atomic_uint in_flight, most_in_flight; /* files that were opened, and have not come to WORK */

static int count_opened(const void *arg, const struct ccp_input *input, struct ccp_err *err)
{
	unsigned now = atomic_fetch_add(&in_flight, 1) + 1, most = atomic_load(&most_in_flight);

	(void)arg, (void)input, (void)err;
	while (now > most && !atomic_compare_exchange_weak(&most_in_flight, &most, now))
		;
	return 0;
}

/* An executor that counts what it is given, and hands it on to threads. */
static struct ccp_exec counting, *counted;
static struct ccp_strategy_ops counting_ops;

static void count_submitted(struct ccp_exec *exec, enum ccp_stage stage, struct ccp_job *job)
{
	(void)exec;
	if (stage == CCP_WORK && !job->more)
		atomic_fetch_sub(&in_flight, 1);
	counted->ops->submit(counted, stage, job);
}

static int open_counting(struct ccp_exec **exec, struct ccp_flow *flow, const struct ccp_exec_options *options,
			 struct ccp_err *err)
{
	counting = (struct ccp_exec){ .ops = &counting_ops, .flow = flow, .degree = options->degree };
	*exec = &counting;
	return ccp_strategy_threads.open(&counted, flow, options, err);
}

static void close_counting(struct ccp_exec *exec)
{
	(void)exec;
	counted->ops->close(counted);
}

/* An event loop of that depth, threads that count what comes to them, and delays. */
static void delayed_options(struct ccp_run_options *options, const struct ccp_transform_ops *transform,
			    const struct ccp_inject_options *inject)
{
	static struct ccp_strategy_ops deep;

	deep = ccp_strategy_async;
	deep.open = open_deep;
	counting_ops = ccp_strategy_threads;
	counting_ops.open = open_counting;
	counting_ops.submit = count_submitted;
	counting_ops.close = close_counting;
	help_options(options, transform, STRATEGY, "2");
	options->plan.stage[CCP_READ].strategy = &deep;
	options->plan.stage[CCP_WORK].strategy = options->plan.stage[CCP_WRITE].strategy = &counting_ops;
	options->source.admit = count_opened;
	options->inject = inject;
	atomic_store(&in_flight, 0);
	atomic_store(&most_in_flight, 0);
}

Test(async, delayed_jobs_come_right)
{
	static const struct ccp_inject_options inject = { .delay_us = { [CCP_READ] = 20000 }, .from_job = 2 };
	struct ccp_run_options options;
	struct ccp_err err;

	depths = (struct ccp_exec_options){ .degree = 8, .max_degree = 8 };
	for (size_t i = 0; i < DELAYED; i++)
		help_file(100 * i);
	for (int round = 0; round < 4; round++) {
		const struct ccp_transform_ops *transform = round / 2 ? &help_chain : &help_mix;

		forbid(round % 2);
		delayed_options(&options, transform, &inject);
		cr_assert(help_run(&options, &err) == 0);
		for (size_t i = 0; i < DELAYED; i++)
			cr_expect(help_file_right(transform, i, 100 * i), "input %zu: %s", i, help.input[i].err.text);
		cr_expect(atomic_load(&most_in_flight) <= 8, "%u at once", atomic_load(&most_in_flight));
		cr_expect_eq(atomic_load(&in_flight), 0);
	}
}

/* Jobs of one file and of a stream; the later ones are not delayed and overtake. */
Test(async, delayed_chunks_keep_their_order)
{
	static const struct ccp_inject_options inject = { .delay_us = { [CCP_READ] = 3000 },
							  .cpu_us = { [CCP_READ] = 50 },
							  .bps = { [CCP_READ] = 20u << 20 },
							  .until_job = 20 };
	size_t bytes = 40 * HELP_CHUNK + 5;
	uint8_t *in = malloc(bytes);
	struct ccp_run_options options;
	struct ccp_err err;

	depths = (struct ccp_exec_options){ .degree = 8, .max_degree = 8 };
	for (size_t i = 0; i < bytes; i++)
		in[i] = help_byte(i);
	help_file(bytes);
	cr_assert(mkfifo(help_name(), 0600) == 0);
	for (int round = 0; round < 4; round++) {
		const struct ccp_transform_ops *transform = round / 2 ? &help_chain : &help_mix;
		pid_t writer = start_writer(help.input[1].path, in, bytes, 1777, 0);

		forbid(round % 2);
		delayed_options(&options, transform, &inject);
		cr_assert(ccp_run(&options, &help.summary, &err) == 0);
		waitpid(writer, NULL, 0);
		cr_expect(help_file_right(transform, 0, bytes), "%s", help.input[0].err.text);
		cr_expect(help_right(transform, 1, in, bytes), "%s", help.input[1].err.text);
	}
	free(in);
}

/* Delays that never end: as many jobs as the degree says are held, more as soon as it grows, until the cancel. */
static void held_tick(void *arg, struct ccp_flow *flow, struct ccp_next *next)
{
	unsigned held = resized ? atomic_load(&((struct ccp_loop *)resized)->held_count) : 0;
	struct ccp_err err;

	(void)arg, (void)flow, (void)next;
	cr_expect(held <= (ticks == 0 ? 3 : 8), "%u held", held);
	if (ticks == 0 && held == 3) {
		ticks = 1;
		cr_expect(resized->ops->resize(resized, 8, &err) == 0);
	} else if (ticks == 1 && held == 8) {
		ticks = 2;
		cr_expect(resized->ops->resize(resized, 2, &err) == 0);
	} else if (ticks == 2) {
		ticks = 3;
		cr_expect_eq(held, 8, "what was begun stays");
		ccp_run_cancel();
	}
}

Test(async, cancelled_while_jobs_are_held)
{
	static const struct ccp_inject_options inject = { .delay_us = { [CCP_READ] = 3600000000 } };
	struct ccp_run_options options;
	struct ccp_err err;

	depths = (struct ccp_exec_options){ .degree = 3, .max_degree = 8 };
	for (size_t i = 0; i < DELAYED; i++)
		help_file(100);
	for (int forbidden = 0; forbidden < 2; forbidden++) {
		forbid(forbidden);
		ticks = 0;
		resized = NULL;
		delayed_options(&options, &help_mix, &inject);
		options.tick = held_tick;
		cr_assert(help_run(&options, &err) == 0);
		cr_expect_eq(ticks, 3);
		cr_expect(help.summary.cancelled);
		cr_expect_eq(atomic_load(&most_in_flight), 8);
		for (size_t i = 0; i < DELAYED; i++)
			cr_expect(help.input[i].outcome != CCP_DONE && !help.input[i].committed, "input %zu", i);
	}
}

/* ---- accounts -------------------------------------------------------------------------------------------------- */

static void expect_account(const struct ccp_meter_account *account)
{
	uint64_t walls = 0;

	for (int state = 0; state < CCP_METER_STATES; state++)
		walls += atomic_load(&account->wall_ns[state]);
	cr_expect(atomic_load(&account->ended_ns) > 0, "it was closed");
	cr_expect_eq(walls, atomic_load(&account->ended_ns) - atomic_load(&account->begun_ns),
		     "in exactly one state at any moment");
	cr_expect_str_eq(atomic_load(&account->strategy), "async");
	cr_expect_eq(atomic_load(&account->wall_ns[CCP_METER_WORK]), 0);
	cr_expect_eq(atomic_load(&account->wall_ns[CCP_METER_WRITE]), 0);
	cr_expect_eq(account->loop, account->number == 0);
	if (account->number == 0)
		cr_expect(atomic_load(&account->wall_ns[CCP_METER_HUB]) > 0);
}

Test(async, time_and_jobs_are_accounted)
{
	static const struct ccp_inject_options inject = { .delay_us = { [CCP_READ] = 2000 } };
	struct ccp_meter_account *accounts;
	struct ccp_run_options options;
	struct ccp_meter_sum sum;
	struct ccp_err err;
	size_t count, loops, helpers;

	depths = (struct ccp_exec_options){ .degree = 4, .max_degree = 8 };
	for (size_t i = 0; i < DELAYED; i++)
		help_file(100 * i);
	for (int forbidden = 0; forbidden < 2; forbidden++) {
		forbid(forbidden);
		cr_assert(ccp_meter_new(&meter, 0, &err) == 0, "%s", err.text);
		delayed_options(&options, &help_mix, &inject);
		cr_assert(help_run(&options, &err) == 0);
		accounts = ccp_meter_accounts(meter, &count);
		loops = helpers = 0;
		for (size_t i = 0; i < count; i++) {
			if (accounts[i].exec != 0 || atomic_load(&accounts[i].begun_ns) == 0)
				continue;
			expect_account(&accounts[i]);
			*(accounts[i].number == 0 ? &loops : &helpers) += 1;
		}
		cr_expect_eq(loops, 1);
		if (forbidden)
			cr_expect(helpers >= 1);
		ccp_meter_read(meter, 0, &sum);
		cr_expect_eq(sum.jobs[CCP_READ], DELAYED, "%llu jobs", (unsigned long long)sum.jobs[CCP_READ]);
		cr_expect_eq(sum.bytes_in[CCP_READ], 100 * DELAYED * (DELAYED - 1) / 2);
		cr_expect(sum.service[CCP_READ] >= DELAYED * 2e6, "the time that a job is held is its service");
		cr_expect(sum.busy[CCP_METER_READ].wall > 0);
		ccp_meter_free(meter);
		meter = NULL;
	}
}
