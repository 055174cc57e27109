/*
 * page_help.h: what the tests of the page of --profile=html share: a run that never was, a stage, a decision or a
 * worker at a time, and what holds for every page. With CCP_PAGES=FOLDER the pages are kept there, for
 * tests/tools/check-page and for eyes.
 */
#ifndef CCP_TESTS_UNIT_PAGE_HELP_H
#define CCP_TESTS_UNIT_PAGE_HELP_H

#include <criterion/criterion.h>
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/html.h"
#include "cmd/profile.h"

#define UNUSED __attribute__((unused))
#define MS UINT64_C(1000000)
#define BEGUN (5000 * MS)

static struct ccp_profile profile;
static char *page;
static size_t page_len;

UNUSED static void write_page(const char *name)
{
	FILE *out = open_memstream(&page, &page_len);
	const char *folder = getenv("CCP_PAGES");

	cr_assert(out != NULL);
	cr_assert_eq(ccp_profile_write_html(out, &profile), 0);
	fclose(out);
	if (folder != NULL) {
		char path[4096];

		snprintf(path, sizeof path, "%s/%s.html", folder, name);
		out = fopen(path, "w");
		cr_assert(out != NULL && fwrite(page, 1, page_len, out) == page_len);
		fclose(out);
	}
}

UNUSED static void expect(const char *text)
{
	cr_expect(strstr(page, text) != NULL, "the page lacks: %s", text);
}

UNUSED static void expect_none(const char *text)
{
	cr_expect(strstr(page, text) == NULL, "the page has: %s", text);
}

/* --- well-formed: each tag is closed in its order --------------------------------------------------------------- */

UNUSED static bool is_void(const char *name)
{
	return strcmp(name, "meta") == 0 || strcmp(name, "br") == 0 || strcmp(name, "link") == 0 ||
	       strcmp(name, "img") == 0;
}

UNUSED static void expect_well_formed(void)
{
	char stack[64][24];
	size_t depth = 0;

	for (const char *s = strchr(page + 2, '<'); s != NULL; s = strchr(s, '<')) {
		bool closes = s[1] == '/', quoted = false;
		const char *end = s + 1 + closes;
		char name[24] = "";

		for (size_t i = 0; isalnum((unsigned char)*end) && i + 1 < sizeof name; i++)
			name[i] = *end++;
		cr_assert(name[0] != '\0', "a bare <: %.40s", s);
		for (; *end != '\0' && (quoted || *end != '>'); end++)
			quoted ^= *end == '"';
		cr_assert(*end == '>', "a tag that does not end: %.40s", s);
		if (closes) {
			cr_assert(depth > 0 && strcmp(stack[depth - 1], name) == 0, "</%s> closes <%s>: %.60s", name,
				  depth > 0 ? stack[depth - 1] : "", s);
			depth--;
		} else if (end[-1] != '/' && !is_void(name)) {
			cr_assert(depth < 64);
			memcpy(stack[depth++], name, sizeof name);
		}
		s = end;
	}
	cr_expect_eq(depth, 0, "<%s> is not closed", depth > 0 ? stack[depth - 1] : "");
}

/* What holds for every page. */
UNUSED static void expect_sound(void)
{
	expect_well_formed();
	cr_expect(strncmp(page, "<!DOCTYPE html>\n<html lang=\"en\">", 32) == 0);
	cr_expect(page_len > 10 && strcmp(page + page_len - 8, "</html>\n") == 0);
	expect("<meta name=\"viewport\"");
	expect("prefers-color-scheme:dark");
	expect_none("http:");
	expect_none("https:");
	expect_none("src=");
	expect_none("@import");
	expect_none("<script");
	expect_none("nan");
	expect_none("inf ");
	expect_none("inf%");
	for (const char *s = strstr(page, "url("); s != NULL; s = strstr(s + 1, "url("))
		cr_expect(s[4] == '#', "a url that is not of the page: %.30s", s);
}

/* --- a run that was never --------------------------------------------------------------------------------------- */

