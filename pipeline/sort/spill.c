/*
 * spill.c: a file that never had a name, where the file system can do that; else one whose name goes at once.
 */
#include "pipeline/sort/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "pipeline/output.h"

int ccp_spill_open(struct ccp_spill *spill, const char *dir, struct ccp_err *err)
{
	char path[PATH_MAX];

	spill->len = 0;
	if (dir == NULL)
		dir = getenv("TMPDIR");
	if (dir == NULL || dir[0] == '\0')
		dir = "/tmp";
	snprintf(spill->name, sizeof spill->name, "temporary file in %s", dir);
	spill->fd = open(dir, O_RDWR | O_TMPFILE | O_EXCL | O_CLOEXEC, 0600);
	if (spill->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		return ccp_err_sys(err, errno, "%s", spill->name);
	if (snprintf(path, sizeof path, "%s/ccpipe-XXXXXX", dir) >= (int)sizeof path)
		return ccp_err_sys(err, ENAMETOOLONG, "%s", spill->name);
	spill->fd = mkostemp(path, O_CLOEXEC);
	if (spill->fd < 0)
		return ccp_err_sys(err, errno, "%s", spill->name);
	unlink(path);
	return 0;
}

int ccp_spill_write(struct ccp_spill *spill, const void *data, size_t len, struct ccp_err *err)
{
	if (ccp_output_write(spill->fd, spill->name, data, len, err) != 0)
		return -1;
	spill->len += (off_t)len;
	return 0;
}

void ccp_spill_close(struct ccp_spill *spill)
{
	if (spill->fd >= 0)
		close(spill->fd);
	spill->fd = -1;
}
