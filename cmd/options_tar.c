/*
 * options_tar.c: what the options of tar do.
 *
 * A time is "@SECONDS", a date with or without a time of day ("2024-02-29", "2024-02-29 12:30:00", also with a T
 * between, and with Z, UTC or an offset behind it), or the name of a file whose time is taken, which begins with a
 * slash or a dot.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cmd/options_internal.h"

int ccp_option_tar_mode(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	(void)value;
	if (s->tar.mode != 0 && s->tar.mode != option->value) {
		ccp_usage_error(s, "-c, -t and -x exclude each other");
		return -1;
	}
	s->tar.mode = option->value;
	return 0;
}

int ccp_option_tar_dir(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	if (s->tar.dir != NULL || value[0] == '\0') {
		ccp_usage_error(s, "--%s: one directory is wanted", option->name);
		return -1;
	}
	s->tar.dir = value;
	return 0;
}

int ccp_option_tar_sort(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	if (strcmp(value, "name") == 0)
		return 0;
	ccp_usage_error(s, "--%s: '%s' is not name, the only order there is", option->name, value);
	return -1;
}

/* A number of at most 32 bits that is all of `text`. */
static bool is_id(const char *text, uint32_t *id)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	errno = 0;

	unsigned long long number = strtoull(text, &end, 10);

	*id = (uint32_t)number;
	return *end == '\0' && errno == 0 && number <= UINT32_MAX;
}

/* The number of a user or, if the option is --group, of a group. */
static bool find_id(bool group, const char *name, uint32_t *id)
{
	const struct group *gr = group ? getgrnam(name) : NULL;
	const struct passwd *pw = group ? NULL : getpwnam(name);

	if (gr != NULL)
		*id = gr->gr_gid;
	if (pw != NULL)
		*id = pw->pw_uid;
	return gr != NULL || pw != NULL;
}

/* NAME, NAME:ID or ID, as GNU tar has it. */
int ccp_option_tar_owner(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	struct ccp_tar_owner *owner = option->value == 'g' ? &s->tar.group : &s->tar.owner;
	const char *colon = strrchr(value, ':');
	size_t len = colon != NULL ? (size_t)(colon - value) : strlen(value);

	*owner = (struct ccp_tar_owner){ .said = true };
	if (colon == NULL && is_id(value, &owner->id))
		return 0;
	if (len < sizeof owner->name) {
		memcpy(owner->name, value, len);
		owner->named = true;
		if (colon != NULL ? is_id(colon + 1, &owner->id)
				  : find_id(option->value == 'g', owner->name, &owner->id))
			return 0;
	}
	ccp_usage_error(s, "--%s: '%s' is no number, no NAME:NUMBER with a name of at most %zu bytes, and no %s here",
			option->name, value, sizeof owner->name - 1, option->value == 'g' ? "group" : "user");
	return -1;
}

/* What follows the time of day: nothing, Z, UTC, GMT, or +HH:MM. Sets `utc`, and the seconds east of it. */
static bool parse_zone(const char *text, bool *utc, long *east)
{
	int hours, minutes = 0, end = 0;

	*east = 0;
	*utc = true;
	text += strspn(text, " ");
	if (strcmp(text, "Z") == 0 || strcmp(text, "UTC") == 0 || strcmp(text, "GMT") == 0)
		return true;
	if (text[0] == '+' || text[0] == '-') {
		if ((sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &end) != 2 || text[1 + end] != '\0') &&
		    (sscanf(text + 1, "%2d%2d%n", &hours, &minutes, &end) != 2 || text[1 + end] != '\0'))
			return false;
		*east = (text[0] == '-' ? -1L : 1L) * (hours * 3600L + minutes * 60L);
		return true;
	}
	*utc = false;
	return *text == '\0';
}

static bool parse_date(const char *text, int64_t *seconds)
{
	struct tm tm = { .tm_isdst = -1 };
	const char *rest = strptime(text, "%Y-%m-%d", &tm);
	int day = tm.tm_mday, month = tm.tm_mon;
	bool utc;
	long east;

	if (rest == NULL)
		return false;
	if ((rest[0] == 'T' || rest[0] == ' ') && rest[1] >= '0' && rest[1] <= '9') {
		const char *time = rest + 1;

		rest = strptime(time, "%H:%M:%S", &tm);
		if (rest == NULL)
			rest = strptime(time, "%H:%M", &tm);
	}
	if (rest == NULL || !parse_zone(rest, &utc, &east))
		return false;
	*seconds = (utc ? timegm(&tm) : mktime(&tm)) - east;
	return tm.tm_mday == day && tm.tm_mon == month; /* no 31st of February */
}

int ccp_option_tar_mtime(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	struct stat st;
	char *end;

	s->tar.has_mtime = true;
	if (value[0] == '@') {
		errno = 0;

		long long number = strtoll(value + 1, &end, 10);

		s->tar.mtime = number;
		if (value[1] != '\0' && value[1] != ' ' && *end == '\0' && errno == 0)
			return 0;
	} else if (value[0] == '/' || value[0] == '.') {
		if (stat(value, &st) == 0) {
			s->tar.mtime = st.st_mtim.tv_sec;
			return 0;
		}
		fprintf(stderr, "%s: --%s: %s: %s\n", s->program, option->name, value, strerrordesc_np(errno));
		return -1;
	} else if (parse_date(value, &s->tar.mtime)) {
		return 0;
	}
	ccp_usage_error(s, "--%s: '%s' is not @SECONDS, a date like 2024-02-29 or '2024-02-29 12:30:00 UTC', or a "
			"file with a slash or a dot at its beginning", option->name, value);
	return -1;
}

int ccp_option_tar_size(struct ccp_settings *s, const struct ccp_option *option, const char *value)
{
	if (ccp_size_parse(value, &s->tar.max_size) == 0 && s->tar.max_size > 0)
		return 0;
	ccp_usage_error(s, "--%s: '%s' is not a size like 500M or 20G", option->name, value);
	return -1;
}
