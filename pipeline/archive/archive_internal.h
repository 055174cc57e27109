/*
 * archive_internal.h: a reader of archives as its parts see it: archive.c (the calls of other threads), archive_read.c
 * (the thread: what is in an archive), archive_tell.c (what it tells the others, and the pipes), archive_input.c (the
 * bytes of an archive), archive_child.c (the child that decompresses), archive_kind.c (what bytes are).
 */
#ifndef CCP_PIPELINE_ARCHIVE_ARCHIVE_INTERNAL_H
#define CCP_PIPELINE_ARCHIVE_ARCHIVE_INTERNAL_H

#include <pthread.h>
#include <stddef.h>
#include <sys/queue.h>
#include <sys/types.h>

#include "pipeline/archive/archive.h"

#define CCP_ARCHIVE_BLOCK 65536 /* a pipe's capacity */

/* ---- archive_kind.c: Threads: any ---- */

enum ccp_archive_kind {
	CCP_KIND_NONE,
	CCP_KIND_TAR,
	CCP_KIND_EMPTY_TAR,      /* zeros */
	CCP_KIND_CPIO,
	CCP_KIND_AR,
	CCP_KIND_ZIP,
	CCP_KIND_7Z,
	CCP_KIND_ISO,
	CCP_KIND_RAR,
	CCP_KIND_GZIP,           /* compressed: what is in it is to be seen */
	CCP_KIND_FILTER,         /* compressed with what libarchive decompresses */
};

#define CCP_KIND_BYTES 10240     /* so many bytes tell, if there are so many; a tar's record */
#define CCP_KIND_ISO_AT 32769    /* "CD001" */

/* What begins with these bytes; `whole`: nothing follows. */
enum ccp_archive_kind ccp_archive_kind(const uint8_t *data, size_t len, bool whole);

/* What is in gzip that begins with these bytes. */
enum ccp_archive_kind ccp_archive_kind_inside(const uint8_t *data, size_t len);

/* ---- archive_child.c: Threads: the reader's ---- */

/* A child that decompresses; pid 0 = none. */
struct ccp_archive_child {
	pid_t pid;
	int in, out, words;      /* its standard input, output and error; -1 = not ours, or closed */
};

/* Starts one that reads from `from`, or through a pipe (in) if that is -1. Errors: -1 with `err`. */
int ccp_archive_child_start(struct ccp_archive_child *child, const char *const *options, int from,
			    struct ccp_err *err);

/* Waits for its end, after that of its output. Returns 0; errors: -1 with `err`, a warning perhaps. */
int ccp_archive_child_end(struct ccp_archive_child *child, struct ccp_err *err);

/* Makes an end of it. */
void ccp_archive_child_kill(struct ccp_archive_child *child);

/* ---- archive_input.c: Threads: the reader's ---- */

/* The bytes of an archive, or of what may be one. */
struct ccp_archive_input {
	int bell;                /* readable: it is to stop */
	int fd;                  /* -1 = none */
	bool own;                /* fd is to be closed */
	bool seeks;              /* a file that can be read at any place */
	uint64_t size;           /* its bytes */
	struct ccp_fetcher *fetcher; /* of a URL */
	struct ccp_fetch *fetch;
	uint8_t *kept;           /* what was read before it was known what it is, CCP_ARCHIVE_KEPT */
	size_t kept_len, kept_at;/* and how much of that was given again */
	bool keeps;              /* what is read now is kept */
	bool raw_end, at_end;    /* all was read: of what is stored, of what was decompressed */
	uint64_t read;           /* bytes as they are stored */
	struct ccp_err err;      /* why reading failed; or a warning, at the end */
	struct ccp_archive_child child;
	size_t fed, to_feed;     /* of feed: bytes that the child has taken, and that there are */
	uint8_t feed[CCP_ARCHIVE_BLOCK];
	uint8_t block[CCP_ARCHIVE_BLOCK]; /* what was read last */
};

#define CCP_ARCHIVE_KEPT ((size_t)1 << 20) /* more than a block of bzip2 becomes */

/* Opens a name. Errors: -1 with `err`. */
int ccp_archive_input_open(struct ccp_archive_input *input, const char *path, enum ccp_archive_source source,
			   struct ccp_err *err);
void ccp_archive_input_close(struct ccp_archive_input *input);

