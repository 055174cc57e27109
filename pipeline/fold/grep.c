/*
 * fold/grep.c: finds the lines of a part that match.
 *
 * The matcher jumps from match to match over the whole of the lines that lie in the part; lines are never split where
 * nothing matches. Binary data is looked at in a copy with NULs replaced.
 */
#include "pipeline/fold/grep.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/fold/grep_bytes.h"

extern const struct ccp_fold_ops ccp_fold_grep;

#define CHUNK_BYTES ((size_t)1 << 20)
#define NOTE_BYTES ((size_t)256 << 10) /* 16384 records */

struct state {
	const struct ccp_grep_options *options;
	struct ccp_grep_matcher *matcher;
	uint8_t *copy; /* of binary data */
	size_t room;
};

/* ---- parts ------------------------------------------------------------------------------------------------------- */

void ccp_grep_zap(uint8_t *to, const uint8_t *from, size_t len, char end)
{
	for (size_t i = 0; i < len; i++)
		to[i] = from[i] == '\0' ? (uint8_t)end : from[i];
}

struct ccp_join_inner ccp_grep_inner(const struct ccp_part *part, const struct ccp_grep_options *options)
{
	char end = options->pattern.end;
	struct ccp_join_inner inner = ccp_join_inner(part, end);
	const uint8_t *nul;

	if (options->text || end == '\0')
		return inner;
	/* a NUL before the first end of a line, and after the last, is an end, too */
	nul = memchr(part->data, '\0', inner.from);
	if (nul != NULL) {
		if (inner.to == part->len && !part->last && part->data[part->len - 1] != (uint8_t)end)
			inner.to = inner.from = (size_t)(nul - part->data) + 1; /* there is no other end */
		inner.from = (size_t)(nul - part->data) + 1;
	}
	nul = memrchr(part->data + inner.to, '\0', part->len - inner.to);
	if (nul != NULL)
		inner.to = (size_t)(nul - part->data) + 1;
	return inner;
}

/* ---- a scan ------------------------------------------------------------------------------------------------------ */

struct scan {
	struct ccp_grep_matcher *matcher;
	const struct ccp_grep_options *options;
	const uint8_t *data;
	size_t len;
	struct ccp_buf *note;
	struct ccp_grep_found *found;
	size_t counted; /* found->lines are those before this place */
};

enum { GO_ON, FULL, ENOUGH };

static int put(struct scan *s, size_t at, size_t len, bool again)
{
	struct ccp_grep_record record = {
		.at = (uint32_t)at, .len = (uint32_t)len, .line = (uint32_t)s->found->lines, .again = again
	};

	if (s->note->cap - s->note->len < sizeof record)
		return FULL;
	memcpy(s->note->data + s->note->len, &record, sizeof record);
	s->note->len += sizeof record;
	return GO_ON;
}

/* Records of the matches in a line that are not empty, or one that is. */
static int put_spans(struct scan *s, size_t begin, size_t end, struct ccp_err *err)
{
	const uint8_t *line = s->data + begin;
	size_t len = end - begin, from = 0, to, at, before = s->note->len;
	bool any = false;
	int result = GO_ON;

	if (len > 0 && line[len - 1] == (uint8_t)s->options->pattern.end)
		len--;
	while (result == GO_ON && !s->options->invert && from < len) {
		int found = ccp_grep_matcher_span(s->matcher, line, len, from, &at, &to, err);

		if (found < 0)
			return -1;
		if (found == 0)
			break;
		if (to == at) {
			from = at + 1;
			continue;
		}
		result = put(s, begin + at, to - at, any);
		any = true;
		from = to;
	}
	if (result == GO_ON && !any)
		result = put(s, begin, 0, false);
	if (result == FULL)
		s->note->len = before; /* the whole line next time */
	if (result == FULL && before == 0) {
		ccp_err_set(err, CCP_E_UNSUPPORTED, "a line with more than %zu matches",
			    s->note->cap / sizeof(struct ccp_grep_record));
		return -1;
	}
	return result;
}

static int take_line(struct scan *s, size_t begin, size_t end, struct ccp_err *err)
{
	int result = GO_ON;

	if (s->options->numbers && s->options->want >= CCP_GREP_LINES) {
		s->found->lines += ccp_grep_count(s->data + s->counted, begin - s->counted, s->options->pattern.end);
		s->counted = begin;
	}
	if (s->options->want == CCP_GREP_LINES)
		result = put(s, begin, end - begin, false);
	else if (s->options->want == CCP_GREP_SPANS)
		result = put_spans(s, begin, end, err);
	if (result != GO_ON)
		return result;
	s->found->selected++;
	return s->options->want == CCP_GREP_FIRST || s->found->selected >= s->options->max ? ENOUGH : GO_ON;
}

