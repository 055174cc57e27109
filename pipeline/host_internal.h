/*
 * host_internal.h: reading the facts of the host below a folder of choice, so that tests can build one; `root` is ""
 * for the host itself.
 */
#ifndef CCP_PIPELINE_HOST_INTERNAL_H
#define CCP_PIPELINE_HOST_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pipeline/plan.h"
#include "pipeline/pressure.h"

/*
 * Reads the beginning of a file, root/path, as text. Shape: at most size - 1 bytes and a NUL. Returns their number, or
 * -1 and an empty text.
 */
long ccp_proc_read(const char *root, const char *path, char *text, size_t size);

/* What a control group's folder can tell. */
enum {
	CCP_CGROUP_V1_CPU = 1u << 0,
	CCP_CGROUP_V1_MEMORY = 1u << 1,
	CCP_CGROUP_V2 = 1u << 2, /* both */
};

/*
 * Calls take() for the folder of each control group that this process is in, the nearest first, then its parents up to
 * the root: a parent's limit binds its children. Folders that do not exist are visited, too. Returns the version: 1 if
 * CPU or memory are governed by version 1, else 2, or 0 without control groups.
 */
int ccp_cgroup_each(const char *root, void (*take)(const char *dir, unsigned kinds, void *arg), void *arg);

/* Of the public functions, the files below `root`; what comes from system calls is the host's. */
void ccp_host_read_at(struct ccp_host *host, const char *root);
unsigned ccp_others_at(const char *root);
void ccp_pressure_watch_open_at(struct ccp_pressure_watch *watch, const char *root);
uint64_t ccp_throttled_at(const char *root);
double ccp_cpu_busy_at(const char *root);

#endif
