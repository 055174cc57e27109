/*
 * proc_worker.c: the life of a worker process, and the faults that tests plant in it.
 *
 * It looks at the next entry of its box, sleeps on its state while there is nothing, runs the job where it lies (the
 * arena is at the same address in every process) and rings the collector's bell, but only if that sleeps. Nothing in
 * here takes a lock that another process might hold.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pipeline/memory.h"
#include "strategies/proc_box.h"

#define OOM_BYTES ((size_t)64 << 20) /* what a worker may take before it counts as out of memory */
#define OOM_STEP ((size_t)4 << 20)

/* There only in coverage builds. */
extern void __gcov_dump(void) __attribute__((weak));
extern int __llvm_profile_write_file(void) __attribute__((weak));

void ccp_futex_wait(_Atomic uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT, value, NULL, NULL, 0);
}

void ccp_futex_wake(_Atomic uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void ccp_proc_ring(const struct ccp_proc_setup *setup)
{
	uint64_t one = 1;

	if (!atomic_exchange(&setup->boxes->sleeping, 0))
		return;
	while (write(setup->bell, &one, sizeof one) < 0 && errno == EINTR)
		;
}

_Noreturn void ccp_proc_leave(int status)
{
	if (__gcov_dump)
		__gcov_dump();
	if (__llvm_profile_write_file)
		__llvm_profile_write_file();
	_exit(status);
}

/* ---- faults ---------------------------------------------------------------------------------------------------- */

int ccp_fault_parse(struct ccp_fault *fault, const char *text)
{
	static const char *const names[] = { "", "segv", "kill", "abort", "exit", "oom" };
	unsigned long long times = 1;
	char *end;

	memset(fault, 0, sizeof *fault);
	if (!text)
		return 0;
	const char *at = strchr(text, '@');
	if (!at || at[1] < '0' || at[1] > '9')
		return -1;
	for (unsigned i = CCP_FAULT_SEGV; i <= CCP_FAULT_OOM; i++)
		if (strlen(names[i]) == (size_t)(at - text) && strncmp(names[i], text, (size_t)(at - text)) == 0)
			fault->kind = (enum ccp_fault_kind)i;
	errno = 0;
	fault->seq = strtoull(at + 1, &end, 10);
	if (*end == 'x' && end[1] >= '0' && end[1] <= '9')
		times = strtoull(end + 1, &end, 10);
	if (fault->kind == CCP_FAULT_NONE || *end || errno || times > UINT16_MAX)
		return -1;
	fault->times = (unsigned)times;
	return 0;
}

/* Dies of a signal for sure: sanitizers have a handler for it, and a test has no use for a core file. */
static void die_of(int number)
{
	struct rlimit none = { 0, 0 };
	sigset_t set;

	setrlimit(RLIMIT_CORE, &none);
	signal(number, SIG_DFL);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	kill(getpid(), number);
	_exit(127);
}

/* Address space in use. Units: bytes. */
static rlim_t mapped_bytes(void)
{
	char text[32] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, text, sizeof text - 1) < 0)
		text[0] = '\0';
	if (fd >= 0)
		close(fd);
	return (rlim_t)strtoull(text, NULL, 10) * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* Takes memory until there is no more, under a limit that spares the machine, and ends as the kernel would end it. */
static void run_out_of_memory(void)
{
	rlim_t most = mapped_bytes() + OOM_BYTES;
	struct rlimit limit = { most, most };

	setrlimit(RLIMIT_AS, &limit);
	for (size_t taken = 0; taken < 2 * OOM_BYTES; taken += OOM_STEP) {
		void *more = mmap(NULL, OOM_STEP, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (more == MAP_FAILED)
			break;
		memset(more, 1, OOM_STEP);
	}
	die_of(SIGKILL);
}

static void maybe_fault(const struct ccp_fault *fault, const struct ccp_job *job)
{
	if (fault->kind == CCP_FAULT_NONE || job->seq != fault->seq || job->attempts > fault->times)
		return;
	switch (fault->kind) {
	case CCP_FAULT_SEGV:
		die_of(SIGSEGV);
		break;
	case CCP_FAULT_ABORT:
		die_of(SIGABRT);
		break;
	case CCP_FAULT_KILL:
		die_of(SIGKILL);
		break;
	case CCP_FAULT_EXIT:
		ccp_proc_leave(3);
	case CCP_FAULT_OOM:
		run_out_of_memory();
		break;
	case CCP_FAULT_NONE:
		break;
	}
}

/* ---- the worker ------------------------------------------------------------------------------------------------ */

static void work(const struct ccp_proc_setup *setup, struct ccp_worker *worker, struct ccp_job *job)
{
	job->attempts++;
	maybe_fault(&setup->fault, job);
	ccp_flow_run(setup->flow, worker, CCP_WORK, job);
}

/* Runs what the entry says. Returns the last stage that was run. */
static enum ccp_stage run(const struct ccp_proc_setup *setup, struct ccp_worker *worker,
			  const struct ccp_box_entry *entry)
{
	struct ccp_job *job = ccp_arena_job(ccp_flow_config(setup->flow)->arena, entry->slot);

	if (entry->stage == CCP_READ) {
		job->reopen = true;
		ccp_flow_run(setup->flow, worker, CCP_READ, job);
		if (!entry->fuse || ccp_err_is_error(&job->piece.err))
			return CCP_READ;
	}
	work(setup, worker, job);
	return CCP_WORK;
}

_Noreturn void ccp_proc_worker(const struct ccp_proc_setup *setup, unsigned index)
{
	struct ccp_box *box = &setup->boxes->box[index];
	struct ccp_worker worker = { .account = setup->account[index] };

	ccp_meter_mark(worker.account, CCP_METER_HUB);
	for (unsigned next = 0;;) {
		struct ccp_box_entry *entry = &box->entry[next % CCP_BOX_DEPTH];
		uint32_t state = atomic_load(&entry->state);

		if (state == CCP_BOX_QUIT)
			break;
		if (state != CCP_BOX_QUEUED) {
			ccp_meter_mark(worker.account, index >= atomic_load(&setup->boxes->wanted)
							       ? CCP_METER_PARKED
							       : (enum ccp_meter_state)atomic_load(
									 &setup->boxes->idle_state));
			ccp_futex_wait(&entry->state, state);
			ccp_meter_mark(worker.account, CCP_METER_HUB);
			continue;
		}
		if (!atomic_compare_exchange_strong(&entry->state, &state, CCP_BOX_BEGUN))
			continue; /* taken back */
		entry->stage = run(setup, &worker, entry);
		atomic_store(&entry->state, CCP_BOX_DONE);
		next++;
		ccp_proc_ring(setup);
	}
	ccp_worker_release(setup->flow, &worker);
	ccp_meter_close(worker.account);
	ccp_proc_leave(0);
}