/* All lines in [*at, to), none of which matches. */
static int take_between(struct scan *s, size_t *at, size_t to, struct ccp_err *err)
{
	char end = s->options->pattern.end;

	if (s->options->want == CCP_GREP_COUNT) {
		s->found->selected += ccp_grep_count(s->data + *at, to - *at, end) +
				      (to > *at && s->data[to - 1] != (uint8_t)end);
		*at = to;
		return GO_ON;
	}
	while (*at < to) {
		const uint8_t *found = memchr(s->data + *at, end, to - *at);
		size_t next = found != NULL ? (size_t)(found - s->data) + 1 : to;
		int result = take_line(s, *at, next, err);

		if (result < 0 || result == FULL)
			return result;
		*at = next;
		if (result == ENOUGH)
			return result;
	}
	return GO_ON;
}

int ccp_grep_scan(struct ccp_grep_matcher *matcher, const struct ccp_grep_options *options, const uint8_t *data,
		  size_t len, struct ccp_buf *note, struct ccp_grep_found *found, size_t *used, struct ccp_err *err)
{
	struct scan s = { matcher, options, data, len, note, found, 0 };
	size_t at = 0, begin, end;
	int result = GO_ON, match = 1;

	while (result == GO_ON && match == 1 && at < len) {
		match = ccp_grep_matcher_line(matcher, data, len, at, &begin, &end, err);
		if (match < 0)
			return -1;
		if (options->invert) {
			result = take_between(&s, &at, match == 1 ? begin : len, err);
			if (result == GO_ON && match == 1)
				at = end;
		} else if (match == 1) {
			result = take_line(&s, begin, end, err);
			if (result >= 0)
				at = result == FULL ? begin : end;
		}
	}
	if (result < 0)
		return -1;
	*used = result == FULL ? at : len;
	if (options->numbers)
		found->lines += ccp_grep_count(data + s.counted, *used - s.counted, options->pattern.end);
	return result == FULL;
}

/* ---- the fold ---------------------------------------------------------------------------------------------------- */

static int grep_need(const void *arg, struct ccp_fold_need *need, struct ccp_err *err)
{
	const struct ccp_grep_options *options = arg;

	(void)err;
	need->chunk_bytes = CHUNK_BYTES;
	need->note_bytes = options->want >= CCP_GREP_LINES ? NOTE_BYTES : 0;
	need->state_bytes = CHUNK_BYTES;
	return 0;
}

static void grep_close(void *arg)
{
	struct state *state = arg;

	ccp_grep_matcher_free(state->matcher);
	free(state->copy);
	free(state);
}

static int grep_open(void **out, const void *options, struct ccp_err *err)
{
	struct state *state = calloc(1, sizeof *state);

	if (state == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	state->options = options;
	if (ccp_grep_matcher_new(&state->matcher, &state->options->pattern, err) != 0) {
		free(state);
		return -1;
	}
	*out = state;
	return 0;
}

/* The lines of the part from `at` to `to`, without NULs. */
static const uint8_t *text_of(struct state *state, const struct ccp_part *part, size_t at, size_t to,
			      struct ccp_err *err)
{
	const struct ccp_grep_options *options = state->options;
	size_t len = to - at;

	if (options->text || options->pattern.end == '\0' || memchr(part->data + at, '\0', len) == NULL)
		return part->data + at;
	if (len > state->room) {
		free(state->copy);
		state->room = 0;
		state->copy = malloc(len);
		if (state->copy == NULL) {
			ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %zu bytes of binary data", len);
			return NULL;
		}
		state->room = len;
	}
	ccp_grep_zap(state->copy, part->data + at, len, options->pattern.end);
	return state->copy;
}

static int grep_map(void *arg, struct ccp_part *part, struct ccp_err *err)
{
	struct state *state = arg;
	const struct ccp_grep_options *options = state->options;
	struct ccp_join_inner inner = ccp_grep_inner(part, options);
	struct ccp_grep_found found = { .first_nul = UINT64_MAX };
	size_t at = part->used > inner.from ? part->used : inner.from, used = 0;
	int result = 0;

	if (part->len > UINT32_MAX)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "grep: chunks of more than 4 GiB");
	if (part->used == 0 && !options->text && options->pattern.end != '\0') {
		const uint8_t *nul = memchr(part->data, '\0', part->len);

		if (nul != NULL)
			found.first_nul = (uint64_t)(nul - part->data);
	}
	if (at < inner.to) {
		const uint8_t *data = text_of(state, part, at, inner.to, err);

		if (data == NULL)
			return -1;
		result = ccp_grep_scan(state->matcher, options, data, inner.to - at, &part->note, &found, &used, err);
		if (result < 0)
			return -1;
	}
	part->used = result == 1 ? at + used : part->len;
	_Static_assert(sizeof found <= CCP_FOUND_BYTES, "too much is found");
	memcpy(part->found, &found, sizeof found);
	return result;
}

const struct ccp_fold_ops ccp_fold_grep = {
	.name = "grep",
	.help = "find lines that match",
	.need = grep_need,
	.open = grep_open,
	.map = grep_map,
	.close = grep_close,
};
