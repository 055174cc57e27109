/* test_next_news.c: inputs from elsewhere in the order in which they arrive, and which of them are announced. */
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "pipeline/net/fetch.h"
#include "tests/unit/source_help.h"

#define CHUNK 1000
#define MANY (CCP_LOOKAHEAD + 700) /* names: more than are looked at together */

TestSuite(next_news, .init = help_enter, .fini = help_leave, .timeout = 120);

/* Somebody listens at a socket of that name. */
static int listen_at(const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", name);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	cr_assert_eq(listen(fd, 4), 0);
	return fd;
}

/* Answers the one who has come, or comes, with `len` bytes. */
static void answer(int listener, size_t len)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	cr_assert_geq(fd, 0);
	help_write(fd, 0, len);
	close(fd);
}

static void open_news(struct rig *rig, char *const *names, size_t count)
{
	struct ccp_walk_options walk = { .names = names, .name_count = count, .urls = true };
	struct ccp_fetch_options fetch = { .tries = 1 };
	struct ccp_err err;

	rig->unordered = true;
	rig->source.to_stdout = true;
	cr_assert_eq(ccp_fetcher_new(&rig->source.fetcher, &fetch, &err), 0);
	rig_open(rig, &walk, CHUNK, false);
}

static void close_news(struct rig *rig)
{
	ccp_fetcher_free(rig->source.fetcher);
	rig_close(rig);
}

static void expect_none(struct rig *rig, bool for_news)
{
	int word, fd;

	cr_assert_null(rig_next(rig, &word));
	cr_assert_eq(word, -1);
	cr_assert_eq(ccp_next_waits_for_news(rig->next, &fd), for_news);
	cr_assert_eq(fd >= 0, for_news);
}

/* Sleeps until NEXT says that it is to be asked again. */
static struct ccp_job *take_news(struct rig *rig)
{
	struct pollfd news = { .events = POLLIN };
	struct ccp_job *job = NULL;

	while (job == NULL) {
		int word;

		job = rig_next(rig, &word);
		if (job != NULL)
			break;
		cr_assert_eq(word, -1);
		cr_assert(ccp_next_waits_for_news(rig->next, &news.fd));
		cr_assert_eq(poll(&news, 1, -1), 1);
	}
	return job;
}

static void expect_all_of(struct rig *rig, struct ccp_job *job, const char *path, size_t len)
{
	cr_assert_str_eq(job->input->path, path);
	cr_assert_eq(rig_load(rig, job), 0, "%s", job->piece.err.text);
	cr_assert_eq(job->piece.in.len, len);
	cr_assert(job->piece.last);
}

Test(next_news, as_they_arrive)
{
	char *const names[] = { (char *)"unix:x", (char *)"b", (char *)"unix:y", (char *)"a", (char *)"unix:z",
				(char *)"none" };
	struct rig rig = { .apart = 8 };
	struct ccp_job *a, *b, *none, *x, *y, *z;
	int word, at_x = listen_at("x"), at_y = listen_at("y"), at_z = listen_at("z");

	help_put("a", 20);
	help_put("b", 10);
	open_news(&rig, names, 6);
	a = rig_take(&rig); /* bigger first, as always; what is there comes first */
	b = rig_take(&rig);
	none = rig_take(&rig);
	cr_expect_str_eq(a->input->path, "a");
	cr_expect_str_eq(b->input->path, "b");
	cr_expect_str_eq(none->input->path, "none");
	expect_none(&rig, true);
	answer(at_z, 3);
	z = take_news(&rig);
	expect_none(&rig, true);
	answer(at_x, 1);
	x = take_news(&rig);
	expect_all_of(&rig, z, "unix:z", 3);
	expect_all_of(&rig, x, "unix:x", 1);
	rig_give(&rig, z, true);
	rig_give(&rig, x, true);
	rig_give(&rig, none, true);
	rig_give(&rig, a, true);
	rig_give(&rig, b, true);
	answer(at_y, 2);
	y = rig_take(&rig); /* nothing else is out: NEXT waits by itself */
	expect_all_of(&rig, y, "unix:y", 2);
	rig_give(&rig, y, true);
	cr_assert_null(rig_next(&rig, &word));
	cr_assert_eq(word, 0);
	close_news(&rig);
}

/* As many as there is room for; then jobs are waited for, and not the network. */
Test(next_news, no_more_than_there_is_room_for)
{
	char *const names[] = { (char *)"unix:none", (char *)"unix:none", (char *)"unix:none" };
	struct rig rig = { .apart = 2 };
	struct ccp_job *first, *second, *third;
	int word;

	open_news(&rig, names, 3);
	first = take_news(&rig);
	second = take_news(&rig);
	expect_none(&rig, false);
	cr_assert_eq(rig_load(&rig, first), -1);
	rig_give(&rig, first, true);
	third = take_news(&rig);
	cr_assert_eq(rig_load(&rig, second), -1);
	cr_assert_eq(rig_load(&rig, third), -1);
	rig_give(&rig, second, true);
	rig_give(&rig, third, true);
	cr_assert_null(rig_next(&rig, &word));
	cr_assert_eq(word, 0);
	close_news(&rig);
}

