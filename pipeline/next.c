/*
 * next.c: names to jobs.
 *
 * Names are looked at in batches. A batch is filled from the walk until it is full, the names end, or the writer of a
 * list lets us wait; then it is sorted, biggest first, and handed out to its end before the next one is filled, so that
 * places in the command's order (index) that are out at the same time are at most two batches apart. A batch keeps 72
 * bytes and the path for a name; the paths lie one after the other in one buffer that the next batch uses again.
 *
 * An input that needs more than one job is the `current` one until its last job is handed out.
 */
#include "pipeline/next.h"

#include <assert.h>
#include <errno.h>
#include <linux/magic.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "pipeline/claims.h"
#include "pipeline/memory.h"

#define NO_ERR UINT32_MAX
#define ZFS_SUPER_MAGIC 0x2fc12fc1 /* OpenZFS, include/sys/fs/zfs.h; not in linux/magic.h */

/* What a name can need of the text at most. */
#define TEXT_OF_ONE (PATH_MAX + _Alignof(struct ccp_err) + sizeof(struct ccp_err))
/* 256 bytes a name. If the paths are longer the batch is smaller. */
#define TEXT_BYTES ((size_t)CCP_LOOKAHEAD * 256)

/* Room for three keys of every name, at most three quarters full. */
#define SEEN_SLOTS ((size_t)CCP_LOOKAHEAD * 4)

/* A name that was looked at. */
struct look {
	uint64_t index;
	uint64_t size;
	dev_t dev;              /* of what was looked at; ino 0 = unknown */
	ino_t ino;
	const struct ccp_source_ops *source;
	uint64_t source_key, target_key; /* claims.h; 0 = none */
	uint32_t path_at;       /* in next->text */
	uint32_t err_at;        /* of a struct ccp_err in next->text, or NO_ERR */
	bool is_stdin;
};

struct ccp_next {
	/* set before the run */
	struct ccp_walk *walk;
	struct ccp_arena *arena;
	struct ccp_next_options options;

	/* the caller's, one at a time */
	struct look *looks;     /* CCP_LOOKAHEAD */
	size_t count, at;
	char *text;             /* TEXT_BYTES */
	size_t text_used;
	struct ccp_input *probe;/* with claims: an input that only has a path, to ask for its target */
	uint64_t *seen;         /* with claims: SEEN_SLOTS keys of the batch, 0 = empty */
	bool walk_ended;
	uint64_t index;         /* names so far */
	struct ccp_input *current;
	bool loading;           /* a job of the current stream is being loaded */
	uint64_t number;        /* of the current input's next job */
	uint64_t offset;        /* of its first byte */
	dev_t sized_dev;        /* the file system that was asked last whether a size of 0 means empty */
	bool sized_known, sized;

	/* read by any thread */
	_Atomic uint64_t inputs, bytes, streams;
	_Atomic bool complete;
};

int ccp_next_new(struct ccp_next **out, struct ccp_walk *walk, struct ccp_arena *arena,
		 const struct ccp_next_options *options, struct ccp_err *err)
{
	struct ccp_next *next = calloc(1, sizeof *next);

	assert(options->chunk_bytes > 0);
	if (next != NULL) {
		next->looks = malloc(CCP_LOOKAHEAD * sizeof *next->looks);
		next->text = malloc(TEXT_BYTES);
	}
	if (next == NULL || next->looks == NULL || next->text == NULL) {
		ccp_next_free(next);
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the names of inputs");
	}
	if (options->claims != NULL) {
		next->probe = calloc(1, sizeof *next->probe);
		next->seen = malloc(SEEN_SLOTS * sizeof *next->seen);
		if (next->probe == NULL || next->seen == NULL) {
			ccp_next_free(next);
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the names of inputs");
		}
	}
	next->walk = walk;
	next->arena = arena;
	next->options = *options;
	*out = next;
	return 0;
}

void ccp_next_free(struct ccp_next *next)
{
	if (next == NULL)
		return;
	free(next->looks);
	free(next->text);
	free(next->probe);
	free(next->seen);
	free(next);
}

void ccp_next_set_cancel_fd(struct ccp_next *next, int fd)
{
	ccp_walk_set_cancel_fd(next->walk, fd);
}

