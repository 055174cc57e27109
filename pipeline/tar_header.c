/*
 * tar_header.c: headers of tar, in ustar format with the extended records of pax where its fields are too small.
 *
 * What does not fit (a long name that cannot be parted at a slash either, a long link, a size of 8 GiB and more,
 * numbers and times out of range, long names of owners) becomes records, the data of a member of type x in front. Where
 * there are records anyway, the time's fraction is one of them, since GNU tar --compare looks for it then.
 * Records are UTF-8. A long name or link that is not stands in a member of type L or K, as GNU tar writes them: without
 * a word about it in a record bsdtar fails, and with it (hdrcharset) GNU tar 1.34 complains of an unknown keyword.
 */
#include "pipeline/tar_header.h"

#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define RECORD_NAME_MAX 16

struct header {
	char name[100];
	char mode[8];
	char uid[8];
	char gid[8];
	char size[12];
	char mtime[12];
	char checksum[8];
	char type;
	char link[100];
	char magic[6];
	char version[2];
	char owner[32];
	char group[32];
	char major[8];
	char minor[8];
	char prefix[155];
	char pad[12];
};

_Static_assert(sizeof(struct header) == CCP_TAR_BLOCK, "a header is a block");

/* What does not fit in a header; a bit for each. */
enum {
	NAME = 1u << 0, LINK = 1u << 1, SIZE = 1u << 2, MTIME = 1u << 3, UID = 1u << 4, GID = 1u << 5, OWNER = 1u << 6,
	GROUP = 1u << 7,
	RAW_NAME = 1u << 8, RAW_LINK = 1u << 9, /* no UTF-8 */
};
#define RAW ((unsigned)(RAW_NAME | RAW_LINK))

/* The greatest number of so many octal digits. */
static uint64_t most(unsigned digits)
{
	return (UINT64_C(1) << 3 * digits) - 1;
}

/* Where a name is parted: the length of the prefix, 0 = it fits as it is, or -1 if it cannot be stored so. */
static int part_name(const char *name)
{
	const struct header *header = NULL;
	size_t len = strlen(name), most_prefix = sizeof header->prefix;

	if (len <= sizeof header->name)
		return 0;
	if (len > sizeof header->name + 1 + most_prefix)
		return -1;
	for (size_t i = len < most_prefix + 1 ? len - 1 : most_prefix; i > 0; i--)
		if (name[i] == '/' && i + 1 < len)
			return len - i - 1 <= sizeof header->name ? (int)i : -1;
	return -1;
}

