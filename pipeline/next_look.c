/*
 * next_look.c: names to a batch.
 *
 * Names are looked at in batches. While one is handed out the next one is filled from the walk, a few names for each
 * job, so that looking goes on beside the work. A batch is sorted, biggest first, when its turn comes, and handed out
 * to its end: places in the command's order (index) that are begun at the same time are at most two batches apart.
 * The first one is small, for nobody can work before it is there; the next ones grow up to CCP_LOOKAHEAD, or what is
 * asked for. A batch keeps 72 bytes and the path for a name; the paths lie one after the other in one buffer that is
 * used again. When names come as they arrive, those that have not are carried over to the next batch, so that none
 * holds up what comes after it.
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
	look->source = entry->is_member ? &ccp_source_member : ccp_source_for(entry->path, entry->has_stat ? st : NULL);
	if (entry->err.code != CCP_OK || entry->is_member)
		return entry->err.code != CCP_OK ? -1 : 0;
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

/*
 * Puts the name into the text: from here on an input from elsewhere is known by what is shown of it. Of a name that
 * could not be looked at only the beginning may be there.
 */
static void add_path(struct ccp_next *next, const struct ccp_walk_entry *entry, struct ccp_look *look)
{
	struct ccp_batch *batch = next->in;
	const struct ccp_source_ops *source = entry->is_url ? ccp_source_for(entry->path, NULL) : NULL;
	char *path = batch->text + batch->text_used;

	if (source != NULL && source->show != NULL)
		source->show(entry->path, entry->err.code == CCP_OK, path);
	else
		memcpy(path, entry->path, strlen(entry->path) + 1);
	look->path_at = (uint32_t)batch->text_used;
	batch->text_used += strlen(path) + 1;
}

/* The probe becomes an input that has a name, and nothing else. */
static void set_probe(struct ccp_next *next, const struct ccp_look *look)
{
	const char *path = next->in->text + look->path_at;

	next->probe->index = look->index;
	next->probe->source = look->source;
	memcpy(next->probe->path, path, strlen(path) + 1);
}

/*
 * An input from elsewhere can be on its way before its turn comes, unless its name is enough to refuse it.
 * Errors: -1 with entry->err.
 */
static int announce(struct ccp_next *next, struct ccp_walk_entry *entry, const struct ccp_look *look)
{
	const struct ccp_next_options *options = &next->options;

	set_probe(next, look);
	if (options->refuse != NULL && options->refuse(options->refuse_arg, next->probe, &entry->err) != 0)
		return -1;
	look->source->ahead(options->source, look->index, entry->path);
	return 0;
}

static void add(struct ccp_next *next, struct ccp_walk_entry *entry)
{
	struct ccp_batch *batch = next->in;
	struct ccp_look *look = &batch->looks[batch->count++];

	if (batch->count == 1)
		batch->since_ns = ccp_next_now_ns();

	*look = (struct ccp_look){ .index = next->index++, .is_stdin = entry->is_stdin, .err_at = CCP_NO_ERR };
	add_path(next, entry, look);
	if (entry->has_stat) {
		look->dev = entry->st.st_dev;
		look->ino = entry->st.st_ino;
	}
	if (choose(next, entry, look) != 0 || (look->source->ahead != NULL && announce(next, entry, look) != 0)) {
		size_t mask = _Alignof(struct ccp_err) - 1;

		batch->text_used = (batch->text_used + mask) & ~mask;
		look->err_at = (uint32_t)batch->text_used;
		memcpy(batch->text + batch->text_used, &entry->err, sizeof entry->err);
		batch->text_used += sizeof entry->err;
	}
	if (next->options.claims != NULL && look->err_at == CCP_NO_ERR && !look->is_stdin) {
		set_probe(next, look);
		look->source_key = ccp_path_key(next->probe->path);
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
	size_t slots = next->most * CCP_NEXT_SEEN_EACH;
	size_t at = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 40) % slots;

	if (key == 0)
		return false;
	while (next->seen[at] != 0 && next->seen[at] != key)
		at = (at + 1) % slots;
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
	memset(next->seen, 0, next->most * CCP_NEXT_SEEN_EACH * sizeof *next->seen);
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

bool ccp_next_others_are_out(struct ccp_next *next)
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

/* Whether one more name can be looked at. What may be left of the batch that is handed out must find room, too. */
static bool has_room(const struct ccp_next *next)
{
	const struct ccp_batch *batch = next->in;
	size_t count = batch->count, text = batch->text_used;

	if (next->options.unordered) {
		count += ccp_batch_left(next->out);
		text += next->out->text_left;
	}
	return count < next->most && text + TEXT_OF_ONE <= next->most * CCP_NEXT_TEXT_EACH;
}

/* What a name takes of the text, at most. */
static size_t text_of(const struct ccp_batch *batch, const struct ccp_look *look)
{
	return strlen(batch->text + look->path_at) + 1 +
	       (look->err_at != CCP_NO_ERR ? _Alignof(struct ccp_err) + sizeof(struct ccp_err) : 0);
}

void ccp_next_drop_text(struct ccp_next *next, const struct ccp_look *look)
{
	size_t bytes = text_of(next->out, look);

	next->out->text_left -= bytes < next->out->text_left ? bytes : next->out->text_left;
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
		if (next->walk_ended || !has_room(next) || !ccp_walk_ready(next->walk))
			break;
		look_at_one(next);
	}
}

static void empty(struct ccp_batch *batch)
{
	batch->count = batch->at = batch->near_end = batch->far_at = 0;
	batch->text_used = batch->text_left = 0;
}

int ccp_next_turn_batch(struct ccp_next *next)
{
	struct ccp_batch *batch = next->in;
	size_t left = ccp_batch_left(next->out), least = LEAST_LOOKS;

	if (next->options.lookahead > least) /* so many transfers are to run before the first of them has ended */
		least = next->options.lookahead;
	while (!next->walk_ended && batch->count < least && has_room(next)) {
		/*
		 * With something to do, we do not wait for the writer of a list. With other jobs out neither: they
		 * might be what it waits for, and when one of them is through we are asked again.
		 */
		if (!ccp_walk_ready(next->walk)) {
			if (batch->count > 0)
				break;
			if (left > 0 || ccp_next_others_are_out(next))
				return -1;
		}
		look_at_one(next);
	}
	if (batch->count == 0)
		return left > 0 ? -1 : 0;
	if (left > 0)
		ccp_next_carry(next);
	batch->at = 0;
	batch->near_end = batch->far_at = batch->count;
	batch->text_left = batch->text_used;
	next->in = next->out;
	next->out = batch;
	if (next->options.unordered)
		ccp_next_split(next, next->in->looks);
	if (!next->options.shared_output && batch->near_end > 1 && !touch_each_other(next, batch))
		qsort(batch->looks, batch->near_end, sizeof *batch->looks, by_size);
	empty(next->in);
	return 1;
}
