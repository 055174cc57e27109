/*
 * deflate_tokens.c: skipping the tokens of a block, several places at a time.
 *
 * Where a token begins is known only when the one before it has been looked up, so a single walk waits for look-ups
 * most of the time. But prefix codes synchronise themselves: a walk that begins at a wrong bit soon comes upon a true
 * token boundary and is right from there on. So five walks go on together, one at the true position and four guesses
 * further on, and each notes its path. A guess is used only from a position on that the true path has reached
 * exactly: this is not a heuristic, what follows from the same position is the same. Where the true path does not
 * meet the guess at once, it is walked on alone until it does. A guess that met the end of the block, or an
 * impossible code, before it was right has just gone on.
 *
 * Bytes that hardly compress, over half of what binaries become, get codes of eight bits for nearly all literals. Such
 * codes hardly synchronise (half of the guesses need over 1.7 Kbit, one in ten over 8; in other blocks 64 and 256
 * bits), and their tokens are many. There a step first passes all the literals of eight bits in a row, up to 32 in a
 * few vector instructions, which needs no guess; and the lanes, of as many steps, are then so long that the guesses
 * pay, too.
 *
 * Near the end of the data a plain loop takes over, which looks at every byte's place.
 *
 * Measured on an AMD EPYC (family 26), ms per MiB compressed at level 6: kernel sources 0.33 (the compression: 9.0),
 * binaries 0.62 (10.2), of them those that hardly compress 0.40 (9.6), where lanes without runs took 1.57. Of that, the
 * lanes are some 60 %, the tables 14 %, tokens that the tables do not hold 15 %.
 */
#include "pipeline/codec/deflate_tokens.h"

/* gcc would call a step, for its size, which costs 3 % in blocks with runs. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

#define LANES CCP_WALK_LANES
#define STEPS CCP_WALK_STEPS
#define STEP_BITS 48u     /* the most that one step takes: 15 + 5 + 15 + 13 */
#define RUN_STEP_BITS (CCP_WALK_RUN_BYTES * 8 + STEP_BITS)
#define MARGIN_BITS 1024u /* a step reads less than this from where it begins */
#define FIRST_STRIDE (STEPS * 10u)
#define FIRST_RUN_STRIDE (STEPS * 150u)
#define BRIDGE 512u       /* tokens that the true path walks alone before the guesses are given up */
#define EVENTS 6u
#define PATIENCE 2        /* guesses given up in a block before it is walked alone */

/*
 * Decodes one symbol bit by bit and consumes its code, whose first `known` bits are known to be no code themselves.
 * Returns -1 if no symbol has this code.
 */
static int canon_decode(const struct ccp_walk_canon *canon, struct ccp_bits *b, unsigned known)
{
	unsigned code = known ? bits_reverse((unsigned)b->window & ((1u << known) - 1), known) : 0;

	for (unsigned len = known + 1; len <= CCP_WALK_MAX_LEN; len++) {
		code = code << 1 | (unsigned)(b->window >> (len - 1) & 1);
		if (code - canon->first[len] < canon->count[len]) {
			bits_skip(b, len);
			return canon->sorted[canon->index[len] + code - canon->first[len]];
		}
	}
	return -1;
}

/* Skips a token that the tables do not hold. Returns 1 at the end of the block, 0 otherwise, -1 if invalid. */
static int token_slowly(const struct ccp_walk *walk, struct ccp_bits *b, const char **wrong)
{
	unsigned entry = walk->single[b->window & ((1u << CCP_WALK_LIT_BITS) - 1)];
	int symbol = canon_decode(&walk->lit_canon, b, entry == CCP_WALK_SPECIAL ? CCP_WALK_LIT_BITS : 0);

	*wrong = "invalid literal/length code";
	if (symbol < 0 || symbol > 285)
		return -1;
	if (symbol <= 256)
		return symbol == 256;
	bits_skip(b, ccp_walk_length_extra[symbol - 257]);
	symbol = canon_decode(&walk->dist_canon, b, 0);
	*wrong = "invalid distance code";
	if (symbol < 0 || symbol > 29)
		return -1;
	bits_skip(b, symbol < 4 ? 0 : (unsigned)symbol / 2 - 1);
	return 0;
}

