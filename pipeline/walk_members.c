/*
 * walk_members.c: a name that is an archive becomes its members. What it is, and which members it has, is known when
 * the reader of archives says it; the walk asks, and waits as for a slow list.
 */
#include <errno.h>
#include <poll.h>

#include "pipeline/archive/archive.h"
#include "pipeline/walk_internal.h"

bool ccp_walk_may_be_archive(const struct ccp_walk_entry *entry)
{
	struct stat st = entry->st;

	if (entry->err.code != CCP_OK)
		return false;
	if (entry->is_stdin || entry->is_url)
		return true;
	if (!entry->has_stat || (S_ISLNK(st.st_mode) && stat(entry->path, &st) != 0))
		return false;
	return S_ISREG(st.st_mode) ? st.st_size > 0 : !S_ISDIR(st.st_mode);
}

int ccp_walk_ask(struct ccp_archive *archive, struct ccp_walk_entry *entry)
{
	enum ccp_archive_source source = entry->is_stdin ? CCP_ARCHIVE_STDIN :
					 entry->is_url ? CCP_ARCHIVE_URL : CCP_ARCHIVE_PATH;

	return ccp_archive_open(archive, entry->path, source, &entry->err);
}

/* Waits until the archive has something to say. Returns false if the run was cancelled. */
static bool wait_for(const struct ccp_archive *archive, int cancel_fd)
{
	struct pollfd polls[2] = {
		{ .fd = ccp_archive_fd(archive), .events = POLLIN },
		{ .fd = cancel_fd, .events = POLLIN },
	};

	while (poll(polls, 2, -1) < 0)
		continue;
	return polls[1].revents == 0;
}

int ccp_walk_member(struct ccp_archive *archive, bool patient, int cancel_fd, const struct ccp_walk_entry *asked,
		    struct ccp_walk_entry *entry)
{
	struct ccp_archive_found found;

	while (ccp_archive_next(archive, &found) == 0) {
		if (!patient)
			return CCP_WALK_WAITS;
		if (!wait_for(archive, cancel_fd))
			return CCP_WALK_ERROR;
	}
	if (found.word == CCP_ARCHIVE_PLAIN || found.word == CCP_ARCHIVE_END)
		return found.word == CCP_ARCHIVE_PLAIN ? CCP_WALK_NONE : CCP_WALK_END;
	*entry = (struct ccp_walk_entry){
		.path = found.path,
		.is_stdin = asked->is_stdin && found.itself,
		.is_member = found.word == CCP_ARCHIVE_MEMBER,
		.err = found.err,
	};
	if (found.path == NULL)
		entry->path = asked->path;
	return CCP_WALK_NAME;
}
