/*
 * test_decide.c: what auto decides for known kinds of work: a table of facts and vectors with the plan, the classes and
 * a reason that must come of them; the limits of the classes; the words.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/auto/decide.h"

TestSuite(decide);

/* What differs from 16 cached local files with an output each, with everything built in, 512 MiB, and no others. */
enum {
	ONE = 1 << 0,       /* one input */
	STREAM = 1 << 1,    /* a pipe into one output */
	COLD = 1 << 2,
	UNKNOWN = 1 << 3,   /* how much is cached */
	REMOTE = 1 << 4,
	MEMORY = 1 << 5,    /* a file system in memory */
	SEQUENTIAL = 1 << 6,
	SHARED = 1 << 7,    /* one output */
	ISOLATE = 1 << 8,
	NO_OMP = 1 << 9,
	NO_RING = 1 << 10,
	TIGHT = 1 << 11,    /* 15 MiB */
	TIGHTER = 1 << 12,  /* 4 MiB */
	FEW_SLOTS = 1 << 13,
	BUSY = 1 << 14,     /* 2 others */
	TINY = 1 << 15,     /* 200 KiB in 4 files */
	WALKING = 1 << 16,  /* the walk goes on */
	ALONE = 1 << 17,    /* no proc, no async */
	HALF = 1 << 18,     /* a quota of 1.5 CPUs */
	HEAVY = 1 << 19,    /* 5 MiB of state a worker */
	NO_THREADS = 1 << 20,
};

struct row {
	const char *name;
	unsigned cpus, facts;
	double read[2], work[2], write[2]; /* cpu and blocked, us a job */
	double runq;                       /* of WORK */
	double chunks;
	enum ccp_probe_stop stop;
	const char *plan;
	const char *classes;
	enum ccp_reason_code why;
};

#define TIME CCP_PROBE_TIME
#define BLOCKED CCP_PROBE_BLOCKED

