/*
 * archive_read.c: the thread: takes one name after the other, and sees what it is.
 *
 * What is no archive is handed back if nothing has been read of it, which is so for files; else its bytes go through a
 * pipe as those of a member do. An archive is read member by member (archive_members.c) and after the last one to its
 * end, so that a decompressor can check all of it. If it cannot be read on, it is told as an input that failed.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/archive/archive_reading.h"
#include "pipeline/net/url.h"

#ifndef CCP_HAVE_ARCHIVE

const char *ccp_archive_probe(void)
{
	return "libarchive is missing";
}

void *ccp_archive_run(void *archive)
{
	(void)archive;
	return NULL;
}

#else

const char *ccp_archive_probe(void)
{
	return NULL;
}

/* ---- one name ------------------------------------------------------------------------------------ */

/* What follows the archive's own end is read all the same: a decompressor checks it, and a writer is not cut off. */
static void read_rest(struct ccp_archive_reading *r)
{
	bool marked = r->kind != CCP_KIND_TAR || r->filtered || !r->input.at_end;

	if (!r->input.seeks || r->input.child.pid != 0)
		while (ccp_archive_input_read(&r->input) > 0)
			continue;
	if (r->input.err.code != CCP_OK)
		r->err = r->input.err;
	else if (!marked)
		ccp_err_set(&r->err, CCP_W_SPECIAL, "has no end mark: members may have been cut off, and are");
}

static void read_archive(struct ccp_archive_reading *r)
{
	if (ccp_archive_members_open(r) == 0 && ccp_archive_members_read(r) == 0)
		read_rest(r);
	ccp_archive_members_close(r);
	if (r->err.code != CCP_OK && r->err.code != CCP_E_CANCELLED)
		ccp_archive_say(r->owner, CCP_ARCHIVE_FAILED, r->name, &r->err);
}

/* A stream that is no archive: its bytes have been begun with, and go through a pipe as a member's do. */
static void pass_on(struct ccp_archive_reading *r)
{
	struct ccp_archive_member *member = ccp_archive_begin(r->owner, r->name, true, NULL, &r->err);
	ssize_t n;

	if (member == NULL) {
		if (r->err.code != CCP_E_CANCELLED)
			ccp_archive_say(r->owner, CCP_ARCHIVE_FAILED, r->name, &r->err);
		return;
	}
	while ((n = ccp_archive_input_read(&r->input)) > 0)
		if (ccp_archive_write(member, r->input.block, (size_t)n) != 0)
			break;
	ccp_archive_finish(member, n < 0 ? &r->input.err : NULL);
}

/* Whether what is compressed by other means than gzip is an archive: libarchive has to try. */
static bool is_filtered_archive(struct ccp_archive_reading *r)
{
	struct archive_entry *entry;
	bool is;

	r->filtered = true;
	is = ccp_archive_members_open(r) == 0 && r->lib->read_next_header(r->archive, &entry) >= ARCHIVE_WARN;
	ccp_archive_members_close(r);
	if (r->err.code != CCP_E_CANCELLED)
		ccp_err_clear(&r->err);
	return is;
}

/* Looks at the beginning, and gets ready to read it. Errors: -1 with r->err. */
static int look(struct ccp_archive_reading *r)
{
	if (ccp_archive_input_look(&r->input, &r->kind) != 0) {
		r->err = r->input.err;
		return -1;
	}
	if (r->kind == CCP_KIND_GZIP)
		r->inside = ccp_archive_kind_inside(r->input.kept, r->input.kept_len);
	if (!ccp_archive_input_again(&r->input, r->kind != CCP_KIND_FILTER))
		return ccp_err_sys(&r->err, errno, "%s", "");
	if (r->kind == CCP_KIND_GZIP) {
		r->kind = r->inside;
		return ccp_archive_input_decompress(&r->input, r->owner->options->child, &r->err);
	}
	if (r->kind == CCP_KIND_FILTER) {
		if (!is_filtered_archive(r))
			r->kind = CCP_KIND_NONE;
		if (r->err.code != CCP_OK)
			return -1;
		if (!ccp_archive_input_again(&r->input, true))
			return ccp_err_set(&r->err, CCP_E_UNSUPPORTED,
					   "more than 1 MiB does not tell whether it is an archive: name a file");
		if (r->kind == CCP_KIND_FILTER)
			r->kind = CCP_KIND_TAR;
	}
	if ((r->kind == CCP_KIND_7Z || r->kind == CCP_KIND_ISO) && !r->input.seeks)
		return ccp_err_set(&r->err, CCP_E_UNSUPPORTED, "7z is not read from a stream: name a file");
	return 0;
}

