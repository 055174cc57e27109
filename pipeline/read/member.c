/*
 * member.c: the source for members of archives, and for streams that turned out to be none.
 *
 * A reader of archives (archive/archive.h) brings the bytes of each into a pipe. What is left to do here is what is
 * done for every pipe, by the source stream: but the end of this pipe may be that of an archive that is damaged,
 * which only the reader knows. No name leads to this source: the walk says that an input is a member.
 */
#include <string.h>
#include <unistd.h>

#include "pipeline/archive/archive.h"
#include "pipeline/source.h"

extern const struct ccp_source_ops ccp_source_stream;

static bool member_claims(const char *path, const struct stat *st)
{
	(void)path;
	(void)st;
	return false;
}

static void member_ahead(const struct ccp_source_options *options, uint64_t index, const char *path)
{
	(void)path;
	ccp_archive_bind(options->archive, index);
}

static int member_open(struct ccp_input *input, const struct ccp_source_options *options, struct ccp_err *err)
{
	struct ccp_archive_member *member;
	const char *slash = strrchr(input->path, '/'), *bang = strrchr(input->path, '!');
	const char *base = slash > bang ? slash + 1 : bang != NULL ? bang + 1 : input->path;
	size_t len = input->is_stdin ? 0 : strnlen(base, sizeof input->origin.name - 1);

	if (ccp_archive_take(options->archive, input->index, &member, &input->fd, err) != 0)
		return -1;
	input->remote = member;
	memcpy(input->origin.name, base, len);
	input->origin.name[len] = '\0';
	input->origin.has_mtime = ccp_archive_mtime(member, &input->origin.mtime);
	if (input->origin.has_mtime)
		input->meta.st_mtim = input->origin.mtime; /* for lists */
	return 0;
}

static void member_close(struct ccp_input *input)
{
	close(input->fd);
	input->fd = -1;
	ccp_archive_close(input->remote);
	input->remote = NULL;
}

static int member_want(struct ccp_job *job, const struct ccp_source_options *options, struct ccp_want *want)
{
	return ccp_source_stream.want(job, options, want);
}

static int member_got(struct ccp_job *job, const struct ccp_source_options *options, int64_t result)
{
	if (result != 0 || ccp_archive_result(job->input->remote, &job->piece.err) == 0)
		return ccp_source_stream.got(job, options, result);
	job->piece.last = true; /* nothing follows */
	job->step = CCP_LOAD_DONE;
	return -1;
}

const struct ccp_source_ops ccp_source_member = {
	.name = "member",
	.help = "members of archives: tar, cpio, ar, zip, 7z, iso9660, rar",
	/* not REMOTE: the name is that of a path in an archive, and makes a target's name as one */
	.flags = CCP_SOURCE_STREAM | CCP_SOURCE_APART,
	.rank = 30,
	.claims = member_claims,
	.ahead = member_ahead,
	.open = member_open,
	.want = member_want,
	.got = member_got,
	.close = member_close,
};
