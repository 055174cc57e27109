/*
 * target.c: names of outputs, by the rules of GNU gzip 1.12.
 *
 * A suffix counts only if something stands before it in the base name, and case does not matter. The user's suffix is
 * tried first, unless it is the tail of a known one ("gz" of ".gz"): then it is tried last, so that "a.gz" becomes "a"
 * and not "a.". A name is never shortened to make it fit.
 */
#include "pipeline/target.h"
#include "pipeline/claims.h"
#include "pipeline/net/url.h"
#include "pipeline/output.h"
#include "pipeline/source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_SUFFIX ".gz"

static const char *const known_suffixes[] = { ".gz", ".z", ".taz", ".tgz", "-gz", "-z", "_z" };
#define KNOWN_SUFFIXES (sizeof known_suffixes / sizeof known_suffixes[0])

/* The end of `name` if it is `suffix`, whatever the case, with something before it; else NULL. */
static const char *match_suffix(const char *name, const char *suffix)
{
	size_t name_len = strlen(name), suffix_len = strlen(suffix);

	if (suffix_len == 0 || name_len <= suffix_len)
		return NULL;
	name += name_len - suffix_len;
	return strcasecmp(name, suffix) == 0 ? name : NULL;
}

/* The suffix that a base name ends in, or NULL. */
static const char *find_suffix(const char *name, const char *user)
{
	bool tail_of_known = false;
	const char *found = NULL;

	for (size_t i = 0; i < KNOWN_SUFFIXES; i++)
		tail_of_known |= match_suffix(known_suffixes[i], user) != NULL;
	if (!tail_of_known)
		found = match_suffix(name, user);
	for (size_t i = 0; found == NULL && i < KNOWN_SUFFIXES; i++)
		found = match_suffix(name, known_suffixes[i]);
	if (found == NULL)
		found = match_suffix(name, user);
	return found;
}

/* Puts the target's base name into `name`, which has room for PATH_MAX. */
static int make_base(const struct ccp_sink_options *options, const char *base, char *name, struct ccp_err *err)
{
	const char *suffix = options->suffix != NULL ? options->suffix : DEFAULT_SUFFIX;
	const char *found;

	/* an empty one once made gunzip take the source for its own target ("null-suffix-clobber") */
	if (suffix[0] == '\0' || strchr(suffix, '/') != NULL)
		return ccp_err_set(err, CCP_E_NAME, "invalid suffix '%s'", suffix);
	found = find_suffix(base, suffix);
	if (options->naming == CCP_NAME_ADD_SUFFIX) {
		if (found != NULL && !options->force_suffix)
			return ccp_err_set(err, CCP_W_HAS_SUFFIX, "already has %s suffix", found);
		if (snprintf(name, PATH_MAX, "%s%s", base, suffix) >= PATH_MAX)
			return ccp_err_set(err, CCP_E_NAME, "target name is too long");
		return 0;
	}
	if (found == NULL)
		return ccp_err_set(err, CCP_W_NO_SUFFIX, "unknown suffix");
	bool tar = strcasecmp(found, ".tgz") == 0 || strcasecmp(found, ".taz") == 0;
	snprintf(name, PATH_MAX, "%.*s%s", (int)(found - base), base, tar ? ".tar" : "");
	return 0;
}

/* Replaces the base name by the one that was stored in the compressed file. */
static void restore_base(const struct ccp_input *input, char *name)
{
	const char *stored = strrchr(input->found.name, '/');

	stored = stored != NULL ? stored + 1 : input->found.name;
	/* the header is the sender's: a name that could lead elsewhere counts as none */
	if (stored[0] != '\0' && strcmp(stored, ".") != 0 && strcmp(stored, "..") != 0)
		snprintf(name, PATH_MAX, "%s", stored);
}

/*
 * Puts DIR/ and the folders of the input into `folder` (PATH_MAX), ending in '/'. Below an output directory a path is
 * taken without its leading "/" and its "." components, so that it stays below; ".." would lead out again.
 */
static int mirror_folder(const char *dir, const char *path, size_t path_len, char *folder, struct ccp_err *err)
{
	size_t len = strlen(dir);

	if (len == 0)
		return ccp_err_set(err, CCP_E_NAME, "the output directory has no name");
	if (len + 1 >= PATH_MAX)
		return ccp_err_set(err, CCP_E_NAME, "target path is too long");
	memcpy(folder, dir, len);
	if (folder[len - 1] != '/')
		folder[len++] = '/';
	for (const char *end = path + path_len; path < end;) {
		size_t n = strcspn(path, "/");

		if (n == 2 && path[0] == '.' && path[1] == '.')
			return ccp_err_set(err, CCP_E_NAME, "a path with '..' has no place in the output directory");
		if (n > 0 && !(n == 1 && path[0] == '.')) {
			if (len + n + 1 >= PATH_MAX)
				return ccp_err_set(err, CCP_E_NAME, "target path is too long");
			memcpy(folder + len, path, n);
			len += n;
			folder[len++] = '/';
		}
		path += n + 1;
	}
	folder[len] = '\0';
	return 0;
}

int ccp_target_name(const struct ccp_sink_options *options, const struct ccp_input *input, char *target,
		    struct ccp_err *err)
{
	char folder[PATH_MAX], name[PATH_MAX], remote[NAME_MAX + 1];
	bool is_remote = input->source != NULL && (input->source->flags & CCP_SOURCE_REMOTE);
	const char *slash = strrchr(input->path, '/');
	const char *base = slash != NULL ? slash + 1 : input->path;
	size_t folder_len = (size_t)(base - input->path);

