/*
 * pressure.h: how much others, and limits, stand in the way: shortage of CPU, I/O and memory as the kernel accounts for
 * it, time lost to a quota, CPU time used by everybody.
 */
#ifndef CCP_PIPELINE_PRESSURE_H
#define CCP_PIPELINE_PRESSURE_H

#include <stdint.h>

/* Time in which some task of the machine was held up for want of each, since the machine was started. -1 = not told. */
struct ccp_pressure {
	double cpu_s, io_s, mem_s;
};

/*
 * Reads the totals.
 * Units: seconds. Source: Documentation/accounting/psi.rst of the Linux kernel, "some", total.
 */
void ccp_pressure_read(struct ccp_pressure *pressure);

/* Kept descriptors, for reading often: about 2 us each. -1 = not told. */
struct ccp_pressure_watch {
	int cpu_fd, io_fd, mem_fd;
};

/* Opens what there is; never fails. */
void ccp_pressure_watch_open(struct ccp_pressure_watch *watch);
void ccp_pressure_watch_read(const struct ccp_pressure_watch *watch, struct ccp_pressure *pressure);
void ccp_pressure_watch_close(struct ccp_pressure_watch *watch);

/*
 * The share of a window of so many seconds in which some task waited for memory.
 * Units: 0 to 1; -1 if the kernel does not tell or the window is empty.
 */
double ccp_memory_pressure(const struct ccp_pressure *begin, const struct ccp_pressure *end, double seconds);

/*
 * How long the CPU quotas of this process's control groups have held up their tasks, added up over CPUs and over the
 * levels of the tree; other processes of the groups are included. 0 = never, or unknown. Differences are meant.
 * Units: ns. Source: cgroups(7); cpu.stat, throttled_usec (v2) and throttled_time (v1).
 */
uint64_t ccp_throttled_ns(void);

/*
 * CPU time that all processes and the kernel have used since the machine was started, without time that a hypervisor
 * took; the clock ticks every 10 ms. -1 = unknown.
 * Units: seconds, over all CPUs. Source: proc(5), first line of /proc/stat.
 */
double ccp_cpu_busy_s(void);

#endif
