/*
 * sort.c: the command sort.
 *
 * Workers sort the lines of each part of the inputs; the collector gives them, and those that lie across parts, to a
 * sorter, which merges all of them once the last input has been read. So all messages about inputs come before the
 * first line, and where an input cannot be read there is none: something would be missing in the result.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/commands.h"
#include "cmd/look.h"
#include "cmd/signals.h"
#include "cmd/sort_output.h"
#include "cmd/sort_profile.h"
#include "cmd/sorting.h"
#include "cmd/text.h"
#include "pipeline/fold/join.h"
#include "pipeline/fold/sort.h"
#include "pipeline/plan_internal.h"
#include "pipeline/sort/sorter.h"

#define CHUNK_MOST ((uint64_t)4 << 20)

struct sort {
	struct ccp_settings *settings;
	struct ccp_sort_order order;
	struct ccp_sort_fold fold;
	struct ccp_sorter_options options;
	struct ccp_sorter *sorter;
	struct ccp_join join;
	uint8_t *last;       /* -c: the line before, and its memory */
	size_t last_len, last_room;
	bool any;
	uint64_t lines;
	bool disorder;
	int broken;          /* the sorter cannot go on: err */
	struct ccp_err err;
	char text[CCP_SORTING_TEXT]; /* of max_mem */
	struct ccp_sort_profile profile;
};

/* ---- -c -------------------------------------------------------------------------------------------------------- */

/* Compares a line with the one before it. Returns whether it is out of order, which has been told then. */
static bool is_disorder(struct sort *sort, const struct ccp_input *input, const uint8_t *line, size_t len, bool known)
{
	sort->lines++;
	if (!known && !(sort->any && ccp_sort_compare(&sort->order, sort->last, sort->last_len, line, len) >=
					     (sort->order.unique ? 0 : 1)))
		return false;
	sort->disorder = true;
	if (sort->settings->sort.check == 'c') {
		fprintf(stderr, "%s: ", sort->settings->program);
		input->is_stdin ? (void)fputc('-', stderr) : ccp_text_path(stderr, input->path);
		fprintf(stderr, ":%llu: disorder: ", (unsigned long long)sort->lines);
		fwrite(line, 1, len, stderr);
		fputc(sort->order.end, stderr);
	}
	return true;
}

static int keep_last(struct sort *sort, const uint8_t *line, size_t len, struct ccp_err *err)
{
	if (len > sort->last_room) {
		uint8_t *grown = realloc(sort->last, len + len / 2);

		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a line of %zu bytes", len);
		sort->last = grown;
		sort->last_room = len + len / 2;
	}
	if (len > 0)
		memcpy(sort->last, line, len);
	sort->last_len = len;
	sort->any = true;
	return 0;
}

/* The lines of a part, of which the fold has found that they are in order, or where they are not. */
static int check_part(struct sort *sort, const struct ccp_input *input, const struct ccp_part *part, size_t from,
		      const struct ccp_sort_found *found, struct ccp_err *err)
{
	const uint8_t *end, *line = part->data + from;
	size_t len;

	if (found->lines == 0)
		return 0;
	end = memchr(line, sort->order.end, part->len - from);
	len = end != NULL ? (size_t)(end - line) : part->len - from;
	if (is_disorder(sort, input, line, len, false))
		return 1;
	sort->lines += found->lines - 1;
	line = part->data + found->last_at;
	end = memchr(line, sort->order.end, part->len - found->last_at);
	len = end != NULL ? (size_t)(end - line) : part->len - found->last_at;
	if (found->disorder) {
		sort->lines--;
		return is_disorder(sort, input, line, len, true);
	}
	return keep_last(sort, line, len, err);
}

/* ---- collecting ------------------------------------------------------------------------------------------------ */

static int on_begin(void *arg, const struct ccp_input *input, struct ccp_err *err)
{
	(void)arg, (void)input, (void)err;
	return 0;
}

/* A line that lay across parts is whole now, but perhaps for its end; what is in order comes with it. */
static int take_join(struct sort *sort, const struct ccp_input *input, const struct ccp_part *part, struct ccp_err *err)
{
	struct ccp_join *join = &sort->join;
	const char *end = &sort->order.end;
	size_t len = join->len;
	int result;

	if (len > 0 && join->data[len - 1] == (uint8_t)sort->order.end)
		len--;
	if (sort->fold.check) {
		result = is_disorder(sort, input, join->data, len, false) ? 1 : keep_last(sort, join->data, len, err);
	} else if (len < join->len) {
		result = ccp_sorter_add_sorted(sort->sorter, join->data, len + 1, part != NULL ? part->note.data : NULL,
					       part != NULL ? part->note.len : 0, err);
	} else { /* the input ends without it */
		struct ccp_join_inner none = { 0 };
		const struct ccp_part last = { .data = (const uint8_t *)end, .len = 1 };

		result = ccp_join_tail(join, &last, none, err);
		if (result == 0)
			result = take_join(sort, input, part, err);
	}
	ccp_join_clear(join);
	return result;
}

