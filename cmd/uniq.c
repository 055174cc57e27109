/*
 * uniq.c: the command uniq: of lines that are equal and follow one another, one.
 *
 * All inputs are one stream. The fold leaves what lies within a part as it is to be printed, and the places of its
 * first and last run; here runs that go on from part to part are put together, and lines that lie across parts.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/commands.h"
#include "cmd/look.h"
#include "cmd/signals.h"
#include "cmd/sum_words.h"
#include "pipeline/fold/uniq.h"
#include "pipeline/run.h"

#define CHUNK_BYTES ((uint64_t)1 << 20)

struct uniq {
	struct ccp_settings *settings;
	struct ccp_uniq_options options;
	struct ccp_join join;        /* a line whose end has not come */
	uint8_t *line;               /* the first line of the run that may go on, and its memory */
	size_t line_len, line_room;
	uint64_t count;              /* of its lines; 0 = there is none */
	bool unwritable;             /* standard output is */
	int broken;                  /* no memory: `err` says so */
	struct ccp_err err;
};

/* ---- runs ---------------------------------------------------------------------------------------- */

static void print_run(struct uniq *uniq)
{
	char number[CCP_UNIQ_NUMBER_BYTES];

	if (uniq->count > 0 && ccp_uniq_prints(&uniq->options, uniq->count)) {
		fwrite(number, 1, ccp_uniq_number(&uniq->options, uniq->count, number), stdout);
		fwrite(uniq->line, 1, uniq->line_len, stdout);
	}
	uniq->count = 0;
}

static int keep_run(struct uniq *uniq, const uint8_t *line, size_t len, uint64_t count, struct ccp_err *err)
{
	if (len > uniq->line_room) {
		uint8_t *grown = realloc(uniq->line, len + len / 2);

		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a line of %zu bytes", len);
		uniq->line = grown;
		uniq->line_room = len + len / 2;
	}
	memcpy(uniq->line, line, len);
	uniq->line_len = len;
	uniq->count = count;
	return 0;
}

/* So many equal lines come next, the first of which this is. */
static int add_run(struct uniq *uniq, const uint8_t *line, size_t len, uint64_t count, struct ccp_err *err)
{
	if (uniq->count > 0 && ccp_uniq_same(&uniq->options, uniq->line, uniq->line_len, line, len)) {
		uniq->count += count;
		return 0;
	}
	print_run(uniq);
	return keep_run(uniq, line, len, count, err);
}

/* ---- collecting ---------------------------------------------------------------------------------- */

static int on_begin(void *arg, const struct ccp_input *input, struct ccp_err *err)
{
	(void)arg, (void)input, (void)err;
	return 0;
}

static int take(struct uniq *uniq, const struct ccp_part *part, struct ccp_err *err)
{
	const struct ccp_part within = { .data = part->data, .len = part->len };
	struct ccp_join_inner inner = ccp_uniq_inner(part, uniq->options.end);
	struct ccp_uniq_found found;

	memcpy(&found, part->found, sizeof found);
	if (part->from == 0) {
		int whole = ccp_join_head(&uniq->join, &within, inner, uniq->options.end, err);

		if (whole < 0 || (whole == 1 && add_run(uniq, uniq->join.data, uniq->join.len, 1, err) != 0))
			return -1;
		if (whole == 1)
			ccp_join_clear(&uniq->join);
	}
	if (found.first.count > 0 && add_run(uniq, part->data + found.first.at, (size_t)found.first.len,
					     found.first.count, err) != 0)
		return -1;
	if (found.last.count > 0) {
		print_run(uniq);
		fwrite(part->note.data, 1, part->note.len, stdout);
		if (keep_run(uniq, part->data + found.last.at, (size_t)found.last.len, found.last.count, err) != 0)
			return -1;
	}
	return part->used == part->len ? ccp_join_tail(&uniq->join, &within, inner, err) : 0;
}

static int on_take(void *arg, const struct ccp_input *input, const struct ccp_part *part, struct ccp_err *err)
{
	struct uniq *uniq = arg;

	(void)input, (void)err;
	if (!uniq->broken && part->len > 0 && take(uniq, part, &uniq->err) != 0) {
		uniq->broken = 1; /* no input's fault, and told once */
		ccp_run_cancel();
	}
	return uniq->broken;
}

/* Whether standard output can be written has to be known before the last run is printed: it is told once. */
static int on_end(void *arg, struct ccp_input *input, bool failed, struct ccp_err *err)
{
	struct uniq *uniq = arg;

	(void)input, (void)failed, (void)err;
	if (!uniq->unwritable && (fflush(stdout) != 0 || ferror(stdout))) {
		uniq->unwritable = true;
		ccp_sum_stop(uniq->settings);
	}
	return 0;
}

/* The stream has ended: its last line gets the end that it lacks. */
static int finish(struct uniq *uniq, struct ccp_err *err)
{
	const struct ccp_part end = { .data = (const uint8_t *)&uniq->options.end, .len = 1 };

	if (uniq->join.len > 0 &&
	    (ccp_join_tail(&uniq->join, &end, (struct ccp_join_inner){ 0 }, err) != 0 ||
	     add_run(uniq, uniq->join.data, uniq->join.len, 1, err) != 0))
		return -1;
	print_run(uniq);
	return 0;
}

/* ---- before and after ---------------------------------------------------------------------------- */

static void settle(struct uniq *uniq)
{
	const struct ccp_uniq_settings *said = &uniq->settings->uniq;
	uint64_t chunk = uniq->settings->chunk_bytes;

	if (chunk == 0 || chunk > CHUNK_BYTES)
		chunk = CHUNK_BYTES;
	uniq->options = (struct ccp_uniq_options){
		.count = said->count != 0,
		.only_repeated = said->repeated != 0,
		.only_unique = said->unique != 0,
		.ignore_case = said->ignore_case != 0,
		.skip_fields = said->skip_fields,
		.skip_chars = said->skip_chars,
		.check_chars = said->has_check_chars ? said->check_chars : UINT64_MAX,
		.end = said->null_lines ? '\0' : '\n',
		.note_bytes = (size_t)(chunk + chunk / 4 + 4096),
	};
}

static int fail(const struct uniq *uniq, const struct ccp_err *err)
{
	fprintf(stderr, "%s: uniq: %s\n", uniq->settings->program, err->text);
	return CCP_EXIT_FAILED;
}

static int run(struct ccp_settings *settings)
{
	struct uniq uniq = { .settings = settings };
	const struct ccp_look_for look = {
		.fold = ccp_fold_find("uniq"),
		.fold_options = &uniq.options,
		.collector = { on_begin, on_take, on_end, &uniq },
		.stopped = &uniq.broken,
	};
	struct ccp_err err;
	int status;

	status = ccp_settings_refuse_names(settings, "-0");
	if (status != 0)
		return status;
	settle(&uniq);
	ccp_err_clear(&err);
	status = ccp_look(settings, &look);
	if (uniq.broken)
		status = fail(&uniq, &uniq.err);
	else if (status != CCP_EXIT_USAGE && !uniq.unwritable && !settings->explain && ccp_signals_caught() == 0 &&
		 finish(&uniq, &err) != 0)
		status = fail(&uniq, &err);
	ccp_join_free(&uniq.join);
	free(uniq.line);
	return ccp_sum_flush(settings, status);
}

const struct ccp_command ccp_command_uniq = {
	.name = "uniq",
	.help = "print equal lines that follow one another once, of files that are decompressed if they are compressed",
	.operands = " [FILE]...",
	.bit = CCP_FOR_UNIQ,
	.run = run,
};
