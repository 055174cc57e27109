/*
 * compare.h: the parts of the command compare, from the command line to the ranking.
 *
 * compare_command.c   what COMMAND is, and the words of a child
 * compare_plans.c     which plans there are
 * compare_scratch.c   where outputs go, standard input again and again, cold files
 * compare_run.c       one child, and the rounds
 * compare_digest.c    whether outputs are the same
 * compare_stats.c     figures from times, and the ranking; pure
 * compare_table.c     the table
 * compare_export.c    JSON, CSV, Markdown
 * compare_html.c      the page with the picture
 */
#ifndef CCP_CMD_COMPARE_H
#define CCP_CMD_COMPARE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cmd/commands.h"
#include "cmd/options.h"
#include "pipeline/err.h"
#include "pipeline/plan.h"

#define CCP_COMPARE_SCHEMA "ccpipe.compare/1"
#define CCP_COMPARE_PLANS 64
#define CCP_COMPARE_ROUNDS 1000    /* at most */
#define CCP_COMPARE_SEED 20240229u /* of the order within a round, and of the resampling */
#define CCP_COMPARE_RESAMPLES 2000
#define CCP_COMPARE_NOISY_SHARE 0.05 /* of the machine's CPU time used by others: such a run says little */
#define CCP_COMPARE_NOISY_S 0.010    /* and at least a tick of /proc/stat */
#define CCP_COMPARE_LABEL 96
#define CCP_COMPARE_WORDS 1024 /* of a child's complaint */

enum ccp_compare_kind {
	CCP_COMPARE_FIXED,
	CCP_COMPARE_AUTO,
	CCP_COMPARE_REPLAY, /* the plan that auto came to, without the way to it; never the best */
};

/* 128 bits over all outputs of a run. */
struct ccp_compare_digest {
	uint64_t high, low;
};

/* One run of one plan. Units: s. */
struct ccp_compare_run {
	double wall, user, system;
	double external;   /* CPU time of everybody else meanwhile */
	uint64_t peak_rss; /* bytes, of its largest process */
	int status;        /* of exit, or 128 and the signal */
	bool noisy;
	struct ccp_compare_digest digest;
};

/* Figures of a plan over its rounds. Units: s. */
struct ccp_compare_stats {
	double mean, sigma, median, min, max; /* wall; sigma is 0 for one round */
	double user, system;                  /* means */
	uint64_t peak_rss;                    /* the highest */
	unsigned outliers, noisy;             /* rounds */
	double ratio, ratio_error;            /* of the median to the best one's; 1 sigma */
	double ratio_low, ratio_high;         /* 95 % of the resampled ratios */
};

struct ccp_compare_plan {
	enum ccp_compare_kind kind;
	bool serial;
	char strategy[CCP_COMPARE_LABEL]; /* as --strategy takes it */
	unsigned jobs;
	size_t twin; /* AUTO: its REPLAY, REPLAY: its AUTO; else its own place */
	char label[CCP_COMPARE_LABEL * 3];
	char chosen[CCP_COMPARE_LABEL]; /* AUTO: what it came to, or "" */
	struct ccp_compare_run first;   /* of the first warm-up: what all later runs must give again */
	struct ccp_compare_run odd;     /* a later run that did not, if there is one */
	bool has_odd;
	char words[CCP_COMPARE_WORDS]; /* what a run said on standard error that did not end with 0 */
	struct ccp_compare_run *runs;  /* one a round; in the end, those that count */
	struct ccp_compare_stats stats;
};

/* What auto has lost against the best plan by hand with no more workers. */
struct ccp_compare_regret {
	size_t plan, best; /* places */
	double ratio, ratio_low, ratio_high;
	double loss_s;
	bool split;        /* the two below are known */
	double overhead_s; /* of finding out: auto less its own plan, fixed */
	double choice_s;   /* of the choice: its plan, fixed, less the best */
};

