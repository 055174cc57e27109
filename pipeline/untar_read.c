/*
 * untar_read.c: what libarchive says of the bytes: members, and what is wrong. It reads and never writes.
 */
#include <errno.h>
#include <string.h>
#ifdef CCP_HAVE_ARCHIVE
#include <archive.h>
#include <archive_entry.h>
#endif

#include "pipeline/pipe.h"
#include "pipeline/untar_internal.h"

#ifndef CCP_HAVE_ARCHIVE

const char *ccp_untar_probe(void)
{
	return "libarchive is missing";
}

int ccp_untar_read(struct ccp_untar *untar)
{
	return ccp_err_set(&untar->err, CCP_E_UNSUPPORTED, "not built: %s", ccp_untar_probe());
}

int ccp_untar_read_data(struct ccp_untar *untar, const void **data, size_t *len, uint64_t *offset)
{
	(void)data;
	(void)len;
	(void)offset;
	return ccp_untar_read(untar);
}

uint64_t ccp_untar_position(const struct ccp_untar *untar)
{
	(void)untar;
	return 0;
}

#else

const char *ccp_untar_probe(void)
{
	return NULL;
}

/* After some errors libarchive tells no place of the header, but still how far it has come. */
uint64_t ccp_untar_position(const struct ccp_untar *untar)
{
	la_int64_t at = archive_read_header_position(untar->archive);

	if (at < 0)
		at = archive_filter_bytes(untar->archive, 0);
	return at < 0 ? CCP_NO_OFFSET : (uint64_t)at;
}

/* A warning is about names that are no UTF-8, which stay as they are, or about what is passed over. */
static bool is_fine(int result)
{
	return result == ARCHIVE_OK || result == ARCHIVE_WARN;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

static size_t read_pipe(struct ccp_untar *untar, const void **data)
{
	enum ccp_pipe_end end;
	size_t n = ccp_pipe_read(untar->pipe, data, &end);

	untar->read += n;
	untar->at_end = n == 0;
	untar->cut = end == CCP_PIPE_FAILED;
	return n;
}

static la_ssize_t on_read(struct archive *archive, void *arg, const void **data)
{
	struct ccp_untar *untar = arg;
	size_t n = untar->first_len;

	if (n > 0) {
		*data = untar->first;
		untar->first_len = 0;
		return (la_ssize_t)n;
	}
	n = read_pipe(untar, data);
	if (untar->cut) {
		archive_set_error(archive, EIO, "cut");
		return -1;
	}
	return (la_ssize_t)n;
}

/* What the bytes are if they are no archive but have been compressed by what we do not decode; or NULL. */
static const char *foreign(const uint8_t *data, size_t len)
{
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

	for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
		if (len >= kinds[i].len && memcmp(data, kinds[i].magic, kinds[i].len) == 0)
			return kinds[i].name;
	return NULL;
}

/* Fills untar->err: with libarchive's words, unless there was nothing more to read. */
static int damaged(struct ccp_untar *untar)
{
	const char *text = archive_error_string(untar->archive);

	if (untar->cut)
		return ccp_err_set(&untar->err, CCP_E_CANCELLED, "interrupted");
	if (untar->at_end)
		return ccp_err_at(&untar->err, CCP_E_TRUNCATED, untar->read, "unexpected end of file");
	ccp_err_at(&untar->err, CCP_E_FORMAT, ccp_untar_position(untar), "%s", text ? text : "damaged");
	for (char *p = untar->err.text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return -1;
}

static int open_archive(struct ccp_untar *untar)
{
	const char *name;

	untar->first_len = read_pipe(untar, &untar->first);
	if (untar->cut)
		return ccp_err_set(&untar->err, CCP_E_CANCELLED, "interrupted");
	if (untar->first_len == 0)
		return ccp_err_set(&untar->err, CCP_E_FORMAT, "not a tar archive: it is empty");
	name = foreign(untar->first, untar->first_len);
	if (name)
		return ccp_err_set(&untar->err, CCP_E_UNSUPPORTED, "%s format is not supported", name);
	if (archive_read_support_format_tar(untar->archive) != ARCHIVE_OK ||
	    archive_read_open(untar->archive, untar, NULL, on_read, NULL) != ARCHIVE_OK)
		return untar->cut ? damaged(untar)
				  : ccp_err_set(&untar->err, CCP_E_FORMAT, "not a tar archive");
	return 0;
}

/* ---- members --------------------------------------------------------------------------------------------- */

static void describe(struct archive_entry *entry, struct ccp_untar_member *member)
{
	const char *name = archive_entry_pathname(entry), *hard = archive_entry_hardlink(entry);

	*member = (struct ccp_untar_member){
		.name = name ? name : "",
		.link = hard ? hard : archive_entry_symlink(entry),
		.hard = hard != NULL,
		.mode = archive_entry_mode(entry),
		.size = archive_entry_size(entry) > 0 ? (uint64_t)archive_entry_size(entry) : 0,
		.mtime = { .tv_sec = archive_entry_mtime(entry), .tv_nsec = archive_entry_mtime_nsec(entry) },
		.user = archive_entry_uname(entry),
		.group = archive_entry_gname(entry),
		.uid = archive_entry_uid(entry),
		.gid = archive_entry_gid(entry),
		.major = (unsigned)archive_entry_rdevmajor(entry),
		.minor = (unsigned)archive_entry_rdevminor(entry),
	};
	if (hard) {
		member->mode = (member->mode & 07777) | S_IFREG;
		member->size = 0;
	}
	if (member->mtime.tv_nsec < 0 || member->mtime.tv_nsec > 999999999) /* the archive says so: not for utimensat */
		member->mtime.tv_nsec = 0;
	if (!S_ISREG(member->mode))
		member->size = 0;
}

int ccp_untar_read_data(struct ccp_untar *untar, const void **data, size_t *len, uint64_t *offset)
{
	la_int64_t at;
	int result = archive_read_data_block(untar->archive, data, len, &at);

	if (result == ARCHIVE_EOF)
		return 0;
	if (!is_fine(result) || at < 0)
		return damaged(untar);
	*offset = (uint64_t)at;
	return 1;
}

/* All members. Returns 0 at the end of the archive, -1 with untar->err. */
static int read_members(struct ccp_untar *untar)
{
	struct ccp_untar_member member;
	struct ccp_err err;

	for (;;) {
		struct archive_entry *entry;
		int result = archive_read_next_header(untar->archive, &entry);

		if (result == ARCHIVE_EOF)
			break;
		if (!is_fine(result))
			return damaged(untar);
		describe(entry, &member);
		if (ccp_untar_member(untar, &member) != 0)
			return -1;
	}
	if (untar->cut)
		return ccp_err_set(&untar->err, CCP_E_CANCELLED, "interrupted");
	if (untar->at_end) {
		ccp_err_at(&err, CCP_W_OTHER, untar->read, "the archive has no end mark: it may have been cut short");
		untar->options->tell(untar->options->arg, CCP_UNTAR_WARNING, NULL, &err);
	}
	return 0;
}

int ccp_untar_read(struct ccp_untar *untar)
{
	int result = -1;

	untar->archive = archive_read_new();
	if (!untar->archive)
		return ccp_err_set(&untar->err, CCP_E_NO_MEMORY, "out of memory");
	if (open_archive(untar) == 0)
		result = read_members(untar);
	archive_read_free(untar->archive);
	untar->archive = NULL;
	return result;
}

#endif
