/*
 * run_batch.c: one argument a job, or N; or, with -X, as many as a command line may hold. For that it reads ahead what
 * all commands that run at once could take, so that when the end comes they share what is left.
 */
#include "cmd/run_batch.h"

#include <stdlib.h>
#include <string.h>

/* Linux lets a single string have 128 KiB, which a line for the shell is; xargs stops there as well. */
#define LIMIT_BYTES ((size_t)120 << 10)

static struct ccp_run_job *make_job(struct ccp_err *err)
{
	struct ccp_run_job *job = calloc(1, sizeof *job);

	if (job == NULL)
		ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a job");
	return job;
}

void ccp_run_job_free(struct ccp_run_job *job)
{
	if (job == NULL)
		return;
	ccp_wordlist_free(&job->words);
	free(job);
}

void ccp_run_batch_release(struct ccp_run_batch *batch)
{
	ccp_args_release(&batch->args);
	ccp_run_job_free(batch->pending);
	ccp_wordlist_free(&batch->ahead);
}

/* ---- one, or N ----------------------------------------------------------------------------------- */

/* Adds to `words` until there are max_args. Returns CCP_ARGS_ONE then, else what kept it from it. */
static int collect(struct ccp_run_batch *batch, bool ready, struct ccp_wordlist *words, size_t max_args,
		   size_t max_bytes, void (*complain)(void *arg, const struct ccp_err *err), void *arg,
		   struct ccp_err *err)
{
	while (words->count < max_args && words->len < max_bytes) {
		char *text;
		int result = ccp_args_next(&batch->args, ready, &text, err);

		ready = false;
		if (result < 0 && err->code == CCP_E_OTHER) {
			batch->bad++;
			complain(arg, err);
			continue;
		}
		if (result != CCP_ARGS_ONE)
			return result;
		ccp_wordlist_add(words, text, strlen(text));
		ccp_wordlist_end(words);
	}
	return CCP_ARGS_ONE;
}

static int next_few(struct ccp_run_batch *batch, bool ready, struct ccp_run_job **job,
		    void (*complain)(void *arg, const struct ccp_err *err), void *arg, struct ccp_err *err)
{
	int result;

	if (batch->pending == NULL && (batch->pending = make_job(err)) == NULL)
		return -1;
	result = collect(batch, ready, &batch->pending->words, batch->max_args, SIZE_MAX, complain, arg, err);
	if (result != CCP_ARGS_ONE && (result != CCP_ARGS_END || batch->pending->words.count == 0))
		return result;
	*job = batch->pending;
	batch->pending = NULL;
	return CCP_ARGS_ONE;
}

/* ---- as many as there is room for ---------------------------------------------------------------- */

/* Forgets what was given of what was read ahead. */
static void compact(struct ccp_run_batch *batch)
{
	struct ccp_wordlist *ahead = &batch->ahead;

	if (batch->ahead_at == 0)
		return;
	memmove(ahead->text, ahead->text + batch->ahead_at, ahead->len - batch->ahead_at);
	ahead->len -= batch->ahead_at;
	ahead->count -= batch->ahead_given;
	batch->ahead_at = batch->ahead_given = 0;
}

static int next_many(struct ccp_run_batch *batch, bool ready, struct ccp_run_job **job,
		     void (*complain)(void *arg, const struct ccp_err *err), void *arg, struct ccp_err *err)
{
	struct ccp_wordlist *ahead = &batch->ahead;
	size_t most = batch->max_args > 0 ? batch->max_args : SIZE_MAX, bytes = 0;

	if (batch->share == 0) {
		int result;

		compact(batch);
		result = collect(batch, ready, ahead, SIZE_MAX, LIMIT_BYTES * batch->degree, complain, arg, err);
		if (result == CCP_ARGS_LATER || result < 0)
			return result;
		if (result == CCP_ARGS_END)
			batch->share = (ahead->count + batch->degree - 1) / batch->degree + (ahead->count == 0);
	}
	if (batch->ahead_given == ahead->count)
		return CCP_ARGS_END;
	if (batch->share > 0 && batch->share < most)
		most = batch->share;
	*job = make_job(err);
	if (*job == NULL)
		return -1;
	while (batch->ahead_given < ahead->count && (*job)->words.count < most) {
		const char *text = ahead->text + batch->ahead_at;
		size_t len = strlen(text);

		bytes += ccp_template_arg_bytes(batch->template, text);
		if (bytes > LIMIT_BYTES && (*job)->words.count > 0)
			break;
		ccp_wordlist_add(&(*job)->words, text, len);
		ccp_wordlist_end(&(*job)->words);
		batch->ahead_at += len + 1;
		batch->ahead_given++;
	}
	return CCP_ARGS_ONE;
}

int ccp_run_batch_next(struct ccp_run_batch *batch, bool ready, struct ccp_run_job **job,
		       void (*complain)(void *arg, const struct ccp_err *err), void *arg, struct ccp_err *err)
{
	int result = batch->many ? next_many(batch, ready, job, complain, arg, err)
				 : next_few(batch, ready, job, complain, arg, err);

	if (result != CCP_ARGS_ONE)
		return result;
	(*job)->number = ++batch->jobs;
	if (ccp_wordlist_argv(&(*job)->words, err) != NULL)
		return CCP_ARGS_ONE;
	ccp_run_job_free(*job);
	return -1;
}
