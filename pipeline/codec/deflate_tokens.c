/*
 * deflate_tokens.c: skipping the tokens of a block, several places at a time.
 *
 * Where a token begins is known only when the one before it has been looked up, so a single walk waits for look-ups
 * most of the time. But prefix codes synchronise themselves: a walk that begins at a wrong bit soon comes upon a true
 * token boundary and is right from there on. So four walks go on together, one at the true position and three guesses
 * further on, and each notes its path. A guess is used only from a position on that the true path has reached
 * exactly: this is not a heuristic, what follows from the same position is the same. Where the true path does not
 * meet the guess at once, it is walked on alone until it does. A guess that met the end of the block, or an
 * impossible code, before it was right has just gone on.
 *
 * Near the end of the data a plain loop takes over, which looks at every byte's place.
 */
#include "pipeline/codec/deflate_tokens.h"

#define LANES CCP_WALK_LANES
#define STEPS CCP_WALK_STEPS
#define STEP_BITS 48u   /* the most that one step takes: 15 + 5 + 15 + 13 */
#define FIRST_STRIDE (STEPS * 10u)
#define BRIDGE 512u     /* tokens that the true path walks alone before the guesses are given up */
#define EVENTS 6u
#define PATIENCE 2      /* guesses given up in a block before it is walked alone */

/* Decodes one symbol bit by bit and consumes its code. Returns -1 if no symbol has this code. */
static int canon_decode(const struct ccp_walk_canon *canon, struct ccp_bits *b)
{
	unsigned code = 0;

	for (unsigned len = 1; len <= CCP_WALK_MAX_LEN; len++) {
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
	int symbol = canon_decode(&walk->lit_canon, b);

	*wrong = "invalid literal/length code";
	if (symbol < 0 || symbol > 285)
		return -1;
	if (symbol <= 256)
		return symbol == 256;
	bits_skip(b, ccp_walk_length_extra[symbol - 257]);
	symbol = canon_decode(&walk->dist_canon, b);
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

/* The bits at a position, at least 57. The caller knows that eight bytes are there. */
static inline uint64_t peek(const uint8_t *data, uint64_t at)
{
	return bits_load64(data + (at >> 3)) >> (at & 7);
}

/* One step without branches: how many bits to go on, or any number with CCP_WALK_SPECIAL set. */
static inline unsigned quick_step(const struct ccp_walk *walk, const uint8_t *data, uint64_t at)
{
	uint64_t window = peek(data, at);
	unsigned entry = walk->lit[window & ((1u << CCP_WALK_LIT_BITS) - 1)];
	unsigned first = entry & CCP_WALK_CONSUME;
	unsigned half = (entry & CCP_WALK_LENGTH) << (CCP_WALK_SECOND_BITS - 6);
	unsigned second = walk->second[half | (window >> first & ((1u << CCP_WALK_SECOND_BITS) - 1))];

	return (first + second) | (entry & CCP_WALK_SPECIAL);
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

static inline uint64_t lane_step(const struct ccp_walk *walk, const uint8_t *data, uint64_t at, struct lane *lane,
				 unsigned step)
{
	unsigned n = quick_step(walk, data, at);

	if (__builtin_expect(n & CCP_WALK_SPECIAL, 0))
		return lane_event(walk, data, at, lane, step);
	return at + n;
}

/* All lanes together, from base + lane * stride. */
static void lanes_run(struct ccp_walk *walk, const uint8_t *data, uint64_t base, struct lane *lanes)
{
	uint64_t a = base, b = a + walk->stride, c = b + walk->stride, d = c + walk->stride;

	for (unsigned i = 0; i < LANES; i++) {
		lanes[i].n_events = 0;
		lanes[i].limit = STEPS;
	}
	for (unsigned i = 0; i < STEPS; i++) {
		walk->path[0][i] = (uint32_t)(a - base);
		walk->path[1][i] = (uint32_t)(b - base);
		walk->path[2][i] = (uint32_t)(c - base);
		walk->path[3][i] = (uint32_t)(d - base);
		a = lane_step(walk, data, a, &lanes[0], i);
		b = lane_step(walk, data, b, &lanes[1], i);
		c = lane_step(walk, data, c, &lanes[2], i);
		d = lane_step(walk, data, d, &lanes[3], i);
		if (__builtin_expect(lanes[0].n_events, 0)) {
			for (unsigned k = 0; k < LANES; k++)
				lanes[k].limit = lanes[k].limit < i ? lanes[k].limit : i;
			return;
		}
	}
	walk->path[0][STEPS] = (uint32_t)(a - base);
	walk->path[1][STEPS] = (uint32_t)(b - base);
	walk->path[2][STEPS] = (uint32_t)(c - base);
	walk->path[3][STEPS] = (uint32_t)(d - base);
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
	for (unsigned k = 0; k < BRIDGE; k++) {
		while (j <= limit && base + next[j] < *at)
			j++;
		if (j > limit)
			return TOKENS;
		if (base + next[j] == *at) {
			*step = j;
			return TOKENS;
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

/* Goes on from *at with all lanes once. On INVALID, *at is where the invalid token begins. */
static enum found leap(struct ccp_walk *walk, const uint8_t *data, uint64_t *at)
{
	struct lane lanes[LANES];
	uint64_t base = *at;
	unsigned step = 0;

	lanes_run(walk, data, base, lanes);
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
			walk->stride = walk->path[0][STEPS] - walk->path[0][STEPS] / 8;
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

const char *ccp_walk_tokens_skip(struct ccp_walk *walk, struct ccp_bits *bits)
{
	uint64_t at = bits_position(bits), all = (uint64_t)(bits->end - bits->start) * 8;
	enum found found = TOKENS;

	if (walk->stride == 0)
		walk->stride = FIRST_STRIDE;
	walk->patience = PATIENCE;
	while (found == TOKENS && walk->patience > 0 &&
	       at + (LANES - 1) * (uint64_t)walk->stride + (STEPS + BRIDGE) * STEP_BITS + 128 <= all)
		found = leap(walk, bits->start, &at);
	if (at >= all)
		at = all;
	bits->next = bits->start + at / 8;
	bits->window = 0;
	bits->count = bits->phantom = 0;
	bits_refill(bits);
	bits_skip(bits, at & 7);
	return found == END_OF_BLOCK ? NULL : plain_skip(walk, bits);
}
