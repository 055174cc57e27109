/*
 * fusedelay.c: usage: fusedelay [-d MICROSECONDS] [-t THREADS] SOURCE MOUNTPOINT: mounts SOURCE, a regular file or the
 * regular files of one folder, read-only, and makes every read take that much longer: a remote file system with a
 * latency. Prints the process id of the server once it answers; `umount MOUNTPOINT` ends it. Needs root and /dev/fuse.
 *
 * Each thread takes one request from the device, sleeps if it is a read, and answers it; so as many reads overlap as
 * there are threads. Files are opened for direct I/O: each read of a program is one request (of at most 1 MiB) and is
 * not cached. Only the requests that reading needs are known; ENOSYS tells the kernel to do without the others.
 *
 * Source: linux/fuse.h; fuse(4).
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX 512
#define THREADS_MAX 512
#define READ_MAX ((size_t)1 << 20)
#define REQUEST_MAX (READ_MAX + 65536) /* the kernel refuses a buffer that could not hold a whole write */
#define PAGE 4096
#define NEVER UINT64_C(3600)           /* how long the kernel may keep names and attributes, in seconds */

struct file {
	char name[256];
	int fd;
	struct stat stat;
};

struct server {
	/* set before the threads start */
	struct file file[FILES_MAX]; /* node 2 + i; node 1 is the folder */
	size_t files;
	struct stat root;
	long delay_us;
	int device;
};

