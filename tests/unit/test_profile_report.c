/* test_profile_report.c: what --profile, -v and --explain print for a profile made by hand; the values of --profile. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/profile.h"
#include "cmd/profile_words.h"
#include "tests/unit/profile_help.h"

/* The table as text. Memory: the caller frees it. */
static char *table(const struct ccp_profile *profile, bool brief, bool colour)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ccp_profile_table(out, profile, "ccpipe", brief, colour);
	fclose(out);
	return text;
}

/* The line of `text` that begins with `begin`. Shape: a copy in `line`. */
static const char *find_line(const char *text, const char *begin, char line[400])
{
	const char *at = strncmp(text, begin, strlen(begin)) == 0 ? text : NULL;
	char needle[100];

	snprintf(needle, sizeof needle, "\n%s", begin);
	if (at == NULL && (at = strstr(text, needle)) != NULL)
		at++;
	cr_assert(at != NULL, "no line '%s' in:\n%s", begin, text);
	snprintf(line, 400, "%.*s", (int)strcspn(at, "\n"), at);
	return line;
}

/* The sum of all "N%" in a line, up to `count` of them after the first `skip`. */
static unsigned percents(const char *line, unsigned skip, unsigned count)
{
	unsigned sum = 0;

	for (const char *at = line; (at = strchr(at, '%')) != NULL && count > 0; at++) {
		const char *digit = at;

		while (digit > line && digit[-1] >= '0' && digit[-1] <= '9')
			digit--;
		if (skip > 0) {
			skip--;
			continue;
		}
		sum += (unsigned)atoi(digit);
		count--;
	}
	cr_expect(count == 0 || count > 50, "%u per cents are missing in: %s", count, line);
	return sum;
}

static void expect_narrow(const char *text)
{
	for (const char *line = text; *line != '\0';) {
		size_t len = strcspn(line, "\n");

		cr_expect(len <= CCP_PROFILE_COLUMNS, "%zu columns: %.*s", len, (int)len, line);
		cr_expect(len == 0 || line[len - 1] != ' ', "a blank at the end: %.*s", (int)len, line);
		line += len + (line[len] == '\n');
	}
}

Test(profile_words, percents_add_up)
{
	static const struct {
		double value[4];
		unsigned percent[4];
	} known[] = {
		{ { 1, 1, 1, 0 }, { 34, 33, 33, 0 } },
		{ { 995, 4, 1, 0 }, { 100, 0, 0, 0 } },
		{ { 0, 5, 0, 0 }, { 0, 100, 0, 0 } },
		{ { 0, 0, 0, 0 }, { 0, 0, 0, 0 } },
		{ { NAN, -3, 2, 2 }, { 0, 0, 50, 50 } },
	};
	unsigned percent[CCP_METER_STATES];

	for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
		ccp_words_percent(known[i].value, 4, percent);
		for (int k = 0; k < 4; k++)
			cr_expect_eq(percent[k], known[i].percent[k], "row %zu, %d: %u", i, k, percent[k]);
	}
	srand(1);
	for (int i = 0; i < 20000; i++) {
		double value[CCP_METER_STATES], all = 0;
		unsigned sum = 0;

		for (int k = 0; k < CCP_METER_STATES; k++) {
			value[k] = rand() % 3 == 0 ? rand() : rand() % 50;
			all += value[k];
		}
		ccp_words_percent(value, CCP_METER_STATES, percent);
		for (int k = 0; k < CCP_METER_STATES; k++) {
			sum += percent[k];
			cr_expect(all <= 0 || fabs(percent[k] - 100 * value[k] / all) < 1);
		}
		cr_expect_eq(sum, all > 0 ? 100 : 0);
	}
}

Test(profile_words, numbers)
{
	static const struct {
		double seconds;
		const char *text;
	} times[] = { { 0, "0 s" }, { NAN, "0 s" }, { 3.41, "3.41 s" }, { 0.0051, "5.10 ms" }, { 302e-6, "302 us" },
		      { 0.99996e-3, "1.00 ms" }, { 75.25, "75.2 s" }, { 725, "12:05" }, { 12e-9, "12 ns" } };
	static const struct {
		double bytes;
		const char *text;
	} amounts[] = { { 0, "0 B" }, { 999, "999 B" }, { 1e9, "1.00 GB" }, { 212e6, "212 MB" }, { 999.7e6, "1.00 GB" },
			{ 7.13e9, "7.13 GB" }, { NAN, "0 B" } };
	char text[CCP_WORDS_TEXT];

	for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
		cr_expect_str_eq(ccp_words_duration(times[i].seconds, text), times[i].text);
	for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++)
		cr_expect_str_eq(ccp_words_amount(amounts[i].bytes, text), amounts[i].text);
}

