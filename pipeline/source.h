/*
 * source.h: where bytes come from.
 *
 * A source never reads. It says what it wants (open this, read there, close that) and an executor does it with pread,
 * with io_uring or after epoll, so that all of them share one set of rules for short reads, limits and errors. Adding
 * one is adding pipeline/read/NAME.c with `const struct ccp_source_ops ccp_source_NAME`; the build collects the folder
 * into the table ccp_sources[].
 */
#ifndef CCP_PIPELINE_SOURCE_H
#define CCP_PIPELINE_SOURCE_H

#include "pipeline/err.h"
#include "pipeline/job.h"

struct ccp_archive;
struct ccp_fetcher;
struct ccp_tar_layout;

/* Rules for what may be an input; const during the run. */
struct ccp_source_options {
	bool to_stdout;          /* output goes elsewhere: special files, links and set-id files are read like others */
	bool force;              /* follow symbolic links, take files with several hard links */
	bool refuse_setid;       /* refuse set-user-ID, set-group-ID and sticky files (GNU gzip) */
	bool remove_source;      /* the source will be removed: hard links matter */
	bool need_mtime;         /* fill origin.mtime for streams too? (regular files always) */

	const struct ccp_tar_layout *tar; /* the archive that is to be written; NULL = none */

	/* What gets inputs from elsewhere (net/fetch.h); NULL = nobody: such names are refused. */
	struct ccp_fetcher *fetcher;

	/* What reads archives (archive/archive.h); NULL = nobody: they are files like others. */
	struct ccp_archive *archive;

	/*
	 * Asked once for every input, right after it was opened and before a byte of it is read; NULL = everything is
	 * welcome.
	 * Errors: -1 with an error, or with a warning if the input is to be skipped. Threads: any, and worker
	 * processes.
	 */
	int (*admit)(const void *arg, const struct ccp_input *input, struct ccp_err *err);
	const void *admit_arg;

	/*
	 * Standard input, FIFOs and devices are cut anywhere, when nothing more comes for a moment. For results that do
	 * not depend on where that is.
	 */
	bool lulls;

	/* Called now and then while LOAD waits for a silent stream; NULL = nobody wants to know. Threads: as LOAD. */
	void (*idle)(void *arg);
	void *idle_arg;
};

enum ccp_want_kind {
	CCP_WANT_NOTHING,        /* the job is loaded */
	CCP_WANT_OPEN,           /* openat(AT_FDCWD, path, flags) -> descriptor */
	CCP_WANT_READ,           /* pread(fd, data, len, offset) -> bytes, 0 at the end */
	/* wait until fd is readable, it is `due` (-ETIME), or the run cancelled (-ECANCELED); read(fd, data, len) */
	CCP_WANT_STREAM,
	CCP_WANT_CLOSE,          /* close(fd) */
};

/* One thing that a source wants to be done for a job. Pointers are borrowed until the matching `got`. */
struct ccp_want {
	enum ccp_want_kind kind;
	const char *path;        /* OPEN */
	int flags;               /* OPEN */
	int fd;                  /* READ, STREAM, CLOSE */
	uint64_t offset;         /* READ */
	void *data;
	size_t len;
	uint64_t due_ns;         /* STREAM: by CLOCK_MONOTONIC; 0 = never. Whoever waits may come 50 ms late */
};

enum {
	/* LOADs of one input happen in order, one at a time, in the process that runs the flow */
	CCP_SOURCE_STREAM = 1u << 0,
	/* streams of which no two names are the same one, so that several can be read at a time */
	CCP_SOURCE_APART = 1u << 1,
	/* the name is no path: no file stands there, and there is no place beside it */
	CCP_SOURCE_REMOTE = 1u << 2,
};

