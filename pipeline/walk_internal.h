/*
 * walk_internal.h: what walk.c has others do: the list of names (walk_list.c), and archives (walk_members.c).
 */
#ifndef CCP_PIPELINE_WALK_INTERNAL_H
#define CCP_PIPELINE_WALK_INTERNAL_H

#include "pipeline/walk.h"

struct ccp_archive;

#define CCP_WALK_LIST_BYTES 65536 /* a pipe's capacity */

/* A list of names. Threads: the walk's caller. */
struct ccp_walk_list {
	int fd;                 /* -1 = none, or at its end */
	bool own;               /* fd is to be closed */
	bool slow;              /* its writer may let us wait: a pipe, a terminal */
	bool at_end;
	char separator;
	size_t start, end;      /* what is not used of data */
	char data[CCP_WALK_LIST_BYTES];
};

/* What a list or an archive may answer, beside a name. */
enum { CCP_WALK_NAME = 1, CCP_WALK_NONE = 0, CCP_WALK_END = -1, CCP_WALK_WAITS = -2, CCP_WALK_ERROR = -3 };

/* Opens the list that the options name, if any. Errors: -1 with `err`. */
int ccp_walk_list_open(struct ccp_walk_list *list, const struct ccp_walk_options *options, struct ccp_err *err);
void ccp_walk_list_close(struct ccp_walk_list *list);

/*
 * The next name of a list that is open. Returns CCP_WALK_NAME; END, also if the run was cancelled; WAITS if it would
 * have to wait, and is not `patient`; ERROR with errno: nothing more can be read. Memory: *name is part of the list,
 * until the next call; it is not ended.
 */
int ccp_walk_list_next(struct ccp_walk_list *list, bool patient, int cancel_fd, const char **name, size_t *len);

/* Whether a name that was found is to be looked at for an archive. */
bool ccp_walk_may_be_archive(const struct ccp_walk_entry *entry);

/* Begins to look at it; ccp_walk_member tells what it is. Errors: -1 with entry->err. */
int ccp_walk_ask(struct ccp_archive *archive, struct ccp_walk_entry *entry);

/*
 * What comes of the name `asked`. Returns CCP_WALK_NAME with `entry`; NONE when it is no archive: the name itself is
 * the input; END when there are no more members; WAITS as above; ERROR if the run was cancelled.
 */
int ccp_walk_member(struct ccp_archive *archive, bool patient, int cancel_fd, const struct ccp_walk_entry *asked,
		    struct ccp_walk_entry *entry);

#endif
