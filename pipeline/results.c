/*
 * results.c: puts the results of inputs into the order of the command line.
 *
 * A ring of pointers, by index. A result whose turn it is goes out at once; of another one a short record is kept until
 * its turn comes: with the biggest inputs first, most results wait, so a record holds no empty error and no empty name.
 * One caller at a time delivers; others only store. The distance between the oldest missing index and the newest is
 * bounded by the lookahead of NEXT, the window, and CROWDED results in waiting.
 * Where the order does not matter nothing is kept: whoever has a result tells it, and the next one waits for that.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/flow_internal.h"

#define RING 65536u
#define CROWDED 8192u

/* What is told of an input, as long as needed. */
struct record {
	uint64_t index, bytes_in, bytes_out, plain_bytes, begin;
	struct stat meta;
	struct timespec found_mtime;
	enum ccp_outcome outcome;
	bool is_stdin, has_meta, found_has_mtime, has_err;
	uint16_t name_len; /* of found.name */
	uint16_t kept_len; /* of the input's record */
	char text[];       /* the path and its NUL, the name, the record, and then the error if there is one */
};

/*
 * Stand-ins for records that there was no memory for: of such an input only the outcome is told. By outcome; never
 * read.
 */
static const char lost[CCP_FAILED + 1];

static struct record *lost_record(enum ccp_outcome outcome)
{
	return (struct record *)(uintptr_t)&lost[outcome];
}

static bool is_lost(const struct record *record)
{
	return (const char *)record >= lost && (const char *)record < lost + sizeof lost;
}

struct ccp_results {
	/* set before the run */
	void (*report)(void *arg, const struct ccp_result *result);
	void *arg;
	bool unordered;
	pthread_mutex_t telling; /* unordered: held during `report` */
	pthread_mutex_t lock;
	/* guarded by lock */
	struct record *ring[RING];
	uint64_t next;
	uint32_t waiting;
	bool delivering;
	/* owned by the one that delivers */
	struct ccp_input scratch;
};

int ccp_results_new(struct ccp_results **out, bool unordered, void (*report)(void *, const struct ccp_result *),
		    void *arg, struct ccp_err *err)
{
	struct ccp_results *results = calloc(1, sizeof *results);

	if (!results)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for the results");
	results->report = report;
	results->arg = arg;
	results->unordered = unordered;
	pthread_mutex_init(&results->telling, NULL);
	pthread_mutex_init(&results->lock, NULL);
	*out = results;
	return 0;
}

static void deliver(struct ccp_results *results, const struct ccp_input *input)
{
	struct ccp_result result = { .input = input, .outcome = input->outcome, .err = input->err };

	if (results->report)
		results->report(results->arg, &result);
}

static struct record *record_of(const struct ccp_input *input)
{
	size_t path_size = strlen(input->path) + 1, name_len = strlen(input->found.name);
	bool has_err = input->err.code != CCP_OK;
	size_t text_len = path_size + name_len + input->record_len;
	struct record *record = malloc(sizeof *record + text_len + (has_err ? sizeof(struct ccp_err) : 0));

	if (!record)
		return lost_record(input->outcome);
	*record = (struct record){
		.index = input->index,
		.bytes_in = input->bytes_in,
		.bytes_out = input->bytes_out,
		.plain_bytes = input->plain_bytes,
		.begin = input->begin,
		.meta = input->meta,
		.found_mtime = input->found.mtime,
		.outcome = input->outcome,
		.is_stdin = input->is_stdin,
		.has_meta = input->has_meta,
		.found_has_mtime = input->found.has_mtime,
		.has_err = has_err,
		.name_len = (uint16_t)name_len,
		.kept_len = (uint16_t)input->record_len,
	};
	memcpy(record->text, input->path, path_size);
	memcpy(record->text + path_size, input->found.name, name_len);
	memcpy(record->text + path_size + name_len, input->record, input->record_len);
	if (has_err)
		memcpy(record->text + text_len, &input->err, sizeof input->err);
	return record;
}

/* Tells what a record holds, and frees it. */
static void deliver_record(struct ccp_results *results, struct record *record)
{
	struct ccp_input *input = &results->scratch;

	memset(input, 0, offsetof(struct ccp_input, path));
	ccp_err_clear(&input->err);
	if (is_lost(record)) {
		input->outcome = (enum ccp_outcome)((const char *)record - lost);
		strcpy(input->path, "(an input)");
		if (input->outcome != CCP_DONE)
			ccp_err_set(&input->err, CCP_E_NO_MEMORY, "no memory to remember what went wrong");
		deliver(results, input);
		return;
	}

	size_t path_size = strlen(record->text) + 1, text_len = path_size + record->name_len + record->kept_len;

	input->index = record->index;
	input->bytes_in = record->bytes_in;
	input->bytes_out = record->bytes_out;
	input->plain_bytes = record->plain_bytes;
	input->begin = record->begin;
	input->meta = record->meta;
	input->found.mtime = record->found_mtime;
	input->found.has_mtime = record->found_has_mtime;
	input->outcome = record->outcome;
	input->is_stdin = record->is_stdin;
	input->has_meta = record->has_meta;
	memcpy(input->path, record->text, path_size);
	memcpy(input->found.name, record->text + path_size, record->name_len);
	input->record_len = record->kept_len;
	memcpy(input->record, record->text + path_size + record->name_len, record->kept_len);
	if (record->has_err)
		memcpy(&input->err, record->text + text_len, sizeof input->err);
	free(record);
	deliver(results, input);
}

void ccp_results_put(struct ccp_results *results, const struct ccp_input *input)
{
	bool now;

	if (results->unordered) {
		pthread_mutex_lock(&results->telling);
		deliver(results, input);
		pthread_mutex_unlock(&results->telling);
		return;
	}
	pthread_mutex_lock(&results->lock);
	assert(input->index >= results->next && input->index - results->next < RING);
	now = input->index == results->next && !results->delivering;
	if (!now) {
		results->ring[input->index % RING] = record_of(input);
		results->waiting++;
		pthread_mutex_unlock(&results->lock);
		return;
	}
	results->delivering = true;
	pthread_mutex_unlock(&results->lock);
	deliver(results, input);
	pthread_mutex_lock(&results->lock);
	results->next++;
	for (;;) {
		struct record *record = results->ring[results->next % RING];

		if (!record)
			break;
		results->ring[results->next % RING] = NULL;
		pthread_mutex_unlock(&results->lock);
		deliver_record(results, record);
		pthread_mutex_lock(&results->lock);
		results->waiting--;
		results->next++;
	}
	results->delivering = false;
	pthread_mutex_unlock(&results->lock);
}

void ccp_results_free(struct ccp_results *results)
{
	if (!results)
		return;
	for (uint64_t i = results->next; i < results->next + RING; i++) {
		if (results->ring[i % RING])
			deliver_record(results, results->ring[i % RING]);
	}
	pthread_mutex_destroy(&results->telling);
	pthread_mutex_destroy(&results->lock);
	free(results);
}

bool ccp_results_crowded(struct ccp_results *results)
{
	pthread_mutex_lock(&results->lock);
	bool crowded = results->waiting >= CROWDED;
	pthread_mutex_unlock(&results->lock);
	return crowded;
}
