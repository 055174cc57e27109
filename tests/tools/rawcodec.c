/*
 * rawcodec: a codec and nothing else, for scripts/bench: reads a file in chunks of 1 MiB, compresses each in the only
 * thread, throws the result away. What a pipeline on N processors could reach at best is N times this.
 *
 * usage: rawcodec libdeflate|isal|zlib LEVEL FILE
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#ifdef CCP_HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#ifdef CCP_HAVE_ISAL
#include <isa-l/igzip_lib.h>
#endif

#define CHUNK ((size_t)1 << 20)
#define ROOM (CHUNK + (CHUNK >> 3) + 4096)

static int level;
#if defined(CCP_HAVE_LIBDEFLATE) || defined(CCP_HAVE_ISAL)
static void *state;
#endif

#ifdef CCP_HAVE_LIBDEFLATE
static size_t with_libdeflate(const void *in, size_t len, void *out)
{
	if (!state)
		state = libdeflate_alloc_compressor(level);
	return libdeflate_deflate_compress(state, in, len, out, ROOM);
}
#endif

#ifdef CCP_HAVE_ISAL
static size_t with_isal(const void *in, size_t len, void *out)
{
	static struct isal_zstream stream;

	if (!state)
		state = malloc(ISAL_DEF_LVL3_DEFAULT);
	isal_deflate_init(&stream);
	stream.level = (uint32_t)level;
	stream.level_buf = state;
	stream.level_buf_size = ISAL_DEF_LVL3_DEFAULT;
	stream.next_in = (uint8_t *)(uintptr_t)in;
	stream.avail_in = (uint32_t)len;
	stream.next_out = out;
	stream.avail_out = (uint32_t)ROOM;
	stream.flush = FULL_FLUSH;
	return isal_deflate(&stream) == COMP_OK ? stream.total_out : 0;
}
#endif

static size_t with_zlib(const void *in, size_t len, void *out)
{
	uLongf room = ROOM;

	return compress2(out, &room, in, (uLong)len, level) == Z_OK ? room : 0;
}

static size_t (*find(const char *name))(const void *in, size_t len, void *out)
{
#ifdef CCP_HAVE_LIBDEFLATE
	if (strcmp(name, "libdeflate") == 0)
		return with_libdeflate;
#endif
#ifdef CCP_HAVE_ISAL
	if (strcmp(name, "isal") == 0)
		return with_isal;
#endif
	return strcmp(name, "zlib") == 0 ? with_zlib : NULL;
}

int main(int argc, char **argv)
{
	size_t (*compress_chunk)(const void *, size_t, void *) = argc == 4 ? find(argv[1]) : NULL;
	int fd = argc == 4 ? open(argv[3], O_RDONLY | O_CLOEXEC) : -1;
	void *in = malloc(CHUNK), *out = malloc(ROOM);
	unsigned long long total = 0;
	ssize_t n;

	if (!compress_chunk || fd < 0 || !in || !out) {
		fprintf(stderr, "usage: rawcodec libdeflate|isal|zlib LEVEL FILE\n");
		return 64;
	}
	level = atoi(argv[2]);
	while ((n = read(fd, in, CHUNK)) > 0) {
		size_t written = compress_chunk(in, (size_t)n, out);

		if (written == 0)
			return 1;
		total += written;
	}
	printf("%llu\n", total);
	return n < 0;
}
