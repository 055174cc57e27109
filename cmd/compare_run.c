/*
 * compare_run.c: one child, and the rounds.
 *
 * A child is this very program with other words. Signals that would end us are blocked while it runs, and let in only
 * together with SIGCHLD by sigsuspend, so that none is missed between looking and waiting; the child gets them too.
 *
 * External load is what /proc/stat counts as busy meanwhile, less what the child has used. It chooses which rounds
 * count; times never do.
 */
#include "cmd/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cmd/signals.h"

static double now_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static double seconds_of(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* CPU seconds of the whole machine so far; those that the hypervisor gave to others count. -1 = unknown. */
static double busy_s(void)
{
	FILE *file = fopen("/proc/stat", "re");
	unsigned long long user, nice, system, idle, iowait, irq, softirq, steal;
	int found;

	if (file == NULL)
		return -1;
	found = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user, &nice, &system, &idle, &iowait, &irq,
		       &softirq, &steal);
	fclose(file);
	return found < 8 ? -1 : (double)(user + nice + system + irq + softirq + steal) / (double)sysconf(_SC_CLK_TCK);
}

static void on_child(int signal)
{
	(void)signal; /* it is enough that sigsuspend returns */
}

/* Waits for the child; hands a signal that ends us on to it, once. */
static int wait_child(pid_t child, struct rusage *usage)
{
	bool told = false;
	sigset_t none;
	int status;

	sigemptyset(&none);
	for (;;) {
		pid_t pid = wait4(child, &status, WNOHANG, usage);

		if (pid == child)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (pid < 0 && errno != EINTR)
			return 127;
		if (ccp_signals_caught() != 0 && !told) {
			kill(child, ccp_signals_caught());
			told = true;
		}
		sigsuspend(&none);
	}
}