/* ---- looking ----------------------------------------------------------------------------------------------------- */

/*
 * Whether an empty size means an empty file. Not in /proc and its like, where it means nothing. Only file systems that
 * are known to tell the truth are believed; on any other such a file is read as a stream, which is right for all, but
 * one at a time. NFS is not among them: its sizes may be some seconds old.
 */
static bool size_is_true(struct ccp_next *next, const char *path, dev_t dev)
{
	struct statfs fs;

	if (next->sized_known && next->sized_dev == dev)
		return next->sized;
	next->sized_known = true;
	next->sized_dev = dev;
	next->sized = false;
	if (statfs(path, &fs) != 0)
		return false;
	switch ((unsigned long)fs.f_type & 0xffffffffUL) {
	case EXT4_SUPER_MAGIC:
	case XFS_SUPER_MAGIC:
	case BTRFS_SUPER_MAGIC:
	case TMPFS_MAGIC:
	case OVERLAYFS_SUPER_MAGIC:
	case F2FS_SUPER_MAGIC:
	case ZFS_SUPER_MAGIC:
		next->sized = true;
	}
	return next->sized;
}

/* A name that means another file in another process: it is read as a stream, which is done in this one. */
static bool names_descriptor(const char *path)
{
	return strncmp(path, "/dev/std", 8) == 0 || strncmp(path, "/dev/fd/", 8) == 0 ||
	       strncmp(path, "/proc/self/", 11) == 0 || strncmp(path, "/proc/thread-self/", 18) == 0;
}

/* Decides by its stat how a name is to be read. Errors: -1 with entry->err. */
static int choose(struct ccp_next *next, struct ccp_walk_entry *entry, struct look *look)
{
	const struct ccp_source_options *options = next->options.source;
	struct stat *st = &entry->st;

	if (entry->has_stat && S_ISLNK(st->st_mode) && ccp_source_follows(options) && stat(entry->path, st) != 0)
		ccp_err_sys(&entry->err, errno, "%s", "");
	look->source = ccp_source_for(entry->path, entry->has_stat ? st : NULL); /* of an error as well */
	if (entry->err.code != CCP_OK)
		return -1;
	/* Refused without being opened, which a device or the writer of a FIFO would notice. */
	if (entry->has_stat && !S_ISREG(st->st_mode) && ccp_source_check(st, options, &entry->err) != 0)
		return -1;
	if (names_descriptor(entry->path)) {
		look->source = ccp_source_for(entry->path, NULL);
	} else if (entry->has_stat && S_ISREG(st->st_mode)) {
		look->size = (uint64_t)st->st_size;
		if (st->st_size == 0 && !size_is_true(next, entry->path, st->st_dev))
			look->source = ccp_source_for(entry->path, NULL);
	}
	if (look->source == NULL)
		return ccp_err_set(&entry->err, CCP_E_UNSUPPORTED, "no source can read this");
	return 0;
}

static void add(struct ccp_next *next, struct ccp_walk_entry *entry)
{
	struct look *look = &next->looks[next->count++];
	size_t len = strlen(entry->path) + 1;

	*look = (struct look){ .index = next->index++, .is_stdin = entry->is_stdin, .err_at = NO_ERR };
	look->path_at = (uint32_t)next->text_used;
	memcpy(next->text + next->text_used, entry->path, len);
	next->text_used += len;
	if (entry->has_stat) {
		look->dev = entry->st.st_dev;
		look->ino = entry->st.st_ino;
	}
	if (choose(next, entry, look) != 0) {
		size_t mask = _Alignof(struct ccp_err) - 1;

		next->text_used = (next->text_used + mask) & ~mask;
		look->err_at = (uint32_t)next->text_used;
		memcpy(next->text + next->text_used, &entry->err, sizeof entry->err);
		next->text_used += sizeof entry->err;
	}
	if (next->options.claims != NULL && look->err_at == NO_ERR && !look->is_stdin) {
		look->source_key = ccp_path_key(entry->path);
		memcpy(next->probe->path, entry->path, len);
		look->target_key = next->options.target_key(next->options.target_arg, next->probe);
	}
	if (look->err_at == NO_ERR && (look->source->flags & CCP_SOURCE_STREAM))
		atomic_fetch_add_explicit(&next->streams, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&next->inputs, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&next->bytes, look->size, memory_order_relaxed);
}

