/*
 * fold_help.h: what the tests of folds share: a transform that gives little at a time, a fold with a small note, a
 * collector that checks what it gets, and runs of them under every strategy.
 */
#ifndef CCP_TESTS_UNIT_FOLD_HELP_H
#define CCP_TESTS_UNIT_FOLD_HELP_H

#include <stdatomic.h>
#include <sys/mman.h>

#include "tests/unit/proc_help.h"

/* ---- what a test asks of the fold and of the collector; set before the run ------------------------------------- */

static struct ask {
	bool fails;          /* the fold does, at a byte 0xff */
	size_t wrong_at;     /* where the transform fails, which gives what comes before; SIZE_MAX = never */
	size_t enough;       /* bytes of an input after which the collector wants no more */
	size_t stop_at;      /* and those after which it ends the run */
	bool cancels;        /* it does so as a signal would */
	unsigned deaths;     /* of workers, in the fold, at a byte 0xfe */
	bool shows;          /* the transform shows every other piece where it lies */
	bool begin_fails;
	unsigned slow_us;
} ask;

/* In memory that worker processes share. */
static struct shared {
	_Atomic unsigned died, maps, opened, closed;
} *shared;

/* What the collector got, of all inputs. */
static struct got {
	uint8_t *data;
	size_t len;
	unsigned parts, empty, begun, ended, failed;
	bool first, last;        /* of the parts so far */
	uint64_t index;          /* of the input that is open */
	bool open;
	enum ccp_code code;      /* at the end that failed */
	_Atomic int inside;
} got;

static pid_t parent;

/*
 * A transform without a past, and one with: the bytes as they are, three times as many as go into `out` at a time; the
 * carry counts them, so that a turn that is taken out of order or twice shows.
 */
static int thin_need(const struct ccp_transform_options *options, struct ccp_transform_need *need,
		     struct ccp_err *err)
{
	(void)options, (void)err;
	need->chunk_bytes = HELP_CHUNK;
	need->out_bytes = HELP_CHUNK / 2 - 101; /* a multiple of 3: noted */
	need->carry_bytes = 64;
	need->fold_bytes = 40;
	return 0;
}

static int thin_map(void *state, void *carry, struct ccp_piece *piece)
{
	uint64_t *past = carry;

	(void)state;
	if (past != NULL && *past != piece->offset + piece->in_used)
		return ccp_err_set(&piece->err, CCP_E_OTHER, "out of turn");
	if (ask.shows && piece->number % 2 == 0 && ask.wrong_at == SIZE_MAX) {
		piece->view = piece->in.data + piece->in_used;
		piece->view_len = piece->in.len - piece->in_used;
		piece->in_used = piece->in.len;
	}
	while (piece->in_used < piece->in.len && piece->out.len < piece->out.cap) {
		if (piece->offset + piece->in_used == ask.wrong_at) {
			ccp_err_set(&piece->err, CCP_E_FORMAT, "it is wrong");
			break;
		}
		piece->out.data[piece->out.len++] = piece->in.data[piece->in_used++];
	}
	if (past != NULL)
		*past = piece->offset + piece->in_used;
	if (ccp_err_is_error(&piece->err))
		return -1;
	return piece->in_used < piece->in.len;
}

static const struct ccp_transform_ops thin = {
	.name = "thin", .help = "", .need = thin_need, .open = help_open, .map = thin_map, .close = help_close,
};

static const struct ccp_transform_ops thin_turn = {
	.name = "thin", .help = "", .flags = CCP_TRANSFORM_SEQUENTIAL, .need = thin_need, .open = help_open,
	.map = thin_map, .close = help_close,
};

/* ---- a fold: sums up bytes, and of a third of the parts notes them, 40 at a time --------------------------------- */

struct sum {
	uint64_t bytes, sum;
};

static int small_need(const void *options, struct ccp_fold_need *need, struct ccp_err *err)
{
	(void)options, (void)err;
	need->note_bytes = 40;
	return 0;
}

static int small_open(void **state, const void *options, struct ccp_err *err)
{
	(void)err;
	cr_assert(options == &ask);
	*state = malloc(8);
	atomic_fetch_add(&shared->opened, 1);
	return 0;
}

static void small_close(void *state)
{
	free(state);
	atomic_fetch_add(&shared->closed, 1);
}

/* The content of every input tells at each place where that is: help_place. */
static uint8_t help_place(size_t at)
{
	return (uint8_t)(at % 251 ^ at / 1000);
}

