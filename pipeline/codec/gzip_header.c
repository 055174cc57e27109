/*
 * gzip_header.c: the gzip header as a machine with one step a field. Fields are read byte by byte, except FEXTRA, name
 * and comment, which may be long and are passed over in runs. The header's own CRC runs over every byte as it is used.
 */
#include "pipeline/codec/gzip_header.h"

#include "pipeline/codec/crc.h"

#define DEFLATE_METHOD 8
#define OS_UNIX 3

enum step {
	MAGIC0, MAGIC1, METHOD, FLAGS, MTIME0, MTIME1, MTIME2, MTIME3, XFL, OS,
	EXTRA_LEN0, EXTRA_LEN1, EXTRA, NAME, COMMENT, HCRC0, HCRC1, DONE,
};

/* Goes to the first of the optional fields from `step` on that this header has. */
static unsigned optional(const struct ccp_gzip_header *h, unsigned step)
{
	if (step <= EXTRA_LEN0 && (h->flags & CCP_GZIP_FEXTRA))
		return EXTRA_LEN0;
	if (step <= NAME && (h->flags & CCP_GZIP_FNAME))
		return NAME;
	if (step <= COMMENT && (h->flags & CCP_GZIP_FCOMMENT))
		return COMMENT;
	if (step <= HCRC0 && (h->flags & CCP_GZIP_FHCRC))
		return HCRC0;
	return DONE;
}

/* Uses a byte of a field of fixed size. Returns -1 on an error. */
static int use_byte(struct ccp_gzip_header *h, uint8_t byte, uint64_t offset, struct ccp_err *err)
{
	unsigned step = h->step++;

	switch ((enum step)step) {
	case MAGIC0:
	case MAGIC1:
		if (byte != (step == MAGIC0 ? 0x1f : 0x8b))
			return ccp_err_at(err, CCP_E_NOT_GZIP, offset - h->bytes, "not in gzip format");
		break;
	case METHOD:
		h->method = byte;
		if (byte != DEFLATE_METHOD)
			return ccp_err_at(err, CCP_E_METHOD, offset, "unknown method %u -- not supported", byte);
		break;
	case FLAGS:
		h->flags = byte;
		if (byte & CCP_GZIP_RESERVED)
			return ccp_err_at(err, CCP_E_METHOD, offset, "unknown flags 0x%02x -- not supported", byte);
		break;
	case MTIME0:
	case MTIME1:
	case MTIME2:
	case MTIME3:
		h->mtime |= (uint32_t)byte << 8 * (step - MTIME0);
		break;
	case XFL:
		h->xfl = byte;
		break;
	case OS:
		h->os = byte;
		h->step = optional(h, EXTRA_LEN0);
		break;
	case EXTRA_LEN0:
		h->left = byte;
		break;
	case EXTRA_LEN1:
		h->left |= (uint32_t)byte << 8;
		if (h->left == 0)
			h->step = optional(h, NAME);
		break;
	case HCRC0:
		h->got_crc = byte;
		break;
	case HCRC1:
		h->got_crc |= (uint32_t)byte << 8;
		if (h->got_crc != (h->crc & 0xffff))
			return ccp_err_at(err, CCP_E_CRC, offset - 1,
					  "header checksum 0x%04x != computed checksum 0x%04x", (unsigned)h->got_crc,
					  (unsigned)(h->crc & 0xffff));
		break;
	case EXTRA:
	case NAME:
	case COMMENT:
	case DONE:
		break;
	}
	return 0;
}

/* Passes over a run of a long field. Returns how many bytes it took, at least one. */
static size_t use_run(struct ccp_gzip_header *h, const uint8_t *data, size_t len)
{
	const uint8_t *zero;
	size_t n, keep;

	if (h->step == EXTRA) {
		n = len < h->left ? len : h->left;
		h->left -= (uint32_t)n;
		if (h->left == 0)
			h->step = optional(h, NAME);
		return n;
	}
	zero = memchr(data, 0, len);
	n = zero ? (size_t)(zero - data) : len;
	if (h->step == NAME) {
		keep = strlen(h->name);
		if (n > sizeof h->name - 1 - keep)
			h->name_cut = true;
		keep = n < sizeof h->name - 1 - keep ? n : sizeof h->name - 1 - keep;
		memcpy(h->name + strlen(h->name), data, keep);
	}
	if (zero) {
		n++;
		h->step = optional(h, h->step + 1);
	}
	return n;
}

int ccp_gzip_header_read(struct ccp_gzip_header *header, const uint8_t *data, size_t len, uint64_t offset,
			 size_t *used, struct ccp_err *err)
{
	size_t at = 0;

	while (header->step != DONE && at < len) {
		unsigned step = header->step;
		size_t n = 1;

		if (header->step == EXTRA || header->step == NAME || header->step == COMMENT)
			n = use_run(header, data + at, len - at);
		else if (use_byte(header, data[at], offset + at, err))
			return -1;
		if (step <= FLAGS || (step < HCRC0 && (header->flags & CCP_GZIP_FHCRC)))
			header->crc = ccp_crc32(header->crc, data + at, n);
		header->bytes += n;
		at += n;
	}
	*used = at;
	return header->step == DONE;
}

static void put_le32(struct ccp_buf *out, uint32_t v)
{
	uint8_t bytes[4] = { (uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24) };

	ccp_buf_append(out, bytes, sizeof bytes);
}

void ccp_gzip_header_put(struct ccp_buf *out, const char *name, uint32_t mtime, int level)
{
	size_t name_len = strnlen(name, CCP_GZIP_NAME_BYTES - 1);
	uint8_t start[4] = { 0x1f, 0x8b, DEFLATE_METHOD, name_len ? CCP_GZIP_FNAME : 0 };
	uint8_t end[2] = { level >= 9 ? 2 : level == 1 ? 4 : 0, OS_UNIX };

	ccp_buf_append(out, start, sizeof start);
	put_le32(out, mtime);
	ccp_buf_append(out, end, sizeof end);
	if (name_len) {
		ccp_buf_append(out, name, name_len);
		ccp_buf_append(out, "", 1);
	}
}

void ccp_gzip_trailer_put(struct ccp_buf *out, uint32_t crc, uint64_t plain_bytes)
{
	put_le32(out, crc);
	put_le32(out, (uint32_t)plain_bytes);
}
