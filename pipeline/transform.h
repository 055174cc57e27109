/*
 * transform.h: what a transform is, and all that it may see.
 *
 * A transform is a function from bytes to bytes. It never sees a file descriptor, a thread or the output. Adding one is
 * adding pipeline/transform/NAME.c with `const struct ccp_transform_ops ccp_transform_NAME`; the build collects the
 * folder into the table ccp_transforms[].
 */
#ifndef CCP_PIPELINE_TRANSFORM_H
#define CCP_PIPELINE_TRANSFORM_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "pipeline/buf.h"
#include "pipeline/err.h"

struct ccp_digest_set;

#define CCP_PARTIAL_BYTES 64 /* a fold's partial result, carried with the job */
#define CCP_CARRY_ALIGN 64
#define CCP_CUTS_MAX 16 /* inputs whose pieces are handed out in turn, at most */

/* What a transform may know of the input that a piece belongs to. Set before the first map; const afterwards. */
struct ccp_origin {
	char name[256];        /* base name to store in a header, without directories; "" = none */
	struct timespec mtime; /* valid if has_mtime */
	bool has_mtime;
};

/*
 * One piece of an input, as a transform sees it. Lives inside the job, in memory that worker processes share.
 * Threads: owned by whoever holds the job.
 */
struct ccp_piece {
	/* set by the engine before map */
	const struct ccp_origin *origin;
	struct ccp_buf in; /* the bytes of this piece */
	uint64_t offset;   /* of in.data[0] in the input */
	bool first, last;  /* first and last piece of the input; one piece can be both */
	bool lull;         /* a stream has fallen silent behind it: it may be long until there is more */
	uint64_t number;   /* of the piece in its input, from 0 */

	/* for a transform with ahead() */
	struct ccp_buf spare;         /* as large as `out`; map may exchange the two */
	struct ccp_buf note;          /* need.note_bytes; what ahead left in both, map finds there */
	bool was_ahead;               /* ahead has left something there */
	bool ahead_used;              /* set by map: it was right */
	const _Atomic uint64_t *turn; /* number of the piece whose turn it is */

	/* set by the transform */
	size_t in_used;     /* bytes of `in` that map has consumed; 0 at the first call of map for this piece */
	struct ccp_buf out; /* empty at every call of map; what is in it is emitted, also before an error */
	/* with options.views, bytes of `in` that stand for `out`, which is empty then; NULL at every call of map */
	const uint8_t *view;
	size_t view_len;
	uint8_t partial[CCP_PARTIAL_BYTES] __attribute__((aligned(16)));
	uint64_t plain_bytes;     /* decoded bytes that this piece stands for, for sizes and ratios; map adds */
	struct ccp_origin *found; /* where a decoder puts the name and time of the first header, or NULL */
	bool ended;               /* nothing after this piece matters (garbage follows the last member, say) */
	struct ccp_err err;       /* an error (map returns -1) or a warning (map returns 0 or 1) */
};

/* A part of what is decoded, half open: bytes, or lines by the newlines before them. `to` UINT64_MAX: to the end. */
struct ccp_range {
	bool lines;
	uint64_t from, to;
};

/* A place in an input where a transform can begin without what comes before it. Pointers are borrowed. */
struct ccp_entry {
	uint64_t in;   /* offset in the input of the first byte: where the first piece begins */
	unsigned bits; /* that many bits before it, 0 to 7, belong to the place */
	uint8_t value; /* and these are they, the lowest one first */
	uint64_t at;   /* decoded bytes before it or, of a range of lines, newlines */
	bool member;   /* a member begins there: no bits and no window */
	const uint8_t *window; /* the last window_len decoded bytes before it */
	size_t window_len;
};

/* Options of all transforms, filled from the command line; a transform reads those that it knows. */
struct ccp_transform_options {
	int level;                    /* 1 to 12; 0 = the transform's own default */
	size_t chunk_bytes;           /* 0 = the transform's own default */
	bool verify;                  /* decode what was encoded and compare */
	bool store_name;              /* gzip: name in the header */
	bool store_time;              /* gzip: time in the header */
	bool members;                 /* gzip: every chunk a member of its own */
	bool rsyncable;               /* gzip: a change of the content changes the output nearby, and little else */
	bool bgzf;                    /* gzip: blocked gzip (bgzf.h); no name and no time */
	bool passthrough;             /* gunzip: copy what is not compressed (cat, zcat -f) */
	bool views;                   /* what would be copied may be shown where it lies (piece.view) */
	bool ignore_trailing_quietly; /* gunzip: no warning for garbage after the last member */
	bool ranged;                  /* gunzip: only `range` of each input is wanted */
	struct ccp_range range;
	const struct ccp_digest_set *digests; /* digest, checksum: which; made before any worker process is forked */
};

