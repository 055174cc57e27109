/*
 * ends_plain.c: inputs that are not compressed, read one after the other.
 *
 * The first bytes of a pipe or a socket are looked at without taking them, with tee(2) or MSG_PEEK: if they are
 * compressed, somebody else reads it. Of a file that says how long it is, what lies before or behind what is wanted is
 * not read, and what is appended meanwhile does not count.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cmd/ends.h"
#include "cmd/signals.h"
#include "cmd/sum_words.h"
#include "cmd/text.h"

#define BLOCK_BYTES (64 << 10)

/* ---- opening ------------------------------------------------------------------------------------- */

/* After an error of a call that reads: whether to try again, perhaps after a while. */
static bool try_again(int fd)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	if (errno == EAGAIN)
		return poll(&pollfd, 1, -1) >= 0 || errno == EINTR;
	return errno == EINTR;
}

/* Copies up to two bytes of a pipe or a socket, which stay there. Returns how many, 0 at the end, -1 if it cannot. */
static ssize_t peek_once(int fd, uint8_t first[2])
{
	ssize_t got;
	int copy[2];

	if (pipe2(copy, O_CLOEXEC) != 0)
		return -1;
	do
		got = tee(fd, copy[1], 2, 0);
	while (got < 0 && try_again(fd));
	if (got < 0 && errno == EINVAL) {
		do
			got = recv(fd, first, 2, MSG_PEEK);
		while (got < 0 && try_again(fd));
	} else if (got > 0) {
		got = read(copy[0], first, (size_t)got);
	}
	close(copy[0]);
	close(copy[1]);
	return got;
}

/* Whether what comes out of a pipe is compressed. */
static bool is_compressed_pipe(int fd)
{
	static const struct timespec while_it_writes = { .tv_nsec = 1000000 };
	uint8_t first[2];

	for (;;) {
		ssize_t got = peek_once(fd, first);
		struct pollfd pollfd = { .fd = fd, .events = POLLIN };
		int ready = 0;

		if (got != 1 || first[0] != 0x1f)
			return got < 0 || (got == 2 && first[0] == 0x1f && first[1] == 0x8b);
		/* one byte tells nothing, if another follows */
		if (poll(&pollfd, 1, 0) == 1 && (pollfd.revents & POLLHUP) && ioctl(fd, FIONREAD, &ready) == 0 &&
		    ready == 1)
			return false;
		nanosleep(&while_it_writes, NULL);
	}
}

/* Whether a file is not compressed; fills in where it begins and ends. */
static bool look_at_file(struct ccp_plain *plain, const struct stat *st)
{
	uint8_t first[2], last;

	plain->regular = true;
	plain->from = plain->is_stdin ? lseek(plain->fd, 0, SEEK_CUR) : 0;
	plain->to = st->st_size;
	if (plain->from < 0 || (pread(plain->fd, first, 2, plain->from) == 2 && first[0] == 0x1f && first[1] == 0x8b))
		return false;
	/* of files that a kernel makes up the size says nothing: their last byte is not there */
	plain->sized = plain->to > plain->from && pread(plain->fd, &last, 1, plain->to - 1) == 1;
	return true;
}

bool ccp_plain_open(struct ccp_plain *plain, const char *name)
{
	struct stat st;

	*plain = (struct ccp_plain){ .name = name, .fd = -1, .is_stdin = strcmp(name, "-") == 0 };
	if (plain->is_stdin) {
		plain->fd = STDIN_FILENO;
	} else {
		if (stat(name, &st) != 0 || !(S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode)))
			return false;
		ccp_signals_clean(true); /* nobody may ever come to write into a FIFO */
		plain->fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		ccp_signals_clean(false);
	}
	if (plain->fd < 0 || fstat(plain->fd, &st) != 0)
		return false;
	if (S_ISREG(st.st_mode) && look_at_file(plain, &st))
		return true;
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode)) {
		bool compressed;

		ccp_signals_clean(true);
		compressed = is_compressed_pipe(plain->fd);
		ccp_signals_clean(false);
		return !compressed;
	}
	return S_ISCHR(st.st_mode) && isatty(plain->fd);
}

