/* test_plan.c: -j, --strategy, --max-mem: what they come to, and what is refused. */
#include <criterion/criterion.h>
#include <string.h>

#include "pipeline/plan.h"
#include "strategies/strategies.h"

static const struct ccp_transform_need need = { .chunk_bytes = 1 << 20, .out_bytes = 1 << 20, .state_bytes = 1 << 18 };
static const struct ccp_host host = { .cpus = 4, .cpus_affinity = 4, .cpus_online = 8, .memory = UINT64_C(8) << 30 };
static struct ccp_plan plan;
static struct ccp_err err;

static int make(const char *strategy, const char *jobs)
{
	struct ccp_plan_options options = { .strategy = strategy, .jobs = jobs };

	return ccp_plan_make(&plan, &options, &need, &host, ccp_strategies, &err);
}

Test(plan, jobs)
{
	static const struct {
		const char *text;
		unsigned jobs;
	} table[] = { { NULL, 4 }, { "auto", 4 }, { "1", 1 }, { "7", 7 }, { "50%", 2 }, { "100%", 4 }, { "200%", 8 },
		      { "1%", 1 }, { "-1", 3 }, { "-9", 1 } };

	for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
		cr_assert(make("threads", table[i].text) == 0, "%s", err.text);
		cr_expect_eq(plan.stage[CCP_WORK].degree, table[i].jobs, "-j %s is %u", table[i].text,
			     plan.stage[CCP_WORK].degree);
	}

	static const char *const bad[] = { "0", "", "x", "3x", "-5%", "99999", "1 2" };

	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		cr_expect(make("threads", bad[i]) < 0, "-j %s was taken", bad[i]);
		cr_expect_eq(err.code, CCP_E_USAGE);
	}
}

static void expect_stages(const char *spec, const char *read, const char *work, const char *write)
{
	cr_assert(make(spec, "3") == 0, "%s: %s", spec, err.text);
	cr_expect_str_eq(plan.stage[CCP_READ].strategy->name, read, "%s: read", spec);
	cr_expect_str_eq(plan.stage[CCP_WORK].strategy->name, work, "%s: work", spec);
	cr_expect_str_eq(plan.stage[CCP_WRITE].strategy->name, write, "%s: write", spec);
}

Test(plan, strategies)
{
	expect_stages(NULL, "serial", "serial", "serial"); /* auto begins so */
	cr_expect(plan.automatic);
	expect_stages("auto", "serial", "serial", "serial");
	cr_expect(plan.automatic);
	expect_stages("work=threads", "threads", "threads", "threads");
	cr_expect_not(plan.automatic);
	expect_stages("serial", "serial", "serial", "serial");
	expect_stages("threads", "threads", "threads", "threads");
	expect_stages("proc", "proc", "proc", "threads");
	expect_stages("async", "async", "threads", "threads");
	expect_stages("read=async,work=proc,write=serial", "async", "proc", "serial");
	expect_stages("work=serial,write=threads", "serial", "serial", "threads");
	expect_stages("proc,read=threads", "threads", "proc", "threads");
}

Test(plan, fusion)
{
	cr_assert(make("threads", "3") == 0);
	cr_expect_eq(plan.stage[CCP_READ].exec, plan.stage[CCP_WORK].exec);
	cr_expect_eq(plan.stage[CCP_WORK].exec, plan.stage[CCP_WRITE].exec);
	cr_assert(make("proc", "3") == 0);
	cr_expect_eq(plan.stage[CCP_READ].exec, plan.stage[CCP_WORK].exec);
	cr_expect_neq(plan.stage[CCP_WORK].exec, plan.stage[CCP_WRITE].exec);
	cr_expect(plan.forks);
	cr_assert(make("read=serial,work=threads,write=serial", "3") == 0);
	cr_expect_eq(plan.stage[CCP_READ].exec, plan.stage[CCP_WRITE].exec, "serial is one queue");

	struct ccp_plan_options counted = { .jobs = "4", .readers = 2, .writers = 1 };

	cr_assert(ccp_plan_make(&plan, &counted, &need, &host, ccp_strategies, &err) == 0);
	cr_expect_eq(plan.stage[CCP_READ].degree, 2);
	cr_expect_eq(plan.stage[CCP_WORK].degree, 4);
	cr_expect_eq(plan.stage[CCP_WRITE].degree, 1);
	cr_expect_neq(plan.stage[CCP_READ].exec, plan.stage[CCP_WORK].exec);
}

Test(plan, refusals_say_what_fits)
{
	cr_expect(make("work=async", NULL) < 0);
	cr_expect_eq(err.code, CCP_E_USAGE);
	cr_expect(strstr(err.text, "async does not fit the work stage") != NULL, "%s", err.text);
	cr_expect(strstr(err.text, "proc") && strstr(err.text, "threads"), "%s", err.text);
	cr_expect(make("write=proc", NULL) < 0);
	cr_expect(strstr(err.text, "write stage") != NULL, "%s", err.text);
	cr_expect(make("read=proc,work=threads", NULL) < 0);
	cr_expect(strstr(err.text, "needs work=proc") != NULL, "%s", err.text);
	cr_expect(make("pthreads", NULL) < 0);
	cr_expect(strstr(err.text, "no strategy is called 'pthreads'") != NULL, "%s", err.text);
	cr_expect(make("emit=threads", NULL) < 0);
	cr_expect(strstr(err.text, "no stage is called 'emit'") != NULL, "%s", err.text);
}

Test(plan, sizes)
{
	uint64_t bytes;

	cr_expect(ccp_size_parse("4096", &bytes) == 0 && bytes == 4096);
	cr_expect(ccp_size_parse("64K", &bytes) == 0 && bytes == 65536);
	cr_expect(ccp_size_parse("1.5M", &bytes) == 0 && bytes == 1572864);
	cr_expect(ccp_size_parse("2GiB", &bytes) == 0 && bytes == UINT64_C(2) << 30);
	cr_expect(ccp_size_parse("", &bytes) < 0);
	cr_expect(ccp_size_parse("-1", &bytes) < 0);
	cr_expect(ccp_size_parse("1X", &bytes) < 0);
	cr_expect(ccp_size_parse("1KK", &bytes) < 0);
}

Test(plan, host_is_read)
{
	struct ccp_host here;

	ccp_host_read(&here);
	cr_expect(here.cpus >= 1 && here.cpus <= here.cpus_affinity && here.cpus_affinity <= here.cpus_online);
	cr_expect(here.memory > 0);
}
