/*
 * test_profile_html_workers.c: the rows of the workers on the page of --profile=html: as their spans were, cut where
 * there are too many, bounded in size, and honest where spans are missing.
 */
#include "tests/unit/page_help.h"

/* The shape of a row can be computed by hand: half a second of each of two states. */
Test(profile_html_workers, a_row_is_as_the_spans, .fini = release)
{
	struct ccp_meter_account *account;

	fill_run();
	profile.wall_s = 1;
	fill_meter(10);
	account = ccp_meter_open(profile.meter, "threads", 0, 0);
	atomic_store(&account->begun_ns, BEGUN);
	atomic_store(&account->ended_ns, BEGUN + 1000 * MS);
	account->spans[0] = (struct ccp_span){ BEGUN, 500 * MS, 0, 1, CCP_METER_WORK, 0, 0 };
	account->spans[1] = (struct ccp_span){ BEGUN, 900 * MS, 0, 1, CCP_METER_READ, 1, 0 }; /* overlaps: left out */
	account->spans[2] = (struct ccp_span){ BEGUN + 500 * MS, 250 * MS, 0, 1, CCP_METER_WRITE, 0, 0 };
	atomic_store(&account->span_count, 3);
	write_page("row");
	expect_sound();
	expect("work 67%, write 33%");
	expect("d=\"M0,48v-48h200v48H400V48z\""); /* work: full height for the first half */
	expect("d=\"M0,48v-48h300v48H400V48z\""); /* write, with what lies below it */
	expect_none("id=\"w0-0\"");               /* no read */
}

Test(profile_html_workers, thirty_two_workers_are_all_shown, .fini = release)
{
	fill_run();
	fill_stages(32);
	fill_ticks();
	fill_meter(8192);
	for (unsigned i = 0; i < 32; i++)
		fill_worker(0, i, "threads", 0, 3.4, 9e6);
	write_page("thirty_two");
	expect_sound();
	expect("threads #31");
	expect_none("workers, not shown");
	cr_expect_lt(page_len, 500000, "%zu bytes", page_len);
}

Test(profile_html_workers, many_workers_are_cut_and_stay_small, .fini = release)
{
	fill_run();
	fill_stages(64);
	fill_ticks();
	fill_auto();
	fill_meter(8192);
	fill_worker(0, 0, "serial", 0, 0.005, 0.4e6);
	for (unsigned i = 0; i < 64; i++)
		fill_worker(1, i, "threads", 0.005, 3.4, 2.1e6);
	write_page("many");
	expect_sound();
	expect("16 of 65 workers are shown");
	expect("serial #0");
	expect("threads #14");
	expect_none("threads #15");
	expect("and 49 more workers");
	cr_expect_lt(page_len, 500000, "%zu bytes", page_len);
}

Test(profile_html_workers, without_spans_it_says_so, .fini = release)
{
	fill_run();
	fill_stages(2);
	fill_ticks();
	write_page("no_spans");
	expect_sound();
	expect("were not recorded");
	expect_none("clipPath");
	expect("as asked for");

	free(page);
	fill_meter(0);
	cr_assert(ccp_meter_open(profile.meter, "omp", 0, 0) != NULL);
	write_page("no_spans");
	expect("were not recorded");
}

Test(profile_html_workers, dropped_spans_are_shown_as_such, .fini = release)
{
	struct ccp_meter_account *account;

	fill_run();
	fill_stages(1);
	fill_ticks();
	fill_meter(1000);
	fill_worker(0, 0, "threads", 0, 3.4, 0.4e6); /* far more than there is room for */
	account = ccp_meter_accounts(profile.meter, &(size_t){ 0 });
	write_page("kept");
	expect_none("not recorded");
	free(page);
	atomic_store(&account->span_count, 5000);
	write_page("dropped");
	expect_sound();
	expect("not recorded");
}
