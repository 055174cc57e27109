/*
 * untar.c: the caller's side of unpacking: bytes go into a pipe, and a thread takes them out.
 *
 * The thread ends in one of three ways. It has seen the end of the archive: what follows is dropped, so that whoever
 * decompresses still reads and checks all of it. It cannot go on: then the next bytes are refused, and the run ends.
 * The caller has failed: then the members that were whole before have been unpacked, and the one under way is dropped.
 */
#include "pipeline/untar.h"

#include <stdlib.h>

#include "pipeline/job.h"
#include "pipeline/pipe.h"
#include "pipeline/thread.h"
#include "pipeline/untar_internal.h"

#define PIPE_BYTES ((size_t)1 << 20)

static void *run(void *arg)
{
	struct ccp_untar *untar = arg;
	int result = ccp_untar_read(untar);

	ccp_untar_disk_close(&untar->disk);
	ccp_pipe_leave(untar->pipe, result == 0 ? CCP_PIPE_ENDED : CCP_PIPE_FAILED);
	return NULL;
}

int ccp_untar_new(struct ccp_untar **out, const struct ccp_untar_options *options, struct ccp_err *err)
{
	struct ccp_untar *untar;

	if (ccp_untar_probe())
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "not built: %s", ccp_untar_probe());
	untar = calloc(1, sizeof *untar);
	if (!untar)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	untar->options = options;
	untar->disk = (struct ccp_untar_disk){ .options = options, .root = -1, .parent = -1, .file = -1 };
	if (ccp_pipe_new(&untar->pipe, PIPE_BYTES, err) != 0 ||
	    (options->extract && ccp_untar_disk_open(&untar->disk, options, err) != 0)) {
		ccp_untar_free(untar);
		return -1;
	}
	*out = untar;
	return 0;
}

void ccp_untar_free(struct ccp_untar *untar)
{
	if (!untar)
		return;
	ccp_untar_disk_close(&untar->disk);
	ccp_pipe_free(untar->pipe);
	free(untar);
}

static int start(struct ccp_untar *untar, struct ccp_err *err)
{
	int sys = ccp_thread_start(&untar->thread, run, untar);

	if (sys != 0)
		return ccp_err_sys(err, sys, "starting a thread");
	untar->started = true;
	return 0;
}

int ccp_untar_guarded(struct ccp_err *err)
{
	return ccp_err_set(err, CCP_E_OTHER,
			   "stopped: more than 1 GiB that is more than %u times what was read for it; "
			   "--max-size SIZE allows it", CCP_UNTAR_GUARD_RATIO);
}

/*
 * A piece's bytes count as read when all of it has been taken, so that what came of those before is compared with what
 * was read for them: the same for every strategy.
 */
static int guard(struct ccp_untar *untar, const struct ccp_input *input, size_t len, struct ccp_err *err)
{
	if (untar->piece_in != input->bytes_in) {
		untar->piece_in = input->bytes_in;
		atomic_store(&untar->stored, input->bytes_in);
		untar->before_piece = untar->taken;
	}
	untar->taken += len;
	if (!untar->options->extract || untar->options->max_bytes > 0 || untar->taken <= CCP_UNTAR_GUARD_BYTES ||
	    untar->before_piece / CCP_UNTAR_GUARD_RATIO <= untar->piece_in)
		return 0;
	return ccp_untar_guarded(err);
}

int ccp_untar_take(void *arg, const struct ccp_input *input, const void *data, size_t len, struct ccp_err *err)
{
	struct ccp_untar *untar = arg;

	if (guard(untar, input, len, err) != 0 || (!untar->started && start(untar, err) != 0))
		return -1;
	if (ccp_pipe_write(untar->pipe, data, len) == CCP_PIPE_FAILED)
		return ccp_err_set(err, CCP_E_CANCELLED, "interrupted");
	return 0;
}

int ccp_untar_end(struct ccp_untar *untar, bool failed, struct ccp_err *err)
{
	ccp_pipe_end(untar->pipe, failed ? CCP_PIPE_FAILED : CCP_PIPE_ENDED);
	if (untar->started)
		pthread_join(untar->thread, NULL);
	else
		run(untar); /* not a byte has come */
	untar->started = false;
	if (untar->err.code == CCP_OK || untar->cut)
		return 0;
	*err = untar->err;
	return -1;
}
