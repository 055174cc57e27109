/*
 * test_digest.c: digests against the answers in their own documents and against sums taken bit by bit, in pieces and
 * handed from state to state, from sum to sum, and from process to process.
 */
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "pipeline/codec/digest.h"
#include "tests/unit/digest_answers.h"

#define ANSWERS (sizeof answers / sizeof *answers)
#define FOR_EACH(ops) for (const struct ccp_digest_ops *const *ops = ccp_digests; *ops != NULL; ops++)

static uint64_t next_random(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static uint8_t *new_bytes(size_t len)
{
	uint8_t *data = malloc(len > 0 ? len : 1);

	cr_assert_not_null(data);
	return data;
}

static uint8_t *random_bytes(size_t len, uint64_t seed)
{
	uint8_t *data = new_bytes(len);

	for (size_t i = 0; i < len; i++)
		data[i] = (uint8_t)(next_random(&seed) >> 32);
	return data;
}

/* What xxhsum fills its buffer with, or the text so many times. Returned. */
static uint8_t *input_of(const struct answer *answer, size_t *len)
{
	uint64_t generator = 2654435761u;
	uint8_t *data = new_bytes(*len = answer->len * answer->times);

	for (size_t i = 0; i < *len; i++) {
		data[i] = answer->text != NULL ? (uint8_t)answer->text[i % answer->len] : (uint8_t)(generator >> 56);
		generator *= 11400714785074694797u;
	}
	return data;
}

/* False, and told, if it was not built in. */
static bool can(const struct ccp_digest_ops *ops)
{
	const char *why = ops->probe != NULL ? ops->probe() : NULL;

	if (why != NULL)
		cr_log_info("%s left out: %s", ops->name, why);
	return why == NULL;
}

static const struct ccp_digest_ops *named(const char *name)
{
	const struct ccp_digest_ops *ops = ccp_digest_find(name, strlen(name));

	cr_assert_not_null(ops, "%s", name);
	return ops;
}

/*
 * The digest in pieces. The state moves to other memory before every piece, and where it was is spoilt: whatever
 * pointed there would be found out.
 */
static void digest(const struct ccp_digest_ops *ops, size_t bytes, const uint8_t *data, size_t len, size_t piece,
		   uint8_t *out)
{
	alignas(CCP_DIGEST_STATE_ALIGN) uint8_t states[2][CCP_DIGEST_STATE_MAX_BYTES];
	size_t n, now = 0;

	ops->start(states[0], bytes);
	for (size_t at = 0; at < len; at += n, now = 1 - now) {
		n = piece < len - at ? piece : len - at;
		memcpy(states[1 - now], states[now], ops->state_bytes);
		memset(states[now], 0xa5, sizeof states[now]);
		ops->update(states[1 - now], data + at, n);
	}
	ops->update(states[now], NULL, 0);
	memset(out, 0xa5, CCP_DIGEST_MAX_BYTES);
	ops->finish(states[now], out);
	for (size_t i = bytes; i < CCP_DIGEST_MAX_BYTES; i++)
		cr_assert_eq(out[i], 0xa5, "%s wrote byte %zu of %zu", ops->name, i, bytes);
}

static const char *hex(const uint8_t *digest, size_t bytes, char *text)
{
	text[0] = '\0';
	for (size_t i = 0; i < bytes; i++)
		sprintf(text + 2 * i, "%02x", digest[i]);
	return text;
}

Test(digest, answers_of_the_documents_in_pieces)
{
	static const size_t pieces[] = { 1, 2, 3, 7, 64, 127, SIZE_MAX };

	for (const struct answer *answer = answers; answer < answers + ANSWERS; answer++) {
		const struct ccp_digest_ops *ops = named(answer->name);
		char text[2 * CCP_DIGEST_MAX_BYTES + 1];
		uint8_t out[CCP_DIGEST_MAX_BYTES], *data;
		size_t len;

		if (!can(ops))
			continue;
		data = input_of(answer, &len);
		for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
			digest(ops, answer->bytes, data, len, pieces[i], out);
			cr_assert_str_eq(hex(out, answer->bytes, text), answer->hex,
					 "%s of %zu bytes in pieces of %zu: %s", ops->name, len, pieces[i], text);
		}
		free(data);
	}
}