/* Bytes of the part before the one at which the fold fails. */
static size_t before_failure(const struct ccp_part *part)
{
	const uint8_t *mark = ask.fails ? memchr(part->data, 0xff, part->len) : NULL;

	return mark != NULL ? (size_t)(mark - part->data) : SIZE_MAX;
}

static int small_map(void *state, struct ccp_part *part, struct ccp_err *err)
{
	size_t most = part->len % 3 == 0 ? part->note.cap : part->len, end = part->used;
	struct sum sum = { 0 };

	memset(state, 1, 8);
	cr_assert(part->note.len == 0 && part->from == part->used && part->len > 0);
	atomic_fetch_add(&shared->maps, 1);
	if (ask.slow_us > 0)
		help_sleep_us(ask.slow_us);
	if (ask.deaths > 0 && memchr(part->data, 0xfe, part->len) != NULL && getpid() != parent &&
	    atomic_fetch_add(&shared->died, 1) < ask.deaths)
		raise(SIGKILL);
	end = part->len - part->used < most ? part->len : part->used + most;
	if (before_failure(part) < end) {
		memset(part->note.data, 0xaa, part->note.len = part->note.cap); /* must not be taken */
		return ccp_err_set(err, CCP_E_FORMAT, "the fold fails");
	}
	for (size_t i = part->used; i < end; i++) {
		sum.bytes++;
		sum.sum += part->data[i];
		if (most == part->note.cap)
			part->note.data[part->note.len++] = part->data[i];
	}
	memcpy(part->found, &sum, sizeof sum);
	part->used = end;
	return end < part->len;
}

static const struct ccp_fold_ops small = {
	.name = "small", .help = "", .need = small_need, .open = small_open, .map = small_map, .close = small_close,
};

/* ---- the collector --------------------------------------------------------------------------------------------- */

static void enter(void)
{
	cr_expect(atomic_fetch_add(&got.inside, 1) == 0, "two calls at once");
}

static void leave(void)
{
	atomic_fetch_sub(&got.inside, 1);
}

static int on_begin(void *arg, const struct ccp_input *input, struct ccp_err *err)
{
	cr_expect(arg == &got && getpid() == parent);
	if (ask.begin_fails && input->index == 1)
		return ccp_err_set(err, CCP_E_OTHER, "not this one");
	enter();
	cr_expect(!got.open, "input %lu begins inside another", (unsigned long)input->index);
	got.open = true;
	got.index = input->index;
	got.begun++;
	got.len = 0;
	got.first = got.last = false;
	leave();
	return 0;
}

static int on_take(void *arg, const struct ccp_input *input, const struct ccp_part *part, struct ccp_err *err)
{
	struct help_input *to = &help.input[input->index];
	struct sum sum;
	uint64_t real = 0;
	size_t len = part->used - part->from;
	int result = 0;

	(void)arg;
	enter();
	cr_expect(got.open && got.index == input->index && !got.last);
	got.parts++;
	got.empty += part->len == 0;
	got.last |= part->last && part->used == part->len;
	if (part->len > 0) {
		cr_expect(part->from > 0 || part->first == (to->out_len == 0), "another part is the first");
		memcpy(&sum, part->found, sizeof sum);
		for (size_t i = part->from; i < part->used; i++)
			real += part->data[i];
		cr_expect(sum.bytes == len && sum.sum == real, "what was found is of other bytes");
		cr_expect(part->note.len == (part->len % 3 == 0 ? len : 0) &&
			  memcmp(part->note.data, part->data + part->from, part->note.len) == 0);
		while (to->out_len + len > to->out_cap) {
			to->out_cap = to->out_cap ? 2 * to->out_cap : 1024;
			to->out = realloc(to->out, to->out_cap);
		}
		memcpy(to->out + to->out_len, part->data + part->from, len);
		to->out_len += len;
	} else {
		cr_expect(part->used == 0 && part->from == 0 && part->note.len == 0);
	}
	if (to->out_len >= ask.stop_at && ask.cancels)
		ccp_run_cancel();
	else if (to->out_len >= ask.stop_at)
		result = ccp_err_set(err, CCP_E_OTHER, "the collector has had it");
	else if (to->out_len >= ask.enough)
		result = 1;
	leave();
	return result;
}

