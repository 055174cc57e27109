/*
 * test_profile_html.c: the page of --profile=html: whole and well-formed, nothing from elsewhere, everything from
 * outside escaped, and sane for a run of which nothing is known.
 */
#include "tests/unit/page_help.h"

Test(profile_html, whole, .fini = release)
{
	fill_run();
	fill_stages(2);
	fill_ticks();
	fill_auto();
	add_change(0.52, "omp x1", "omp x2", 0.9, CCP_WHY_ELASTIC);
	add_change(1.2, "omp x2", "omp x3", 0.03, CCP_WHY_INELASTIC);
	add_change(2.0, "omp x3", "omp x2", NAN, CCP_WHY_INELASTIC);
	add_change(2.06, "window 14", "window 10", NAN, CCP_WHY_MEMORY_PRESSURE);
	fill_meter(60000);
	fill_worker(0, 0, "serial", 0, 0.0051, 0.4e6);
	fill_worker(1, 0, "omp", 0.006, 3.4, 0.4e6);
	fill_worker(1, 1, "omp", 0.006, 3.4, 60e6);
	write_page("whole");
	expect_sound();
	expect("class=\"verdict\">CPU: both CPUs are busy 96% of the time");
	expect("omp #0");
	expect("omp #1");
	expect("serial #0");
	expect("Ran as <strong>omp x2</strong>, chosen by auto");
	expect("1.07 GB");
	expect("3.41 s");
	expect("315 MB/s");
	expect("threads x2");
	expect("<code>CPU_SHARE</code>");
	expect("5.10 ms: auto chose omp x2");
	expect("520 ms: omp x1 to omp x2, kept");
	expect("1.20 s: omp x2 to omp x3, undone");
	expect("window 10");
	cr_expect_lt(page_len, 200000);
}

Test(profile_html, names_from_outside_are_escaped, .fini = release)
{
	fill_run();
	fill_stages(2);
	fill_ticks();
	fill_auto();
	profile.transform = "command <script>alert(1)</script> & \"quoted\" 'too'\x1b[31m\xff";
	profile.sink = "</title><img alt=x>";
	snprintf(profile.limit_text, sizeof profile.limit_text, "<b>&\xe2\x80\xae");
	snprintf(profile.plan.why, sizeof profile.plan.why, "\"><svg onload=x>");
	add_change(1, "<i>", "</ol><script>", NAN, CCP_WHY_BUSY);
	snprintf(profile.decision.rejected[0].plan, sizeof profile.decision.rejected[0].plan, "\"><script>");
	profile.stage[CCP_WORK].strategy = profile.exec[1].strategy = "<u>\"";
	fill_meter(100);
	fill_worker(0, 0, "</svg><script>", 0, 3.4, 60e6);
	write_page("escaped");
	expect_sound();
	expect("command &#60;script&#62;alert(1)&#60;/script&#62; &#38; &#34;quoted&#34; &#39;too&#39;"
	       "\xef\xbf\xbd[31m\xef\xbf\xbd");
	expect("&#60;b&#62;&#38;\xef\xbf\xbd");
	expect_none("<i>");
	expect_none("<u>");
	expect_none("<img");
	expect_none("\x1b");
}

Test(profile_html, nothing_is_known, .fini = release)
{
	memset(&profile, 0, sizeof profile);
	write_page("nothing");
	expect_sound();
	expect("too short to say");
	for (unsigned i = 0; i < CCP_STAGES; i++) {
		profile.stage[i].share = -1;
		profile.stage[i].utilisation = NAN;
		profile.stage[i].rate_alone = INFINITY;
	}
	profile.automatic = profile.decided = profile.cancelled = true;
	profile.facts.cached = -1;
	free(page);
	write_page("nothing");
	expect_sound();
	expect("cancelled");
}

Test(profile_html, a_full_device_is_an_error, .fini = release)
{
	FILE *out = fopen("/dev/full", "w");

	cr_assert(out != NULL);
	fill_run();
	setvbuf(out, NULL, _IONBF, 0);
	cr_expect_eq(ccp_profile_write_html(out, &profile), -1);
	fclose(out);
}

Test(html, steps)
{
	cr_expect_float_eq(ccp_html_step(10, 5), 2, 1e-9);
	cr_expect_float_eq(ccp_html_step(3.41e9, 5), 1e9, 1);
	cr_expect_float_eq(ccp_html_step(0.7, 4), 0.2, 1e-9);
	cr_expect_float_eq(ccp_html_step(0, 4), 1, 1e-9);
	cr_expect_float_eq(ccp_html_step(NAN, 4), 1, 1e-9);
	for (double max = 1e-3; max < 1e12; max *= 1.37)
		cr_expect(ccp_html_step(max, 5) * 5 > max * 0.999 && ccp_html_step(max, 5) * 1.9 < max, "%g", max);
}

Test(html, figures)
{
	char text[CCP_HTML_TEXT];

	cr_expect_str_eq(ccp_html_number(1234567, text), "1,234,567");
	cr_expect_str_eq(ccp_html_number(-1000, text), "-1,000");
	cr_expect_str_eq(ccp_html_number(0, text), "0");
	cr_expect_str_eq(ccp_html_number(1.25, text), "1.25");
	cr_expect_str_eq(ccp_html_number(0.042, text), "0.042");
	cr_expect_str_eq(ccp_html_number(INFINITY, text), "-");
	cr_expect_str_eq(ccp_html_percent(0.974, text), "97%");
	cr_expect_str_eq(ccp_html_percent(0.004, text), "0.4%");
	cr_expect_str_eq(ccp_html_percent(0, text), "0%");
	cr_expect_str_eq(ccp_html_percent(-1, text), "-");
	cr_expect_str_eq(ccp_html_percent(NAN, text), "-");
	cr_expect_str_eq(ccp_html_tick(0, 5e8, text), "0");
	cr_expect_str_eq(ccp_html_tick(1.5e9, 5e8, text), "1.5 s");
	cr_expect_str_eq(ccp_html_tick(4e7, 2e7, text), "40 ms");
	cr_expect_str_eq(ccp_html_tick(2e9, 1e9, text), "2 s");
	cr_expect_str_eq(ccp_html_rate(2.93e8, text), "293 MB/s");
}