/* clang-format off */
static const struct row rows[] = {
	/* cached file, light and heavy transform */
	{ "W1, 1 CPU", 1, 0, { 80, 0 }, { 200, 0 }, { 1, 0 }, 0, 1000, TIME,
	  "serial", "cpu cpu cpu", CCP_WHY_CPUS },
	{ "W1, 2 CPUs", 2, 0, { 80, 0 }, { 200, 0 }, { 1, 0 }, 0, 2000, TIME,
	  "omp x2", "cpu cpu cpu", CCP_WHY_SIMPLER },
	{ "W1, 2 CPUs, short", 2, 0, { 80, 0 }, { 200, 0 }, { 1, 0 }, 0, 1000, TIME, /* the pool of the probe goes on */
	  "threads x2", "cpu cpu cpu", CCP_WHY_CPUS },
	{ "W1, 16 CPUs", 16, 0, { 80, 0 }, { 200, 0 }, { 1, 0 }, 0, 1000, TIME,
	  "threads x16", "cpu cpu cpu", CCP_WHY_CPUS },
	{ "W1, no OpenMP", 2, NO_OMP, { 80, 0 }, { 200, 0 }, { 1, 0 }, 0, 1000, TIME,
	  "threads x2", "cpu cpu cpu", CCP_WHY_CPUS },
	{ "W2, 1 CPU", 1, 0, { 80, 0 }, { 20000, 0 }, { 400, 0 }, 0, 1000, TIME,
	  "serial", "cpu cpu cpu", CCP_WHY_PREDICTED },
	{ "W2, 2 CPUs", 2, 0, { 80, 0 }, { 20000, 0 }, { 400, 0 }, 0, 1000, TIME,
	  "omp x2", "cpu cpu cpu", CCP_WHY_CPUS },
	{ "W2, 4 CPUs", 4, 0, { 80, 0 }, { 20000, 0 }, { 400, 0 }, 0, 1000, TIME,
	  "omp x4", "cpu cpu cpu", CCP_WHY_FUSED },
	{ "W2, 16 CPUs", 16, 0, { 80, 0 }, { 20000, 0 }, { 400, 0 }, 0, 1000, TIME,
	  "omp x16", "cpu cpu cpu", CCP_WHY_PROC_PRICE },
	{ "W2, 16 ms left", 2, 0, { 80, 0 }, { 2000, 0 }, { 1, 0 }, 0, 8, TIME,
	  "threads x2", "cpu cpu cpu", CCP_WHY_CPUS },
	{ "W2, hardly anything left", 16, 0, { 80, 0 }, { 1000, 0 }, { 1, 0 }, 0, 20, TIME,
	  "threads x7", "cpu cpu cpu", CCP_WHY_FEW_LEFT },
	{ "W2, fewer chunks than CPUs", 16, 0, { 80, 0 }, { 20000, 0 }, { 1, 0 }, 0, 3, TIME,
	  "threads x3", "cpu cpu cpu", CCP_WHY_FEW_LEFT },
	{ "W2, nothing to gain", 2, 0, { 20, 0 }, { 200, 0 }, { 1, 0 }, 0, 5, TIME,
	  "serial", "cpu cpu cpu", CCP_WHY_NO_GAIN },
	{ "W12, expands a little", 2, TIGHT, { 80, 0 }, { 30000, 0 }, { 400, 0 }, 0, 256, TIME,
	  "omp x2", "cpu cpu cpu", CCP_WHY_MEMORY },
	{ "W13, one huge file", 4, ONE, { 80, 0 }, { 20000, 0 }, { 400, 0 }, 0, 1000, TIME,
	  "omp x4", "cpu cpu cpu", CCP_WHY_CPUS },
	{ "W13, its output is the limit", 16, ONE, { 80, 0 }, { 900, 0 }, { 400, 0 }, 0, 5000, TIME,
	  "omp x4", "cpu cpu cpu", CCP_WHY_LITTLE },

	/* cold, slow and remote files */
	{ "W3, 1 CPU", 1, COLD, { 200, 3000 }, { 2000, 0 }, { 1, 0 }, 0, 1000, TIME,
	  "read threads x3, work threads x1, write with work", "wait_file cpu cpu", CCP_WHY_COLD_FILE },
	{ "W3, 2 CPUs", 2, COLD, { 200, 3000 }, { 2000, 0 }, { 1, 0 }, 0, 1000, TIME,
	  "read threads x6, work omp x2, write with work", "wait_file cpu cpu", CCP_WHY_LITTLE },
	{ "W3, cached is unknown", 2, UNKNOWN, { 200, 3000 }, { 2000, 0 }, { 1, 0 }, 0, 1000, TIME,
	  "read threads x6, work omp x2, write with work", "wait_file cpu cpu", CCP_WHY_COLD_FILE },
	{ "W3, hidden by read-ahead", 2, COLD, { 200, 50 }, { 9000, 0 }, { 1, 0 }, 0, 1000, TIME,
	  "omp x2", "cpu cpu cpu", CCP_WHY_PREDICTED },
	{ "W3, cold and deep, little memory", 2, COLD | TIGHT, { 20, 20000 }, { 300, 0 }, { 1, 0 }, 0, 20000, TIME,
	  "threads x5", "wait_file cpu cpu", CCP_WHY_MEMORY },
	{ "W3, the same, few slots", 1, COLD | FEW_SLOTS, { 20, 20000 }, { 300, 0 }, { 1, 0 }, 0, 20000, TIME,
	  "threads x6", "wait_file cpu cpu", CCP_WHY_MEMORY },
	{ "W3, the same, heavy states", 1, COLD | TIGHT | HEAVY, { 20, 20000 }, { 300, 0 }, { 1, 0 }, 0, 20000, TIME,
	  "read threads x3, work threads x1, write with work", "wait_file cpu cpu", CCP_WHY_LITTLE },
	{ "W3, by io_uring", 4, COLD | NO_THREADS, { 200, 9000 }, { 2000, 0 }, { 1, 0 }, 0, 1000, TIME,
	  "read async x34, work omp x4, write with work", "wait_file cpu cpu", CCP_WHY_LITTLE },
	{ "W3, no io_uring", 4, COLD | NO_THREADS | NO_RING, { 200, 9000 }, { 2000, 0 }, { 1, 0 }, 0, 1000, TIME,
	  "serial", "wait_file cpu cpu", CCP_WHY_PREDICTED },
	{ "W5, 64 chunks", 2, REMOTE, { 20, 5000 }, { 150, 0 }, { 1, 0 }, 0, 64, BLOCKED,
	  "threads x27", "wait_opaque cpu cpu", CCP_WHY_OPAQUE },
	{ "W5, many", 2, REMOTE, { 20, 5000 }, { 150, 0 }, { 1, 0 }, 0, 20000, BLOCKED,
	  "threads x64", "wait_opaque cpu cpu", CCP_WHY_GOETZ },
	{ "W5, many, 16 CPUs", 16, REMOTE, { 20, 5000 }, { 150, 0 }, { 1, 0 }, 0, 20000, BLOCKED,
	  "threads x64", "wait_opaque cpu cpu", CCP_WHY_WAIT_SHARE },
	{ "cached, and waits", 2, 0, { 20, 5000 }, { 150, 0 }, { 1, 0 }, 0, 20000, BLOCKED,
	  "threads x64", "wait_opaque cpu cpu", CCP_WHY_OPAQUE },
	{ "in memory, and waits", 2, MEMORY | COLD, { 20, 5000 }, { 150, 0 }, { 1, 0 }, 0, 20000, BLOCKED,
	  "threads x64", "wait_opaque cpu cpu", CCP_WHY_OPAQUE },
	{ "blocking call in WORK", 2, 0, { 20, 0 }, { 30, 2970 }, { 1, 0 }, 0, 1536, BLOCKED,
	  "threads x64", "cpu wait_opaque cpu", CCP_WHY_OPAQUE },
	{ "slow output, one", 2, SHARED, { 20, 0 }, { 2000, 0 }, { 30, 2970 }, 0, 500, TIME,
	  "threads x3", "cpu cpu wait_opaque", CCP_WHY_LITTLE },
	{ "slow outputs", 2, 0, { 20, 0 }, { 2000, 0 }, { 30, 6000 }, 0, 500, TIME,
	  "threads x14", "cpu cpu wait_opaque", CCP_WHY_GOETZ },

	/* many small files */
	{ "W6, cached, 2 CPUs", 2, 0, { 25, 0 }, { 60, 0 }, { 27, 0 }, 0, 10000, TIME,
	  "omp x2", "cpu cpu cpu", CCP_WHY_FUSED },
	{ "W6, cold", 2, COLD, { 25, 190 }, { 60, 0 }, { 27, 0 }, 0, 10000, TIME,
	  "threads x9", "wait_file cpu cpu", CCP_WHY_COLD_FILE },
	{ "W6, too small to queue", 2, WALKING, { 2, 0 }, { 1, 0 }, { 2, 0 }, 0, 300, TIME,
	  "serial", "cpu cpu cpu", CCP_WHY_NO_GAIN },

	/* pipes */
	{ "W9, 1 CPU", 1, STREAM, { 10, 3000 }, { 100, 0 }, { 1, 0 }, 0, 1600, BLOCKED,
	  "serial", "starved cpu cpu", CCP_WHY_STARVED },
	{ "W9, 16 CPUs", 16, STREAM, { 10, 3000 }, { 100, 0 }, { 1, 0 }, 0, 1600, BLOCKED,
	  "serial", "starved cpu cpu", CCP_WHY_POLLABLE },
	{ "W10, 2 CPUs", 2, STREAM, { 300, 100 }, { 20000, 0 }, { 100, 0 }, 0, 1000, TIME,
	  "omp x2", "mixed cpu cpu", CCP_WHY_CPUS },
	{ "W10, 16 CPUs", 16, STREAM, { 300, 2200 }, { 20000, 0 }, { 100, 0 }, 0, 1000, TIME,
	  "omp x11", "wait_poll cpu cpu", CCP_WHY_LITTLE },
	{ "a pipe as fast as the work", 2, STREAM, { 300, 5000 }, { 5000, 0 }, { 100, 0 }, 0, 1000, TIME,
	  "threads x4", "wait_poll cpu cpu", CCP_WHY_POLLABLE },

	/* half waiting, half working */
	{ "W15, 1 CPU", 1, 0, { 10, 0 }, { 1000, 1000 }, { 1, 0 }, 0, 2000, BLOCKED,
	  "threads x3", "cpu mixed cpu", CCP_WHY_MIXED_SHARE },
	{ "W15, 2 CPUs", 2, 0, { 10, 0 }, { 1000, 1000 }, { 1, 0 }, 0, 2000, BLOCKED,
	  "threads x6", "cpu mixed cpu", CCP_WHY_GOETZ },
	{ "W15, 4 CPUs", 4, 0, { 10, 0 }, { 1000, 1000 }, { 1, 0 }, 0, 2000, BLOCKED,
	  "threads x12", "cpu mixed cpu", CCP_WHY_GOETZ },
	{ "W15, 16 CPUs", 16, 0, { 10, 0 }, { 1000, 1000 }, { 1, 0 }, 0, 2000, BLOCKED,
	  "threads x48", "cpu mixed cpu", CCP_WHY_GOETZ },

	/* others, and less than a CPU */
	{ "W17", 2, BUSY, { 80, 0 }, { 20000, 0 }, { 400, 0 }, 15000, 1000, TIME,
	  "omp x2", "cpu cpu cpu", CCP_WHY_BUSY },
	{ "quota of 1.5", 2, HALF, { 80, 0 }, { 20000, 0 }, { 400, 0 }, 0, 1000, TIME,
	  "omp x2", "cpu cpu cpu", CCP_WHY_CPUS },

	/* in worker processes */
	{ "W18, nothing measured", 2, ISOLATE, { 0, 0 }, { 0, 0 }, { 0, 0 }, 0, 1000, CCP_PROBE_NONE,
	  "read proc x2, work with read, write threads x2", "none none none", CCP_WHY_ISOLATE },
	{ "W18, 16 CPUs", 16, ISOLATE, { 0, 0 }, { 0, 0 }, { 0, 0 }, 0, 1000, CCP_PROBE_NONE,
	  "read proc x16, work with read, write threads x4", "none none none", CCP_WHY_CPUS },
	{ "W18, tiny", 1, ISOLATE | TINY, { 0, 0 }, { 0, 0 }, { 0, 0 }, 0, 1, CCP_PROBE_NONE,
	  "read proc x1, work with read, write threads x1", "none none none", CCP_WHY_ISOLATE },
	{ "W18, little memory", 16, ISOLATE | TIGHT, { 0, 0 }, { 0, 0 }, { 0, 0 }, 0, 1000, CCP_PROBE_NONE,
	  "read proc x3, work with read, write threads x2", "none none none", CCP_WHY_MEMORY },

	/* work in order */
	{ "sequential, one input", 2, SEQUENTIAL | ONE, { 200, 0 }, { 5000, 0 }, { 100, 0 }, 0, 500, TIME,
	  "omp x2", "cpu cpu cpu", CCP_WHY_SEQUENTIAL },
	{ "sequential, one input, 1 CPU", 1, SEQUENTIAL | ONE, { 200, 0 }, { 5000, 0 }, { 100, 0 }, 0, 500, TIME,
	  "serial", "cpu cpu cpu", CCP_WHY_SEQUENTIAL },
	{ "sequential, nothing else to do", 2, SEQUENTIAL | ONE, { 50, 0 }, { 5000, 0 }, { 10, 0 }, 0, 500, TIME,
	  "serial", "cpu cpu cpu", CCP_WHY_NO_GAIN },
	{ "sequential, one cold input", 4, SEQUENTIAL | ONE | COLD, { 200, 4000 }, { 5000, 0 }, { 900, 0 }, 0, 500,
	  TIME, "threads x3", "wait_file cpu cpu", CCP_WHY_LITTLE },
	{ "sequential, 16 inputs", 4, SEQUENTIAL, { 200, 0 }, { 5000, 0 }, { 100, 0 }, 0, 500, TIME,
	  "omp x4", "cpu cpu cpu", CCP_WHY_SEQUENTIAL },

	/* too little to measure */
	{ "W20, 200 KiB", 2, TINY, { 0, 0 }, { 0, 0 }, { 0, 0 }, 0, 4, CCP_PROBE_NONE,
	  "serial", "none none none", CCP_WHY_SMALL },
	{ "W20, 1 MiB", 2, ONE, { 80, 0 }, { 900, 0 }, { 1, 0 }, 0, 0, CCP_PROBE_END,
	  "serial", "cpu cpu cpu", CCP_WHY_DONE_IN_PROBE },
	{ "nothing was measured", 2, 0, { 0, 0 }, { 0, 0 }, { 0, 0 }, 0, 100, CCP_PROBE_LONG,
	  "serial", "none none none", CCP_WHY_LOW_CONFIDENCE },
	{ "few were measured", 2, ALONE, { 80, 0 }, { 90000, 0 }, { 1, 0 }, 0, 100, CCP_PROBE_LONG,
	  "omp x2", "cpu cpu cpu", CCP_WHY_LOW_CONFIDENCE },
	{ "not one slot more", 2, TIGHTER, { 80, 0 }, { 20000, 0 }, { 400, 0 }, 0, 1000, TIME,
	  "serial", "cpu cpu cpu", CCP_WHY_PREDICTED },
};
/* clang-format on */

