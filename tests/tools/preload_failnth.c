/*
 * preload_failnth.c: makes library calls fail, for LD_PRELOAD.
 *
 *   FAILNTH=WHAT:N      the Nth call of WHAT fails (counted over all threads, from main on)
 *   FAILNTH=WHAT:N+     that one and all that follow
 *   FAILNTH=short       every read and write moves 1 to 7 bytes less than it was asked for (at least one)
 *   FAILNTH=intr        every second one says EINTR;  FAILNTH=again: on what does not block, EAGAIN
 *   FAILNTH_COUNT=FILE  appends "WHAT COUNT" of this process to FILE when it exits, to know how large N may be
 *
 * WHAT: malloc (with calloc, realloc, posix_memalign, aligned_alloc), thread, fork, pipe, eventfd, read, write, fsync.
 * Calls that glibc makes inside of itself are not seen.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

enum what { MALLOC, THREAD, FORK, PIPE, EVENTFD, READ, WRITE, FSYNC, WHATS };

static const char *const names[WHATS] = { "malloc", "thread", "fork", "pipe", "eventfd", "read", "write", "fsync" };
static atomic_ulong calls[WHATS];
static enum what chosen = WHATS;
static unsigned long nth;
static bool for_good, shortens, interrupts, delays;
static atomic_bool armed;

static void __attribute__((constructor)) begin(void)
{
	const char *text = getenv("FAILNTH");

	if (!text)
		return;
	shortens = strcmp(text, "short") == 0;
	interrupts = strcmp(text, "intr") == 0;
	delays = strcmp(text, "again") == 0;
	for (int i = 0; i < WHATS; i++) {
		size_t len = strlen(names[i]);

		if (strncmp(text, names[i], len) == 0 && text[len] == ':') {
			char *end;

			chosen = (enum what)i;
			nth = strtoul(text + len + 1, &end, 10);
			for_good = *end == '+';
		}
	}
	atomic_store(&armed, true);
}

static void __attribute__((destructor)) end(void)
{
	const char *path = getenv("FAILNTH_COUNT");
	FILE *out;

	atomic_store(&armed, false);
	if (!path || !(out = fopen(path, "ae")))
		return;
	for (int i = 0; i < WHATS; i++)
		fprintf(out, "%s %lu\n", names[i], atomic_load(&calls[i]));
	fclose(out);
}

static bool fails(enum what what)
{
	if (!atomic_load(&armed))
		return false;
	unsigned long call = atomic_fetch_add(&calls[what], 1) + 1;

	return what == chosen && (for_good ? call >= nth : call == nth);
}

/* glibc's own names, which need no dlsym (that may allocate). */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static void *no_memory(void)
{
	errno = ENOMEM;
	return NULL;
}

void *malloc(size_t size)
{
	return fails(MALLOC) ? no_memory() : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails(MALLOC) ? no_memory() : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
	return fails(MALLOC) ? no_memory() : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
	return fails(MALLOC) ? no_memory() : __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size)
{
	*memory = fails(MALLOC) ? NULL : __libc_memalign(alignment, size);
	return *memory ? 0 : ENOMEM;
}

/* The next definition of a function, as a pointer of type `type`; without the cast that ISO C does not know. */
#define REAL(type, name)                              \
	static type real;                             \
	if (!real) {                                  \
		void *found = dlsym(RTLD_NEXT, name); \
		memcpy(&real, &found, sizeof real);   \
	}

typedef int create_fn(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *arg)
{
	REAL(create_fn *, "pthread_create")
	return fails(THREAD) ? EAGAIN : real(thread, attributes, body, arg);
}

typedef pid_t fork_fn(void);

pid_t fork(void)
{
	REAL(fork_fn *, "fork")
	if (!fails(FORK))
		return real();
	errno = EAGAIN;
	return -1;
}

static int no_descriptor(void)
{
	errno = EMFILE;
	return -1;
}

typedef int pipe2_fn(int *, int);

int pipe2(int pair[2], int flags)
{
	REAL(pipe2_fn *, "pipe2")
	return fails(PIPE) ? no_descriptor() : real(pair, flags);
}

int pipe(int pair[2])
{
	return pipe2(pair, 0);
}

typedef int eventfd_fn(unsigned, int);

int eventfd(unsigned count, int flags)
{
	REAL(eventfd_fn *, "eventfd")
	return fails(EVENTFD) ? no_descriptor() : real(count, flags);
}

/* Whether it is an eventfd or the like: their transfers fail in none of the ways below, and move as a whole only. */
static bool is_signal(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == 0;
}

/* What befalls a transfer. Returns the bytes to ask for, or -1 with errno for an interruption. */
static ssize_t befall(enum what what, int fd, size_t len)
{
	static atomic_ulong turns;

	if (!atomic_load(&armed) || len == 0 || is_signal(fd))
		return (ssize_t)len;
	if (fails(what)) {
		errno = what == WRITE ? ENOSPC : EIO;
		return -1;
	}
	unsigned long turn = atomic_fetch_add(&turns, 1);
	if (interrupts && turn % 2 == 0) {
		errno = EINTR;
		return -1;
	}
	if (delays && turn % 2 == 0 && (fcntl(fd, F_GETFL) & O_NONBLOCK)) {
		errno = EAGAIN;
		return -1;
	}
	if (shortens && len > 8)
		len -= 1 + turn % 7;
	return (ssize_t)len;
}

typedef ssize_t read_fn(int, void *, size_t);

ssize_t read(int fd, void *data, size_t len)
{
	REAL(read_fn *, "read")
	ssize_t now = befall(READ, fd, len);
	return now < 0 ? -1 : real(fd, data, (size_t)now);
}

/* With 64-bit offsets in the compiler's flags this defines pread64, which is what ccpipe calls. */
typedef ssize_t pread_fn(int, void *, size_t, off_t);

ssize_t pread(int fd, void *data, size_t len, off_t offset)
{
	REAL(pread_fn *, "pread64")
	ssize_t now = befall(READ, fd, len);
	return now < 0 ? -1 : real(fd, data, (size_t)now, offset);
}

typedef ssize_t write_fn(int, const void *, size_t);

ssize_t write(int fd, const void *data, size_t len)
{
	REAL(write_fn *, "write")
	ssize_t now = befall(WRITE, fd, len);
	return now < 0 ? -1 : real(fd, data, (size_t)now);
}

typedef int fsync_fn(int);

int fsync(int fd)
{
	REAL(fsync_fn *, "fsync")
	if (!fails(FSYNC))
		return real(fd);
	errno = EIO;
	return -1;
}
