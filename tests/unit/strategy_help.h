/*
 * strategy_help.h: what the tests of strategies share: inputs, a transform with and one without a past, a sink that
 * keeps what it gets, a run, and a look at what a run leaves behind.
 */
#ifndef CCP_TESTS_UNIT_STRATEGY_HELP_H
#define CCP_TESTS_UNIT_STRATEGY_HELP_H

#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/run.h"
#include "strategies/strategies.h"

#define HELP_CHUNK 4096u
#define HELP_INPUTS 600u
#define UNUSED __attribute__((unused))

/* One input, and what became of it. */
struct help_input {
	char *path;
	uint8_t *out;
	size_t out_len, out_cap;
	bool open, committed;
	enum ccp_outcome outcome;
	struct ccp_err err;
};

static struct help {
	char dir[64];
	struct help_input input[HELP_INPUTS];
	size_t count;
	size_t descriptors;                /* open before the run */
	struct ccp_run_summary summary;
} help;

static unsigned help_delay_us;             /* that the transforms take for a piece; set before the fork */

UNUSED static void help_sleep_us(unsigned us)
{
	struct timespec time = { .tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000 };

	while (nanosleep(&time, &time) < 0)
		;
}

/* ---- transforms ------------------------------------------------------------------------------------------------ */

static int mix_need(const struct ccp_transform_options *options, struct ccp_transform_need *need, struct ccp_err *err)
{
	(void)options, (void)err;
	*need = (struct ccp_transform_need){ .chunk_bytes = HELP_CHUNK, .out_bytes = HELP_CHUNK * 2 / 3 };
	return 0;
}

static int help_open(void **state, const struct ccp_transform_options *options, struct ccp_err *err)
{
	(void)options, (void)err;
	*state = malloc(16);
	return *state ? 0 : ccp_err_set(err, CCP_E_NO_MEMORY, "no memory");
}

static void help_close(void *state)
{
	free(state);
}

/* Depends on the place of each byte; `out` is too small for a piece, so that map is called again. */
static int mix_map(void *state, void *carry, struct ccp_piece *piece)
{
	size_t n = piece->in.len - piece->in_used;

	(void)state, (void)carry;
	if (n > piece->out.cap)
		n = piece->out.cap;
	for (size_t i = 0; i < n; i++) {
		uint64_t at = piece->offset + piece->in_used + i;

		piece->out.data[i] = (uint8_t)(piece->in.data[piece->in_used + i] ^ (at * 0x9e3779b97f4a7c15u >> 56));
		if (i == n / 2 && help_delay_us > 0)
			help_sleep_us(help_delay_us);
	}
	piece->out.len = n;
	piece->in_used += n;
	piece->plain_bytes += n;
	return piece->in_used < piece->in.len;
}

static int chain_need(const struct ccp_transform_options *options, struct ccp_transform_need *need, struct ccp_err *err)
{
	(void)options, (void)err;
	*need = (struct ccp_transform_need){
		.chunk_bytes = HELP_CHUNK, .out_bytes = HELP_CHUNK, .carry_bytes = 1000, .cuts = CCP_CUTS_MAX
	};
	return 0;
}

/* Each byte depends on all before it; the carry changes with every byte, so that a second try without care is wrong. */
static int chain_map(void *state, void *carry, struct ccp_piece *piece)
{
	uint64_t *past = carry;

	(void)state;
	for (size_t i = 0; i < piece->in.len; i++) {
		*past = *past * 31 + piece->in.data[i];
		piece->out.data[i] = (uint8_t)(*past >> 24 ^ *past);
		if (i == piece->in.len / 2 && help_delay_us > 0)
			help_sleep_us(help_delay_us);
	}
	piece->out.len = piece->in.len;
	piece->in_used = piece->in.len;
	return 0;
}

UNUSED static const struct ccp_transform_ops help_mix = {
	.name = "mix", .help = "", .need = mix_need, .open = help_open, .map = mix_map, .close = help_close,
};

UNUSED static const struct ccp_transform_ops help_chain = {
	.name = "chain", .help = "", .flags = CCP_TRANSFORM_SEQUENTIAL, .need = chain_need, .open = help_open,
	.map = chain_map, .close = help_close,
};

