/* test_next_cuts.c: several inputs cut in turn, so that as many workers have work that cannot be shared. */
#include "pipeline/net/fetch.h"
#include "tests/unit/source_help.h"

#define CHUNK 1000

TestSuite(next_cuts, .init = help_enter, .fini = help_leave);

static void open_rig(struct rig *rig, unsigned cuts, char *const *names, size_t count)
{
	struct ccp_walk_options walk = { .names = names, .name_count = count };

	*rig = (struct rig){ .cuts = cuts, .source = { .to_stdout = true } };
	rig_open(rig, &walk, CHUNK, false);
}

/* The jobs that come, as "a0 b0 a1 …", each given back at once. */
static void expect_jobs(struct rig *rig, const char *expected)
{
	char text[256] = "";
	int word;

	for (struct ccp_job *job; (job = rig_next(rig, &word)) != NULL;) {
		size_t len = strlen(text);

		snprintf(text + len, sizeof text - len, "%s%.9s%d", len > 0 ? " " : "", job->input->path,
			 (int)job->number);
		cr_assert_eq(rig_load(rig, job), 0, "%s", job->piece.err.text);
		cr_assert(help_bytes_are_right(&job->piece));
		rig_give(rig, job, job->final);
	}
	cr_assert_eq(word, 0);
	cr_assert_str_eq(text, expected);
	cr_assert_null(ccp_next_current(rig->next));
}

static char *const files[] = { (char *)"a", (char *)"b", (char *)"c", (char *)"d", (char *)"e", (char *)"f" };

static void put_files(void)
{
	static const size_t sizes[] = { 4 * CHUNK, 3 * CHUNK, 2 * CHUNK + 1, 2 * CHUNK, 20, 10 };

	for (size_t i = 0; i < 6; i++)
		help_put(files[i], sizes[i]);
}

Test(next_cuts, one_after_the_other_unless_asked)
{
	struct rig rig;

	put_files();
	for (unsigned cuts = 0; cuts < 2; cuts++) {
		open_rig(&rig, cuts, files, 6);
		expect_jobs(&rig, "a0 a1 a2 a3 b0 b1 b2 c0 c1 c2 d0 d1 e0 f0");
		rig_close(&rig);
	}
}

Test(next_cuts, in_turn)
{
	struct rig rig;

	put_files();
	open_rig(&rig, 2, files, 6);
	expect_jobs(&rig, "a0 b0 a1 b1 a2 b2 a3 c0 d0 c1 d1 c2 e0 f0");
	rig_close(&rig);
	open_rig(&rig, 16, files, 6);
	expect_jobs(&rig, "a0 b0 c0 d0 e0 f0 a1 b1 c1 d1 a2 b2 c2 a3");
	rig_close(&rig);
}

/* A stream whose job is being loaded holds up nobody else, and the end is not told before it has come. */
Test(next_cuts, beside_a_stream)
{
	char *const names[] = { (char *)"-", (char *)"a" };
	struct rig rig;
	int word, to = help_pipe_to_stdin();

	help_write(to, 0, 10);
	close(to);
	help_put("a", 2 * CHUNK);
	open_rig(&rig, 2, names, 2);

	struct ccp_job *first = rig_take(&rig), *second = rig_take(&rig), *third = rig_take(&rig), *stream = NULL;
	struct ccp_job *all[] = { first, second, third };

	cr_assert_null(rig_next(&rig, &word));
	cr_assert_eq(word, -1, "the stream is not at its end yet");
	for (size_t i = 0; i < 3; i++)
		if (all[i]->input->is_stdin)
			stream = all[i];
	cr_assert_not_null(stream);
	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(rig_load(&rig, all[i]), 0);
		rig_give(&rig, all[i], all[i] == stream || all[i]->final);
	}
	cr_assert_null(rig_next(&rig, &word));
	cr_assert_eq(word, 0);
	rig_close(&rig);
}

/* "-" twice: the second one has what the first left, which is nothing. */
Test(next_cuts, no_two_streams)
{
	char *const names[] = { (char *)"-", (char *)"-" };
	struct rig rig;
	int word, to = help_pipe_to_stdin();

	help_write(to, 0, CHUNK + 10);
	close(to);
	open_rig(&rig, 2, names, 2);
	for (size_t left = CHUNK + 10, jobs = 0; jobs < 3; jobs++) {
		struct ccp_job *job = rig_take(&rig);
		size_t len = left < CHUNK ? left : CHUNK;

		cr_assert_null(rig_next(&rig, &word));
		cr_assert_eq(word, -1);
		cr_assert_eq(rig_load(&rig, job), 0);
		cr_assert_eq(job->piece.in.len, len);
		left -= len;
		rig_give(&rig, job, job->piece.last);
	}
	cr_assert_null(rig_next(&rig, &word));
	cr_assert_eq(word, 0);
	rig_close(&rig);
}

Test(next_cuts, each_can_be_stopped)
{
	struct rig rig;

	put_files();
	open_rig(&rig, 2, files, 3);

	struct ccp_job *a = rig_take(&rig), *b = rig_take(&rig);

	cr_assert_neq(a->input, b->input);
	ccp_next_stop(rig.next, a->input);
	cr_assert_eq(ccp_next_current(rig.next), b->input);
	ccp_next_stop(rig.next, b->input);
	cr_assert_null(ccp_next_current(rig.next));
	rig_give(&rig, a, true);
	rig_give(&rig, b, true);
	expect_jobs(&rig, "c0 c1 c2");
	rig_close(&rig);
}

/* Names from elsewhere are each their own: several at a time, beside the one file that is cut, but no more. */
Test(next_cuts, streams_that_are_apart)
{
	char *const names[] = { (char *)"unix:x", (char *)"unix:y", (char *)"unix:z", (char *)"a" };
	static const char *const order[] = { "a", "unix:x", "unix:y", "a", "a", "a" };
	struct ccp_walk_options walk = { .names = names, .name_count = 4, .urls = true };
	struct ccp_fetch_options fetch = { .tries = 1 };
	struct rig rig = { .apart = 2, .source = { .to_stdout = true } };
	struct ccp_job *job[6], *last;
	struct ccp_err err;
	int word;

	put_files();
	cr_assert_eq(ccp_fetcher_new(&rig.source.fetcher, &fetch, &err), 0);
	rig_open(&rig, &walk, CHUNK, false);
	for (size_t i = 0; i < 6; i++) {
		job[i] = rig_take(&rig);
		cr_assert_str_eq(job[i]->input->path, order[i]);
	}
	cr_assert_null(rig_next(&rig, &word), "two of them are read already");
	cr_assert_eq(word, -1);
	cr_assert_eq(rig_load(&rig, job[1]), -1, "nobody is there");
	cr_assert_str_eq(job[1]->piece.err.text, "no such file or directory");
	last = rig_take(&rig);
	cr_assert_str_eq(last->input->path, "unix:z");
	cr_assert_eq(rig_load(&rig, job[2]), -1);
	cr_assert_eq(rig_load(&rig, last), -1);
	cr_assert_null(rig_next(&rig, &word));
	cr_assert_eq(word, 0);
	rig_give(&rig, last, true);
	for (size_t i = 0; i < 6; i++)
		rig_give(&rig, job[i], i == 1 || i == 2 || i == 5);
	ccp_fetcher_free(rig.source.fetcher);
	rig_close(&rig);
}
