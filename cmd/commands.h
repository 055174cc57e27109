/*
 * commands.h: what a command is; one file a command defines one struct.
 */
#ifndef CCP_CMD_COMMANDS_H
#define CCP_CMD_COMMANDS_H

#include "cmd/options.h"

struct ccp_command {
	const char *name;
	const char *help;            /* one line */
	const char *operands;        /* for the usage line */
	unsigned bit;                /* CCP_FOR_…: its options */
	int (*run)(struct ccp_settings *settings); /* returns the exit status */
};

extern const struct ccp_command ccp_command_gzip, ccp_command_gunzip, ccp_command_cat, ccp_command_test,
	ccp_command_list, ccp_command_index, ccp_command_compare, ccp_command_info,
	ccp_command_sum, ccp_command_tar, ccp_command_wc, ccp_command_grep, ccp_command_freq, ccp_command_sort,
	ccp_command_stats,
	ccp_command_uniq, ccp_command_head, ccp_command_tail,
	ccp_command_run, ccp_command_map, ccp_command_mr;

/* All of them, ended by NULL. */
extern const struct ccp_command *const ccp_commands[];

#endif
