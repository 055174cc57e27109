/*
 * args.c: reads what is there, and gives it out up to the last end of a line.
 */
#include "pipeline/command/args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define READ_BYTES ((size_t)64 << 10)

void ccp_args_from_list(struct ccp_args *args, char **list, size_t count)
{
	*args = (struct ccp_args){ .list = list, .count = count, .fd = -1 };
}

void ccp_args_from_file(struct ccp_args *args, int fd, char end)
{
	struct stat st;

	*args = (struct ccp_args){ .fd = fd, .end = end };
	/* epoll takes no regular files, and no read of one blocks for long */
	args->waits = fstat(fd, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

void ccp_args_release(struct ccp_args *args)
{
	free(args->text);
	*args = (struct ccp_args){ .fd = -1, .ended = true };
}

/* Reads once, behind what there is; there stays room for a NUL. */
static int fill(struct ccp_args *args, struct ccp_err *err)
{
	ssize_t n;

	if (args->from > 0)
		memmove(args->text, args->text + args->from, args->len - args->from);
	args->len -= args->from;
	args->from = 0;
	if (args->room - args->len < READ_BYTES + 1) {
		size_t room = args->room * 2 + READ_BYTES + 1;
		char *grown = realloc(args->text, room);

		if (grown == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for an argument");
		args->text = grown;
		args->room = room;
	}
	do
		n = read(args->fd, args->text + args->len, READ_BYTES);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return ccp_err_sys(err, errno, "%s", "");
	args->ended = n == 0;
	args->len += (size_t)n;
	return 0;
}

/* Gives out [from, from + len), which is followed by `end` bytes of an end. */
static int give(struct ccp_args *args, size_t len, size_t end, char **arg, struct ccp_err *err)
{
	*arg = args->text + args->from;
	args->from += len + end;
	args->number++;
	(*arg)[len] = '\0';
	if (memchr(*arg, '\0', len) != NULL)
		return ccp_err_set(err, CCP_E_OTHER, "argument %llu has a NUL byte in it (-0?)",
				   (unsigned long long)args->number);
	return CCP_ARGS_ONE;
}

int ccp_args_next(struct ccp_args *args, bool ready, char **arg, struct ccp_err *err)
{
	size_t looked = 0;

	if (args->list != NULL) {
		if (args->at == args->count)
			return CCP_ARGS_END;
		*arg = args->list[args->at++];
		args->number++;
		return CCP_ARGS_ONE;
	}
	for (;;) {
		size_t len = args->len - args->from;
		const char *from = len > 0 ? args->text + args->from : NULL, *end = NULL;

		if (len > looked)
			end = memchr(from + looked, args->end, len - looked);
		if (end != NULL)
			return give(args, (size_t)(end - from), 1, arg, err);
		if (args->ended)
			return len > 0 ? give(args, len, 0, arg, err) : CCP_ARGS_END;
		if (args->waits && !ready)
			return CCP_ARGS_LATER;
		looked = len;
		ready = false;
		if (fill(args, err) != 0)
			return -1;
	}
}
