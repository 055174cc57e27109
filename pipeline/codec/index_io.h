/*
 * index_io.h: whole reads and writes at a place of a file, for those who read and write indexes.
 */
#ifndef CCP_PIPELINE_CODEC_INDEX_IO_H
#define CCP_PIPELINE_CODEC_INDEX_IO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "pipeline/err.h"

/* Reads up to `len` bytes at `at`: fewer only at the end of the file. Returns how many, or -1. Errors: CCP_E_SYS. */
ssize_t ccp_index_read_at(int fd, uint8_t *data, size_t len, uint64_t at, struct ccp_err *err);

/* Writes data[0, len) at `at`. Errors: -1 with CCP_E_SYS and `what`, which may be "", before the cause. */
int ccp_index_write_at(int fd, const uint8_t *data, size_t len, uint64_t at, const char *what, struct ccp_err *err);

#endif
