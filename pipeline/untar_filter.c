/*
 * untar_filter.c: see untar_filter.h.
 *
 * libarchive's raw format with one filter: bytes in, bytes out. The shared library is loaded when the first such
 * archive is met, because the decoders would bring four libraries along that every start of the program would pay for.
 * It gets blocks of one size, whatever the pieces that they come in, so that it has always read as much at a certain
 * place: what is judged by these figures is judged the same in every run.
 */
#include "pipeline/untar_filter.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/archive/archive_lib.h"

static const struct {
	const char *magic;
	size_t len;
	const char *name;
} kinds[] = {
	{ "\x28\xb5\x2f\xfd", 4, "zstd" },
	{ "\xfd"
	  "7zXZ",
	  6, "xz" },
	{ "BZh", 3, "bzip2" },
	{ "\x04\x22\x4d\x18", 4, "lz4" },
	{ "LZIP", 4, "lzip" },
	{ "\x5d\x00\x00", 3, "lzma" },
	{ "\x1f\x8b", 2, "gzip (twice)" },
	{ "7z\xbc\xaf", 4, "7z" },
};
#define KINDS (sizeof kinds / sizeof kinds[0])

const char *ccp_untar_filter_name(const void *data, size_t len)
{
	/* the first member may have any name: where this stands nothing was compressed */
	if (len >= 262 && memcmp((const char *)data + 257, "ustar", 5) == 0)
		return NULL;
	for (size_t i = 0; i < KINDS; i++)
		if (len >= kinds[i].len && memcmp(data, kinds[i].magic, kinds[i].len) == 0)
			return kinds[i].name;
	return NULL;
}

#ifndef CCP_HAVE_ARCHIVE

int ccp_untar_filter_open(struct ccp_untar_filter **filter, const char *name, const struct ccp_untar_bytes *bytes,
			  struct ccp_err *err)
{
	(void)filter;
	(void)bytes;
	return ccp_err_set(err, CCP_E_UNSUPPORTED, "%s format is not supported: libarchive is missing", name);
}

void ccp_untar_filter_close(struct ccp_untar_filter *filter)
{
	(void)filter;
}

ssize_t ccp_untar_filter_read(struct ccp_untar_filter *filter, const void **data, struct ccp_err *err)
{
	(void)filter;
	(void)data;
	return ccp_err_set(err, CCP_E_UNSUPPORTED, "libarchive is missing");
}

uint64_t ccp_untar_filter_in(const struct ccp_untar_filter *filter)
{
	(void)filter;
	return 0;
}

uint64_t ccp_untar_filter_out(const struct ccp_untar_filter *filter)
{
	(void)filter;
	return 0;
}

#else

#define BLOCK_BYTES ((size_t)64 << 10)

/* What can be decoded here, and where the call stands that asks libarchive for it. */
#define FILTER(name) { #name, offsetof(struct ccp_archive_lib, read_support_filter_##name) }
static const struct {
	const char *name;
	size_t at;
} filters[] = {
	FILTER(zstd), FILTER(xz), FILTER(bzip2), FILTER(lz4), FILTER(lzip), FILTER(lzma),
};
#define FILTERS (sizeof filters / sizeof filters[0])

struct ccp_untar_filter {
	struct ccp_archive_lib lib;
	struct archive *archive;
	struct ccp_untar_bytes bytes;
	const char *name;
	const uint8_t *rest; /* of what was lent last */
	size_t rest_len;
	uint64_t in, out;
	bool ended, drained; /* nothing more comes out, in */
	uint8_t block[BLOCK_BYTES];
};

static la_ssize_t on_read(struct archive *archive, void *arg, const void **data)
{
	struct ccp_untar_filter *filter = arg;
	size_t n = 0;

	(void)archive;
	while (n < BLOCK_BYTES) {
		if (filter->rest_len == 0) {
			const void *lent;

			filter->rest_len = filter->bytes.pull(filter->bytes.arg, &lent);
			filter->rest = lent;
			filter->drained = filter->rest_len == 0;
			if (filter->drained)
				break;
		}

		size_t part = filter->rest_len < BLOCK_BYTES - n ? filter->rest_len : BLOCK_BYTES - n;

		memcpy(filter->block + n, filter->rest, part);
		filter->rest += part;
		filter->rest_len -= part;
		n += part;
	}
	filter->in += n;
	*data = filter->block;
	return (la_ssize_t)n;
}

