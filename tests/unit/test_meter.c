/* test_meter.c: the account of a worker's time adds up; accounts of processes; no accounts. */
#include "tests/unit/meter_help.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

TestSuite(meter, .init = open_meter, .fini = close_meter);

/* --- it adds up -------------------------------------------------------------------------------------------------- */

Test(meter, states_add_up_to_life)
{
	struct ccp_meter_account *account = ccp_meter_open(meter, "serial", 0, 0);
	struct ccp_job job = a_job(7);
	uint64_t before[2], after[2], sum_ns = 0;

	before[0] = ccp_meter_now();
	ccp_meter_mark(account, CCP_METER_HUB);
	after[0] = ccp_meter_now();
	for (unsigned i = 0; i < 300; i++) {
		ccp_meter_mark(account, i % 3 == 0 ? CCP_METER_READ : i % 3 == 1 ? CCP_METER_WORK : CCP_METER_WRITE);
		burn(MS / 10);
		ccp_meter_mark_job(account, CCP_METER_HUB, (enum ccp_stage)(i % 3), &job);
		if (i % 7 == 0) {
			ccp_meter_mark(account, i % 2 ? CCP_METER_WAIT_IN : CCP_METER_WAIT_OUT);
			nap(MS / 10);
			ccp_meter_mark(account, CCP_METER_HUB);
		}
	}
	ccp_meter_mark(account, CCP_METER_PARKED);
	nap(2 * MS);
	before[1] = ccp_meter_now();
	ccp_meter_close(account);
	after[1] = ccp_meter_now();

	struct ccp_meter_sum sum = read_all();

	for (unsigned s = 0; s < CCP_METER_STATES; s++) {
		sum_ns += account->wall_ns[s];
		cr_assert_gt(account->wall_ns[s], 0, "%s", ccp_meter_state_name((enum ccp_meter_state)s));
	}
	cr_assert_eq(sum_ns, account->ended_ns - account->begun_ns, "to the nanosecond");
	cr_assert_geq(sum.life + 1, (double)(before[1] - after[0]));
	cr_assert_leq(sum.life - 1, (double)(after[1] - before[0]));
	expect_whole(&sum);
	cr_assert_eq(sum.workers, 1);
	cr_assert_geq(sum.parked, 2 * MS);
	for (unsigned s = 0; s < CCP_STAGES; s++) {
		cr_assert_eq(sum.jobs[s], 100);
		cr_assert_float_eq(sum.service[s], sum.busy[s].wall, 1, "every interval was a job's");
		cr_assert_geq(sum.service[s], 100 * MS / 10);
	}
	cr_assert_eq(sum.bytes_in[CCP_READ], 100 * JOB_BYTES);
	cr_assert_eq(sum.bytes_in[CCP_WORK], 100 * JOB_BYTES);
	cr_assert_eq(sum.bytes_out[CCP_WORK], 100 * JOB_OUT);
	cr_assert_eq(sum.bytes_in[CCP_WRITE], 100 * JOB_OUT);
}

Test(meter, a_job_in_parts_is_one_job)
{
	struct ccp_meter_account *account = ccp_meter_open(meter, "serial", 0, 0);
	struct ccp_job job = a_job(0);

	for (unsigned i = 0; i < 3; i++) {
		job.more = i < 2;
		ccp_meter_mark(account, CCP_METER_WORK);
		ccp_meter_mark_job(account, CCP_METER_WRITE, CCP_WORK, &job);
		ccp_meter_mark_job(account, CCP_METER_HUB, CCP_WRITE, &job);
	}

	struct ccp_meter_sum sum = read_all();

	cr_assert_eq(sum.jobs[CCP_WORK], 1);
	cr_assert_eq(sum.jobs[CCP_WRITE], 1);
	cr_assert_eq(sum.bytes_in[CCP_WORK], JOB_BYTES);
	cr_assert_eq(sum.bytes_out[CCP_WORK], 3 * JOB_OUT);
	cr_assert_eq(sum.bytes_out[CCP_WRITE], 3 * JOB_OUT);
	ccp_meter_close(account);
}

