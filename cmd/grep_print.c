/*
 * grep_print.c: lines as GNU grep prints them, with its default colours. All of it is appended to the run's `out`.
 */
#include <stdlib.h>
#include <string.h>

#include "cmd/grep.h"
#include "pipeline/fold/grep_bytes.h"

#define MATCH_COLOR "01;31"
#define NAME_COLOR "35"
#define NUMBER_COLOR "32"
#define SEPARATOR_COLOR "36"

int ccp_grep_bytes_add(struct ccp_grep_bytes *bytes, const void *data, size_t len, struct ccp_err *err)
{
	if (len > bytes->room - bytes->len) {
		size_t room = 2 * (bytes->len + len) + 4096;
		char *grown = realloc(bytes->data, room);

		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for lines to be printed");
		bytes->data = grown;
		bytes->room = room;
	}
	if (len > 0)
		memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
	return 0;
}

static int add(struct ccp_grep_run *run, const void *data, size_t len, struct ccp_err *err)
{
	return ccp_grep_bytes_add(&run->out, data, len, err);
}

/* Text in a colour, if there are any. */
static int colored(struct ccp_grep_run *run, const char *color, const void *data, size_t len, struct ccp_err *err)
{
	char sequence[32];
	int size;

	if (!run->color)
		return add(run, data, len, err);
	size = snprintf(sequence, sizeof sequence, "\33[%sm\33[K", color);
	if (add(run, sequence, (size_t)size, err) != 0 || add(run, data, len, err) != 0)
		return -1;
	return add(run, "\33[m\33[K", 6, err);
}

const char *ccp_grep_name(const struct ccp_grep_run *run)
{
	const char *path = run->input->path;

	if (run->input->is_stdin)
		return run->settings->grep.label != NULL ? run->settings->grep.label : "(standard input)";
	return run->dot && strncmp(path, "./", 2) == 0 ? path + 2 : path;
}

static int print_number(struct ccp_grep_run *run, uint64_t number, char separator, struct ccp_err *err)
{
	char text[24], *at = text + sizeof text;

	do
		*--at = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	if (colored(run, NUMBER_COLOR, at, (size_t)(text + sizeof text - at), err) != 0)
		return -1;
	return colored(run, SEPARATOR_COLOR, &separator, 1, err);
}

static int print_head(struct ccp_grep_run *run, const struct ccp_grep_line *line, struct ccp_err *err)
{
	const struct ccp_grep_settings *g = &run->settings->grep;
	char separator = line->selected ? ':' : '-';

	if (run->names) {
		const char *name = ccp_grep_name(run);

		if (colored(run, NAME_COLOR, name, strlen(name), err) != 0)
			return -1;
		if (g->null_names ? add(run, "", 1, err) : colored(run, SEPARATOR_COLOR, &separator, 1, err))
			return -1;
	}
	if (g->numbers && print_number(run, line->number, separator, err) != 0)
		return -1;
	return g->offsets ? print_number(run, line->offset, separator, err) : 0;
}

/* Whether the bytes can be shown: they are characters, or nobody minds. */
static bool is_text(const struct ccp_grep_run *run, const uint8_t *data, size_t len)
{
	return run->options.text || !run->options.pattern.utf8 || ccp_grep_is_ascii(data, len) ||
	       ccp_grep_valid_utf8(data, len) == len;
}

static size_t without_end(const struct ccp_grep_run *run, const struct ccp_grep_line *line)
{
	return line->len - (line->len > 0 && line->data[line->len - 1] == (uint8_t)run->options.pattern.end);
}

/* The line with its matches in colour. What follows an empty match is not searched for again from the same place. */
static int print_matches(struct ccp_grep_run *run, const struct ccp_grep_line *line, size_t len, struct ccp_err *err)
{
	size_t from = 0, shown = 0, begin, end;

	while (from < len) {
		int result = ccp_grep_matcher_span(run->matcher, line->data, len, from, &begin, &end, err);

		if (result < 0)
			return -1;
		if (result == 0 || begin >= len)
			break;
		if (begin == end) {
			from = end + 1;
			continue;
		}
		if (add(run, line->data + shown, begin - shown, err) != 0 ||
		    colored(run, MATCH_COLOR, line->data + begin, end - begin, err) != 0)
			return -1;
		from = shown = end;
	}
	return add(run, line->data + shown, len - shown, err);
}

/* -o where there may be a separator between groups of lines that are not printed. */
static int print_only_matches(struct ccp_grep_run *run, const struct ccp_grep_line *line, size_t len,
			      struct ccp_err *err)
{
	size_t from = 0, begin, end;
	int result = 1;

	while (result == 1 && from < len) {
		int found = ccp_grep_matcher_span(run->matcher, line->data, len, from, &begin, &end, err);

		if (found < 0)
			return -1;
		if (found == 0)
			break;
		from = begin == end ? end + 1 : end;
		if (begin < end) {
			const struct ccp_grep_line match = { line->data + begin, end - begin, line->offset + begin,
							     line->number, line->selected };

			result = ccp_grep_print_match(run, &match, err);
		}
	}
	return result;
}

int ccp_grep_print_line(struct ccp_grep_run *run, const struct ccp_grep_line *line, struct ccp_err *err)
{
	size_t len = without_end(run, line);
	bool matches = line->selected != run->options.invert;

	if (run->settings->grep.only_matching)
		return matches ? print_only_matches(run, line, len, err) : 1;
	if (!is_text(run, line->data, len))
		return 0;
	if (print_head(run, line, err) != 0)
		return -1;
	if (run->color && matches ? print_matches(run, line, len, err) : add(run, line->data, len, err))
		return -1;
	return add(run, &run->options.pattern.end, 1, err) == 0 ? 1 : -1;
}

int ccp_grep_print_match(struct ccp_grep_run *run, const struct ccp_grep_line *match, struct ccp_err *err)
{
	if (!is_text(run, match->data, match->len))
		return 0;
	if (print_head(run, match, err) != 0 || colored(run, MATCH_COLOR, match->data, match->len, err) != 0)
		return -1;
	return add(run, &run->options.pattern.end, 1, err) == 0 ? 1 : -1;
}

int ccp_grep_print_separator(struct ccp_grep_run *run, struct ccp_err *err)
{
	const struct ccp_grep_settings *g = &run->settings->grep;
	const char *text = g->separator != NULL ? g->separator : "--";

	if (g->no_separator)
		return 1;
	if (colored(run, SEPARATOR_COLOR, text, strlen(text), err) != 0)
		return -1;
	return add(run, "\n", 1, err) == 0 ? 1 : -1;
}

int ccp_grep_print_count(struct ccp_grep_run *run, struct ccp_err *err)
{
	const char *name = ccp_grep_name(run);
	char text[32];
	int len = snprintf(text, sizeof text, "%llu\n", (unsigned long long)run->selected);

	if (run->names) {
		if (colored(run, NAME_COLOR, name, strlen(name), err) != 0)
			return -1;
		if (run->settings->grep.null_names ? add(run, "", 1, err) :
						     colored(run, SEPARATOR_COLOR, ":", 1, err))
			return -1;
	}
	return add(run, text, (size_t)len, err);
}

int ccp_grep_print_name(struct ccp_grep_run *run, struct ccp_err *err)
{
	const char *name = ccp_grep_name(run);

	if (colored(run, NAME_COLOR, name, strlen(name), err) != 0)
		return -1;
	return add(run, run->settings->grep.null_names ? "" : "\n", 1, err);
}