/* One call for what map left in one call. Returns as take of a collector. */
static int take_part(struct sort *sort, const struct ccp_input *input, const struct ccp_part *part,
		     struct ccp_err *err)
{
	struct ccp_join_inner inner;
	struct ccp_sort_found found;
	int result = 0, whole = 0;

	if (part->len == 0)
		return 0;
	memcpy(&found, part->found, sizeof found);
	inner = ccp_join_inner(part, sort->order.end);
	if (part->from == 0)
		whole = ccp_join_head(&sort->join, part, inner, sort->order.end, err);
	if (whole < 0)
		return -1;
	if (whole == 1)
		result = take_join(sort, input, part, err);
	if (result == 0 && sort->fold.check)
		result = check_part(sort, input, part, inner.from, &found, err);
	else if (result == 0 && whole == 0 && part->note.len > 0)
		result = ccp_sorter_add_sorted(sort->sorter, NULL, 0, part->note.data, part->note.len, err);
	if (result == 0 && found.long_len > 0) {
		const uint8_t *line = part->data + found.long_at;

		if (line[found.long_len - 1] == (uint8_t)sort->order.end) {
			result = ccp_sorter_add(sort->sorter, line, found.long_len, err);
		} else { /* the last one of the input: on_end adds what it lacks */
			struct ccp_join_inner before = { .to = found.long_at };

			return ccp_join_tail(&sort->join, part, before, err);
		}
	}
	if (result == 0 && part->used == part->len)
		result = ccp_join_tail(&sort->join, part, inner, err);
	return result;
}

/* No input is to blame, nor is the rest of any wanted: the run ends, and what is wrong is told behind it. */
static int give_up(struct sort *sort)
{
	sort->broken = 1;
	ccp_run_cancel();
	return 1;
}

static int on_take(void *arg, const struct ccp_input *input, const struct ccp_part *part, struct ccp_err *err)
{
	struct sort *sort = arg;
	int result;

	(void)err;
	ccp_sort_profile_begin(&sort->profile, sort->settings);
	result = sort->broken ? 1 : take_part(sort, input, part, &sort->err);
	ccp_sort_profile_took(&sort->profile, sort->sorter);
	return result < 0 ? give_up(sort) : result;
}

static int on_end(void *arg, struct ccp_input *input, bool failed, struct ccp_err *err)
{
	struct sort *sort = arg;

	(void)err;
	if (sort->join.len > 0 && !failed && !sort->disorder && !sort->broken &&
	    take_join(sort, input, NULL, &sort->err) < 0)
		(void)give_up(sort);
	ccp_join_clear(&sort->join);
	return 0;
}

/* ---- giving out ------------------------------------------------------------------------------------------------ */

static int fail(const struct sort *sort, const struct ccp_err *err)
{
	if (err->code != CCP_E_CANCELLED)
		fprintf(stderr, "%s: %s\n", sort->settings->program, err->text);
	return CCP_EXIT_FAILED;
}

static int give_out(struct sort *sort)
{
	const struct ccp_settings *s = sort->settings;
	struct ccp_sort_output output;
	struct ccp_err err;
	int result;

	ccp_err_clear(&err);
	ccp_sort_profile_begin(&sort->profile, s);
	if (ccp_sort_output_open(&output, s->output, &err) != 0)
		return fail(sort, &err);
	ccp_signals_clean(s->output == NULL); /* nothing has a name but the output */
	result = ccp_sorter_finish(sort->sorter, &err);
	if (result == 0) {
		const struct ccp_sorter_taker taker = { ccp_sort_output_take, &output };

		result = ccp_sorter_write(sort->sorter, &taker, &err);
	}
	ccp_signals_clean(false);
	if (ccp_sort_output_close(&output, result == 0, s->fsync == CCP_FSYNC_ALWAYS, &err) != 0)
		result = -1;
	ccp_sort_profile_tell(&sort->profile, sort->sorter);
	return result == 0 ? CCP_EXIT_OK : fail(sort, &err);
}

