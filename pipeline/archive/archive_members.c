/*
 * archive_members.c: what libarchive says of the bytes: members, and what is wrong with them.
 *
 * Members come in the order of the archive. Directories, symbolic links, devices and FIFOs have no bytes, and are
 * passed over in silence; a hard link, whose bytes stand under another name, is told. If one member cannot be read
 * (a wrong checksum, encryption) the others follow; if the archive cannot be read on, the member under way ends with
 * an error.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/archive/archive_reading.h"

#ifdef CCP_HAVE_ARCHIVE

#define GUARD_BYTES ((uint64_t)1 << 30) /* as untar.c has it */
#define GUARD_RATIO 1000u

/* ---- libarchive's view of the bytes -------------------------------------------------------------- */

static la_ssize_t on_read(struct archive *archive, void *arg, const void **data)
{
	struct ccp_archive_reading *r = arg;
	ssize_t n = ccp_archive_input_read(&r->input);

	if (n < 0) {
		r->lib->set_error(archive, EIO, "cut");
		return -1;
	}
	*data = r->input.block;
	return n;
}

static la_int64_t on_seek(struct archive *archive, void *arg, la_int64_t offset, int whence)
{
	struct ccp_archive_reading *r = arg;
	off_t at = lseek(r->input.fd, offset, whence);

	(void)archive;
	r->input.raw_end = r->input.at_end = false;
	return at < 0 ? ARCHIVE_FATAL : at;
}

/* It may skip fewer bytes than asked, and never beyond the end: there reading has to find that something is missing. */
static la_int64_t on_skip(struct archive *archive, void *arg, la_int64_t bytes)
{
	struct ccp_archive_reading *r = arg;
	off_t here = lseek(r->input.fd, 0, SEEK_CUR);

	(void)archive;
	if (here < 0 || (uint64_t)here >= r->input.size)
		return 0;
	if ((uint64_t)bytes > r->input.size - (uint64_t)here)
		bytes = (la_int64_t)(r->input.size - (uint64_t)here);
	return lseek(r->input.fd, bytes, SEEK_CUR) < 0 ? 0 : bytes;
}

/* Libarchive's words, for people. */
static const char *words_of(const struct ccp_archive_reading *r, char *words, size_t room)
{
	const char *text = r->lib->error_string(r->archive);

	snprintf(words, room, "%s", text != NULL && text[0] != '\0' ? text : "it is damaged, or ends too early");
	for (char *p = words; *p != '\0'; p++)
		if (*p < ' ' || *p > '~')
			*p = '?';
	return words;
}

/* Whether libarchive's place of a header is one in what is stored. */
static bool is_place(const struct ccp_archive_reading *r)
{
	return !r->filtered && r->inside == CCP_KIND_NONE &&
	       (r->kind == CCP_KIND_TAR || r->kind == CCP_KIND_CPIO || r->kind == CCP_KIND_AR);
}

/* The archive cannot be read on. Fills r->err. */
static int damaged(struct ccp_archive_reading *r)
{
	char words[CCP_ERR_TEXT];
	la_int64_t at = r->lib->read_header_position(r->archive);

	if (r->err.code != CCP_OK)
		return -1;
	if (ccp_err_is_error(&r->input.err))
		r->err = r->input.err;
	else
		ccp_err_at(&r->err, CCP_E_FORMAT,
			   is_place(r) && at >= 0 ? (uint64_t)at : CCP_NO_OFFSET,
			   "%s", words_of(r, words, sizeof words));
	return -1;
}

