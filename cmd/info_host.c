/*
 * info_host.c: what the command info tells about the machine and its kernel. Whether a way to read is allowed is found
 * out by trying it, because a container may forbid what the kernel has.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "cmd/info.h"
#include "cmd/text.h"
#include "pipeline/auto/facts.h"
#include "pipeline/pressure.h"
#include "strategies/strategies.h"

struct engine {
	const char *name, *help;
	bool works;
	char limit[96]; /* why not, or when not; "" = none */
};

#define ENGINES 4

/* What async says about io_uring, without the words about what it does instead. */
static void look_io_uring(struct engine *engine)
{
	const struct ccp_strategy_ops *async = ccp_strategy_find("async");
	const char *note = async != NULL && async->note != NULL ? async->note() : NULL;
	const char *prefix = "io_uring: ";

	engine->works = async != NULL && note == NULL;
	if (note == NULL)
		return;
	if (strncmp(note, prefix, strlen(prefix)) == 0)
		note += strlen(prefix);
	snprintf(engine->limit, sizeof engine->limit, "%.*s", (int)strcspn(note, ";"), note);
}

static void look_epoll(struct engine *engine)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);

	engine->works = fd >= 0;
	if (fd >= 0)
		close(fd);
	else
		snprintf(engine->limit, sizeof engine->limit, "%s", strerror(errno));
}

/* Shape: ENGINES. */
static void look(struct engine *engine)
{
	const char *limit;

	*engine = (struct engine){ .name = "io_uring", .help = "reads of files in batches, without a thread for each" };
	look_io_uring(engine++);
	*engine = (struct engine){ .name = "epoll", .help = "waits for many streams at once" };
	look_epoll(engine++);
	*engine = (struct engine){ .name = "RWF_NOWAIT", .help = "tells by a read whether a part of a file is cached" };
	engine->works = ccp_nowait_works(&limit);
	snprintf(engine->limit, sizeof engine->limit, "%s", limit != NULL ? limit : "");
	engine++;
	*engine = (struct engine){ .name = "cachestat", .help = "counts how much of a file is cached" };
	engine->works = ccp_cachestat_works(&limit);
	snprintf(engine->limit, sizeof engine->limit, "%s", limit != NULL ? limit : "");
}

void ccp_info_engines_print(void)
{
	struct engine engines[ENGINES];

	look(engines);
	printf("\nI/O engines:\n");
	for (const struct engine *engine = engines; engine < engines + ENGINES; engine++) {
		ccp_info_entry(engine->name, engine->help, engine->works ? NULL : engine->limit);
		if (engine->works && engine->limit[0] != '\0')
			printf("  %-10s %s\n", "", engine->limit);
	}
}

void ccp_info_engines_json(void)
{
	struct engine engines[ENGINES];
	const char *before = "";

	look(engines);
	printf("\"io_engines\":[");
	for (const struct engine *engine = engines; engine < engines + ENGINES; engine++, before = ",") {
		ccp_info_entry_json(before, engine->name, engine->help, engine->works ? NULL : engine->limit);
		if (engine->works && engine->limit[0] != '\0') {
			printf(",\"note\":");
			ccp_text_json(stdout, engine->limit);
		}
		putchar('}');
	}
	putchar(']');
}

static void print_cpus(const struct ccp_host *host)
{
	char text[CCP_SIZE_TEXT];
	uint64_t throttled_ns = ccp_throttled_ns();

	printf("CPUs usable: %u (online %u, affinity %u, ", host->cpus, host->cpus_online, host->cpus_affinity);
	if (host->cpu_quota > 0)
		printf("quota %.2f", host->cpu_quota);
	else
		printf("no quota");
	if (throttled_ns > 0)
		printf(", throttled %s so far", ccp_text_seconds((double)throttled_ns / 1e9, text));
	printf(")\nCPU: %s, SIMD %s\n", host->cpu_model, host->simd);
}

static void print_memory(const struct ccp_host *host)
{
	char text[CCP_SIZE_TEXT];

	printf("memory: %s", ccp_text_size(host->memory, text));
	if (host->memory_available > 0)
		printf(", %s available", ccp_text_size(host->memory_available, text));
	if (host->memory_limit > 0)
		printf(", limited to %s", ccp_text_size(host->memory_limit, text));
	else
		printf(", no limit");
	if (host->memory_limit > 0 && host->memory_usage > 0)
		printf(", %s of it used", ccp_text_size(host->memory_usage, text));
	putchar('\n');
}

static void print_pressure(void)
{
	struct ccp_pressure pressure;
	const char *before = " ";

	ccp_pressure_read(&pressure);
	const double known[] = { pressure.cpu_s, pressure.io_s, pressure.mem_s };
	const char *const names[] = { "CPU", "I/O", "memory" };
	printf("pressure information:");
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (known[i] < 0)
			continue;
		printf("%s%s", before, names[i]);
		before = ", ";
	}
	puts(before[0] == ' ' ? " none" : "");
}

void ccp_info_host_print(const struct ccp_host *host)
{
	print_cpus(host);
	print_memory(host);
	printf("kernel: Linux %s, ", host->kernel);
	if (host->cgroup > 0)
		printf("cgroup v%d\n", host->cgroup);
	else
		printf("no cgroup\n");
	print_pressure();
}

static const char *truth(bool is)
{
	return is ? "true" : "false";
}

void ccp_info_host_json(const struct ccp_host *host)
{
	struct ccp_pressure pressure;

	printf("\"cpus\":%u,\"cpus_online\":%u,\"cpus_affinity\":%u,\"cpu_quota\":%.3f,\"throttled_ns\":%llu,",
	       host->cpus, host->cpus_online, host->cpus_affinity, host->cpu_quota,
	       (unsigned long long)ccp_throttled_ns());
	printf("\"memory\":%llu,\"memory_limit\":%llu,\"memory_available\":%llu,\"memory_usage\":%llu,",
	       (unsigned long long)host->memory, (unsigned long long)host->memory_limit,
	       (unsigned long long)host->memory_available, (unsigned long long)host->memory_usage);
	printf("\"cpu_model\":");
	ccp_text_json(stdout, host->cpu_model);
	printf(",\"simd\":\"%s\",\"kernel\":", host->simd);
	ccp_text_json(stdout, host->kernel);
	ccp_pressure_read(&pressure);
	printf(",\"cgroup\":%d,\"pressure\":{\"cpu\":%s,\"io\":%s,\"memory\":%s}", host->cgroup,
	       truth(pressure.cpu_s >= 0), truth(pressure.io_s >= 0), truth(pressure.mem_s >= 0));
}
