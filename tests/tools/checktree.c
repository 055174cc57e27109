/*
 * checktree.c: judges a folder after a run of gzip or gunzip that something was done to.
 *
 * usage: checktree [-g|-u] [-o OLD] [-d|-k] [-t] ORIGINAL FOLDER
 *
 * ORIGINAL holds plain files NAME. In FOLDER, NAME must be the same bytes, and NAME.gz must be a whole gzip file (all
 * its members, nothing behind them) that decodes to them; one of the two must be there.
 *
 *   -g   it was gzip: NAME is the source, NAME.gz the target (the default)
 *   -u   it was gunzip: the other way round
 *   -o   the targets were there before, as in OLD, and are to be replaced: each must be the old or the new one
 *   -d   the run is done: targets are there and new, sources are gone
 *   -k   the run is done: targets are there and new, so are the sources
 *   -t   a temporary (a name that begins with a dot) may be there
 *
 * Prints a line "WHAT NAME" for each fault: lost (neither source nor new target), torn (a final name that is not
 * whole), oldlost (a target that is neither old nor new, or gone), partial (a temporary, or a name that nobody asked
 * for), unfinished (only with -d and -k). Exits 1 if there was one.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

struct blob {
	unsigned char *data;
	size_t len;
	bool there;
};

static int faults;

static void fault(const char *what, const char *name)
{
	printf("%s %s\n", what, name);
	faults++;
}

static struct blob load(const char *folder, const char *name, const char *suffix)
{
	struct blob blob = { 0 };
	char path[4096];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s%s", folder, name, suffix);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return blob;
	blob.there = true;
	if (fstat(fd, &st) != 0)
		abort();
	blob.data = malloc((size_t)st.st_size + 1);
	if (!blob.data)
		abort();
	for (ssize_t n; (n = read(fd, blob.data + blob.len, (size_t)st.st_size - blob.len)) > 0;)
		blob.len += (size_t)n;
	close(fd);
	return blob;
}

static bool equal(const struct blob *a, const struct blob *b)
{
	return a->there && b->there && a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

/* Whether `packed` decodes to `plain`, whole. */
static bool decodes_to(const struct blob *packed, const struct blob *plain)
{
	size_t in = 0, out = 0;
	unsigned char *decoded = malloc(plain->len + 1);
	bool whole = packed->there && packed->len > 0;

	if (!decoded)
		abort();
	while (whole && in < packed->len) {
		z_stream z = { .next_in = packed->data + in,
			       .avail_in = (uInt)(packed->len - in),
			       .next_out = decoded + out,
			       .avail_out = (uInt)(plain->len + 1 - out) };

		if (inflateInit2(&z, 15 + 16) != Z_OK)
			abort();
		whole = inflate(&z, Z_FINISH) == Z_STREAM_END && z.total_in > 0;
		in += z.total_in;
		out += z.total_out;
		inflateEnd(&z);
	}
	whole = whole && out == plain->len && memcmp(decoded, plain->data, out) == 0;
	free(decoded);
	return whole;
}

struct setting {
	const char *original, *folder, *old;
	bool unzips, done, keeps, temps;
};

static void check(const struct setting *s, const char *name)
{
	struct blob original = load(s->original, name, "");
	struct blob plain = load(s->folder, name, ""), packed = load(s->folder, name, ".gz");
	bool plain_good = equal(&plain, &original), packed_good = decodes_to(&packed, &original);
	struct blob *target = s->unzips ? &plain : &packed, *source = s->unzips ? &packed : &plain;
	bool target_good = s->unzips ? plain_good : packed_good, source_good = s->unzips ? packed_good : plain_good;

	if (!source_good && !target_good)
		fault("lost", name);
	if (source->there && !source_good)
		fault("torn", name);
	if (s->old) {
		struct blob old = load(s->old, name, s->unzips ? "" : ".gz");

		if (!target_good && !equal(target, &old))
			fault("oldlost", name);
		free(old.data);
	} else if (target->there && !target_good) {
		fault("torn", name);
	}
	if ((s->done && (!target_good || source->there)) || (s->keeps && (!target_good || !source_good)))
		fault("unfinished", name);
	free(original.data);
	free(plain.data);
	free(packed.data);
}

/* Whether a name in the folder belongs there. */
static bool known(const struct setting *s, const char *name)
{
	char path[4096];
	size_t len = strlen(name);

	snprintf(path, sizeof path, "%s/%s", s->original, name);
	if (access(path, F_OK) == 0)
		return true;
	if (len < 4 || strcmp(name + len - 3, ".gz") != 0)
		return false;
	snprintf(path, sizeof path, "%s/%.*s", s->original, (int)(len - 3), name);
	return access(path, F_OK) == 0;
}

int main(int argc, char **argv)
{
	struct setting s = { 0 };
	struct dirent *entry;
	int option;

	while ((option = getopt(argc, argv, "guo:dkt")) != -1) {
		switch (option) {
		case 'g':
			break;
		case 'u':
			s.unzips = true;
			break;
		case 'o':
			s.old = optarg;
			break;
		case 'd':
			s.done = true;
			break;
		case 'k':
			s.keeps = true;
			break;
		case 't':
			s.temps = true;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind != 2) {
		fprintf(stderr, "usage: checktree [OPTION]... ORIGINAL FOLDER\n");
		return 2;
	}
	s.original = argv[optind];
	s.folder = argv[optind + 1];
	DIR *dir = opendir(s.original);
	if (!dir)
		return 2;
	while ((entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			check(&s, entry->d_name);
	closedir(dir);
	dir = opendir(s.folder);
	if (!dir)
		return 2;
	while ((entry = readdir(dir)) != NULL) {
		const char *name = entry->d_name;

		if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (name[0] == '.' && s.temps))
			continue;
		if (name[0] == '.' || !known(&s, name))
			fault("partial", name);
	}
	closedir(dir);
	return faults > 0;
}