static void read_name(struct ccp_archive_reading *r, const char *path, enum ccp_archive_source source)
{
	struct ccp_archive *owner = r->owner;
	bool stream;

	if (ccp_archive_input_open(&r->input, path, source, &r->err) != 0) {
		/* of a file its own source will tell */
		bool told = source == CCP_ARCHIVE_URL;

		if (told)
			ccp_archive_say(owner, CCP_ARCHIVE_FAILED, r->name, &r->err);
		ccp_archive_say(owner, told ? CCP_ARCHIVE_END : CCP_ARCHIVE_PLAIN, NULL, NULL);
		return;
	}
	stream = !r->input.seeks;
	if (look(r) != 0) {
		if (r->err.code != CCP_E_CANCELLED)
			ccp_archive_say(owner, CCP_ARCHIVE_FAILED, r->name, &r->err);
	} else if (r->kind == CCP_KIND_NONE && !stream) {
		ccp_archive_say(owner, CCP_ARCHIVE_PLAIN, NULL, NULL);
		return;
	} else if (r->kind == CCP_KIND_NONE) {
		pass_on(r);
	} else {
		read_archive(r);
	}
	ccp_archive_say(owner, CCP_ARCHIVE_END, NULL, NULL);
}

/* ---- the thread ---------------------------------------------------------------------------------- */

static void serve(struct ccp_archive *owner, const struct ccp_archive_lib *lib, char *path,
		  enum ccp_archive_source source)
{
	struct ccp_archive_reading *r = calloc(1, sizeof *r);
	char shown[PATH_MAX];
	struct ccp_err err;

	snprintf(shown, sizeof shown, "%s", path);
	if (source == CCP_ARCHIVE_URL)
		ccp_url_show(path, shown, sizeof shown);
	if (r == NULL || (source == CCP_ARCHIVE_URL && owner->fetcher == NULL &&
			  ccp_fetcher_new(&owner->fetcher, owner->fetch_options, &err) != 0)) {
		ccp_err_set(&err, CCP_E_NO_MEMORY, "no memory for an archive");
		ccp_archive_say(owner, CCP_ARCHIVE_FAILED, shown, &err);
		ccp_archive_say(owner, CCP_ARCHIVE_END, NULL, NULL);
		free(r);
		return;
	}
	r->owner = owner;
	r->lib = lib;
	r->name = shown;
	r->input.fd = r->input.child.in = r->input.child.out = r->input.child.words = -1;
	r->input.bell = owner->bell;
	r->input.fetcher = owner->fetcher;
	ccp_err_clear(&r->err);
	ccp_err_clear(&r->input.err);
	read_name(r, path, source);
	ccp_archive_input_close(&r->input);
	free(r);
}

void *ccp_archive_run(void *arg)
{
	struct ccp_archive *owner = arg;
	/* names of zip and 7z are Unicode, and come only into a character set that has them; of this thread alone */
	locale_t utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
	struct ccp_archive_lib lib;
	enum ccp_archive_source source;
	struct ccp_err err;
	char *path;
	bool loaded;

	if (utf8 != (locale_t)0)
		uselocale(utf8);
	ccp_err_clear(&err);
	loaded = ccp_archive_load(&lib, &err) == 0;
	while (ccp_archive_wait(owner, &path, &source)) {
		if (loaded) {
			serve(owner, &lib, path, source);
		} else {
			ccp_archive_say(owner, CCP_ARCHIVE_FAILED, path, &err);
			ccp_archive_say(owner, CCP_ARCHIVE_END, NULL, NULL);
		}
		free(path);
	}
	uselocale(LC_GLOBAL_LOCALE);
	if (utf8 != (locale_t)0)
		freelocale(utf8);
	return NULL;
}

#endif