/* What a lane came upon: the end of a block, or an invalid code. */
struct event {
	unsigned step;
	bool bad;
	uint64_t end; /* position after it */
};

struct lane {
	struct event events[EVENTS];
	unsigned n_events;
	unsigned limit; /* how much of the path counts */
};

enum found { TOKENS, END_OF_BLOCK, INVALID };

/* One step without branches: how many bits to go on, or any number with CCP_WALK_SPECIAL set. */
ALWAYS_INLINE unsigned quick_step(const struct ccp_walk *walk, const uint8_t *data, uint64_t at)
{
	uint64_t window = peek(data, at);
	unsigned entry = walk->lit[window & ((1u << CCP_WALK_LIT_BITS) - 1)];
	unsigned first = entry & (CCP_WALK_CONSUME | CCP_WALK_SPECIAL);
	unsigned next = (unsigned)(window >> (first & CCP_WALK_CONSUME)) & ((1u << CCP_WALK_SECOND_BITS) - 1);

	/* Nothing carries into CCP_WALK_SPECIAL (at most 48 bits are consumed) nor out of it (only one has it). */
	return first + walk->second[(entry & CCP_WALK_LENGTH) | next];
}

/* A step of one token, whatever it is. */
static __attribute__((noinline)) enum found slow_step(const struct ccp_walk *walk, const uint8_t *data, uint64_t *at)
{
	struct ccp_bits b = { .window = peek(data, *at), .count = 57 };
	unsigned entry = walk->single[b.window & ((1u << CCP_WALK_LIT_BITS) - 1)];
	unsigned first = entry & CCP_WALK_CONSUME, second;
	const char *wrong;

	if ((entry & CCP_WALK_SPECIAL) && first > 0) {
		*at += first;
		return END_OF_BLOCK;
	}
	if (!(entry & CCP_WALK_SPECIAL)) {
		second = 0;
		if (entry & CCP_WALK_LENGTH)
			second = walk->second[1u << CCP_WALK_SECOND_BITS |
					      (b.window >> first & ((1u << CCP_WALK_SECOND_BITS) - 1))];
		if (!(second & CCP_WALK_SPECIAL)) {
			*at += first + second;
			return TOKENS;
		}
	}
	int r = token_slowly(walk, &b, &wrong);
	if (r < 0) {
		*at += 1;
		return INVALID;
	}
	*at += 57 - b.count;
	return r > 0 ? END_OF_BLOCK : TOKENS;
}

static __attribute__((noinline)) uint64_t lane_event(const struct ccp_walk *walk, const uint8_t *data, uint64_t at,
						     struct lane *lane, unsigned step)
{
	enum found found = slow_step(walk, data, &at);

	if (found == TOKENS)
		return at;
	if (lane->n_events < EVENTS)
		lane->events[lane->n_events++] = (struct event){ .step = step, .bad = found == INVALID, .end = at };
	else if (lane->limit > step)
		lane->limit = step;
	return at;
}

ALWAYS_INLINE uint64_t lane_step(const struct ccp_walk *walk, const uint8_t *data, uint64_t at, struct lane *lane,
				 unsigned step, bool runs)
{
	if (runs)
		at += run_bits(data, at, walk->run_first, walk->run_span);
	unsigned n = quick_step(walk, data, at);

	if (__builtin_expect(n & CCP_WALK_SPECIAL, 0))
		return lane_event(walk, data, at, lane, step);
	return at + n;
}

/* Spelled out, so that the positions stay in registers. */
_Static_assert(LANES == 5, "EACH_LANE");
#define EACH_LANE(what) what(0) what(1) what(2) what(3) what(4)
#define LANE_START(k) uint64_t at##k = base + k * stride;
#define LANE_NOTE(k) walk->path[k][i] = (uint32_t)(at##k - base);
#define LANE_STEP(k) at##k = lane_step(walk, data, at##k, &lanes[k], i, runs);

