/*
 * options_internal.h: a row of the table of options; between options_table.c and options.c.
 */
#ifndef CCP_CMD_OPTIONS_INTERNAL_H
#define CCP_CMD_OPTIONS_INTERNAL_H

#include "cmd/options.h"

enum ccp_option_kind {
	CCP_OPTION_HEADING, CCP_OPTION_SET, CCP_OPTION_TEXT, CCP_OPTION_CALL, CCP_OPTION_NOTHING,
	CCP_OPTION_MAYBE, /* CALL, but the argument may be left out: --name or --name=ARG */
};

struct ccp_option {
	unsigned commands;       /* CCP_FOR_… */
	char brief;              /* short option, or 0 */
	const char *name;        /* long option, or NULL */
	const char *argument;    /* name of the argument for the help, or NULL: takes none */
	enum ccp_option_kind kind;
	size_t field;            /* SET, CALL (an int), TEXT (a const char *) */
	int value;
	int (*call)(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
	const char *help;        /* NULL = not shown */
};

/* Ended by a row without commands. */
extern const struct ccp_option ccp_options[];

/* options_call.c: calls of rows. Each returns 0, or -1 after a message. */
int ccp_option_list(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_test(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_quiet(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_verbose(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_no_name(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_digit(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_sum(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_level(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_count(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_chunk(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_range(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_lines(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_blocksize(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_fsync(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_progress(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_profile(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_dry_run(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_inject(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_export(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_refuse(struct ccp_settings *settings, const struct ccp_option *option, const char *value);

/* options_sum.c: the same, for sums and what is common with them. */
int ccp_option_algorithm(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_tag(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_check_words(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_length(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_hint(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_depth(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_glob(struct ccp_settings *settings, const struct ccp_option *option, const char *value);

/* options_text.c: the same, for wc. */
int ccp_option_files0(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_wc(struct ccp_settings *settings, const struct ccp_option *option, const char *value);

/* options_grep.c: the same, for grep. */
int ccp_option_grep_pattern(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_grep_file(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_grep_number(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_grep_digit(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_grep_binary(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_grep_color(struct ccp_settings *settings, const struct ccp_option *option, const char *value);

/* options_sort.c: the same, for sort. */
int ccp_option_sort_key(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_sort_separator(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_sort_size(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_sort_check(struct ccp_settings *settings, const struct ccp_option *option, const char *value);

/* options_lines.c: the same, for uniq, head and tail. */
int ccp_option_uniq_number(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_ends_count(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_ends_digit(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_lines_refuse(struct ccp_settings *settings, const struct ccp_option *option, const char *value);

/* options_freq.c: the same, for freq. */
int ccp_option_freq_by(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_freq_separator(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_freq_number(struct ccp_settings *settings, const struct ccp_option *option, const char *value);

/* options_stats.c: the same, for stats. */
int ccp_option_stats_separator(struct ccp_settings *settings, const struct ccp_option *option, const char *value);

/* options_run.c: the same, for run and map. */
int ccp_option_run_timeout(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_run_retries(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_run_halt(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_map_by(struct ccp_settings *settings, const struct ccp_option *option, const char *value);

/* options_mr.c: the same, for mr. */
int ccp_option_mr_reducers(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_mr_split(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_mr_key(struct ccp_settings *settings, const struct ccp_option *option, const char *value);

/* options_tar.c: the same, for tar. */
int ccp_option_tar_mode(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_tar_dir(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_tar_sort(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_tar_owner(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_tar_mtime(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_tar_size(struct ccp_settings *settings, const struct ccp_option *option, const char *value);

/* options_net.c: the same, for inputs from the network. */
int ccp_option_net_depth(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_net_per_host(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_net_retries(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_net_connect(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_net_stall(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_net_rate(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_net_ranges(struct ccp_settings *settings, const struct ccp_option *option, const char *value);
int ccp_option_net_netrc(struct ccp_settings *settings, const struct ccp_option *option, const char *value);

static inline int *ccp_option_int(struct ccp_settings *settings, const struct ccp_option *option)
{
	return (int *)(void *)((char *)settings + option->field);
}

#endif
