/*
 * tar_list.c: see tar_list.h.
 *
 * Names are escaped as GNU tar has it, so that one member is one line whatever it is called. UTF-8 stays as it is.
 */
#include "cmd/tar_list.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cmd/text.h"

#define FIRST_WIDTH 19 /* of "owner/group size", which grows with what has been seen, but never below this */

static void print_name(FILE *out, const char *name)
{
	static const char special[] = "\a\b\f\n\r\t\v\\", letters[] = "abfnrtv\\";

	for (const unsigned char *s = (const unsigned char *)name; *s != '\0';) {
		size_t len = ccp_text_utf8(s);
		const char *found = strchr(special, *s);

		if (found != NULL)
			fprintf(out, "\\%c", letters[found - special]);
		else if (len == 0 || *s < 0x20 || *s == 0x7f)
			fprintf(out, "\\%03o", *s);
		else if (len == 2 && s[0] == 0xc2 && s[1] < 0xa0) /* the other control characters */
			fprintf(out, "\\%03o\\%03o", s[0], s[1]);
		else
			fwrite(s, 1, len, out);
		s += len == 0 ? 1 : len;
	}
}

static void mode_text(const struct ccp_untar_member *member, char text[11])
{
	static const char letters[] = "rwxrwxrwx";
	mode_t mode = member->mode;

	text[0] = member->hard ? 'h' : S_ISDIR(mode) ? 'd' : S_ISLNK(mode) ? 'l' : S_ISCHR(mode) ? 'c' :
		  S_ISBLK(mode) ? 'b' : S_ISFIFO(mode) ? 'p' : '-';
	for (int i = 0; i < 9; i++)
		text[i + 1] = mode & (0400u >> i) ? letters[i] : '-';
	if (mode & S_ISUID)
		text[3] = mode & 0100 ? 's' : 'S';
	if (mode & S_ISGID)
		text[6] = mode & 0010 ? 's' : 'S';
	if (mode & S_ISVTX)
		text[9] = mode & 0001 ? 't' : 'T';
	text[10] = '\0';
}

/* A name, as it must not end the line, or the number. Shape: 64 bytes. */
static void owner_text(const char *name, int64_t number, bool numeric, char *text)
{
	bool plain = !numeric && name != NULL && name[0] != '\0' && strlen(name) < 64;

	for (const char *s = name; plain && *s != '\0'; s++)
		plain = *s > ' ' && *s < 0x7f;
	if (plain)
		strcpy(text, name);
	else
		snprintf(text, 64, "%lld", (long long)number);
}

static void print_details(FILE *out, struct ccp_tar_list *list, const struct ccp_untar_member *member)
{
	char mode[11], user[64], group[64], size[64], date[64];
	struct tm tm;
	size_t width;

	mode_text(member, mode);
	owner_text(member->user, member->uid, list->numeric_owner, user);
	owner_text(member->group, member->gid, list->numeric_owner, group);
	if (S_ISCHR(member->mode) || S_ISBLK(member->mode))
		snprintf(size, sizeof size, "%u,%u", member->major, member->minor);
	else
		snprintf(size, sizeof size, "%llu", (unsigned long long)member->size);
	if (localtime_r(&member->mtime.tv_sec, &tm) == NULL || strftime(date, sizeof date, "%Y-%m-%d %H:%M", &tm) == 0)
		snprintf(date, sizeof date, "@%lld", (long long)member->mtime.tv_sec);
	width = strlen(user) + 1 + strlen(group) + 1 + strlen(size);
	if (list->width < FIRST_WIDTH)
		list->width = FIRST_WIDTH;
	if (list->width < width)
		list->width = width;
	fprintf(out, "%s %s/%s %*s %s ", mode, user, group, (int)(list->width - width + strlen(size)), size, date);
}

void ccp_tar_list_member(FILE *out, struct ccp_tar_list *list, const struct ccp_untar_member *member)
{
	size_t len = strlen(member->name);

	if (list->details)
		print_details(out, list, member);
	print_name(out, member->name);
	if (S_ISDIR(member->mode) && (len == 0 || member->name[len - 1] != '/'))
		fputc('/', out);
	if (list->details && member->link != NULL) {
		fputs(member->hard ? " link to " : " -> ", out);
		print_name(out, member->link);
	}
	fputc('\n', out);
}
