/*
 * whole.c: nothing is written before all of it is there.
 */
#include "cmd/whole.h"

#include <errno.h>
#include <stdlib.h>

#include "pipeline/replace.h"

int ccp_whole_write(const char *path, ccp_whole_fn print, const void *arg)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	int error = ENOMEM;

	if (out != NULL) {
		error = print(out, arg) != 0 ? ENOMEM : 0;
		if (fclose(out) != 0)
			error = ENOMEM;
	}
	if (error == 0)
		error = ccp_replace(path, text, len);
	free(text);
	return error;
}
