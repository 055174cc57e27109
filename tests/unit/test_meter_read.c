/* test_meter_read.c: sums, windows and quantiles, read while a worker marks; the trace. */
#include "tests/unit/meter_help.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>

TestSuite(sums, .init = open_meter, .fini = close_meter);

/* --- readers ----------------------------------------------------------------------------------------------------- */

struct reader {
	pthread_t thread;
	_Atomic bool *stop;
	uint64_t twice; /* result: sums in which an interval was counted more than once */
	double worst;   /* result: by so much parts did not add up to their sum */
};

static void *keep_reading(void *arg)
{
	struct reader *r = arg;

	while (!atomic_load(r->stop)) {
		struct ccp_meter_sum sum = read_all();
		uint64_t begun = ccp_meter_accounts(meter, &(size_t){ 0 })->begun_ns;

		r->twice += sum.life > (double)(ccp_meter_now() - begun);
		r->worst = fmax(r->worst, fabs(sum.life - walls(&sum)));
		for (unsigned s = 0; s < CCP_METER_BUSY; s++)
			r->worst = fmax(r->worst, fabs(sum.busy[s].wall - sum.busy[s].cpu - sum.busy[s].runq -
						       sum.busy[s].blocked));
		(void)ccp_meter_quantile(meter, -1, CCP_WORK, 0.5);
	}
	return NULL;
}

Test(sums, readers_and_a_worker_do_not_disturb_each_other)
{
	struct ccp_meter_account *account = ccp_meter_open(meter, "threads", 0, 0);
	_Atomic bool stop = false;
	struct reader reader[2] = { { .stop = &stop }, { .stop = &stop } };
	struct ccp_job job = a_job(0);

	ccp_meter_mark(account, CCP_METER_HUB);
	for (unsigned i = 0; i < 2; i++)
		cr_assert_eq(pthread_create(&reader[i].thread, NULL, keep_reading, &reader[i]), 0);
	for (unsigned i = 0; i < 100000; i++) {
		ccp_meter_mark(account, CCP_METER_WORK);
		ccp_meter_mark_job(account, i % 10 ? CCP_METER_HUB : CCP_METER_WAIT_IN, CCP_WORK, &job);
	}
	ccp_meter_close(account);
	atomic_store(&stop, true);
	for (unsigned i = 0; i < 2; i++) {
		pthread_join(reader[i].thread, NULL);
		cr_assert_eq(reader[i].twice, 0);
		cr_assert_leq(reader[i].worst, 1);
	}
	cr_assert_eq(read_all().jobs[CCP_WORK], 100000);
}

Test(sums, subtract_gives_a_window)
{
	struct ccp_meter_account *account = ccp_meter_open(meter, "serial", 0, 0);
	struct ccp_job job = a_job(0);
	struct ccp_meter_sum first, second;

	for (unsigned i = 0; i < 2; i++) {
		ccp_meter_mark(account, CCP_METER_WORK);
		burn(2 * MS);
		ccp_meter_mark_job(account, CCP_METER_WAIT_OUT, CCP_WORK, &job);
		nap(MS);
		if (i == 0)
			first = read_all();
	}
	ccp_meter_close(account);
	second = read_all();

	struct ccp_meter_sum window = second;

	ccp_meter_subtract(&window, &first);
	expect_whole(&window);
	cr_assert_eq(window.jobs[CCP_WORK], 1);
	cr_assert_eq(window.bytes_in[CCP_WORK], JOB_BYTES);
	cr_assert_float_eq(window.life, second.life - first.life, 10);
	cr_assert_geq(window.busy[CCP_METER_WORK].cpu, 2 * MS * 0.9);
	cr_assert_geq(window.wait_out, MS);
	cr_assert_eq(window.workers, 1);

	/* an estimate that was corrected downwards */
	window = (struct ccp_meter_sum){ .busy[0] = { .wall = 10, .cpu = 2, .blocked = 8 } };
	first = (struct ccp_meter_sum){ .busy[0] = { .wall = 6, .cpu = 6 }, .wait_in = 3, .jobs = { 1 } };
	ccp_meter_subtract(&window, &first);
	expect_whole(&window);
	cr_assert_float_eq(window.busy[0].wall, 4, 1e-9);
	cr_assert_float_eq(window.busy[0].blocked, 4, 1e-9);
	cr_assert_eq(window.wait_in, 0);
	cr_assert_eq(window.jobs[0], 0);
	cr_assert_float_eq(window.life, 4, 1e-9);
}

