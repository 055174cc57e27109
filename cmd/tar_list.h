/*
 * tar_list.h: a line for a member of an archive.
 */
#ifndef CCP_CMD_TAR_LIST_H
#define CCP_CMD_TAR_LIST_H

#include <stdbool.h>
#include <stdio.h>

#include "pipeline/untar.h"

struct ccp_tar_list {
	bool details;       /* mode, owner, size and time, too */
	bool numeric_owner;
	size_t width;       /* of owner and size so far; begin with 0 */
};

/* Prints the line. Source: GNU tar 1.34, `tar -t` and `tar -tv`, whose lines these are. */
void ccp_tar_list_member(FILE *out, struct ccp_tar_list *list, const struct ccp_untar_member *member);

#endif
