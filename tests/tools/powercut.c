/*
 * powercut.c: usage: powercut FOLDER: shuts the ext4 file system of that folder down, as if the power had gone: what
 * was not flushed is lost, the journal included.
 * Source: EXT4_IOC_SHUTDOWN in the kernel's fs/ext4/ext4.h; the argument is the same as that of XFS_IOC_GOINGDOWN.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define SHUTDOWN _IOR('X', 125, uint32_t)
#define NO_LOG_FLUSH 2u
#define LOOP_MAJOR 7

/* Only what was mounted for a test may go: the root of a file system on a loop device. */
static int may_go(int fd)
{
	struct stat here, above;

	return fstat(fd, &here) == 0 && fstatat(fd, "..", &above, 0) == 0 && here.st_dev != above.st_dev &&
	       major(here.st_dev) == LOOP_MAJOR;
}

int main(int argc, char **argv)
{
	uint32_t how = NO_LOG_FLUSH;
	int fd = argc > 1 ? open(argv[1], O_RDONLY | O_DIRECTORY) : -1;

	if (fd >= 0 && !may_go(fd)) {
		fprintf(stderr, "powercut: %s is not the root of a file system on a loop device\n", argv[1]);
		return 1;
	}
	if (fd < 0 || ioctl(fd, SHUTDOWN, &how) != 0) {
		perror("powercut");
		return 1;
	}
	close(fd);
	return 0;
}