Test(profile_words, parse)
{
	static const char *const bad[] = { "-", "json", "json:", "json:-", "short:x", "json:a,", ",", "jsonx:a",
					   "html:-,short", "json:a,trace:a" };
	struct ccp_profile_request request = { 0 };
	char why[200];

	cr_expect(ccp_profile_parse(&request, NULL, why, sizeof why) == 0 && request.table && !request.brief);
	cr_expect(ccp_profile_parse(&request, "short,json:x:y/z.json", why, sizeof why) == 0);
	cr_expect(request.table && request.brief);
	cr_expect_str_eq(request.json, "x:y/z.json");
	cr_expect(ccp_profile_parse(&request, "trace:a,html:b", why, sizeof why) == 0);
	cr_expect(ccp_profile_parse(&request, "json:c", why, sizeof why) == 0);
	cr_expect_str_eq(request.json, "c");
	cr_expect_str_eq(request.trace, "a");
	cr_expect_str_eq(request.html, "b");
	cr_expect(ccp_profile_parse(&request, "html:c", why, sizeof why) < 0, "two reports in one file");
	ccp_profile_request_release(&request);
	cr_expect(request.json == NULL && !request.table);
	cr_expect(ccp_profile_parse(&request, "json:x", why, sizeof why) == 0 && !request.table);
	ccp_profile_request_release(&request);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		why[0] = '\0';
		cr_expect(ccp_profile_parse(&request, bad[i], why, sizeof why) < 0, "'%s' was taken", bad[i]);
		cr_expect(why[0] != '\0', "no reason for '%s'", bad[i]);
		ccp_profile_request_release(&request);
	}
}

Test(profile_report, table)
{
	struct ccp_profile *profile = profile_make();
	char *text = table(profile, false, false), line[400];

	expect_narrow(text);
	cr_expect_str_eq(find_line(text, "ccpipe profile", line),
			 "ccpipe profile  1.00 GB in, 212 MB out, 4096 chunks   wall 3.41 s   293 MB/s   "
			 "CPU 6.52 s (96% of 2)");
	cr_expect_eq(percents(find_line(text, "workers omp x2: read 11%", line), 0, CCP_METER_STATES), 100);
	for (int i = 0; i < CCP_STAGES; i++) {
		find_line(text, ccp_stage_name((enum ccp_stage)i), line);
		cr_expect_eq(percents(line, 1, 3), 100, "%s", line);
		cr_expect_eq(strstr(line, " < bottleneck") != NULL, i == CCP_WORK, "%s", line);
		cr_expect(strstr(line, " 2* ") != NULL, "%s", line);
	}
	cr_expect(strstr(find_line(text, "work ", line), "302 / 341 us") != NULL, "%s", line);
	cr_expect(strstr(line, "305 MB/s  CPU-bound 98% < bottleneck") != NULL, "%s", line);
	cr_expect(strstr(find_line(text, "write ", line), "waits 94%") != NULL, "%s", line);
	cr_expect_str_eq(find_line(text, "window", line),
			 "window 6 slots, 5.2 in use on average, 6 at most; buffers 14.0 MiB of 512 MiB");
	find_line(text, "CPU ", line);
	cr_expect_str_eq(line, "CPU    util 96% of 2, run queue 2%, others 0.1 CPUs; memory peak 19.0 MiB; "
			       "pressure cpu 100 ms");
	find_line(text, "       memory 0 s", line);
	find_line(text, "auto ", line);
	cr_expect_str_eq(line,
			 "auto   probe 9 chunks 5.10 ms -> omp x2 (predicted 3.38 s, serial 6.60 s)   changes: 2");
	find_line(text, "change 1.20 s", line);
	cr_expect(strstr(line, "read: threads x2 -> threads x4, 410 MB/s -> 418 MB/s, undone: ") != NULL, "%s", line);
	find_line(text, "change 2.20 s", line);
	cr_expect(strstr(line, "run: window 6 -> window 3, not judged: ") != NULL, "%s", line);
	cr_expect(strstr(find_line(text, "why ", line), "work: CPU share 0.97") != NULL, "%s", line);
	cr_expect(strchr(text, '\033') == NULL);
	free(text);

	text = table(profile, true, true);
	cr_expect(strncmp(text, "limit  CPU: 2 of 2", 18) == 0 && strchr(text, '%') != NULL, "%s", text);
	cr_expect(strstr(text, "\nstage") == NULL && strstr(text, "\nauto") == NULL, "%s", text);
	find_line(text, "why ", line);
	free(text);

	text = table(profile, false, true);
	cr_expect(strstr(text, "\033[1;33mwork ") != NULL && strstr(text, "\033[1;33mread") == NULL, "%s", text);
	free(text);
	profile_free(profile);
}