void ccp_plain_close(struct ccp_plain *plain)
{
	if (plain->fd >= 0 && !plain->is_stdin)
		close(plain->fd);
	plain->fd = -1;
}

/* ---- reading ------------------------------------------------------------------------------------- */

/* Turns what is wanted into a range of the file, where that is known, and goes there. Returns 0, or -1 with errno. */
static int narrow(const struct ccp_plain *plain, struct ccp_ends_want *want)
{
	off_t at = plain->to, begin = plain->from, end = plain->to;

	if (!plain->sized || want->kind == CCP_ENDS_FIRST || (want->kind == CCP_ENDS_PAST && !want->bytes))
		return 0;
	if (want->kind == CCP_ENDS_PAST) {
		begin = (uint64_t)(end - begin) > want->count ? begin + (off_t)want->count : end;
	} else {
		if (ccp_ends_locate(want, plain->fd, begin, end, &at) != 0)
			return -1;
		*(want->kind == CCP_ENDS_LAST ? &begin : &end) = at;
	}
	*want = (struct ccp_ends_want){ CCP_ENDS_FIRST, true, (uint64_t)(end - begin), want->end };
	return lseek(plain->fd, begin, SEEK_SET) < 0 ? -1 : 0;
}

/* Reads from where the file stands, as far as it was when it was opened. Returns 0, or -1 with errno. */
static int copy(struct ccp_ends_run *run, const struct ccp_plain *plain, struct ccp_ends *ends, struct ccp_err *err)
{
	struct ccp_ends_taker taker = ccp_ends_taker(run);
	uint8_t data[BLOCK_BYTES];
	off_t left = plain->sized ? plain->to - lseek(plain->fd, 0, SEEK_CUR) : BLOCK_BYTES;

	for (int enough = ccp_ends_is_nothing(&ends->want); !enough && !run->broken && left > 0;) {
		ssize_t got = read(plain->fd, data, left < BLOCK_BYTES ? (size_t)left : BLOCK_BYTES);
		size_t used;

		if (got < 0 && try_again(plain->fd))
			continue;
		if (got <= 0)
			return (int)got;
		if (plain->sized)
			left -= got;
		enough = ccp_ends_feed(ends, data, (size_t)got, &taker, &used, err);
		if (enough < 0)
			return -1;
		/* whoever reads standard input after us goes on behind what was printed */
		if (plain->regular && used < (size_t)got)
			(void)lseek(plain->fd, (off_t)used - (off_t)got, SEEK_CUR);
		if (!plain->regular && fflush(stdout) != 0)
			taker.take(taker.arg, data, 1); /* which fails, too, and says so */
	}
	return 0;
}

void ccp_plain_print(struct ccp_ends_run *run, struct ccp_plain *plain)
{
	const struct ccp_settings *s = run->settings;
	struct ccp_ends ends = { .want = run->want };
	struct ccp_ends_taker taker = ccp_ends_taker(run);
	struct ccp_err err;
	int result;

	ccp_err_clear(&err);
	ccp_ends_header(run, plain->is_stdin ? "standard input" : plain->name);
	ccp_signals_clean(true);
	result = narrow(plain, &ends.want);
	if (result == 0)
		result = copy(run, plain, &ends, &err);
	if (result < 0 && err.code == CCP_OK)
		ccp_err_sys(&err, errno, "%s", "");
	ccp_ends_finish(&ends, &taker);
	ccp_signals_clean(false);
	if (result == 0)
		return;
	run->status = CCP_EXIT_FAILED;
	fflush(stdout);
	fprintf(stderr, "%s: ", s->program);
	plain->is_stdin ? (void)fputs("standard input", stderr) : ccp_text_path(stderr, plain->name);
	fprintf(stderr, ": %s\n", err.text);
}
