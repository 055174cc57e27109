/*
 * find_help.h: what the tests of the search for blocks share.
 */
#ifndef CCP_TESTS_UNIT_FIND_HELP_H
#define CCP_TESTS_UNIT_FIND_HELP_H

#include "tests/unit/codec_help.h"

#include "pipeline/codec/inflate_find.h"

/* The start of a gzip member, without its optional fields. */
#define GZ(flags) "\x1f\x8b\x08" flags "\0\0\0\0\0\3"

static inline int judge(const uint8_t *data, size_t len, uint64_t bit, struct ccp_inflate_head *head)
{
	const char *wrong;

	return ccp_inflate_read_head(data, len, bit, head, NULL, &wrong);
}

/* Raw deflate; a flush after every so many bytes, about, if `step` is not 0. */
static inline struct bytes make_raw(struct bytes plain, int level, int mem_level, int strategy, int flush, size_t step)
{
	z_stream z = { .next_in = plain.data };
	struct bytes raw = { help_alloc(1), 0, 1 };
	uint8_t room[4096];
	uint64_t seed = 77;
	int status;

	cr_assert_eq(deflateInit2(&z, level, Z_DEFLATED, -15, mem_level, strategy), Z_OK);
	do {
		size_t left = plain.len - (size_t)(z.next_in - plain.data);
		size_t piece = step ? 1 + help_random(&seed) % step : left;

		z.avail_in = (uInt)(piece < left ? piece : left);
		do {
			z.next_out = room;
			z.avail_out = sizeof room;
			status = deflate(&z, piece < left ? flush : Z_FINISH);
			help_append(&raw, room, sizeof room - z.avail_out);
		} while (z.avail_out == 0);
	} while (status != Z_STREAM_END);
	deflateEnd(&z);
	return raw;
}

#endif