static struct ccp_facts facts_of(unsigned cpus, unsigned bits)
{
	struct ccp_facts facts = {
		.cpus = cpus,
		.cpu_quota = bits & HALF ? 1.5 : 0,
		.others = bits & BUSY ? 2 : 0,
		.mem_budget = bits & TIGHT ? 15u << 20 : bits & TIGHTER ? 4u << 20 : 512u << 20,
		.slot_bytes = 5u << 19,
		.state_bytes = bits & HEAVY ? 5u << 20 : 300u << 10,
		.slots = bits & FEW_SLOTS ? 6 : 200,
		.total_bytes = bits & TINY ? 200u << 10 : 1u << 30,
		.inputs = bits & TINY ? 4 : bits & (ONE | STREAM) ? 1 : 16,
		.total_known = !(bits & (STREAM | WALKING)),
		.chunk_bytes = 1u << 20,
		.stream = bits & STREAM,
		.fs = bits & REMOTE ? CCP_FS_REMOTE : bits & MEMORY ? CCP_FS_MEMORY : CCP_FS_LOCAL,
		.cached = bits & UNKNOWN ? -1 : bits & COLD ? 0.1 : 1,
		.sequential = bits & SEQUENTIAL,
		.shared_output = bits & (SHARED | STREAM),
		.isolate = bits & ISOLATE,
		.async_ring = !(bits & NO_RING),
	};

