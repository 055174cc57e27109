/*
 * merge.c: a merge of many runs by a tree of losers.
 *
 * Each inner node of the tree keeps the run that lost there; the winner of all is the next line. When its run has moved
 * on, only the nodes above it are played again, and what follows its line is asked of the memory. Runs in files are
 * read through a buffer each; one that is through has the largest number of all, beside a mark that it lost for good.
 */
#include <stdlib.h>
#include <string.h>

#include "pipeline/sort/merge.h"

#define FETCH_BYTES 64  /* a line of the cache */
#define KEPT_BYTES 4096 /* of a line whose end is still to be read; more of it makes the buffer larger */

/* Where the merge is in a run. */
struct cursor {
	uint64_t prefix;
	const uint8_t *line;
	size_t len;          /* without the end */
	bool over;
	const uint8_t *next, *end; /* what lies in memory behind the line */

	/* of a run in a file */
	const struct ccp_sort_run *run;
	size_t from, to;     /* what has not been read */
	uint8_t *buffer;
	size_t room;
};

struct ccp_sort_merge {
	const struct ccp_sort_runs *runs;
	struct ccp_sort_level level;
	struct cursor *cursors;
	uint32_t *losers;        /* losers[0] is the winner */
	size_t count;
	bool begun;
	uint8_t *last;       /* the line before, if equal ones are to be dropped */
	size_t last_len, last_room;
	bool any;
	struct ccp_spill_reader reader;
};

/* ---- cursors ---- */

/* Reads more behind what there is of a line: to the end of a block, so that each is taken apart once. */
static int refill(struct ccp_sort_merge *m, struct cursor *c, struct ccp_err *err)
{
	size_t kept = (size_t)(c->end - c->next), len;

	if (c->run->data != NULL || c->from == c->to)
		return 0;
	if (kept > c->room / 2) {
		uint8_t *grown = malloc(c->room * 2);

		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a line of more than %zu bytes", kept);
		memcpy(grown, c->next, kept);
		free(c->buffer);
		c->buffer = grown;
		c->room *= 2;
	} else if (kept > 0) {
		memmove(c->buffer, c->next, kept);
	}
	len = c->to - c->from;
	if (len > c->room - kept) {
		size_t beyond;

		len = c->room - kept;
		beyond = (c->from + len) % CCP_SPILL_BLOCK; /* runs begin with a block */
		if (beyond < len)
			len -= beyond;
	}
	if (ccp_spill_read(c->run->spill, &m->reader, c->run->begin + c->from, c->buffer + kept, len, err) != 0)
		return -1;
	c->from += len;
	c->next = c->buffer;
	c->end = c->buffer + kept + len;
	return 0;
}

/* Goes to the next line. */
static int step(struct ccp_sort_merge *m, struct cursor *c, struct ccp_err *err)
{
	const struct ccp_sort_order *order = m->runs->order;
	const uint8_t *found;

	for (;;) {
		size_t there = (size_t)(c->end - c->next);

		found = there > 0 ? memchr(c->next, order->end, there) : NULL;
		if (found != NULL)
			break;
		if (refill(m, c, err) != 0)
			return -1;
		if ((size_t)(c->end - c->next) == there) {
			c->over = true;
			c->prefix = UINT64_MAX;
			return 0;
		}
	}
	c->line = c->next;
	c->len = (size_t)(found - c->line);
	c->next = found + 1;
	/* so many runs are more than the processor reads ahead in by itself */
	__builtin_prefetch(c->next + FETCH_BYTES);
	__builtin_prefetch(c->next + 2 * FETCH_BYTES);
	c->prefix = ccp_sort_prefix(order, c->line, c->len, m->level);
	return 0;
}

/* ---- the tree ---- */

static bool is_before_slow(const struct ccp_sort_merge *m, uint32_t a, uint32_t b)
{
	const struct cursor *x = &m->cursors[a], *y = &m->cursors[b];
	int diff;

	if (x->over || y->over)
		return x->over == y->over ? a < b : y->over;
	diff = ccp_sort_compare(m->runs->order, x->line, x->len, y->line, y->len);
	return diff != 0 ? diff < 0 : a < b;
}

static inline bool is_before(const struct ccp_sort_merge *m, uint32_t a, uint32_t b)
{
	uint64_t x = m->cursors[a].prefix, y = m->cursors[b].prefix;

	return x != y ? x < y : is_before_slow(m, a, b);
}

/* Plays all games below a node; leaves are count to 2 count - 1. Returns the winner. */
static uint32_t play_all(struct ccp_sort_merge *m, size_t node)
{
	uint32_t a, b;

	if (node >= m->count)
		return (uint32_t)(node - m->count);
	a = play_all(m, 2 * node);
	b = play_all(m, 2 * node + 1);
	if (is_before(m, a, b)) {
		m->losers[node] = b;
		return a;
	}
	m->losers[node] = a;
	return b;
}