/*
 * The same as help_chain, with something that can be done ahead: `spare` gets the bytes with every bit turned, `note`
 * says of which piece, and map turns them back from there. Of three pieces one is waited for until it is due, one is
 * done as a whole, and one only half; map exchanges the buffers of every other piece.
 */
static _Atomic int help_aheads; /* pieces that were done ahead; in this process */
static pid_t help_ahead_kills;  /* not 0: any process but this one that does something ahead is killed */

static int ahead_need(const struct ccp_transform_options *options, struct ccp_transform_need *need,
		      struct ccp_err *err)
{
	if (chain_need(options, need, err) < 0)
		return -1;
	need->cuts = 0;
	need->spare_bytes = need->out_bytes;
	need->note_bytes = 16;
	return 0;
}

static bool help_go_ahead(void *state, const void *carry, struct ccp_piece *piece)
{
	size_t len = piece->number % 3 == 2 ? piece->in.len / 2 : piece->in.len;

	(void)state, (void)carry;
	if (help_ahead_kills != 0 && help_ahead_kills != getpid())
		raise(SIGKILL);
	for (size_t i = 0; i < len; i++)
		piece->spare.data[i] = (uint8_t)~piece->in.data[i];
	memcpy(piece->note.data, &piece->number, sizeof piece->number);
	memcpy(piece->note.data + 8, &len, sizeof len);
	for (int i = 0; piece->number % 3 == 0 && i < 200 && !ccp_piece_is_due(piece); i++)
		help_sleep_us(10);
	atomic_fetch_add(&help_aheads, 1);
	return true;
}

static int ahead_map(void *state, void *carry, struct ccp_piece *piece)
{
	size_t len;

	if (piece->was_ahead) {
		if (memcmp(piece->note.data, &piece->number, sizeof piece->number) != 0)
			return ccp_err_set(&piece->err, CCP_E_OTHER, "the note is another piece's");
		memcpy(&len, piece->note.data + 8, sizeof len);
		for (size_t i = 0; i < len; i++)
			piece->in.data[i] = (uint8_t)~piece->spare.data[i];
	}
	if (piece->was_ahead && piece->number % 2) {
		struct ccp_buf spare = piece->spare;

		piece->spare = piece->out;
		piece->out = spare;
	}
	return chain_map(state, carry, piece);
}

UNUSED static const struct ccp_transform_ops help_ahead = {
	.name = "ahead", .help = "", .flags = CCP_TRANSFORM_SEQUENTIAL, .need = ahead_need, .open = help_open,
	.map = ahead_map, .ahead = help_go_ahead, .close = help_close,
};

/* ---- a sink that keeps what it gets ---------------------------------------------------------------------------- */

static int keep_create(struct ccp_sink **sink, const struct ccp_sink_options *options, struct ccp_err *err)
{
	(void)options, (void)err;
	*sink = NULL;
	return 0;
}

static int keep_open(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	(void)sink, (void)err;
	help.input[input->index].open = true;
	help.input[input->index].out_len = 0;
	return 0;
}

static int keep_write(struct ccp_sink *sink, struct ccp_input *input, const void *data, size_t len, struct ccp_err *err)
{
	struct help_input *to = &help.input[input->index];

	(void)sink, (void)err;
	while (to->out_len + len > to->out_cap) {
		to->out_cap = to->out_cap ? 2 * to->out_cap : 1024;
		to->out = realloc(to->out, to->out_cap);
	}
	memcpy(to->out + to->out_len, data, len);
	to->out_len += len;
	return 0;
}

static int keep_commit(struct ccp_sink *sink, struct ccp_input *input, struct ccp_err *err)
{
	(void)sink, (void)err;
	help.input[input->index].open = false;
	help.input[input->index].committed = true;
	return 0;
}

static void keep_abort(struct ccp_sink *sink, struct ccp_input *input)
{
	(void)sink;
	help.input[input->index].open = false;
}

static int keep_destroy(struct ccp_sink *sink, bool failed, struct ccp_err *err)
{
	(void)sink, (void)failed, (void)err;
	return 0;
}

static const struct ccp_sink_ops help_keep = {
	.name = "keep", .help = "", .create = keep_create, .open = keep_open, .write = keep_write,
	.commit = keep_commit, .abort = keep_abort, .destroy = keep_destroy,
};

static void help_report(void *arg, const struct ccp_result *result)
{
	struct help_input *input = &help.input[result->input->index];

	(void)arg;
	input->outcome = result->outcome;
	input->err = result->err;
}