/* Bigger first; equal ones in the order of the command, as a stable sort would. */
static int by_size(const void *a, const void *b)
{
	const struct look *x = a, *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* Enters a key; true if it was there. */
static bool seen_before(struct ccp_next *next, uint64_t key)
{
	size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 40) % SEEN_SLOTS;

	if (key == 0)
		return false;
	while (next->seen[at] != 0 && next->seen[at] != key)
		at = (at + 1) % SEEN_SLOTS;
	if (next->seen[at] == key)
		return true;
	next->seen[at] = key;
	return false;
}

/*
 * Whether two names of the batch touch the same file: then what comes of them depends on their order, which has to be
 * the command's (`gzip -f a.gz a` must not compress a over a.gz before a.gz was read).
 */
static bool touch_each_other(struct ccp_next *next)
{
	bool touch = false;

	if (next->options.claims == NULL)
		return false;
	memset(next->seen, 0, SEEN_SLOTS * sizeof *next->seen);
	for (size_t i = 0; i < next->count && !touch; i++) {
		const struct look *look = &next->looks[i];
		uint64_t file = (look->ino ^ (uint64_t)look->dev << 48) * UINT64_C(0xff51afd7ed558ccd) | 1;

		if (look->err_at != NO_ERR || look->is_stdin)
			continue;
		touch = (look->ino != 0 && seen_before(next, file)) || seen_before(next, look->source_key) ||
			(look->target_key != look->source_key && seen_before(next, look->target_key));
	}
	return touch;
}

/* Whether jobs other than the one that is being filled are out. */
static bool others_are_out(struct ccp_next *next)
{
	size_t jobs, inputs;

	ccp_arena_balance(next->arena, &jobs, &inputs);
	return jobs > 1;
}

/* Fills the batch, which is empty. Returns 1, 0 at the end, -1 if there are no names now. */
static int look_ahead(struct ccp_next *next)
{
	struct ccp_walk_entry entry;

	next->count = next->at = next->text_used = 0;
	while (!next->walk_ended && next->count < CCP_LOOKAHEAD && TEXT_BYTES - next->text_used >= TEXT_OF_ONE) {
		/*
		 * With something to do, we do not wait for the writer of a list. With other jobs out neither: they
		 * might be what it waits for, and when one of them is through we are asked again.
		 */
		if (!ccp_walk_ready(next->walk)) {
			if (next->count > 0)
				break;
			if (others_are_out(next))
				return -1;
		}
		if (ccp_walk_next(next->walk, &entry) == 1)
			add(next, &entry);
		else
			next->walk_ended = true;
	}
	atomic_store_explicit(&next->complete, next->walk_ended, memory_order_release);
	if (!next->options.shared_output && next->count > 1 && !touch_each_other(next))
		qsort(next->looks, next->count, sizeof *next->looks, by_size);
	return next->count > 0;
}

/* ---- cutting ----------------------------------------------------------------------------------------------------- */

static void start_job(struct ccp_job *job, struct ccp_input *input, uint64_t number, uint64_t offset)
{
	job->number = number;
	job->input = input;
	job->whole = false;
	job->final = false;
	job->step = CCP_LOAD_START;
	job->piece.origin = &input->origin;
	job->piece.offset = offset;
	job->piece.first = number == 0;
	job->piece.last = false;
}

/* The job of an input that cannot be one: piece.err is set. */
static void spoil_job(struct ccp_job *job)
{
	job->step = CCP_LOAD_DONE;
	job->load_bytes = 0;
	job->piece.last = true;
	job->final = true;
}

static void next_of_current(struct ccp_next *next, struct ccp_job *job)
{
	struct ccp_input *input = next->current;
	size_t chunk = next->options.chunk_bytes;

	start_job(job, input, next->number++, next->offset);
	if (input->source->flags & CCP_SOURCE_STREAM) {
		job->load_bytes = chunk + 1;
		next->loading = true;
	} else {
		uint64_t left = input->size - next->offset;

		job->load_bytes = left < chunk ? (size_t)left : chunk;
		job->piece.last = left <= chunk;
		job->final = job->piece.last;
		if (job->final)
			next->current = NULL;
	}
	next->offset += chunk;
}

