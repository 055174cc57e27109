/*
 * slowsink.c: usage: slowsink BYTES_PER_SECOND: copies standard input to standard output at no more than that rate,
 * for programs whose reader is slow.
 *
 * It reads small pieces and sleeps until the moment at which so many bytes are due, counted from the first one: a late
 * wake-up is made up for by the next piece, so that the rate holds over the whole.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define SECOND_NS 1000000000L
#define PIECES_A_SECOND 200 /* a piece takes 5 ms */

static char piece[65536];

static int write_all(const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t n = write(STDOUT_FILENO, bytes, count);

		if (n <= 0)
			return -1;
		bytes += n;
		count -= (size_t)n;
	}
	return 0;
}

int main(int argc, char **argv)
{
	double rate = argc == 2 ? strtod(argv[1], NULL) : 0, total = 0;
	struct timespec begun;
	size_t most;

	if (!(rate >= 1)) {
		fprintf(stderr, "usage: slowsink BYTES_PER_SECOND\n");
		return 2;
	}
	most = rate / PIECES_A_SECOND < sizeof piece ? (size_t)(rate / PIECES_A_SECOND) + 1 : sizeof piece;
	for (ssize_t n; (n = read(STDIN_FILENO, piece, most)) > 0;) {
		struct timespec due;
		double seconds;

		if (total <= 0)
			clock_gettime(CLOCK_MONOTONIC, &begun);
		if (write_all(piece, (size_t)n) < 0)
			return 1;
		total += (double)n;
		seconds = total / rate;
		due.tv_sec = begun.tv_sec + (time_t)seconds;
		due.tv_nsec = begun.tv_nsec + (long)((seconds - (double)(time_t)seconds) * 1e9);
		if (due.tv_nsec >= SECOND_NS) {
			due.tv_sec++;
			due.tv_nsec -= SECOND_NS;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
	}
	return 0;
}