/* The result. */
struct ccp_compare_ranking {
	size_t order[CCP_COMPARE_PLANS]; /* places by median */
	size_t best;                     /* never a REPLAY */
	double noise;                    /* share: smaller differences say nothing; 0 = one round cannot tell */
	double external;                 /* share of the machine's CPU time that others used */
	bool has_regret;
	struct ccp_compare_regret regret; /* of the auto with most workers */
};

enum ccp_compare_verdict { CCP_COMPARE_SAME, CCP_COMPARE_FAILED, CCP_COMPARE_DIFFER };

/* What COMMAND is. Memory: arrays and resolved names are its own, other strings those of the command line. */
struct ccp_compare_command {
	const struct ccp_command *command;
	struct ccp_settings settings; /* what it says */
	char **options;               /* its words that are no names */
	size_t option_count;
	char **names; /* ready for a child */
	bool *owned;
	size_t name_count;
	bool reads_stdin;
	bool to_dir; /* outputs beside the inputs */
};

struct ccp_compare {
	struct ccp_settings *settings;
	struct ccp_compare_command command;
	struct ccp_host host;
	struct ccp_compare_plan plan[CCP_COMPARE_PLANS];
	size_t plan_count;
	size_t reference;   /* the plan whose outputs are right: serial, or the first */
	size_t round_count; /* that count */
	size_t rounds_run;
	const struct ccp_strategy_ops *left_out[CCP_COMPARE_PLANS]; /* cannot run here; ended by NULL */
	char scratch[PATH_MAX / 2];
	int input_fd; /* standard input, if it is a file that can be opened again, or -1 */
	int64_t input_offset;
	uint64_t random;
	struct ccp_compare_ranking ranking;
};

/* --- compare_command.c --- */

/*
 * Reads COMMAND: `words`, ended by NULL. Returns 0, or an exit status after a message.
 */
int ccp_compare_command_init(struct ccp_compare_command *command, const struct ccp_settings *settings, size_t count,
			     char **words);
void ccp_compare_command_release(struct ccp_compare_command *command);

/*
 * The words of a child that runs `plan`; `save` = a file for the plan that auto comes to, or NULL.
 * Errors: NULL if there is no memory. Memory: returned, for ccp_compare_words_free.
 */
char **ccp_compare_words(const struct ccp_compare *compare, const struct ccp_compare_plan *plan, const char *save);
void ccp_compare_words_free(char **words);

/* Prints the command line of a plan as a person would type it, many names cut short. */
void ccp_compare_print_command(FILE *out, const struct ccp_compare *compare, const struct ccp_compare_plan *plan);

/* --- compare_plans.c --- */

/* Makes the plans from --strategies and -j. Returns 0, or an exit status after a message. */
int ccp_compare_plans_init(struct ccp_compare *compare);
void ccp_compare_plans_release(struct ccp_compare *compare);

/* The file for the plan that an AUTO comes to. Shape: `path` has room for PATH_MAX. */
void ccp_compare_plan_file(const struct ccp_compare *compare, const struct ccp_compare_plan *plan, char *path);

/*
 * Reads what an AUTO came to from its file, for its label; without one its REPLAY is dropped and false returned.
 */
bool ccp_compare_plan_chosen(struct ccp_compare *compare, size_t place);

/* --- compare_scratch.c --- */

/* Makes the scratch folder and keeps standard input for the rounds. Errors: -1. */
int ccp_compare_scratch_init(struct ccp_compare *compare, struct ccp_err *err);
void ccp_compare_scratch_release(struct ccp_compare *compare);

/* Makes the empty folder for a run's outputs; removes what the last run has left. Errors: -1. */
int ccp_compare_scratch_clear(const struct ccp_compare *compare, struct ccp_err *err);

/* Opens the standard input of the next run. Errors: -1. */
int ccp_compare_input(const struct ccp_compare *compare, struct ccp_err *err);

