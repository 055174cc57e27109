/*
 * archive_reading.h: the reading of one name, for the two parts of the thread: archive_read.c (what a name is) and
 * archive_members.c (what is in an archive).
 */
#ifndef CCP_PIPELINE_ARCHIVE_ARCHIVE_READING_H
#define CCP_PIPELINE_ARCHIVE_ARCHIVE_READING_H

#include "pipeline/archive/archive_internal.h"
#include "pipeline/archive/archive_lib.h"

#ifdef CCP_HAVE_ARCHIVE

#include <limits.h>

/* What is read now. Threads: the reader's. */
struct ccp_archive_reading {
	struct ccp_archive *owner;
	const struct ccp_archive_lib *lib;
	struct ccp_archive_input input;
	enum ccp_archive_kind kind; /* of what libarchive reads */
	enum ccp_archive_kind inside; /* the same, if a child decompresses it; else NONE */
	bool filtered;           /* libarchive decompresses, too */
	struct archive *archive; /* libarchive's */
	const char *name;        /* as it is shown */
	char path[PATH_MAX];     /* ARCHIVE!MEMBER */
	bool path_fits;
	uint64_t number;         /* members so far */
	uint64_t bytes;          /* that came of them */
	struct ccp_err err;      /* why it cannot be read on */
};

/* Lets libarchive have the input, as it is now. Errors: -1 with r->err. */
int ccp_archive_members_open(struct ccp_archive_reading *r);
void ccp_archive_members_close(struct ccp_archive_reading *r);

/* Says all members. Returns 0 at the end of the archive; errors: -1 with r->err: it cannot be read on. */
int ccp_archive_members_read(struct ccp_archive_reading *r);

#endif
#endif
