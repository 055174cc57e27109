/*
 * tar_layout_read.c: the bytes of the archive that come from no file, and what is noted while it is read.
 *
 * What lies at an offset is found by bisection; from there on members follow one another. A note is a few bits and an
 * errno, in memory that worker processes share.
 */
#include <assert.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "pipeline/tar_layout_internal.h"

#define NOTE_BITS 3

void ccp_tar_describe(const struct ccp_tar_layout *layout, const struct ccp_tar_place *member,
		      struct ccp_tar_member *to)
{
	const struct ccp_tar_owner *user = &layout->users.list[member->owner];
	const struct ccp_tar_owner *group = &layout->groups.list[member->group];
	bool link = member->type == '1' || member->type == '2', device = member->type == '3' || member->type == '4';

	*to = (struct ccp_tar_member){
		.name = ccp_tar_name_of(layout, member),
		.link = link ? layout->text + member->link : "",
		.owner = user->name,
		.group = group->name,
		.size = member->size,
		.mtime = layout->options.has_mtime ? layout->options.mtime : member->mtime,
		.mtime_nsec = layout->options.has_mtime ? 0 : member->mtime_nsec,
		.uid = user->id,
		.gid = group->id,
		.major = device ? major(member->rdev) : 0,
		.minor = device ? minor(member->rdev) : 0,
		.mode = member->mode,
		.type = member->type,
	};
}

/* The last member that begins at `at` or before it; there is one. */
static size_t find(const struct ccp_tar_layout *layout, uint64_t at)
{
	size_t low = 0, high = layout->count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (layout->member[middle].at <= at)
			low = middle;
		else
			high = middle;
	}
	return low;
}

static size_t least(uint64_t a, size_t b)
{
	return a < b ? (size_t)a : b;
}

/* Writes what belongs to the header from `at` of it on. Returns how many bytes. */
static size_t fill_header(const struct ccp_tar_layout *layout, const struct ccp_tar_place *member, uint64_t at,
			  uint8_t *to, size_t room)
{
	uint8_t bytes[CCP_TAR_HEADER_MAX];
	struct ccp_tar_member header;

	ccp_tar_describe(layout, member, &header);

	size_t len = ccp_tar_header_put(&header, bytes), n = least(len - at, room);

	assert(len == member->blocks * (size_t)CCP_TAR_BLOCK);
	memcpy(to, bytes + at, n);
	return n;
}

size_t ccp_tar_layout_fill(const struct ccp_tar_layout *layout, uint64_t at, uint8_t *to, size_t room,
			   struct ccp_tar_data *data)
{
	size_t done = 0, i = layout->count > 0 ? find(layout, at) : 0;

	data->len = 0;
	for (; done < room && i < layout->count; i++) {
		const struct ccp_tar_place *member = &layout->member[i];
		uint64_t begin = member->at + member->blocks * (uint64_t)CCP_TAR_BLOCK, end = begin + member->size;
		uint64_t next = begin + ccp_tar_whole_blocks(member->size);

		if (at + done < begin)
			done += fill_header(layout, member, at + done - member->at, to + done, room - done);
		if (done < room && at + done < end) {
			*data = (struct ccp_tar_data){
				.member = i,
				.path = layout->text + member->path,
				.offset = at + done - begin,
				.len = least(end - at - done, room - done),
			};
			return done;
		}
		if (done < room && at + done < next) {
			size_t n = least(next - at - done, room - done);

			memset(to + done, 0, n);
			done += n;
		}
	}
	memset(to + done, 0, room - done);
	return room;
}

bool ccp_tar_layout_is(const struct ccp_tar_layout *layout, size_t member, const struct stat *st)
{
	const struct ccp_tar_place *m = &layout->member[member];

	return S_ISREG(st->st_mode) && st->st_dev == m->dev && st->st_ino == m->ino;
}

bool ccp_tar_layout_same(const struct ccp_tar_layout *layout, size_t member, const struct stat *st)
{
	const struct ccp_tar_place *m = &layout->member[member];

	return ccp_tar_layout_is(layout, member, st) && (uint64_t)st->st_size == m->size &&
	       st->st_mtim.tv_sec == m->mtime && st->st_mtim.tv_nsec == (long)m->mtime_nsec;
}

/* ---- notes ------------------------------------------------------------------------------------------------------- */

void ccp_tar_layout_note(const struct ccp_tar_layout *layout, size_t member, unsigned what, int sys)
{
	_Atomic uint16_t *note = &layout->notes[member];
	uint16_t now = atomic_load(note), wanted;

	do {
		wanted = (uint16_t)(now | what);
		if (wanted >> NOTE_BITS == 0)
			wanted |= (uint16_t)((unsigned)sys << NOTE_BITS);
	} while (!atomic_compare_exchange_weak(note, &now, wanted));
}

unsigned ccp_tar_layout_noted(const struct ccp_tar_layout *layout, size_t member, int *sys)
{
	unsigned note = atomic_load(&layout->notes[member]);

	*sys = (int)(note >> NOTE_BITS);
	return note & ((1u << NOTE_BITS) - 1);
}
