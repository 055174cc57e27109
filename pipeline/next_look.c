/*
 * next_look.c: names to a batch.
 *
 * Names are looked at in batches. While one is handed out the next one is filled from the walk, a few names for each
 * job, so that looking goes on beside the work. A batch is sorted, biggest first, when its turn comes, and handed out
 * to its end: places in the command's order (index) that are begun at the same time are at most two batches apart.
 * The first one is small, for nobody can work before it is there; the next ones grow up to CCP_LOOKAHEAD. A batch keeps
 * 72 bytes and the path for a name; the paths lie one after the other in one buffer that is used again.
 */
#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <time.h>

#include "pipeline/claims.h"
#include "pipeline/memory.h"
#include "pipeline/next_internal.h"

#define ZFS_SUPER_MAGIC 0x2fc12fc1 /* OpenZFS, include/sys/fs/zfs.h; not in linux/magic.h */

#define LEAST_LOOKS 1024u /* a batch has so many names before it is handed out, if they can be had without waiting */
#define LOOKS_A_JOB 2u    /* names that are looked at when a job is handed out */

/* What a name can need of the text at most. */
#define TEXT_OF_ONE (PATH_MAX + _Alignof(struct ccp_err) + sizeof(struct ccp_err))

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
static int choose(struct ccp_next *next, struct ccp_walk_entry *entry, struct ccp_look *look)
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
		/* "-" stands for any stream: the path may look like a URL where that means nothing */
		if (st->st_size == 0 && !size_is_true(next, entry->path, st->st_dev))
			look->source = ccp_source_for("-", NULL);
	}
	if (look->source == NULL)
		return ccp_err_set(&entry->err, CCP_E_UNSUPPORTED, "no source can read this");
	return 0;
}

/* An input from elsewhere can be on its way before its turn comes. From here on it is known by what is shown of it. */
static void announce(struct ccp_next *next, const struct ccp_walk_entry *entry, const struct ccp_look *look)
{
	struct ccp_batch *batch = next->in;
	char *shown = batch->text + look->path_at;

	look->source->ahead(next->options.source, look->index, entry->path, shown);
	batch->text_used = look->path_at + strlen(shown) + 1;
}

static void add(struct ccp_next *next, struct ccp_walk_entry *entry)
{
	struct ccp_batch *batch = next->in;
	struct ccp_look *look = &batch->looks[batch->count++];
	size_t len = strlen(entry->path) + 1;

	if (batch->count == 1)
		batch->since_ns = ccp_next_now_ns();

	*look = (struct ccp_look){ .index = next->index++, .is_stdin = entry->is_stdin, .err_at = CCP_NO_ERR };
	look->path_at = (uint32_t)batch->text_used;
	memcpy(batch->text + batch->text_used, entry->path, len);
	batch->text_used += len;
	if (entry->has_stat) {
		look->dev = entry->st.st_dev;
		look->ino = entry->st.st_ino;
	}
	if (choose(next, entry, look) != 0) {
		size_t mask = _Alignof(struct ccp_err) - 1;

		batch->text_used = (batch->text_used + mask) & ~mask;
		look->err_at = (uint32_t)batch->text_used;
		memcpy(batch->text + batch->text_used, &entry->err, sizeof entry->err);
		batch->text_used += sizeof entry->err;
	} else if (look->source->ahead != NULL) {
		announce(next, entry, look);
	}
	if (next->options.claims != NULL && look->err_at == CCP_NO_ERR && !look->is_stdin) {
		look->source_key = ccp_path_key(entry->path);
		memcpy(next->probe->path, entry->path, len);
		next->probe->source = look->source;
		look->target_key = next->options.target_key(next->options.target_arg, next->probe);
	}
	if (look->err_at == CCP_NO_ERR && (look->source->flags & CCP_SOURCE_STREAM))
		atomic_fetch_add_explicit(&next->streams, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&next->inputs, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&next->bytes, look->size, memory_order_relaxed);
}

/* Bigger first; equal ones in the order of the command, as a stable sort would. */
static int by_size(const void *a, const void *b)
{
	const struct ccp_look *x = a, *y = b;

	if (x->size != y->size)
		return x->size > y->size ? -1 : 1;
	return x->index < y->index ? -1 : 1;
}

