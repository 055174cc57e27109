/*
 * test_invariants.c: the invariants of the design, by name, under every strategy: a transform that takes its time at
 * random and a sink that watches.
 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/memory.h"
#include "pipeline/run.h"
#include "strategies/strategies.h"

#define CHUNK 4096u
#define PIECES 61u

/* What the sink saw; shared by all callbacks of one run. */
static struct watch {
	char dir[64];
	char *names[8];
	size_t window;
	_Atomic uint64_t emitted; /* pieces written so far, over all inputs, for a shared sink */
	_Atomic uint64_t widest;  /* the largest distance seen at map */
	_Atomic int writers;      /* callers in write at once */
	_Atomic bool overlapped, disordered;
	_Atomic int opened, closed; /* of the transform's state, in this process */
	_Atomic int sink_opened, sink_closed;
	_Atomic uint64_t reports, disordered_reports;
	uint64_t next_offset[8];
	char errors[8][CCP_ERR_TEXT];
	enum ccp_outcome outcome[8];
} watch;

/* ---- a transform that copies, slowly, and fails where a piece begins with '!' -------------------- */

static int slow_need(const struct ccp_transform_options *options, struct ccp_transform_need *need, struct ccp_err *err)
{
	(void)options, (void)err;
	*need = (struct ccp_transform_need){ .chunk_bytes = CHUNK, .out_bytes = CHUNK };
	return 0;
}

static int slow_open(void **state, const struct ccp_transform_options *options, struct ccp_err *err)
{
	(void)options, (void)err;
	*state = &watch;
	atomic_fetch_add(&watch.opened, 1);
	return 0;
}

static void slow_close(void *state)
{
	(void)state;
	atomic_fetch_add(&watch.closed, 1);
}

static int slow_map(void *state, void *carry, struct ccp_piece *piece)
{
	uint64_t number = piece->offset / CHUNK;
	uint64_t distance = number - atomic_load(&watch.emitted);

	(void)state, (void)carry;
	if ((int64_t)distance > (int64_t)atomic_load(&watch.widest))
		atomic_store(&watch.widest, distance);
	nanosleep(&(struct timespec){ .tv_nsec = (long)(number * 7919 % 11) * 20000 }, NULL);
	ccp_buf_append(&piece->out, piece->in.data, piece->in.len);
	piece->in_used = piece->in.len;
	if (piece->in.len > 0 && piece->in.data[0] == '!')
		return ccp_err_at(&piece->err, CCP_E_FORMAT, piece->offset, "piece %d is bad", (int)number);
	return 0;
}

static const struct ccp_transform_ops slow_copy = {
	.name = "slow-copy",
	.help = "",
	.need = slow_need,
	.open = slow_open,
	.map = slow_map,
	.close = slow_close,
};

/* ---- a sink that watches ------------------------------------------------------------------------- */

static int sink_create(struct ccp_sink **sink, const struct ccp_sink_options *options, struct ccp_err *err)
{
	(void)options, (void)err;
	*sink = NULL;
	return 0;
}

static int sink_open(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	(void)sink, (void)input, (void)err;
	atomic_fetch_add(&watch.sink_opened, 1);
	return 0;
}

static int sink_write(struct ccp_sink *sink, struct ccp_input *input, const void *data, size_t len, struct ccp_err *err)
{
	static const struct timespec moment = { .tv_nsec = 50000 };
	uint64_t offset = 0;

	(void)sink, (void)err;
	if (atomic_fetch_add(&watch.writers, 1) != 0)
		atomic_store(&watch.overlapped, true);
	memcpy(&offset, (const char *)data + 1, len >= 9 ? sizeof offset : 0); /* every piece says where it belongs */
	if (offset != watch.next_offset[input->index])
		atomic_store(&watch.disordered, true);
	watch.next_offset[input->index] = offset + len;
	nanosleep(&moment, NULL);
	atomic_fetch_add(&watch.emitted, 1);
	atomic_fetch_sub(&watch.writers, 1);
	return 0;
}

static int sink_commit(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	(void)sink, (void)input, (void)err;
	atomic_fetch_add(&watch.sink_closed, 1);
	return 0;
}

static void sink_abort(struct ccp_sink *sink, struct ccp_input *input)
{
	(void)sink, (void)input;
	atomic_fetch_add(&watch.sink_closed, 1);
}

static int sink_destroy(struct ccp_sink *sink, bool failed, struct ccp_err *err)
{
	(void)sink, (void)failed, (void)err;
	return 0;
}

static const struct ccp_sink_ops shared_watch = {
	.name = "watch",
	.help = "",
	.flags = CCP_SINK_SHARED,
	.create = sink_create,
	.open = sink_open,
	.write = sink_write,
	.commit = sink_commit,
	.abort = sink_abort,
	.destroy = sink_destroy,
};

