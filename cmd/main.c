/*
 * main.c: finds the command, reads its options, runs it, and ends as the parent expects: with a status, or by the
 * signal that cancelled it.
 *
 * Called gzip, gunzip or zcat, the program is the persona of GNU gzip. The rule is GNU gzip's own: a name that
 * begins with "un" or "gun" decompresses, one like zcat decompresses to standard output. Called sha256sum or the like,
 * it is the persona of coreutils (sum_persona.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/signals.h"
#include "cmd/sum.h"
#include "cmd/sum_words.h"
#include "version.h"

#define PROGRAM "ccpipe"

const struct ccp_command *const ccp_commands[] = {
	&ccp_command_gzip, &ccp_command_gunzip, &ccp_command_cat,
	&ccp_command_test, &ccp_command_list, &ccp_command_index, &ccp_command_sum, &ccp_command_tar, &ccp_command_wc,
	&ccp_command_grep, &ccp_command_freq, &ccp_command_stats,
	&ccp_command_sort,
	&ccp_command_uniq, &ccp_command_head, &ccp_command_tail,
	&ccp_command_run, &ccp_command_map, &ccp_command_mr,
	&ccp_command_compare, &ccp_command_info, NULL,
};

static const struct ccp_command *find_command(const char *name)
{
	for (const struct ccp_command *const *command = ccp_commands; *command != NULL; command++)
		if (strcmp((*command)->name, name) == 0)
			return *command;
	return ccp_sum_is_algorithm(name) ? &ccp_command_sum : NULL;
}

static void print_version(const struct ccp_settings *s)
{
	if (s->gnu)
		printf("%s (ccpipe) %s\n", s->program, CCP_VERSION);
	else
		printf("ccpipe %s\n", CCP_VERSION);
}

static void print_help(const struct ccp_settings *s, const struct ccp_command *command)
{
	if (s->bit & (CCP_FOR_SUM | CCP_FOR_SUM_PERSONA)) {
		ccp_sum_help_begin(s);
		ccp_options_help(stdout, s->bit);
		ccp_sum_help_end(s);
		return;
	}
	if (s->gnu) {
		printf("Usage: %s [OPTION]... [FILE]...\n"
		       "Compress or uncompress FILEs (by default, compress FILES in-place).\n\n"
		       "Mandatory arguments to long options are mandatory for short options too.\n\n",
		       s->program);
	} else {
		printf("Usage: %s %s [OPTION]...%s\n%c%s.\n", s->program, command->name, command->operands,
		       command->help[0] - 'a' + 'A', command->help + 1);
	}
	ccp_options_help(stdout, s->bit);
	if (s->gnu || !(s->bit & (CCP_FOR_INFO | CCP_FOR_COMPARE | CCP_FOR_INDEX | CCP_FOR_TAR | CCP_FOR_RUN |
				   CCP_FOR_MAP)))
		printf("\nWith no FILE, or when FILE is -, read standard input.\n");
	if (s->gnu)
		printf("\nThis is ccpipe under the name %s; see ccpipe(1).\n", s->program);
}

static void print_overview(FILE *out)
{
	fprintf(out, "Usage: " PROGRAM " COMMAND [OPTION]... [FILE]...\n\nCommands:\n");
	for (const struct ccp_command *const *command = ccp_commands; *command != NULL; command++)
		fprintf(out, "  %-10s %s\n", (*command)->name, (*command)->help);
	fprintf(out, "  %-10s %s\n", "help", "this, or the help of a command");
	fprintf(out, "\nShort forms of 'sum -a NAME': ");
	ccp_sum_print_algorithms(out);
	fputc('\n', out);
	fprintf(out, "\nExamples:\n"
		     "  ccpipe gzip -r logs/             compress a tree, with all CPUs; sources are kept\n"
		     "  ccpipe gzip --rm -9 big.tar      and remove the source once the output is safe\n"
		     "  tar c dir | ccpipe gzip >d.tgz   in a pipe\n"
		     "  ccpipe test *.gz                 check\n\n"
		     "'ccpipe COMMAND --help' tells the options, ccpipe(1) the rest.\n");
}

/* Output that was buffered may fail as late as here. */
static int flush(const char *program, int status)
{
	errno = 0;
	if ((fflush(stdout) == 0 && !ferror(stdout)) || ccp_signals_caught() != 0)
		return status;
	fprintf(stderr, "%s: standard output: %s\n", program, errno != 0 ? strerror(errno) : "write error");
	return status == CCP_EXIT_OK ? CCP_EXIT_FAILED : status;
}