/* All lanes together, from base + lane * stride, for STEPS or until the true one meets the end of the block. */
ALWAYS_INLINE void lanes_run(struct ccp_walk *walk, const uint8_t *data, uint64_t base, struct lane *lanes, bool runs)
{
	uint64_t stride = walk->stride[runs];
	unsigned i;

	for (unsigned k = 0; k < LANES; k++) {
		lanes[k].n_events = 0;
		lanes[k].limit = STEPS;
	}
	EACH_LANE(LANE_START)
	for (i = 0; i < STEPS; i++) {
		EACH_LANE(LANE_NOTE)
		EACH_LANE(LANE_STEP)
		if (__builtin_expect(lanes[0].n_events, 0)) {
			for (unsigned k = 0; k < LANES; k++)
				lanes[k].limit = lanes[k].limit < i ? lanes[k].limit : i;
			return;
		}
	}
	EACH_LANE(LANE_NOTE)
}

static __attribute__((noinline)) void lanes_of_tokens(struct ccp_walk *walk, const uint8_t *data, uint64_t base,
						      struct lane *lanes)
{
	lanes_run(walk, data, base, lanes, false);
}

static __attribute__((noinline)) void lanes_of_runs(struct ccp_walk *walk, const uint8_t *data, uint64_t base,
						    struct lane *lanes)
{
	lanes_run(walk, data, base, lanes, true);
}

/*
 * Follows the true path, which is on `from` at its step `*step`, to the path of lane `to`. Returns TOKENS with
 * `*step` on that lane, or what it met instead; `*at` is then the position. If the paths do not meet, END_OF_BLOCK is
 * not reached either: TOKENS with `*step` = UINT_MAX.
 */
static enum found bridge(const struct ccp_walk *walk, const uint8_t *data, uint64_t base, const struct lane *lanes,
			 unsigned from, unsigned to, unsigned *step, uint64_t *at)
{
	const uint32_t *path = walk->path[from], *next = walk->path[to];
	unsigned i = lanes[from].limit, j = 0, limit = lanes[to].limit;

	while (i > *step && path[i] >= next[0])
		i--;
	for (; i <= lanes[from].limit && j <= limit;) {
		if (path[i] == next[j]) {
			*step = j;
			return TOKENS;
		}
		if (path[i] < next[j])
			i++;
		else
			j++;
	}
	*at = base + path[lanes[from].limit];
	*step = UINT32_MAX;
	for (unsigned k = 0; k < BRIDGE && *at <= walk->safe; k++) {
		while (j <= limit && base + next[j] < *at)
			j++;
		if (j > limit)
			return TOKENS;
		if (base + next[j] == *at) {
			*step = j;
			return TOKENS;
		}
		uint64_t before = *at;
		if (walk->runs)
			*at += run_bits(data, *at, walk->run_first, walk->run_span);
		enum found found = slow_step(walk, data, at);

		if (found == INVALID)
			*at = before;
		if (found != TOKENS)
			return found;
	}
	return TOKENS;
}

/* Goes on from *at with all lanes once. On INVALID, *at is where the invalid token begins. */
static enum found leap(struct ccp_walk *walk, const uint8_t *data, uint64_t *at)
{
	struct lane lanes[LANES];
	uint64_t base = *at;
	unsigned step = 0;

	if (walk->runs)
		lanes_of_runs(walk, data, base, lanes);
	else
		lanes_of_tokens(walk, data, base, lanes);
	for (unsigned l = 0;;) {
		const struct lane *lane = &lanes[l];
		unsigned to = l + 1;

		for (unsigned e = 0; e < lane->n_events; e++) {
			if (lane->events[e].step < step)
				continue;
			*at = lane->events[e].bad ? base + walk->path[l][lane->events[e].step] : lane->events[e].end;
			return lane->events[e].bad ? INVALID : END_OF_BLOCK;
		}
		*at = base + walk->path[l][lane->limit];
		if (l == 0 && lane->limit == STEPS)
			walk->stride[walk->runs] = walk->path[0][STEPS] - walk->path[0][STEPS] / 8;
		/* A guess that did not get as far as this lane is of no use. */
		while (to < LANES && base + walk->path[to][lanes[to].limit] <= *at)
			to++;
		if (to == LANES)
			return TOKENS;
		enum found found = bridge(walk, data, base, lanes, l, to, &step, at);
		if (found != TOKENS)
			return found;
		if (step == UINT32_MAX) {
			walk->patience--;
			return TOKENS;
		}
		l = to;
	}
}