/* Drops the inputs from the page cache, as far as they are named. */
void ccp_compare_cool(const struct ccp_compare *compare);

/* --- compare_digest.c --- */

/* NULL if outputs can be compared, else the reason. */
const char *ccp_compare_digest_probe(void);

/*
 * Digests a run's outputs: names, sizes and contents of all files below `folder`, in the order of their names.
 * Errors: -1.
 */
int ccp_compare_digest_folder(struct ccp_compare_digest *digest, const char *folder, struct ccp_err *err);

/* --- compare_run.c --- */

/* Runs the warm-up rounds: fills `first` of all plans. Errors: -1; CCP_E_CANCELLED after a signal. */
int ccp_compare_warm_up(struct ccp_compare *compare, struct ccp_err *err);

/*
 * Runs the rounds, each with all plans in another order. A round in which others used the CPUs is run again, up to as
 * many times as there are rounds; the quietest count.
 * Errors: -1; CCP_E_CANCELLED after a signal. Stops at a run that gives other outputs than the plan's first.
 */
int ccp_compare_measure(struct ccp_compare *compare, struct ccp_err *err);

/* --- compare_stats.c --- */

/* The next of a sequence of random numbers (splitmix64). */
uint64_t ccp_compare_random(uint64_t *state);

/* Puts `order` into another order, every order being as likely. */
void ccp_compare_shuffle(size_t *order, size_t count, uint64_t *state);

/* Shape: 1 to CCP_COMPARE_ROUNDS values. */
double ccp_compare_median(const double *value, size_t count);

/* Fills mean, sigma, median, min, max and outliers. Shape: 1 to CCP_COMPARE_ROUNDS values. */
void ccp_compare_summarize(struct ccp_compare_stats *stats, const double *value, size_t count);

/* The range that holds 95 % of the ratios of medians, a to b, of resampled rounds; `a` and `b` are paired by round. */
void ccp_compare_bootstrap(const double *a, const double *b, size_t count, double *low, double *high);

/* Chooses the `wanted` quietest of `count` rounds, by noisy runs; the earlier if alike. They stay in their order. */
void ccp_compare_pick(const unsigned *noisy, size_t count, size_t wanted, size_t *picked);

/* Whether two runs ended in the same way with the same outputs. */
bool ccp_compare_same(const struct ccp_compare_run *a, const struct ccp_compare_run *b);

/*
 * Judges what the runs gave. SAME: all plans gave the same and ended well (0, or 2: warnings). FAILED: all alike, but
 * not well. DIFFER: `differs` says which plans gave something else than `reference`, or not always the same.
 */
enum ccp_compare_verdict ccp_compare_judge(const struct ccp_compare_plan *plan, size_t count, size_t reference,
					   bool *differs);

/* Computes the figures of all plans over `rounds` runs each, and ranks them. `cpus` of the machine. */
void ccp_compare_rank(struct ccp_compare_ranking *ranking, struct ccp_compare_plan *plan, size_t count, size_t rounds,
		      unsigned cpus);

/* --- compare_table.c, compare_export.c, compare_html.c --- */

void ccp_compare_table(FILE *out, const struct ccp_compare *compare);

/* Regret in words, without a full stop: "auto takes 1.02 times as long as …". Nothing if there is none. */
void ccp_compare_regret_words(FILE *out, const struct ccp_compare *compare);

/* Looks whether the files of --export can be made. Errors: -1. */
int ccp_compare_export_check(const struct ccp_compare *compare, struct ccp_err *err);

/* Writes one of them, whole or not at all. `what` is "json:FILE", "csv:FILE", "md:FILE" or "html:FILE". Errors: -1. */
int ccp_compare_export(const struct ccp_compare *compare, const char *what, struct ccp_err *err);

void ccp_compare_html(FILE *out, const struct ccp_compare *compare);

/* The model of the machine's CPU, or "unknown". Returns `text`. */
const char *ccp_compare_cpu_model(char *text, size_t room);

#endif