/*
 * The calls of a source.
 *
 * claims   whether `path` (with its stat, or NULL if it is to be read as a stream) is one of this source's. The table
 *          is asked in order of `rank`, lowest first.
 * show     puts the name that an input is to be known by, without passwords, into `shown`, which has room for
 *          PATH_MAX; if it is not `whole` only its beginning is there. NULL: it is known by its path. Threads: NEXT's.
 * ahead    announces an input that may be opened later. NULL: nothing can be done before it is opened. Threads: NEXT's.
 * ready    whether the first byte of an announced input, or its end, or its error is there. NULL: always. Threads: any.
 * news     with `ready`: a descriptor that becomes readable when that is so of one more input, or -1; with `quiet` what
 *          was told before no longer makes it readable. Threads: any. At most one source has them.
 * open     makes an input readable for jobs that share it (cut or streamed): sets meta, size, sized, fd, origin.
 *          Errors: -1 with `err` (an error, or a warning for an input that is to be skipped).
 * want     what is to be done next for the job; called again after each `got`.
 *          Threads: the holder of the job; for a STREAM no two jobs of an input at once.
 * got      the result: >= 0, or -errno. Handles short results (a further `want` follows), opens (fstat, rules, meta),
 *          and the end. Errors: -1 with job->piece.err; a descriptor of the job alone is closed before it returns -1.
 * close    undoes open.
 */
struct ccp_source_ops {
	const char *name;
	const char *help;
	unsigned flags;
	int rank;
	const char *(*probe)(void);
	bool (*claims)(const char *path, const struct stat *st);
	void (*show)(const char *path, bool whole, char *shown);
	void (*ahead)(const struct ccp_source_options *options, uint64_t index, const char *path);
	bool (*ready)(const struct ccp_source_options *options, uint64_t index);
	int (*news)(const struct ccp_source_options *options, bool quiet);
	int (*open)(struct ccp_input *input, const struct ccp_source_options *options, struct ccp_err *err);
	int (*want)(struct ccp_job *job, const struct ccp_source_options *options, struct ccp_want *want);
	int (*got)(struct ccp_job *job, const struct ccp_source_options *options, int64_t result);
	void (*close)(struct ccp_input *input);
};

/* All sources, ended by NULL. Generated by the build from the folder pipeline/read/. */
extern const struct ccp_source_ops *const ccp_sources[];

/* The source of tar -c: options.tar; no path leads to it. */
extern const struct ccp_source_ops ccp_source_tar;

/* The source of members of archives; no path leads to it: the walk says what is one. */
extern const struct ccp_source_ops ccp_source_member;

/* The source that claims `path`, or NULL. `st` is NULL for what is to be read as a stream (stdin, /proc). */
const struct ccp_source_ops *ccp_source_for(const char *path, const struct stat *st);

/*
 * Runs LOAD in the caller with blocking calls: want, do, got, until the job is loaded.
 * A stream is polled together with `cancel_fd` (-1 = none), so that a cancelled run never hangs on a silent pipe.
 * Errors: -1 with job->piece.err. Threads: the holder of the job.
 */
int ccp_source_load(struct ccp_job *job, const struct ccp_source_options *options, int cancel_fd);

/*
 * source->got, and after the open of a whole job options->admit. For every executor that runs LOAD; ccp_source_load
 * does.
 * Errors: -1 with job->piece.err (if admit refused: the descriptor is closed, the step is DONE).
 */
int ccp_source_got(struct ccp_job *job, const struct ccp_source_options *options, int64_t result);

/* What follows is for sources and NEXT. */

/* Whether symbolic links are followed: they are when nothing can be lost (to_stdout), or on demand (force). */
static inline bool ccp_source_follows(const struct ccp_source_options *options)
{
	return options->to_stdout || options->force;
}

/* The flags to open an input with. Never blocks: a FIFO is opened before it has a writer. */
int ccp_source_open_flags(const struct ccp_source_options *options);

/* The rules for what may be an input, by its stat. Errors: -1 with a CCP_W_… to skip it, or CCP_E_SYMLINK. */
int ccp_source_check(const struct stat *st, const struct ccp_source_options *options, struct ccp_err *err);

/* Looks at an input just opened: fills meta, has_meta, has_xattr, size, sized, origin. Errors: the rules'. */
int ccp_source_describe(struct ccp_input *input, int fd, const struct ccp_source_options *options, struct ccp_err *err);

/* Fills `err` with a CCP_W_CHANGED if the size or mtime are no longer those that `describe` found. */
void ccp_source_note_change(const struct ccp_input *input, int fd, struct ccp_err *err);

#endif
