/*
 * runs.c: where to split runs so that threads can merge ranges of the order on their own.
 *
 * Lines are sampled from all runs at equal distances in bytes; some of these, in order, become the splitters. Their
 * place in each run is found by bisection over bytes: from a byte in the middle on, the next line is looked at. Lines
 * that compare equal are told apart by run and place, so that even a file of one line, many times, is split evenly; if
 * only one of them will stay they are kept together.
 */
#include <stdlib.h>
#include <string.h>

#include "pipeline/sort/merge.h"

#define SAMPLES 8          /* for each splitter */
#define PROBE_BYTES 512    /* that are read at first where a line is looked for */
#define LONGEST_SPLITTER ((size_t)64 << 10)

/* Makes bytes [from, from + len) of the run visible at *data. */
static int show(const struct ccp_sort_run *run, size_t from, size_t len, struct ccp_sort_place *place,
		const uint8_t **data, struct ccp_err *err)
{
	if (run->data != NULL) {
		*data = run->data + from;
		return 0;
	}
	if (len > place->room) {
		uint8_t *grown = realloc(place->buffer, len);

		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a line of more than %zu bytes",
					   place->room);
		place->buffer = grown;
		place->room = len;
	}
	*data = place->buffer;
	return ccp_spill_read(run->spill, &place->reader, run->begin + from, place->buffer, len, err);
}

void ccp_sort_place_free(struct ccp_sort_place *place)
{
	free(place->buffer);
	ccp_spill_reader_free(&place->reader);
}

/* Finds the end of the line that `from` is in. Returns 0 and what lies from there on to it and with it at *data. */
static int find_end(const struct ccp_sort_run *run, size_t from, char end, struct ccp_sort_place *place,
		    const uint8_t **data, size_t *len, struct ccp_err *err)
{
	size_t left = run->len - from, probe = run->data != NULL ? left : PROBE_BYTES;

	for (;; probe *= 2) {
		const uint8_t *found;

		if (probe > left)
			probe = left;
		if (show(run, from, probe, place, data, err) != 0)
			return -1;
		found = memchr(*data, end, probe);
		*len = found != NULL ? (size_t)(found - *data) + 1 : probe;
		if (found != NULL || probe == left)
			return 0;
	}
}

int ccp_sort_run_find(const struct ccp_sort_runs *runs, size_t number, size_t from, struct ccp_sort_place *place,
		      struct ccp_err *err)
{
	const struct ccp_sort_run *run = &runs->runs[number];
	const uint8_t *data;
	size_t len;

	if (from > 0) { /* a line begins behind an end */
		if (find_end(run, from - 1, runs->order->end, place, &data, &len, err) != 0)
			return -1;
		from += len - 1;
	}
	place->begin = from;
	place->len = 0;
	if (from >= run->len)
		return 0;
	if (find_end(run, from, runs->order->end, place, &place->line, &len, err) != 0)
		return -1;
	place->len = len - 1;
	return 0;
}

/* ---- splitting ---- */

/* Whether a line comes before the splitter. */
static bool is_before(const struct ccp_sort_runs *runs, const uint8_t *line, size_t len, size_t run, size_t begin,
		      const struct ccp_sort_splitter *splitter)
{
	int diff = ccp_sort_compare(runs->order, line, len, splitter->line, splitter->len);

	if (diff != 0 || runs->order->unique)
		return diff < 0;
	return run != splitter->run ? run < splitter->run : begin < splitter->begin;
}

int ccp_sort_split(const struct ccp_sort_runs *runs, const struct ccp_sort_splitter *splitter, size_t *bounds,
		   struct ccp_err *err)
{
	struct ccp_sort_place place = { 0 };
	int result = 0;

	for (size_t run = 0; run < runs->count && result == 0; run++) {
		size_t low = 0, high = runs->runs[run].len;

		while (low < high) {
			size_t at = low + (high - low) / 2;

			result = ccp_sort_run_find(runs, run, at, &place, err);
			if (result != 0)
				break;
			if (place.begin >= high) /* no line begins in between */
				high = at;
			else if (is_before(runs, place.line, place.len, run, place.begin, splitter))
				low = place.begin + place.len + 1;
			else
				high = at; /* nor does one from there to the line that was found */
		}
		bounds[run] = low;
	}
	ccp_sort_place_free(&place);
	return result;
}

static int compare_splitters(const void *left, const void *right, void *arg)
{
	const struct ccp_sort_runs *runs = arg;
	const struct ccp_sort_splitter *a = left, *b = right;
	int diff = ccp_sort_compare(runs->order, a->line, a->len, b->line, b->len);

	if (diff != 0)
		return diff;
	if (a->run != b->run)
		return a->run < b->run ? -1 : 1;
	return (a->begin > b->begin) - (a->begin < b->begin);
}

void ccp_sort_splitters_free(struct ccp_sort_splitter *splitters, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(splitters[i].line);
	free(splitters);
}

/* Takes a line in every `step` bytes of all runs, but no very long ones. */
static int sample(const struct ccp_sort_runs *runs, size_t step, struct ccp_sort_splitter *samples, size_t most,
		  size_t *count, struct ccp_err *err)
{
	struct ccp_sort_place place = { 0 };
	size_t passed = 0;
	int result = 0;

	for (size_t run = 0; run < runs->count && result == 0; run++) {
		size_t len = runs->runs[run].len, at = (step - passed % step) % step;

		for (; at < len && *count < most; at += step) {
			struct ccp_sort_splitter *made = &samples[*count];

			result = ccp_sort_run_find(runs, run, at, &place, err);
			if (result != 0)
				break;
			if (place.begin >= len || place.len > LONGEST_SPLITTER)
				continue;
			made->line = malloc(place.len + 1);
			if (made->line == NULL) {
				result = ccp_err_set(err, CCP_E_NO_MEMORY, "no memory to share a merge out");
				break;
			}
			memcpy(made->line, place.line, place.len);
			made->len = place.len;
			made->run = run;
			made->begin = place.begin;
			++*count;
		}
		passed += len;
	}
	ccp_sort_place_free(&place);
	return result;
}

int ccp_sort_choose(const struct ccp_sort_runs *runs, size_t wanted, struct ccp_sort_splitter **splitters,
		    size_t *count, struct ccp_err *err)
{
	size_t most = wanted * SAMPLES, bytes = 0, found = 0;
	struct ccp_sort_splitter *samples = calloc(most, sizeof *samples);

	*splitters = NULL;
	*count = 0;
	if (samples == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory to share a merge out");
	for (size_t i = 0; i < runs->count; i++)
		bytes += runs->runs[i].len;
	if (sample(runs, bytes / most + 1, samples, most, &found, err) != 0) {
		ccp_sort_splitters_free(samples, found);
		return -1;
	}
	qsort_r(samples, found, sizeof *samples, compare_splitters, (void *)(uintptr_t)runs);
	for (size_t i = 0; i < found; i++) { /* every SAMPLES-th stays */
		if (i % SAMPLES == SAMPLES - 1 && *count < wanted - 1) {
			struct ccp_sort_splitter kept = samples[i];

			samples[i].line = NULL;
			free(samples[*count].line);
			samples[(*count)++] = kept;
		} else {
			free(samples[i].line);
			samples[i].line = NULL;
		}
	}
	*splitters = samples;
	return 0;
}
