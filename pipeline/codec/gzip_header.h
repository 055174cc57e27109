/*
 * gzip_header.h: the header of a gzip member, written at once and read byte by byte.
 */
#ifndef CCP_PIPELINE_CODEC_GZIP_HEADER_H
#define CCP_PIPELINE_CODEC_GZIP_HEADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/buf.h"
#include "pipeline/err.h"

#define CCP_GZIP_NAME_BYTES 256
#define CCP_GZIP_TRAILER_BYTES 8
#define CCP_GZIP_HEADER_MAX (10 + CCP_GZIP_NAME_BYTES) /* the longest that ccp_gzip_header_put writes */

enum {
	CCP_GZIP_FTEXT = 1,
	CCP_GZIP_FHCRC = 2,
	CCP_GZIP_FEXTRA = 4,
	CCP_GZIP_FNAME = 8,
	CCP_GZIP_FCOMMENT = 16,
	CCP_GZIP_RESERVED = 0xe0,
};

/*
 * A header while it is read, and what it said. All zero before the first byte; plain data.
 * Threads: one caller at a time.
 */
struct ccp_gzip_header {
	uint8_t method, flags, xfl, os;
	uint32_t mtime;                 /* seconds since 1970, 0 = not stored */
	bool name_cut;                  /* the stored name was longer than `name` */
	char name[CCP_GZIP_NAME_BYTES]; /* "" = not stored; the bytes as they are, never to be trusted as a path */
	uint64_t bytes;                 /* length of the header so far */

	/* private to ccp_gzip_header_read */
	unsigned step;
	uint32_t left;
	uint32_t crc;
	uint32_t got_crc;
};

/*
 * Reads on from data[0, len), which is at `offset` of the input; `used` says how many bytes belong to the header.
 * Shape: returns 1 when the header is complete, 0 if it wants more, -1 on an error.
 * Errors: CCP_E_NOT_GZIP, CCP_E_METHOD (method or reserved flags), CCP_E_CRC (of the header), with their offset.
 * Source: RFC 1952, section 2.3.
 */
int ccp_gzip_header_read(struct ccp_gzip_header *header, const uint8_t *data, size_t len, uint64_t offset,
			 size_t *used, struct ccp_err *err);

/*
 * Appends a header with OS = Unix. `name` may be "" and `mtime` 0 for "not stored"; `level` sets XFL.
 * The caller has room for CCP_GZIP_HEADER_MAX bytes; a name of more than 255 bytes is cut.
 */
void ccp_gzip_header_put(struct ccp_buf *out, const char *name, uint32_t mtime, int level);

/* Appends CRC and length modulo 2^32. The caller has room for CCP_GZIP_TRAILER_BYTES. */
void ccp_gzip_trailer_put(struct ccp_buf *out, uint32_t crc, uint64_t plain_bytes);

static inline uint32_t ccp_le32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t ccp_le64(const uint8_t *p)
{
	return ccp_le32(p) | (uint64_t)ccp_le32(p + 4) << 32;
}

#endif
