/*
 * sum_check_list.c: reads a list of checksums: whole into one buffer, then line by line into entries, whose names lie
 * in the buffer.
 */
#include "cmd/sum_check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/signals.h"

#define READ_BYTES 65536

static int load(struct ccp_sum_list *list, int fd)
{
	size_t room = 0;
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		room = (size_t)st.st_size;
	do {
		if (list->data == NULL || room - list->len < READ_BYTES / 2) {
			char *data = realloc(list->data, room += room / 2 + READ_BYTES);

			if (data == NULL)
				return -1;
			list->data = data;
		}
		got = read(fd, list->data + list->len, room - list->len - 1);
		if (got > 0)
			list->len += (size_t)got;
	} while (got > 0 || (got < 0 && errno == EINTR && ccp_signals_caught() == 0));
	list->error = got < 0 ? errno : 0;
	return 0;
}

static int add_line(struct ccp_sum_list *list, char *text, size_t len, bool is_stdin, struct ccp_sum_reader *reader,
		    struct ccp_sum_entry entry)
{
	struct ccp_sum_line line;

	if (list->count == list->cap) {
		size_t cap = list->cap + list->cap / 2 + 64;
		struct ccp_sum_entry *entries = realloc(list->entries, cap * sizeof *entries);

		if (entries == NULL)
			return -1;
		list->entries = entries;
		list->cap = cap;
	}
	/* a list that came by standard input cannot be checked with what follows it there */
	if (!ccp_sum_line_read(reader, text, len, &line) || (is_stdin && strcmp(line.name, "-") == 0)) {
		entry.bad = true;
		entry.ops = reader->last;
		list->bad++;
	} else {
		entry.name = line.name;
		entry.ops = line.ops;
		entry.bytes = (uint8_t)line.bytes;
		entry.sized = line.sized;
		entry.size = line.size;
		memcpy(entry.digest, line.digest, line.bytes);
		list->good++;
	}
	list->entries[list->count++] = entry;
	return 0;
}

static int take_lines(struct ccp_sum_list *list, bool is_stdin, struct ccp_sum_reader *reader)
{
	char *text = list->data, *end = list->data + list->len;
	struct ccp_sum_entry entry = { .line = 1 };

	for (; text < end; entry.line++) {
		char *next = memchr(text, reader->zero ? '\0' : '\n', (size_t)(end - text));
		size_t len = (size_t)((next != NULL ? next : end) - text);

		if (len > 0 && text[len - 1] == '\r' && !reader->zero)
			len--;
		if (len > 0 && text[0] != '#' && add_line(list, text, len, is_stdin, reader, entry) != 0)
			return -1;
		text = next != NULL ? next + 1 : end;
	}
	return 0;
}

int ccp_sum_list_read(struct ccp_sum_list *list, const char *name, struct ccp_sum_reader *reader)
{
	bool is_stdin = strcmp(name, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_NOCTTY | O_CLOEXEC), result, error;

	if (fd < 0)
		return -1;
	result = load(list, fd);
	error = errno;
	if (!is_stdin)
		close(fd);
	errno = error;
	return result == 0 ? take_lines(list, is_stdin, reader) : -1;
}

void ccp_sum_list_release(struct ccp_sum_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->entries[i].why);
	free(list->data);
	free(list->entries);
	*list = (struct ccp_sum_list){ .data = NULL };
}