static int on_end(void *arg, struct ccp_input *input, bool failed, struct ccp_err *err)
{
	(void)arg, (void)err;
	enter();
	cr_expect(got.open && got.index == input->index);
	cr_expect(failed == ccp_err_is_error(&input->err), "the error is not there at the end");
	cr_expect(failed || got.last || ask.enough != SIZE_MAX, "no part was the last");
	got.open = false;
	got.ended++;
	got.failed += failed;
	got.code = input->err.code;
	memcpy(input->record, &help.input[input->index].out_len, sizeof(size_t));
	input->record_len = sizeof(size_t);
	leave();
	return 0;
}

static const struct ccp_collector collector = { on_begin, on_take, on_end, &got };

/* ---- a run ----------------------------------------------------------------------------------------------------- */

static const size_t lens[] = { 30 * HELP_CHUNK + 17, 100, 0, HELP_CHUNK, 9 * HELP_CHUNK, 3 };
#define INPUTS (sizeof lens / sizeof *lens)
#define MARK_AT ((size_t)7 * HELP_CHUNK + 1234)

static const char *const kinds[] = {
	"serial", "threads", "omp", "proc", "async", "read=threads,work=proc,write=threads",
	"read=threads,work=serial,write=threads", "read=async,work=proc,write=omp",
};

/* Like help_file. `mark` stands in the inputs that are long enough. */
static void make_inputs(uint8_t mark)
{
	for (size_t i = 0; i < INPUTS; i++) {
		FILE *file = fopen(help_name(), "wb");

		for (size_t at = 0; at < lens[i]; at++) {
			uint8_t byte = help_place(at);

			if (byte >= 0xfe)
				byte = 7;
			putc(at == MARK_AT && mark != 0 ? mark : byte, file);
		}
		fclose(file);
	}
}

static bool has_strategy(const char *text)
{
	static const char *const names[] = { "omp", "async" };

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		for (size_t k = 0; strstr(text, names[i]) && ccp_strategies[k]; k++)
			if (strcmp(ccp_strategies[k]->name, names[i]) == 0 && ccp_strategies[k]->probe() != NULL)
				return false;
	return true;
}

static void prepare(struct ccp_run_options *options, const struct ccp_transform_ops *transform, const char *strategy)
{
	help_options(options, transform, strategy, "3");
	options->fold = &small;
	options->fold_options = &ask;
	options->sink = ccp_sink_find("collect");
	options->sink_options.collector = &collector;
	memset(&got, 0, sizeof got);
	for (size_t i = 0; i < INPUTS; i++)
		help.input[i].err.code = CCP_OK;
}

/* Whether what was taken of the input is its first `len` bytes. */
static void expect_bytes(size_t index, size_t len, uint8_t mark, const char *what)
{
	const struct help_input *input = &help.input[index];
	size_t wrong = 0;

	cr_expect(input->out_len == len, "%s: input %zu: %zu bytes were taken, not %zu (%s)", what, index,
		  input->out_len, len, input->err.text);
	for (size_t at = 0; at < input->out_len; at++) {
		uint8_t byte = help_place(at) >= 0xfe ? 7 : help_place(at);

		wrong += input->out[at] != (at == MARK_AT && mark != 0 ? mark : byte);
	}
	cr_expect(wrong == 0, "%s: input %zu: %zu bytes are wrong", what, index, wrong);
}

static void fold_set_up(void)
{
	help_set_up();
	ask = (struct ask){ .wrong_at = SIZE_MAX, .enough = SIZE_MAX, .stop_at = SIZE_MAX };
	parent = getpid();
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert(shared != MAP_FAILED);
}

typedef void check_fn(const char *what);

/* Every strategy, with and without a past. */
static void try_all(check_fn *check, int wanted)
{
	const struct ccp_transform_ops *const transforms[] = { &thin, &thin_turn };

	for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
		for (size_t t = 0; t < 2; t++) {
			struct ccp_run_options options;
			struct ccp_err err;
			char what[100];

			if (!has_strategy(kinds[k]))
				continue;
			prepare(&options, transforms[t], kinds[k]);
			snprintf(what, sizeof what, "%s, %s", kinds[k], t ? "in turn" : "without a past");
			ccp_err_clear(&err);
			cr_expect(help_run(&options, &err) == wanted, "%s: %s", what, err.text);
			cr_expect(got.begun == got.ended && !got.open, "%s: %u begun, %u ended", what, got.begun,
				  got.ended);
			check(what);
		}
}

#endif
