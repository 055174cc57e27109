/* nonblock.c: usage: nonblock COMMAND…: runs it with O_NONBLOCK set on its standard input and standard output. */
#include <fcntl.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	for (int fd = 0; fd <= 1; fd++) {
		int flags = fcntl(fd, F_GETFL);

		if (flags >= 0)
			fcntl(fd, F_SETFL, flags | O_NONBLOCK);
	}
	execvp(argv[1], argv + 1);
	return 127;
}
