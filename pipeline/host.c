/*
 * host.c: how many CPUs and how much memory this process may use.
 *
 * CPUs: sched_getaffinity, then the cgroup's quota, v2 (cpu.max) or v1 (cpu.cfs_quota_us), taken at every level from
 * the process's own group up to the root, because a parent's limit binds its children. Memory limits likewise.
 * Source: cgroups(7), Documentation/admin-guide/cgroup-v2.rst of the Linux kernel.
 */
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pipeline/plan.h"

#define NO_LIMIT_BYTES (UINT64_C(1) << 60) /* v1 says "none" with a number near 2^63 */

/* First line of root/group/file, or of file in any parent of group, handed to `take` one after the other. */
static void each_level(const char *root, const char *group, const char *file, void (*take)(const char *, void *),
		       void *arg)
{
	char dir[512], path[1200], line[128];

	snprintf(dir, sizeof dir, "%s", group);
	for (;;) {
		snprintf(path, sizeof path, "%s%s/%s", root, strcmp(dir, "/") == 0 ? "" : dir, file);
		FILE *in = fopen(path, "re");
		if (in) {
			if (fgets(line, sizeof line, in))
				take(line, arg);
			fclose(in);
		}
		char *slash = strrchr(dir, '/');
		if (!slash || slash == dir) {
			if (strcmp(dir, "/") == 0 || dir[0] == '\0')
				return;
			strcpy(dir, "/");
			continue;
		}
		*slash = '\0';
	}
}

static void lower_quota(double *quota, double cpus)
{
	if (cpus > 0 && (*quota == 0 || cpus < *quota))
		*quota = cpus;
}

static void take_cpu_max(const char *line, void *quota)
{
	double limit, period;

	if (sscanf(line, "%lf %lf", &limit, &period) == 2 && period > 0) /* "max 100000" does not match */
		lower_quota(quota, limit / period);
}

struct v1_quota {
	double limit, period;
};

static void take_v1_limit(const char *line, void *arg)
{
	double limit = atof(line);
	struct v1_quota *quota = arg;

	if (limit > 0 && (quota->limit <= 0 || limit < quota->limit))
		quota->limit = limit;
}

static void take_v1_period(const char *line, void *arg)
{
	struct v1_quota *quota = arg;

	if (quota->period <= 0)
		quota->period = atof(line);
}

static void take_memory(const char *line, void *arg)
{
	uint64_t *limit = arg;
	char *end;
	uint64_t bytes = strtoull(line, &end, 10);

	if (end != line && bytes > 0 && bytes < NO_LIMIT_BYTES && (*limit == 0 || bytes < *limit))
		*limit = bytes;
}

static void read_cgroup_line(struct ccp_host *host, char *line)
{
	char *controllers = strchr(line, ':');
	char *group = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!group)
		return;
	*controllers++ = '\0';
	*group++ = '\0';
	group[strcspn(group, "\n")] = '\0';
	if (controllers[0] == '\0') { /* v2: one line, "0::/group" */
		each_level("/sys/fs/cgroup", group, "cpu.max", take_cpu_max, &host->cpu_quota);
		each_level("/sys/fs/cgroup", group, "memory.max", take_memory, &host->memory_limit);
		return;
	}

	char *rest = controllers;
	for (char *name; (name = strsep(&rest, ","));) {
		if (strcmp(name, "cpu") == 0) {
			struct v1_quota quota = { 0, 0 };

			each_level("/sys/fs/cgroup/cpu", group, "cpu.cfs_quota_us", take_v1_limit, &quota);
			each_level("/sys/fs/cgroup/cpu", group, "cpu.cfs_period_us", take_v1_period, &quota);
			if (quota.limit > 0 && quota.period > 0)
				lower_quota(&host->cpu_quota, quota.limit / quota.period);
		} else if (strcmp(name, "memory") == 0) {
			each_level("/sys/fs/cgroup/memory", group, "memory.limit_in_bytes", take_memory,
				   &host->memory_limit);
		}
	}
}

void ccp_host_read(struct ccp_host *host)
{
	cpu_set_t set;
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	struct rlimit limit;
	char line[1024];

	memset(host, 0, sizeof *host);
	host->cpus_online = online > 0 ? (unsigned)online : 1;
	host->cpus_affinity = host->cpus_online;
	if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
		host->cpus_affinity = (unsigned)CPU_COUNT(&set);
	host->memory = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_C(1) << 30;
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		host->descriptors = limit.rlim_cur;
	FILE *groups = fopen("/proc/self/cgroup", "re");
	if (groups) {
		while (fgets(line, sizeof line, groups))
			read_cgroup_line(host, line);
		fclose(groups);
	}
	host->cpus = host->cpus_affinity;
	if (host->cpu_quota > 0 && host->cpu_quota < host->cpus)
		host->cpus = (unsigned)ceil(host->cpu_quota);
	if (host->cpus < 1)
		host->cpus = 1;
}
