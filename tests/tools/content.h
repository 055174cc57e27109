/*
 * content.h: bytes to compress, of several kinds; the same ones for the same seed, whatever the compiler.
 */
#ifndef CCP_TESTS_TOOLS_CONTENT_H
#define CCP_TESTS_TOOLS_CONTENT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW 32768u

struct bytes {
	uint8_t *data;
	size_t len, cap;
};

static inline uint8_t *reserve(struct bytes *b, size_t n)
{
	if (b->len + n > b->cap) {
		b->cap = 2 * (b->len + n) + 256;
		b->data = realloc(b->data, b->cap);
		if (!b->data)
			exit(1);
	}
	return b->data + b->len;
}

static inline void add(struct bytes *b, const void *data, size_t n)
{
	memcpy(reserve(b, n), data, n);
	b->len += n;
}

static inline uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed * UINT64_C(0x2545f4914f6cdd1d);
}

/* 0 to n - 1. */
static inline unsigned below(uint64_t *seed, unsigned n)
{
	return (unsigned)((next(seed) >> 32) * n >> 32);
}

/* --- content: each call adds a little ----------------------------------------------------------------------------- */

static inline void add_text(struct bytes *b, uint64_t *seed)
{
	static const char syllables[16][4] = { "ba", "ne", "ti", "ro", "su", "la", "men", "dor",
					       "ci", "ve", "per", "ga", "hu", "lin", "mo", "ze" };
	unsigned words = 4 + below(seed, 12);

	/* Short words are common ones: the number of a word is a product of two. */
	for (unsigned i = 0; i < words; i++) {
		unsigned word = below(seed, 64) * below(seed, 64);

		do
			add(b, syllables[word & 15], strlen(syllables[word & 15]));
		while ((word >>= 4) > 0);
		add(b, i + 1 < words ? " " : below(seed, 5) ? ". " : ".\n", i + 1 < words ? 1 : 2);
	}
}

static inline void add_json(struct bytes *b, uint64_t *seed)
{
	static const char *const levels[4] = { "info", "debug", "warning", "error" };
	char line[256];
	uint64_t r = next(seed), id = next(seed); /* not in the call: there the order is the compiler's */
	unsigned time = (unsigned)(r & 0xffffff), user = (unsigned)(r >> 24 & 4095), item = r >> 36 & 0xffff;
	int n = snprintf(line, sizeof line,
			 "{\"time\":\"2024-03-%02uT%02u:%02u:%02u.%03uZ\",\"level\":\"%s\",\"user\":%u,\"path\":"
			 "\"/api/v1/items/%u\",\"status\":%u,\"ms\":%u.%02u,\"id\":\"%016llx\"}\n",
			 1 + time % 31, time % 24, time % 60, time / 64 % 60, time % 1000, levels[r >> 52 & 3], user,
			 item, 200 + user % 5, item % 300, user % 100, (unsigned long long)id);

	add(b, line, (size_t)n);
}

static inline void add_fastq(struct bytes *b, uint64_t *seed)
{
	char line[512];
	unsigned tile = below(seed, 256), x = below(seed, 20000), y = below(seed, 20000);
	int n = snprintf(line, sizeof line, "@SIM:7:FC%03u:%u:%u:%u:%u 1:N:0:ATCACG\n", 12 + tile / 128,
			 1 + tile / 16 % 8, 1100 + tile % 16, x, y);

	for (unsigned i = 0; i < 150; i++)
		line[n++] = "ACGT"[below(seed, 4)];
	memcpy(line + n, "\n+\n", 3);
	n += 3;
	for (unsigned i = 0; i < 150; i++)
		line[n++] = below(seed, 6) ? 'F' : ":,#FF"[below(seed, 5)];
	line[n++] = '\n';
	add(b, line, (size_t)n);
}

static inline void add_base64(struct bytes *b, uint64_t *seed)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (unsigned i = 0; i < 76; i++)
		add(b, &digits[below(seed, 64)], 1);
	add(b, "\n", 1);
}

static inline void add_random(struct bytes *b, uint64_t *seed)
{
	uint64_t r = next(seed);

	add(b, &r, sizeof r);
}

static inline void add_zeros(struct bytes *b, uint64_t *seed)
{
	(void)seed;
	add(b, &(uint64_t){ 0 }, sizeof(uint64_t));
}

/* Like machine code: common first bytes, small numbers, tables with a step, strings, and some noise. */
static inline void add_binary(struct bytes *b, uint64_t *seed)
{
	static const uint8_t codes[8] = { 0x48, 0x89, 0x8b, 0xe8, 0x0f, 0xc3, 0x83, 0x74 };
	unsigned kind = below(seed, 16), count = 8 + below(seed, 60);
	uint32_t value = below(seed, 1u << 24);

	for (unsigned i = 0; i < count; i++) {
		uint64_t r = next(seed);
		uint8_t part[3] = { codes[r >> 8 & 7], (uint8_t)(r >> 16), (uint8_t)(r >> 24 & 3) };

		if (kind < 10)
			add(b, part, 2 + (size_t)(r >> 32 & 1));
		else if (kind < 13)
			add(b, &value, sizeof value);
		else if (kind < 15)
			add(b, "\0\0\0\0\0\0\0", 8);
		else
			add_random(b, seed);
		value += 16 + (uint32_t)below(seed, 3) * 8;
	}
	if (kind == 14)
		add_text(b, seed);
}

static inline void add_periodic(struct bytes *b, uint64_t *seed)
{
	unsigned period = 1 + below(seed, 40), n = below(seed, 3000);

	for (unsigned i = 0; i < period; i++)
		add(b, &(uint8_t){ (uint8_t)below(seed, 256) }, 1);
	for (; n > 0; n--) {
		uint8_t byte = b->data[b->len - period];

		add(b, &byte, 1);
	}
}

/* Repeats what was WINDOW before, for the most part. */
static inline void add_far(struct bytes *b, uint64_t *seed)
{
	uint8_t byte = (uint8_t)below(seed, 256);

	if (b->len >= WINDOW && below(seed, 200) > 0)
		byte = b->data[b->len - WINDOW];
	add(b, &byte, 1);
}

static const struct content {
	const char *name;
	void (*add)(struct bytes *b, uint64_t *seed);
} contents[] = {
	{ "text", add_text },     { "json", add_json },     { "fastq", add_fastq },
	{ "base64", add_base64 }, { "binary", add_binary }, { "random", add_random },
	{ "zeros", add_zeros },   { "periodic", add_periodic }, { "far", add_far },
};

/* Exactly `n` bytes of a kind. Returns false if there is no such kind. */
static inline bool make_content(struct bytes *b, const char *name, size_t n, uint64_t *seed)
{
	for (size_t i = 0; i < sizeof contents / sizeof contents[0]; i++) {
		if (strcmp(contents[i].name, name) != 0)
			continue;
		while (b->len < n)
			contents[i].add(b, seed);
		b->len = n;
		return true;
	}
	return false;
}

#endif
