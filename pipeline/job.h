/*
 * job.h: an input, and a job: a byte range of one input, with a sequence number.
 *
 * Both lie in the arena (memory.h), which worker processes share at the same address, and are recycled. Until it is
 * loaded a job is a few dozen bytes; its buffers belong to its slot.
 */
#ifndef CCP_PIPELINE_JOB_H
#define CCP_PIPELINE_JOB_H

#include <limits.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "pipeline/buf.h"
#include "pipeline/err.h"
#include "pipeline/fold.h"
#include "pipeline/transform.h"

struct ccp_source_ops;

/* The three stages that an executor can run. NEXT, which is cheap, has none: the flow calls it itself. */
enum ccp_stage { CCP_READ, CCP_WORK, CCP_WRITE };
#define CCP_STAGES 3
#define CCP_RECORD_BYTES 1024 /* of a result that is kept with its input */
#define CCP_STAGE_BIT(stage) (1u << (stage))

/* "read", "work", "write" */
const char *ccp_stage_name(enum ccp_stage stage);

/* What became of an input. Every input ends in exactly one of the last three. */
enum ccp_outcome { CCP_PENDING, CCP_DONE, CCP_SKIPPED, CCP_FAILED };

/* Jobs of one output waiting for their turn. Guarded by the flow's lock. */
struct ccp_lane {
	uint64_t next;           /* the key (number or seq) that may EMIT next */
	struct ccp_job *waiting; /* worked before their turn */
	bool emitting;           /* somebody holds the turn */
};

/*
 * One input: a file, standard input, a FIFO.
 * Memory: in the arena; a handle is taken by NEXT and returned by the flow when the input's last job is emitted.
 */
struct ccp_input {
	/* set by NEXT, before the first job is submitted */
	uint64_t index; /* place on the command line; reports come out in this order */
	bool is_stdin;
	const struct ccp_source_ops *source;
	uint64_t begin; /* where its first piece begins: 0, or a place of an index */

	/* set when the input is opened: by NEXT for a cut or streamed input, by LOAD for one that is a single job */
	struct stat meta;
	bool has_meta;  /* a regular file: mode, owner, times can be kept */
	bool has_xattr; /* it has extended attributes or an ACL */
	uint64_t size;  /* bytes that will be read, if `sized` */
	bool sized;
	int fd;                   /* of the process that runs the flow; -1 = not open */
	pid_t opener;             /* that process, if fd is open */
	void *remote;             /* of that process: what the source of names that are no paths keeps for it */
	struct ccp_origin origin; /* what the transform may know */
	struct ccp_origin found;  /* what the transform found in a header (name, time) */

	/* set with the first bytes of a stream */
	bool dated; /* origin.mtime is what whoever sent it said: its output gets it */

	/* owned by the holder of the stream's one job in LOAD */
	int peeked; /* a byte read ahead to learn whether more follows, or -1 */
	uint64_t streamed; /* bytes of it in jobs before */
	uint64_t since_ns; /* with options.lulls: since when the job at hand has had bytes */

	/* owned by the holder of the input's job in WORK (sequential transforms), or in EMIT (carry in order) */
	void *carry; /* need.carry_bytes, zero before the first piece; NULL if there is none */

	/* owned by the holder of the input's job in EMIT */
	void *sink_state;             /* the sink's, set by its open */
	uint64_t bytes_in, bytes_out; /* stored bytes read; bytes emitted */
	uint64_t plain_bytes;         /* sum of piece.plain_bytes */
	void *tee;                    /* need.tee_bytes, for tee.h; NULL if there are none */
	struct ccp_err err;           /* the error with the lowest sequence number, else the first warning */
	size_t record_len;            /* bytes in `record`; 0 for an input that is not done */
	bool salvaged;                /* it is damaged; what came before is kept */
	bool sink_open;               /* between the sink's open and its commit or abort */
	enum ccp_outcome outcome;

