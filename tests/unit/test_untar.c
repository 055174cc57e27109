/* test_untar.c: the pipe between two threads, names, and how the unpacker ends. */
#include "pipeline/untar.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/job.h"
#include "pipeline/pipe.h"
#include "pipeline/untar_disk.h"

TestSuite(untar, .timeout = 120);

static struct ccp_err err;

/* ---- the pipe ---------------------------------------------------------------------------------- */

struct reading {
	struct ccp_pipe *pipe;
	size_t leave_after; /* bytes; 0 = never */
	enum ccp_pipe_end leave;
	size_t got, wrong, largest;
	enum ccp_pipe_end end;
};

static uint8_t byte_at(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

static void *read_all(void *arg)
{
	struct reading *r = arg;
	const void *data;
	size_t n;

	while ((n = ccp_pipe_read(r->pipe, &data, &r->end)) > 0) {
		for (size_t i = 0; i < n; i++)
			r->wrong += ((const uint8_t *)data)[i] != byte_at(r->got + i);
		r->got += n;
		if (n > r->largest)
			r->largest = n;
		if (r->leave_after > 0 && r->got >= r->leave_after) {
			ccp_pipe_leave(r->pipe, r->leave);
			break;
		}
	}
	return NULL;
}

/* Writes `total` bytes in pieces of changing length; returns the reader's last word. */
static enum ccp_pipe_end write_all(struct ccp_pipe *pipe, size_t total, size_t longest)
{
	uint8_t *data = malloc(longest);
	enum ccp_pipe_end end = CCP_PIPE_OPEN;

	for (size_t at = 0, n; at < total && end != CCP_PIPE_FAILED; at += n) {
		n = 1 + at * 31 % longest;
		if (n > total - at)
			n = total - at;
		for (size_t i = 0; i < n; i++)
			data[i] = byte_at(at + i);
		end = ccp_pipe_write(pipe, data, n);
	}
	free(data);
	return end;
}

static enum ccp_pipe_end run_pipe(struct reading *r, size_t cap, size_t total, size_t longest, enum ccp_pipe_end end)
{
	enum ccp_pipe_end last;
	pthread_t thread;

	cr_assert(ccp_pipe_new(&r->pipe, cap, &err) == 0);
	cr_assert(pthread_create(&thread, NULL, read_all, r) == 0);
	last = write_all(r->pipe, total, longest);
	ccp_pipe_end(r->pipe, end);
	pthread_join(thread, NULL);
	ccp_pipe_free(r->pipe);
	return last;
}

Test(untar, pipe_keeps_every_byte)
{
	static const size_t caps[] = { 1, 2, 3, 7, 64, 1000, 65536 };

	for (size_t i = 0; i < sizeof caps / sizeof caps[0]; i++) {
		size_t total = caps[i] < 10 ? 3000 : 300000;
		struct reading r = { .leave_after = 0 };

		run_pipe(&r, caps[i], total, 3 * caps[i] + 5, CCP_PIPE_ENDED);
		cr_expect(r.got == total && r.wrong == 0 && r.end == CCP_PIPE_ENDED, "%zu: %zu bytes, %zu wrong",
			  caps[i], r.got, r.wrong);
		cr_expect(r.largest <= caps[i] / 4 + 1, "%zu: %zu at once", caps[i], r.largest);
	}
}

/* What was written before a failure is read before it is heard of. */
Test(untar, pipe_failure_comes_last)
{
	struct reading r = { .leave_after = 0 };

	run_pipe(&r, 1000, 5000, 300, CCP_PIPE_FAILED);
	cr_expect(r.got == 5000 && r.wrong == 0 && r.end == CCP_PIPE_FAILED);
}

/* A writer that waits hears that nobody reads any more; and drops, or stops. */
Test(untar, pipe_reader_leaves)
{
	struct reading done = { .leave_after = 2000, .leave = CCP_PIPE_ENDED };
	struct reading failed = { .leave_after = 2000, .leave = CCP_PIPE_FAILED };

	cr_expect(run_pipe(&done, 100, 50000, 999, CCP_PIPE_ENDED) == CCP_PIPE_ENDED);
	cr_expect(run_pipe(&failed, 100, 50000, 999, CCP_PIPE_ENDED) == CCP_PIPE_FAILED);
}

/* ---- names ---------------------------------------------------------------------------------------- */

static void expect_clean(const char *name, const char *want, bool absolute)
{
	char clean[PATH_MAX];
	bool was;
	int result = ccp_untar_clean(name, clean, &was, &err);

	if (!want)
		cr_expect(result == -1, "%s: %s", name, clean);
	else
		cr_expect(result == 0 && strcmp(clean, want) == 0 && was == absolute, "%s: %s", name, clean);
}

Test(untar, clean_names)
{
	char *name = malloc(PATH_MAX + 10);

	expect_clean("a", "a", false);
	expect_clean("./a//b/./c/", "a/b/c", false);
	expect_clean("///a/b", "a/b", true);
	expect_clean("", ".", false);
	expect_clean("./", ".", false);
	expect_clean("/", ".", true);
	expect_clean("..a/b../...", "..a/b../...", false);
	expect_clean("..", NULL, false);
	expect_clean("a/..", NULL, false);
	expect_clean("a/../b", NULL, false);
	expect_clean("/..", NULL, false);
	memset(name, 'x', PATH_MAX + 9);
	name[PATH_MAX - 1] = '\0';
	expect_clean(name, NULL, false);
	name[PATH_MAX - 2] = '\0';
	expect_clean(name, name, false);
	free(name);
}

Test(untar, made_remembers)
{
	struct ccp_untar_made made = { .slots = 0 };

	cr_expect(!ccp_untar_made_has(&made, 5));
	for (uint64_t i = 1; i < 20000; i++) {
		struct stat st = { .st_ino = i, .st_dev = 2049 };

		cr_assert(ccp_untar_made_add(&made, ccp_untar_key(&st), &err) == 0);
	}
	for (uint64_t i = 1; i < 40000; i++) {
		struct stat st = { .st_ino = i, .st_dev = 2049 };

		cr_expect(ccp_untar_made_has(&made, ccp_untar_key(&st)) == (i < 20000), "%zu", (size_t)i);
	}
	cr_expect(made.count == 19999);
	free(made.key);
}

/* ---- the unpacker --------------------------------------------------------------------------------- */

static struct {
	unsigned members, told, refused;
	bool stop, want_none;
	char last[64];
} seen;

static bool wants(void *arg, const char *name)
{
	(void)arg;
	(void)name;
	return !seen.want_none;
}

static int on_member(void *arg, const struct ccp_untar_member *member)
{
	(void)arg;
	seen.members++;
	snprintf(seen.last, sizeof seen.last, "%s", member->name);
	return seen.stop ? -1 : 0;
}

static void on_tell(void *arg, enum ccp_untar_word word, const char *name, const struct ccp_err *why)
{
	(void)arg;
	(void)name;
	(void)why;
	seen.told++;
	seen.refused += word == CCP_UNTAR_REFUSED;
}

static char scratch[] = "/tmp/ccpipe-test-untar.XXXXXX";

static void set_up(void)
{
	if (ccp_untar_probe())
		cr_skip_test("libarchive is missing");
	cr_assert(mkdtemp(scratch));
}

static void tear_down(void)
{
	char command[128];

	if (ccp_untar_probe())
		return;
	snprintf(command, sizeof command, "rm -rf %s", scratch);
	cr_expect(system(command) == 0);
}

/* The header of a member, as simple as it can be. */
static void put_header(uint8_t *block, const char *name, size_t size)
{
	unsigned sum = 0;

	memset(block, 0, 512);
	strcpy((char *)block, name);
	strcpy((char *)block + 100, "0000644");
	strcpy((char *)block + 108, "0000000");
	strcpy((char *)block + 116, "0000000");
	snprintf((char *)block + 124, 12, "%011zo", size);
	strcpy((char *)block + 136, "00000000000");
	memset(block + 148, ' ', 8);
	block[156] = '0';
	for (size_t i = 0; i < 512; i++)
		sum += block[i];
	snprintf((char *)block + 148, 7, "%06o", sum);
}

/* `count` members of 600 bytes, each of two blocks, and the end. */
static size_t make_archive(uint8_t *to, unsigned count)
{
	size_t len = 0;

	for (unsigned i = 0; i < count; i++, len += 3 * 512) {
		char name[16];

		snprintf(name, sizeof name, "m%u", i);
		put_header(to + len, name, 600);
		memset(to + len + 512, (int)('a' + i % 26), 1024);
	}
	memset(to + len, 0, 1024);
	return len + 1024;
}

#define MEMBERS 3000u

/* Gives `len` bytes in pieces of `step`. Returns how many pieces were taken, and what `end` said. */
static size_t feed(const struct ccp_untar_options *options, const uint8_t *data, size_t len, size_t step, bool failed,
		   int *result)
{
	struct ccp_input *input = calloc(1, sizeof *input);
	struct ccp_untar *untar;
	size_t count = 0;

	memset(&seen.members, 0, 3 * sizeof seen.members);
	ccp_err_clear(&err);
	cr_assert(ccp_untar_new(&untar, options, &err) == 0, "%s", err.text);
	for (size_t at = 0, n; at < len; at += n, count++) {
		n = len - at < step ? len - at : step;
		if (ccp_untar_take(untar, input, data + at, n, &err) != 0)
			break;
		input->bytes_in += n;
	}
	*result = ccp_untar_end(untar, failed, &err);
	ccp_untar_free(untar);
	free(input);
	return count;
}

static unsigned entries(void)
{
	DIR *dir = opendir(scratch);
	unsigned count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count - 2;
}

Test(untar, every_end, .init = set_up, .fini = tear_down)
{
	struct ccp_untar_options options = { .extract = true, .dir = scratch, .wants = wants, .member = on_member,
					     .tell = on_tell };
	uint8_t *data = malloc((size_t)MEMBERS * 1536 + 1024 + 100000);
	size_t len = make_archive(data, MEMBERS);
	int result;

	/* whole, in small pieces; and what follows is taken, too */
	memset(data + len, 'x', 100000);
	feed(&options, data, len + 100000, 1000, false, &result);
	cr_expect(result == 0 && seen.members == MEMBERS && seen.told == 0 && entries() == MEMBERS, "%d: %s; %u",
		  result, err.text, seen.members);

	/* everything is there already */
	feed(&options, data, len, 65536, false, &result);
	cr_expect(result == 0 && seen.members == 0 && seen.refused == MEMBERS);
	options.overwrite = true;
	feed(&options, data, len, 1 << 20, false, &result);
	cr_expect(result == 0 && seen.members == MEMBERS && seen.refused == 0 && entries() == MEMBERS);

	/* whoever listens has enough */
	seen.stop = true;
	feed(&options, data, len, 4096, false, &result);
	cr_expect(result == -1 && err.code == CCP_E_CANCELLED && seen.members == 1);
	seen.stop = false;

	/* it ends in a member: by itself, and because the caller failed, which is the caller's to tell */
	feed(&options, data, 10 * 1536 + 900, 512, false, &result);
	cr_expect(result == -1 && err.code == CCP_E_TRUNCATED && err.offset == 10 * 1536 + 900 && seen.members == 10,
		  "%s at %llu, %u", err.text, (unsigned long long)err.offset, seen.members);
	feed(&options, data, 10 * 1536 + 900, 512, true, &result);
	cr_expect(result == 0 && seen.members == 10 && entries() == MEMBERS);

	/* not a byte */
	feed(&options, data, 0, 512, false, &result);
	cr_expect(result == -1 && err.code == CCP_E_FORMAT);
	feed(&options, data, 0, 512, true, &result);
	cr_expect(result == 0);

	/* damage in the middle ends it for who writes, too */
	memset(data + 100 * 1536, 'x', 512);
	cr_expect(feed(&options, data, len, 512, false, &result) < len / 512);
	cr_expect(result == -1 && err.code == CCP_E_FORMAT && err.offset == 100 * 1536 && seen.members == 100);
	free(data);
}

/* The guard is against what is decoded out of little, and looks at nothing else. */
Test(untar, guard, .init = set_up, .fini = tear_down)
{
	struct ccp_untar_options options = { .extract = true, .dir = scratch, .wants = wants, .member = on_member,
					     .tell = on_tell };
	struct ccp_input *input = calloc(1, sizeof *input);
	size_t step = 4 << 20;
	uint8_t *zeros = calloc(1, step);
	struct ccp_untar *untar;

	seen.want_none = true;
	for (unsigned ratio = 900; ratio <= 1100; ratio += 200) {
		for (int round = 0; round < 3; round++) { /* with the guard; with a size that was said; only listed */
			uint64_t total = 0;
			int result = 0;

			options.max_bytes = round == 1 ? 1000 : 0;
			options.extract = round != 2;
			cr_assert(ccp_untar_new(&untar, &options, &err) == 0);
			put_header(zeros, "zeros", ((size_t)8 << 30) - 1);
			input->bytes_in = 0;
			while (total < (UINT64_C(1200) << 20) && result == 0) {
				result = ccp_untar_take(untar, input, zeros, step, &err);
				memset(zeros, 0, 512);
				total += step;
				input->bytes_in += step / ratio;
			}
			cr_expect((result == 0) == (ratio < 1000 || round > 0), "%u, %d: %s", ratio, round, err.text);
			cr_expect(result == 0 || (total > (UINT64_C(1) << 30) && err.code == CCP_E_OTHER));
			cr_expect(ccp_untar_end(untar, true, &err) == 0, "%s", err.text);
			ccp_untar_free(untar);
		}
	}
	seen.want_none = false;
	free(zeros);
	free(input);
}
