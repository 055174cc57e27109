/*
 * signals.c: handlers that only set a flag and cancel the run.
 *
 * SIGPIPE is one of them: whoever closed the pipe wants no more, and outputs that are being written still have to be
 * cleaned up before the program dies by it. While there is nothing to clean up (all goes to standard output) the
 * program dies at once, because it may be blocked in a write that nobody will ever read.
 */
#include "cmd/signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "pipeline/run.h"

static _Atomic int caught;                 /* a signal's number; threads that upload ask for it, too */
static volatile sig_atomic_t status_asked;
static volatile sig_atomic_t at_once;      /* nothing would have to be cleaned up */
static volatile sig_atomic_t wake_fd = -1;
static const _Atomic pid_t *_Atomic children; /* process groups of their own */
static volatile unsigned children_count;
static struct timespec caught_at;
static rlim_t descriptors;                 /* the limit that was inherited; 0 = it was not changed */

#define PATIENCE_S 1 /* a signal after this long means: now */
#define PATIENCE_CHILDREN_S 3 /* the same if children have to be ended, which may take a second */

static void die(int number)
{
	signal(number, SIG_DFL);
	raise(number); /* delivered when the handler returns */
}

static void on_end(int number)
{
	int before = errno; /* whoever is interrupted may be about to look */
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if ((at_once && wake_fd < 0) ||
	    (caught != 0 &&
	     now.tv_sec > caught_at.tv_sec + (wake_fd < 0 ? PATIENCE_S : PATIENCE_CHILDREN_S))) {
		die(number);
		return;
	}
	ccp_signals_note(number);
	ccp_run_cancel();
	if (wake_fd >= 0) {
		const uint64_t one = 1;

		(void)!write(wake_fd, &one, sizeof one);
	}
	errno = before;
}

static void on_status(int signal)
{
	(void)signal;
	status_asked = 1;
}

static void signal_children(int number)
{
	const _Atomic pid_t *groups = children;

	for (unsigned i = 0; groups != NULL && i < children_count; i++) {
		pid_t group = groups[i];

		if (group > 0)
			kill(-group, number);
	}
}

/*
 * The terminal stops our process group only: the children's are others. We stop ourselves in the usual way, which goes
 * by the usual rules: who has no shell that could let it go on does not stop.
 */
static void on_stop(int number)
{
	struct sigaction usual = { .sa_handler = SIG_DFL }, ours;
	int before = errno;
	sigset_t set;

	signal_children(number);
	sigemptyset(&set);
	sigaddset(&set, number);
	sigaction(number, &usual, &ours);
	raise(number);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* it stops here */
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaction(number, &ours, NULL);
	signal_children(SIGCONT);
	errno = before;
}

/*
 * A closed descriptor 0, 1 or 2 would be given to the first file that is opened, and messages or data would go there.
 * The stand-ins are opened the wrong way round, so that reading or writing them fails as it would have.
 */
static void open_standard(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
			_exit(1);
}

/* As many descriptors as we may have: each file under way needs two. */
static void raise_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
		descriptors = limit.rlim_cur;
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

void ccp_signals_restore_descriptors(void)
{
	struct rlimit limit;

	if (descriptors == 0 || getrlimit(RLIMIT_NOFILE, &limit) != 0)
		return;
	limit.rlim_cur = descriptors;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static bool is_ignored(int signal)
{
	struct sigaction old;

	return sigaction(signal, NULL, &old) == 0 && old.sa_handler == SIG_IGN;
}

void ccp_signals_wake(int fd, const _Atomic pid_t *groups, unsigned count)
{
	struct sigaction quit = { .sa_handler = fd >= 0 ? on_end : SIG_DFL };
	struct sigaction stop = { .sa_handler = fd >= 0 ? on_stop : SIG_DFL, .sa_flags = SA_RESTART };

	children = NULL;
	children_count = count;
	children = groups;
	wake_fd = fd;
	sigemptyset(&quit.sa_mask);
	sigemptyset(&stop.sa_mask);
	if (!is_ignored(SIGQUIT))
		sigaction(SIGQUIT, &quit, NULL);
	if (!is_ignored(SIGTSTP))
		sigaction(SIGTSTP, &stop, NULL);
}

void ccp_signals_init(void)
{
	static const int ending[] = { SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGXCPU };
	struct sigaction action = { .sa_handler = on_end }; /* no SA_RESTART: a prompt or an open gives up */
	sigset_t none;

	open_standard();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGXFSZ, SIG_IGN); /* write says EFBIG instead */
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++)
		if (!is_ignored(ending[i]))
			sigaction(ending[i], &action, NULL);
	action.sa_handler = on_status;
	action.sa_flags = SA_RESTART;
	sigaction(SIGUSR1, &action, NULL);
	raise_descriptors();
}

void ccp_signals_clean(bool nothing_to_clean)
{
	at_once = nothing_to_clean;
}

int ccp_signals_caught(void)
{
	return caught;
}

void ccp_signals_note(int signal)
{
	if (caught != 0)
		return;
	clock_gettime(CLOCK_MONOTONIC, &caught_at); /* patience is counted from here, whoever notes it */
	caught = signal;
}

bool ccp_signals_status_asked(void)
{
	bool asked = status_asked != 0;

	status_asked = 0;
	return asked;
}

bool ccp_signals_foreground(void)
{
	return !is_ignored(SIGINT);
}

bool ccp_signals_pipe_ignored(void)
{
	return is_ignored(SIGPIPE);
}

void ccp_signals_die(int number)
{
	sigset_t set;

	signal(number, SIG_DFL);
	raise(number);
	/* not reached unless it is blocked */
	sigemptyset(&set);
	sigaddset(&set, number);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
}
