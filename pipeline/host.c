/*
 * host.c: how many CPUs and how much memory this process may use, and what kind they are.
 *
 * CPUs: sched_getaffinity, then the control group's quota, v2 (cpu.max) or v1 (cpu.cfs_quota_us / cpu.cfs_period_us),
 * taken at every level from the process's own group up to the root, because a parent's limit binds its children: the
 * smallest wins. Memory limits likewise. Both versions can be there at once, each with other controllers.
 * Source: cgroups(7), Documentation/admin-guide/cgroup-v2.rst of the Linux kernel.
 */
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <unistd.h>
#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#endif

#include "pipeline/host_internal.h"
#include "pipeline/plan.h"

#define NO_LIMIT_BYTES (UINT64_C(1) << 60) /* v1 says "none" with a number near 2^63 */
#define PATH_ROOM 4096

long ccp_proc_read(const char *root, const char *path, char *text, size_t size)
{
	char name[PATH_ROOM];
	size_t len = 0;
	ssize_t got = 0;
	int fd;

	text[0] = '\0';
	if (snprintf(name, sizeof name, "%s%s", root, path) >= (int)sizeof name)
		return -1;
	fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	while (len < size - 1 && (got = read(fd, text + len, size - 1 - len)) > 0)
		len += (size_t)got;
	close(fd);
	text[len] = '\0';
	return got < 0 && len == 0 ? -1 : (long)len;
}

/* Calls take() for mount/group and for each parent of it up to mount itself. */
static void each_level(const char *mount, const char *group, unsigned kinds,
		       void (*take)(const char *dir, unsigned kinds, void *arg), void *arg)
{
	size_t stop = strlen(mount);
	char dir[PATH_ROOM], *slash;

	if (snprintf(dir, sizeof dir, "%s%s", mount, group) >= (int)sizeof dir)
		return;
	for (size_t len = strlen(dir); len > stop && dir[len - 1] == '/'; len--)
		dir[len - 1] = '\0';
	for (;;) {
		take(dir, kinds, arg);
		slash = strrchr(dir, '/');
		if (!slash || slash < dir + stop)
			return;
		*slash = '\0';
	}
}

/* One controller of version 1: mounted alone, or with all others of its line. */
static void each_level_v1(const char *root, const char *controllers, const char *name, const char *group,
			  unsigned kinds, void (*take)(const char *dir, unsigned kinds, void *arg), void *arg)
{
	char mount[PATH_ROOM / 2];

	snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/%s", root, name);
	if (access(mount, X_OK) != 0)
		snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/%s", root, controllers);
	each_level(mount, group, kinds, take, arg);
}

int ccp_cgroup_each(const char *root, void (*take)(const char *dir, unsigned kinds, void *arg), void *arg)
{
	char text[8192], mount[PATH_ROOM / 2], *rest = text;
	int version = 0;

	if (ccp_proc_read(root, "/proc/self/cgroup", text, sizeof text) < 0)
		return 0;
	for (char *line; (line = strsep(&rest, "\n"));) { /* number:controllers:group */
		char *controllers = strchr(line, ':'), *group = controllers ? strchr(controllers + 1, ':') : NULL;

		if (!group)
			continue;
		*controllers++ = '\0';
		*group++ = '\0';
		if (controllers[0] == '\0') {
			version = version ? version : 2;
			snprintf(mount, sizeof mount, "%s/sys/fs/cgroup/unified", root); /* beside version 1 */
			if (access(mount, X_OK) != 0)
				snprintf(mount, sizeof mount, "%s/sys/fs/cgroup", root);
			each_level(mount, group, CCP_CGROUP_V2, take, arg);
			continue;
		}
		char names[256], *next = names;

		snprintf(names, sizeof names, "%s", controllers);
		for (char *name; (name = strsep(&next, ","));) {
			unsigned kinds = strcmp(name, "cpu") == 0    ? CCP_CGROUP_V1_CPU :
					 strcmp(name, "memory") == 0 ? CCP_CGROUP_V1_MEMORY :
								       0;

			if (!kinds)
				continue;
			version = 1;
			each_level_v1(root, controllers, name, group, kinds, take, arg);
		}
	}
	return version;
}

