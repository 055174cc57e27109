/*
 * gzip_ahead.c: see gzip_ahead.h.
 *
 * A guess that meets an error at once was a wrong one: the search goes on behind it, a few times. A member's end is
 * followed only if its trailer and the next header are whole in the piece; what is odd there is left to whoever decodes
 * in order, and so is every error.
 */
#include "pipeline/codec/gzip_ahead.h"

#include "pipeline/codec/gzip_header.h"

#define TRIES 4
#define SEARCH_BYTES ((size_t)256 << 10) /* a file whose blocks are longer than that is decoded in order */
#define GOOD_BYTES 4096u                 /* a guess that decoded so much is not given up for another */
#define CALL_BYTES ((size_t)64 << 10)    /* bytes decoded between two looks at `called` */

/*
 * Room for patches: JSON has 0.8 markers for each byte of output, other text 0.2 to 0.5, and `out` is more than twice
 * as large as most pieces need. A group never crosses the end of a block, so that there are more than one for 64 bytes.
 */
#define GROUP_BYTES 64u

static size_t groups_of(size_t out_bytes)
{
	return out_bytes / GROUP_BYTES * 4 / 3 + 1024;
}

static size_t values_of(size_t out_bytes)
{
	return out_bytes / 2;
}

size_t ccp_ahead_bytes(size_t out_bytes)
{
	return sizeof(struct ccp_ahead) + groups_of(out_bytes) * sizeof(struct ccp_patch_group) +
	       values_of(out_bytes) * sizeof(uint16_t);
}

static struct ccp_patch_group *groups(struct ccp_ahead *ahead)
{
	return (struct ccp_patch_group *)(void *)(ahead + 1);
}

static uint16_t *values(struct ccp_ahead *ahead)
{
	return (uint16_t *)(void *)(groups(ahead) + ahead->groups_cap);
}

void ccp_ahead_begin(struct ccp_ahead *ahead, size_t out_bytes)
{
	ahead->searched = false;
	ahead->start.place = CCP_PLACE_NONE;
	ahead->groups_cap = groups_of(out_bytes);
	ahead->values_cap = values_of(out_bytes);
}

/* What one run works on. */
struct run {
	struct ccp_ahead *ahead;
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_cap;
	bool (*called)(void *arg);
	void *arg;
};

/* Bytes of the member's header at `at`, or 0 if it is none or not whole in the piece. */
static size_t header_bytes(const struct run *r, size_t at)
{
	struct ccp_gzip_header header = { 0 };
	struct ccp_err err;
	size_t used;

	ccp_err_clear(&err);
	return ccp_gzip_header_read(&header, r->in + at, r->in_len - at, 0, &used, &err) == 1 ? used : 0;
}

/*
 * A member's bytes have ended before byte `at`. Makes a note of it and begins the next one. False: it stops here.
 */
static bool next_member(struct run *r, size_t at)
{
	struct ccp_ahead *a = r->ahead;
	size_t used;

	a->in_used = at;
	a->in_trailer = true;
	if (a->member_count == CCP_AHEAD_MEMBERS || r->in_len - at < CCP_GZIP_TRAILER_BYTES + 2)
		return false;
	used = header_bytes(r, at + CCP_GZIP_TRAILER_BYTES);
	if (used == 0)
		return false;
	a->member[a->member_count++] = (struct ccp_ahead_member){
		.out_end = a->out_len,
		.trailer = at,
		.crc = ccp_le32(r->in + at),
		.length = ccp_le32(r->in + at + 4),
	};
	a->in_used = at + CCP_GZIP_TRAILER_BYTES + used;
	a->in_trailer = false;
	a->last_out = a->out_len;
	a->alone = false;
	ccp_inflate_start(&a->last);
	return true;
}

/* A member has an error: what was decoded of it is forgotten, so that the error is found in order. */
static void unread_member(struct run *r)
{
	struct ccp_ahead *a = r->ahead;

	if (a->member_count == 0) { /* it began with this one */
		a->start.place = CCP_PLACE_NONE;
		return;
	}
	a->member_count--;
	a->out_len = a->member[a->member_count].out_end;
	a->in_used = a->member[a->member_count].trailer;
	a->in_trailer = true;
}

