/*
 * archive_kind.c: what bytes are, by their beginning. Of what is in gzip a few hundred bytes are decoded.
 */
#include <string.h>
#include <zlib.h>

#include "pipeline/archive/archive_internal.h"

#define TAR_BLOCK 512

/*
 * Whether a block is the header of a member of a tar archive: its checksum says so, which all kinds of tar have.
 * Source: POSIX.1-2017, pax, "ustar Interchange Format": chksum is the sum of all bytes, with blanks in its own place;
 * old archives summed signed bytes.
 */
static bool is_tar(const uint8_t *block)
{
	const size_t at = 148, len = 8;
	unsigned long sum = 0, said = 0;
	long sum_signed = 0;
	size_t i = at, digits = 0;

	for (size_t k = 0; k < TAR_BLOCK; k++) {
		uint8_t byte = k >= at && k < at + len ? ' ' : block[k];

		sum += byte;
		sum_signed += byte < 128 ? byte : byte - 256;
	}
	while (i < at + len && block[i] == ' ')
		i++;
	for (; i < at + len && block[i] >= '0' && block[i] <= '7'; i++, digits++)
		said = 8 * said + (block[i] - '0');
	return digits > 0 && block[0] != '\0' &&
	       (said == sum || (sum_signed >= 0 && said == (unsigned long)sum_signed));
}

static bool is_zero(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] != 0)
			return false;
	return true;
}

enum ccp_archive_kind ccp_archive_kind(const uint8_t *data, size_t len, bool whole)
{
	static const struct {
		const char *magic;
		size_t len;
		enum ccp_archive_kind kind;
	} kinds[] = {
		{ "PK\3\4", 4, CCP_KIND_ZIP },
		{ "PK\5\6", 4, CCP_KIND_ZIP },
		{ "7z\xbc\xaf\x27\x1c", 6, CCP_KIND_7Z },
		{ "Rar!\x1a\x07", 6, CCP_KIND_RAR },
		{ "!<arch>\n", 8, CCP_KIND_AR },
		{ "070701", 6, CCP_KIND_CPIO },
		{ "070702", 6, CCP_KIND_CPIO },
		{ "070707", 6, CCP_KIND_CPIO },
		{ "\x1f\x8b\x08", 3, CCP_KIND_GZIP },
		{ "\x28\xb5\x2f\xfd", 4, CCP_KIND_FILTER },
		{ "\xfd" "7zXZ", 6, CCP_KIND_FILTER },
		{ "BZh", 3, CCP_KIND_FILTER },
		{ "\x04\x22\x4d\x18", 4, CCP_KIND_FILTER },
		{ "LZIP", 4, CCP_KIND_FILTER },
	};

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (len >= kinds[i].len && memcmp(data, kinds[i].magic, kinds[i].len) == 0)
			return kinds[i].kind;
	if (len >= TAR_BLOCK && is_tar(data))
		return CCP_KIND_TAR;
	/* two blocks of zeros are what remains of a tar without members; any other zeros are just that */
	if (whole && (len == 2 * TAR_BLOCK || len == CCP_KIND_BYTES) && is_zero(data, len))
		return CCP_KIND_EMPTY_TAR;
	return CCP_KIND_NONE;
}

enum ccp_archive_kind ccp_archive_kind_inside(const uint8_t *data, size_t len)
{
	uint8_t plain[TAR_BLOCK];
	z_stream z = { .next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len, .next_out = plain,
		       .avail_out = sizeof plain };
	enum ccp_archive_kind kind;
	int result;

	if (inflateInit2(&z, 15 + 16) != Z_OK)
		return CCP_KIND_NONE;
	result = inflate(&z, Z_SYNC_FLUSH);
	inflateEnd(&z);
	if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR)
		return CCP_KIND_NONE;
	kind = ccp_archive_kind(plain, sizeof plain - z.avail_out, false);
	/* the others need to be read at any place, and would hardly be compressed again */
	return kind == CCP_KIND_TAR || kind == CCP_KIND_CPIO || kind == CCP_KIND_AR ? kind : CCP_KIND_NONE;
}