static void fail(const char *what)
{
	fprintf(stderr, "fusedelay: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

static void answer(const struct server *server, const struct fuse_in_header *request, int error, const void *bytes,
		   size_t count)
{
	struct fuse_out_header header = {
		.len = (uint32_t)(sizeof header + count),
		.error = -error,
		.unique = request->unique,
	};
	struct iovec parts[] = { { &header, sizeof header }, { (void *)(uintptr_t)bytes, count } };

	if (writev(server->device, parts, count > 0 ? 2 : 1) < 0 && errno != ENOENT && errno != ENODEV)
		fprintf(stderr, "fusedelay: answer: %s\n", strerror(errno)); /* ENOENT: whoever asked was killed */
}

static const struct file *file_of(const struct server *server, uint64_t node)
{
	return node >= 2 && node - 2 < server->files ? &server->file[node - 2] : NULL;
}

static void fill_attributes(const struct server *server, uint64_t node, struct fuse_attr *attr)
{
	const struct file *file = file_of(server, node);
	const struct stat *stat = file ? &file->stat : &server->root;

	memset(attr, 0, sizeof *attr);
	attr->ino = node;
	attr->mode = file ? S_IFREG | 0444 : S_IFDIR | 0555;
	attr->nlink = 1;
	attr->size = file ? (uint64_t)stat->st_size : 0;
	attr->blocks = (attr->size + 511) / 512;
	attr->blksize = PAGE;
	attr->mtime = attr->ctime = attr->atime = (uint64_t)stat->st_mtim.tv_sec;
	attr->mtimensec = attr->ctimensec = attr->atimensec = (uint32_t)stat->st_mtim.tv_nsec;
}

static void answer_init(const struct server *server, const struct fuse_in_header *request,
			const struct fuse_init_in *in)
{
	struct fuse_init_out out = {
		.major = FUSE_KERNEL_VERSION,
		.minor = in->minor < FUSE_KERNEL_MINOR_VERSION ? in->minor : FUSE_KERNEL_MINOR_VERSION,
		.flags = in->flags & (FUSE_ASYNC_READ | FUSE_PARALLEL_DIROPS | FUSE_MAX_PAGES),
		.max_readahead = in->max_readahead,
		.max_background = THREADS_MAX,
		.congestion_threshold = THREADS_MAX,
		.max_write = READ_MAX,
		.time_gran = 1,
		.max_pages = READ_MAX / PAGE,
	};

	answer(server, request, 0, &out, sizeof out);
}

static void answer_lookup(const struct server *server, const struct fuse_in_header *request, const char *name)
{
	for (size_t i = 0; i < server->files; i++) {
		if (strcmp(server->file[i].name, name) != 0)
			continue;
		struct fuse_entry_out out = { .nodeid = i + 2, .entry_valid = NEVER, .attr_valid = NEVER };

		fill_attributes(server, out.nodeid, &out.attr);
		answer(server, request, 0, &out, sizeof out);
		return;
	}
	answer(server, request, ENOENT, NULL, 0);
}

static void answer_attributes(const struct server *server, const struct fuse_in_header *request)
{
	struct fuse_attr_out out = { .attr_valid = NEVER };

	fill_attributes(server, request->nodeid, &out.attr);
	answer(server, request, 0, &out, sizeof out);
}

static void answer_open(const struct server *server, const struct fuse_in_header *request)
{
	struct fuse_open_out out = { .open_flags = request->opcode == FUSE_OPEN ? FOPEN_DIRECT_IO : 0 };

	answer(server, request, 0, &out, sizeof out);
}

static void answer_read(const struct server *server, const struct fuse_in_header *request,
			const struct fuse_read_in *in, char *buffer)
{
	const struct file *file = file_of(server, request->nodeid);
	struct timespec delay = { server->delay_us / 1000000, server->delay_us % 1000000 * 1000 };
	size_t count = in->size < READ_MAX ? in->size : READ_MAX;
	ssize_t n;

	if (!file) {
		answer(server, request, EISDIR, NULL, 0);
		return;
	}
	if (server->delay_us > 0)
		nanosleep(&delay, NULL);
	n = pread(file->fd, buffer, count, (off_t)in->offset);
	if (n < 0)
		answer(server, request, errno, NULL, 0);
	else
		answer(server, request, 0, buffer, (size_t)n);
}

/* The folder's entries from the one with number `offset` on, as many as there is room for. */
static void answer_list(const struct server *server, const struct fuse_in_header *request,
			const struct fuse_read_in *in, char *buffer)
{
	size_t used = 0, room = in->size < READ_MAX ? in->size : READ_MAX;

	for (uint64_t i = in->offset; i < server->files; i++) {
		const char *name = server->file[i].name;
		struct fuse_dirent entry = {
			.ino = i + 2, .off = i + 1, .namelen = (uint32_t)strlen(name), .type = DT_REG,
		};
		size_t bytes = FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + entry.namelen);

		if (used + bytes > room)
			break;
		memset(buffer + used, 0, bytes);
		memcpy(buffer + used, &entry, FUSE_NAME_OFFSET);
		memcpy(buffer + used + FUSE_NAME_OFFSET, name, entry.namelen);
		used += bytes;
	}
	answer(server, request, 0, buffer, used);
}

static void answer_statfs(const struct server *server, const struct fuse_in_header *request)
{
	struct fuse_statfs_out out = {
		.st = { .files = server->files, .bsize = PAGE, .frsize = PAGE, .namelen = 255 },
	};

	answer(server, request, 0, &out, sizeof out);
}

/* ---- serving ----------------------------------------------------------------------------------------------------- */

static void serve(const struct server *server, const char *bytes, char *buffer)
{
	const struct fuse_in_header *request = (const void *)bytes;
	const void *body = bytes + sizeof *request;

	switch (request->opcode) {
	case FUSE_INIT:
		answer_init(server, request, body);
		return;
	case FUSE_LOOKUP:
		answer_lookup(server, request, body);
		return;
	case FUSE_GETATTR:
		answer_attributes(server, request);
		return;
	case FUSE_OPEN:
	case FUSE_OPENDIR:
		answer_open(server, request);
		return;
	case FUSE_READ:
		answer_read(server, request, body, buffer);
		return;
	case FUSE_READDIR:
		answer_list(server, request, body, buffer);
		return;
	case FUSE_STATFS:
		answer_statfs(server, request);
		return;
	case FUSE_RELEASE:
	case FUSE_RELEASEDIR:
	case FUSE_DESTROY:
		answer(server, request, 0, NULL, 0);
		return;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return; /* want no answer */
	default:
		answer(server, request, ENOSYS, NULL, 0);
	}
}

static void *run(void *arg)
{
	const struct server *server = arg;
	char *request = aligned_alloc(PAGE, REQUEST_MAX), *buffer = aligned_alloc(PAGE, READ_MAX);

	if (!request || !buffer)
		fail("memory");
	for (;;) {
		ssize_t n = read(server->device, request, REQUEST_MAX);

		if (n >= (ssize_t)sizeof(struct fuse_in_header))
			serve(server, request, buffer);
		else if (n < 0 && errno == ENODEV) /* unmounted */
			break;
		else if (n < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT)
			fail("/dev/fuse");
	}
	free(request);
	free(buffer);
	return NULL;
}

static void add_file(struct server *server, int folder, const char *path, const char *name)
{
	struct file *file = &server->file[server->files];

	if (server->files == FILES_MAX || strlen(name) >= sizeof file->name)
		return;
	file->fd = openat(folder, path, O_RDONLY | O_CLOEXEC);
	if (file->fd < 0 || fstat(file->fd, &file->stat) < 0)
		fail(path);
	if (!S_ISREG(file->stat.st_mode)) {
		close(file->fd);
		return;
	}
	strcpy(file->name, name);
	server->files++;
}

static void take_source(struct server *server, const char *path)
{
	const char *slash = strrchr(path, '/');
	DIR *folder = opendir(path);

	if (stat(path, &server->root) < 0)
		fail(path);
	if (!folder) {
		add_file(server, AT_FDCWD, path, slash ? slash + 1 : path);
		return;
	}
	for (struct dirent *entry; (entry = readdir(folder));)
		if (entry->d_name[0] != '.')
			add_file(server, dirfd(folder), entry->d_name, entry->d_name);
	closedir(folder);
}

int main(int argc, char **argv)
{
	static struct server server;
	pthread_t thread[THREADS_MAX];
	struct stat stat_of_mount;
	char options[128];
	long threads = 64;

	for (int option; (option = getopt(argc, argv, "d:t:")) != -1;) {
		if (option == 'd')
			server.delay_us = strtol(optarg, NULL, 10);
		else if (option == 't')
			threads = strtol(optarg, NULL, 10);
		else
			return 2;
	}
	if (argc - optind != 2 || threads < 1 || threads > THREADS_MAX || server.delay_us < 0) {
		fprintf(stderr, "usage: fusedelay [-d MICROSECONDS] [-t THREADS] SOURCE MOUNTPOINT\n");
		return 2;
	}
	take_source(&server, argv[optind]);
	server.device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (server.device < 0)
		fail("/dev/fuse");
	snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0,allow_other", server.device);
	if (mount("fusedelay", argv[optind + 1], "fuse.fusedelay", MS_NODEV | MS_NOSUID | MS_RDONLY, options) < 0)
		fail(argv[optind + 1]);

	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (child > 0) { /* the first answer says that the server is there; if it is not, this fails */
		close(server.device);
		if (stat(argv[optind + 1], &stat_of_mount) < 0)
			fail(argv[optind + 1]);
		printf("%d\n", (int)child);
		return 0;
	}
	close(STDOUT_FILENO); /* who reads our process id waits for its end */
	for (long i = 0; i < threads; i++)
		if (pthread_create(&thread[i], NULL, run, &server) != 0)
			fail("pthread_create");
	for (long i = 0; i < threads; i++)
		pthread_join(thread[i], NULL);
	return 0;
}