/* Decodes whole members and the beginning of another: nothing is unknown in them. */
static void decode_members(struct run *r)
{
	struct ccp_ahead *a = r->ahead;

	while (a->out_len < r->out_cap && !r->called(r->arg)) {
		size_t room = r->out_cap - a->out_len;
		struct ccp_inflate_io io = {
			.in = r->in + a->in_used,
			.in_len = r->in_len - a->in_used,
			.out = r->out + a->out_len,
			.out_len = room < CALL_BYTES ? room : CALL_BYTES,
			.before_out = a->out_len - a->last_out,
		};
		size_t asked = io.out_len;
		enum ccp_inflate_status status = ccp_inflate_step(&a->last, &io);

		a->out_len += asked - io.out_len;
		a->in_used = r->in_len - io.in_len;
		if (status == CCP_INFLATE_OUTPUT)
			continue;
		if (status == CCP_INFLATE_ERROR)
			unread_member(r);
		if (status != CCP_INFLATE_END || !next_member(r, a->in_used - io.held_len))
			return;
	}
}

/* Decodes from the candidate. False: it was wrong, or not worth it. */
static bool follow(struct run *r, struct ccp_guess_work *work)
{
	struct ccp_ahead *a = r->ahead;

	a->member_count = 0;
	a->in_trailer = false;
	a->out_len = a->last_out = 0;
	a->alone = a->start.place == CCP_PLACE_BLOCK;
	ccp_guess_begin(&a->guess, r->out_cap, a->groups_cap, a->values_cap);
	if (a->start.place == CCP_PLACE_MEMBER) {
		size_t at = (size_t)(a->start.boundary.bit / 8), used = header_bytes(r, at);

		if (used == 0)
			return false;
		ccp_inflate_start(&a->last);
		a->in_used = at + used;
		decode_members(r);
		return true;
	}

	uint64_t bit = a->start.boundary.bit;
	enum ccp_guess_status status;

	if (a->start.boundary.stored) /* the header is right before LEN: padding of any length is the same to us */
		bit -= 3;
	status = ccp_guess_run(work, &a->guess, r->in, r->in_len, bit, r->out, groups(a), values(a), r->called, r->arg);
	a->out_len = a->guess.out_len;
	a->in_used = (size_t)(bit / 8) + a->guess.in_used;
	if (status == CCP_GUESS_ERROR && a->out_len < GOOD_BYTES)
		return false;
	if (status == CCP_GUESS_END && next_member(r, a->in_used))
		decode_members(r);
	return true;
}

void ccp_ahead_run(struct ccp_ahead *ahead, struct ccp_guess_work *work, const uint8_t *in, size_t in_len, uint8_t *out,
		   size_t out_cap, bool (*called)(void *arg), void *arg)
{
	struct run r = { ahead, in, in_len, out, out_cap, called, arg };
	uint64_t until = 8 * (uint64_t)(in_len < SEARCH_BYTES ? in_len : SEARCH_BYTES), from = 0;

	for (int i = 0; i < TRIES && !called(arg); i++) {
		ahead->start = ccp_inflate_find(in, in_len, from, until);
		ahead->searched = true;
		if (ahead->start.place == CCP_PLACE_NONE || follow(&r, work))
			return;
		from = ahead->start.boundary.bit + 1;
	}
	ahead->start.place = CCP_PLACE_NONE;
}

bool ccp_ahead_fits(const struct ccp_ahead *ahead, size_t window_len)
{
	return ahead->guess.reach <= window_len;
}

void ccp_ahead_settle(struct ccp_ahead *ahead, uint8_t *out, const uint8_t *window, size_t window_len)
{
	if (ahead->start.place == CCP_PLACE_BLOCK)
		ccp_guess_patch(&ahead->guess, out, groups(ahead), values(ahead), window, window_len);
}

const struct ccp_inflate *ccp_ahead_state(const struct ccp_ahead *ahead)
{
	return ahead->alone ? &ahead->guess.after : &ahead->last;
}