/* Says which formats and compressions there can be. */
static void support(struct ccp_archive_reading *r)
{
	const struct ccp_archive_lib *lib = r->lib;
	struct archive *a = r->archive;

	if (r->filtered) {
		lib->read_support_filter_zstd(a);
		lib->read_support_filter_xz(a);
		lib->read_support_filter_bzip2(a);
		lib->read_support_filter_lz4(a);
		lib->read_support_filter_lzip(a);
	}
	if (r->filtered || r->kind == CCP_KIND_TAR || r->kind == CCP_KIND_EMPTY_TAR)
		lib->read_support_format_tar(a);
	if (r->filtered || r->kind == CCP_KIND_CPIO)
		lib->read_support_format_cpio(a);
	if (r->filtered || r->kind == CCP_KIND_AR)
		lib->read_support_format_ar(a);
	if (r->kind == CCP_KIND_ZIP && r->input.seeks)
		lib->read_support_format_zip(a);
	else if (r->kind == CCP_KIND_ZIP)
		lib->read_support_format_zip_streamable(a);
	if (r->kind == CCP_KIND_7Z)
		lib->read_support_format_7zip(a);
	if (r->kind == CCP_KIND_ISO)
		lib->read_support_format_iso9660(a);
	if (r->kind == CCP_KIND_RAR) {
		lib->read_support_format_rar(a);
		lib->read_support_format_rar5(a);
	}
}

int ccp_archive_members_open(struct ccp_archive_reading *r)
{
	r->archive = r->lib->read_new();
	if (r->archive == NULL)
		return ccp_err_set(&r->err, CCP_E_NO_MEMORY, "no memory for an archive");
	support(r);
	r->lib->read_set_callback_data(r->archive, r);
	r->lib->read_set_read_callback(r->archive, on_read);
	if (r->input.seeks && r->input.child.pid == 0) {
		r->lib->read_set_seek_callback(r->archive, on_seek);
		r->lib->read_set_skip_callback(r->archive, on_skip);
	}
	return r->lib->read_open1(r->archive) == ARCHIVE_OK ? 0 : damaged(r);
}

void ccp_archive_members_close(struct ccp_archive_reading *r)
{
	if (r->archive != NULL)
		r->lib->read_free(r->archive);
	r->archive = NULL;
}

/* ---- members ------------------------------------------------------------------------------------- */

/* Makes "ARCHIVE!MEMBER" of what the archive says, which may be anything. */
static void make_path(struct ccp_archive_reading *r, struct archive_entry *entry)
{
	const char *name = r->lib->entry_pathname(entry);
	int len;

	if (name == NULL)
		name = r->lib->entry_pathname_utf8(entry);
	if (name != NULL && name[0] != '\0')
		len = snprintf(r->path, sizeof r->path, "%s!%s", r->name, name);
	else /* it is in no character set that is known here */
		len = snprintf(r->path, sizeof r->path, "%s!#%llu", r->name, (unsigned long long)r->number);
	r->path_fits = len >= 0 && (size_t)len < sizeof r->path;
}

/* A bomb: more than anybody would have packed. Of a file its size counts, so that all strategies stop at one place. */
static int guard(struct ccp_archive_reading *r, size_t len)
{
	uint64_t stored = r->input.seeks ? r->input.size : r->input.read;

	r->bytes += len;
	if (!r->owner->options->guarded || r->bytes <= GUARD_BYTES || r->bytes / GUARD_RATIO <= stored)
		return 0;
	return ccp_err_set(&r->err, CCP_E_OTHER,
			   "stopped: more than 1 GiB comes of it, and more than %u times its size", GUARD_RATIO);
}

/* Writes the next bytes of a member, which stand at `at`: what is left out before them is zeros. */
static int write_block(struct ccp_archive_reading *r, struct ccp_archive_member *member, const void *data, size_t len,
		       uint64_t at)
{
	static const char zeros[CCP_ARCHIVE_BLOCK];
	int result;

	while (member->written < at) {
		size_t n = at - member->written < sizeof zeros ? (size_t)(at - member->written) : sizeof zeros;

		if (guard(r, n) != 0)
			return -1;
		result = ccp_archive_write(member, zeros, n);
		if (result != 0)
			return result;
	}
	return guard(r, len) != 0 ? -1 : ccp_archive_write(member, data, len);
}

