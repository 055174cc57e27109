/* test_next.c: names to jobs: order, cutting, streams, refusals. */
#include "tests/unit/source_help.h"

#include <errno.h>

#define CHUNK 1000
#define NAMES(...)                                                                                                     \
	.names = (char *const[]){ __VA_ARGS__ }, .name_count = sizeof((char *const[]){ __VA_ARGS__ }) / sizeof(char *)

TestSuite(next, .init = help_enter, .fini = help_leave);

Test(next, one_chunk_is_one_whole_job)
{
	size_t sizes[] = { 0, 1, CHUNK - 1, CHUNK };
	struct rig rig = { .source = { 0 } };

	for (size_t i = 0; i < 4; i++) {
		struct ccp_walk_options walk = { NAMES((char *)"./f") };

		help_put("f", sizes[i]);
		rig_open(&rig, &walk, CHUNK, false);
		struct ccp_job *job = rig_take(&rig);

		cr_assert(job->whole && job->final && job->piece.first && job->piece.last);
		cr_assert_eq(job->load_bytes, CHUNK + 1);
		cr_assert_str_eq(job->input->path, "./f");
		cr_assert_eq(job->input->fd, -1, "LOAD opens it");
		cr_assert_null(ccp_next_current(rig.next));
		cr_assert_eq(rig_load(&rig, job), 0);
		cr_assert_eq(job->piece.in.len, sizes[i]);
		cr_assert(help_bytes_are_right(&job->piece));
		cr_assert_str_eq(job->input->origin.name, "f");
		rig_give(&rig, job, true);
		int word;
		cr_assert_null(rig_next(&rig, &word));
		cr_assert_eq(word, 0);
		rig_close(&rig);
	}
}

/* Loads everything there is and checks that the pieces are the file cut at multiples of the chunk. */
static void expect_pieces(struct rig *rig, uint64_t size, bool stream)
{
	for (uint64_t number = 0, at = 0;; number++) {
		struct ccp_job *job = rig_take(rig);
		size_t len = size - at < CHUNK ? (size_t)(size - at) : CHUNK;
		bool last = size - at <= CHUNK;

		cr_assert_eq(job->number, number);
		cr_assert_eq(job->piece.offset, at);
		cr_assert_eq(job->piece.first, number == 0);
		cr_assert_eq(job->piece.origin, &job->input->origin);
		if (stream) {
			int word;
			cr_assert_null(rig_next(rig, &word));
			cr_assert_eq(word, -1, "a stream's next job before this one was loaded");
		} else {
			cr_assert_eq(job->piece.last, last);
			cr_assert_eq(job->final, last);
		}
		cr_assert_eq(rig_load(rig, job), 0, "%s", job->piece.err.text);
		cr_assert_eq(job->piece.err.code, CCP_OK);
		cr_assert_eq(job->piece.last, last);
		cr_assert_eq(job->piece.in.len, len);
		cr_assert(help_bytes_are_right(&job->piece));
		at += len;
		cr_assert_eq(ccp_next_current(rig->next) == NULL, last);
		rig_give(rig, job, last);
		if (last)
			break;
	}
	int word;
	cr_assert_null(rig_next(rig, &word));
	cr_assert_eq(word, 0);
}

Test(next, invariant_chunks_depend_on_the_data)
{
	size_t sizes[] = { 0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 7 * CHUNK + 5 };
	struct rig rig = { .source = { .to_stdout = true } };
	int before = help_free_fd();

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		struct ccp_walk_options file = { NAMES((char *)"f") }, input = { NAMES((char *)"-") };
		struct ccp_walk_options fifo = { NAMES((char *)"p") };

		help_put("f", sizes[i]);
		rig_open(&rig, &file, CHUNK, true);
		expect_pieces(&rig, sizes[i], false);
		rig_close(&rig);

		/* stdin from a file, then from a pipe */
		int fd = open("f", O_RDONLY | O_CLOEXEC);
		dup2(fd, STDIN_FILENO);
		close(fd);
		rig_open(&rig, &input, CHUNK, true);
		expect_pieces(&rig, sizes[i], true);
		rig_close(&rig);

		int to = help_pipe_to_stdin();
		help_write(to, 0, sizes[i]);
		close(to);
		rig_open(&rig, &input, CHUNK, true);
		expect_pieces(&rig, sizes[i], true);
		rig_close(&rig);

		cr_assert_eq(mkfifo("p", 0600), 0);
		to = open("p", O_RDWR | O_CLOEXEC);
		help_write(to, 0, sizes[i]);
		int reader = open("p", O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* keeps the bytes when the writer goes */
		rig_open(&rig, &fifo, CHUNK, true);
		struct ccp_job *job = rig_take(&rig);
		cr_assert_eq(job->input->source, &ccp_source_stream);
		close(to);
		close(reader);
		cr_assert_eq(rig_load(&rig, job), 0);
		cr_assert_eq(job->piece.in.len, sizes[i] < CHUNK ? sizes[i] : CHUNK);
		cr_assert_eq(job->piece.last, sizes[i] <= CHUNK);
		cr_assert_str_eq(job->input->origin.name, "p");
		cr_assert_not(job->input->origin.has_mtime);
		ccp_next_stop(rig.next, job->input);
		rig_give(&rig, job, true);
		rig_close(&rig);
		unlink("p");
	}
	cr_assert_eq(help_free_fd(), before);
}