	for (int k = 0; k < CCP_KINDS; k++)
		facts.can[k] = true;
	facts.can[CCP_KIND_OMP] = !(bits & NO_OMP);
	facts.can[CCP_KIND_THREADS] = !(bits & NO_THREADS);
	facts.can[CCP_KIND_ASYNC] = facts.can[CCP_KIND_PROC] = !(bits & ALONE);
	return facts;
}

static void decide(const struct row *row, struct ccp_decision *decision)
{
	struct ccp_facts facts = facts_of(row->cpus, row->facts);
	const double *time[CCP_STAGES] = { row->read, row->work, row->write };
	struct ccp_vector vector[CCP_STAGES];

	for (int s = 0; s < CCP_STAGES; s++) {
		vector[s] = (struct ccp_vector){ 8, 1e3 * time[s][0], 0, 1e3 * time[s][1], 1 << 20 };
		if (row->stop == CCP_PROBE_LONG)
			vector[s].jobs = 2;
		if (row->stop == CCP_PROBE_NONE)
			vector[s].jobs = 0;
	}
	vector[CCP_WORK].runq = 1e3 * row->runq;
	ccp_decide(decision, &facts, row->stop, vector, row->chunks, &ccp_costs_default);
}

static bool has_reason(const struct ccp_decision *decision, enum ccp_reason_code code)
{
	for (unsigned i = 0; i < decision->reasons; i++)
		if (decision->reason[i].code == code)
			return true;
	return false;
}