static void report(void *arg, const struct ccp_result *result)
{
	uint64_t index = result->input->index;

	(void)arg;
	if (atomic_fetch_add(&watch.reports, 1) != index)
		atomic_fetch_add(&watch.disordered_reports, 1);
	watch.outcome[index] = result->outcome;
	snprintf(watch.errors[index], sizeof watch.errors[index], "%s", result->err.text);
}

/* ---- a run --------------------------------------------------------------------------------------- */

static void write_input(const char *path, unsigned pieces, unsigned bad_a, unsigned bad_b)
{
	FILE *file = fopen(path, "wb");

	for (uint64_t i = 0; i < pieces; i++) {
		char piece[CHUNK];
		uint64_t offset = i * CHUNK;

		memset(piece, 'a', sizeof piece);
		if (i == bad_a || i == bad_b)
			piece[0] = '!';
		memcpy(piece + 1, &offset, sizeof offset);
		fwrite(piece, 1, i + 1 == pieces ? 100 : sizeof piece, file);
	}
	fclose(file);
}

static void set_up(void)
{
	memset(&watch, 0, sizeof watch);
	strcpy(watch.dir, "/tmp/ccpipe-test.XXXXXX");
	cr_assert(mkdtemp(watch.dir));
}

static void tear_down(void)
{
	for (size_t i = 0; i < 8 && watch.names[i]; i++) {
		unlink(watch.names[i]);
		free(watch.names[i]);
	}
	rmdir(watch.dir);
}

static void add_input(unsigned pieces, unsigned bad_a, unsigned bad_b)
{
	size_t i = 0;

	while (watch.names[i])
		i++;
	cr_assert(asprintf(&watch.names[i], "%s/input-%zu", watch.dir, i) > 0);
	write_input(watch.names[i], pieces, bad_a, bad_b);
}

static void run_with(const char *strategy, const char *jobs, size_t window, unsigned swap_ms)
{
	struct ccp_plan_options wish = { .strategy = strategy, .jobs = jobs, .window = window };
	struct ccp_run_options options = { .transform = &slow_copy,
					   .sink = &shared_watch,
					   .report = report,
					   .swap_ms = swap_ms,
					   .strategies = ccp_strategies };
	struct ccp_run_summary summary;
	struct ccp_host host;
	struct ccp_err err;

	ccp_err_clear(&err);
	while (watch.names[options.walk.name_count])
		options.walk.name_count++;
	options.walk.names = watch.names;
	options.source.to_stdout = true;
	slow_need(NULL, &options.need, &err);
	ccp_host_read(&host);
	cr_assert(ccp_plan_make(&options.plan, &wish, &options.need, &host, ccp_strategies, &err) == 0, "%s: %s",
		  strategy, err.text);
	watch.window = options.plan.window;
	cr_assert(ccp_run(&options, &summary, &err) == 0, "%s", err.text);
}

/* All that can run here. */
static const char *const strategies[] = { "serial",
					  "threads",
					  "omp",
					  "proc",
					  "async",
					  "read=threads,work=omp,write=serial",
					  "read=async,work=proc,write=threads",
					  "read=serial,work=threads,write=omp" };
#define STRATEGIES (sizeof strategies / sizeof strategies[0])

static bool can_run(const char *strategy)
{
	const struct ccp_strategy_ops *omp = ccp_strategy_find("omp");

	return !strstr(strategy, "omp") || !omp->probe || !omp->probe();
}

static void each(void (*check)(const char *strategy, size_t window))
{
	static const size_t windows[] = { 1, 3, 16 };

	for (size_t s = 0; s < STRATEGIES; s++) {
		for (size_t w = 0; can_run(strategies[s]) && w < 3; w++) {
			set_up();
			check(strategies[s], windows[w]);
			tear_down();
		}
	}
}

static void check_window(const char *strategy, size_t window)
{
	add_input(PIECES, PIECES, PIECES);
	run_with(strategy, "3", window, 0);
	cr_expect(atomic_load(&watch.widest) < watch.window, "%s: a job %d ahead of the output, window %zu", strategy,
		  (int)atomic_load(&watch.widest), watch.window);
	cr_expect(watch.window <= window);
}

Test(invariants, window, .timeout = 120)
{
	each(check_window);
}

static void check_order(const char *strategy, size_t window)
{
	add_input(PIECES, PIECES, PIECES);
	add_input(3, PIECES, PIECES);
	add_input(PIECES / 2, PIECES, PIECES);
	run_with(strategy, "3", window, 0);
	cr_expect(!atomic_load(&watch.disordered), "%s, window %zu: pieces out of order", strategy, window);
	cr_expect(!atomic_load(&watch.overlapped), "%s, window %zu: two emitters at once", strategy, window);
	cr_expect_eq(watch.next_offset[0], (PIECES - 1) * (uint64_t)CHUNK + 100);
	cr_expect_eq(watch.next_offset[2], (PIECES / 2 - 1) * (uint64_t)CHUNK + 100);
}

