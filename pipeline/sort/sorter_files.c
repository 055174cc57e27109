/*
 * sorter_files.c: the runs of a sorter that are in files.
 *
 * One file holds all of them, one behind the other. If there are more than can be read at the same time, neighbours are
 * merged to a second file, which takes the place of the first.
 */
#include <stdlib.h>

#include "pipeline/sort/share.h"
#include "pipeline/sort/sorter_internal.h"

#define READ_LEAST CCP_SPILL_BLOCK /* of a run in a file, at a time */
#define READ_MOST ((size_t)1 << 20)

static int add_file(struct ccp_sorter *sorter, const struct ccp_sort_run *run, struct ccp_err *err)
{
	if (sorter->file_count == sorter->file_room) {
		size_t room = sorter->file_room * 2 + 16;
		struct ccp_sort_run *grown = reallocarray(sorter->files, room, sizeof *grown);

		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
		sorter->files = grown;
		sorter->file_room = room;
	}
	sorter->files[sorter->file_count++] = *run;
	return 0;
}

static int take_spilled(void *arg, const void *data, size_t len, struct ccp_err *err)
{
	return ccp_spill_write(arg, data, len, err);
}

/* Merges runs to the end of a file. */
int ccp_sorter_merge(struct ccp_sorter *sorter, const struct ccp_sort_runs *runs, struct ccp_spill *spill,
		     struct ccp_err *err)
{
	const struct ccp_sorter_taker taker = { take_spilled, spill };
	struct ccp_sort_run run = { .spill = spill, .begin = spill->end };
	uint64_t stored = spill->stored;

	if (ccp_sort_share(runs, sorter->threads, sorter->out_bytes, &taker, err) != 0)
		return -1;
	run.len = (size_t)(spill->end - run.begin);
	if (ccp_spill_flush(spill, err) != 0)
		return -1;
	sorter->counts.spilled_bytes += run.len;
	sorter->counts.stored_bytes += spill->stored - stored;
	return run.len > 0 ? add_file(sorter, &run, err) : 0;
}

/* How many runs in files can be read at the same time, by all threads. */
static size_t fan_in(const struct ccp_sorter *sorter)
{
	uint64_t bytes = sorter->max_bytes - sorter->threads * (uint64_t)sorter->out_bytes;

	return ccp_sorter_between(bytes / (sorter->threads * READ_LEAST), 2, SIZE_MAX);
}

size_t ccp_sorter_read_bytes(const struct ccp_sorter *sorter, size_t count)
{
	uint64_t bytes = sorter->max_bytes - sorter->threads * (uint64_t)sorter->out_bytes;

	return ccp_sorter_between(bytes / sorter->threads / (count + 1), READ_LEAST, READ_MOST) & ~(size_t)4095;
}

/* Merges neighbours until all files can be read at once. */
int ccp_sorter_reduce(struct ccp_sorter *sorter, struct ccp_err *err)
{
	size_t fan = fan_in(sorter);
	int result = 0;

	while (result == 0 && sorter->file_count > fan) {
		struct ccp_sort_run *old = sorter->files;
		struct ccp_spill *old_spill = sorter->spill;
		size_t count = sorter->file_count;

		sorter->files = NULL;
		sorter->file_count = sorter->file_room = 0;
		sorter->spill = NULL;
		result = ccp_spill_open(&sorter->spill, sorter->options->tmpdir, err);
		for (size_t at = 0; at < count && result == 0; at += fan) {
			const struct ccp_sort_runs runs = {
				.order = sorter->options->order,
				.runs = old + at,
				.count = count - at < fan ? count - at : fan,
				.buffer_bytes = ccp_sorter_read_bytes(sorter, fan),
				.stop = sorter->options->stop,
			};

			result = ccp_sorter_merge(sorter, &runs, sorter->spill, err);
		}
		free(old);
		ccp_spill_close(old_spill);
		sorter->counts.passes++;
	}
	return result;
}