Test(decide, known_work)
{
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct ccp_decision decision;
		char plan[128], classes[64];

		decide(&rows[i], &decision);
		ccp_decision_text(&decision, plan, sizeof plan);
		snprintf(classes, sizeof classes, "%s %s %s", ccp_class_name(decision.stage[CCP_READ].class),
			 ccp_class_name(decision.stage[CCP_WORK].class),
			 ccp_class_name(decision.stage[CCP_WRITE].class));
		cr_expect_str_eq(plan, rows[i].plan, "%s: %s, not %s", rows[i].name, plan, rows[i].plan);
		cr_expect_str_eq(classes, rows[i].classes, "%s: %s", rows[i].name, classes);
		cr_expect(has_reason(&decision, rows[i].why), "%s: no %s", rows[i].name, ccp_reason_name(rows[i].why));
	}
}

/* --- classes ----------------------------------------------------------------------------------------------------- */

static enum ccp_class classify(enum ccp_stage stage, unsigned bits, double share, enum ccp_class previous)
{
	struct ccp_facts facts = facts_of(2, bits);
	struct ccp_vector vector = { .jobs = 4, .cpu = 1e6 * share, .runq = 5e5, .blocked = 1e6 * (1 - share) };
	double found;
	enum ccp_class class = ccp_classify(&facts, stage, &vector, previous, &found);