Test(sums, quantiles_come_from_the_bins)
{
	struct ccp_meter_account *account = ccp_meter_open(meter, "async", 2, 0);
	struct ccp_meter_account *other = ccp_meter_open(meter, "async", 5, 0);
	struct ccp_job job = a_job(0);

	cr_assert_eq(ccp_meter_quantile(meter, -1, CCP_READ, 0.5), 0);
	ccp_meter_mark(account, CCP_METER_READ);
	for (unsigned i = 0; i < 1000; i++) /* 1 ms … 1000 ms */
		ccp_meter_note(account, CCP_READ, &job, ccp_meter_now() - (i + 1) * MS);
	ccp_meter_note(other, CCP_READ, &job, ccp_meter_now() - 100000 * MS);
	ccp_meter_close(account);
	for (double q = 0.1; q < 1; q += 0.1) {
		double got = ccp_meter_quantile(meter, 2, CCP_READ, q), want = q * 1000 * MS;

		cr_assert_float_eq(got, want, want * 0.13, "%f: %f instead of %f", q, got, want);
	}
	cr_assert_float_eq(ccp_meter_quantile(meter, 2, CCP_READ, 0), MS, 0.25 * MS);
	cr_assert_float_eq(ccp_meter_quantile(meter, 2, CCP_READ, 1), 1000.0 * MS, 250.0 * MS);
	cr_assert_float_eq(ccp_meter_quantile(meter, -1, CCP_READ, 1), 100000.0 * MS, 25000.0 * MS);
	cr_assert_eq(ccp_meter_quantile(meter, 2, CCP_WORK, 0.5), 0);
	cr_assert_eq(ccp_meter_quantile(meter, 9, CCP_READ, 0.5), 0);

	struct ccp_meter_sum sum;

	ccp_meter_read(meter, 2, &sum);
	cr_assert_eq(sum.jobs[CCP_READ], 1000);
	cr_assert_geq(sum.service[CCP_READ], 1000 * 1001 / 2 * (double)MS);
	cr_assert_lt(sum.busy[CCP_METER_READ].wall, sum.service[CCP_READ], "the loop's own time");
}

Test(sums, extreme_service_times_have_a_bin)
{
	struct ccp_meter_account *account = ccp_meter_open(meter, "async", 0, 0);
	struct ccp_job job = a_job(0);
	uint32_t count = 0;

	ccp_meter_note(account, CCP_READ, &job, UINT64_MAX); /* of the future: 0 */
	ccp_meter_note(account, CCP_READ, &job, 0);          /* since the machine was started */
	for (unsigned b = 0; b < CCP_METER_BINS; b++)
		count += account->bins[CCP_READ][b];
	cr_assert_eq(count, 2);
	cr_assert_eq(account->bins[CCP_READ][0], 1);
}

/* --- the trace --------------------------------------------------------------------------------------------------- */

#define SPANS 100
#define KEPT_FIRST (SPANS / 20)

struct seen {
	unsigned count;
	struct ccp_span span[SPANS];
};

static void see(void *arg, const struct ccp_span *span)
{
	struct seen *seen = arg;

	cr_assert_lt(seen->count, SPANS);
	seen->span[seen->count++] = *span;
}

static void spin_until_later(void)
{
	uint64_t now = ccp_meter_now();

	while (ccp_meter_now() == now)
		;
}