Test(meter, an_open_interval_counts_up_to_now)
{
	struct ccp_meter_account *account = ccp_meter_open(meter, "serial", 0, 0);
	struct ccp_meter_sum sum, later;

	ccp_meter_mark(account, CCP_METER_WAIT_IN);
	nap(3 * MS);
	sum = read_all();
	cr_assert_geq(sum.wait_in, 3 * MS);
	expect_whole(&sum);
	ccp_meter_mark(account, CCP_METER_WORK);
	burn(60 * MS); /* more than a reader trusts to proportions */
	sum = read_all();
	expect_whole(&sum);
	cr_assert_geq(sum.busy[CCP_METER_WORK].wall, 60 * MS);
	cr_assert_geq(sum.busy[CCP_METER_WORK].cpu, 40 * MS);
	ccp_meter_mark(account, CCP_METER_READ);
	nap(60 * MS);
	sum = read_all();
	cr_assert_geq(sum.busy[CCP_METER_READ].blocked, 40 * MS, "blocked now, though no sample has said so yet");
	ccp_meter_close(account);
	sum = read_all();
	nap(2 * MS);
	later = read_all();
	cr_assert_eq(sum.life, later.life, "closed: it does not grow");
}

Test(meter, a_mark_after_the_end_opens_again)
{
	struct ccp_meter_account *account = ccp_meter_open(meter, "proc", 0, 0);
	uint64_t sum_ns = 0;

	ccp_meter_mark(account, CCP_METER_WORK);
	burn(3 * MS);
	ccp_meter_close(account);
	ccp_meter_close(account); /* does nothing */
	burn(20 * MS);
	nap(3 * MS);
	ccp_meter_mark(account, CCP_METER_WORK);
	burn(3 * MS);
	ccp_meter_close(account);

	for (unsigned s = 0; s < CCP_METER_STATES; s++)
		sum_ns += account->wall_ns[s];
	cr_assert_eq(sum_ns, account->ended_ns - account->begun_ns);
	cr_assert_geq(account->wall_ns[CCP_METER_PARKED], 23 * MS);
	cr_assert_geq(account->life_cpu_ns, 6 * MS);
	cr_assert_lt(account->life_cpu_ns, 16 * MS, "what it did between its lives is not counted");
}

/* --- processes --------------------------------------------------------------------------------------------------- */

