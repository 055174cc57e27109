/*
 * fold/freq_run.c: runs lie in temporary files without a name, records one after the other as they lie in memory.
 *
 * Sixteen runs of the same level are merged into one of the next, so that there are never many files, and every record
 * is written once a level. A merge keeps the runs in a heap by their first records.
 */
#include "pipeline/fold/freq_run.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/nameless.h"
#include "pipeline/output.h"

#define NAME "a temporary file"
#define FAN 16u
#define BUFFER_LEAST ((size_t)16 << 10)
#define BUFFER_MOST ((size_t)1 << 20)

void ccp_freq_runs_init(struct ccp_freq_runs *runs, bool by_count, uint64_t memory)
{
	uint64_t each = memory / (2 * FAN);

	*runs = (struct ccp_freq_runs){ .by_count = by_count };
	runs->buffer_bytes = each < BUFFER_LEAST ? BUFFER_LEAST : each > BUFFER_MOST ? BUFFER_MOST : (size_t)each;
}

static void forget(struct ccp_freq_runs *runs, size_t first)
{
	while (runs->count > first)
		close(runs->run[--runs->count].fd);
}

void ccp_freq_runs_release(struct ccp_freq_runs *runs)
{
	forget(runs, 0);
}

/* ---- writing ------------------------------------------------------------------------------------- */

struct writer {
	int fd;
	uint64_t bytes;
	uint8_t *data;
	size_t len, room;
};