/* Before anything is read: whether there will be a place for the output. */
static int try_output(const struct sort *sort)
{
	const char *name = sort->settings->output;
	struct ccp_sort_output output;
	struct ccp_err err;
	struct stat st;

	ccp_err_clear(&err);
	if (name == NULL || (stat(name, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)))
		return 0;
	if (ccp_sort_output_open(&output, name, &err) != 0 || ccp_sort_output_close(&output, false, false, &err) != 0)
		return fail(sort, &err);
	return 0;
}

/* ---- before ---------------------------------------------------------------------------------------------------- */

static void fill_order(struct sort *sort)
{
	const struct ccp_sort_settings *said = &sort->settings->sort;
	struct ccp_sort_order *order = &sort->order;

	*order = said->order;
	order->manner = (struct ccp_sort_manner){
		.numeric = said->numeric != 0,
		.fold = said->fold != 0,
		.reverse = said->reverse != 0,
		.skip_start = said->skip_blanks != 0,
		.skip_end = said->skip_blanks != 0,
	};
	order->separator = said->separated ? said->separator : -1;
	order->end = said->null_lines ? '\0' : '\n';
	order->stable = said->stable != 0;
	order->unique = said->unique != 0;
	ccp_sort_order_settle(order);
}

/* Shares memory out between parts under way and what has been sorted. Returns 0, or an exit status after a message. */
static int fill_memory(struct sort *sort)
{
	struct ccp_settings *s = sort->settings;
	uint64_t bytes;
	unsigned jobs;
	struct ccp_err err;
	int status;

	ccp_host_read(&s->host);
	if (ccp_plan_parse_budget(s->plan.max_mem, &s->host, &bytes, &err) != 0 ||
	    ccp_plan_parse_jobs(s->plan.jobs, &s->host, &jobs, &err) != 0)
		return ccp_usage_error(s, "%s", err.text);
	status = ccp_sorting_share(s, "--max-mem, -S: sort", CHUNK_MOST, &bytes, sort->text);
	if (status != 0)
		return status;
	sort->fold = (struct ccp_sort_fold){
		.order = &sort->order,
		.check = s->sort.check != 0,
		.chunk_bytes = (size_t)s->chunk_bytes,
	};
	sort->options = (struct ccp_sorter_options){
		.order = &sort->order,
		.max_bytes = bytes,
		.tmpdir = s->sort.tmpdir,
		.threads = ccp_sorting_threads(s, jobs),
		.stop = ccp_signals_caught,
	};
	return 0;
}

static int refuse(const struct ccp_settings *s)
{
	const char check[] = { '-', (char)s->sort.check, '\0' };

	if (s->sort.check != 0 && s->output != NULL)
		return ccp_usage_error(s, "-o does not go with %s", check);
	if (s->sort.check != 0 && s->name_count > 1)
		return ccp_usage_error(s, "%s looks at one input, not at %zu", check, s->name_count);
	return 0;
}

static int run(struct ccp_settings *settings)
{
	struct sort sort = { .settings = settings };
	const struct ccp_look_for look = {
		.fold = ccp_fold_find("sort"),
		.fold_options = &sort.fold,
		.collector = { on_begin, on_take, on_end, &sort },
		.stopped = &sort.broken,
	};
	struct ccp_err err;
	int status = refuse(settings);

	if (status != 0)
		return status;
	fill_order(&sort);
	status = fill_memory(&sort);
	if (status == 0)
		status = try_output(&sort);
	if (status != 0)
		return status;
	if (ccp_sorter_new(&sort.sorter, &sort.options, &err) != 0)
		return fail(&sort, &err);
	status = ccp_look(settings, &look);
	if (sort.broken)
		status = fail(&sort, &sort.err);
	else if (sort.disorder && (status == CCP_EXIT_OK || status == CCP_EXIT_WARNING))
		status = CCP_EXIT_FAILED;
	else if ((status == CCP_EXIT_OK || status == CCP_EXIT_WARNING) && !sort.fold.check && !settings->explain &&
		 ccp_signals_caught() == 0) {
		int given = give_out(&sort);

		status = given != CCP_EXIT_OK ? given : status;
	}
	ccp_sorter_free(sort.sorter);
	ccp_join_free(&sort.join);
	free(sort.last);
	return status;
}

const struct ccp_command ccp_command_sort = {
	.name = "sort",
	.help = "put the lines of all files in order, decompressed if they are compressed",
	.operands = " [FILE]...",
	.bit = CCP_FOR_SORT,
	.run = run,
};
