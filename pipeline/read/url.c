/*
 * url.c: the source for names that are no paths: http, https, ftp, sftp, tcp and the like (net/url.h).
 *
 * A fetcher (net/fetch.h) brings the bytes of each into a pipe, and begins with it when NEXT announces the name. What
 * is left to do here is what is done for every pipe, by the source stream: but the end of this pipe may be that of a
 * transfer that failed, which only the fetcher knows. When the first bytes are there it knows the input's time, too.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/net/fetch.h"
#include "pipeline/net/url.h"
#include "pipeline/source.h"

extern const struct ccp_source_ops ccp_source_stream, ccp_source_url;

static bool url_claims(const char *path, const struct stat *st)
{
	enum ccp_url_kind kind = ccp_url_kind(path);

	return st == NULL && kind != CCP_URL_NONE && kind != CCP_URL_FILE;
}

/* Of the beginning of a name nobody knows where a password ends, unless the host does. */
static void url_show(const char *path, bool whole, char *shown)
{
	const char *rest = ccp_url_rest(path);

	if (whole || rest[strcspn(rest, "/?#")] != '\0')
		ccp_url_show(path, shown, PATH_MAX);
	else
		snprintf(shown, PATH_MAX, "%.*s***", (int)(rest - path), path);
}

static void url_ahead(const struct ccp_source_options *options, uint64_t index, const char *path)
{
	if (options->fetcher != NULL)
		ccp_fetcher_ahead(options->fetcher, index, path);
}

static bool url_ready(const struct ccp_source_options *options, uint64_t index)
{
	return options->fetcher == NULL || ccp_fetcher_ready(options->fetcher, index);
}

static int url_news(const struct ccp_source_options *options, bool quiet)
{
	if (options->fetcher == NULL)
		return -1;
	if (quiet)
		ccp_fetcher_ready_clear(options->fetcher);
	return ccp_fetcher_ready_fd(options->fetcher);
}

static int url_open(struct ccp_input *input, const struct ccp_source_options *options, struct ccp_err *err)
{
	struct ccp_fetch *fetch;
	int fd;

	if (options->fetcher == NULL)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "URLs have no meaning here");
	if (ccp_fetcher_take(options->fetcher, input->index, &fetch, &fd, err) != 0)
		return -1;
	if (fstat(fd, &input->meta) != 0) {
		ccp_err_sys(err, errno, "%s", "");
		close(fd);
		ccp_fetch_close(fetch);
		return -1;
	}
	input->remote = fetch;
	input->fd = fd;
	if (ccp_url_kind(input->path) == CCP_URL_CURL)
		ccp_url_name(input->path, input->origin.name, sizeof input->origin.name);
	else
		input->origin.name[0] = '\0';
	input->origin.mtime = input->meta.st_mtim;
	input->origin.has_mtime = options->need_mtime;
	return 0;
}

static void url_close(struct ccp_input *input)
{
	close(input->fd);
	input->fd = -1;
	ccp_fetch_close(input->remote);
	input->remote = NULL;
}

static int url_want(struct ccp_job *job, const struct ccp_source_options *options, struct ccp_want *want)
{
	return ccp_source_stream.want(job, options, want);
}

/* The first bytes are there, or the end. */
static void look(struct ccp_input *input)
{
	struct ccp_fetch_info info;

	ccp_fetch_look(input->remote, &info);
	if (!info.has_mtime)
		return;
	input->origin.mtime = info.mtime;
	input->origin.has_mtime = input->dated = true;
}

static int url_got(struct ccp_job *job, const struct ccp_source_options *options, int64_t result)
{
	if (result >= 0 && job->number == 0 && job->piece.in.len == 0)
		look(job->input);
	if (result != 0 || ccp_fetch_result(job->input->remote, &job->piece.err) == 0)
		return ccp_source_stream.got(job, options, result);
	job->piece.last = true; /* nothing follows */
	job->step = CCP_LOAD_DONE;
	return -1;
}

const struct ccp_source_ops ccp_source_url = {
	.name = "url",
	.help = "http, https, ftp, sftp, tcp, unix and tcp-listen, many at a time",
	.flags = CCP_SOURCE_STREAM | CCP_SOURCE_APART | CCP_SOURCE_REMOTE,
	.rank = 5,
	.claims = url_claims,
	.show = url_show,
	.ahead = url_ahead,
	.ready = url_ready,
	.news = url_news,
	.open = url_open,
	.want = url_want,
	.got = url_got,
	.close = url_close,
};