Test(trace, the_first_and_the_last_are_kept)
{
	const unsigned numbers[] = { 0, 1, KEPT_FIRST, SPANS - 1, SPANS, SPANS + 1, SPANS + 96, 10 * SPANS + 7 };

	for (size_t n = 0; n < sizeof numbers / sizeof *numbers; n++) {
		struct ccp_err err;
		struct seen seen = { .count = 0 };
		unsigned written = numbers[n], kept = written < SPANS ? written : SPANS;

		cr_assert_eq(ccp_meter_new(&meter, SPANS, &err), 0);

		struct ccp_meter_account *account = ccp_meter_open(meter, "serial", 0, 0);

		ccp_meter_mark(account, CCP_METER_WORK);
		for (unsigned i = 0; i < written; i++) {
			struct ccp_job job = a_job(i);

			spin_until_later();
			ccp_meter_mark_job(account, CCP_METER_WORK, CCP_WORK, &job);
		}
		cr_assert_eq(ccp_meter_spans(meter, account, see, &seen), written - kept);
		cr_assert_eq(seen.count, kept);
		for (unsigned i = 0; i < kept; i++) {
			unsigned seq = i < KEPT_FIRST ? i : i + written - kept;

			cr_assert_eq(seen.span[i].seq, seq, "of %u, the one at %u", written, i);
			cr_assert_eq(seen.span[i].bytes, JOB_BYTES);
			cr_assert_eq(seen.span[i].state, CCP_METER_WORK);
			cr_assert_gt(seen.span[i].length_ns, 0);
			if (i > 0)
				cr_assert_geq(seen.span[i].begin_ns,
					      seen.span[i - 1].begin_ns + seen.span[i - 1].length_ns);
		}
		ccp_meter_close(account);
		ccp_meter_free(meter);
	}
}

Test(trace, what_makes_a_span)
{
	struct ccp_err err;
	struct seen seen = { .count = 0 };
	struct ccp_job job = a_job(5);

	cr_assert_eq(ccp_meter_new(&meter, SPANS, &err), 0);

	struct ccp_meter_account *account = ccp_meter_open(meter, "async", 0, 0);

	ccp_meter_mark(account, CCP_METER_WAIT_IN);
	nap(MS);
	ccp_meter_mark(account, CCP_METER_READ);
	spin_until_later();
	ccp_meter_note(account, CCP_READ, &job, ccp_meter_now() - 10 * MS);
	ccp_meter_mark(account, CCP_METER_PARKED);
	ccp_meter_close(account);
	cr_assert_eq(ccp_meter_spans(meter, account, see, &seen), 0);
	cr_assert_geq(seen.count, 3);
	cr_assert_eq(seen.span[0].state, CCP_METER_WAIT_IN);
	cr_assert_eq(seen.span[0].seq, UINT64_MAX);
	cr_assert_eq(seen.span[0].bytes, 0);
	cr_assert_geq(seen.span[0].length_ns, MS);
	cr_assert_eq(seen.span[1].state, CCP_METER_READ);
	cr_assert_eq(seen.span[1].overlaps, 1);
	cr_assert_eq(seen.span[1].seq, 5);
	cr_assert_geq(seen.span[1].length_ns, 10 * MS);
	cr_assert_eq(seen.span[2].state, CCP_METER_READ);
	cr_assert_eq(seen.span[2].overlaps, 0);
	ccp_meter_free(meter);
}

/* Too many for the address space: fewer accounts have a trace, or none; that is no error. */
Test(trace, too_many_spans_do_no_harm)
{
	const size_t sizes[] = { (size_t)1 << 20, (size_t)1 << 40, SIZE_MAX };

	for (size_t i = 0; i < 3; i++) {
		struct ccp_err err;
		struct seen seen = { .count = 0 };

		cr_assert_eq(ccp_meter_new(&meter, sizes[i], &err), 0);

		struct ccp_meter_account *account = ccp_meter_open(meter, "serial", 0, 0);

		ccp_meter_mark(account, CCP_METER_WORK);
		spin_until_later();
		ccp_meter_close(account);
		ccp_meter_spans(meter, account, see, &seen);
		cr_assert_eq(seen.count, i == 0 ? 1 : 0);
		while ((account = ccp_meter_open(meter, "serial", 0, 0)) != NULL) {
			ccp_meter_mark(account, CCP_METER_WORK);
			spin_until_later();
			ccp_meter_close(account);
		}
		ccp_meter_free(meter);
	}
}
