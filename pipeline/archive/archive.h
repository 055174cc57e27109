/*
 * archive.h: the members of archives as inputs: one thread reads one archive after the other, each member into a pipe.
 *
 * Whoever reads a member has the other end of its pipe, and waits for it as for any pipe. A member is handed out when
 * all those before it are in their pipes, whole: so at most one of those that were handed out is still being written,
 * and no order of reading can lead to a wait for each other. Small ones lie in their pipes, up to 64 of them, while
 * others are worked on; a large one stops the thread until it has been read.
 *
 * What is read: tar, cpio, ar, zip, 7z, iso9660 and rar, by libarchive, which is loaded when the first name is looked
 * at. Of tar, cpio and ar in gzip, this same program is started as a child to decompress them, in parallel; in zstd,
 * xz, bzip2, lz4 and lzip, libarchive decompresses them in the thread. Anything else is no archive, and remains the
 * input that it is. Names in archives are names: they are never opened.
 */
#ifndef CCP_PIPELINE_ARCHIVE_ARCHIVE_H
#define CCP_PIPELINE_ARCHIVE_ARCHIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "pipeline/err.h"
#include "pipeline/net/fetch.h"

struct ccp_archive;
struct ccp_archive_member;

#define CCP_ARCHIVE_CHILD_OPTIONS 8

/* Const during the run; strings are borrowed. */
struct ccp_archive_options {
	bool wanted;             /* the members of archives are inputs */
	bool guarded;            /* refuse an archive of which more than 1 GiB comes, and more than 1000:1 */
	/* how the child that decompresses is to run; ended by NULL */
	const char *child[CCP_ARCHIVE_CHILD_OPTIONS + 1];
};

/* What a name turned out to be, one word after the other, up to one of the last two. */
enum ccp_archive_word {
	CCP_ARCHIVE_MEMBER,      /* a member: `path` is ARCHIVE!MEMBER, or the name itself if it is a stream and none */
	CCP_ARCHIVE_FAILED,      /* an archive, or a member of it, that cannot be read, or is passed over: `err` */
	CCP_ARCHIVE_PLAIN,       /* no archive, and nothing was read of it */
	CCP_ARCHIVE_END,         /* no more members */
};

struct ccp_archive_found {
	enum ccp_archive_word word;
	const char *path;        /* of the first two; NULL = there was no memory; borrowed until the next call */
	bool itself;             /* MEMBER: it is the name itself */
	struct ccp_err err;      /* FAILED */
};

/* How a name is to be read. */
enum ccp_archive_source {
	CCP_ARCHIVE_PATH,
	CCP_ARCHIVE_STDIN,
	CCP_ARCHIVE_URL,
};

/* Why archives cannot be read by this program, or NULL. */
const char *ccp_archive_probe(void);

/*
 * Makes a reader; it has no thread, and has loaded no library, before the first name.
 * Errors: -1 with `err`. Memory: returned, for ccp_archive_free; NULL is allowed there. Both `options` are borrowed.
 */
int ccp_archive_new(struct ccp_archive **archive, const struct ccp_archive_options *options,
		    const struct ccp_fetch_options *fetch, struct ccp_err *err);

/* Ends the thread and its child. No member is open any more. Threads: one, and no other call beside it. */
void ccp_archive_free(struct ccp_archive *archive);

/*
 * Begins with a name; the one before has come to its end. Starts the thread, so that it must not be called before all
 * processes that do not replace their program are forked.
 * Errors: -1 with `err`. Memory: `path` is copied. Threads: NEXT's.
 */
int ccp_archive_open(struct ccp_archive *archive, const char *path, enum ccp_archive_source source,
		     struct ccp_err *err);

/*
 * A descriptor that is readable while ccp_archive_next would return 1. Threads: NEXT's.
 */
int ccp_archive_fd(const struct ccp_archive *archive);

/* What comes next of the name. Returns 1, or 0 if that is not known now. Threads: NEXT's. */
int ccp_archive_next(struct ccp_archive *archive, struct ccp_archive_found *found);

/* Says that the member which ccp_archive_next returned last is this input. Threads: NEXT's. */
void ccp_archive_bind(struct ccp_archive *archive, uint64_t index);

/*
 * Hands out the member of an input: its bytes come out of `fd`, which does not block, and after the last one, or an
 * error, its end. Does not wait.
 * Errors: -1 with `err`. Memory: `fd` is the caller's to close, before ccp_archive_close. Threads: any.
 */
int ccp_archive_take(struct ccp_archive *archive, uint64_t index, struct ccp_archive_member **member, int *fd,
		     struct ccp_err *err);

/* The time of a member. Returns false if the archive has none. Threads: any. */
bool ccp_archive_mtime(const struct ccp_archive_member *member, struct timespec *mtime);

/*
 * How a member ended; asked when its pipe has ended. Returns 0 if all of it is there.
 * Errors: -1 with `err`, whose offset is in the member. Threads: any.
 */
int ccp_archive_result(struct ccp_archive_member *member, struct ccp_err *err);

/* Gives a member back; what has not been read of it is passed over. Memory: `member` is gone. Threads: any. */
void ccp_archive_close(struct ccp_archive_member *member);

#endif