	cr_expect_float_eq(found, share, 1e-9, "the run queue is neither work nor waiting");
	return class;
}

/* Shares of one thread as they were measured for each kind of work. */
Test(decide, signatures)
{
	static const struct {
		enum ccp_stage stage;
		unsigned facts;
		double share;
		enum ccp_class class;
	} known[] = {
		{ CCP_READ, 0, 1.00, CCP_CLASS_CPU },             /* pread, cached */
		{ CCP_READ, COLD, 0.13, CCP_CLASS_WAIT_FILE },    /* pread, cold, in sequence */
		{ CCP_READ, COLD, 0.20, CCP_CLASS_WAIT_FILE },    /* pread, cold, at random */
		{ CCP_READ, COLD, 0.34, CCP_CLASS_MIXED },        /* io_uring, cold, eight at once */
		{ CCP_READ, UNKNOWN, 0.005, CCP_CLASS_WAIT_FILE },/* a disk throttled to 20 MiB/s */
		{ CCP_READ, REMOTE, 0.02, CCP_CLASS_WAIT_OPAQUE },/* FUSE, 5 ms */
		{ CCP_READ, STREAM, 0.01, CCP_CLASS_WAIT_POLL },  /* a pipe from a slow program */
		{ CCP_READ, STREAM | COLD | REMOTE, 0.01, CCP_CLASS_WAIT_POLL },
		{ CCP_READ, MEMORY | COLD, 0.10, CCP_CLASS_WAIT_OPAQUE },
		{ CCP_READ, 0, 0.10, CCP_CLASS_WAIT_OPAQUE },     /* cached, and waits */
		{ CCP_WORK, COLD, 0.99, CCP_CLASS_CPU },          /* a hash, also on a busy machine */
		{ CCP_WORK, COLD, 0.01, CCP_CLASS_WAIT_OPAQUE },  /* a call that blocks */
		{ CCP_WORK, STREAM, 0.07, CCP_CLASS_WAIT_OPAQUE },/* another program, by its parent's CPU time */
		{ CCP_WORK, STREAM, 0.85, CCP_CLASS_CPU },        /* the same, with the child's */
		{ CCP_WRITE, STREAM, 0.01, CCP_CLASS_WAIT_OPAQUE },
		{ CCP_WRITE, 0, 0.97, CCP_CLASS_CPU },            /* into the page cache */
	};

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
		cr_expect_eq(classify(known[i].stage, known[i].facts, known[i].share, CCP_CLASS_NONE), known[i].class,
			     "row %zu", i);
}

