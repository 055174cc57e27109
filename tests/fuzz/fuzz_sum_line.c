/*
 * fuzz_sum_line.c: any bytes as a line of a checksum. Nothing outside of the line is touched; what is read lies in it,
 * and written out again it is read as the same.
 *
 * The first byte says how the reader is set. The table of algorithms is one of its own, so that no library is needed.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/sum_line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct ccp_digest_ops md5 = { .name = "md5", .tag = "MD5", .bytes = 16 };
static const struct ccp_digest_ops sha1 = { .name = "sha1", .tag = "SHA1", .bytes = 20 };
static const struct ccp_digest_ops blake2b = { .name = "blake2b", .tag = "BLAKE2b", .bytes = 64, .any_length = true };
static const struct ccp_digest_ops crc32 = { .name = "crc32", .tag = "CRC32", .bytes = 4 };
static const struct ccp_digest_ops crc32c = { .name = "crc32c", .tag = "CRC32C", .bytes = 4 };
static const struct ccp_digest_ops cksum = { .name = "cksum", .tag = "CKSUM", .bytes = 4, .decimal = true };

const struct ccp_digest_ops *const ccp_digests[] = { &md5, &sha1, &blake2b, &crc32, &crc32c, &cksum, NULL };

const struct ccp_digest_ops *ccp_digest_find(const char *name, size_t len)
{
	for (const struct ccp_digest_ops *const *ops = ccp_digests; *ops != NULL; ops++)
		if (strlen((*ops)->name) == len && memcmp((*ops)->name, name, len) == 0)
			return *ops;
	return NULL;
}

static void check(bool right)
{
	if (!right)
		abort();
}

/* Reads from memory of its own, so that a sanitizer sees what is touched beyond. Memory: *line is the caller's. */
static bool read_copy(struct ccp_sum_reader *reader, const void *text, size_t len, char **line,
		      struct ccp_sum_line *out)
{
	*line = malloc(len + 1);
	check(*line != NULL);
	if (len > 0)
		memcpy(*line, text, len);
	return ccp_sum_line_read(reader, *line, len, out);
}

static void check_again(const struct ccp_sum_line *first, bool tag, bool zero)
{
	const struct ccp_sum_style style = { .tag = tag, .zero = zero };
	const struct ccp_digest_set set = { .count = 1, .item = { { first->ops, first->bytes } } };
	struct ccp_sum_reader reader = { .only = &set, .zero = zero, .single = -1 };
	struct ccp_sum_line again;
	char *text, *line;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	check(out != NULL);
	ccp_sum_line_print(out, &style, first->ops, first->bytes, first->digest, first->size, first->name);
	fclose(out);
	check(read_copy(&reader, text, len - 1, &line, &again));
	check(again.ops == first->ops && again.bytes == first->bytes && again.size == first->size &&
	      memcmp(again.digest, first->digest, first->bytes) == 0 && strcmp(again.name, first->name) == 0);
	free(line);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct ccp_digest_set set = { .count = 0 };
	struct ccp_sum_reader reader = { .only = &set, .single = -1 };
	struct ccp_sum_line out;
	char *line;

	if (len == 0)
		return 0;
	if (data[0] % 8 < 6) {
		set.count = 1;
		set.item[0].ops = ccp_digests[data[0] % 8];
		set.item[0].bytes = ccp_digests[data[0] % 8]->bytes;
	}
	reader.exact = data[0] & 8;
	reader.tagged = data[0] & 16;
	reader.loose = data[0] & 32;
	reader.gnu = data[0] & 64;
	reader.zero = data[0] & 128;
	if (read_copy(&reader, data + 1, len - 1, &line, &out)) {
		check(out.ops != NULL && out.bytes > 0 && out.bytes <= out.ops->bytes);
		check(set.count == 0 || out.ops == set.item[0].ops);
		check(out.name >= line && out.name + strlen(out.name) <= line + len - 1);
		/* a name that is empty can be told with a tag only */
		check_again(&out, true, reader.zero);
		if (out.name[0] != '\0')
			check_again(&out, false, reader.zero);
	}
	free(line);
	return 0;
}