static void wait_for(pid_t child)
{
	int status;

	cr_assert_eq(waitpid(child, &status, 0), child);
	cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

Test(meter, a_worker_process_writes_into_its_account)
{
	struct ccp_meter_account *account = ccp_meter_open(meter, "proc", 3, 1);
	struct ccp_meter_account *own = ccp_meter_open(meter, "serial", 0, 0);

	ccp_meter_mark(own, CCP_METER_WORK); /* a descriptor and a clock that are not the child's */
	burn(5 * MS);
	for (unsigned round = 1; round <= 2; round++) { /* the second one replaces the first */
		pid_t child = fork();

		cr_assert_geq(child, 0);
		if (child == 0) {
			struct ccp_job job = a_job(1);

			ccp_meter_mark(account, CCP_METER_WORK);
			burn(30 * MS);
			ccp_meter_mark_job(account, CCP_METER_READ, CCP_WORK, &job);
			nap(30 * MS);
			ccp_meter_close(account);
			_exit(account->pid == getpid() ? 0 : 1);
		}
		wait_for(child);

		struct ccp_meter_sum sum;

		ccp_meter_read(meter, 3, &sum);
		expect_whole(&sum);
		cr_assert_eq(account->pid, child);
		cr_assert_eq(sum.workers, 1);
		cr_assert_eq(sum.jobs[CCP_WORK], round);
		cr_assert_geq(sum.busy[CCP_METER_WORK].cpu, round * 30 * MS * 0.95);
		cr_assert_leq(sum.busy[CCP_METER_WORK].blocked, sum.busy[CCP_METER_WORK].wall * 0.05);
		cr_assert_geq(sum.busy[CCP_METER_READ].blocked, round * 30 * MS * 0.8);
		cr_assert_float_eq(sum.life_cpu, (double)(round * 30 * MS), 5e6 * round);
	}
	ccp_meter_close(own);
}

/* A worker process that was killed: another one goes on, and an account that nobody ended can be closed by any. */
Test(meter, a_killed_process_leaves_a_whole_account)
{
	struct ccp_meter_account *account = ccp_meter_open(meter, "proc", 0, 0);
	uint64_t sum_ns = 0;

	for (unsigned round = 0; round < 2; round++) {
		pid_t child = fork();

		cr_assert_geq(child, 0);
		if (child == 0) {
			ccp_meter_mark(account, CCP_METER_WORK);
			burn(10 * MS);
			_exit(0);
		}
		wait_for(child);
		nap(2 * MS);
	}
	ccp_meter_close(account);
	for (unsigned s = 0; s < CCP_METER_STATES; s++)
		sum_ns += account->wall_ns[s];
	cr_assert_eq(sum_ns, account->ended_ns - account->begun_ns);

	struct ccp_meter_sum sum = read_all();

	expect_whole(&sum);
	cr_assert_lt(sum.life_cpu, 40 * MS);
}

/* --- no account, too many accounts ------------------------------------------------------------------------------- */

Test(meter, without_a_meter_nothing_happens)
{
	struct ccp_job job = a_job(0);
	struct ccp_meter_sum sum;
	size_t count = 1;

	cr_assert_null(ccp_meter_open(NULL, "serial", 0, 0));
	ccp_meter_mark(NULL, CCP_METER_WORK);
	ccp_meter_mark_job(NULL, CCP_METER_WORK, CCP_READ, &job);
	ccp_meter_note(NULL, CCP_READ, &job, 0);
	ccp_meter_close(NULL);
	ccp_meter_close(ccp_meter_open(meter, "serial", 0, 0)); /* never marked */
	ccp_meter_read(NULL, -1, &sum);
	cr_assert_eq(sum.workers, 0);
	cr_assert_eq(ccp_meter_quantile(NULL, -1, CCP_READ, 0.5), 0);
	cr_assert_null(ccp_meter_accounts(NULL, &count));
	cr_assert_eq(count, 0);
	cr_assert_eq(ccp_meter_spans(NULL, NULL, NULL, NULL), 0);
	ccp_meter_free(NULL);
	cr_assert_eq(read_all().workers, 0, "opened, but never marked");
}

Test(meter, accounts_are_exhausted)
{
	size_t count;

	for (unsigned i = 0; i < CCP_METER_ACCOUNTS; i++)
		cr_assert_not_null(ccp_meter_open(meter, "threads", i / 100, i % 100));
	cr_assert_null(ccp_meter_open(meter, "threads", 9, 9));
	cr_assert_null(ccp_meter_open(meter, "threads", 9, 9));

	struct ccp_meter_account *account = ccp_meter_accounts(meter, &count);

	cr_assert_eq(count, CCP_METER_ACCOUNTS);
	cr_assert_eq(account[215].exec, 2);
	cr_assert_eq(account[215].number, 15);
	cr_assert_str_eq(account[215].strategy, "threads");
}

Test(meter, untouched_accounts_take_no_memory)
{
	unsigned char resident[1 + CCP_METER_ACCOUNTS * sizeof(struct ccp_meter_account) / 4096];
	size_t count, bytes = (CCP_METER_ACCOUNTS - 4) * sizeof(struct ccp_meter_account), used = 0;
	uintptr_t begin;

	ccp_meter_mark(ccp_meter_open(meter, "serial", 0, 0), CCP_METER_HUB);
	begin = (uintptr_t)(ccp_meter_accounts(meter, &count) + 2) & ~(uintptr_t)4095;
	cr_assert_eq(mincore((void *)(begin + 4096), bytes, resident), 0);
	for (size_t i = 0; i < bytes / 4096; i++)
		used += resident[i] & 1u;
	cr_assert_eq(used, 0);
}

Test(meter, states_have_names)
{
	cr_assert_str_eq(ccp_meter_state_name(CCP_METER_READ), "read");
	cr_assert_str_eq(ccp_meter_state_name(CCP_METER_HUB), "hub");
	cr_assert_str_eq(ccp_meter_state_name(CCP_METER_WAIT_IN), "wait_in");
	cr_assert_str_eq(ccp_meter_state_name(CCP_METER_PARKED), "parked");
}
