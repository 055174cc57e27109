/*
 * proc_helper.c: the helper process.
 *
 * It sleeps on the socket to the parent and on a signalfd for SIGCHLD, forks on request, and tells deaths. It never
 * has a second thread, so a fork in it is always safe. When the parent dies the kernel kills it, and when it dies its
 * workers.
 */
#include "strategies/proc_helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define FORK_TRIES 5          /* after 1, 4, 16 and 64 ms: a full process table may empty */
#define END_PATIENCE_MS 10000 /* a worker that does not quit is killed; writing coverage or leak data takes time */

/* The helper's own. */
struct nest {
	const struct ccp_proc_setup *setup;
	int socket, deaths; /* socketpair, signalfd */
	pid_t pid;
	pid_t *worker; /* process of each box, 0 = none */
	unsigned living;
};

/* Waits for a child for sure. Returns -1 if there is none. */
static pid_t wait_child(pid_t pid, int *status, int flags)
{
	pid_t got;

	do
		got = wait4(pid, status, flags, NULL);
	while (got < 0 && errno == EINTR);
	return got;
}

/* Dies with its parent, which may be dead already. */
static void follow(pid_t parent, const char *name)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	prctl(PR_SET_NAME, name);
}

/* The parent decides what a signal from the terminal means; a worker that heeds it would look like a crash. */
static void quiet_signals(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGUSR1 };
	sigset_t none;

	for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++)
		signal(ignored[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void close_from_to(unsigned first, unsigned last)
{
	long limit;

	if (first > last || close_range(first, last, 0) == 0)
		return;
	limit = sysconf(_SC_OPEN_MAX); /* a kernel before 5.9 */
	for (unsigned fd = first; fd <= last && (limit < 0 || fd < (unsigned long)limit); fd++)
		close((int)fd);
}

/* Closes all but `keep` and 2. 0 and 1 become /dev/null: a reader of our output waits until all have closed it. */
static void keep_only(int *keep, unsigned count)
{
	unsigned first = 3;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null >= 0) {
		dup2(null, 0);
		dup2(null, 1);
	}
	for (unsigned i = 1; i < count; i++)
		for (unsigned k = i; k > 0 && keep[k - 1] > keep[k]; k--) {
			int swap = keep[k];
			keep[k] = keep[k - 1];
			keep[k - 1] = swap;
		}
	for (unsigned i = 0; i < count; i++) {
		if (keep[i] < (int)first)
			continue;
		close_from_to(first, (unsigned)keep[i] - 1);
		first = (unsigned)keep[i] + 1;
	}
	close_from_to(first, ~0u);
}

static void tell_parent(const struct nest *nest, enum ccp_helper_word word, unsigned worker, int value)
{
	struct ccp_helper_message message = { .word = word, .worker = worker, .value = value };

	while (send(nest->socket, &message, sizeof message, MSG_NOSIGNAL) < 0 && errno == EINTR)
		;
}

/* When memory runs out, let it be a worker, whose job is tried again, and not the parent. Needs no privilege. */
static void volunteer_for_oom(void)
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "500", 3) != 3) {
		/* then the kernel chooses as it likes */
	}
	close(fd);
}

static void become_worker(const struct nest *nest, unsigned index)
{
	sigset_t none;

	follow(nest->pid, "ccpipe-worker");
	volunteer_for_oom();
	close(nest->deaths);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* the socket stays open: its end tells the parent that the last of us is dead */
	ccp_proc_worker(nest->setup, index);
}

static void fork_worker(struct nest *nest, unsigned index)
{
	struct timespec pause = { .tv_sec = 0, .tv_nsec = 1000000 };
	pid_t pid = -1;

	for (unsigned i = 0; i < FORK_TRIES; i++) {
		pid = fork();
		if (pid >= 0)
			break;
		if (i + 1 < FORK_TRIES)
			nanosleep(&pause, NULL);
		pause.tv_nsec *= 4;
	}
	if (pid == 0)
		become_worker(nest, index);
	if (pid < 0) {
		tell_parent(nest, CCP_HELPER_FAILED, index, errno);
		return;
	}
	nest->worker[index] = pid;
	nest->living++;
	tell_parent(nest, CCP_HELPER_BORN, index, pid);
}