static void expect_order(struct rig *rig, const char *expected)
{
	char order[256] = "";
	int word;
	struct ccp_job *job;
	uint64_t index = 0;

	while ((job = rig_next(rig, &word)) != NULL) {
		if (job->piece.first) {
			strcat(order, job->input->path);
			index += job->input->index;
		}
		rig_give(rig, job, job->final);
	}
	cr_assert_eq(word, 0);
	cr_assert_str_eq(order, expected);
	cr_assert_eq(index, strlen(expected) * (strlen(expected) - 1) / 2, "the indexes are 0, 1, 2 and so on");
}

Test(next, biggest_first_unless_the_output_is_shared)
{
	struct ccp_walk_options walk = { NAMES((char *)"a", (char *)"b", (char *)"c", (char *)"x", (char *)"d",
					       (char *)"e") };
	struct rig rig = { .source = { 0 } };
	uint64_t inputs, bytes;
	bool complete;

	help_put("a", 5);
	help_put("b", 4 * CHUNK);
	help_put("c", 5);
	help_put("d", 6);
	help_put("e", 0);
	rig_open(&rig, &walk, CHUNK, false);
	ccp_next_totals(rig.next, &inputs, &bytes, &complete);
	cr_assert(inputs == 0 && bytes == 0 && !complete);
	expect_order(&rig, "bdacxe");
	ccp_next_totals(rig.next, &inputs, &bytes, &complete);
	cr_assert(inputs == 6 && bytes == 4 * CHUNK + 16 && complete);
	rig_close(&rig);
	rig_open(&rig, &walk, CHUNK, true);
	expect_order(&rig, "abcxde");
	rig_close(&rig);
}

/* The job of a name that cannot be an input. */
static void expect_refusal(const char *path, struct ccp_source_options options, enum ccp_code code, const char *text)
{
	struct ccp_walk_options walk = { NAMES((char *)path) };
	struct rig rig = { .source = options };
	int before = help_free_fd();

	rig_open(&rig, &walk, CHUNK, options.to_stdout);
	struct ccp_job *job = rig_take(&rig);

	if (job->step != CCP_LOAD_DONE)
		cr_assert_eq(rig_load(&rig, job), -1, "%s was taken", path);
	cr_assert_eq(job->step, CCP_LOAD_DONE);
	cr_assert(job->piece.first && job->piece.last && job->final, "%s", path);
	cr_assert_eq(job->piece.err.code, code, "%s: %s", path, job->piece.err.text);
	cr_assert_str_eq(job->piece.err.text, text);
	cr_assert_eq(job->piece.in.len, 0);
	cr_assert_null(ccp_next_current(rig.next));
	cr_assert_eq(rig_load(&rig, job), -1, "loading it again changes nothing");
	rig_give(&rig, job, true);
	int word;
	cr_assert_null(rig_next(&rig, &word));
	cr_assert_eq(word, 0);
	rig_close(&rig);
	cr_assert_eq(help_free_fd(), before);
}

#define OPTIONS(...) (struct ccp_source_options){ .need_mtime = false, ##__VA_ARGS__ }