Test(invariants, order, .timeout = 120)
{
	each(check_order);
}

static void check_error(const char *strategy, size_t window)
{
	add_input(PIECES, 20, 9);
	add_input(4, PIECES, PIECES);
	run_with(strategy, "3", window, 0);
	cr_expect_str_eq(watch.errors[0], "piece 9 is bad", "%s: not the first error: %s", strategy, watch.errors[0]);
	cr_expect_eq(watch.outcome[0], CCP_FAILED);
	cr_expect_eq(watch.outcome[1], CCP_DONE, "%s: one bad input stopped another", strategy);
	cr_expect_eq(watch.next_offset[0], 10 * (uint64_t)CHUNK, "%s: what was decoded before the error is emitted",
		     strategy);
	cr_expect_eq(watch.reports, 2);
	cr_expect_eq(watch.disordered_reports, 0);
}

Test(invariants, error_in_order, .timeout = 120)
{
	each(check_error);
}

/* What is open, a line each. */
static void list_descriptors(char *list, size_t size)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t used = 0;

	list[0] = '\0';
	for (struct dirent *entry; (entry = readdir(dir));) {
		char to[200] = "";

		if (entry->d_name[0] == '.' || atoi(entry->d_name) == dirfd(dir))
			continue;
		if (readlinkat(dirfd(dir), entry->d_name, to, sizeof to - 1) >= 0 && used < size)
			used += (size_t)snprintf(list + used, size - used, "%s %s\n", entry->d_name, to);
	}
	closedir(dir);
}

static void check_balance(const char *strategy, size_t window)
{
	static char before[8192], after[8192];

	list_descriptors(before, sizeof before);
	add_input(PIECES, 30, PIECES);
	add_input(2, PIECES, PIECES);
	run_with(strategy, "3", window, 0); /* aborts if a slot or an input is not back */
	for (int tries = 0; tries < 100; tries++) { /* threads of libgomp open libgcc_s for a moment while they end */
		list_descriptors(after, sizeof after);
		if (strcmp(before, after) == 0)
			break;
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	cr_expect_str_eq(after, before, "%s: descriptors before:\n%safter:\n%s", strategy, before, after);
	cr_expect_eq(watch.opened, watch.closed, "%s: states are left open", strategy);
	cr_expect_eq(watch.sink_opened, watch.sink_closed, "%s: outputs are left open", strategy);
}

Test(invariants, balance, .timeout = 120)
{
	each(check_balance);
}

/* Executors are replaced every millisecond while the run goes on. */
Test(invariants, replaced_executors, .timeout = 120)
{
	for (int round = 0; round < 6; round++) {
		set_up();
		add_input(PIECES * 2, PIECES * 2, PIECES * 2);
		add_input(PIECES, 40, PIECES);
		run_with("threads", "3", (size_t)(2 + round * 3), 1);
		cr_expect(!atomic_load(&watch.disordered));
		cr_expect(!atomic_load(&watch.overlapped));
		cr_expect_eq(watch.outcome[0], CCP_DONE);
		cr_expect_str_eq(watch.errors[1], "piece 40 is bad");
		tear_down();
	}
}

Test(invariants, memory_is_a_contract)
{
	struct ccp_transform_need need = {
		.chunk_bytes = 1 << 20, .out_bytes = (1 << 20) + 4096, .state_bytes = 300000, .carry_bytes = 1000
	};
	struct ccp_host host = { .cpus = 8, .memory = UINT64_C(8) << 30 };
	const char *const budgets[] = { "3M", "7M", "20M", "100M", "1G" };
	struct ccp_plan plan;
	struct ccp_err err;

	for (size_t i = 0; i < sizeof budgets / sizeof budgets[0]; i++) {
		struct ccp_plan_options wish = { .jobs = "64", .max_mem = budgets[i] };
		uint64_t budget;

		cr_assert(ccp_plan_make(&plan, &wish, &need, &host, ccp_strategies, &err) == 0, "%s", err.text);
		cr_assert(ccp_size_parse(budgets[i], &budget) == 0);

		struct ccp_arena_options shape = ccp_arena_shape(&need, plan.window);

		cr_expect(ccp_arena_bytes(&shape) + plan.stage[CCP_WORK].degree * need.state_bytes <= budget);
		cr_expect_eq(plan.memory, ccp_arena_bytes(&shape) + plan.stage[CCP_WORK].degree * need.state_bytes);
	}

	struct ccp_plan_options too_little = { .max_mem = "1M" };

	cr_expect(ccp_plan_make(&plan, &too_little, &need, &host, ccp_strategies, &err) < 0);
	cr_expect_eq(err.code, CCP_E_USAGE);
}