/* What a transform needs of the engine, derived from the options alone: never from -j or a strategy. */
struct ccp_transform_need {
	size_t chunk_bytes; /* an input is cut at multiples of this */
	size_t out_bytes;   /* capacity of piece.out */
	size_t state_bytes; /* memory that open() allocates for one worker, for the memory contract */
	size_t carry_bytes; /* size of the carry, 0 = none */
	size_t spare_bytes; /* capacity of piece.spare: out_bytes if there is an ahead(), else 0 */
	size_t note_bytes;  /* capacity of piece.note, for ahead() */
	size_t fold_bytes;  /* capacity of part.note (fold.h); not the transform's to say */
	size_t fold_state_bytes; /* memory that the fold's open() allocates for one worker; likewise */
	size_t tee_bytes;   /* for digests of what goes in and out (tee.h); not the transform's to say */
	/*
	 * Inputs whose pieces are handed out in turn, at most CCP_CUTS_MAX, so that there is work for as many workers
	 * where that on one input cannot be shared; 0 = 1: one input after the other.
	 */
	unsigned cuts;
};

enum {
	/* map of an input's pieces must run one after the other, in order, and may use the carry */
	CCP_TRANSFORM_SEQUENTIAL = 1u << 0,
};

/*
 * The calls of a transform. All but name, help, need, open, close and map may be NULL.
 *
 * map     turns piece->in[in_used…] into piece->out. Returns 0 when all of `in` is consumed (or `ended` is set), 1 when
 *         `out` is full and it wants to be called again for the same piece after the engine has emitted `out`, -1 with
 *         piece->err on an error; bytes in `out` at that moment are still emitted (to an output that shows them).
 *         `carry` is the input's carry for a SEQUENTIAL transform, else NULL.
 *         Threads: one state is used by one caller at a time. For a SEQUENTIAL transform the carry of an input goes
 *         from caller to caller, which may be different *processes* that map the same memory at the same address: it
 *         must be self-contained (plain data; pointers only into itself). It is zero before the first piece of an
 *         input.
 * ahead   for a SEQUENTIAL transform: does for a piece whose turn has not come what can be done without the carry, and
 *         leaves it in piece->spare and piece->note for map, which must give the same without it. It may be left out,
 *         and it should return soon after ccp_piece_is_due. Of the carry it may look at atomic members, as hints.
 *         Returns whether it left anything. Threads: any number at a time, one piece each. NULL if nothing can be done.
 * enter   prepares the zeroed carry of an input whose first piece begins at `entry`; NULL if it cannot. Before the
 *         first map or ahead.
 * carry   runs in order for each piece of an input, one at a time, just before the piece's `out` is written; it may
 *         append to piece->out. For folds like a running CRC. NULL if not needed. `carry` is zero before the first
 *         piece. A transform has either SEQUENTIAL (map uses the carry) or carry(), not both.
 */
struct ccp_transform_ops {
	const char *name;
	const char *help; /* one line */
	unsigned flags;
	/* Returns NULL if the transform can run, else the reason why it cannot (a constant string). May be NULL. */
	const char *(*probe)(void);
	int (*need)(const struct ccp_transform_options *options, struct ccp_transform_need *need, struct ccp_err *err);
	int (*open)(void **state, const struct ccp_transform_options *options, struct ccp_err *err);
	int (*map)(void *state, void *carry, struct ccp_piece *piece);
	bool (*ahead)(void *state, const void *carry, struct ccp_piece *piece);
	void (*enter)(void *carry, const struct ccp_entry *entry);
	int (*carry)(void *carry, struct ccp_piece *piece);
	void (*close)(void *state);
};

/* Whether the work on one input cannot be shared at all. */
static inline bool ccp_transform_is_serial(const struct ccp_transform_ops *transform)
{
	return (transform->flags & CCP_TRANSFORM_SEQUENTIAL) && !transform->ahead;
}

/* Whether map could run for this piece now. Threads: the holder of the piece. */
static inline bool ccp_piece_is_due(const struct ccp_piece *piece)
{
	return atomic_load_explicit(piece->turn, memory_order_relaxed) == piece->number;
}

/* All transforms, ended by NULL. Generated by the build from the folder pipeline/transform/. */
extern const struct ccp_transform_ops *const ccp_transforms[];

/* Finds a transform by name, or NULL. */
const struct ccp_transform_ops *ccp_transform_find(const char *name);

#endif