	/* guarded by the flow's lock; flow.c only */
	struct ccp_flow_input {
		_Atomic uint64_t stop_after;  /* jobs with a higher number do nothing: an error was met, or the end */
		/* number of the job that may WORK next (sequential transforms); written under the lock, read by any */
		_Atomic uint64_t next_work;
		struct ccp_job *waiting_work; /* loaded before their turn, and nothing can be done ahead of it */
		struct ccp_lane lane;         /* EMIT, for a sink with an output for each input */
		uint32_t live;                /* jobs that hold a slot */
		bool cut;                     /* NEXT will give no more jobs of this input */
	} flow;

	/* set by NEXT; from here on a new input is not cleared, which spares 5 KiB */
	char path[PATH_MAX]; /* as the user named it or the walk found it; "-" is standard input */

	/* owned by the holder of the input's job in EMIT */
	uint8_t record[CCP_RECORD_BYTES]; /* digests: of the sink record, or of tee.h */
};

/* What WORK of a job does next where there is a fold: the transform's map, the fold's, or the fold's once more. */
enum ccp_fold_step { CCP_FOLD_NOT_YET, CCP_FOLD_DUE, CCP_FOLD_AGAIN };

/* How far LOAD has come; source.h tells who does what. BETWEEN: a chunk of several files, none of which is open. */
enum ccp_load_step { CCP_LOAD_START, CCP_LOAD_BETWEEN, CCP_LOAD_READING, CCP_LOAD_CLOSING, CCP_LOAD_DONE };

/*
 * The unit of work.
 * Threads: owned by whoever holds it, but for `flow`, which the flow's lock guards.
 */
struct ccp_job {
	/* set by NEXT */
	uint64_t seq;    /* over all inputs */
	uint64_t number; /* within the input, from 0 */
	struct ccp_input *input;
	bool final; /* NEXT will give no more jobs of this input (unknown for a stream: false) */
	bool whole; /* the only job of an input that LOAD opens, reads to its end, and closes */

	/* the bytes; piece.offset, first, last and lull are set by NEXT, those of a stream, but for `first`, by LOAD */
	struct ccp_piece piece;
	size_t load_bytes; /* how many bytes to read; for `whole` and streams: at most */

	/* LOAD */
	enum ccp_load_step step;
	int fd;      /* a descriptor of this job alone, or -1 */
	bool reopen; /* LOAD runs in a worker process: input->fd is not valid there */
	bool by_path; /* it could not reopen the descriptor itself, and tries the path */
	char descriptor[40]; /* "/proc/PID/fd/N", for reopen */

	/* WORK */
	unsigned attempts; /* times that WORK was begun; for retries after a worker's death */
	bool ahead;        /* its turn has not come: WORK is the transform's ahead() */
	bool urgent;       /* its turn has come while others are ahead: it goes first in a queue */
	bool moot;         /* READ or WORK left it alone: an earlier job failed or was the last to matter */
	bool more;         /* the transform wants to be called again once `out` was emitted */
	enum ccp_fold_step fold_step;
	bool passed;       /* the transform is through with the piece, and the next one's turn has come */
	struct ccp_part part; /* for the fold */
	bool parted;       /* it had a part with bytes in it */

	/* guarded by the flow's lock, or by a queue's lock while the job stands in that queue */
	struct ccp_job *link;
	uint32_t slot; /* number of the slot, constant */
};

/* Whether WORK goes on with this job after what it has was emitted. */
static inline bool ccp_job_goes_on(const struct ccp_job *job)
{
	return job->more || job->fold_step == CCP_FOLD_AGAIN;
}

/* There is nothing for the fold or its collector. */
static inline void ccp_job_drop_part(struct ccp_job *job)
{
	job->fold_step = CCP_FOLD_NOT_YET;
	job->part.lull = false;
	job->part.len = job->part.used = job->part.from = job->part.note.len = 0;
}

/* Whether the next WORK of this job is the transform's in its turn, so that it may use the input's carry. */
static inline bool ccp_job_has_turn(const struct ccp_job *job)
{
	return !job->ahead && job->fold_step == CCP_FOLD_NOT_YET;
}

/* Whether an earlier job of the input failed or was the last to matter. Threads: any, and worker processes. */
static inline bool ccp_job_is_past_end(const struct ccp_job *job)
{
	return job->number > atomic_load(&job->input->flow.stop_after);
}

#endif
