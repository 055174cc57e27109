/*
 * cutter.c: see cutter.h. Blocks depend on the inputs and on what was asked for; on nothing else.
 */
#include "cmd/cutter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/look.h"
#include "cmd/text.h"

/* Gives the block to the queue. Returns as ccp_blocks_submit. */
static int submit(struct ccp_cutter *cutter, const struct ccp_input *input, struct ccp_err *err)
{
	struct ccp_work *work = ccp_work_new(cutter->block, input->is_stdin ? NULL : input->path, err);

	cutter->block = NULL;
	cutter->lines = 0;
	return work != NULL ? ccp_blocks_submit(cutter->blocks, work, err) : -1;
}

static const char *name_of(const struct ccp_input *input)
{
	return input->is_stdin ? "standard input" : input->path;
}

/* The name as messages show it. Memory: returned. */
static char *shown_name(const struct ccp_input *input)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	input->is_stdin ? (void)fputs(name_of(input), out) : ccp_text_path(out, name_of(input));
	return fclose(out) == 0 ? text : NULL;
}

static int open_block(struct ccp_cutter *cutter, const struct ccp_input *input, struct ccp_err *err)
{
	char *name = shown_name(input);

	cutter->block = ccp_block_new(name != NULL ? name : name_of(input), cutter->at, err);
	free(name);
	return cutter->block != NULL ? 0 : -1;
}

/* How many of these bytes still belong to the block; `ends` if it is whole then. */
static size_t rest_of(struct ccp_cutter *cutter, const uint8_t *data, size_t len, bool *ends)
{
	const uint8_t *end = NULL;
	size_t from = 0;

	*ends = false;
	if (cutter->by == 'f')
		return len;
	if (cutter->by == 's') {
		uint64_t missing = cutter->count - 1 > cutter->block->len ? cutter->count - 1 - cutter->block->len : 0;

		if (missing >= len)
			return len;
		end = memchr(data + missing, '\n', len - (size_t)missing);
	} else {
		while (cutter->lines < cutter->count && (end = memchr(data + from, '\n', len - from)) != NULL) {
			from = (size_t)(end - data) + 1;
			cutter->lines++;
		}
	}
	*ends = end != NULL;
	return end != NULL ? (size_t)(end - data) + 1 : len;
}

static int on_begin(void *arg, const struct ccp_input *input, struct ccp_err *err)
{
	struct ccp_cutter *cutter = arg;

	cutter->at = 0;
	cutter->lines = 0;
	return cutter->by == 'f' ? open_block(cutter, input, err) : 0;
}

static int on_take(void *arg, const struct ccp_input *input, const struct ccp_part *part, struct ccp_err *err)
{
	struct ccp_cutter *cutter = arg;
	const uint8_t *data = part->data;

	for (size_t left = part->len; left > 0;) {
		size_t len;
		bool ends;
		int result;

		if (cutter->block == NULL && open_block(cutter, input, err) != 0)
			return -1;
		len = rest_of(cutter, data, left, &ends);
		if (ccp_block_add(cutter->block, data, len, err) != 0)
			return -1;
		cutter->at += len;
		data += len;
		left -= len;
		result = ends ? submit(cutter, input, err) : 0;
		if (result != 0)
			return result;
	}
	return 0;
}

/* What comes after the last end of a line is a line as well, unless the input was cut short there. */
static int on_end(void *arg, struct ccp_input *input, bool failed, struct ccp_err *err)
{
	struct ccp_cutter *cutter = arg;

	if (cutter->block == NULL)
		return 0;
	if (failed && (cutter->by == 'f' || ccp_block_cut(cutter->block, err) != 0 || cutter->block->len == 0)) {
		ccp_block_free(cutter->block);
		cutter->block = NULL;
		return 0;
	}
	return submit(cutter, input, err) < 0 ? -1 : 0;
}

int ccp_cutter_run(struct ccp_cutter *cutter, struct ccp_settings *s)
{
	const struct ccp_look_for look = {
		.fold = ccp_fold_find("lines"),
		.collector = { on_begin, on_take, on_end, cutter },
		.apart = true, /* it waits for programs */
	};
	int status;

	if (s->progress == CCP_PROGRESS_AUTO)
		s->progress = CCP_PROGRESS_NONE; /* programs write to the terminal as they like */
	status = ccp_look(s, &look);
	ccp_block_free(cutter->block);
	cutter->block = NULL;
	ccp_blocks_end(cutter->blocks);
	return status;
}