/* Buries who has died. `tell` the parent? */
static void reap(struct nest *nest, bool tell)
{
	struct signalfd_siginfo ignored;
	int status;
	pid_t pid;

	while (read(nest->deaths, &ignored, sizeof ignored) > 0)
		;
	while ((pid = wait_child(-1, &status, WNOHANG)) > 0)
		for (unsigned i = 0; i < nest->setup->workers; i++)
			if (nest->worker[i] == pid) {
				nest->worker[i] = 0;
				nest->living--;
				if (tell)
					tell_parent(nest, CCP_HELPER_DIED, i, status);
			}
}

static void kill_all(struct nest *nest)
{
	for (unsigned i = 0; i < nest->setup->workers; i++)
		if (nest->worker[i] > 0)
			kill(nest->worker[i], SIGKILL);
}

/* The workers are quitting: waits for the last. */
static void end(struct nest *nest)
{
	struct pollfd deaths = { .fd = nest->deaths, .events = POLLIN };

	for (;;) {
		reap(nest, false);
		if (nest->living == 0)
			break;
		if (poll(&deaths, 1, END_PATIENCE_MS) == 0)
			kill_all(nest);
	}
	free(nest->worker);
	ccp_proc_leave(0);
}

static _Noreturn void helper_main(struct nest *nest)
{
	struct pollfd fds[] = { { .fd = nest->socket, .events = POLLIN }, { .fd = nest->deaths, .events = POLLIN } };

	for (;;) {
		struct ccp_helper_message message;

		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			reap(nest, true);
		if (!fds[0].revents)
			continue;
		ssize_t n = recv(nest->socket, &message, sizeof message, MSG_DONTWAIT);
		if (n < 0)
			continue;
		if (n == 0) /* the parent closed it without a word: it is gone */
			kill_all(nest);
		if (n == 0 || message.word == CCP_HELPER_END)
			end(nest);
		else if (message.word == CCP_HELPER_FORK && message.worker < nest->setup->workers)
			fork_worker(nest, message.worker);
	}
}

static _Noreturn void become_helper(const struct ccp_proc_setup *setup, int socket, pid_t parent)
{
	int keep[] = { socket, setup->bell };
	struct nest nest = { .setup = setup, .socket = socket, .pid = getpid() };
	sigset_t child;

	follow(parent, "ccpipe-helper");
	quiet_signals();
	keep_only(keep, sizeof keep / sizeof *keep);
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, NULL);
	nest.deaths = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
	nest.worker = calloc(setup->workers, sizeof *nest.worker);
	if (nest.deaths < 0 || !nest.worker)
		_exit(1);
	helper_main(&nest);
}

/* ---- the parent's end ------------------------------------------------------------------------------------------ */

int ccp_helper_start(struct ccp_helper *helper, const struct ccp_proc_setup *setup, struct ccp_err *err)
{
	pid_t parent = getpid();
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return ccp_err_sys(err, errno, "socketpair");
	helper->pid = fork();
	if (helper->pid == 0)
		become_helper(setup, pair[1], parent);
	close(pair[1]);
	helper->socket = pair[0];
	if (helper->pid < 0) {
		ccp_err_sys(err, errno, "fork");
		close(pair[0]);
		helper->socket = -1;
		return -1;
	}
	return 0;
}

int ccp_helper_tell(const struct ccp_helper *helper, enum ccp_helper_word word, unsigned worker)
{
	struct ccp_helper_message message = { .word = word, .worker = worker };

	while (send(helper->socket, &message, sizeof message, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			return -1;
	return 0;
}

int ccp_helper_hear(const struct ccp_helper *helper, struct ccp_helper_message *message, bool wait)
{
	for (;;) {
		ssize_t n = recv(helper->socket, message, sizeof *message, wait ? 0 : MSG_DONTWAIT);

		if (n == (ssize_t)sizeof *message)
			return 1;
		if (n < 0 && errno == EINTR)
			continue;
		return n < 0 && errno == EAGAIN ? 0 : -1;
	}
}

int ccp_helper_finish(struct ccp_helper *helper)
{
	int status = 0;

	if (helper->socket >= 0)
		close(helper->socket);
	helper->socket = -1;
	if (helper->pid > 0)
		wait_child(helper->pid, &status, 0);
	helper->pid = -1;
	return status;
}
