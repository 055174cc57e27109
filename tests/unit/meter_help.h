/*
 * meter_help.h: what the tests of the meter share.
 *
 * What a share of time should be is never compared with a wall clock alone, because others use this machine too: CPU is
 * compared with the thread's own clock, and time that others took is run queue, whatever there was of it.
 */
#ifndef CCP_TESTS_UNIT_METER_HELP_H
#define CCP_TESTS_UNIT_METER_HELP_H

#include <errno.h>
#include <stdint.h>
#include <time.h>

#include <criterion/criterion.h>

#include "pipeline/meter.h"

#define MS 1000000ull
#define JOB_BYTES 1000
#define JOB_OUT 300

static struct ccp_meter *meter;

static inline void open_meter(void)
{
	struct ccp_err err;

	cr_assert_eq(ccp_meter_new(&meter, 0, &err), 0);
}

static inline void close_meter(void)
{
	ccp_meter_free(meter);
}

static inline uint64_t thread_cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 * MS + (uint64_t)t.tv_nsec;
}

/* Uses this much CPU, however long it takes. */
static inline void burn(uint64_t ns)
{
	for (uint64_t end = thread_cpu() + ns; thread_cpu() < end;)
		;
}

static inline void nap(uint64_t ns)
{
	struct timespec t = { .tv_sec = (time_t)(ns / (1000 * MS)), .tv_nsec = (long)(ns % (1000 * MS)) };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

static inline struct ccp_job a_job(uint64_t seq)
{
	struct ccp_job job = { .seq = seq };

	job.piece.in.len = JOB_BYTES;
	job.piece.out.len = JOB_OUT;
	return job;
}

static inline struct ccp_meter_sum read_all(void)
{
	struct ccp_meter_sum sum;

	ccp_meter_read(meter, -1, &sum);
	return sum;
}

static inline double walls(const struct ccp_meter_sum *sum)
{
	double all = sum->wait_in + sum->wait_out + sum->parked;

	for (unsigned s = 0; s < CCP_METER_BUSY; s++)
		all += sum->busy[s].wall;
	return all;
}

static inline double busy_cpu(const struct ccp_meter_sum *sum)
{
	double all = 0;

	for (unsigned s = 0; s < CCP_METER_BUSY; s++)
		all += sum->busy[s].cpu;
	return all;
}

/* What samples can be wrong by if others take the CPU from between them. */
static inline double crowd(const struct ccp_meter_sum *sum)
{
	double runq = 0;

	for (unsigned s = 0; s < CCP_METER_BUSY; s++)
		runq += sum->busy[s].runq;
	return runq * 0.05;
}

/* What holds for every sum. */
static inline void expect_whole(const struct ccp_meter_sum *sum)
{
	for (unsigned s = 0; s < CCP_METER_BUSY; s++) {
		const struct ccp_meter_times *t = &sum->busy[s];

		cr_assert(t->cpu >= 0 && t->runq >= 0 && t->blocked >= 0);
		cr_assert_float_eq(t->wall, t->cpu + t->runq + t->blocked, 1 + t->wall * 1e-9);
	}
	cr_assert_float_eq(sum->life, walls(sum), 1 + sum->life * 1e-9);
}

#endif