	if (options->output != NULL) {
		if (snprintf(target, PATH_MAX, "%s", options->output) >= PATH_MAX)
			return ccp_err_set(err, CCP_E_NAME, "target path is too long");
		return 0;
	}
	if (input->is_stdin)
		return ccp_err_set(err, CCP_E_NAME, "standard input has no name to make a target's from");
	if (is_remote) {
		if (options->output_dir == NULL)
			return ccp_err_set(err, CCP_E_NAME, "where to write? -c, -o or --output-dir says it");
		if (ccp_url_name(input->path, remote, sizeof remote) != 0)
			return ccp_err_set(err, CCP_E_NAME, "target name is too long");
		base = remote;
		folder_len = 0;
	}
	if (base[0] == '\0' || strcmp(base, ".") == 0 || strcmp(base, "..") == 0)
		return ccp_err_set(err, CCP_E_NAME, "no name to make a target's from");
	if (make_base(options, base, name, err) != 0)
		return -1;
	if (options->restore_name)
		restore_base(input, name);
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return ccp_err_set(err, CCP_E_NAME, "the target's name would be '%s'", name);
	if (strlen(name) > NAME_MAX)
		return ccp_err_set(err, CCP_E_NAME, "target name is too long");
	if (options->output_dir != NULL) {
		if (mirror_folder(options->output_dir, input->path, folder_len, folder, err) != 0)
			return -1;
	} else {
		memcpy(folder, input->path, folder_len);
		folder[folder_len] = '\0';
	}
	if (snprintf(target, PATH_MAX, "%s%s", folder, name) >= PATH_MAX)
		return ccp_err_set(err, CCP_E_NAME, "target path is too long");
	if (strcmp(target, input->path) == 0)
		return ccp_err_set(err, CCP_E_NAME, "the target would be the source itself");
	return 0;
}

int ccp_target_check(const struct ccp_sink_options *options, const struct ccp_input *input, const char *target,
		     struct ccp_err *err)
{
	struct stat st;

	if (lstat(target, &st) != 0) {
		if (errno == ENOENT)
			return 0;
		if (errno == ENAMETOOLONG)
			return ccp_err_set(err, CCP_E_NAME, "target name is too long");
		return ccp_err_sys(err, errno, "%s", target);
	}
	/* another hard link of the source too: replacing it is harmless, but hardly what was meant */
	if (input->has_meta && st.st_dev == input->meta.st_dev && st.st_ino == input->meta.st_ino)
		return ccp_err_set(err, CCP_E_OTHER, "%s is the same file as the source", target);
	if (!options->force)
		return ccp_err_set(err, CCP_W_EXISTS, "%s already exists; not overwritten", target);
	if (S_ISDIR(st.st_mode))
		return ccp_err_sys(err, EISDIR, "%s", target);
	return 0;
}

int ccp_target_open_folder(const char *path, struct ccp_err *err)
{
	const char *slash = strrchr(path, '/');
	char folder[PATH_MAX] = ".";

	/* the '/' stays, so that "/a" gives "/" */
	if (slash != NULL && snprintf(folder, sizeof folder, "%.*s", (int)(slash - path + 1), path) >= PATH_MAX)
		return ccp_err_set(err, CCP_E_NAME, "target path is too long");
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : ccp_err_sys(err, errno, "opening the directory %s", folder);
}

static int sync_folder(const char *path, struct ccp_err *err)
{
	int fd = ccp_target_open_folder(path, err);

	if (fd < 0)
		return -1;
	int result = ccp_output_sync(fd, "the directory", err);
	close(fd);
	return result;
}

int ccp_target_parents(const char *target, bool sync, struct ccp_err *err)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof path, "%s", target) >= (int)sizeof path)
		return ccp_err_set(err, CCP_E_NAME, "target path is too long");
	for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, 0777) == 0) {
			if (sync && sync_folder(path, err) != 0)
				return -1;
		} else if (errno != EEXIST) {
			int cause = errno; /* EROFS or EACCES may stand for a folder that exists */
			struct stat st;

			if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode))
				return ccp_err_sys(err, cause, "cannot make the directory %s", path);
		}
		*slash = '/';
	}
	return 0;
}

uint64_t ccp_target_key(const struct ccp_sink_options *options, const struct ccp_input *input)
{
	char target[PATH_MAX];
	struct ccp_err err;

	if (ccp_target_name(options, input, target, &err) != 0)
		return 0;
	if (options->restore_name) { /* any name of the folder */
		char *slash = strrchr(target, '/');

		strcpy(slash != NULL ? slash : target, "/");
	}
	return ccp_path_key(target);
}

bool ccp_target_is_descriptor(const char *path)
{
	struct stat st;

	return (strncmp(path, "/dev/", 5) == 0 || strncmp(path, "/proc/", 6) == 0) && lstat(path, &st) == 0 &&
	       S_ISLNK(st.st_mode);
}

int ccp_target_cut_url(char *name, struct ccp_err *err)
{
	char base[NAME_MAX + 1], *bang = strchr(name, '!');
	size_t len;

	if (bang == NULL || ccp_url_kind(name) <= CCP_URL_FILE)
		return 0;
	*bang = '\0';
	if (ccp_url_name(name, base, sizeof base) != 0)
		return ccp_err_set(err, CCP_E_NAME, "the member's name is too long");
	*bang = '!';
	len = strlen(base);
	if (len + strlen(bang) >= PATH_MAX)
		return ccp_err_set(err, CCP_E_NAME, "the member's name is too long");
	memmove(name + len, bang, strlen(bang) + 1);
	memcpy(name, base, len);
	return 0;
}
