/*
 * sum_tee.c: the lines of `gzip --sum`.
 *
 * An input's line and that of its output come when both are known to be right: the output is in place, and the source
 * is still the file that was read. An output that inputs share, which may be written by several runs, has its line at
 * the very end.
 *
 * What was printed is written out at every tick of the run, and where sources are removed for each of them: a program
 * that is killed has told nearly all that it has done. When a line cannot be written nothing more is done.
 */
#include "cmd/sum_tee.h"

#include <errno.h>
#include <signal.h>
#include <stdio_ext.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/signals.h"
#include "cmd/sum_line.h"
#include "pipeline/sink.h"

/* Whether compressed data go to standard output; -o may name it, too. */
static bool is_stdout_taken(const struct ccp_settings *s)
{
	struct stat out, named;

	if (s->output != NULL)
		return stat(s->output, &named) == 0 && fstat(STDOUT_FILENO, &out) == 0 &&
		       named.st_dev == out.st_dev && named.st_ino == out.st_ino;
	for (size_t i = 0; i < s->name_count; i++)
		if (strcmp(s->names[i], "-") == 0)
			return true;
	return s->to_stdout != 0;
}

void ccp_sum_tee_init(struct ccp_sum_tee *tee, const struct ccp_settings *settings)
{
	*tee = (struct ccp_sum_tee){ .settings = settings };
	if (settings->sums.count == 0)
		return;
	tee->to = is_stdout_taken(settings) ? stderr : stdout;
	tee->each.set = tee->shared.set = &settings->sums;
	tee->shared.output = tee->state;
	ccp_digest_set_start(&settings->sums, tee->state);
}

const struct ccp_tee *ccp_sum_tee_of(const struct ccp_sum_tee *tee, const struct ccp_sink_ops *sink)
{
	if (tee->settings->sums.count == 0)
		return NULL;
	/* with --explain nothing is written, and nobody keeps inputs in order */
	return (sink->flags & CCP_SINK_SHARED) && !tee->settings->explain ? &tee->shared : &tee->each;
}

/* Standard error is for messages, too: that it cannot be written stops nothing. */
static void stop(struct ccp_sum_tee *tee)
{
	if (tee->to != stdout || tee->error != 0)
		return;
	tee->error = errno != 0 ? errno : EIO;
	__fpurge(stdout); /* a second attempt could end the program before it has cleaned up */
	/* a worker may have signals blocked: then EPIPE is all there is to tell */
	if (tee->error == EPIPE && !ccp_signals_pipe_ignored())
		ccp_signals_note(SIGPIPE);
	ccp_run_cancel();
}

static void print(struct ccp_sum_tee *tee, size_t i, const uint8_t *digest, uint64_t size, const char *name)
{
	static const struct ccp_sum_style style = { .tag = true };
	const struct ccp_digest_set *set = &tee->settings->sums;

	if (tee->error != 0)
		return;
	errno = 0;
	flockfile(tee->to);
	ccp_sum_line_print(tee->to, &style, set->item[i].ops, set->item[i].bytes, digest, size, name);
	funlockfile(tee->to);
	if (ferror(tee->to))
		stop(tee);
}

void ccp_sum_tee_flush(struct ccp_sum_tee *tee)
{
	if (tee->to == NULL || tee->error != 0)
		return;
	errno = 0;
	if (fflush(tee->to) != 0)
		stop(tee);
}

int ccp_sum_tee_result(struct ccp_sum_tee *tee, const struct ccp_result *result, const char *target)
{
	const struct ccp_settings *s = tee->settings;
	const struct ccp_input *input = result->input;
	const uint8_t *in = input->record, *out = in + ccp_digest_set_bytes(&s->sums);

	if (s->explain || result->outcome != CCP_DONE)
		return CCP_EXIT_OK;
	if (input->record_len == 0) { /* flow.h, struct ccp_result */
		fprintf(stderr, "%s: %s: no memory to remember its digests\n", s->program, input->path);
		return CCP_EXIT_FAILED;
	}
	for (size_t i = 0; i < s->sums.count; i++) {
		/* of a source that changed meanwhile this would be a line that nobody can check */
		if (result->err.code != CCP_W_CHANGED)
			print(tee, i, in, input->bytes_in, input->is_stdin ? "-" : input->path);
		if (target != NULL)
			print(tee, i, out, input->bytes_out, target);
		in += s->sums.item[i].bytes;
		out += s->sums.item[i].bytes;
	}
	if (s->remove)
		ccp_sum_tee_flush(tee);
	return CCP_EXIT_OK;
}

void ccp_sum_tee_run_ended(struct ccp_sum_tee *tee, const struct ccp_sink_ops *sink,
			   const struct ccp_run_summary *summary, int result)
{
	ccp_sum_tee_flush(tee); /* the next run may fork */
	if (!(sink->flags & CCP_SINK_SHARED))
		return;
	tee->written |= summary->inputs_done > 0 || tee->settings->output != NULL;
	tee->written_bytes += summary->bytes_out;
	/* a file is not there if anything failed; to standard output goes what did not */
	tee->broken |= result != 0 || summary->cancelled ||
		       (tee->settings->output != NULL && summary->inputs_failed > summary->inputs_salvaged);
}

static void print_shared(struct ccp_sum_tee *tee)
{
	const struct ccp_settings *s = tee->settings;
	uint8_t digests[CCP_DIGEST_SET_BYTES], *at = digests;

	ccp_digest_set_finish(&s->sums, tee->state, digests);
	for (size_t i = 0; i < s->sums.count; at += s->sums.item[i++].bytes)
		print(tee, i, at, tee->written_bytes, s->output != NULL ? s->output : "-");
}

int ccp_sum_tee_end(struct ccp_sum_tee *tee)
{
	const struct ccp_settings *s = tee->settings;

	if (s->sums.count > 0 && !s->explain && tee->written && !tee->broken)
		print_shared(tee);
	ccp_sum_tee_flush(tee);
	if (tee->error == 0)
		return CCP_EXIT_OK;
	clearerr(stdout); /* nobody shall tell it again */
	if (ccp_signals_caught() == 0)
		fprintf(stderr, "%s: standard output: %s\n", s->program, strerrordesc_np(tee->error));
	return CCP_EXIT_FAILED;
}
