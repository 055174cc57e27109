/*
 * untar_read.c: what libarchive says of the bytes: members, and what is wrong. It reads and never writes.
 *
 * Between the pipe and it stands a decoder (untar_filter.h) if the first bytes say that the archive was compressed with
 * something other than gzip, which has been decoded before.
 */
#include <errno.h>
#include <string.h>
#ifdef CCP_HAVE_ARCHIVE
#include <archive.h>
#include <archive_entry.h>
#endif

#include "pipeline/pipe.h"
#include "pipeline/untar_filter.h"
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

/* What comes through the pipe, as it is. */
static size_t pull(void *arg, const void **data)
{
	struct ccp_untar *untar = arg;
	enum ccp_pipe_end end;
	size_t n = untar->first_len;

	if (n > 0) {
		*data = untar->first;
		untar->first_len = 0;
		return n;
	}
	n = ccp_pipe_read(untar->pipe, data, &end);
	untar->cut = end == CCP_PIPE_FAILED;
	return n;
}

/*
 * Whether too much came of what was compressed. What is compressed twice counts by what was stored, too; of that the
 * piece that is being taken, and is not counted yet, has at most CCP_UNTAR_PIECE.
 */
static int guard(struct ccp_untar *untar)
{
	uint64_t in = ccp_untar_filter_in(untar->filter), out = ccp_untar_filter_out(untar->filter);
	uint64_t stored = atomic_load(&untar->stored) + CCP_UNTAR_PIECE;

	if (!untar->options->extract || untar->options->max_bytes > 0 || out <= CCP_UNTAR_GUARD_BYTES ||
	    out / CCP_UNTAR_GUARD_RATIO <= (in < stored ? in : stored))
		return 0;
	return ccp_untar_guarded(&untar->err);
}

/* The next bytes of the archive, decoded. Returns how many, 0 at its end, -1 with untar->err. */
static ssize_t read_archive(struct ccp_untar *untar, const void **data)
{
	ssize_t n;

	if (untar->filter == NULL)
		n = (ssize_t)pull(untar, data);
	else
		n = ccp_untar_filter_read(untar->filter, data, &untar->err);
	if (n > 0 && untar->filter != NULL && guard(untar) != 0)
		n = -1;
	if (untar->cut)
		ccp_err_set(&untar->err, CCP_E_CANCELLED, "interrupted");
	if (n < 0 || untar->cut)
		return -1;
	untar->read += (uint64_t)n;
	untar->at_end = n == 0;
	return n;
}

static la_ssize_t on_read(struct archive *archive, void *arg, const void **data)
{
	struct ccp_untar *untar = arg;
	ssize_t n = (ssize_t)untar->decoded_len;

	if (n > 0) {
		*data = untar->decoded;
		untar->decoded_len = 0;
		return n;
	}
	n = read_archive(untar, data);
	if (n < 0)
		archive_set_error(archive, EIO, "cut");
	return n;
}

/*
 * Reads what was compressed to its end. Of what stands there nothing is used, but it has to be whole; and where it is
 * not, that is why what was read before made no sense. Errors: -1 with untar->err.
 */
static int read_rest(struct ccp_untar *untar)
{
	const void *data;
	ssize_t n = 0;

	do
		n = untar->filter != NULL ? read_archive(untar, &data) : 0;
	while (n > 0);
	return n == 0 ? 0 : -1;
}

/* Fills untar->err: with libarchive's words, unless there was nothing more to read. */
static int damaged(struct ccp_untar *untar)
{
	bool at_end = untar->at_end;
	const char *text = archive_error_string(untar->archive);

	if (untar->err.code != CCP_OK || (!untar->at_end && read_rest(untar) != 0))
		return -1; /* reading failed, which says why */
	untar->at_end = at_end;
	if (untar->at_end)
		return ccp_err_at(&untar->err, CCP_E_TRUNCATED, untar->read, "unexpected end of file");
	ccp_err_at(&untar->err, CCP_E_FORMAT, ccp_untar_position(untar), "%s", text ? text : "damaged");
	for (char *p = untar->err.text; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return -1;
}

/* Looks at how the archive begins, and begins to decode it if need be. */
static int open_filter(struct ccp_untar *untar)
{
	const struct ccp_untar_bytes bytes = { pull, untar };
	const char *name, *twice;

	untar->first_len = pull(untar, &untar->first);
	if (untar->cut)
		return ccp_err_set(&untar->err, CCP_E_CANCELLED, "interrupted");
	name = ccp_untar_filter_name(untar->first, untar->first_len);
	if (name != NULL && ccp_untar_filter_open(&untar->filter, name, &bytes, &untar->err) != 0)
		return untar->cut ? ccp_err_set(&untar->err, CCP_E_CANCELLED, "interrupted") : -1;

	ssize_t n = read_archive(untar, &untar->decoded);

	if (n < 0)
		return -1;
	if (n == 0)
		return ccp_err_set(&untar->err, CCP_E_FORMAT, "not a tar archive: it is empty");
	untar->decoded_len = (size_t)n;
	twice = name != NULL ? ccp_untar_filter_name(untar->decoded, untar->decoded_len) : NULL;
	if (twice != NULL)
		return ccp_err_set(&untar->err, CCP_E_UNSUPPORTED, "%s in %s is not supported", twice, name);
	return 0;
}

static int open_archive(struct ccp_untar *untar)
{
	if (open_filter(untar) != 0)
		return -1;
	if (archive_read_support_format_tar(untar->archive) == ARCHIVE_OK &&
	    archive_read_open(untar->archive, untar, NULL, on_read, NULL) == ARCHIVE_OK)
		return 0;
	if (untar->err.code != CCP_OK || read_rest(untar) != 0)
		return -1;
	return ccp_err_set(&untar->err, CCP_E_FORMAT, "not a tar archive");
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
	if (untar->err.code != CCP_OK)
		return -1;
	if (untar->at_end) {
		ccp_err_at(&err, CCP_W_OTHER, untar->read, "the archive has no end mark: it may have been cut short");
		untar->options->tell(untar->options->arg, CCP_UNTAR_WARNING, NULL, &err);
	}
	return read_rest(untar);
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
	ccp_untar_filter_close(untar->filter);
	untar->filter = NULL;
	return result;
}

#endif
