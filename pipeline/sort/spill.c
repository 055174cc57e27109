/*
 * spill.c: see spill.h. What is written is counted: the length is where the next run begins.
 */
#include "pipeline/sort/spill.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "pipeline/nameless.h"
#include "pipeline/output.h"

int ccp_spill_open(struct ccp_spill *spill, const char *dir, struct ccp_err *err)
{
	spill->len = 0;
	if (dir == NULL)
		dir = ccp_nameless_dir("/tmp");
	if (dir[0] == '\0')
		dir = "/tmp";
	snprintf(spill->name, sizeof spill->name, "temporary file in %s", dir);
	spill->fd = ccp_nameless_open(dir);
	return spill->fd >= 0 ? 0 : ccp_err_sys(err, errno, "%s", spill->name);
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