Test(digest, every_algorithm_has_an_answer_and_keeps_to_the_contract)
{
	FOR_EACH(ops) {
		const struct ccp_digest_ops *d = *ops;
		size_t count = 0;

		for (size_t i = 0; i < ANSWERS; i++)
			count += strcmp(answers[i].name, d->name) == 0;
		cr_assert_gt(count, 0, "%s", d->name);
		cr_assert(d->bytes > 0 && d->bytes <= CCP_DIGEST_MAX_BYTES);
		cr_assert(d->help[0] != '\0');
		if (!can(d))
			continue;
		cr_assert(d->state_bytes > 0 && d->state_bytes <= CCP_DIGEST_STATE_MAX_BYTES, "%s", d->name);
		cr_assert(d->start != NULL && d->update != NULL && d->finish != NULL);
		cr_assert_eq(d->combines, d->part != NULL, "%s", d->name);
		cr_assert_eq(d->combines, d->combine != NULL, "%s", d->name);
		cr_assert_eq(d->combines, d->seal != NULL, "%s", d->name);
	}
}

Test(digest, what_was_built_in_can_be_had)
{
	static const char *const always[] = { "crc32", "adler32", "cksum",
#ifdef CCP_HAVE_CRYPTO
		"sha256", "sha224", "sha512", "sha384", "sha1", "md5",
#endif
#ifdef CCP_HAVE_B2
		"blake2b",
#endif
#ifdef CCP_HAVE_ISAL
		"crc32c",
#endif
#ifdef CCP_HAVE_XXHASH
		"xxh64", "xxh3", "xxh128",
#endif
	};
	size_t count = 0;

	for (size_t i = 0; i < sizeof always / sizeof *always; i++)
		cr_assert(can(named(always[i])), "%s", always[i]);
	FOR_EACH(ops)
		count += can(*ops);
	cr_assert_eq(count, sizeof always / sizeof *always);
}

Test(digest, is_found_by_name_and_tag)
{
	FOR_EACH(ops) {
		cr_assert_eq(named((*ops)->name), *ops);
		cr_assert_eq(named((*ops)->tag), *ops);
	}
	cr_assert_eq(named("Sha256"), named("sha256"));
	cr_assert_eq(named("BLAKE2B"), named("blake2b"));
	cr_assert_eq(ccp_digest_find("xxh3,md5", 4), named("xxh3"));
	cr_assert_null(ccp_digest_find("sha25", 5));
	cr_assert_null(ccp_digest_find("sha2567", 7));
	cr_assert_null(ccp_digest_find("", 0));
}

/* A CRC by its definition. `top`: the highest bit of a byte comes first; else the lowest. */
static uint32_t crc_by_bits(uint32_t polynomial, bool top, uint32_t reg, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < 8 * len; i++) {
		uint32_t bit = data[i / 8] >> (top ? 7 - i % 8 : i % 8) & 1;
		uint32_t out = (top ? reg >> 31 : reg & 1) ^ bit;

		reg = (top ? reg << 1 : reg >> 1) ^ (out ? polynomial : 0);
	}
	return reg;
}

Test(digest, crcs_are_those_taken_bit_by_bit)
{
	const size_t len = 20000;
	uint8_t *data = random_bytes(len, 1);
	uint64_t seed = 2;

	for (size_t i = 0; i < 300; i++) {
		size_t from = next_random(&seed) % 100, n = next_random(&seed) % (i < 200 ? 300 : len - from);
		const uint8_t *at = data + from;

		cr_assert_eq(named("crc32")->part(at, n), ~crc_by_bits(0xedb88320, false, ~0u, at, n), "%zu", n);
		cr_assert_eq(named("cksum")->part(at, n), crc_by_bits(0x04c11db7, true, 0, at, n), "%zu", n);
		if (can(named("crc32c")))
			cr_assert_eq(named("crc32c")->part(at, n), ~crc_by_bits(0x82f63b78, false, ~0u, at, n));
	}
	free(data);
}

