/*
 * mr_tell.c: lines are taken out of what was kept, piece by piece, and those that are no reports put together again.
 */
#include "cmd/mr_tell.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/text.h"

struct lines {
	struct ccp_mr_tell *tell;
	struct ccp_mr_counters counters; /* of this task alone */
	char *begun;          /* of a line whose end has not come */
	size_t len, room;
	char *status;         /* the last one; NULL = none */
	char out[16 << 10];
	size_t out_len;
};

static void flush(struct lines *lines)
{
	struct ccp_err ignored; /* of messages that nobody reads */

	(void)ccp_outlet_write(&lines->tell->jobs->err, lines->out, lines->out_len, &ignored);
	lines->out_len = 0;
}

static void pass(struct lines *lines, const char *data, size_t len)
{
	struct ccp_err ignored;

	if (len > sizeof lines->out - lines->out_len)
		flush(lines);
	if (len > sizeof lines->out) {
		(void)ccp_outlet_write(&lines->tell->jobs->err, data, len, &ignored);
		return;
	}
	memcpy(lines->out + lines->out_len, data, len);
	lines->out_len += len;
}

/* A line; `len` without its end, which is there if `ended`. What there is no memory to count is passed on. */
static void on_line(struct lines *lines, const char *line, size_t len, bool ended)
{
	const char *message;
	struct ccp_err ignored;
	int kind = ccp_mr_counters_line(&lines->counters, line, len, &message, &ignored);

	if (kind == CCP_MR_STATUS) {
		size_t words = len - (size_t)(message - line);

		free(lines->status);
		lines->status = malloc(words + 1);
		if (lines->status != NULL) {
			memcpy(lines->status, message, words);
			lines->status[words] = '\0';
		}
	} else if (kind != CCP_MR_COUNTER) {
		pass(lines, line, len + ended);
	}
}

static int take(void *arg, const void *data, size_t len, struct ccp_err *err)
{
	struct lines *lines = arg;
	const char *at = data, *stop = at + len;

	while (at < stop) {
		const char *end = memchr(at, '\n', (size_t)(stop - at));
		size_t more = (size_t)((end != NULL ? end + 1 : stop) - at);

		if (lines->len > 0 || end == NULL) {
			if (more > lines->room - lines->len) {
				size_t room = (lines->len + more) * 2;
				char *grown = realloc(lines->begun, room);

				if (grown == NULL)
					return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
				lines->begun = grown;
				lines->room = room;
			}
			memcpy(lines->begun + lines->len, at, more);
			lines->len += more;
			if (end != NULL) {
				on_line(lines, lines->begun, lines->len - 1, true);
				lines->len = 0;
			}
		} else {
			on_line(lines, at, more - 1, true);
		}
		at += more;
	}
	return 0;
}

void ccp_mr_tell_open(struct ccp_mr_tell *tell, struct ccp_jobs *jobs)
{
	*tell = (struct ccp_mr_tell){ .jobs = jobs };
	pthread_mutex_init(&tell->lock, NULL);
}

void ccp_mr_tell_close(struct ccp_mr_tell *tell)
{
	ccp_mr_counters_free(&tell->counters);
	pthread_mutex_destroy(&tell->lock);
}

/* Adds the counters of a task to those of the job, as if it had reported each once. */
static void add_counters(struct ccp_mr_counters *sums, const struct ccp_mr_counters *counters)
{
	for (size_t i = 0; i < counters->count; i++) {
		const struct ccp_mr_counter *counter = &counters->list[i];
		struct ccp_err ignored;

		(void)ccp_mr_counters_add(sums, counter->name, counter->len, counter->amount, &ignored);
	}
}

void ccp_mr_tell_task(struct ccp_mr_tell *tell, const struct ccp_kept *words, bool well, const char *name)
{
	struct lines *lines;
	struct ccp_err ignored;

	if (ccp_kept_bytes(words) == 0)
		return;
	pthread_mutex_lock(&tell->lock);
	lines = calloc(1, sizeof *lines);
	if (lines != NULL) {
		lines->tell = tell;
		(void)ccp_kept_each(words, take, lines, &ignored);
		if (lines->len > 0)
			on_line(lines, lines->begun, lines->len, false);
		flush(lines);
		if (lines->status != NULL && tell->jobs->settings->verbose > 0)
			fprintf(stderr, "%s: %s: %s\n", tell->jobs->settings->program, name, lines->status);
		if (well)
			add_counters(&tell->counters, &lines->counters);
		ccp_mr_counters_free(&lines->counters);
		free(lines->begun);
		free(lines->status);
		free(lines);
	}
	pthread_mutex_unlock(&tell->lock);
}

void ccp_mr_tell_end(struct ccp_mr_tell *tell, const struct ccp_crew_done *done, const char *name,
		     const char *command)
{
	pthread_mutex_lock(&tell->lock);
	fprintf(stderr, "%s: %s: ", tell->jobs->settings->program, name);
	ccp_jobs_tell_end(stderr, tell->jobs, done, command);
	pthread_mutex_unlock(&tell->lock);
}

void ccp_mr_tell_counters(const struct ccp_mr_tell *tell)
{
	char text[CCP_MR_NUMBER_TEXT];

	for (size_t i = 0; i < tell->counters.count && !tell->jobs->settings->quiet; i++) {
		const struct ccp_mr_counter *counter = &tell->counters.list[i];

		ccp_mr_number_write(counter->amount, text);
		fprintf(stderr, "%s: counter %s = %s\n", tell->jobs->settings->program, counter->name, text);
	}
}
