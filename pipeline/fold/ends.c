/*
 * ends.c: the beginning or the end of a stream.
 *
 * What may be among the last lines is kept in a list of pieces, each of which knows how many ends of lines it has; the
 * oldest leaves as soon as those behind it have one end more than lines are wanted: the last lines begin behind that
 * one. Of a large portion only what comes after that many ends is kept, for which it is searched from its own end.
 */
#include "pipeline/fold/ends.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_BYTES ((size_t)64 << 10)

struct ccp_ends_piece {
	struct ccp_ends_piece *next;
	size_t len, room;
	uint64_t lines; /* ends of them */
	uint8_t data[];
};

static bool is_held(const struct ccp_ends *ends)
{
	return ends->want.kind == CCP_ENDS_LAST || ends->want.kind == CCP_ENDS_BUT_LAST;
}

static void give(const struct ccp_ends_taker *taker, const uint8_t *data, size_t len)
{
	if (len > 0)
		taker->take(taker->arg, data, len);
}

/* ---- the first ones ------------------------------------------------------------------------------ */

/* How many of these bytes belong to the first ones. */
static size_t first_of(struct ccp_ends *ends, const uint8_t *data, size_t len)
{
	const struct ccp_ends_want *want = &ends->want;
	size_t at = 0;

	if (want->bytes) {
		at = len < want->count - ends->passed ? len : (size_t)(want->count - ends->passed);
		ends->passed += at;
		return at;
	}
	while (ends->passed < want->count && at < len) {
		const uint8_t *found = memchr(data + at, want->end, len - at);

		if (found == NULL)
			return len;
		ends->passed++;
		at = (size_t)(found - data) + 1;
	}
	return at;
}

/* ---- the last ones ------------------------------------------------------------------------------- */

/* Room for more at the end of the list. */
static struct ccp_ends_piece *piece_for(struct ccp_ends *ends, size_t len, struct ccp_err *err)
{
	struct ccp_ends_piece *piece = ends->newest;

	if (piece != NULL && piece->room - piece->len >= len)
		return piece;
	if (ends->spare != NULL && ends->spare->room >= len) {
		piece = ends->spare;
		ends->spare = NULL;
	} else {
		size_t room = len > PIECE_BYTES ? len : PIECE_BYTES;

		piece = malloc(sizeof *piece + room);
		if (piece == NULL) {
			ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the last lines");
			return NULL;
		}
		piece->room = room;
	}
	piece->next = NULL;
	piece->len = 0;
	piece->lines = 0;
	*(ends->newest != NULL ? &ends->newest->next : &ends->oldest) = piece;
	ends->newest = piece;
	return piece;
}

/* The oldest piece leaves: what is not among the last is printed, or nobody wants it. */
static void leave(struct ccp_ends *ends, const struct ccp_ends_taker *taker)
{
	struct ccp_ends_piece *piece = ends->oldest;

	ends->oldest = piece->next;
	if (ends->oldest == NULL)
		ends->newest = NULL;
	ends->held -= ends->want.bytes ? piece->len : piece->lines;
	if (ends->want.kind == CCP_ENDS_BUT_LAST)
		give(taker, piece->data, piece->len);
	free(ends->spare);
	ends->spare = piece;
}

/* Where what may be among the last begins in a portion; `lines` are the ends that come after, if these count. */
static size_t last_of(const struct ccp_ends *ends, const uint8_t *data, size_t len, uint64_t *lines)
{
	const struct ccp_ends_want *want = &ends->want;
	size_t at = len;

	*lines = 0;
	if (want->bytes)
		return len > want->count ? len - (size_t)want->count : 0;
	for (;;) {
		const uint8_t *found = at > 0 ? memrchr(data, want->end, at) : NULL;

		if (found == NULL)
			return 0;
		at = (size_t)(found - data);
		if (*lines == want->count)
			return at + 1;
		++*lines;
	}
}