Test(profile_report, table_without_auto)
{
	struct ccp_profile *profile = profile_make();
	char *text, line[400];

	profile->automatic = profile->decided = false;
	profile->changes = 0;
	text = table(profile, false, false);
	cr_expect_str_eq(find_line(text, "auto ", line), "auto   not asked: --strategy=threads (fixed)");
	cr_expect_str_eq(find_line(text, "why ", line), "why    strategy and workers as they were given");
	find_line(text, "window 64 slots", line); /* the plan's own */
	free(text);
	profile->plan.stage[CCP_READ].strategy = profile_strategy("async");
	text = table(profile, false, false);
	find_line(text, "auto ", line);
	cr_expect_str_eq(line, "auto   not asked: --strategy=read=async,work=threads,write=threads (fixed)");
	free(text);
	profile_free(profile);
}

/* The widest that there can be: nothing is longer than a line. And nothing at all: no division by it. */
Test(profile_report, table_extremes)
{
	struct ccp_profile *profile = profile_make(), *empty = calloc(1, sizeof *empty);
	char *text;

	profile->bytes_in = profile->bytes_out = profile->jobs = profile->buffers = UINT64_MAX;
	profile->plan.max_mem = profile->peak_rss = UINT64_MAX;
	profile->wall_s = profile->user_s = 1e7;
	profile->psi_io_s = profile->psi_mem_s = profile->psi_cpu_s = profile->external_load = 1e6;
	profile->throttled_ns = UINT64_MAX;
	memset(profile->limit_text, 'x', sizeof profile->limit_text - 1);
	for (int i = 0; i < CCP_STAGES; i++) {
		struct ccp_profile_stage *stage = &profile->stage[i];

		stage->strategy = "astrategywithalongname";
		stage->degree = 512;
		stage->p50_ns = stage->p95_ns = 123456e9;
		stage->rate_alone = 999e15;
		stage->utilisation = stage->share = 1;
		stage->time = (struct ccp_meter_times){ 1e9, 1e9, 0, 0 };
	}
	text = table(profile, false, false);
	expect_narrow(text);
	cr_expect(strstr(text, "CPU-bound 100% < bottleneck") != NULL, "%s", text);
	free(text);
	text = table(empty, false, false);
	expect_narrow(text);
	cr_expect(strstr(text, "nan") == NULL && strstr(text, "inf") == NULL, "%s", text);
	free(text);
	free(empty);
	profile_free(profile);
}

Test(profile_report, network)
{
	struct ccp_profile *profile = profile_make();
	char *text = table(profile, false, false), line[400];
	struct ccp_words words = { 0 };

	cr_expect(strstr(text, "\nnet ") == NULL, "%s", text);
	free(text);
	profile->network = (struct ccp_fetch_depth_info){ .depth = 64, .at_once = 70, .per_host = 32, .learned = true,
		.why = CCP_DEPTH_SOURCE, .rate = 103, .rate_before = 100, .refused = 2 };
	text = table(profile, false, false);
	find_line(text, "net    64 ahead (learned; 128 gave 3% more), 70 at once, 32 a host, 2 refused", line);
	free(text);
	for (int why = CCP_DEPTH_ASKED; why <= CCP_DEPTH_FILES; why++) {
		profile->network = (struct ccp_fetch_depth_info){ .depth = 1, .at_once = 1 };
		profile->network.why = (enum ccp_depth_why)why;
		words = (struct ccp_words){ 0 };
		ccp_words_add_network(&words, &profile->network);
		cr_expect(strstr(words.text, "1 ahead (") != NULL && strstr(words.text, "(null)") == NULL, "%s",
			  words.text);
	}
	profile_free(profile);
}

Test(profile_report, line_and_explain)
{
	struct ccp_profile *profile = profile_make();
	char *text, line[400];
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ccp_profile_line(out, profile, "ccpipe");
	fclose(out);
	find_line(text, "ccpipe: read: CPU-bound (share 0.98): omp x2, fused with work and write", line);
	cr_expect(strstr(find_line(text, "ccpipe: work: ", line), "CPU share 0.97 >= 0.80") != NULL, "%s", line);
	find_line(text, "ccpipe: auto: omp x2, after a probe of 9 chunks in 5.10 ms; ", line);
	find_line(text, "ccpipe: limit: CPU: ", line);
	free(text);

	out = open_memstream(&text, &len);
	ccp_profile_explain(out, profile, "ccpipe");
	fclose(out);
	expect_narrow(text);
	find_line(text, "probe     9 chunks in 5.10 ms, by 1 worker: enough was seen", line);
	find_line(text, "can run   serial, omp, threads, async (io_uring)", line);
	find_line(text, "decision  omp x2, window 6: predicted 3.38 s, serial 6.60 s", line);
	cr_expect(strstr(text, "[CPU_SHARE value 0.97 threshold 0.8]") != NULL, "%s", text);
	cr_expect(strstr(text, "[CPUS value 2]") != NULL, "%s", text);
	find_line(text, "not taken threads x2: predicted 3.37 s", line);
	free(text);
	profile_free(profile);
}
