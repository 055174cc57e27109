/*
 * fuzz_find.c: the search for blocks in any bytes. What is found lies where it was asked for and is what it is said to
 * be; what lies before it is nothing, by the decoder's own judge at every bit; nothing outside of the data is read.
 *
 * The first four bytes say where to search, in bits: two numbers of 16.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/codec/inflate_find.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check(bool right)
{
	if (!right)
		abort();
}

static bool is_dynamic(const uint8_t *data, size_t len, uint64_t bit)
{
	struct ccp_inflate_head head;
	const char *wrong;

	return ccp_inflate_read_head(data, len, bit, &head, NULL, &wrong) == 1 && head.type == CCP_BLOCK_DYNAMIC &&
	       !head.final;
}

/* Whether LEN of a stored block is at byte `at`, by what is in front of it and behind. */
static bool is_stored(const uint8_t *data, size_t len, size_t at)
{
	struct ccp_inflate_head head;
	const char *wrong;

	if (at == 0 || ccp_inflate_read_head(data, len, (uint64_t)at * 8 - 3, &head, NULL, &wrong) != 1 ||
	    head.type != CCP_BLOCK_STORED || head.final)
		return false;
	at += 4 + head.stored_len;
	return at > len || ccp_inflate_read_head(data, len, (uint64_t)at * 8, &head, NULL, &wrong) >= 0;
}

static bool is_magic(const uint8_t *data, size_t len, size_t at)
{
	return len - at >= 11 && data[at] == 0x1f && data[at + 1] == 0x8b && data[at + 2] == 8 && data[at + 3] < 0x20;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ccp_inflate_found found;
	uint64_t from, until, end;
	uint8_t *exact;

	if (len < 4)
		return 0;
	from = data[0] | (unsigned)data[1] << 8;
	until = data[2] | (unsigned)data[3] << 8;
	if (until == 0xffff)
		until = UINT64_MAX;
	len -= 4;
	exact = malloc(len ? len : 1); /* so that a sanitizer sees reads behind the end */
	check(exact != NULL);
	memcpy(exact, data + 4, len);
	found = ccp_inflate_find(exact, len, from, until);
	end = until < (uint64_t)len * 8 ? until : (uint64_t)len * 8;
	if (found.place != CCP_PLACE_NONE) {
		size_t at = (size_t)(found.boundary.bit / 8);

		check(found.boundary.bit >= from && found.boundary.bit < end);
		check(found.place == CCP_PLACE_BLOCK || (found.boundary.bit % 8 == 0 && is_magic(exact, len, at)));
		if (found.place == CCP_PLACE_BLOCK && found.boundary.stored)
			check(found.boundary.bit % 8 == 0 && is_stored(exact, len, at));
		else if (found.place == CCP_PLACE_BLOCK)
			check(is_dynamic(exact, len, found.boundary.bit));
		end = found.boundary.bit;
	}
	for (uint64_t bit = from; bit < end; bit++)
		check(!is_dynamic(exact, len, bit) && (bit % 8 || !is_stored(exact, len, (size_t)(bit / 8))));
	free(exact);
	return 0;
}