/* Looks at its beginning: what it is. Errors: -1 with input->err. */
int ccp_archive_input_look(struct ccp_archive_input *input, enum ccp_archive_kind *kind);

/* Lets a child decompress what is read. Errors: -1 with `err`. */
int ccp_archive_input_decompress(struct ccp_archive_input *input, const char *const *options, struct ccp_err *err);

/* From here on all is read again, from the start; `known`: for the last time. Returns false if it is too late. */
bool ccp_archive_input_again(struct ccp_archive_input *input, bool known);

/* Reads on, into input->block. Returns bytes, 0 at the end; -1 with input->err, CANCELLED if it is to stop. */
ssize_t ccp_archive_input_read(struct ccp_archive_input *input);

/* ---- archive.c ---- */

struct ccp_archive_member {
	/* set before it is handed out */
	TAILQ_ENTRY(ccp_archive_member) link;
	struct ccp_archive *archive;
	enum ccp_archive_word word;
	char *path;              /* or NULL */
	bool itself, has_mtime;
	struct timespec mtime;

	/* owned by NEXT, then const */
	uint64_t index;

	/* guarded by the archive's lock */
	bool writing;            /* the thread has it */
	bool dropped;            /* nobody wants it any more */
	bool bound, taken;
	int out;                 /* the end of the pipe that is read, until it is taken; -1 = none */
	struct ccp_err err;      /* how it ended */

	/* owned by the thread */
	int in;                  /* -1 = none */
	uint64_t written;
};

TAILQ_HEAD(ccp_archive_members, ccp_archive_member);

struct ccp_archive {
	/* set before the thread begins */
	const struct ccp_archive_options *options;
	const struct ccp_fetch_options *fetch_options;
	int bell;                /* readable: the thread is to stop */
	int news;                /* readable while `said` is not empty */
	unsigned depth;          /* members that have a pipe, at most */
	pthread_t thread;
	bool runs;               /* NEXT's */
	struct ccp_archive_member *last; /* NEXT's: what it was told last, if that is a FAILED */

	pthread_mutex_t lock;
	pthread_cond_t changed;  /* for the thread: there is a name, or room, or it is to stop */
	/* guarded by lock */
	char *path;              /* the name that is to be read, until the thread has it */
	enum ccp_archive_source source;
	struct ccp_archive_members said; /* not yet handed out */
	struct ccp_archive_members out;  /* handed out, and bound */
	unsigned live;           /* members with a pipe */
	bool lost;               /* there was no memory for a word */
	bool quit;
	struct ccp_archive_member end; /* END or PLAIN; the thread's again when it has the next name */

	/* owned by the thread */
	struct ccp_fetcher *fetcher; /* NULL until the first URL */
	uint64_t fetches;
};

/* Closes it, unless it is -1, which it becomes. */
void ccp_archive_close_fd(int *fd);

/* Makes an eventfd readable. */
void ccp_archive_ring(int fd);

/* Memory: `member` is given; `end`, which is no allocation, stays. */
void ccp_archive_free_member(struct ccp_archive_member *member);

/* ---- archive_tell.c: Threads: the reader's ---- */

/* Says a word about the name: `path`, which is copied, and `err` are of FAILED alone. */
void ccp_archive_say(struct ccp_archive *archive, enum ccp_archive_word word, const char *path,
		     const struct ccp_err *err);

/*
 * Begins a member, when there is room for it. Errors: NULL with `err`, CANCELLED if it is to stop; of any other nothing
 * was said yet.
 */
struct ccp_archive_member *ccp_archive_begin(struct ccp_archive *archive, const char *path, bool itself,
					     const struct timespec *mtime, struct ccp_err *err);

/* Writes to its pipe. Returns 0; 1 if nobody wants more of it; -1 if the thread is to stop. */
int ccp_archive_write(struct ccp_archive_member *member, const void *data, size_t len);

/* Ends it, well if `err` is NULL. Memory: it may be gone. */
void ccp_archive_finish(struct ccp_archive_member *member, const struct ccp_err *err);

/* Takes the next name, when there is one. Returns false if it is to stop. Memory: *path is returned. */
bool ccp_archive_wait(struct ccp_archive *archive, char **path, enum ccp_archive_source *source);

/* ---- archive_read.c ---- */

/* The thread. */
void *ccp_archive_run(void *archive);

#endif