Test(next, refusals)
{
	mkdir("dir", 0755);
	mkfifo("fifo", 0644);
	help_put("f", 1);
	help_put("big", 5 * CHUNK);
	help_put("linked", 1);
	cr_assert(symlink("f", "link") == 0 && symlink("dir", "dirlink") == 0 && symlink("gone", "dangling") == 0);
	cr_assert(link("linked", "other") == 0 && link("big", "big2") == 0 && link("big", "big3") == 0);

	const char *special = "is not a directory or a regular file";

	expect_refusal("gone", OPTIONS(), CCP_E_SYS, "No such file or directory");
	expect_refusal("f/x", OPTIONS(), CCP_E_SYS, "Not a directory");
	expect_refusal("dir", OPTIONS(), CCP_W_DIRECTORY, "is a directory");
	expect_refusal("dir", OPTIONS(.to_stdout = true), CCP_W_DIRECTORY, "is a directory");
	expect_refusal("fifo", OPTIONS(), CCP_W_SPECIAL, special);
	expect_refusal("fifo", OPTIONS(.force = true), CCP_W_SPECIAL, special);
	expect_refusal("/dev/zero", OPTIONS(), CCP_W_SPECIAL, special);
	expect_refusal("link", OPTIONS(), CCP_E_SYMLINK, "is a symbolic link");
	expect_refusal("dirlink", OPTIONS(), CCP_E_SYMLINK, "is a symbolic link");
	expect_refusal("dirlink", OPTIONS(.force = true), CCP_W_DIRECTORY, "is a directory");
	expect_refusal("dangling", OPTIONS(), CCP_E_SYMLINK, "is a symbolic link");
	expect_refusal("dangling", OPTIONS(.force = true), CCP_E_SYS, "No such file or directory");
	expect_refusal("linked", OPTIONS(.remove_source = true), CCP_W_LINKS, "has 1 other link");
	expect_refusal("big", OPTIONS(.remove_source = true), CCP_W_LINKS, "has 2 other links");
	chmod("big", 04755);
	expect_refusal("big", OPTIONS(.refuse_setid = true, .force = true), CCP_W_SETID, "is set-user-ID on execution");
	chmod("f", 02755);
	expect_refusal("f", OPTIONS(.refuse_setid = true), CCP_W_SETID, "is set-group-ID on execution");
	chmod("f", 01755);
	expect_refusal("f", OPTIONS(.refuse_setid = true), CCP_W_SETID, "has the sticky bit set");
}

/* What is refused above is read if the output goes elsewhere, or by force. */
Test(next, what_to_stdout_and_force_allow)
{
	struct {
		const char *path;
		struct ccp_source_options options;
	} cases[] = {
		{ "link", OPTIONS(.force = true, .remove_source = true) },
		{ "link", OPTIONS(.to_stdout = true) },
		{ "linked", OPTIONS() },
		{ "linked", OPTIONS(.remove_source = true, .force = true) },
		{ "setid", OPTIONS(.to_stdout = true, .refuse_setid = true) },
		{ "setid", OPTIONS() },
		{ "sticky", OPTIONS(.refuse_setid = true, .force = true) },
	};

	help_put("f", 10);
	help_put("linked", 10);
	help_put("setid", 10);
	help_put("sticky", 10);
	cr_assert(symlink("f", "link") == 0 && link("linked", "other") == 0);
	chmod("setid", 06755);
	chmod("sticky", 01644);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct ccp_walk_options walk = { NAMES((char *)cases[i].path) };
		struct rig rig = { .source = cases[i].options };

		rig_open(&rig, &walk, CHUNK, false);
		struct ccp_job *job = rig_take(&rig);
		cr_assert_eq(rig_load(&rig, job), 0, "case %zu: %s", i, job->piece.err.text);
		cr_assert_eq(job->piece.in.len, 10);
		cr_assert(job->input->has_meta);
		rig_give(&rig, job, true);
		rig_close(&rig);
	}
}

/* How a link is read is decided by what it leads to. */
Test(next, links_to_what_is_no_file)
{
	struct ccp_walk_options walk = { NAMES((char *)"link") };
	struct rig rig = { .source = { .to_stdout = true } };

	cr_assert(symlink("/dev/null", "link") == 0);
	rig_open(&rig, &walk, CHUNK, true);
	struct ccp_job *job = rig_take(&rig);
	cr_assert_eq(job->input->source, &ccp_source_stream);
	cr_assert_eq(rig_load(&rig, job), 0);
	cr_assert_eq(job->piece.in.len, 0);
	rig_give(&rig, job, true);
	rig_close(&rig);
}

/* The size of a file in /proc says nothing; this one is longer than a chunk here. */
Test(next, proc_files_are_streams)
{
	struct ccp_walk_options walk = { NAMES((char *)"/proc/self/smaps", (char *)"/proc/self/stat") };
	struct rig rig = { .source = { .to_stdout = true } };
	uint64_t bytes = 0, jobs = 0;

	rig_open(&rig, &walk, CHUNK, true);
	for (int inputs = 0; inputs < 2;) {
		struct ccp_job *job = rig_take(&rig);

		cr_assert_eq(job->input->source, &ccp_source_stream);
		cr_assert_eq(rig_load(&rig, job), 0);
		cr_assert_eq(job->piece.offset, job->number * CHUNK);
		bytes += job->piece.in.len;
		jobs++;
		inputs += job->piece.last;
		rig_give(&rig, job, job->piece.last);
	}
	cr_assert_gt(bytes, 3 * CHUNK);
	cr_assert_gt(jobs, 4);
	rig_close(&rig);
}