Test(decide, a_class_is_left_late)
{
	cr_expect_eq(classify(CCP_WORK, 0, 0.80, CCP_CLASS_NONE), CCP_CLASS_CPU);
	cr_expect_eq(classify(CCP_WORK, 0, 0.79, CCP_CLASS_NONE), CCP_CLASS_MIXED);
	cr_expect_eq(classify(CCP_WORK, 0, 0.76, CCP_CLASS_CPU), CCP_CLASS_CPU);
	cr_expect_eq(classify(CCP_WORK, 0, 0.74, CCP_CLASS_CPU), CCP_CLASS_MIXED);
	cr_expect_eq(classify(CCP_WORK, 0, 0.84, CCP_CLASS_MIXED), CCP_CLASS_MIXED);
	cr_expect_eq(classify(CCP_WORK, 0, 0.86, CCP_CLASS_MIXED), CCP_CLASS_CPU);
	cr_expect_eq(classify(CCP_WORK, 0, 0.21, CCP_CLASS_NONE), CCP_CLASS_MIXED);
	cr_expect_eq(classify(CCP_WORK, 0, 0.16, CCP_CLASS_MIXED), CCP_CLASS_MIXED);
	cr_expect_eq(classify(CCP_WORK, 0, 0.14, CCP_CLASS_MIXED), CCP_CLASS_WAIT_OPAQUE);
	cr_expect_eq(classify(CCP_READ, COLD, 0.24, CCP_CLASS_WAIT_OPAQUE), CCP_CLASS_WAIT_FILE);
	cr_expect_eq(classify(CCP_READ, STREAM, 0.24, CCP_CLASS_STARVED), CCP_CLASS_WAIT_POLL);
	cr_expect_eq(classify(CCP_READ, COLD, 0.26, CCP_CLASS_WAIT_FILE), CCP_CLASS_MIXED);
	cr_expect_eq(classify(CCP_WORK, 0, 0.81, CCP_CLASS_WAIT_OPAQUE), CCP_CLASS_CPU);
}

Test(decide, nothing_measured_has_no_class)
{
	struct ccp_facts facts = facts_of(2, 0);
	struct ccp_vector none = { .cpu = 5 }, no_time = { .jobs = 3 };
	double share = 7;

	cr_expect_eq(ccp_classify(&facts, CCP_WORK, &none, CCP_CLASS_CPU, &share), CCP_CLASS_NONE);
	cr_expect_eq(share, -1);
	share = 7;
	cr_expect_eq(ccp_classify(&facts, CCP_WORK, &no_time, CCP_CLASS_CPU, &share), CCP_CLASS_NONE);
	cr_expect_eq(share, -1);
}

Test(decide, small_inputs)
{
	struct ccp_facts facts = { .total_known = true, .total_bytes = CCP_SMALL_BYTES, .inputs = CCP_SMALL_INPUTS };

	cr_expect(ccp_facts_small(&facts));
	facts.total_bytes++;
	cr_expect_not(ccp_facts_small(&facts));
	facts.total_bytes = 0;
	facts.inputs++;
	cr_expect_not(ccp_facts_small(&facts));
	facts.inputs = 1;
	cr_expect(ccp_facts_small(&facts));
	facts.isolate = true;
	cr_expect_not(ccp_facts_small(&facts));
	facts.isolate = false;
	facts.total_known = false;
	cr_expect_not(ccp_facts_small(&facts));
}

/* --- words ------------------------------------------------------------------------------------------------------- */

