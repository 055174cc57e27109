/*
 * trickle.c: usage: trickle BYTES MICROSECONDS: copies standard input to standard output, so many bytes at a time,
 * with a pause after each: a slow writer, or a slow reader.
 */
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	size_t bytes = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
	long pause_us = argc > 2 ? strtol(argv[2], NULL, 10) : 1000;
	struct timespec pause = { .tv_sec = pause_us / 1000000, .tv_nsec = pause_us % 1000000 * 1000 };
	char *buffer = malloc(bytes);

	if (!buffer || bytes == 0)
		return 2;
	for (ssize_t n; (n = read(0, buffer, bytes)) > 0;) {
		for (ssize_t done = 0, m; done < n; done += m)
			if ((m = write(1, buffer + done, (size_t)(n - done))) <= 0)
				return 1;
		if (pause_us > 0)
			nanosleep(&pause, NULL);
	}
	return 0;
}