static int admit(const void *arg, const struct ccp_input *input, struct ccp_err *err)
{
	cr_assert(input->has_meta, "asked after the open");
	return strcmp(input->path, arg) == 0 ? ccp_err_set(err, CCP_W_EXISTS, "no") : 0;
}

Test(next, admit_refuses)
{
	help_put("f", 1);
	help_put("big", CHUNK + 1);
	expect_refusal("f", OPTIONS(.admit = admit, .admit_arg = "f"), CCP_W_EXISTS, "no");
	expect_refusal("big", OPTIONS(.admit = admit, .admit_arg = "big"), CCP_W_EXISTS, "no");
}

Test(next, stop_ends_an_input)
{
	struct ccp_walk_options walk = { NAMES((char *)"big", (char *)"f") };
	struct rig rig = { .source = { 0 } };

	help_put("big", 5 * CHUNK);
	help_put("f", 1);
	rig_open(&rig, &walk, CHUNK, false);
	struct ccp_job *first = rig_take(&rig), *second = rig_take(&rig);

	cr_assert_eq(first->input, second->input);
	cr_assert_eq(ccp_next_current(rig.next), first->input);
	ccp_next_stop(rig.next, first->input);
	cr_assert_null(ccp_next_current(rig.next));
	rig_give(&rig, first, false);
	struct ccp_job *third = rig_take(&rig);
	cr_assert_neq(third->input, second->input);
	cr_assert_str_eq(third->input->path, "f");
	ccp_next_stop(rig.next, third->input); /* it is cut already: nothing happens */
	ccp_next_loaded(rig.next, second->input, true);
	rig_give(&rig, second, true);
	rig_give(&rig, third, true);
	rig_close(&rig);
}

Test(next, a_list_that_dries_up, .timeout = 5)
{
	struct ccp_walk_options walk = { .files_from = "-" };
	struct rig rig = { .source = { 0 } };
	int list = help_pipe_to_stdin(), word;

	help_put("a", 1);
	help_put("b", 2);
	rig_open(&rig, &walk, CHUNK, false);
	cr_assert_eq(write(list, "a\nb\n", 4), 4);
	struct ccp_job *b = rig_take(&rig), *a = rig_take(&rig);

	cr_assert_str_eq(b->input->path, "b");
	cr_assert_null(rig_next(&rig, &word));
	cr_assert_eq(word, -1, "others are out: NEXT does not wait");
	rig_give(&rig, a, true);
	rig_give(&rig, b, true);
	cr_assert_eq(write(list, "a\n", 2), 2);
	a = rig_take(&rig);
	cr_assert_eq(a->input->index, 2);
	rig_give(&rig, a, true);
	close(list);
	cr_assert_null(rig_next(&rig, &word));
	cr_assert_eq(word, 0);
	rig_close(&rig);
}

/* More names than a batch, and such long ones that they do not fit: every index once, at most two batches apart. */
Test(next, indexes_stay_near_each_other)
{
	enum { COUNT = 3 * CCP_LOOKAHEAD + 17 };
	struct ccp_walk_options walk = { .files_from = "list" };
	FILE *list = fopen("list", "we");
	uint8_t *seen = calloc(COUNT, 1);
	struct rig rig = { .source = { 0 } };
	struct ccp_job *job;
	uint64_t low = 0;
	int word;

	help_put("f", 1);
	for (int i = 0; i < COUNT; i++) {
		for (int slashes = (i * 7919) % (i % 3 == 0 ? 3000 : 30); slashes >= 0; slashes--)
			fputs("./", list);
		fputs(i % 5 == 0 ? "f\n" : "gone\n", list);
	}
	fclose(list);
	rig_open(&rig, &walk, CHUNK, false);
	while ((job = rig_next(&rig, &word)) != NULL) {
		uint64_t index = job->input->index;

		cr_assert(index < COUNT && !seen[index]);
		seen[index] = 1;
		while (low < COUNT && seen[low])
			low++;
		cr_assert(index < low + CCP_LOOKAHEAD);
		cr_assert_eq(job->piece.err.sys, job->input->path[strlen(job->input->path) - 1] == 'f' &&
			     strlen(job->input->path) < PATH_MAX - 1 ? 0 : strlen(job->input->path) < PATH_MAX - 1 ?
			     ENOENT : ENAMETOOLONG);
		rig_give(&rig, job, true);
	}
	cr_assert_eq(word, 0);
	cr_assert_eq(low, COUNT);
	rig_close(&rig);
	free(seen);
}