Test(decide, every_code_has_a_name_and_a_text)
{
	char text[CCP_WHYS][160];

	for (int i = 0; i < CCP_WHYS; i++) {
		struct ccp_reason reason = { (enum ccp_reason_code)i, -1, 0.5, 0.25 };

		ccp_reason_text(&reason, text[i], sizeof text[i]);
		cr_expect_gt(strlen(text[i]), 0);
		cr_expect_lt(strlen(text[i]), 110, "%s", text[i]);
		cr_expect_null(strchr(ccp_reason_name(reason.code), '?'), "%d", i);
		for (int j = 0; j < i; j++) {
			cr_expect_str_neq(text[i], text[j]);
			cr_expect_str_neq(ccp_reason_name(reason.code), ccp_reason_name((enum ccp_reason_code)j));
		}
	}
	for (int i = 0; i < CCP_KINDS; i++)
		for (int j = 0; j < i; j++)
			cr_expect_str_neq(ccp_kind_name((enum ccp_kind)i), ccp_kind_name((enum ccp_kind)j));
	for (int i = 0; i < CCP_CLASSES; i++)
		for (int j = 0; j < i; j++)
			cr_expect_str_neq(ccp_class_name((enum ccp_class)i), ccp_class_name((enum ccp_class)j));
	cr_expect_str_eq(ccp_kind_name(CCP_KIND_PROC), "proc");
	cr_expect_str_eq(ccp_class_name(CCP_CLASS_WAIT_OPAQUE), "wait_opaque");
	cr_expect_str_eq(ccp_reason_name(CCP_WHY_SMALL), "SMALL");
	cr_expect_str_eq(ccp_reason_name(CCP_WHY_MEMORY_PRESSURE), "MEMORY_PRESSURE");
}

static void expect_text(enum ccp_reason_code code, double value, double threshold, const char *words)
{
	struct ccp_reason reason = { code, CCP_WORK, value, threshold };
	char text[160];

	ccp_reason_text(&reason, text, sizeof text);
	cr_expect_str_eq(text, words, "%s", text);
}

Test(decide, reasons_in_words)
{
	expect_text(CCP_WHY_CPU_SHARE, 0.97, 0.8, "CPU share 0.97 >= 0.80");
	expect_text(CCP_WHY_WAIT_SHARE, 0.06, 0.2, "waits 94 % of its time (CPU share 0.06 <= 0.20)");
	expect_text(CCP_WHY_POLLABLE, 0, 0, "the input is a pipe, socket or terminal");
	expect_text(CCP_WHY_PREDICTED, 1.73, 3.38, "predicted 1.73 s, serial 3.38 s");
	expect_text(CCP_WHY_PREDICTED, 0.0125, 0.00025, "predicted 12.5 ms, serial 250 us");
	expect_text(CCP_WHY_SMALL, 200 << 10, 256 << 10, "all inputs together are 200 KiB, at most 256 KiB");
	expect_text(CCP_WHY_LOW_CONFIDENCE, 1, 0, "only 1 chunk was measured");
	expect_text(CCP_WHY_LOW_CONFIDENCE, 0, 0, "nothing was measured");
	expect_text(CCP_WHY_SEQUENTIAL, 1, 0, "one input's work cannot be split: at most 1 input at once");
}

Test(decide, a_text_is_cut_to_its_room)
{
	struct ccp_reason reason = { CCP_WHY_POLLABLE, CCP_READ, 0, 0 };
	struct ccp_decision decision = {
		.stage = { { .kind = CCP_KIND_THREADS, .degree = 16, .exec = 0 },
			   { .kind = CCP_KIND_OMP, .degree = 2, .exec = 1 },
			   { .kind = CCP_KIND_OMP, .degree = 2, .exec = 1 } },
	};
	char text[80];

	ccp_decision_text(&decision, text, sizeof text);
	cr_expect_str_eq(text, "read threads x16, work omp x2, write with work");
	for (size_t room = 1; room < 48; room++) {
		memset(text, '#', sizeof text);
		ccp_decision_text(&decision, text, room);
		cr_expect_eq(strlen(text), room - 1 < 46 ? room - 1 : 46);
		cr_expect_eq(text[room], '#');
	}
	ccp_reason_text(&reason, text, 10);
	cr_expect_str_eq(text, "the input");
}