static int hold(struct ccp_ends *ends, const uint8_t *data, size_t len, const struct ccp_ends_taker *taker,
		struct ccp_err *err)
{
	const struct ccp_ends_want *want = &ends->want;
	struct ccp_ends_piece *piece;
	uint64_t lines, spare = want->bytes ? 0 : 1; /* an end too many shows where the first of the lines begins */
	size_t from = last_of(ends, data, len, &lines);

	if (want->count == 0)
		from = len;
	if (from > 0) {
		while (ends->oldest != NULL)
			leave(ends, taker);
		if (want->kind == CCP_ENDS_BUT_LAST)
			give(taker, data, from);
	}
	if (from == len)
		return 0;
	piece = piece_for(ends, len - from, err);
	if (piece == NULL)
		return -1;
	memcpy(piece->data + piece->len, data + from, len - from);
	piece->len += len - from;
	piece->lines += lines;
	ends->held += want->bytes ? len - from : lines;
	while (ends->oldest != ends->newest &&
	       ends->held - (want->bytes ? ends->oldest->len : ends->oldest->lines) >= want->count + spare)
		leave(ends, taker);
	return 0;
}

/* How many of the ends of lines, or of the bytes, that are held come before the last ones. */
static uint64_t before_last(const struct ccp_ends *ends)
{
	const struct ccp_ends_piece *newest = ends->newest;
	uint64_t held = ends->held;

	if (!ends->want.bytes && newest != NULL && newest->data[newest->len - 1] != (uint8_t)ends->want.end)
		held++; /* a line without an end */
	return held > ends->want.count ? held - ends->want.count : 0;
}

/* How many bytes of a piece belong to these; `before` becomes how many are left for those behind it. */
static size_t cut_of(const struct ccp_ends *ends, const struct ccp_ends_piece *piece, uint64_t *before)
{
	size_t at = 0;

	if (ends->want.bytes) {
		at = *before < piece->len ? (size_t)*before : piece->len;
		*before -= at;
		return at;
	}
	if (*before > piece->lines) {
		*before -= piece->lines;
		return piece->len;
	}
	for (; *before > 0; --*before) {
		const uint8_t *found = memchr(piece->data + at, ends->want.end, piece->len - at);

		at = (size_t)(found - piece->data) + 1;
	}
	return at;
}

/* ---- streams ------------------------------------------------------------------------------------- */

int ccp_ends_feed(struct ccp_ends *ends, const uint8_t *data, size_t len, const struct ccp_ends_taker *taker,
		  size_t *used, struct ccp_err *err)
{
	size_t first;

	*used = len;
	if (len == 0)
		return 0;
	if (is_held(ends))
		return hold(ends, data, len, taker, err);
	first = ends->passed < ends->want.count ? first_of(ends, data, len) : 0;
	if (ends->want.kind == CCP_ENDS_PAST) {
		give(taker, data + first, len - first);
		return 0;
	}
	give(taker, data, first);
	*used = first;
	return ends->passed >= ends->want.count;
}

bool ccp_ends_is_nothing(const struct ccp_ends_want *want)
{
	return want->count == 0 && (want->kind == CCP_ENDS_FIRST || want->kind == CCP_ENDS_LAST);
}

void ccp_ends_finish(struct ccp_ends *ends, const struct ccp_ends_taker *taker)
{
	uint64_t before = before_last(ends);
	bool last = ends->want.kind == CCP_ENDS_LAST;

	for (struct ccp_ends_piece *piece = ends->oldest; piece != NULL; piece = piece->next) {
		size_t cut = cut_of(ends, piece, &before);

		if (last)
			give(taker, piece->data + cut, piece->len - cut);
		else
			give(taker, piece->data, cut);
	}
	ccp_ends_release(ends);
}

void ccp_ends_release(struct ccp_ends *ends)
{
	while (ends->oldest != NULL) {
		struct ccp_ends_piece *piece = ends->oldest;

		ends->oldest = piece->next;
		free(piece);
	}
	free(ends->spare);
	*ends = (struct ccp_ends){ .want = ends->want };
}