/* Enters a key; true if it was there. */
static bool seen_before(struct ccp_next *next, uint64_t key)
{
	size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 40) % CCP_NEXT_SEEN_SLOTS;

	if (key == 0)
		return false;
	while (next->seen[at] != 0 && next->seen[at] != key)
		at = (at + 1) % CCP_NEXT_SEEN_SLOTS;
	if (next->seen[at] == key)
		return true;
	next->seen[at] = key;
	return false;
}

/*
 * Whether two names of the batch touch the same file: then what comes of them depends on their order, which has to be
 * the command's (`gzip -f a.gz a` must not compress a over a.gz before a.gz was read).
 */
static bool touch_each_other(struct ccp_next *next, const struct ccp_batch *batch)
{
	bool touch = false;

	if (next->options.claims == NULL)
		return false;
	memset(next->seen, 0, CCP_NEXT_SEEN_SLOTS * sizeof *next->seen);
	for (size_t i = 0; i < batch->count && !touch; i++) {
		const struct ccp_look *look = &batch->looks[i];
		uint64_t file = (look->ino ^ (uint64_t)look->dev << 48) * UINT64_C(0xff51afd7ed558ccd) | 1;

		if (look->err_at != CCP_NO_ERR || look->is_stdin)
			continue;
		touch = (look->ino != 0 && seen_before(next, file)) || seen_before(next, look->source_key) ||
			(look->target_key != look->source_key && seen_before(next, look->target_key));
	}
	return touch;
}

/* Whether there is more to do than the job that is being filled: others are out, or an input is being cut. */
static bool others_are_out(struct ccp_next *next)
{
	size_t jobs, inputs;

	ccp_arena_balance(next->arena, &jobs, &inputs);
	return jobs > 1 || inputs > 0;
}

uint64_t ccp_next_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

static bool has_room(const struct ccp_batch *batch)
{
	return batch->count < CCP_LOOKAHEAD && CCP_NEXT_TEXT_BYTES - batch->text_used >= TEXT_OF_ONE;
}

/* The one input that no name leads to. */
static void add_only(struct ccp_next *next, const struct ccp_next_only *only)
{
	struct ccp_batch *batch = next->in;

	batch->looks[batch->count++] = (struct ccp_look){
		.index = next->index++,
		.size = only->bytes,
		.source = only->source,
		.err_at = CCP_NO_ERR,
	};
	batch->text_used = strlen(only->name) + 1;
	memcpy(batch->text, only->name, batch->text_used);
	atomic_fetch_add_explicit(&next->inputs, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&next->bytes, only->bytes, memory_order_relaxed);
}

static void look_at_one(struct ccp_next *next)
{
	struct ccp_walk_entry entry;

	if (next->options.only != NULL) {
		add_only(next, next->options.only);
	} else if (ccp_walk_next(next->walk, &entry) == 1) {
		add(next, &entry);
		return;
	}
	next->walk_ended = true;
	atomic_store_explicit(&next->complete, true, memory_order_release);
}

void ccp_next_look_on(struct ccp_next *next)
{
	for (unsigned i = 0; i < LOOKS_A_JOB; i++) {
		if (next->walk_ended || !has_room(next->in) || !ccp_walk_ready(next->walk))
			break;
		look_at_one(next);
	}
}

int ccp_next_turn_batch(struct ccp_next *next)
{
	struct ccp_batch *batch = next->in;

	while (!next->walk_ended && batch->count < LEAST_LOOKS && has_room(batch)) {
		/*
		 * With something to do, we do not wait for the writer of a list. With other jobs out neither: they
		 * might be what it waits for, and when one of them is through we are asked again.
		 */
		if (!ccp_walk_ready(next->walk)) {
			if (batch->count > 0)
				break;
			if (others_are_out(next))
				return -1;
		}
		look_at_one(next);
	}
	if (batch->count == 0)
		return 0;
	if (!next->options.shared_output && batch->count > 1 && !touch_each_other(next, batch))
		qsort(batch->looks, batch->count, sizeof *batch->looks, by_size);
	next->in = next->out;
	next->in->count = next->in->at = next->in->text_used = 0;
	next->out = batch;
	return 1;
}
