/*
 * pressure.c: see pressure.h.
 *
 * The totals of "some" in /proc/pressure move all the time, while the averages beside them are renewed every 2 s only;
 * so windows are made of differences of totals. The files may be there and still refuse to be opened or read: pressure
 * information can be built in and switched off.
 */
#include "pipeline/pressure.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pipeline/host_internal.h"

#define USER_NICE_SYSTEM 3 /* the first columns of /proc/stat */
#define IDLE_IOWAIT 2      /* then these */
#define IRQ_SOFTIRQ 2      /* then these; steal and guest (which user includes) are left out */

/* "some avg10=0.00 avg60=0.00 avg300=0.00 total=5318" -> 0.005318 */
static double read_total(int fd)
{
	char text[256];
	ssize_t len = fd >= 0 ? pread(fd, text, sizeof text - 1, 0) : -1;

	if (len <= 0)
		return -1;
	text[len] = '\0';
	text[strcspn(text, "\n")] = '\0'; /* "full" comes in the next line */
	const char *total = strstr(text, " total=");
	if (strncmp(text, "some ", 5) != 0 || !total)
		return -1;
	return (double)strtoull(total + strlen(" total="), NULL, 10) / 1e6;
}

void ccp_pressure_watch_open_at(struct ccp_pressure_watch *watch, const char *root)
{
	static const char *const names[] = { "cpu", "io", "memory" };
	int fd[3];

	for (size_t i = 0; i < 3; i++) {
		char path[512];

		snprintf(path, sizeof path, "%s/proc/pressure/%s", root, names[i]);
		fd[i] = open(path, O_RDONLY | O_CLOEXEC);
	}
	*watch = (struct ccp_pressure_watch){ .cpu_fd = fd[0], .io_fd = fd[1], .mem_fd = fd[2] };
}

void ccp_pressure_watch_open(struct ccp_pressure_watch *watch)
{
	ccp_pressure_watch_open_at(watch, "");
}

void ccp_pressure_watch_read(const struct ccp_pressure_watch *watch, struct ccp_pressure *pressure)
{
	pressure->cpu_s = read_total(watch->cpu_fd);
	pressure->io_s = read_total(watch->io_fd);
	pressure->mem_s = read_total(watch->mem_fd);
}

static void close_one(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void ccp_pressure_watch_close(struct ccp_pressure_watch *watch)
{
	close_one(&watch->cpu_fd);
	close_one(&watch->io_fd);
	close_one(&watch->mem_fd);
}

void ccp_pressure_read(struct ccp_pressure *pressure)
{
	struct ccp_pressure_watch watch;

	ccp_pressure_watch_open(&watch);
	ccp_pressure_watch_read(&watch, pressure);
	ccp_pressure_watch_close(&watch);
}

double ccp_memory_pressure(const struct ccp_pressure *begin, const struct ccp_pressure *end, double seconds)
{
	double share;

	if (begin->mem_s < 0 || end->mem_s < 0 || !(seconds > 0))
		return -1;
	share = (end->mem_s - begin->mem_s) / seconds;
	return share < 0 ? 0 : share > 1 ? 1 : share; /* both clocks are read a little apart */
}

/* The number after the word, at the beginning of a line. 0 if the word is not there. */
static uint64_t number_after(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (; text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL)
		if (strncmp(text, word, len) == 0 && text[len] == ' ')
			return strtoull(text + len, NULL, 10);
	return 0;
}

static void add_throttled(const char *dir, unsigned kinds, void *sum)
{
	char text[2048];

	if (!(kinds & (CCP_CGROUP_V1_CPU | CCP_CGROUP_V2)) || ccp_proc_read(dir, "/cpu.stat", text, sizeof text) < 0)
		return;
	*(uint64_t *)sum += kinds & CCP_CGROUP_V2 ? number_after(text, "throttled_usec") * 1000 :
						    number_after(text, "throttled_time");
}

uint64_t ccp_throttled_at(const char *root)
{
	uint64_t sum = 0;

	ccp_cgroup_each(root, add_throttled, &sum);
	return sum;
}

uint64_t ccp_throttled_ns(void)
{
	return ccp_throttled_at("");
}

double ccp_cpu_busy_at(const char *root)
{
	const int columns = USER_NICE_SYSTEM + IDLE_IOWAIT + IRQ_SOFTIRQ;
	long hertz = sysconf(_SC_CLK_TCK);
	char text[512], *at = text + strlen("cpu "), *end;
	uint64_t ticks = 0;

	if (hertz <= 0 || ccp_proc_read(root, "/proc/stat", text, sizeof text) < 0 || strncmp(text, "cpu ", 4) != 0)
		return -1;
	text[strcspn(text, "\n")] = '\0';
	for (int column = 0; column < columns; column++, at = end) {
		uint64_t value = strtoull(at, &end, 10);

		if (end == at)
			return -1;
		if (column < USER_NICE_SYSTEM || column >= USER_NICE_SYSTEM + IDLE_IOWAIT)
			ticks += value;
	}
	return (double)ticks / (double)hertz;
}

double ccp_cpu_busy_s(void)
{
	return ccp_cpu_busy_at("");
}