UNUSED static void fill_run(void)
{
	memset(&profile, 0, sizeof profile);
	profile.host =
		(struct ccp_host){ .cpus = 2, .cpus_online = 2, .cpus_affinity = 2, .memory = UINT64_C(25) << 30 };
	profile.plan.window = 14;
	profile.plan.max_mem = 512 << 20;
	profile.plan.memory = 29 << 20;
	snprintf(profile.plan.why, sizeof profile.plan.why, "-j 2 (CPUs), window 14");
	profile.transform = "gzip";
	profile.sink = "file";
	profile.begun_ns = BEGUN;
	profile.wall_s = 3.41;
	profile.user_s = 6.31;
	profile.sys_s = 0.21;
	profile.bytes_in = UINT64_C(1073741824);
	profile.bytes_out = 222298112;
	profile.jobs = 4096;
	profile.inputs_done = 37;
	profile.peak_rss = 19922944;
	profile.buffers = 7 << 20;
	profile.psi_cpu_s = 0.05;
	profile.external_load = 0.02;
	profile.live_mean = 6.2;
	profile.live_max = 14;
	profile.limit = CCP_LIMIT_CPU;
	profile.ceiling_rate = 3.3e8;
	snprintf(
		profile.limit_text, sizeof profile.limit_text,
		"CPU: both CPUs are busy 96%% of the time; more workers will not help, a faster transform or more CPUs "
		"will");
}

UNUSED static void fill_stages(unsigned degree)
{
	static const double walls[] = { 0.75e9, 5.6e9, 0.18e9 }, cpus[] = { .98, .97, .71 },
			    waits[] = { .01, .01, .29 };

	for (unsigned i = 0; i < CCP_STAGES; i++) {
		struct ccp_profile_stage *stage = &profile.stage[i];
		double wall = walls[i];

		*stage = (struct ccp_profile_stage){ .strategy = "omp",
						     .exec = 1,
						     .degree = degree,
						     .degree_max = degree,
						     .degree_mean = degree,
						     .class = CCP_CLASS_CPU,
						     .share = cpus[i],
						     .jobs = 4096,
						     .p50_ns = wall / 4200,
						     .p95_ns = wall / 3300,
						     .max_ns = wall / 900,
						     .utilisation = wall / 6.82e9,
						     .rate_alone = 2e18 / wall,
						     .fused_with_previous = i > 0 };
		stage->time = (struct ccp_meter_times){ wall, wall * cpus[i], wall * (1 - cpus[i] - waits[i]),
							wall * waits[i] };
	}
	profile.execs = 2;
	profile.exec[0] = (struct ccp_profile_exec){ .strategy = "serial", .degree = 1 };
	profile.exec[1] = (struct ccp_profile_exec){ .strategy = "omp", .degree = degree, .stages = 7 };
	profile.exec[0].sum.workers = 1;
	profile.exec[0].sum.busy[CCP_METER_READ].wall = 0.6e6;
	profile.exec[0].sum.busy[CCP_METER_WORK].wall = 4.1e6;
	profile.exec[0].sum.busy[CCP_METER_WRITE].wall = 0.3e6;
	profile.exec[0].sum.life = 5e6;
	profile.exec[1].sum.workers = degree;
	for (unsigned i = 0; i < CCP_STAGES; i++)
		profile.exec[1].sum.busy[i].wall = walls[i];
	profile.exec[1].sum.busy[CCP_METER_HUB].wall = 0.04e9;
	profile.exec[1].sum.wait_in = 0.1e9;
	profile.exec[1].sum.wait_out = 0.08e9;
	profile.exec[1].sum.parked = 0.07e9;
	profile.exec[1].sum.life = 6.82e9;
	profile.all = profile.exec[1].sum;
	profile.all.switches_vol = 120;
	profile.all.switches_inv = 402;
}

UNUSED static void fill_ticks(void)
{
	profile.ticks = 340;
	profile.tick_step_ns = 10 * MS;
	for (unsigned i = 0; i < profile.ticks; i++) {
		struct ccp_tick *tick = &profile.tick[i];
		double part = (i + 1) / 341.0;

		tick->t_ns = (uint64_t)(i + 1) * 10 * MS;
		tick->bytes_in = (uint64_t)(1073741824.0 * (part + 0.01 * sin(i / 9.0)));
		tick->bytes_out = (uint64_t)(222298112.0 * (part + 0.01 * sin(i / 9.0)));
		for (unsigned s = 0; s < CCP_STAGES; s++) {
			tick->degree[s] = i == 0 ? 1 : s == CCP_WORK && i >= 120 && i < 200 ? 3 : 2;
			tick->kind[s] = i > 0;
		}
	}
}