static int open_writer(struct writer *writer, size_t room, struct ccp_err *err)
{
	const char *dir = ccp_nameless_dir(access("/var/tmp", W_OK) == 0 ? "/var/tmp" : "/tmp");

	*writer = (struct writer){ .room = room, .data = malloc(room) };
	if (writer->data == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for " NAME);
	writer->fd = ccp_nameless_open(dir);
	if (writer->fd >= 0)
		return 0;
	free(writer->data);
	return ccp_err_sys(err, errno, NAME " in %s", dir);
}

static int flush(struct writer *writer, struct ccp_err *err)
{
	int result = ccp_output_write(writer->fd, NAME, writer->data, writer->len, err);

	writer->bytes += writer->len;
	writer->len = 0;
	return result;
}

static int put(struct writer *writer, const struct ccp_freq_record *record, struct ccp_err *err)
{
	size_t len = CCP_FREQ_RECORD_BYTES(record->len);

	if (len > writer->room - writer->len && flush(writer, err) != 0)
		return -1;
	if (len > writer->room) {
		writer->bytes += len;
		return ccp_output_write(writer->fd, NAME, record, len, err);
	}
	memcpy(writer->data + writer->len, record, len);
	writer->len += len;
	return 0;
}

/* Adds what was written to the runs, if it went well. */
static int close_writer(struct writer *writer, struct ccp_freq_runs *runs, size_t first, unsigned level, int result,
			struct ccp_err *err)
{
	if (result == 0)
		result = flush(writer, err);
	free(writer->data);
	if (result != 0) {
		close(writer->fd);
		return -1;
	}
	forget(runs, first);
	runs->run[runs->count++] = (struct ccp_freq_run){ writer->fd, level, writer->bytes };
	return 0;
}

static int merge_last(struct ccp_freq_runs *runs, struct ccp_err *err)
{
	size_t first = runs->count - FAN;
	struct ccp_freq_merge *merge;
	struct ccp_freq_record *record;
	struct writer writer;
	int result;

	if (ccp_freq_merge_new(&merge, runs, first, err) != 0)
		return -1;
	result = open_writer(&writer, runs->buffer_bytes, err);
	if (result == 0) {
		while ((result = ccp_freq_merge_next(merge, &record, err)) == 1)
			if (put(&writer, record, err) != 0) {
				result = -1;
				break;
			}
		result = close_writer(&writer, runs, first, runs->run[first].level + 1, result, err);
	}
	ccp_freq_merge_free(merge);
	return result;
}

int ccp_freq_runs_add(struct ccp_freq_runs *runs, const struct ccp_freq_store *store,
		      const struct ccp_freq_item *items, size_t count, struct ccp_err *err)
{
	struct writer writer;
	int result = 0;

	if (open_writer(&writer, runs->buffer_bytes, err) != 0)
		return -1;
	for (size_t i = 0; i < count && result == 0; i++)
		result = put(&writer, ccp_freq_record_at(store->memory.data, items[i].at), err);
	if (close_writer(&writer, runs, runs->count, 0, result, err) != 0)
		return -1;
	runs->written++;
	while (runs->count >= FAN && runs->run[runs->count - FAN].level == runs->run[runs->count - 1].level)
		if (merge_last(runs, err) != 0)
			return -1;
	return 0;
}

/* ---- merging ------------------------------------------------------------------------------------- */

struct reader {
	int fd;
	uint64_t at, end;   /* of what was not read yet */
	uint8_t *data;
	size_t from, len, room;
	struct ccp_freq_record *record;
};

struct ccp_freq_merge {
	bool by_count;
	size_t count;       /* readers in the heap */
	struct reader *given; /* holds what was given last; behind the heap, and those behind it are at their ends */
	size_t readers;
	struct reader reader[];
};

/* Makes `need` bytes lie in the buffer. */
static int fill(struct reader *reader, size_t need, struct ccp_err *err)
{
	if (reader->len - reader->from >= need)
		return 0;
	memmove(reader->data, reader->data + reader->from, reader->len - reader->from);
	reader->len -= reader->from;
	reader->from = 0;
	if (need > reader->room) {
		uint8_t *grown = realloc(reader->data, need);

		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a key of %zu bytes", need);
		reader->data = grown;
		reader->room = need;
	}
	while (reader->len < need) {
		size_t rest = reader->room - reader->len;
		ssize_t n = pread(reader->fd, reader->data + reader->len,
				  reader->end - reader->at < rest ? (size_t)(reader->end - reader->at) : rest,
				  (off_t)reader->at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ccp_err_sys(err, n < 0 ? errno : EIO, "reading " NAME);
		reader->len += (size_t)n;
		reader->at += (uint64_t)n;
	}
	return 0;
}

/* The next record of a run. Returns 1, 0 at its end. */
static int advance(struct reader *reader, struct ccp_err *err)
{
	size_t len;

	if (reader->record != NULL)
		reader->from += CCP_FREQ_RECORD_BYTES(reader->record->len);
	reader->record = NULL;
	if (reader->from == reader->len && reader->at == reader->end)
		return 0;
	if (fill(reader, sizeof *reader->record, err) != 0)
		return -1;
	len = CCP_FREQ_RECORD_BYTES(ccp_freq_record_at(reader->data + reader->from, 0)->len);
	if (fill(reader, len, err) != 0)
		return -1;
	reader->record = ccp_freq_record_at(reader->data + reader->from, 0);
	return 1;
}

static void swap(struct reader *a, struct reader *b)
{
	struct reader other = *a;

	*a = *b;
	*b = other;
}

static void sift_down(struct ccp_freq_merge *merge, size_t at)
{
	struct reader *r = merge->reader;

	for (size_t child; (child = 2 * at + 1) < merge->count; at = child) {
		if (child + 1 < merge->count &&
		    ccp_freq_compare(r[child + 1].record, r[child].record, merge->by_count) < 0)
			child++;
		if (ccp_freq_compare(r[at].record, r[child].record, merge->by_count) <= 0)
			return;
		swap(&r[at], &r[child]);
	}
}

static void sift_up(struct ccp_freq_merge *merge, size_t at)
{
	struct reader *r = merge->reader;

	for (; at > 0 && ccp_freq_compare(r[at].record, r[(at - 1) / 2].record, merge->by_count) < 0; at = (at - 1) / 2)
		swap(&r[at], &r[(at - 1) / 2]);
}

int ccp_freq_merge_new(struct ccp_freq_merge **out, const struct ccp_freq_runs *runs, size_t first,
		       struct ccp_err *err)
{
	size_t count = runs->count - first;
	struct ccp_freq_merge *merge = calloc(1, sizeof *merge + count * sizeof merge->reader[0]);

	if (merge == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a merge");
	merge->by_count = runs->by_count;
	merge->readers = count;
	for (size_t i = 0; i < count; i++) {
		struct reader *reader = &merge->reader[i];

		*reader = (struct reader){ .fd = runs->run[first + i].fd, .end = runs->run[first + i].bytes,
					   .room = runs->buffer_bytes, .data = malloc(runs->buffer_bytes) };
		if (reader->data == NULL) {
			ccp_freq_merge_free(merge);
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a merge");
		}
	}
	for (size_t i = 0; i < count; i++) {
		int result = advance(&merge->reader[i], err);

		if (result < 0) {
			ccp_freq_merge_free(merge);
			return -1;
		}
		if (result == 0)
			continue;
		swap(&merge->reader[i], &merge->reader[merge->count]);
		sift_up(merge, merge->count++);
	}
	*out = merge;
	return 0;
}

void ccp_freq_merge_free(struct ccp_freq_merge *merge)
{
	if (merge == NULL)
		return;
	for (size_t i = 0; i < merge->readers; i++)
		free(merge->reader[i].data);
	free(merge);
}

/* The first reader goes to its next record, and to its place. */
static int next_of_first(struct ccp_freq_merge *merge, struct ccp_err *err)
{
	int result = advance(&merge->reader[0], err);

	if (result < 0)
		return -1;
	if (result == 0)
		swap(&merge->reader[0], &merge->reader[--merge->count]);
	sift_down(merge, 0);
	return 0;
}

int ccp_freq_merge_next(struct ccp_freq_merge *merge, struct ccp_freq_record **out, struct ccp_err *err)
{
	struct ccp_freq_record *record;

	if (merge->given != NULL) { /* its record was borrowed: only now may it go on */
		int result = advance(merge->given, err);

		if (result < 0)
			return -1;
		if (result == 1) {
			swap(merge->given, &merge->reader[merge->count]);
			sift_up(merge, merge->count++);
		}
		merge->given = NULL;
	}
	if (merge->count == 0)
		return 0;
	swap(&merge->reader[0], &merge->reader[--merge->count]);
	sift_down(merge, 0);
	merge->given = &merge->reader[merge->count];
	record = merge->given->record;
	while (!merge->by_count && merge->count > 0 && ccp_freq_compare(record, merge->reader[0].record, false) == 0) {
		record->count += merge->reader[0].record->count;
		if (next_of_first(merge, err) != 0)
			return -1;
	}
	*out = record;
	return 1;
}
