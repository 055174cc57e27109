/*
 * supervise.c: runs a command, does something to it, and tells how it ended.
 *
 * usage: supervise [-t SECONDS] [-k SIGNAL@MICROSECONDS]... [-w SIGNAL@MICROSECONDS]... [-c SIGNAL@MICROSECONDS]...
 *                  [-a COMMAND] [-o MILLISECONDS] [-i SIGNAL] [-m] [-s] REPORT COMMAND [ARGUMENT]...
 *
 *   -t   the longest that it may take (20); then it and all that came of it are killed, and it counts as hung
 *   -k   sends it a signal so long after its start (may be given 8 times)
 *   -w   sends the signal to one of the children of its children instead, chosen by the clock
 *   -c   sends the signal to its first child instead
 *   -a   the command stops itself before main (preload_stop.so): COMMAND (split at blanks, then the process id) is
 *        started and must attach to it as a tracer; then it goes on
 *   -o   how long its descendants may live after it (1000); those that live longer are orphans, and are killed
 *   -i   the command starts with that signal ignored; all others are as they are by default
 *   -m   measures memory: the proportional set sizes of it and its descendants, summed, the largest of many looks
 *   -s   the standard input of the command is /dev/null and it begins a session of its own
 *
 * REPORT becomes one line: HOW NUMBER wall_us=N orphans=N rss_kb=N pss_kb=N, where HOW is exit, signal or hang.
 * rss_kb is the most that any one process has had. The exit status is 0 if there is a report.
 *
 * Descendants whose parent dies become ours (PR_SET_CHILD_SUBREAPER), so none can escape unseen.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define EVENTS 8
#define FAMILY 256
#define SAMPLE_US 4000

struct event {
	int signal;
	int64_t at_us;
	int option; /* k, w or c */
};

static int64_t now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "supervise: %s: %s\n", what, strerror(errno));
	exit(2);
}

static unsigned list_children(pid_t pid, pid_t *children)
{
	char path[64];
	unsigned count = 0;
	int child;

	snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)pid, (int)pid);
	FILE *list = fopen(path, "re");
	if (!list)
		return 0;
	while (count < FAMILY && fscanf(list, "%d", &child) == 1)
		children[count++] = child;
	fclose(list);
	return count;
}

/* Adds the children of `pid` and theirs to `family`. Returns the new count. */
static unsigned descend(pid_t pid, pid_t *family, unsigned count)
{
	pid_t children[FAMILY];
	unsigned child_count = list_children(pid, children);

	for (unsigned i = 0; i < child_count && count < FAMILY; i++) {
		family[count++] = children[i];
		count = descend(children[i], family, count);
	}
	return count;
}

/* A number of /proc/PID/FILE, in KiB: that behind `name`. */
static long read_kb(pid_t pid, const char *file, const char *name)
{
	char path[64], line[256];
	long value = 0;

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
	FILE *in = fopen(path, "re");
	if (!in)
		return 0;
	while (fgets(line, sizeof line, in))
		if (strncmp(line, name, strlen(name)) == 0)
			value = strtol(line + strlen(name), NULL, 10);
	fclose(in);
	return value;
}

static long sum_pss(pid_t pid)
{
	pid_t family[FAMILY];
	unsigned count = descend(pid, family, 0);
	long sum = read_kb(pid, "smaps_rollup", "Pss:");

	for (unsigned i = 0; i < count; i++)
		sum += read_kb(family[i], "smaps_rollup", "Pss:");
	return sum;
}

static struct event parse_event(const char *text, int option)
{
	char *end;
	struct event event = { .signal = (int)strtol(text, &end, 10), .option = option };

	if (*end != '@') {
		fprintf(stderr, "supervise: '%s' is not SIGNAL@MICROSECONDS\n", text);
		exit(2);
	}
	event.at_us = strtoll(end + 1, NULL, 10);
	return event;
}

static void fire(const struct event *event, pid_t pid)
{
	pid_t children[FAMILY], workers[FAMILY];
	unsigned child_count, worker_count = 0;

	if (event->option == 'k') {
		kill(pid, event->signal);
		return;
	}
	child_count = list_children(pid, children);
	if (event->option == 'c') {
		if (child_count > 0)
			kill(children[0], event->signal);
		return;
	}
	if (child_count > 0)
		worker_count = list_children(children[0], workers);
	if (worker_count > 0)
		kill(workers[(uint64_t)now_us() % worker_count], event->signal);
}

/* Starts the tracer and waits until the stopped process has it. */
static pid_t attach(const char *command, pid_t pid)
{
	char text[1024], number[16], *words[64];
	unsigned count = 0;
	char *rest;

	snprintf(text, sizeof text, "%s", command);
	snprintf(number, sizeof number, "%d", (int)pid);
	for (char *word = strtok_r(text, " ", &rest); word && count < 62; word = strtok_r(NULL, " ", &rest))
		words[count++] = word;
	words[count++] = number;
	words[count] = NULL;

	pid_t tracer = fork();
	if (tracer == 0) {
		sigset_t none;

		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		execvp(words[0], words);
		_exit(127);
	}
	for (unsigned i = 0; i < 5000 && read_kb(pid, "status", "TracerPid:") == 0; i++) {
		if (waitpid(tracer, NULL, WNOHANG) == tracer)
			return -1;
		usleep(1000);
	}
	return tracer;
}