/* ---- inputs ---------------------------------------------------------------------------------------------------- */

UNUSED static void help_set_up(void)
{
	memset(&help, 0, sizeof help);
	strcpy(help.dir, "/tmp/ccpipe-test.XXXXXX");
	cr_assert(mkdtemp(help.dir));
	prctl(PR_SET_CHILD_SUBREAPER, 1); /* an orphan comes to us, and is seen */
}

UNUSED static void help_tear_down(void)
{
	for (size_t i = 0; i < help.count; i++) {
		unlink(help.input[i].path);
		free(help.input[i].path);
		free(help.input[i].out);
	}
	rmdir(help.dir);
}

/* The path of a new input. */
UNUSED static const char *help_name(void)
{
	cr_assert(help.count < HELP_INPUTS);
	cr_assert(asprintf(&help.input[help.count].path, "%s/input-%zu", help.dir, help.count) > 0);
	return help.input[help.count++].path;
}

UNUSED static uint8_t help_byte(uint64_t at)
{
	return (uint8_t)((at * 2654435761u >> 13) ^ at >> 5);
}

UNUSED static void help_file(size_t bytes)
{
	FILE *file = fopen(help_name(), "wb");

	for (size_t i = 0; i < bytes; i++)
		putc(help_byte(i + help.count), file);
	fclose(file);
}

/* ---- a run ----------------------------------------------------------------------------------------------------- */

UNUSED static size_t help_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

/* Fills options and plan. `strategy` as on the command line. */
UNUSED static void help_options(struct ccp_run_options *options, const struct ccp_transform_ops *transform,
				const char *strategy, const char *jobs)
{
	static char *names[HELP_INPUTS];
	struct ccp_plan_options wish = { .strategy = strategy, .jobs = jobs, .window = 24 };
	struct ccp_host host;
	struct ccp_err err;

	*options = (struct ccp_run_options){ .transform = transform, .sink = &help_keep, .report = help_report,
					     .strategies = ccp_strategies };
	for (size_t i = 0; i < help.count; i++) {
		names[i] = help.input[i].path;
		help.input[i].committed = false;
		help.input[i].out_len = 0;
		help.input[i].outcome = CCP_PENDING;
	}
	options->walk.names = names;
	options->walk.name_count = help.count;
	options->source.to_stdout = true;
	cr_assert(transform->need(&options->transform_options, &options->need, &err) == 0);
	ccp_host_read(&host);
	cr_assert(ccp_plan_make(&options->plan, &wish, &options->need, &host, ccp_strategies, &err) == 0, "%s",
		  err.text);
}

/* Runs, and looks whether anything is left over: processes, zombies, descriptors. Returns what ccp_run does. */
UNUSED static int help_run(const struct ccp_run_options *options, struct ccp_err *err)
{
	size_t before = help_descriptors();
	int result = ccp_run(options, &help.summary, err);

	cr_expect(help_descriptors() == before, "%zu descriptors before, %zu after", before, help_descriptors());
	cr_expect(waitpid(-1, NULL, WNOHANG) == -1 && errno == ECHILD, "a process is left over");
	return result;
}

/* What the inputs come to, without any strategy. */
UNUSED static bool help_right(const struct ccp_transform_ops *transform, size_t index, const uint8_t *in, size_t len)
{
	const struct help_input *input = &help.input[index];
	uint64_t past = 0;

	if (input->outcome != CCP_DONE || !input->committed || input->out_len != len)
		return false;
	for (size_t i = 0; i < len; i++) {
		uint8_t want;

		past = past * 31 + in[i];
		want = transform->flags & CCP_TRANSFORM_SEQUENTIAL ? (uint8_t)(past >> 24 ^ past) :
						  (uint8_t)(in[i] ^ (i * 0x9e3779b97f4a7c15u >> 56));
		if (input->out[i] != want)
			return false;
	}
	return true;
}

/* The same for input number `index`, made by help_file. */
UNUSED static bool help_file_right(const struct ccp_transform_ops *transform, size_t index, size_t bytes)
{
	uint8_t *in = malloc(bytes + 1);
	bool right;

	for (size_t i = 0; i < bytes; i++)
		in[i] = help_byte(i + index + 1);
	right = help_right(transform, index, in, bytes);
	free(in);
	return right;
}

#endif