/* One that does not come holds up none of those after it, however many there are. */
Test(next_news, carried_from_batch_to_batch)
{
	static char text[MANY][48];
	static char *names[MANY];
	static unsigned seen[MANY];
	struct rig rig = { .apart = 4 };
	struct ccp_job *job;
	int word, held = listen_at("held");

	for (size_t i = 0; i < MANY; i++) {
		snprintf(text[i], sizeof text[i], i == 5 ? "unix:held" : i % 3 == 0 ? "no%zu" : "unix:none%zu", i);
		names[i] = text[i];
	}
	open_news(&rig, names, MANY);
	for (size_t i = 0; i < MANY - 1; i++) {
		job = take_news(&rig);
		cr_assert_lt(job->input->index, MANY);
		cr_assert_str_eq(job->input->path, text[job->input->index]);
		cr_assert_eq(seen[job->input->index]++, 0);
		cr_assert_neq(job->input->index, 5);
		if (!job->final)
			cr_assert_eq(rig_load(&rig, job), -1);
		rig_give(&rig, job, true);
	}
	answer(held, 7);
	job = rig_take(&rig);
	expect_all_of(&rig, job, "unix:held", 7);
	rig_give(&rig, job, true);
	cr_assert_null(rig_next(&rig, &word));
	cr_assert_eq(word, 0);
	close_news(&rig);
}

Test(next_news, a_wait_ends_with_the_run)
{
	char *const names[] = { (char *)"unix:x" };
	struct rig rig = { .apart = 2 };
	int word, cancel[2];

	listen_at("x");
	cr_assert_eq(pipe2(cancel, O_CLOEXEC), 0);
	open_news(&rig, names, 1);
	ccp_next_set_cancel_fd(rig.next, cancel[0]);
	cr_assert_eq(write(cancel[1], "", 1), 1);
	cr_assert_null(rig_next(&rig, &word));
	cr_assert_eq(word, 0);
	close_news(&rig);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

static int refuse_x(const void *arg, const struct ccp_input *input, struct ccp_err *err)
{
	cr_expect_null(arg);
	cr_expect_not_null(input->source);
	if (strcmp(input->path, "unix:x") != 0)
		return 0;
	return ccp_err_set(err, CCP_W_EXISTS, "x is there");
}

/* Nobody is asked for what will be refused anyway. */
Test(next_news, what_is_refused_is_not_announced)
{
	char *const names[] = { (char *)"unix:x", (char *)"unix:y" };
	int at_x = listen_at("x"), at_y = listen_at("y");
	struct rig rig = { .apart = 2, .refuse = refuse_x };
	struct pollfd came = { .fd = at_x, .events = POLLIN };
	struct ccp_job *x, *y;

	open_news(&rig, names, 2);
	x = rig_take(&rig);
	cr_assert_str_eq(x->input->path, "unix:x");
	cr_assert_eq(x->piece.err.code, CCP_W_EXISTS);
	cr_assert(x->final && x->piece.last);
	cr_assert_eq(x->step, CCP_LOAD_DONE);
	answer(at_y, 1);
	y = take_news(&rig);
	expect_all_of(&rig, y, "unix:y", 1);
	cr_assert_eq(poll(&came, 1, 0), 0);
	ccp_arena_give_input(rig.arena, x->input);
	ccp_arena_give_job(rig.arena, x);
	rig_give(&rig, y, true);
	close_news(&rig);
}

/* A name that is too long, or has a NUL in it, is told of without its password, wherever it was cut. */
Test(next_news, bad_names_are_shown_without_secrets)
{
	static char cut[6000], later[6000];
	char *const names[] = { cut, later };
	static const char list[] = "http://user:sec\0ret@host/a\n";
	int fd = open("list", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	struct ccp_walk_options walk = { .names = names, .name_count = 2, .files_from = "list", .urls = true };
	struct rig rig = { .source = { .to_stdout = true } };

	cr_assert_eq(write(fd, list, sizeof list - 1), (ssize_t)sizeof list - 1);
	close(fd);
	snprintf(cut, sizeof cut, "http://user:%05000d@host/a", 7);
	snprintf(later, sizeof later, "http://user:secret@host/a?token=secret&b=%05000d", 7);
	rig_open(&rig, &walk, CHUNK, true);
	for (int i = 0; i < 3; i++) {
		struct ccp_job *job = rig_take(&rig);

		cr_expect_neq(job->piece.err.code, CCP_OK);
		if (i == 1)
			cr_expect_eq(strncmp(job->input->path, "http://user:***@host/a?token=***&b=0", 36), 0, "%s",
				     job->input->path);
		else
			cr_expect_str_eq(job->input->path, "http://***");
		ccp_arena_give_input(rig.arena, job->input);
		ccp_arena_give_job(rig.arena, job);
	}
	rig_close(&rig);
}