/* The tracer is spared: it ends by itself, when it has written down what it saw. */
static void kill_family(pid_t pid)
{
	pid_t family[FAMILY];
	unsigned count = descend(pid, family, 0);

	kill(pid, SIGKILL);
	for (unsigned i = 0; i < count; i++)
		kill(family[i], SIGKILL);
}

/* Waits for descendants that outlive the command, kills what is left. Returns how many those were. */
static unsigned bury_orphans(int64_t patience_us, pid_t tracer)
{
	int64_t until = now_us() + patience_us;
	pid_t family[FAMILY];
	unsigned left, orphans = 0;

	for (;;) {
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
		left = descend(getpid(), family, 0);
		if (left == 0 || now_us() >= until)
			break;
		usleep(500);
	}
	for (unsigned i = 0; i < left; i++) {
		if (family[i] != tracer)
			orphans++;
		kill(family[i], SIGKILL);
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	return orphans;
}

int main(int argc, char **argv)
{
	struct event events[EVENTS];
	unsigned event_count = 0, fired = 0;
	int64_t limit_us = 20000000, patience_us = 1000000;
	const char *tracer_command = NULL;
	bool measures = false, detached = false, hung = false;
	long pss_kb = 0;
	int option, ignored = 0;

	while ((option = getopt(argc, argv, "+t:k:w:c:a:o:i:ms")) != -1) {
		switch (option) {
		case 't':
			limit_us = (int64_t)(strtod(optarg, NULL) * 1e6);
			break;
		case 'k':
		case 'w':
		case 'c':
			if (event_count < EVENTS)
				events[event_count++] = parse_event(optarg, option);
			break;
		case 'a':
			tracer_command = optarg;
			break;
		case 'o':
			patience_us = strtoll(optarg, NULL, 10) * 1000;
			break;
		case 'i':
			ignored = (int)strtol(optarg, NULL, 10);
			break;
		case 'm':
			measures = true;
			break;
		case 's':
			detached = true;
			break;
		default:
			return 2;
		}
	}
	if (argc - optind < 2) {
		fprintf(stderr, "usage: supervise [OPTION]... REPORT COMMAND...\n");
		return 2;
	}
	const char *report = argv[optind++];
	int report_fd = open(report, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (report_fd < 0)
		die(report);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		die("prctl");

	sigset_t child, before;
	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	sigprocmask(SIG_BLOCK, &child, &before);
	int64_t start = now_us();
	pid_t pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0) {
		for (int number = 1; number < NSIG; number++)
			signal(number, number == ignored ? SIG_IGN : SIG_DFL);
		sigemptyset(&before);
		sigprocmask(SIG_SETMASK, &before, NULL);
		if (detached) {
			int null = open("/dev/null", O_RDONLY);

			setsid();
			dup2(null, 0);
			close(null);
		}
		execvp(argv[optind], argv + optind);
		_exit(127);
	}

	pid_t tracer = 0;
	int status = 0;
	struct rusage usage = { .ru_maxrss = 0 };
	for (;;) {
		pid_t got = wait4(pid, &status, tracer_command ? WNOHANG | WUNTRACED : WNOHANG, &usage);

		if (got == pid && WIFSTOPPED(status)) {
			if (tracer_command && tracer == 0) {
				tracer = attach(tracer_command, pid);
				if (tracer < 0) {
					kill(pid, SIGKILL);
					fprintf(stderr, "supervise: the tracer did not attach\n");
					return 3;
				}
				start = now_us();
			}
			kill(pid, SIGCONT);
			continue;
		}
		if (got == pid)
			break;

		int64_t now = now_us() - start, next = limit_us;
		while (fired < event_count && events[fired].at_us <= now)
			fire(&events[fired++], pid);
		if (now >= limit_us && !hung) {
			hung = true;
			kill_family(pid);
		}
		if (measures) {
			long seen = sum_pss(pid);

			if (seen > pss_kb)
				pss_kb = seen;
			next = now + SAMPLE_US;
		}
		if (fired < event_count && events[fired].at_us < next)
			next = events[fired].at_us;
		int64_t wait_us = hung ? 10000 : next - now;
		if (wait_us > 200000)
			wait_us = 200000; /* in case that a signal was lost */
		if (wait_us > 0) {
			struct timespec pause = { .tv_sec = wait_us / 1000000, .tv_nsec = wait_us % 1000000 * 1000 };

			sigtimedwait(&child, NULL, &pause);
		}
	}
	int64_t wall = now_us() - start;
	unsigned orphans = bury_orphans(patience_us, tracer);

	dprintf(report_fd, "%s %d wall_us=%lld orphans=%u rss_kb=%ld pss_kb=%ld\n",
		hung                  ? "hang"
		: WIFSIGNALED(status) ? "signal"
				      : "exit",
		WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), (long long)wall, orphans, usage.ru_maxrss,
		pss_kb);
	return 0;
}
