/*
 * meter_thread.c: readings of the worker's thread, and how they divide an interval into CPU, run queue and blocked.
 *
 * A reading is compared with the last one. If that was made when the interval began, the differences are the
 * interval's. A long interval is measured even if nothing was read then: the differences cover everything since the
 * last reading, and what the short intervals in between will have used, by their states' shares so far, is little and
 * is taken off. Long waits are read at their end too, which keeps the last reading near.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/meter.h"
#include "pipeline/meter_internal.h"

#define READING_NS 1000 /* by so much the CPU clock is read later than the other one, when the kernel's code is cold */

/* The number of a descriptor means nothing in another process. */
void ccp_meter_close_thread(struct ccp_meter_account *account)
{
	if (account->own.schedstat_fd >= 0 && atomic_load(&account->pid) == getpid())
		close(account->own.schedstat_fd);
	account->own.schedstat_fd = -1;
}

int ccp_meter_parse_schedstat(const char *line, uint64_t *cpu, uint64_t *runq)
{
	uint64_t field[2] = { 0, 0 };

	for (size_t i = 0; i < 2; i++) {
		if (*line < '0' || *line > '9')
			return -1;
		while (*line >= '0' && *line <= '9')
			field[i] = field[i] * 10 + (uint64_t)(*line++ - '0');
		if (*line++ != ' ')
			return -1;
	}
	*cpu = field[0];
	*runq = field[1];
	return 0;
}

static uint64_t thread_cpu(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The CPU clock comes first: what the rest of the reading takes then belongs to the interval that begins. */
static void read_thread(struct ccp_meter_account *account, struct ccp_meter_point *point)
{
	struct rusage usage;
	char line[80];
	ssize_t got = -1;
	uint64_t unused;

	point->cpu = thread_cpu();
	point->runq = ccp_meter_get(&account->runq_clock);
	if (account->own.schedstat_fd >= 0)
		got = pread(account->own.schedstat_fd, line, sizeof line - 1, 0);
	if (got > 0) {
		line[got] = '\0';
		ccp_meter_parse_schedstat(line, &unused, &point->runq);
	}
	memset(&usage, 0, sizeof usage);
	getrusage(RUSAGE_THREAD, &usage);
	point->nvcsw = (uint64_t)usage.ru_nvcsw;
	point->nivcsw = (uint64_t)usage.ru_nivcsw;
}

void ccp_meter_keep(struct ccp_meter_account *account, const struct ccp_meter_point *point)
{
	account->own.cpu = point->cpu;
	account->own.nvcsw = point->nvcsw;
	account->own.slept = 0;
	for (unsigned s = 0; s < CCP_METER_BUSY; s++)
		account->own.wall[s] = ccp_meter_get(&account->wall_ns[s]);
	ccp_meter_put(&account->cpu_clock, point->cpu);
	ccp_meter_put(&account->runq_clock, point->runq);
	ccp_meter_put(&account->life_cpu_ns, account->own.life0 + (point->cpu - account->own.cpu0));
	ccp_meter_put(&account->switches_vol, account->own.vol0 + (point->nvcsw - account->own.nvcsw0));
	ccp_meter_put(&account->switches_inv, account->own.inv0 + (point->nivcsw - account->own.nivcsw0));
}

void ccp_meter_adopt(struct ccp_meter_account *account, struct ccp_meter_point *point)
{
	ccp_meter_close_thread(account);
	atomic_store(&account->pid, getpid());
	atomic_store(&account->tid, gettid());
	if (!account->own.deaf)
		account->own.schedstat_fd = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
	ccp_meter_put(&account->runq_clock, 0);
	read_thread(account, point);
	account->own.cpu0 = point->cpu;
	account->own.nvcsw0 = point->nvcsw;
	account->own.nivcsw0 = point->nivcsw;
	account->own.life0 = ccp_meter_get(&account->life_cpu_ns);
	account->own.vol0 = ccp_meter_get(&account->switches_vol);
	account->own.inv0 = ccp_meter_get(&account->switches_inv);
	atomic_store(&account->sampling, false);
	ccp_meter_keep(account, point);
}

bool ccp_meter_measure(struct ccp_meter_account *account, struct ccp_meter_point *point)
{
	if (gettid() != atomic_load_explicit(&account->tid, memory_order_relaxed)) {
		ccp_meter_adopt(account, point);
		return false;
	}
	read_thread(account, point);
	return true;
}

/* What the interval's clock advanced since the last reading, less what other intervals will have used since then. */
static uint64_t advanced(const struct ccp_meter_account *account, uint64_t total, const _Atomic uint64_t *sampled)
{
	double others = 0;

	for (unsigned s = 0; s < CCP_METER_BUSY; s++) {
		double wall = (double)(ccp_meter_get(&account->wall_ns[s]) - account->own.wall[s]);
		double of = (double)ccp_meter_get(&account->sampled_ns[s]);

		if (wall > 0 && of > 0)
			others += wall * (double)ccp_meter_get(&sampled[s]) / of;
	}
	return others < (double)total ? total - (uint64_t)others : 0;
}

/* Without a voluntary switch the thread did not block. The waits since the last reading have one each. */
struct ccp_meter_parts ccp_meter_divide(const struct ccp_meter_account *account, const struct ccp_meter_point *point,
					uint64_t length)
{
	uint64_t runq_before = ccp_meter_get(&account->runq_clock);
	uint64_t runq = point->runq > runq_before ? point->runq - runq_before : 0;
	struct ccp_meter_parts parts = { .cpu = advanced(account, point->cpu - account->own.cpu, account->cpu_ns) };

	if (parts.cpu > length)
		parts.cpu = length;
	parts.runq = advanced(account, runq, account->runq_ns);
	if (parts.runq > length - parts.cpu)
		parts.runq = length - parts.cpu;
	parts.blocked = length - parts.cpu - parts.runq;
	if (point->nvcsw - account->own.nvcsw <= account->own.slept) {
		*(parts.blocked < READING_NS ? &parts.cpu : &parts.runq) += parts.blocked;
		parts.blocked = 0;
	}
	return parts;
}

void ccp_meter_add_parts(struct ccp_meter_account *account, unsigned state, uint64_t length,
			 const struct ccp_meter_parts *parts)
{
	bool is_long = length >= account->own.long_ns;

	if (!is_long)
		ccp_meter_add(&account->sampled_ns[state], length);
	ccp_meter_add(is_long ? &account->long_cpu_ns[state] : &account->cpu_ns[state], parts->cpu);
	ccp_meter_add(is_long ? &account->long_runq_ns[state] : &account->runq_ns[state], parts->runq);
	ccp_meter_add(is_long ? &account->long_blocked_ns[state] : &account->blocked_ns[state], parts->blocked);
}
