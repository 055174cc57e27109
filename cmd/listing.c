/*
 * listing.c: the lines of -l. Sizes were counted by decoding, so that they are right beyond 4 GiB and for many members;
 * name, time and checksum are looked up in the file.
 */
#include "cmd/listing.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/codec/gzip_header.h"

#define WIDTH 19 /* digits of the largest off_t */

static int open_again(const struct ccp_input *input, struct stat *st)
{
	/* a name from elsewhere (a URL, a member of an archive) is no path, whatever stands there */
	if (!input->is_stdin && !input->has_meta)
		return -1;

	int fd = input->is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
				 : open(input->path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, st) == 0 && S_ISREG(st->st_mode) &&
	    (!input->has_meta || (st->st_dev == input->meta.st_dev && st->st_ino == input->meta.st_ino)))
		return fd;
	close(fd);
	return -1;
}

void ccp_member_read(const struct ccp_input *input, struct ccp_member *member)
{
	struct ccp_gzip_header header = { .method = 0 };
	struct ccp_err err;
	struct stat st;
	uint8_t data[4096];
	size_t used;
	ssize_t n;
	int fd = open_again(input, &st);

	*member = (struct ccp_member){ .header_bytes = 18, .crc = UINT32_MAX };
	snprintf(member->name, sizeof member->name, "%s", input->found.name);
	if (member->name[0] != '\0')
		member->header_bytes += strlen(member->name) + 1;
	if (input->found.has_mtime)
		member->mtime = (uint32_t)input->found.mtime.tv_sec;
	if (fd < 0)
		return;
	n = pread(fd, data, sizeof data, 0);
	if (n > 0 && ccp_gzip_header_read(&header, data, (size_t)n, 0, &used, &err) >= 0) {
		member->header_bytes = header.bytes + CCP_GZIP_TRAILER_BYTES;
		member->mtime = header.mtime;
		snprintf(member->name, sizeof member->name, "%s", header.name);
	}
	if (st.st_size >= 18 && pread(fd, data, 8, st.st_size - 8) == 8)
		member->crc = ccp_le32(data);
	close(fd);
}

void ccp_listing_ratio(FILE *out, double part, double whole)
{
	fprintf(out, "%5.1f%%", whole > 0 ? 100.0 * part / whole : 0.0);
}

static void print_date(const struct ccp_settings *settings, const struct ccp_input *input,
		       const struct ccp_member *member)
{
	struct stat st;
	bool dated = input->has_meta || (input->is_stdin && fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode));
	time_t when = input->has_meta ? input->meta.st_mtim.tv_sec : dated ? st.st_mtim.tv_sec : 0;
	struct tm tm;
	char text[32];

	if (settings->archive && !dated) /* 0 if its archive has none */
		when = input->meta.st_mtim.tv_sec;
	if (settings->drop_time == 0 && member->mtime != 0)
		when = member->mtime;
	/* GNU gzip's own abbreviations, whatever the locale: this program never calls setlocale */
	if ((dated || when != 0) && localtime_r(&when, &tm) != NULL) {
		strftime(text, sizeof text, "%b %e %H:%M", &tm);
		printf("%s ", text);
	} else {
		printf("??? ?? ??:?? ");
	}
}

static void print_name(const struct ccp_settings *settings, const struct ccp_sink_options *options,
		       const struct ccp_input *input, const struct ccp_member *member)
{
	struct ccp_sink_options strip = *options;
	char target[PATH_MAX];
	const char *slash;
	struct ccp_err err;

	strip.naming = CCP_NAME_STRIP_SUFFIX;
	strip.output = strip.output_dir = NULL;
	strip.restore_name = false;
	if (input->is_stdin)
		snprintf(target, sizeof target, "stdout");
	else if (ccp_target_name(&strip, input, target, &err) != 0)
		snprintf(target, sizeof target, "%s", input->path);
	slash = strrchr(target, '/');
	if (settings->drop_name != 0 || member->name[0] == '\0') {
		puts(target);
	} else {
		const char *name = strrchr(member->name, '/');

		printf("%.*s%s\n", slash != NULL ? (int)(slash - target + 1) : 0, target,
		       name != NULL ? name + 1 : member->name);
	}
}

void ccp_listing_row(struct ccp_listing *listing, const struct ccp_settings *settings,
		     const struct ccp_sink_options *options, const struct ccp_input *input)
{
	struct ccp_member member;
	bool plain = settings->archive && input->plain_bytes == input->bytes_in;

	ccp_member_read(input, &member);
	if (plain)
		member.header_bytes = 0;
	if (listing->rows++ == 0) {
		if (settings->verbose)
			printf("method  crc     date  time  ");
		if (!settings->quiet)
			printf("%*s %*s  ratio uncompressed_name\n", WIDTH, "compressed", WIDTH, "uncompressed");
	}
	if (settings->verbose) {
		printf("%s %08lx ", plain ? "plain" : "defla", (unsigned long)member.crc);
		print_date(settings, input, &member);
	}
	printf("%*llu %*llu ", WIDTH, (unsigned long long)input->bytes_in, WIDTH,
	       (unsigned long long)input->plain_bytes);
	ccp_listing_ratio(stdout, (double)input->plain_bytes -
				  ((double)input->bytes_in - (double)member.header_bytes), (double)input->plain_bytes);
	putchar(' ');
	print_name(settings, options, input, &member);
	listing->bytes_in += input->bytes_in;
	listing->plain_bytes += input->plain_bytes;
	listing->header_bytes = member.header_bytes;
}

int ccp_listing_end(struct ccp_listing *listing, const struct ccp_settings *settings)
{
	bool several = settings->name_count > 1 || (!settings->gnu && listing->rows > 1);

	if (several && !settings->quiet && listing->bytes_in > 0 && listing->plain_bytes > 0) {
		if (settings->verbose)
			printf("%28s", "");
		printf("%*llu %*llu ", WIDTH, (unsigned long long)listing->bytes_in, WIDTH,
		       (unsigned long long)listing->plain_bytes);
		/* the last file's header stands for all, as in GNU gzip, so that one file gives its own ratio */
		ccp_listing_ratio(stdout, (double)listing->plain_bytes -
					  ((double)listing->bytes_in - (double)listing->header_bytes),
				  (double)listing->plain_bytes);
		puts(" (totals)");
	}
	errno = 0;
	if (fflush(stdout) == 0 && !ferror(stdout))
		return 0;
	clearerr(stdout); /* it is told once */
	return -1;
}