Test(digest, sums_combine_wherever_the_cuts_are)
{
	const size_t len = 700;
	uint8_t *data = random_bytes(len, 3), whole[CCP_DIGEST_MAX_BYTES], out[4];

	FOR_EACH(ops) {
		const struct ccp_digest_ops *d = *ops;

		if (!can(d) || !d->combines)
			continue;
		digest(d, d->bytes, data, len, SIZE_MAX, whole);
		for (size_t a = 0; a <= len; a++) {
			size_t b = a + (len - a) / 3;
			uint32_t last = d->combine(d->part(data + a, b - a), d->part(data + b, len - b), len - b);

			d->seal(d->combine(d->part(data, a), last, len - a), len, out);
			cr_assert_arr_eq(out, whole, 4, "%s cut at %zu and %zu", d->name, a, b);
		}
		cr_assert_eq(d->combine(d->part(data, 9), d->part(NULL, 0), 0), d->part(data, 9));
		cr_assert_eq(d->combine(d->part(NULL, 0), d->part(data, 9), 9), d->part(data, 9));
		d->seal(d->part(NULL, 0), 0, out);
		digest(d, d->bytes, data, 0, 1, whole);
		cr_assert_arr_eq(out, whole, 4, "%s of nothing", d->name);
	}
	free(data);
}

/* The sum of so many zeros from that of one, by doubling. */
static uint32_t sum_of_zeros(const struct ccp_digest_ops *d, uint64_t len)
{
	uint32_t sum = d->part(NULL, 0), power = d->part((const uint8_t *)"", 1);

	for (uint64_t n = 1; n <= len; n *= 2) {
		if (len & n)
			sum = d->combine(sum, power, n);
		power = d->combine(power, power, n);
	}
	return sum;
}

/* A length that 32 bits do not hold, at once. The zeros are memory that was never written: all one page. */
Test(digest, a_length_beyond_32_bits)
{
	const size_t len = ((size_t)1 << 32) + 3;
	uint8_t *zeros = mmap(NULL, len, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	uint8_t out[4], expected[4];

	cr_assert(zeros != MAP_FAILED);
	FOR_EACH(ops) {
		const struct ccp_digest_ops *d = *ops;
		alignas(CCP_DIGEST_STATE_ALIGN) uint8_t state[CCP_DIGEST_STATE_MAX_BYTES];
		uint32_t x;

		if (!can(d) || !d->combines)
			continue;
		x = d->part((const uint8_t *)"x", 1);
		d->start(state, d->bytes);
		d->update(state, (const uint8_t *)"x", 1);
		d->update(state, zeros, len);
		d->finish(state, out);
		d->seal(d->combine(x, sum_of_zeros(d, len), len), len + 1, expected);
		cr_assert_arr_eq(out, expected, 4, "%s", d->name);
	}
	munmap(zeros, len);
}

Test(digest, another_process_goes_on)
{
	const size_t len = 5000;
	uint8_t *data = random_bytes(len, 4), whole[CCP_DIGEST_MAX_BYTES], out[CCP_DIGEST_MAX_BYTES];
	uint8_t *state = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	cr_assert(state != MAP_FAILED);
	FOR_EACH(ops) {
		const struct ccp_digest_ops *d = *ops;

		if (!can(d))
			continue;
		digest(d, d->bytes, data, len, SIZE_MAX, whole);
		d->start(state, d->bytes);
		for (size_t at = 0, n = len / 5; at < len; at += n) {
			pid_t child = fork();
			int status;

			cr_assert_geq(child, 0);
			if (child == 0) {
				d->update(state, data + at, n);
				_exit(0);
			}
			cr_assert_eq(waitpid(child, &status, 0), child);
			cr_assert_eq(status, 0);
		}
		d->finish(state, out);
		cr_assert_arr_eq(out, whole, d->bytes, "%s", d->name);
	}
	munmap(state, 4096);
	free(data);
}

Test(digest, any_length_of_blake2b_is_a_digest_of_its_own)
{
	const struct ccp_digest_ops *d = named("blake2b");
	uint8_t out[2][CCP_DIGEST_MAX_BYTES];

	cr_assert(d->any_length);
	if (!can(d))
		return;
	digest(d, 1, (const uint8_t *)"abc", 3, 3, out[1]);
	for (size_t bytes = 2; bytes <= d->bytes; bytes++) {
		digest(d, bytes, (const uint8_t *)"abc", 3, 3, out[bytes % 2]);
		cr_assert_arr_neq(out[0], out[1], bytes - 1, "not the beginning of a longer one: %zu", bytes);
	}
}
