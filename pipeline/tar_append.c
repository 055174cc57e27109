/*
 * tar_append.c: see tar_append.h.
 *
 * The length of a header does not depend on the member's size, since sizes of 8 GiB and more stand in their field in
 * binary: so it is known when the member begins. A member that is dropped is overwritten by the next one, and what is
 * left of it at the end is cut off.
 */
#include "pipeline/tar_append.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/spool.h"
#include "pipeline/tar_layout_internal.h"

#define SPOOL_BYTES ((size_t)4 << 20)

struct ccp_tar_append {
	struct ccp_tar_append_options options;
	struct ccp_tar_layout_options layout; /* says nothing of owners */
	struct ccp_tar_owners users, groups;
	struct ccp_spool spool;  /* of a stream */
	uint64_t at;             /* end of the complete members */
	bool begun;              /* there is one that is not */
	size_t header_bytes;
	struct ccp_tar_member member; /* with the size so far */
	char name[PATH_MAX];
	uint8_t header[CCP_TAR_HEADER_MAX];
};

int ccp_tar_append_new(struct ccp_tar_append **out, const struct ccp_tar_append_options *options, struct ccp_err *err)
{
	struct ccp_tar_append *archive = calloc(1, sizeof *archive);

	if (archive == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	archive->options = *options;
	archive->spool.fd = -1;
	if (options->fd < 0 && ccp_spool_init(&archive->spool, SPOOL_BYTES, err) != 0) {
		free(archive);
		return -1;
	}
	*out = archive;
	return 0;
}

void ccp_tar_append_free(struct ccp_tar_append *archive)
{
	if (archive == NULL)
		return;
	ccp_spool_release(&archive->spool);
	free(archive->users.list);
	free(archive->groups.list);
	free(archive);
}

/* Writes at a place of the file. */
static int put_at(const struct ccp_tar_append *archive, const void *data, size_t len, uint64_t at, struct ccp_err *err)
{
	const char *from = data;

	while (len > 0) {
		ssize_t n = pwrite(archive->options.fd, from, len, (off_t)at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return ccp_err_sys(err, n == 0 ? ENOSPC : errno, "writing %s", archive->options.name);
		from += n;
		len -= (size_t)n;
		at += (uint64_t)n;
	}
	return 0;
}

int ccp_tar_append_begin(struct ccp_tar_append *archive, const char *name, const struct stat *st, struct ccp_err *err)
{
	uint32_t user, group;

	assert(!archive->begun);
	if (strlen(name) >= sizeof archive->name)
		return ccp_err_set(err, CCP_E_NAME, "the member's name is too long");
	if (ccp_tar_number_owner(&archive->layout, &archive->users, false, st->st_uid, &user, err) != 0 ||
	    ccp_tar_number_owner(&archive->layout, &archive->groups, true, st->st_gid, &group, err) != 0)
		return -1;
	archive->member = (struct ccp_tar_member){
		.name = strcpy(archive->name, name),
		.link = "",
		.owner = archive->users.list[user].name,
		.group = archive->groups.list[group].name,
		.mtime = st->st_mtim.tv_sec,
		.mtime_nsec = (uint32_t)st->st_mtim.tv_nsec,
		.uid = st->st_uid,
		.gid = st->st_gid,
		.mode = st->st_mode & 07777,
		.binary_size = true,
		.type = '0',
	};
	archive->header_bytes = ccp_tar_header_bytes(&archive->member);
	archive->begun = true;
	return 0;
}

int ccp_tar_append_write(struct ccp_tar_append *archive, const void *data, size_t len, struct ccp_err *err)
{
	uint64_t at = archive->at + archive->header_bytes + archive->member.size;

	assert(archive->begun);
	if ((archive->options.fd < 0 ? ccp_spool_write(&archive->spool, data, len, err)
				     : put_at(archive, data, len, at, err)) != 0)
		return -1;
	archive->member.size += len;
	return 0;
}

int ccp_tar_append_finish(struct ccp_tar_append *archive, struct ccp_err *err)
{
	static const uint8_t zeros[CCP_TAR_BLOCK];
	const struct ccp_tar_append_options *o = &archive->options;
	uint64_t size = archive->member.size, data = archive->at + archive->header_bytes;
	size_t pad = (size_t)(ccp_tar_whole_blocks(size) - size);
	size_t bytes = ccp_tar_header_put(&archive->member, archive->header);

	assert(archive->begun && bytes == archive->header_bytes);
	archive->begun = false;
	if (o->fd >= 0) {
		if (put_at(archive, zeros, pad, data + size, err) != 0 ||
		    put_at(archive, archive->header, bytes, archive->at, err) != 0)
			return -1;
	} else {
		if (o->put(o->arg, archive->header, bytes, err) != 0 ||
		    ccp_spool_send(&archive->spool, o->put, o->arg, err) != 0 ||
		    (pad > 0 && o->put(o->arg, zeros, pad, err) != 0))
			return -1;
		ccp_spool_clear(&archive->spool);
	}
	archive->at = data + size + pad;
	return 0;
}

void ccp_tar_append_drop(struct ccp_tar_append *archive)
{
	archive->begun = false;
	if (archive->options.fd < 0)
		ccp_spool_clear(&archive->spool);
}

int ccp_tar_append_end(struct ccp_tar_append *archive, struct ccp_err *err)
{
	static const uint8_t zeros[CCP_TAR_RECORD + 2 * CCP_TAR_BLOCK];
	const struct ccp_tar_append_options *o = &archive->options;
	uint64_t end = ccp_tar_whole_records(archive->at);
	size_t len = (size_t)(end - archive->at);

	assert(!archive->begun);
	if (o->fd < 0)
		return o->put(o->arg, zeros, len, err);
	if (put_at(archive, zeros, len, archive->at, err) != 0)
		return -1;
	if (ftruncate(o->fd, (off_t)end) != 0)
		return ccp_err_sys(err, errno, "writing %s", o->name);
	return 0;
}