static int run_command(struct ccp_settings *s, const struct ccp_command *command, int argc, char **argv)
{
	int status = CCP_EXIT_OK;

	if (ccp_options_parse(s, argc, argv) != 0)
		status = s->gnu ? CCP_EXIT_FAILED : s->bit == CCP_FOR_GREP ? 2 : CCP_EXIT_USAGE;
	else if (s->act == CCP_ACT_HELP)
		print_help(s, command);
	else if (s->act == CCP_ACT_VERSION)
		print_version(s);
	else if (s->act == CCP_ACT_LICENSE)
		printf("%s (ccpipe) %s\nSee the file LICENSE that came with it.\n", s->program, CCP_VERSION);
	else
		status = command->run(s);
	ccp_settings_release(s);
	if (s->bit & CCP_FOR_SUM_PERSONA)
		return ccp_sum_flush(s, status);
	return flush(s->program, status);
}

/* Whether the program was called by a name of GNU gzip; sets what the name asks for. */
static bool is_gnu_name(struct ccp_settings *s, const char *name)
{
	bool gunzip = strncmp(name, "un", 2) == 0 || strncmp(name, "gun", 3) == 0;
	bool cat = (name[0] != '\0' && strcmp(name + 1, "cat") == 0) || strcmp(name, "gzcat") == 0;

	if (!gunzip && !cat && strcmp(name, "gzip") != 0)
		return false;
	ccp_settings_init(s, name, name, CCP_FOR_GNU);
	s->decompress = gunzip || cat;
	s->to_stdout = cat;
	return true;
}

/* With what the name of the command says already. */
static void init_settings(struct ccp_settings *s, const struct ccp_command *command, const char *name)
{
	ccp_settings_init(s, PROGRAM, name, command->bit);
	if (strcmp(command->name, name) != 0) { /* an algorithm, short for sum -a */
		s->sum.lists[s->sum.list_count++] = name;
		s->sum.said = true;
	}
}

static int run_program(int argc, char **argv)
{
	const char *slash = strrchr(argv[0], '/'), *name = slash != NULL ? slash + 1 : argv[0];
	const struct ccp_command *command;
	struct ccp_settings settings;

	if (is_gnu_name(&settings, name))
		return run_command(&settings, &ccp_command_gzip, argc, argv);
	if (ccp_sum_persona(&settings, argv[0], name))
		return run_command(&settings, &ccp_command_sum, argc, argv);
	if (argc < 2) {
		print_overview(stderr);
		return CCP_EXIT_USAGE;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		printf("ccpipe %s\n", CCP_VERSION);
		return flush(PROGRAM, CCP_EXIT_OK);
	}
	if (argc == 2 && (strcmp(argv[1], "help") == 0 || strcmp(argv[1], "--help") == 0 ||
			  strcmp(argv[1], "-h") == 0)) {
		print_overview(stdout);
		return flush(PROGRAM, CCP_EXIT_OK);
	}
	command = find_command(strcmp(argv[1], "help") == 0 ? argv[2] : argv[1]);
	if (command == NULL) {
		fprintf(stderr, PROGRAM ": '%s' is no command; 'ccpipe --help' lists them\n",
			strcmp(argv[1], "help") == 0 ? argv[2] : argv[1]);
		return CCP_EXIT_USAGE;
	}
	init_settings(&settings, command, strcmp(argv[1], "help") == 0 ? argv[2] : argv[1]);
	if (strcmp(argv[1], "help") == 0) {
		print_help(&settings, command);
		return flush(PROGRAM, CCP_EXIT_OK);
	}
	return run_command(&settings, command, argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	int status;

	ccp_signals_init();
	if (argc < 1)
		return CCP_EXIT_USAGE;
	status = run_program(argc, argv);
	if (ccp_signals_caught() != 0)
		ccp_signals_die(ccp_signals_caught());
	return status;
}
