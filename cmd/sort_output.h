/*
 * sort_output.h: where sorted lines go: standard output, or a file that is there once it is whole.
 */
#ifndef CCP_CMD_SORT_OUTPUT_H
#define CCP_CMD_SORT_OUTPUT_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "pipeline/err.h"

struct ccp_temp;

struct ccp_sort_output {
	const char *name;    /* as it was said, for messages */
	char path[PATH_MAX]; /* of the file itself, if the name is a link */
	struct ccp_temp *temp; /* NULL: written in place */
	mode_t mode;         /* for a new file */
	int fd;
};

/*
 * Opens what is named; NULL is standard output. What is no file, a FIFO or a device, is written in place.
 * Errors: -1 with CCP_E_SYS or as ccp_temp_open. Memory: to be closed.
 */
int ccp_sort_output_open(struct ccp_sort_output *output, const char *name, struct ccp_err *err);

/* For struct ccp_sorter_taker; `arg` is the output. */
int ccp_sort_output_take(void *arg, const void *data, size_t len, struct ccp_err *err);

/* Gives the file its name, or removes it; `sync`: its data are safe before. Errors: -1 with `err`. */
int ccp_sort_output_close(struct ccp_sort_output *output, bool keep, bool sync, struct ccp_err *err);

#endif
