/*
 * tar_out.c: see tar_out.h.
 *
 * Lines are written by a thread that has its signals blocked, and a full pipe would keep it for as long as its reader
 * likes. So it waits with poll, a moment at a time, and writes no more at once than a pipe takes that has any room.
 */
#include "cmd/tar_out.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/signals.h"

#define STREAM_BYTES (64 << 10)
#define MOMENT_MS 50

static ssize_t put(void *cookie, const char *data, size_t len)
{
	size_t done = 0;

	(void)cookie;
	while (done < len) {
		struct pollfd wait = { .fd = STDOUT_FILENO, .events = POLLOUT };
		size_t most = len - done < PIPE_BUF ? len - done : PIPE_BUF;

		if (ccp_signals_caught() != 0) {
			errno = EINTR;
			break;
		}
		if (poll(&wait, 1, MOMENT_MS) <= 0)
			continue;

		ssize_t n = write(STDOUT_FILENO, data + done, most);

		if (n > 0)
			done += (size_t)n;
		else if (n == 0 || (errno != EINTR && errno != EAGAIN))
			break;
	}
	return (ssize_t)done; /* less is an error to stdio */
}

FILE *ccp_tar_out_open(void)
{
	const cookie_io_functions_t calls = { .write = put };
	FILE *out = stdout;
	struct stat st;

	if (fstat(STDOUT_FILENO, &st) == 0 && S_ISREG(st.st_mode)) {
		setvbuf(out, NULL, _IOFBF, STREAM_BYTES);
		return out;
	}
	out = fopencookie(NULL, "w", calls);
	if (out != NULL)
		setvbuf(out, NULL, isatty(STDOUT_FILENO) ? _IOLBF : _IOFBF, STREAM_BYTES);
	return out;
}

int ccp_tar_out_close(FILE *out)
{
	return out == stdout ? fflush(out) : fclose(out);
}
