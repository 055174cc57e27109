/*
 * async_ring.c: opening, reading and closing by io_uring: one entry for each thing wanted, all that came up in one
 * round of the loop submitted together. Where liburing or the kernel's permission is missing there is no ring, and
 * the reason for it.
 */
#include "strategies/async_ring.h"

#include <errno.h>
#include <stdlib.h>

#ifdef CCP_HAVE_LIBURING

#include <assert.h>
#include <fcntl.h>
#include <liburing.h>

#define DEPTH_MAX 1024u /* far below the kernel's own limit, and deeper than any device's queue */

struct ccp_ring {
	struct io_uring ring;
	unsigned depth;
};

static const char *reason(int error)
{
	switch (error) {
	case EPERM:
	case EACCES:
		return "io_uring: Operation not permitted; regular files are read by helper threads";
	case ENOSYS:
		return "io_uring: not in this kernel; regular files are read by helper threads";
	case ENOMEM:
		return "io_uring: Cannot allocate memory; regular files are read by helper threads";
	case EMFILE:
	case ENFILE:
		return "io_uring: Too many open files; regular files are read by helper threads";
	default:
		return "io_uring: cannot be set up; regular files are read by helper threads";
	}
}

/* Kernels before 5.6 have rings that cannot open and close. */
static bool capable(struct io_uring *ring)
{
	struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
	bool all = probe && io_uring_opcode_supported(probe, IORING_OP_OPENAT) &&
		   io_uring_opcode_supported(probe, IORING_OP_READ) &&
		   io_uring_opcode_supported(probe, IORING_OP_CLOSE);

	io_uring_free_probe(probe);
	return all;
}

int ccp_ring_new(struct ccp_ring **out, unsigned depth, const char **why)
{
	const char *forbidden = getenv("CCPIPE_NO_IO_URING");
	struct ccp_ring *ring;
	int failed;

	if (forbidden && *forbidden) {
		*why = "io_uring: switched off by CCPIPE_NO_IO_URING; regular files are read by helper threads";
		return -1;
	}
	ring = calloc(1, sizeof *ring);
	if (!ring) {
		*why = reason(ENOMEM);
		return -1;
	}
	for (ring->depth = 1; ring->depth < depth && ring->depth < DEPTH_MAX;)
		ring->depth *= 2;
	failed = -io_uring_queue_init(ring->depth, &ring->ring, 0);
	if (failed == 0 && !capable(&ring->ring)) {
		io_uring_queue_exit(&ring->ring);
		failed = ENOSYS;
	}
	if (failed != 0) {
		*why = reason(failed);
		free(ring);
		return -1;
	}
	*out = ring;
	return 0;
}

void ccp_ring_free(struct ccp_ring *ring)
{
	if (!ring)
		return;
	io_uring_queue_exit(&ring->ring);
	free(ring);
}

int ccp_ring_fd(const struct ccp_ring *ring)
{
	return ring->ring.ring_fd;
}

unsigned ccp_ring_depth(const struct ccp_ring *ring)
{
	return ring->depth;
}

void ccp_ring_want(struct ccp_ring *ring, const struct ccp_want *want, void *tag)
{
	struct io_uring_sqe *sqe = io_uring_get_sqe(&ring->ring);

	assert(sqe);
	switch (want->kind) {
	case CCP_WANT_OPEN:
		io_uring_prep_openat(sqe, AT_FDCWD, want->path, want->flags, 0);
		break;
	case CCP_WANT_READ:
		io_uring_prep_read(sqe, want->fd, want->data, (unsigned)want->len, want->offset);
		break;
	case CCP_WANT_STREAM:
		io_uring_prep_read(sqe, want->fd, want->data, (unsigned)want->len, (uint64_t)-1);
		break;
	case CCP_WANT_CLOSE:
		io_uring_prep_close(sqe, want->fd);
		break;
	case CCP_WANT_NOTHING:
		io_uring_prep_nop(sqe);
		break;
	}
	io_uring_sqe_set_data(sqe, tag);
}

bool ccp_ring_submit(struct ccp_ring *ring)
{
	if (io_uring_sq_ready(&ring->ring) > 0)
		(void)io_uring_submit(&ring->ring); /* EAGAIN, EBUSY, EINTR: what was not taken is still there */
	return io_uring_sq_ready(&ring->ring) == 0;
}

bool ccp_ring_take(struct ccp_ring *ring, void **tag, int64_t *result)
{
	struct io_uring_cqe *cqe = NULL;

	if (io_uring_peek_cqe(&ring->ring, &cqe) != 0 || !cqe)
		return false;
	*tag = io_uring_cqe_get_data(cqe);
	*result = cqe->res;
	io_uring_cqe_seen(&ring->ring, cqe);
	return true;
}

#else /* no liburing: there is never a ring, so that the rest is never called */

int ccp_ring_new(struct ccp_ring **ring, unsigned depth, const char **why)
{
	(void)ring;
	(void)depth;
	*why = "io_uring: not built in; regular files are read by helper threads";
	return -1;
}

void ccp_ring_free(struct ccp_ring *ring)
{
	(void)ring;
}

int ccp_ring_fd(const struct ccp_ring *ring)
{
	(void)ring;
	return -1;
}

unsigned ccp_ring_depth(const struct ccp_ring *ring)
{
	(void)ring;
	return 0;
}

void ccp_ring_want(struct ccp_ring *ring, const struct ccp_want *want, void *tag)
{
	(void)ring;
	(void)want;
	(void)tag;
}

bool ccp_ring_submit(struct ccp_ring *ring)
{
	(void)ring;
	return true;
}

bool ccp_ring_take(struct ccp_ring *ring, void **tag, int64_t *result)
{
	(void)ring;
	(void)tag;
	(void)result;
	return false;
}

#endif
