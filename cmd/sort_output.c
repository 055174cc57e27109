/*
 * sort_output.c: sort -o.
 *
 * The file may be one of the inputs, which have all been read by then. It is written to a temporary beside it, which
 * takes over the name and the permissions.
 */
#include "cmd/sort_output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pipeline/output.h"
#include "pipeline/target.h"
#include "pipeline/temp.h"

int ccp_sort_output_open(struct ccp_sort_output *output, const char *name, struct ccp_err *err)
{
	struct stat st;
	bool exists;

	*output = (struct ccp_sort_output){ .name = name, .fd = -1 };
	if (name == NULL) {
		output->name = "standard output";
		output->fd = STDOUT_FILENO;
		return 0;
	}
	exists = stat(name, &st) == 0;
	if (exists && S_ISDIR(st.st_mode))
		return ccp_err_sys(err, EISDIR, "%s", name);
	if (exists && (!S_ISREG(st.st_mode) || ccp_target_is_descriptor(name))) {
		int flags = O_WRONLY | O_NOCTTY | O_CLOEXEC | (S_ISREG(st.st_mode) ? O_APPEND : 0);

		output->fd = open(name, flags);
		return output->fd >= 0 ? 0 : ccp_err_sys(err, errno, "%s", name);
	}
	if (exists && access(name, W_OK) != 0)
		return ccp_err_sys(err, errno, "%s", name);
	output->mode = exists ? st.st_mode & 07777 : ccp_output_mode();
	if (exists ? realpath(name, output->path) == NULL : strlen(name) >= sizeof output->path)
		return ccp_err_sys(err, exists ? errno : ENAMETOOLONG, "%s", name);
	if (!exists)
		strcpy(output->path, name);
	if (ccp_temp_open(&output->temp, output->path, err) != 0)
		return -1;
	output->fd = output->temp->fd;
	return 0;
}

int ccp_sort_output_take(void *arg, const void *data, size_t len, struct ccp_err *err)
{
	const struct ccp_sort_output *output = arg;

	return ccp_output_write(output->fd, output->name, data, len, err);
}

int ccp_sort_output_close(struct ccp_sort_output *output, bool keep, bool sync, struct ccp_err *err)
{
	int result = 0;

	if (output->temp != NULL && !keep) {
		ccp_temp_discard(output->temp);
		return 0;
	}
	if (output->temp != NULL) {
		if (fchmod(output->fd, output->mode) == 0)
			return ccp_temp_commit(output->temp, true, sync, err);
		ccp_err_sys(err, errno, "permissions of %s", output->name);
		ccp_temp_discard(output->temp);
		return -1;
	}
	if (keep && sync)
		result = ccp_output_sync(output->fd, output->name, err);
	if (output->fd > STDERR_FILENO && close(output->fd) != 0 && errno != EINTR && keep && result == 0)
		result = ccp_err_sys(err, errno, "closing %s", output->name);
	return result;
}
