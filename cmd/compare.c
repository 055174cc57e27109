/*
 * compare.c: the command compare: runs one command line under every strategy, checks that the outputs are the same, and
 * ranks them by time.
 *
 * Nothing is ranked unless all runs gave the same bytes and the same exit status: a plan that is fast and wrong is not
 * fast. Everything is measured from outside, in child processes of this program, as a person would see it: start and
 * end of the process included.
 */
#include "cmd/compare.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/signals.h"
#include "cmd/text.h"
#include "strategies/strategies.h"

#define ROUNDS_DEFAULT 5
#define WORDS_SHOWN 5 /* lines of a child's complaint */

static void print_error(const struct ccp_settings *s, const struct ccp_err *err)
{
	fprintf(stderr, "%s: compare: %s\n", s->program, err->text);
}

/* The first lines of what a child said, moved in. */
static void print_words(const char *words)
{
	for (int line = 0; line < WORDS_SHOWN && *words != '\0'; line++) {
		size_t len = strcspn(words, "\n");

		fprintf(stderr, "    %.*s\n", (int)len, words);
		words += len + (words[len] == '\n');
	}
}

static void print_status(const struct ccp_compare_run *run)
{
	if (run->status > 128)
		fprintf(stderr, "was killed by signal %d", run->status - 128);
	else
		fprintf(stderr, "ended with status %d", run->status);
}

/* One plan that gave something else. */
static void print_difference(const struct ccp_compare *c, const struct ccp_compare_plan *plan)
{
	const struct ccp_compare_plan *reference = &c->plan[c->reference];
	const struct ccp_compare_run *want = plan->has_odd ? &plan->first : &reference->first;
	const struct ccp_compare_run *run = plan->has_odd ? &plan->odd : &plan->first;

	fprintf(stderr, "%s: compare: %s ", c->settings->program, plan->label);
	if (run->status != want->status) {
		print_status(run);
		fprintf(stderr, ", not %d as %s\n", want->status, plan->has_odd ? "before" : reference->label);
	} else {
		fprintf(stderr, "gave other outputs than %s: xxh3 %016llx%016llx, not %016llx%016llx\n",
			plan->has_odd ? "before" : reference->label, (unsigned long long)run->digest.high,
			(unsigned long long)run->digest.low, (unsigned long long)want->digest.high,
			(unsigned long long)want->digest.low);
	}
	if (run->status != 0)
		print_words(plan->words);
}

/* Returns 0 if the runs so far may be ranked, or an exit status after a message. */
static int judge(const struct ccp_compare *c)
{
	const struct ccp_compare_plan *reference = &c->plan[c->reference];
	bool differs[CCP_COMPARE_PLANS], refused = false;

	switch (ccp_compare_judge(c->plan, c->plan_count, c->reference, differs)) {
	case CCP_COMPARE_SAME:
		return CCP_EXIT_OK;
	case CCP_COMPARE_FAILED:
		fprintf(stderr, "%s: compare: COMMAND ", c->settings->program);
		print_status(&reference->first);
		fprintf(stderr, " under every plan\n");
		print_words(reference->words);
		return reference->first.status == CCP_EXIT_USAGE ? CCP_EXIT_USAGE : CCP_EXIT_FAILED;
	case CCP_COMPARE_DIFFER:
		break;
	}
	for (size_t i = 0; i < c->plan_count; i++) {
		if (!differs[i])
			continue;
		print_difference(c, &c->plan[i]);
		refused |= c->plan[i].first.status == CCP_EXIT_USAGE;
	}
	fprintf(stderr, "%s: compare: nothing is ranked unless all plans give the same\n", c->settings->program);
	return refused ? CCP_EXIT_USAGE : CCP_EXIT_FAILED;
}

static int export_all(const struct ccp_compare *c)
{
	int status = CCP_EXIT_OK;

	for (size_t i = 0; i < c->settings->export_count; i++) {
		struct ccp_err err;

		if (ccp_compare_export(c, c->settings->exports[i], &err) != 0) {
			print_error(c->settings, &err);
			status = CCP_EXIT_FAILED;
		}
	}
	return status;
}

/* From the scratch folder to the table. */
static int run_all(struct ccp_compare *c)
{
	struct ccp_err err;
	int status = CCP_EXIT_FAILED;

	ccp_err_clear(&err);
	if (ccp_compare_export_check(c, &err) != 0 || ccp_compare_scratch_init(c, &err) != 0 ||
	    ccp_compare_warm_up(c, &err) != 0)
		goto out;
	status = judge(c);
	if (status != CCP_EXIT_OK)
		goto out;
	if (ccp_compare_measure(c, &err) != 0) {
		status = CCP_EXIT_FAILED;
		goto out;
	}
	status = judge(c);
	if (status != CCP_EXIT_OK)
		goto out;
	ccp_compare_rank(&c->ranking, c->plan, c->plan_count, c->round_count, c->host.cpus_online);
	ccp_compare_table(stdout, c);
	status = export_all(c);
out:
	ccp_compare_scratch_release(c);
	if (err.code == CCP_E_USAGE)
		return ccp_usage_error(c->settings, "compare: %s", err.text);
	if (ccp_err_is_error(&err) && err.code != CCP_E_CANCELLED)
		print_error(c->settings, &err);
	return status;
}

static int run(struct ccp_settings *s)
{
	const char *why = ccp_compare_digest_probe();
	struct ccp_compare *c;
	int status;

	if (why != NULL) {
		fprintf(stderr, "%s: compare is not built in: %s\n", s->program, why);
		return CCP_EXIT_FAILED;
	}
	s->rounds = s->rounds > 0 ? s->rounds : ROUNDS_DEFAULT;
	s->warmup = s->warmup > 0 ? s->warmup : 1;
	if (s->rounds > CCP_COMPARE_ROUNDS)
		return ccp_usage_error(s, "compare: more than %d rounds", CCP_COMPARE_ROUNDS);
	c = calloc(1, sizeof *c);
	if (c == NULL) {
		fprintf(stderr, "%s: out of memory\n", s->program);
		return CCP_EXIT_FAILED;
	}
	c->settings = s;
	c->input_fd = -1;
	c->random = CCP_COMPARE_SEED;
	ccp_host_read(&c->host);
	status = ccp_compare_command_init(&c->command, s, s->name_count, s->names);
	if (status == 0)
		status = ccp_compare_plans_init(c);
	if (status == 0) {
		/* what a child is told on its command line is all there is */
		unsetenv("CCPIPE_STRATEGY");
		unsetenv("CCPIPE_JOBS");
		for (size_t i = 0; c->left_out[i] != NULL && !s->quiet; i++)
			fprintf(stderr, "%s: compare: %s is left out: it cannot run here: %s\n", s->program,
				c->left_out[i]->name, c->left_out[i]->probe());
		status = run_all(c);
	}
	ccp_compare_plans_release(c);
	ccp_compare_command_release(&c->command);
	free(c);
	return status;
}

const struct ccp_command ccp_command_compare = {
	.name = "compare",
	.help = "run a command under every strategy, check that outputs are the same, and rank them",
	.operands = " -- COMMAND [OPTION]... [FILE]...",
	.bit = CCP_FOR_COMPARE,
	.run = run,
};