UNUSED static void fill_auto(void)
{
	struct ccp_decision *decision = &profile.decision;

	profile.automatic = profile.decided = true;
	profile.facts = (struct ccp_facts){ .cpus = 2,
					    .mem_budget = 512 << 20,
					    .slot_bytes = 2 << 20,
					    .state_bytes = 300 << 10,
					    .slots = 14,
					    .total_bytes = UINT64_C(1073741824),
					    .inputs = 37,
					    .total_known = true,
					    .chunk_bytes = 256 << 10,
					    .fs = CCP_FS_LOCAL,
					    .cached = 1,
					    .async_ring = true };
	for (unsigned i = 0; i < CCP_KINDS; i++)
		profile.facts.can[i] = true;
	profile.probe_stop = CCP_PROBE_TIME;
	profile.probe_jobs = 9;
	profile.probe_s = 0.0051;
	for (unsigned i = 0; i < CCP_STAGES; i++) {
		profile.probe_vector[i] = (struct ccp_vector){ 9, i == CCP_WORK ? 302e3 : 36e3, 2e3, 1e3, 262144 };
		decision->stage[i] = (struct ccp_stage_choice){ CCP_KIND_OMP, 2, 0, CCP_CLASS_CPU, 0.97 };
	}
	decision->window = 14;
	decision->predicted_ns = 3.38e9;
	decision->serial_ns = 6.6e9;
	decision->reason[0] = (struct ccp_reason){ CCP_WHY_CPU_SHARE, CCP_WORK, 0.97, 0.8 };
	decision->reason[1] = (struct ccp_reason){ CCP_WHY_CPUS, CCP_WORK, 2, 2 };
	decision->reason[2] = (struct ccp_reason){ CCP_WHY_FUSED, CCP_READ, 1e-3, 0 };
	decision->reason[3] = (struct ccp_reason){ CCP_WHY_PREDICTED, -1, 3.38, 6.6 };
	decision->reasons = 4;
	snprintf(decision->rejected[0].plan, sizeof decision->rejected[0].plan, "threads x2");
	decision->rejected[0].predicted_ns = 3.39e9;
	snprintf(decision->rejected[1].plan, sizeof decision->rejected[1].plan, "proc x2");
	decision->rejected[1].predicted_ns = 3.6e9;
	decision->rejects = 2;
	profile.final = *decision;
}

UNUSED static void add_change(double t_s, const char *from, const char *to, double elasticity,
			      enum ccp_reason_code code)
{
	struct ccp_change *change = &profile.change[profile.changes++];

	*change = (struct ccp_change){ .t_ns = (uint64_t)(t_s * 1e9),
				       .stages = CCP_STAGE_BIT(CCP_WORK),
				       .elasticity = elasticity,
				       .judged = !isnan(elasticity),
				       .kept = elasticity > 0.15 };
	snprintf(change->from, sizeof change->from, "%s", from);
	snprintf(change->to, sizeof change->to, "%s", to);
	change->reason = (struct ccp_reason){ code, CCP_WORK, 0.09, 0.15 };
	if (strncmp(to, "window", 6) == 0)
		change->stages = 0;
	if (!isnan(elasticity)) {
		change->rate_before = 3.1e8;
		change->rate_after = 3.1e8 * (1 + elasticity / 3);
	}
}

/* A worker that goes round its states in steps of about `step_ns`, and leaves as many spans as there is room for. */
UNUSED static void fill_worker(unsigned exec, unsigned number, const char *strategy, double from_s, double to_s,
			       double step_ns)
{
	static const double parts[CCP_METER_STATES] = { .11, .82, .03, .01, .02, .01, 0 };
	struct ccp_meter_account *account = ccp_meter_open(profile.meter, strategy, exec, number);
	uint64_t t = BEGUN + (uint64_t)(from_s * 1e9), end = BEGUN + (uint64_t)(to_s * 1e9), n = 0;

	cr_assert(account != NULL && account->spans != NULL);
	atomic_store(&account->begun_ns, t);
	atomic_store(&account->ended_ns, end);
	for (; t < end && n < account->span_capacity; n++) {
		unsigned state = (unsigned)(n + number) % CCP_METER_STATES;
		double length = parts[state] * step_ns * (1 + 0.5 * sin((double)(n * 7 + number)));

		if (length < 1)
			length = 1;
		account->spans[n] = (struct ccp_span){ t, (uint64_t)length, n, 262144, (uint8_t)state, 0, 0 };
		t += (uint64_t)length;
	}
	atomic_store(&account->span_count, n);
}

UNUSED static void fill_meter(size_t spans)
{
	struct ccp_err err;

	cr_assert_eq(ccp_meter_new(&profile.meter, spans, &err), 0);
}

UNUSED static void release(void)
{
	ccp_meter_free(profile.meter);
	profile.meter = NULL;
	free(page);
	page = NULL;
}

#endif