static int damaged(const struct ccp_untar_filter *filter, struct ccp_err *err)
{
	const char *text = filter->lib.error_string(filter->archive);

	/* these words stand for others, too, but not when all has been read */
	if (filter->drained && text != NULL &&
	    (strstr(text, "runcated") != NULL || strstr(text, "No progress") != NULL ||
	     strstr(text, "less bytes") != NULL))
		return ccp_err_at(err, CCP_E_TRUNCATED, filter->out, "%s: unexpected end of file", filter->name);
	ccp_err_at(err, CCP_E_FORMAT, filter->out, "%s: %s", filter->name, text != NULL ? text : "damaged");
	for (char *p = err->text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return -1;
}

/* Makes the reader for one kind of compression, and no other. */
static int prepare(struct ccp_untar_filter *filter, size_t at, struct ccp_err *err)
{
	int (*support)(struct archive *);

	memcpy(&support, (const char *)&filter->lib + at, sizeof support);
	filter->archive = filter->lib.read_new();
	if (filter->archive == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	/* a warning says that it would start another program */
	if (support(filter->archive) != ARCHIVE_OK)
		return ccp_err_set(err, CCP_E_UNSUPPORTED,
				   "%s format is not supported: it is not built into libarchive.so.13", filter->name);
	filter->lib.read_support_format_raw(filter->archive);
	filter->lib.read_support_format_empty(filter->archive);
	return 0;
}

static int begin(struct ccp_untar_filter *filter, struct ccp_err *err)
{
	struct archive_entry *entry;
	int result;

	if (filter->lib.read_open(filter->archive, filter, NULL, on_read, NULL) != ARCHIVE_OK)
		return damaged(filter, err);
	if (filter->lib.filter_count(filter->archive) < 2) /* none but that of the bytes themselves */
		return ccp_err_set(err, CCP_E_FORMAT, "begins as %s does, and goes on in another way", filter->name);
	result = filter->lib.read_next_header(filter->archive, &entry);
	filter->ended = result == ARCHIVE_EOF;
	return filter->ended || result == ARCHIVE_OK ? 0 : damaged(filter, err);
}

int ccp_untar_filter_open(struct ccp_untar_filter **out, const char *name, const struct ccp_untar_bytes *bytes,
			  struct ccp_err *err)
{
	struct ccp_untar_filter *filter;
	struct ccp_err why;
	size_t i = 0;

	while (i < FILTERS && strcmp(filters[i].name, name) != 0)
		i++;
	if (i == FILTERS)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "%s format is not supported", name);
	filter = calloc(1, sizeof *filter);
	if (filter == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	if (ccp_archive_load(&filter->lib, &why) != 0) {
		free(filter);
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "%s format is not supported: %s", name, why.text);
	}
	filter->bytes = *bytes;
	filter->name = name;
	if (prepare(filter, filters[i].at, err) == 0 && begin(filter, err) == 0) {
		*out = filter;
		return 0;
	}
	ccp_untar_filter_close(filter);
	return -1;
}

void ccp_untar_filter_close(struct ccp_untar_filter *filter)
{
	if (filter == NULL)
		return;
	if (filter->archive != NULL)
		filter->lib.read_free(filter->archive);
	free(filter);
}

ssize_t ccp_untar_filter_read(struct ccp_untar_filter *filter, const void **data, struct ccp_err *err)
{
	while (!filter->ended) {
		la_int64_t at;
		size_t len;
		int result = filter->lib.read_data_block(filter->archive, data, &len, &at);

		if (result == ARCHIVE_EOF)
			filter->ended = true;
		else if (result != ARCHIVE_OK && result != ARCHIVE_WARN)
			return damaged(filter, err);
		filter->out += filter->ended ? 0 : len;
		if (!filter->ended && len > 0)
			return (ssize_t)len;
	}
	return 0;
}

uint64_t ccp_untar_filter_in(const struct ccp_untar_filter *filter)
{
	return filter->in;
}

uint64_t ccp_untar_filter_out(const struct ccp_untar_filter *filter)
{
	return filter->out;
}

#endif