/* Plays the games of the winner again, whose line is another one now. Who wins cannot be foretold: no branch for it. */
static void replay(struct ccp_sort_merge *m)
{
	uint32_t winner = m->losers[0];
	uint64_t prefix = m->cursors[winner].prefix;

	for (size_t node = (winner + m->count) / 2; node > 0; node /= 2) {
		uint32_t other = m->losers[node], change;
		uint64_t theirs = m->cursors[other].prefix;
		bool before = theirs < prefix;

		if (__builtin_expect(theirs == prefix, 0))
			before = is_before_slow(m, other, winner);
		change = (other ^ winner) & -(uint32_t)before;
		m->losers[node] = other ^ change;
		winner ^= change;
		prefix ^= (theirs ^ prefix) & -(uint64_t)before;
	}
	m->losers[0] = winner;
}

/* ---- lines ---- */

static int begin(struct ccp_sort_merge *m, struct ccp_err *err)
{
	for (size_t i = 0; i < m->count; i++)
		if (step(m, &m->cursors[i], err) != 0)
			return -1;
	m->losers[0] = m->count > 1 ? play_all(m, 1) : 0;
	m->begun = true;
	return 0;
}

/* Keeps a line, to compare those that follow with it. */
static int keep(struct ccp_sort_merge *m, const uint8_t *line, size_t len, struct ccp_err *err)
{
	if (len > m->last_room) {
		uint8_t *grown = realloc(m->last, len + len / 2);

		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a line of %zu bytes", len);
		m->last = grown;
		m->last_room = len + len / 2;
	}
	if (len > 0)
		memcpy(m->last, line, len);
	m->last_len = len;
	m->any = true;
	return 0;
}

/* Goes to the line behind the winner's. */
static int advance(struct ccp_sort_merge *m, struct ccp_err *err)
{
	if (step(m, &m->cursors[m->losers[0]], err) != 0)
		return -1;
	replay(m);
	return 0;
}

int ccp_sort_merge_next(struct ccp_sort_merge *m, const uint8_t **line, size_t *len, struct ccp_err *err)
{
	const struct ccp_sort_order *order = m->runs->order;
	const struct cursor *c;

	if (m->count == 0)
		return 0;
	if ((m->begun ? advance(m, err) : begin(m, err)) != 0)
		return -1;
	for (;;) {
		c = &m->cursors[m->losers[0]];
		if (c->over)
			return 0;
		if (!m->any || ccp_sort_compare(order, m->last, m->last_len, c->line, c->len) != 0)
			break;
		if (advance(m, err) != 0)
			return -1;
	}
	if (order->unique && keep(m, c->line, c->len, err) != 0)
		return -1;
	*line = c->line;
	*len = c->len + 1;
	return 1;
}

/* ---- life ---- */

int ccp_sort_merge_open(struct ccp_sort_merge **merge, const struct ccp_sort_runs *runs, const size_t *from,
			const size_t *to, struct ccp_sort_level level, struct ccp_err *err)
{
	struct ccp_sort_merge *m = calloc(1, sizeof *m);

	if (m != NULL) {
		m->runs = runs;
		m->level = level;
		m->cursors = calloc(runs->count + 1, sizeof *m->cursors);
		m->losers = calloc(runs->count + 1, sizeof *m->losers);
	}
	if (m == NULL || m->cursors == NULL || m->losers == NULL)
		goto failed;
	for (size_t i = 0; i < runs->count; i++) {
		struct cursor *c = &m->cursors[m->count];
		size_t begins = from != NULL ? from[i] : 0, ends = to != NULL ? to[i] : runs->runs[i].len;

		if (begins >= ends) /* the order of the others stays */
			continue;
		c->run = &runs->runs[i];
		m->count++;
		if (c->run->data != NULL) {
			c->next = c->run->data + begins;
			c->end = c->run->data + ends;
			continue;
		}
		c->from = begins;
		c->to = ends;
		c->room = runs->buffer_bytes + KEPT_BYTES;
		c->buffer = malloc(c->room);
		if (c->buffer == NULL)
			goto failed;
		c->next = c->end = c->buffer;
	}
	*merge = m;
	return 0;
failed:
	ccp_sort_merge_close(m);
	return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory to merge %zu runs", runs->count);
}

void ccp_sort_merge_close(struct ccp_sort_merge *m)
{
	if (m == NULL)
		return;
	for (size_t i = 0; m->cursors != NULL && i < m->count; i++)
		free(m->cursors[i].buffer);
	free(m->cursors);
	free(m->losers);
	free(m->last);
	ccp_spill_reader_free(&m->reader);
	free(m);
}