/* Starts the child with its standard descriptors. Returns 0, or an errno. */
static int spawn(pid_t *child, char **words, const char *scratch, int input)
{
	char out[PATH_MAX], error[PATH_MAX];
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int result;

	snprintf(out, sizeof out, "%s/run/stdout", scratch);
	snprintf(error, sizeof error, "%s/stderr", scratch);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, input, 0);
	posix_spawn_file_actions_addopen(&actions, 1, out, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawn_file_actions_addopen(&actions, 2, error, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	result = posix_spawn(child, "/proc/self/exe", &actions, &attributes, words, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	return result;
}

/* Runs the child between two looks at the clocks. */
static int time_child(const struct ccp_compare *c, char **words, int input, struct ccp_compare_run *run,
		      struct ccp_err *err)
{
	struct sigaction action = { .sa_handler = on_child, .sa_flags = SA_NOCLDSTOP };
	const int blocked[] = { SIGCHLD, SIGHUP, SIGINT, SIGPIPE, SIGTERM, SIGXCPU };
	struct rusage usage = { 0 };
	double begin, busy, after;
	sigset_t set, old;
	int error;
	pid_t child;

	sigemptyset(&action.sa_mask);
	sigaction(SIGCHLD, &action, NULL);
	sigemptyset(&set);
	for (size_t i = 0; i < sizeof blocked / sizeof blocked[0]; i++)
		sigaddset(&set, blocked[i]);
	sigprocmask(SIG_BLOCK, &set, &old);
	busy = busy_s();
	begin = now_s();
	error = spawn(&child, words, c->scratch, input);
	if (error == 0)
		run->status = wait_child(child, &usage);
	run->wall = now_s() - begin;
	after = busy_s();
	sigprocmask(SIG_SETMASK, &old, NULL);
	if (error != 0)
		return ccp_err_sys(err, error, "this program cannot be started again");
	run->user = seconds_of(usage.ru_utime);
	run->system = seconds_of(usage.ru_stime);
	run->peak_rss = (uint64_t)usage.ru_maxrss * 1024;
	run->external = busy < 0 || after < 0 ? 0 : after - busy - run->user - run->system;
	if (run->external < 0)
		run->external = 0;
	run->noisy = run->external > CCP_COMPARE_NOISY_S &&
		     run->external > CCP_COMPARE_NOISY_SHARE * run->wall * c->host.cpus_online;
	return 0;
}

/* Keeps what a run said that did not end with 0. */
static void keep_words(const struct ccp_compare *c, struct ccp_compare_plan *plan)
{
	char path[PATH_MAX];
	size_t len = 0;
	FILE *file;

	snprintf(path, sizeof path, "%s/stderr", c->scratch);
	file = fopen(path, "re");
	if (file != NULL) {
		len = fread(plan->words, 1, sizeof plan->words - 1, file);
		fclose(file);
	}
	plan->words[len] = '\0';
}

/* One run of one plan, from an empty output folder to its digest. */
static int run_plan(const struct ccp_compare *c, struct ccp_compare_plan *plan, const char *save,
		    struct ccp_compare_run *run, struct ccp_err *err)
{
	char **words = ccp_compare_words(c, plan, save), folder[PATH_MAX];
	int result = -1, input = -1;

	*run = (struct ccp_compare_run){ 0 };
	if (words == NULL) {
		ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
		goto out;
	}
	if (ccp_compare_scratch_clear(c, err) != 0)
		goto out;
	if (c->settings->cold)
		ccp_compare_cool(c);
	input = ccp_compare_input(c, err);
	if (input < 0 || time_child(c, words, input, run, err) != 0)
		goto out;
	if (ccp_signals_caught() != 0) {
		ccp_err_set(err, CCP_E_CANCELLED, "interrupted");
		goto out;
	}
	snprintf(folder, sizeof folder, "%s/run", c->scratch);
	if (run->status != 0 && plan->words[0] == '\0')
		keep_words(c, plan);
	result = ccp_compare_digest_folder(&run->digest, folder, err);
out:
	if (input >= 0)
		close(input);
	ccp_compare_words_free(words);
	return result;
}

/* A line that is overwritten, for who watches. */
static void show(const struct ccp_compare *c, const char *what, size_t number, const struct ccp_compare_plan *plan)
{
	if (c->settings->quiet || !isatty(STDERR_FILENO))
		return;
	fputs("\r\033[K", stderr);
	if (plan != NULL)
		fprintf(stderr, "%s %zu: %s", what, number, plan->label);
}

int ccp_compare_warm_up(struct ccp_compare *c, struct ccp_err *err)
{
	int result = 0;

	for (int round = 0; round < c->settings->warmup && result == 0; round++) {
		/* the plans of auto's replays are there when their turn comes; the count may shrink on the way */
		for (size_t i = 0; i < c->plan_count && result == 0; i++) {
			struct ccp_compare_plan *plan = &c->plan[i];
			bool save = round == 0 && plan->kind == CCP_COMPARE_AUTO && plan->twin != i;
			struct ccp_compare_run run;
			char path[PATH_MAX];

			show(c, "warm-up", (size_t)round + 1, plan);
			ccp_compare_plan_file(c, plan, path);
			result = run_plan(c, plan, save ? path : NULL, &run, err);
			if (result != 0)
				break;
			if (round == 0) {
				plan->first = run;
			} else if (!ccp_compare_same(&run, &plan->first)) {
				plan->odd = run;
				plan->has_odd = true;
			}
			if (save)
				ccp_compare_plan_chosen(c, i);
		}
	}
	show(c, NULL, 0, NULL);
	return result;
}

/* One round: all plans in an order that is another each time. Returns 1 if a plan gave something else than before. */
static int run_round(struct ccp_compare *c, size_t round, unsigned *noisy, struct ccp_err *err)
{
	size_t order[CCP_COMPARE_PLANS];

	for (size_t i = 0; i < c->plan_count; i++)
		order[i] = i;
	ccp_compare_shuffle(order, c->plan_count, &c->random);
	*noisy = 0;
	for (size_t i = 0; i < c->plan_count; i++) {
		struct ccp_compare_plan *plan = &c->plan[order[i]];
		struct ccp_compare_run *run = &plan->runs[round];

		show(c, "round", round + 1, plan);
		if (run_plan(c, plan, NULL, run, err) != 0)
			return -1;
		*noisy += run->noisy;
		if (!ccp_compare_same(run, &plan->first)) {
			plan->odd = *run;
			plan->has_odd = true;
			return 1;
		}
	}
	return 0;
}

/* Leaves the rounds that count, in their order, at the beginning. */
static void keep_rounds(struct ccp_compare *c, const unsigned *noisy)
{
	size_t picked[CCP_COMPARE_ROUNDS];

	c->round_count = (size_t)c->settings->rounds;
	ccp_compare_pick(noisy, c->rounds_run, c->round_count, picked);
	for (size_t i = 0; i < c->plan_count; i++)
		for (size_t r = 0; r < c->round_count; r++)
			c->plan[i].runs[r] = c->plan[i].runs[picked[r]];
}

int ccp_compare_measure(struct ccp_compare *c, struct ccp_err *err)
{
	size_t wanted = (size_t)c->settings->rounds, quiet = 0;
	unsigned noisy[2 * CCP_COMPARE_ROUNDS];
	int result = 0;

	while (quiet < wanted && c->rounds_run < 2 * wanted && result == 0) {
		result = run_round(c, c->rounds_run, &noisy[c->rounds_run], err);
		quiet += result == 0 && noisy[c->rounds_run] == 0;
		c->rounds_run++;
	}
	show(c, NULL, 0, NULL);
	if (result == 0)
		keep_rounds(c, noisy);
	return result < 0 ? -1 : 0;
}