/* Brings a member's bytes into its pipe. Returns 0; -1: the archive ends here, and r->err says why. */
static int read_member(struct ccp_archive_reading *r, struct ccp_archive_member *member, uint64_t size)
{
	char words[CCP_ERR_TEXT];
	struct ccp_err err;
	const void *data;
	la_int64_t at;
	size_t len;
	int result, written = 0;

	ccp_err_clear(&err);
	do {
		result = r->lib->read_data_block(r->archive, &data, &len, &at);
		if (result != ARCHIVE_OK || at < 0)
			continue;
		if (len > 0 && (uint64_t)at < member->written) /* only what is sparse can say so */
			ccp_err_at(&err, CCP_E_FORMAT, member->written, "its pieces overlap, or are out of order");
		else
			written = write_block(r, member, data, len, (uint64_t)at);
	} while ((result == ARCHIVE_OK || result == ARCHIVE_RETRY) && written == 0 && err.code == CCP_OK);
	/* a hole at the end has no block */
	if (result == ARCHIVE_EOF && r->kind == CCP_KIND_TAR && size > member->written)
		written = write_block(r, member, "", 0, size);
	if (written < 0 && r->err.code == CCP_OK)
		ccp_err_set(&r->err, CCP_E_CANCELLED, "interrupted");
	else if (written == 0 && result != ARCHIVE_EOF && result > ARCHIVE_FATAL && err.code == CCP_OK)
		ccp_err_at(&err, CCP_E_FORMAT, member->written, "%s", words_of(r, words, sizeof words));
	else if (written == 0 && result != ARCHIVE_EOF && err.code == CCP_OK)
		damaged(r);
	if (r->err.code != CCP_OK)
		ccp_err_at(&err, r->err.code == CCP_E_CANCELLED ? CCP_E_CANCELLED : CCP_E_FORMAT, member->written,
			   "cut here, with its archive");
	ccp_archive_finish(member, err.code != CCP_OK ? &err : NULL);
	return r->err.code == CCP_OK ? 0 : -1;
}

/* Whether a member is a file, and can be one that is read. If it is one and cannot, it says so. */
static bool is_wanted(struct ccp_archive_reading *r, struct archive_entry *entry)
{
	const char *hard = r->lib->entry_hardlink(entry), *bang = r->path + strlen(r->name);
	mode_t kind = r->lib->entry_filetype(entry);
	struct ccp_err err;

	ccp_err_clear(&err);
	if (!r->path_fits && (hard != NULL || kind == S_IFREG || kind == 0))
		ccp_err_sys(&err, ENAMETOOLONG, "%s", "");
	else if (hard != NULL && r->lib->entry_size(entry) == 0)
		ccp_err_set(&err, CCP_W_SPECIAL, "is a hard link to another member");
	else if (kind != S_IFREG && kind != 0)
		return false;
	else if (r->kind == CCP_KIND_AR && (strcmp(bang, "!/") == 0 || strcmp(bang, "!/SYM64/") == 0))
		return false; /* a table of symbols */
	else if (r->lib->entry_is_data_encrypted(entry))
		ccp_err_set(&err, CCP_E_UNSUPPORTED, "is encrypted");
	if (err.code == CCP_OK)
		return true;
	ccp_archive_say(r->owner, CCP_ARCHIVE_FAILED, r->path, &err);
	return false;
}

int ccp_archive_members_read(struct ccp_archive_reading *r)
{
	struct ccp_archive_member *member;
	struct archive_entry *entry;

	for (;;) {
		int result = r->lib->read_next_header(r->archive, &entry);
		struct timespec mtime;
		la_int64_t size;
		bool dated;

		if (result == ARCHIVE_EOF)
			return 0;
		if (result == ARCHIVE_RETRY)
			continue;
		if (result < ARCHIVE_WARN) /* a warning is about names that are in no known character set */
			return damaged(r);
		r->number++;
		make_path(r, entry);
		if (!is_wanted(r, entry))
			continue;
		size = r->lib->entry_size(entry);
		dated = r->lib->entry_mtime_is_set(entry) != 0;
		mtime = (struct timespec){ .tv_sec = r->lib->entry_mtime(entry),
					   .tv_nsec = r->lib->entry_mtime_nsec(entry) };
		if (mtime.tv_nsec < 0 || mtime.tv_nsec > 999999999) /* the archive says so */
			mtime.tv_nsec = 0;
		member = ccp_archive_begin(r->owner, r->path, false, dated ? &mtime : NULL, &r->err);
		if (member == NULL)
			return -1;
		if (read_member(r, member, size > 0 ? (uint64_t)size : 0) != 0)
			return -1;
	}
}

#endif