static void lower_quota(double *quota, double limit, double period)
{
	if (limit > 0 && period > 0 && (*quota == 0 || limit / period < *quota))
		*quota = limit / period;
}

/* A number of bytes in dir/file. Returns 0 if there is none or it means "no limit". */
static uint64_t read_bytes(const char *dir, const char *file)
{
	char text[64], *end;
	uint64_t bytes;

	if (ccp_proc_read(dir, file, text, sizeof text) <= 0)
		return 0;
	bytes = strtoull(text, &end, 10); /* "max" is no number */
	return end != text && bytes < NO_LIMIT_BYTES ? bytes : 0;
}

/* The usage told is that of the group whose limit is the lowest; without a limit, that of the nearest group. */
static void lower_memory(struct ccp_host *host, const char *dir, const char *limit_file, const char *usage_file)
{
	uint64_t limit = read_bytes(dir, limit_file);

	if (limit > 0 && (host->memory_limit == 0 || limit < host->memory_limit)) {
		host->memory_limit = limit;
		host->memory_usage = read_bytes(dir, usage_file);
	} else if (host->memory_limit == 0 && host->memory_usage == 0) {
		host->memory_usage = read_bytes(dir, usage_file);
	}
}

static void take_limits(const char *dir, unsigned kinds, void *arg)
{
	struct ccp_host *host = arg;
	char text[64], period[64];
	double limit, time;

	if (kinds & CCP_CGROUP_V1_CPU && ccp_proc_read(dir, "/cpu.cfs_quota_us", text, sizeof text) > 0 &&
	    ccp_proc_read(dir, "/cpu.cfs_period_us", period, sizeof period) > 0)
		lower_quota(&host->cpu_quota, atof(text), atof(period)); /* -1 = none */
	if (kinds & CCP_CGROUP_V1_MEMORY)
		lower_memory(host, dir, "/memory.limit_in_bytes", "/memory.usage_in_bytes");
	if (!(kinds & CCP_CGROUP_V2))
		return;
	if (ccp_proc_read(dir, "/cpu.max", text, sizeof text) > 0 && sscanf(text, "%lf %lf", &limit, &time) == 2)
		lower_quota(&host->cpu_quota, limit, time); /* "max 100000" is not taken */
	lower_memory(host, dir, "/memory.max", "/memory.current");
}

/* What follows `key` and a colon in the first line that begins so. Returns whether there is one. */
static bool find_value(const char *text, const char *key, char *value, size_t size)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		const char *at = line + len;

		if (strncmp(line, key, len) != 0)
			continue;
		at += strspn(at, " \t");
		if (*at != ':')
			continue;
		at++;
		at += strspn(at, " \t");
		snprintf(value, size, "%.*s", (int)strcspn(at, "\n"), at);
		return value[0] != '\0';
	}
	return false;
}

#if defined(__x86_64__) || defined(__i386__)
/*
 * The brand string of the processor itself: some kernels hold up those who open /proc/cpuinfo for 10 ms to measure
 * clocks.
 */
static bool read_brand(char *model, size_t size)
{
	unsigned words[13] = { 0 };
	const char *text = (const char *)words;

	if ((unsigned)__get_cpuid_max(0x80000000u, NULL) < 0x80000004u)
		return false;
	for (unsigned i = 0; i < 3; i++) /* each traps in a virtual machine: 6 us */
		__cpuid(0x80000002u + i, words[4 * i], words[4 * i + 1], words[4 * i + 2], words[4 * i + 3]);
	text += strspn(text, " ");
	snprintf(model, size, "%s", text);
	for (size_t len = strlen(model); len > 0 && model[len - 1] == ' '; len--)
		model[len - 1] = '\0';
	return model[0] != '\0';
}