/* Source: RFC 3629, section 4. */
static bool is_utf8(const char *text)
{
	const uint8_t *s = (const uint8_t *)text;

	while (*s != 0) {
		unsigned more = *s < 0x80 ? 0 : *s >= 0xc2 && *s < 0xe0 ? 1 : (*s & 0xf0) == 0xe0 ? 2 :
				*s >= 0xf0 && *s < 0xf5 ? 3 : 4;

		if (more == 4 || (*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
		    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
			return false;
		for (s++; more > 0; more--, s++)
			if ((*s & 0xc0) != 0x80)
				return false;
	}
	return true;
}

static unsigned what_is_too_large(const struct ccp_tar_member *m)
{
	const struct header *header = NULL;

	unsigned name = part_name(m->name) >= 0 ? 0 : is_utf8(m->name) ? NAME : RAW_NAME;
	unsigned link = strlen(m->link) <= sizeof header->link ? 0 : is_utf8(m->link) ? LINK : RAW_LINK;

	return name | link |
	       (m->size > most(11) && !m->binary_size ? SIZE : 0) |
	       (m->mtime < 0 || (uint64_t)m->mtime > most(11) ? MTIME : 0) |
	       (m->uid > most(7) ? UID : 0) | (m->gid > most(7) ? GID : 0) |
	       (strlen(m->owner) >= sizeof header->owner ? OWNER : 0) |
	       (strlen(m->group) >= sizeof header->group ? GROUP : 0);
}

/* The length of a record, "LENGTH NAME=VALUE\n"; the length counts its own digits. */
static size_t record_bytes(const char *name, size_t value_len)
{
	size_t rest = strlen(name) + value_len + 3, digits = 1;

	for (size_t limit = 10; rest + digits >= limit; limit *= 10)
		digits++;
	return rest + digits;
}

/* Writes a record, if there is somewhere to write it to; returns its length. */
static size_t put_record(uint8_t *to, const char *name, const char *value)
{
	size_t len = strlen(value), all = record_bytes(name, len);

	if (to != NULL) {
		char head[RECORD_NAME_MAX + 24];
		size_t n = (size_t)snprintf(head, sizeof head, "%zu %s=", all, name);

		assert(n + len + 1 == all);
		memcpy(to, head, n);
		memcpy(to + n, value, len);
		to[n + len] = '\n';
	}
	return all;
}

/* Seconds with their fraction; before 1970 without, which bsdtar 3.6 adds where it is to be taken off. */
static void put_time(char *text, size_t room, const struct ccp_tar_member *m)
{
	if (m->mtime_nsec == 0 || m->mtime < 0)
		snprintf(text, room, "%" PRId64, m->mtime);
	else
		snprintf(text, room, "%" PRId64 ".%09" PRIu32, m->mtime, m->mtime_nsec);
}

/* All records that the member needs, one after the other; returns their length. */
static size_t put_records(const struct ccp_tar_member *m, unsigned which, uint8_t *to)
{
	const struct {
		unsigned bit;
		const char *name, *text; /* text NULL: the number */
		int64_t number;
	} list[] = {
		{ NAME, "path", m->name, 0 },
		{ LINK, "linkpath", m->link, 0 },
		{ SIZE, "size", NULL, (int64_t)m->size },
		{ MTIME, "mtime", NULL, m->mtime },
		{ UID, "uid", NULL, m->uid },
		{ GID, "gid", NULL, m->gid },
		{ OWNER, "uname", m->owner, 0 },
		{ GROUP, "gname", m->group, 0 },
	};
	size_t at = 0;
	char digits[40];

	for (size_t i = 0; i < sizeof list / sizeof list[0]; i++) {
		if (!(which & list[i].bit))
			continue;
		if (list[i].bit == MTIME)
			put_time(digits, sizeof digits, m);
		else
			snprintf(digits, sizeof digits, "%" PRId64, list[i].number);
		at += put_record(to != NULL ? to + at : NULL, list[i].name,
				 list[i].text != NULL ? list[i].text : digits);
	}
	return at;
}

static size_t round_up(size_t bytes)
{
	return (bytes + CCP_TAR_BLOCK - 1) / CCP_TAR_BLOCK * CCP_TAR_BLOCK;
}

/* Octal digits that fill the field but for its last byte, which is NUL. What is too large becomes 0. */
static void put_number(char *field, size_t room, uint64_t value)
{
	if (value > most((unsigned)room - 1))
		value = 0;
	field[room - 1] = '\0';
	for (size_t i = room - 1; i-- > 0; value >>= 3)
		field[i] = (char)('0' + (value & 7));
}

/* The size: octal, or as a binary number with the highest bit of the field set, which every tar of today reads. */
static void put_size(char *field, size_t room, const struct ccp_tar_member *m)
{
	put_number(field, room, m->size);
	if (!m->binary_size || m->size <= most((unsigned)room - 1))
		return;
	memset(field, 0, room);
	for (size_t i = 0; i < sizeof m->size; i++)
		field[room - 1 - i] = (char)(m->size >> 8 * i);
	field[0] = (char)0x80;
}

/* As much of a text as fits; a field that is full has no NUL. */
static void put_text(char *field, size_t room, const char *text)
{
	memcpy(field, text, strnlen(text, room));
}

/* Six digits, NUL, blank: the sum of all bytes with the field itself being blanks. */
static void put_checksum(struct header *header)
{
	const uint8_t *bytes = (const uint8_t *)header;
	unsigned sum = 0;

	memset(header->checksum, ' ', sizeof header->checksum);
	for (size_t i = 0; i < sizeof *header; i++)
		sum += bytes[i];
	put_number(header->checksum, 7, sum);
}

static void put_block(const struct ccp_tar_member *m, uint8_t *to)
{
	struct header header = { .type = m->type, .magic = "ustar", .version = { '0', '0' } };
	int prefix = part_name(m->name);

	if (prefix > 0) {
		memcpy(header.prefix, m->name, (size_t)prefix);
		put_text(header.name, sizeof header.name, m->name + prefix + 1);
	} else {
		put_text(header.name, sizeof header.name, m->name);
	}
	put_number(header.mode, sizeof header.mode, m->mode);
	put_number(header.uid, sizeof header.uid, m->uid);
	put_number(header.gid, sizeof header.gid, m->gid);
	put_size(header.size, sizeof header.size, m);
	put_number(header.mtime, sizeof header.mtime, m->mtime < 0 ? 0 : (uint64_t)m->mtime);
	put_text(header.link, sizeof header.link, m->link);
	put_text(header.owner, sizeof header.owner - 1, m->owner);
	put_text(header.group, sizeof header.group - 1, m->group);
	put_number(header.major, sizeof header.major, m->major);
	put_number(header.minor, sizeof header.minor, m->minor);
	put_checksum(&header);
	memcpy(to, &header, sizeof header);
}

/* A member of its own for the text of a long name or link; returns its length. */
static size_t put_raw(uint8_t *to, char type, const char *text)
{
	struct ccp_tar_member raw = {
		.name = "././@LongLink", .link = "", .owner = "", .group = "",
		.size = strlen(text) + 1, .mode = 0644, .type = type,
	};
	size_t all = CCP_TAR_BLOCK + round_up(raw.size);

	if (to != NULL) {
		put_block(&raw, to);
		memset(to + all - CCP_TAR_BLOCK, 0, CCP_TAR_BLOCK);
		memcpy(to + CCP_TAR_BLOCK, text, raw.size);
	}
	return all;
}

/* The member of records; returns its length. */
static size_t put_extended(uint8_t *to, const struct ccp_tar_member *member, unsigned which)
{
	struct ccp_tar_member records = {
		.name = "PaxHeader", .link = "", .owner = "", .group = "",
		.size = put_records(member, which, NULL), .mode = 0644, .type = 'x',
	};
	size_t all = CCP_TAR_BLOCK + round_up(records.size);

	if (to != NULL) {
		put_block(&records, to);
		memset(to + all - CCP_TAR_BLOCK, 0, CCP_TAR_BLOCK);
		put_records(member, which, to + CCP_TAR_BLOCK);
	}
	return all;
}

/* All of it, if there is somewhere to write it to; returns the length. */
static size_t put_header(const struct ccp_tar_member *m, uint8_t *to)
{
	unsigned which = what_is_too_large(m);
	size_t at = 0;

	if (which & RAW_LINK)
		at += put_raw(to, 'K', m->link);
	if (which & RAW_NAME)
		at += put_raw(to != NULL ? to + at : NULL, 'L', m->name);
	if (which & ~RAW)
		at += put_extended(to != NULL ? to + at : NULL, m, (which & ~RAW) | (m->mtime_nsec > 0 ? MTIME : 0));
	if (to != NULL)
		put_block(m, to + at);
	return at + CCP_TAR_BLOCK;
}

size_t ccp_tar_header_bytes(const struct ccp_tar_member *member)
{
	return put_header(member, NULL);
}

size_t ccp_tar_header_put(const struct ccp_tar_member *member, uint8_t *to)
{
	return put_header(member, to);
}