static inline unsigned lit_look_up(const struct ccp_walk *walk, const struct ccp_bits *b)
{
	return walk->lit[b->window & ((1u << CCP_WALK_LIT_BITS) - 1)];
}

/*
 * The plain loop, for the end of the data and for blocks whose codes hardly synchronise, which are nearly all literals:
 * there a branch is predicted well, and it is the shortest way to the next look-up.
 */
static const char *plain_skip(const struct ccp_walk *walk, struct ccp_bits *outer)
{
	struct ccp_bits b = *outer;
	const char *wrong = NULL;

	while (!bits_overrun(&b)) {
		unsigned entry, second;
		int r;

		bits_refill(&b);
		entry = lit_look_up(walk, &b);
		for (int k = 0; k < 4 && !(entry & (CCP_WALK_LENGTH | CCP_WALK_SPECIAL)); k++) {
			bits_skip(&b, entry & CCP_WALK_CONSUME);
			entry = lit_look_up(walk, &b);
		}
		if (!(entry & (CCP_WALK_LENGTH | CCP_WALK_SPECIAL)))
			continue;
		bits_refill(&b);
		if (entry & CCP_WALK_LENGTH) {
			uint64_t after = b.window >> (entry & CCP_WALK_CONSUME);

			second = walk->second[1u << CCP_WALK_SECOND_BITS |
					      (after & ((1u << CCP_WALK_SECOND_BITS) - 1))];
			if (__builtin_expect(!(second & CCP_WALK_SPECIAL), 1)) {
				bits_skip(&b, (entry & CCP_WALK_CONSUME) + second);
				continue;
			}
		} else if (entry & CCP_WALK_CONSUME) {
			bits_skip(&b, entry & CCP_WALK_CONSUME);
			break;
		}
		/* One token, whatever the entry would have combined: the window has enough bits. */
		r = token_slowly(walk, &b, &wrong);
		if (r < 0)
			break;
		wrong = NULL;
		if (r > 0)
			break;
	}
	*outer = b;
	return wrong;
}

/* A single lane of runs, for the end of the data. Otherwise as leap(). */
static enum found runs_skip(const struct ccp_walk *walk, const uint8_t *data, uint64_t *at)
{
	while (*at <= walk->safe) {
		*at += run_bits(data, *at, walk->run_first, walk->run_span);
		unsigned n = quick_step(walk, data, *at);
		if (!(n & CCP_WALK_SPECIAL)) {
			*at += n;
			continue;
		}
		uint64_t before = *at;
		enum found found = slow_step(walk, data, at);
		if (found == INVALID)
			*at = before;
		if (found != TOKENS)
			return found;
	}
	return TOKENS;
}

const char *ccp_walk_tokens_skip(struct ccp_walk *walk, struct ccp_bits *bits)
{
	uint64_t at = bits_position(bits), all = (uint64_t)(bits->end - bits->start) * 8;
	uint32_t *stride = &walk->stride[walk->runs];
	enum found found = TOKENS;

	if (all > MARGIN_BITS) {
		uint64_t reach = STEPS * (walk->runs ? RUN_STEP_BITS : STEP_BITS);

		walk->safe = all - MARGIN_BITS;
		walk->patience = PATIENCE;
		if (*stride == 0)
			*stride = walk->runs ? FIRST_RUN_STRIDE : FIRST_STRIDE;
		while (found == TOKENS && walk->patience > 0 &&
		       at + (LANES - 1) * (uint64_t)*stride + reach <= walk->safe)
			found = leap(walk, bits->start, &at);
		if (found == TOKENS && walk->runs)
			found = runs_skip(walk, bits->start, &at);
	}
	if (at >= all)
		at = all;
	bits->next = bits->start + at / 8;
	bits->window = 0;
	bits->count = bits->phantom = 0;
	bits_refill(bits);
	bits_skip(bits, at & 7);
	return found == END_OF_BLOCK ? NULL : plain_skip(walk, bits);
}
