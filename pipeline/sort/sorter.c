/*
 * sorter.c: what is in memory, what is in files, and when the one becomes the other.
 *
 * Memory holds blocks in the order in which they were added: such that came in order, and raw ones, which are filled
 * line by line and sorted later, several at a time. When there is no room for another block all of them are merged to
 * a file, as one run. At the end, if there are files, so is what is left.
 */
#include "pipeline/sort/sorter.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "pipeline/sort/lines.h"
#include "pipeline/sort/share.h"
#include "pipeline/sort/sorter_internal.h"

#define HUGE_PAGE ((size_t)2 << 20)
#define RAW_LEAST ((size_t)64 << 10)
#define RAW_MOST ((size_t)4 << 20)
#define OUT_MOST ((size_t)6 << 20)

int ccp_sorter_new(struct ccp_sorter **sorter, const struct ccp_sorter_options *options, struct ccp_err *err)
{
	struct ccp_sorter *made = calloc(1, sizeof *made);
	uint64_t bytes = options->max_bytes < CCP_SORTER_LEAST ? CCP_SORTER_LEAST : options->max_bytes;
	size_t most;

	if (made == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	made->options = options;
	made->max_bytes = bytes;
	most = ccp_sorter_between(bytes / (8 * RAW_LEAST), 1, CCP_SORT_THREADS);
	made->threads = (unsigned)ccp_sorter_between(options->threads, 1, most);
	/* an eighth to sort to, as much for what is known of the lines, and later for what is given out */
	made->raw_bytes = ccp_sorter_between(bytes / 8 / made->threads, RAW_LEAST, RAW_MOST);
	made->raw_lines = made->raw_bytes / sizeof(struct ccp_sort_line);
	made->out_bytes = ccp_sorter_between(bytes / 8 / made->threads, RAW_LEAST, OUT_MOST);
	*sorter = made;
	return 0;
}

static bool must_stop(const struct ccp_sorter *sorter, struct ccp_err *err)
{
	if (sorter->options->stop == NULL || sorter->options->stop() == 0)
		return false;
	ccp_err_set(err, CCP_E_CANCELLED, "interrupted");
	return true;
}

/* ---- blocks ---- */

/* Large ones in large pages: the kernel clears them faster, and looking a line up costs less. */
static uint8_t *allocate(size_t bytes)
{
	void *data;

	if (bytes < HUGE_PAGE)
		return malloc(bytes);
	if (posix_memalign(&data, HUGE_PAGE, bytes) != 0)
		return NULL;
	madvise(data, bytes, MADV_HUGEPAGE);
	return data;
}

struct sorting {
	struct ccp_sorter *sorter;
	atomic_size_t next;
	atomic_bool failed;
};

/* Sorts raw blocks, as long as there are some that nobody has taken. */
static void sort_some(void *arg)
{
	struct sorting *sorting = arg;
	struct ccp_sorter *sorter = sorting->sorter;
	struct ccp_sort_lines lines = { 0 };
	struct ccp_err err;

	for (;;) {
		size_t i = atomic_fetch_add(&sorting->next, 1);
		struct ccp_sorter_block *block;
		struct ccp_buf out;
		size_t used;

		if (i >= sorter->block_count || atomic_load(&sorting->failed))
			break;
		block = &sorter->blocks[i];
		if (block->sorted)
			continue;
		out = (struct ccp_buf){ .data = allocate(block->len), .cap = block->len };
		if (out.data == NULL || (lines.lines == NULL && ccp_sort_lines_init(&lines, sorter->options->order,
										   sorter->raw_lines, &err) != 0)) {
			free(out.data);
			atomic_store(&sorting->failed, true);
			break;
		}
		used = ccp_sort_lines(&lines, block->data, block->len, &out);
		assert(used == block->len);
		free(block->data);
		*block = (struct ccp_sorter_block){ out.data, out.len, out.cap, true };
	}
	ccp_sort_lines_release(&lines);
}

static int sort_blocks(struct ccp_sorter *sorter, struct ccp_err *err)
{
	struct sorting sorting = { .sorter = sorter };
	size_t raw = 0;

	for (size_t i = 0; i < sorter->block_count; i++)
		raw += !sorter->blocks[i].sorted;
	sorter->filling = false;
	if (raw > 0)
		ccp_sort_together(raw < sorter->threads ? (unsigned)raw : sorter->threads, sort_some, &sorting);
	return atomic_load(&sorting.failed) ? ccp_err_set(err, CCP_E_NO_MEMORY, "no memory to sort lines") : 0;
}

/* ---- to a file ---- */

/* All blocks as runs. Memory: runs->runs is returned. */
static int runs_of_blocks(const struct ccp_sorter *sorter, struct ccp_sort_runs *runs, struct ccp_err *err)
{
	*runs = (struct ccp_sort_runs){ .order = sorter->options->order, .stop = sorter->options->stop };
	runs->runs = calloc(sorter->block_count + 1, sizeof *runs->runs);
	if (runs->runs == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	for (size_t i = 0; i < sorter->block_count; i++)
		runs->runs[runs->count++] = (struct ccp_sort_run){ .data = sorter->blocks[i].data,
								   .len = sorter->blocks[i].len };
	return 0;
}

static void free_blocks(struct ccp_sorter *sorter)
{
	for (size_t i = 0; i < sorter->block_count; i++)
		free(sorter->blocks[i].data);
	sorter->block_count = 0;
	sorter->held = 0;
	sorter->filling = false;
}

static int spill_blocks(struct ccp_sorter *sorter, struct ccp_err *err)
{
	struct ccp_sort_runs runs;
	int result;

	if (sorter->block_count == 0)
		return 0;
	if (must_stop(sorter, err) || sort_blocks(sorter, err) != 0)
		return -1;
	if (sorter->spill == NULL && ccp_spill_open(&sorter->spill, sorter->options->tmpdir, err) != 0)
		return -1;
	if (runs_of_blocks(sorter, &runs, err) != 0)
		return -1;
	result = ccp_sorter_merge(sorter, &runs, sorter->spill, err);
	free(runs.runs);
	free_blocks(sorter);
	return result;
}

/* ---- adding ---- */

/* A new block for `bytes`, or NULL. What was before may have gone to a file. */
static struct ccp_sorter_block *add_block(struct ccp_sorter *sorter, size_t bytes, struct ccp_err *err)
{
	uint64_t most = sorter->max_bytes - sorter->max_bytes / 4;
	struct ccp_sorter_block *block;

	sorter->filling = false;
	if (sorter->held + bytes > most && spill_blocks(sorter, err) != 0)
		return NULL;
	if (sorter->block_count == sorter->block_room) {
		size_t room = sorter->block_room * 2 + 64;
		struct ccp_sorter_block *grown = reallocarray(sorter->blocks, room, sizeof *grown);

		if (grown == NULL)
			goto failed;
		sorter->blocks = grown;
		sorter->block_room = room;
	}
	block = &sorter->blocks[sorter->block_count];
	*block = (struct ccp_sorter_block){ .data = allocate(bytes), .cap = bytes };
	if (block->data == NULL)
		goto failed;
	sorter->block_count++;
	sorter->held += bytes;
	sorter->counts.runs++;
	return block;
failed:
	ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %zu bytes of lines", bytes);
	return NULL;
}

int ccp_sorter_add(struct ccp_sorter *sorter, const void *data, size_t len, struct ccp_err *err)
{
	const uint8_t *at = data;

	sorter->counts.bytes += len;
	while (len > 0) {
		const uint8_t *found = memchr(at, sorter->options->order->end, len);
		size_t line = found != NULL ? (size_t)(found - at) + 1 : len;
		struct ccp_sorter_block *block = sorter->filling ? &sorter->blocks[sorter->block_count - 1] : NULL;

		assert(found != NULL);
		if (block == NULL || line > block->cap - block->len || sorter->lines == sorter->raw_lines) {
			bool alone = line > sorter->raw_bytes;

			block = add_block(sorter, alone ? line : sorter->raw_bytes, err);
			if (block == NULL)
				return -1;
			block->sorted = alone;
			sorter->filling = !alone;
			sorter->lines = 0;
		}
		memcpy(block->data + block->len, at, line);
		block->len += line;
		sorter->lines++;
		at += line;
		len -= line;
	}
	return 0;
}

/* The first line of `data` that comes not before another one. */
static size_t place_for(const struct ccp_sorter *sorter, const uint8_t *line, size_t line_len, uint8_t *data,
			size_t len)
{
	struct ccp_sort_run run = { .data = data, .len = len };
	const struct ccp_sort_runs runs = { .order = sorter->options->order, .runs = &run, .count = 1 };
	/* it was there before all of them */
	const struct ccp_sort_splitter splitter = { .line = (uint8_t *)(uintptr_t)line, .len = line_len };
	struct ccp_err err;
	size_t at = len;

	(void)ccp_sort_split(&runs, &splitter, &at, &err); /* fails for files only */
	return at;
}

int ccp_sorter_add_sorted(struct ccp_sorter *sorter, const void *line, size_t line_len, const void *data, size_t len,
			  struct ccp_err *err)
{
	struct ccp_sorter_block *block;
	size_t at;

	if (line_len + len < sorter->raw_bytes / 16) { /* many tiny runs are slow to merge */
		if (line_len > 0 && ccp_sorter_add(sorter, line, line_len, err) != 0)
			return -1;
		return ccp_sorter_add(sorter, data, len, err);
	}
	block = add_block(sorter, line_len + len, err);
	if (block == NULL)
		return -1;
	if (len > 0) /* there may be nothing but the line */
		memcpy(block->data, data, len);
	block->len = len;
	if (line_len > 0) {
		at = place_for(sorter, line, line_len - 1, block->data, len);
		memmove(block->data + at + line_len, block->data + at, len - at);
		memcpy(block->data + at, line, line_len);
		block->len += line_len;
	}
	block->sorted = true;
	sorter->counts.bytes += line_len + len;
	return 0;
}

/* ---- giving out ---- */

int ccp_sorter_finish(struct ccp_sorter *sorter, struct ccp_err *err)
{
	if (must_stop(sorter, err))
		return -1;
	if (sorter->file_count == 0) {
		if (sort_blocks(sorter, err) != 0)
			return -1;
		return runs_of_blocks(sorter, &sorter->runs, err);
	}
	if (spill_blocks(sorter, err) != 0 || ccp_sorter_reduce(sorter, err) != 0)
		return -1;
	sorter->runs = (struct ccp_sort_runs){
		.order = sorter->options->order,
		.runs = sorter->files,
		.count = sorter->file_count,
		.buffer_bytes = ccp_sorter_read_bytes(sorter, sorter->file_count),
		.stop = sorter->options->stop,
	};
	sorter->files = NULL;
	return 0;
}

int ccp_sorter_next(struct ccp_sorter *sorter, const uint8_t **line, size_t *len, struct ccp_err *err)
{
	if (sorter->merge == NULL && ccp_sort_merge_open(&sorter->merge, &sorter->runs, NULL, NULL,
							  (struct ccp_sort_level){ 0 }, err) != 0)
		return -1;
	return ccp_sort_merge_next(sorter->merge, line, len, err);
}

int ccp_sorter_write(struct ccp_sorter *sorter, const struct ccp_sorter_taker *taker, struct ccp_err *err)
{
	return ccp_sort_share(&sorter->runs, sorter->threads, sorter->out_bytes, taker, err);
}

struct ccp_sorter_counts ccp_sorter_counts(const struct ccp_sorter *sorter)
{
	return sorter->counts;
}

void ccp_sorter_free(struct ccp_sorter *sorter)
{
	if (sorter == NULL)
		return;
	ccp_sort_merge_close(sorter->merge);
	free(sorter->runs.runs);
	free(sorter->files);
	free_blocks(sorter);
	free(sorter->blocks);
	ccp_spill_close(sorter->spill);
	free(sorter);
}