static const char *best_simd(void)
{
	__builtin_cpu_init();
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
	    __builtin_cpu_supports("avx512vl"))
		return "avx512";
	return __builtin_cpu_supports("avx2")   ? "avx2" :
	       __builtin_cpu_supports("avx")    ? "avx" :
	       __builtin_cpu_supports("sse4.2") ? "sse4.2" :
	       __builtin_cpu_supports("sse2")   ? "sse2" :
						  "unknown";
}
#else
static bool read_brand(char *model, size_t size)
{
	(void)model;
	(void)size;
	return false;
}

static const char *best_simd(void)
{
#if defined(__aarch64__)
#ifdef HWCAP2_SVE2
	if (getauxval(AT_HWCAP2) & HWCAP2_SVE2)
		return "sve2";
#endif
#ifdef HWCAP_SVE
	if (getauxval(AT_HWCAP) & HWCAP_SVE)
		return "sve";
#endif
#ifdef HWCAP_ASIMD
	if (getauxval(AT_HWCAP) & HWCAP_ASIMD)
		return "neon";
#endif
#elif defined(__arm__)
	if (getauxval(AT_HWCAP) & (1ul << 12)) /* HWCAP_NEON, HWCAP_ARM_NEON */
		return "neon";
#endif
	return "unknown";
}
#endif

/* How other machines than x86 call it in /proc/cpuinfo; some say nothing. */
static void read_model(struct ccp_host *host, const char *root, const char *machine)
{
	static const char *const keys[] = { "model name", "cpu model", "Model Name", "uarch", "cpu", "Hardware" };
	char text[4096];

	if (read_brand(host->cpu_model, sizeof host->cpu_model))
		return;
	ccp_proc_read(root, "/proc/cpuinfo", text, sizeof text);
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (find_value(text, keys[i], host->cpu_model, sizeof host->cpu_model))
			return;
	snprintf(host->cpu_model, sizeof host->cpu_model, "%.*s", (int)sizeof host->cpu_model - 1, machine);
}

static void read_kind(struct ccp_host *host, const char *root)
{
	struct utsname name;

	if (uname(&name) != 0) {
		snprintf(name.release, sizeof name.release, "unknown");
		snprintf(name.machine, sizeof name.machine, "unknown");
	}
	snprintf(host->kernel, sizeof host->kernel, "%.*s", (int)sizeof host->kernel - 1, name.release);
	snprintf(host->simd, sizeof host->simd, "%s", best_simd());
	read_model(host, root, name.machine);
}

void ccp_host_read_at(struct ccp_host *host, const char *root)
{
	cpu_set_t set;
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
	struct rlimit limit;
	char text[512], value[64];

	memset(host, 0, sizeof *host);
	host->cpus_online = online > 0 ? (unsigned)online : 1;
	host->cpus_affinity = host->cpus_online;
	if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0)
		host->cpus_affinity = (unsigned)CPU_COUNT(&set);
	host->memory = pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : UINT64_C(1) << 30;
	if (ccp_proc_read(root, "/proc/meminfo", text, sizeof text) > 0 &&
	    find_value(text, "MemAvailable", value, sizeof value))
		host->memory_available = (uint64_t)strtoull(value, NULL, 10) * 1024; /* "kB", and means KiB */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
		host->descriptors = limit.rlim_cur;
	host->cgroup = ccp_cgroup_each(root, take_limits, host);
	read_kind(host, root);
	host->cpus = host->cpus_affinity;
	if (host->cpu_quota > 0 && host->cpu_quota < host->cpus)
		host->cpus = (unsigned)ceil(host->cpu_quota);
	if (host->cpus < 1)
		host->cpus = 1;
}

void ccp_host_read(struct ccp_host *host)
{
	ccp_host_read_at(host, "");
}
