/*
 * copy.c: what comes out is what went in.
 *
 * For outputs that are not compressed and must not be looked into either (gunzip's passthrough would take an archive
 * for compressed data if its first name begins like a gzip header). Copying a chunk costs less than reading it.
 */
#include "pipeline/transform.h"

#define DEFAULT_CHUNK ((size_t)1 << 20)
#define MAX_CHUNK ((size_t)64 << 20)

static int copy_need(const struct ccp_transform_options *options, struct ccp_transform_need *need, struct ccp_err *err)
{
	if (options->chunk_bytes > MAX_CHUNK)
		return ccp_err_set(err, CCP_E_USAGE, "chunks of %zu bytes are too large, at most %zu",
				   options->chunk_bytes, MAX_CHUNK);
	need->chunk_bytes = options->chunk_bytes ? options->chunk_bytes : DEFAULT_CHUNK;
	need->out_bytes = need->chunk_bytes;
	return 0;
}

static int copy_open(void **state, const struct ccp_transform_options *options, struct ccp_err *err)
{
	(void)options, (void)err;
	*state = NULL;
	return 0;
}

static int copy_map(void *state, void *carry, struct ccp_piece *piece)
{
	(void)state, (void)carry;
	ccp_buf_append(&piece->out, piece->in.data, piece->in.len);
	piece->in_used = piece->in.len;
	piece->plain_bytes += piece->in.len;
	return 0;
}

static void copy_close(void *state)
{
	(void)state;
}

const struct ccp_transform_ops ccp_transform_copy = {
	.name = "copy",
	.help = "copy what is read",
	.need = copy_need,
	.open = copy_open,
	.map = copy_map,
	.close = copy_close,
};
