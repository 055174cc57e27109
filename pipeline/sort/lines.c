/*
 * lines.c: multikey quicksort over eight bytes at a time.
 *
 * Lines are sorted by a number made of the first eight bytes of what is compared. Many are first dealt out to heaps by
 * eight of its bits, in place, as often as it takes to have small ones: no branch of that has to be guessed. Of those
 * that are equal in it, the ones that end there are sorted by their length, and the others by their next eight bytes;
 * so the text itself is looked at once for every eight bytes, and not in each comparison. When all of a key is equal
 * the same is done with the next one, and at last with the whole line. Few lines, long numbers, and data made to be
 * slow are left to comparisons. Last, the lines are copied in their order.
 */
#include "pipeline/sort/lines.h"

#include <stdlib.h>
#include <string.h>

#define FEW 12
#define AHEAD 8 /* lines that are asked of the memory before they are copied */
#define MANY 256 /* from here on lines are dealt out to heaps */

struct sorting {
	const struct ccp_sort_order *order;
	const uint8_t *data;
};

int ccp_sort_lines_init(struct ccp_sort_lines *lines, const struct ccp_sort_order *order, size_t cap,
			struct ccp_err *err)
{
	*lines = (struct ccp_sort_lines){ .order = order, .cap = cap };
	lines->lines = calloc(cap, sizeof *lines->lines);
	if (lines->lines == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory to sort %zu lines", cap);
	return 0;
}

void ccp_sort_lines_release(struct ccp_sort_lines *lines)
{
	free(lines->lines);
	*lines = (struct ccp_sort_lines){ 0 };
}

/* ---- comparing ---- */

static int compare_lines(const struct sorting *s, const struct ccp_sort_line *a, const struct ccp_sort_line *b)
{
	int diff = ccp_sort_compare(s->order, s->data + a->at, a->len, s->data + b->at, b->len);

	return diff != 0 ? diff : (a->at > b->at) - (a->at < b->at);
}

static int compare_any(const void *a, const void *b, void *arg)
{
	return compare_lines(arg, a, b);
}

/* Whether a comes before b. Of whole lines the first `depth` bytes are known to be equal, if there are no keys. */
static bool is_before(const struct sorting *s, const struct ccp_sort_line *a, const struct ccp_sort_line *b,
		      size_t depth)
{
	size_t len;
	int diff;

	if (a->prefix != b->prefix)
		return a->prefix < b->prefix;
	if (s->order->key_count > 0)
		return compare_lines(s, a, b) < 0;
	len = a->len < b->len ? a->len : b->len;
	diff = depth < len ? memcmp(s->data + a->at + depth, s->data + b->at + depth, len - depth) : 0;
	if (diff == 0)
		diff = (a->len > b->len) - (a->len < b->len);
	return s->order->manner.reverse ? diff > 0 : diff < 0;
}

static void sort_few(const struct sorting *s, struct ccp_sort_line *lines, size_t n, size_t depth)
{
	for (size_t i = 1; i < n; i++) {
		struct ccp_sort_line line = lines[i];
		size_t at = i;

		for (; at > 0 && is_before(s, &line, &lines[at - 1], depth); at--)
			lines[at] = lines[at - 1];
		lines[at] = line;
	}
}

/* ---- equal prefixes ---- */

/* Lines that are equal so far; their prefixes are what comes next. */
struct group {
	struct ccp_sort_line *lines;
	size_t n;
	size_t key, depth;   /* as in ccp_sort_level */
	bool ends;           /* the prefixes tell how much is left of the key, or which line came first */
};

static void sort_group(const struct sorting *s, struct group group, int luck);

/* What the group is compared by, of one line. */
static size_t text_of(const struct sorting *s, const struct ccp_sort_line *line, size_t key, const uint8_t **text)
{
	*text = s->data + line->at;
	if (key == s->order->key_count)
		return line->len;
	return ccp_sort_key_find(s->order, &s->order->keys[key], s->data + line->at, line->len, text);
}

/* All of the key is equal: the group goes on with the next one. */
static void next_key(const struct sorting *s, struct group *g)
{
	if (g->key == s->order->key_count) { /* there is none */
		g->n = 0;
		return;
	}
	g->key++;
	g->depth = 0;
	g->ends = g->key == s->order->key_count && (s->order->stable || s->order->unique);
	for (size_t i = 0; i < g->n; i++) {
		struct ccp_sort_line *line = &g->lines[i];

		line->prefix = g->ends ? line->at : ccp_sort_prefix(s->order, s->data + line->at, line->len,
								    (struct ccp_sort_level){ .key = g->key });
	}
}

/* The lines have the same number, or nearly. */
static void after_number(const struct sorting *s, struct group *g)
{
	const uint8_t *text;
	bool exact = true;

	for (size_t i = 0; i < g->n && exact; i++) {
		size_t len = text_of(s, &g->lines[i], g->key, &text);

		ccp_sort_number(text, len, &exact);
	}
	if (exact) {
		next_key(s, g);
		return;
	}
	qsort_r(g->lines, g->n, sizeof *g->lines, compare_any, (void *)(uintptr_t)s);
	g->n = 0;
}

/*
 * The lines of a group are equal in eight bytes behind `depth`: those that end there are sorted, and what is left is
 * the group to go on with.
 */
static void after_text(const struct sorting *s, struct group *g, int luck)
{
	bool is_key = g->key < s->order->key_count;
	const struct ccp_sort_manner *manner = is_key ? &s->order->keys[g->key].manner : &s->order->manner;
	size_t ended = 0, shortest = 8, longest = 0;
	struct group ends = *g;

	/* those that end go to the front, in a reverse order to the back; their prefix is what is left of them */
	for (size_t i = 0; i < g->n; i++) {
		size_t k = manner->reverse ? g->n - 1 - i : i, to;
		struct ccp_sort_line line = g->lines[k];
		const uint8_t *text;
		size_t len = text_of(s, &line, g->key, &text), left = len > g->depth ? len - g->depth : 0;

		if (left > 8) {
			g->lines[k].prefix = ccp_sort_load(text + g->depth + 8, left - 8, is_key && manner->fold);
			if (manner->reverse)
				g->lines[k].prefix = ~g->lines[k].prefix;
			continue;
		}
		line.prefix = manner->reverse ? ~(uint64_t)left : left;
		shortest = left < shortest ? left : shortest;
		longest = left > longest ? left : longest;
		to = manner->reverse ? g->n - 1 - ended : ended;
		g->lines[k] = g->lines[to];
		g->lines[to] = line;
		ended++;
	}
	ends.ends = true;
	ends.n = ended;
	if (manner->reverse)
		ends.lines += g->n - ended;
	else
		g->lines += ended;
	g->n -= ended;
	g->depth += 8;
	if (g->n == 0 && shortest == longest) { /* all the same */
		*g = ends;
		next_key(s, g);
	} else if (ended > 1) {
		sort_group(s, ends, luck);
	}
}

/* ---- sorting ---- */

static uint64_t middle(uint64_t a, uint64_t b, uint64_t c)
{
	return a < b ? b < c ? b : a < c ? c : a : a < c ? a : b < c ? c : b;
}

static uint64_t pivot_of(const struct ccp_sort_line *l, size_t n)
{
	size_t step = n / 8;

	if (n < 64)
		return middle(l[0].prefix, l[n / 2].prefix, l[n - 1].prefix);
	return middle(middle(l[0].prefix, l[step].prefix, l[2 * step].prefix),
		      middle(l[3 * step].prefix, l[4 * step].prefix, l[5 * step].prefix),
		      middle(l[6 * step].prefix, l[7 * step].prefix, l[n - 1].prefix));
}

/* Less, equal and greater: how many are less, and how many not greater. */
static void partition(struct ccp_sort_line *lines, size_t n, uint64_t pivot, size_t *less, size_t *equal)
{
	size_t lower = 0, at = 0, upper = n;

	while (at < upper) {
		struct ccp_sort_line line = lines[at];

		if (line.prefix < pivot) {
			lines[at++] = lines[lower];
			lines[lower++] = line;
		} else if (line.prefix > pivot) {
			lines[at] = lines[--upper];
			lines[upper] = line;
		} else {
			at++;
		}
	}
	*less = lower;
	*equal = upper;
}

#define HEAPS 256u

/*
 * Deals lines out to heaps by the eight highest bits in which their prefixes differ, in place: ends[] are where the
 * heaps end. Returns false if all prefixes are the same.
 */
static bool deal(struct ccp_sort_line *lines, size_t n, uint32_t ends[HEAPS])
{
	uint64_t differ = 0;
	uint32_t at[HEAPS] = { 0 }, sum = 0;
	unsigned shift;

	for (size_t i = 1; i < n; i++)
		differ |= lines[i].prefix ^ lines[0].prefix;
	if (differ == 0)
		return false;
	shift = 63 - (unsigned)__builtin_clzll(differ);
	shift = shift < 7 ? 0 : shift - 7;
	for (size_t i = 0; i < n; i++)
		at[lines[i].prefix >> shift & (HEAPS - 1)]++;
	for (unsigned heap = 0; heap < HEAPS; heap++) {
		uint32_t count = at[heap];

		at[heap] = sum;
		ends[heap] = sum += count;
	}
	for (unsigned heap = 0; heap < HEAPS; heap++)
		while (at[heap] < ends[heap]) {
			struct ccp_sort_line line = lines[at[heap]];

			for (unsigned to; to = line.prefix >> shift & (HEAPS - 1), to != heap;) {
				struct ccp_sort_line other = lines[at[to]];

				lines[at[to]++] = line;
				line = other;
			}
			lines[at[heap]++] = line;
		}
	return true;
}

/* Sorts all heaps but the largest, so that calls never nest deep; that one is left in the group. */
static void sort_heaps(const struct sorting *s, struct group *g, const uint32_t ends[HEAPS], int luck)
{
	struct group heap = *g, largest = *g;

	largest.n = 0;
	for (unsigned i = 0; i < HEAPS; i++) {
		heap.lines = g->lines + (i > 0 ? ends[i - 1] : 0);
		heap.n = (size_t)(g->lines + ends[i] - heap.lines);
		if (heap.n > largest.n) {
			struct group smaller = largest;

			largest = heap;
			heap = smaller;
		}
		if (heap.n > 1)
			sort_group(s, heap, luck);
	}
	*g = largest;
}

/* The lines of the group have the same prefix: what is left to be sorted is by the next. */
static void after_prefix(const struct sorting *s, struct group *g, int luck)
{
	if (g->ends)
		next_key(s, g);
	else if (g->key < s->order->key_count && s->order->keys[g->key].manner.numeric)
		after_number(s, g);
	else
		after_text(s, g, luck);
}

/* `luck`: how many more times a part may be much larger than the other. */
static void sort_group(const struct sorting *s, struct group g, int luck)
{
	uint32_t ends[HEAPS];
	size_t less, equal;

	while (g.n > 1) {
		struct group other = g;

		if (g.n <= FEW) {
			sort_few(s, g.lines, g.n, g.ends ? 0 : g.depth);
			return;
		}
		if (g.n >= MANY) {
			if (deal(g.lines, g.n, ends))
				sort_heaps(s, &g, ends, luck);
			else
				after_prefix(s, &g, luck);
			continue;
		}
		if (luck == 0) {
			qsort_r(g.lines, g.n, sizeof *g.lines, compare_any, (void *)(uintptr_t)s);
			return;
		}
		partition(g.lines, g.n, pivot_of(g.lines, g.n), &less, &equal);
		if (less > g.n - g.n / 8 || g.n - equal > g.n - g.n / 8)
			luck--;
		other.n = less;
		sort_group(s, other, luck);
		other.lines += equal;
		other.n = g.n - equal;
		sort_group(s, other, luck);
		g.lines += less;
		g.n = equal - less;
		if (g.n > 1)
			after_prefix(s, &g, luck);
	}
}

/* ---- from lines to lines ---- */

/* Finds lines, as many as there is room for. Returns how many bytes they are; `sorted`: they are in order already. */
static size_t find_lines(struct ccp_sort_lines *lines, const uint8_t *data, size_t len, size_t room, bool *sorted)
{
	const struct sorting s = { lines->order, data };
	size_t at = 0;

	lines->count = 0;
	*sorted = true;
	while (at < len && lines->count < lines->cap) {
		const uint8_t *end = memchr(data + at, lines->order->end, len - at);
		struct ccp_sort_line *line = &lines->lines[lines->count];
		size_t line_len = (end != NULL ? (size_t)(end - data) : len) - at;

		if (at + line_len + 1 > room || at + line_len >= UINT32_MAX)
			break;
		line->at = (uint32_t)at;
		line->len = (uint32_t)line_len;
		line->prefix = ccp_sort_prefix(lines->order, data + at, line_len, (struct ccp_sort_level){ 0 });
		if (*sorted && lines->count > 0)
			*sorted = !is_before(&s, line, line - 1, 0);
		lines->count++;
		at += line_len + 1;
	}
	return at;
}

/* Copies lines in their order, of equal ones the first if only that is wanted. */
static void copy_lines(const struct ccp_sort_lines *lines, const uint8_t *data, struct ccp_buf *out)
{
	const struct ccp_sort_order *order = lines->order;
	const struct ccp_sort_line *last = NULL;
	uint8_t *to = out->data + out->len;

	for (size_t i = 0; i < lines->count; i++) {
		const struct ccp_sort_line *line = &lines->lines[i];

		if (i + AHEAD < lines->count)
			__builtin_prefetch(data + lines->lines[i + AHEAD].at);
		if (order->unique && last != NULL &&
		    ccp_sort_compare(order, data + last->at, last->len, data + line->at, line->len) == 0)
			continue;
		memcpy(to, data + line->at, line->len);
		to += line->len;
		*to++ = (uint8_t)order->end;
		last = line;
	}
	out->len = (size_t)(to - out->data);
}

size_t ccp_sort_lines(struct ccp_sort_lines *lines, const uint8_t *data, size_t len, struct ccp_buf *out)
{
	const struct sorting s = { lines->order, data };
	bool sorted;
	size_t used = find_lines(lines, data, len, ccp_buf_room(out), &sorted);
	int luck = 2;

	for (size_t n = lines->count; n > 0; n /= 2)
		luck += 2;
	if (!sorted)
		sort_group(&s, (struct group){ .lines = lines->lines, .n = lines->count }, luck);
	copy_lines(lines, data, out);
	return used < len ? used : len;
}