/* Opens an input of several jobs. Errors: -1 with `err`; it is closed then. */
static int open_input(const struct ccp_next *next, struct ccp_input *input, struct ccp_err *err)
{
	const struct ccp_source_options *options = next->options.source;

	if (input->source->open(input, options, err) != 0)
		return -1;
	if (options->admit != NULL && options->admit(options->admit_arg, input, err) != 0) {
		input->source->close(input);
		return -1;
	}
	return 0;
}

/* Whether no live input is in this one's way. Standard input and what has no file behind it never are. */
static bool claim(const struct ccp_next *next, const struct look *look, const struct ccp_input *input)
{
	if (next->options.claims == NULL || look->err_at != NO_ERR)
		return true;

	struct ccp_claim claim = {
		.owner = input,
		.dev = look->dev,
		.ino = look->ino,
		.source = look->source_key,
		.target = look->target_key,
	};

	return ccp_claims_try(next->options.claims, &claim);
}

/* A file near the size of a chunk may have outgrown it since it was looked at: it is asked again. */
static uint64_t size_now(const struct look *look, const char *path, size_t chunk)
{
	struct stat st;

	if (look->size > chunk || look->size < chunk / 4 || stat(path, &st) != 0 || !S_ISREG(st.st_mode))
		return look->size;
	return (uint64_t)st.st_size;
}

/* The first job of a name. Returns 1, or -1 if an input that is under way touches the same file. */
static int start_input(struct ccp_next *next, const struct look *look, struct ccp_job *job)
{
	struct ccp_input *input = ccp_arena_take_input(next->arena);
	const char *path = next->text + look->path_at;
	size_t chunk = next->options.chunk_bytes;

	input->index = look->index;
	input->is_stdin = look->is_stdin;
	input->source = look->source;
	memcpy(input->path, path, strlen(path) + 1);
	if (!claim(next, look, input)) {
		ccp_arena_give_input(next->arena, input);
		return -1;
	}
	start_job(job, input, 0, 0);
	if (look->err_at != NO_ERR) {
		memcpy(&job->piece.err, next->text + look->err_at, sizeof job->piece.err);
		spoil_job(job);
	} else if (!(look->source->flags & CCP_SOURCE_STREAM) && size_now(look, path, chunk) <= chunk) {
		job->whole = true;
		job->final = true;
		job->piece.last = true;
		job->load_bytes = chunk + 1;
	} else if (open_input(next, input, &job->piece.err) != 0) {
		spoil_job(job);
	} else {
		next->current = input;
		next->number = 0;
		next->offset = 0;
		next_of_current(next, job);
	}
	return 1;
}

int ccp_next_job(struct ccp_next *next, struct ccp_job *job)
{
	if (next->current != NULL) {
		if (next->loading)
			return -1;
		next_of_current(next, job);
		return 1;
	}
	if (next->at == next->count) {
		int result = look_ahead(next);

		if (result != 1)
			return result;
	}
	int result = start_input(next, &next->looks[next->at], job);

	if (result == 1)
		next->at++;
	return result;
}

void ccp_next_loaded(struct ccp_next *next, struct ccp_input *input, bool last)
{
	if (next->current != input)
		return;
	next->loading = false;
	if (last)
		next->current = NULL;
}

void ccp_next_stop(struct ccp_next *next, struct ccp_input *input)
{
	ccp_next_loaded(next, input, true);
}

struct ccp_input *ccp_next_current(struct ccp_next *next)
{
	return next->current;
}

void ccp_next_totals(struct ccp_next *next, uint64_t *inputs, uint64_t *bytes, bool *complete)
{
	/* complete first: true then means that the numbers are the final ones */
	*complete = atomic_load_explicit(&next->complete, memory_order_acquire);
	*inputs = atomic_load_explicit(&next->inputs, memory_order_relaxed);
	*bytes = atomic_load_explicit(&next->bytes, memory_order_relaxed);
}

uint64_t ccp_next_streams(const struct ccp_next *next)
{
	return atomic_load_explicit(&next->streams, memory_order_relaxed);
}
