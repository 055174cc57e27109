/*
 * range.c: see range.h.
 *
 * An index is tried under two names. One that is older than its file, that is damaged, or that tells a place where no
 * member is, cannot be trusted: then the file is decoded from its start, which is always right, and a note says so.
 */
#include "cmd/range.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INDEX_SUFFIX ".gzi"
#define OLDER_S 1 /* bgzip -i writes its index a moment before the end of the file; times are in seconds somewhere */

/* ---- the options --------------------------------------------------------------------------------- */

int ccp_range_parse_bytes(const char *text, struct ccp_range *range)
{
	const char *colon = strchr(text, ':');
	char offset[64];
	uint64_t len = UINT64_MAX;

	if (colon == NULL || (size_t)(colon - text) >= sizeof offset)
		return -1;
	memcpy(offset, text, (size_t)(colon - text));
	offset[colon - text] = '\0';
	if (ccp_size_parse(offset, &range->from) != 0)
		return -1;
	if (colon[1] != '\0' && (ccp_size_parse(colon + 1, &len) != 0 || len == 0))
		return -1;
	range->to = len > UINT64_MAX - range->from ? UINT64_MAX : range->from + len;
	range->lines = false;
	return 0;
}

/* A number from 1. `end` is what stands behind it. */
static int parse_line(const char *text, const char **end, uint64_t *line)
{
	char *rest;

	if (!isdigit((unsigned char)text[0]))
		return -1;
	errno = 0;
	*line = strtoull(text, &rest, 10);
	*end = rest;
	return errno == 0 && *line > 0 ? 0 : -1;
}

int ccp_range_parse_lines(const char *text, struct ccp_range *range)
{
	const char *end;
	uint64_t last;

	if (parse_line(text, &end, &range->from) != 0)
		return -1;
	range->to = range->from--; /* one line */
	range->lines = true;
	if (*end == '\0')
		return 0;
	if (*end != ':')
		return -1;
	if (end[1] == '\0') {
		range->to = UINT64_MAX;
		return 0;
	}
	if (parse_line(end + 1, &end, &last) != 0 || *end != '\0' || last <= range->from)
		return -1;
	range->to = last;
	return 0;
}

int ccp_range_settle(struct ccp_settings *s)
{
	const char *option = s->by_lines ? "--lines" : "--range";

	if (!s->by_range && !s->by_lines)
		return 0;
	if (s->by_range && s->by_lines)
		return ccp_usage_error(s, "--range and --lines exclude each other");
	if (s->test || s->list || s->salvage || s->remove || s->drop_name == 0)
		return ccp_usage_error(s, "%s has no meaning with %s", option,
				       s->test ? "-t" : s->list ? "-l" : s->salvage ? "--salvage" :
				       s->remove ? "--rm" : "-N");
	if (s->output == NULL && s->output_dir == NULL)
		s->to_stdout = 1;
	return 0;
}

/* ---- the index ----------------------------------------------------------------------------------- */

static bool has_header(int fd, uint64_t at)
{
	static const uint8_t header[] = { 0x1f, 0x8b, 8 };
	uint8_t bytes[sizeof header];

	return pread(fd, bytes, sizeof bytes, (off_t)at) == sizeof bytes && memcmp(bytes, header, sizeof bytes) == 0;
}

static bool is_before(const struct timespec *index, const struct timespec *file)
{
	return file->tv_sec - index->tv_sec > OLDER_S ||
	       (file->tv_sec - index->tv_sec == OLDER_S && file->tv_nsec > index->tv_nsec);
}

/* By both times: a compressed file has the time of its source, which may be years before that of an index. */
static bool is_older(const struct stat *index, const struct stat *file)
{
	return is_before(&index->st_mtim, &file->st_mtim) || is_before(&index->st_ctim, &file->st_ctim);
}

/* A name without its folders. */
static const char *base_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

static int note(struct ccp_err *why, const char *path, const char *what)
{
	return ccp_err_set(why, CCP_W_INDEX, "the index %s %s and is not used", base_of(path), what);
}

/* Makes an entry of the place, if the file has what the index says. Returns as ccp_range_find, or -1 with `why`. */
static int make_entry(const struct ccp_range_finder *finder, const struct ccp_input *input, const char *path,
		      struct ccp_entry *entry, struct ccp_err *why)
{
	const struct ccp_index_place *place = &finder->place;
	uint8_t value = 0;

	if (place->in <= finder->least)
		return 0;
	if (place->in >= input->size || place->bits > 7 || (place->member && !has_header(input->fd, place->in)) ||
	    (place->bits > 0 && pread(input->fd, &value, 1, (off_t)(place->in - 1)) != 1))
		return note(why, path, "does not fit the file");
	*entry = (struct ccp_entry){
		.in = place->in,
		.bits = place->bits,
		.value = (uint8_t)(value >> (8 - place->bits)),
		.at = finder->range->lines ? place->line : place->out,
		.member = place->member,
		.window = place->window,
		.window_len = place->window_len,
	};
	return 1;
}

/* Looks at one index. Returns as ccp_range_find, or -1 with `why` if it is there and cannot be used. */
static int try_index(struct ccp_range_finder *finder, const struct ccp_input *input, const char *path,
		     struct ccp_entry *entry, struct ccp_err *why)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), result;
	struct ccp_err err;
	struct stat st;

	ccp_err_clear(&err);
	if (fd < 0)
		return errno == ENOENT || errno == ENAMETOOLONG ? 0 : note(why, path, "cannot be read");
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		result = 0;
	} else if (is_older(&st, &input->meta)) {
		result = note(why, path, "is older than the file");
	} else {
		result = ccp_index_find(fd, finder->range->lines, finder->range->from, &finder->place, &err);
		if (result == 1)
			result = make_entry(finder, input, path, entry, why);
		else if (result < 0 && err.offset != CCP_NO_OFFSET)
			ccp_err_set(why, CCP_W_INDEX, "the index %s is not used: at byte %llu: %s", base_of(path),
				    (unsigned long long)err.offset, err.text);
		else if (result < 0)
			ccp_err_set(why, CCP_W_INDEX, "the index %s is not used: %s", base_of(path), err.text);
	}
	close(fd);
	return result;
}

int ccp_range_find(void *arg, const struct ccp_input *input, struct ccp_entry *entry, struct ccp_err *why)
{
	struct ccp_range_finder *finder = arg;
	char path[PATH_MAX + sizeof INDEX_SUFFIX];
	size_t len = strlen(input->path);
	bool suffixed = len > 3 && strcmp(input->path + len - 3, ".gz") == 0;
	struct ccp_err other;
	int result;

	if (finder->range->from == 0 || !has_header(input->fd, 0))
		return 0;
	snprintf(path, sizeof path, "%s" INDEX_SUFFIX, input->path);
	result = try_index(finder, input, path, entry, why);
	if (result != 1 && suffixed) { /* gztool: a.gz has a.gzi */
		snprintf(path, sizeof path, "%.*s" INDEX_SUFFIX, (int)len - 3, input->path);
		result = try_index(finder, input, path, entry, result < 0 ? &other : why);
	}
	if (result == 1)
		ccp_err_clear(why);
	return result == 1;
}
