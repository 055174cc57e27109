/*
 * err.h: what went wrong, as a value.
 *
 * Library code never prints and never exits. A function that can fail takes a `struct ccp_err *` last, fills it where
 * the context is known, and returns -1. The command line turns the value into a line and an exit status.
 */
#ifndef CCP_PIPELINE_ERR_H
#define CCP_PIPELINE_ERR_H

#include <stdbool.h>
#include <stdint.h>

/* The cause. Codes below CCP_E_FIRST are warnings: no harm is done, and the exit status is 2 but for CCP_W_INDEX. */
enum ccp_code {
	CCP_OK = 0,

	CCP_W_DIRECTORY,    /* a directory, and no -r */
	CCP_W_SPECIAL,      /* not a regular file */
	CCP_W_WALKED_LINK, /* a symbolic link that a walk met, passed over */
	CCP_W_LINKS,        /* has other hard links */
	CCP_W_SETID,        /* set-user-ID, set-group-ID or sticky */
	CCP_W_HAS_SUFFIX,   /* already has the suffix */
	CCP_W_NO_SUFFIX,    /* decompression: unknown suffix */
	CCP_W_EXISTS,       /* the target exists */
	CCP_W_TRAILING,     /* garbage after the last member */
	CCP_W_CHANGED,      /* the source changed while it was read; it was kept */
	CCP_W_METADATA,     /* mode, owner, times or attributes could not be kept */
	CCP_W_INDEX,        /* an index was of no use; the exit status does not change */
	CCP_W_OTHER,

	CCP_E_FIRST,
	CCP_E_SYS = CCP_E_FIRST, /* `sys` holds errno */
	CCP_E_SYMLINK,           /* refused: a symbolic link */
	CCP_E_NOT_GZIP,          /* not in gzip format */
	CCP_E_METHOD,            /* gzip header with an unknown method or reserved flags */
	CCP_E_TRUNCATED,         /* unexpected end of file */
	CCP_E_FORMAT,            /* damaged deflate data */
	CCP_E_CRC,               /* CRC of a member */
	CCP_E_LENGTH,            /* ISIZE of a member */
	CCP_E_CHANGED,           /* the input shrank or was replaced under our feet */
	CCP_E_VERIFY,            /* what was written does not decode to what was read */
	CCP_E_NAME,              /* the target's name cannot be made */
	CCP_E_NO_MEMORY,
	CCP_E_WORKER,    /* a worker process died */
	CCP_E_CANCELLED, /* the run was interrupted */
	CCP_E_USAGE,
	CCP_E_UNSUPPORTED, /* not built, or not allowed here */
	CCP_E_OTHER,
};

/* True for the warnings that mean: this input was not taken; nothing was read or written for it. */
static inline bool ccp_code_refuses(enum ccp_code code)
{
	return code >= CCP_W_DIRECTORY && code <= CCP_W_EXISTS;
}

#define CCP_NO_OFFSET UINT64_MAX
#define CCP_ERR_TEXT 320

/*
 * One error or warning. It holds no pointer, so that it can lie in memory shared by processes.
 * Units: `offset` is a byte offset in the input as it is stored (the compressed one), or CCP_NO_OFFSET.
 */
struct ccp_err {
	enum ccp_code code;
	int sys; /* errno, or 0 */
	uint64_t offset;
	char text[CCP_ERR_TEXT]; /* the cause in words: no program name, no path of the input, no newline */
};

/* True for an error, false for a warning or nothing. */
static inline bool ccp_err_is_error(const struct ccp_err *err)
{
	return err->code >= CCP_E_FIRST;
}

/* Empties `err`. */
void ccp_err_clear(struct ccp_err *err);

/*
 * Fills `err` from a printf format. Always returns -1, so that a caller can `return ccp_err_set(…)`.
 * Threads: touches `err` only. Memory: text that is too long is cut.
 */
int ccp_err_set(struct ccp_err *err, enum ccp_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same, with a byte offset. Returns -1. */
int ccp_err_at(struct ccp_err *err, enum ccp_code code, uint64_t offset, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Fills `err` with CCP_E_SYS, `sys` and "FORMAT…: strerror(sys)" (the message alone if `format` is ""). Returns -1. */
int ccp_err_sys(struct ccp_err *err, int sys, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Appends to the words of an error, as far as there is room. */
void ccp_err_add(struct ccp_err *err, const char *words);

#endif
