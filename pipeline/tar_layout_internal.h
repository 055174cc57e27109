/*
 * tar_layout_internal.h: what the parts of the layout share: tar_layout.c adds members, tar_layout_lists.c numbers
 * owners and finds further names of files, tar_layout_read.c makes the bytes.
 */
#ifndef CCP_PIPELINE_TAR_LAYOUT_INTERNAL_H
#define CCP_PIPELINE_TAR_LAYOUT_INTERNAL_H

#include <stdatomic.h>
#include <sys/types.h>

#include "pipeline/tar_layout.h"

#define CCP_TAR_RECORD 10240u

/* A member. */
struct ccp_tar_place {
	uint64_t at;             /* of its header, in the archive */
	uint64_t size;           /* bytes of data that follow the header */
	uint64_t path;           /* in the layout's text */
	union {
		uint64_t link;   /* in the text */
		uint64_t rdev;
		uint64_t ino;    /* of a file with data */
	};
	uint64_t dev;
	int64_t mtime;           /* the file's own */
	uint32_t mtime_nsec;
	uint32_t owner, group;   /* numbers in the layout's lists */
	uint16_t mode;
	uint16_t name;           /* of the path's bytes these are not stored */
	char type;               /* tar_header.h */
	uint8_t blocks;          /* of the header */
};

/* Users or groups that were met, with their names. */
struct ccp_tar_owners {
	struct ccp_tar_owner *list;
	size_t count, room;
	size_t last;             /* the one that was asked for last */
};

/* A file with several names, and the first of them. */
struct ccp_tar_linked {
	dev_t dev;
	ino_t ino;
	size_t member;           /* and one; 0 = this place is free */
};

struct ccp_tar_layout {
	struct ccp_tar_layout_options options;
	struct ccp_tar_place *member;
	size_t count, room;
	char *text;
	size_t text_len, text_room;
	struct ccp_tar_owners users, groups;
	struct ccp_tar_linked *linked; /* open addressing, at most half full */
	size_t linked_count, linked_room;
	uint64_t bytes;
	_Atomic uint16_t *notes; /* one for each member: bits, and an errno above them */
};

static inline const char *ccp_tar_name_of(const struct ccp_tar_layout *layout, const struct ccp_tar_place *member)
{
	return layout->text + member->path + member->name;
}

static inline uint64_t ccp_tar_whole_blocks(uint64_t bytes)
{
	return (bytes + CCP_TAR_BLOCK - 1) / CCP_TAR_BLOCK * CCP_TAR_BLOCK;
}

/* The length of an archive whose members take `bytes`: with two blocks of zeros, in records as those of tar(1). */
static inline uint64_t ccp_tar_whole_records(uint64_t bytes)
{
	return (bytes + 2 * CCP_TAR_BLOCK + CCP_TAR_RECORD - 1) / CCP_TAR_RECORD * CCP_TAR_RECORD;
}

/* The member as its header has it. */
void ccp_tar_describe(const struct ccp_tar_layout *layout, const struct ccp_tar_place *member,
		      struct ccp_tar_member *to);

/*
 * Makes room for `more` elements of `each` bytes in a list; `list` is the address of the pointer to it.
 * Errors: -1 with CCP_E_NO_MEMORY.
 */
int ccp_tar_grow(void *list, size_t *room, size_t count, size_t more, size_t each, struct ccp_err *err);

/* The number of a user or group in its list, where it is entered if need be. Errors: -1 with CCP_E_NO_MEMORY. */
int ccp_tar_number_owner(const struct ccp_tar_layout_options *options, struct ccp_tar_owners *owners, bool group,
			 uint32_t id, uint32_t *number, struct ccp_err *err);

/*
 * If another name of the file is a member, makes this one a link to it; else remembers it. The same name once more is
 * no link to itself, which not everybody could unpack. Errors: -1 with CCP_E_NO_MEMORY.
 */
int ccp_tar_link_to_first(struct ccp_tar_layout *layout, struct ccp_tar_place *member, const struct stat *st,
			  struct ccp_err *err);

#endif
