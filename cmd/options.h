/*
 * options.h: what the user asked for. One table of options serves parsing, --help and completion.
 */
#ifndef CCP_CMD_OPTIONS_H
#define CCP_CMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include "cmd/profile.h"
#include "pipeline/codec/digest_set.h"
#include "pipeline/inject.h"
#include "pipeline/net/fetch.h"
#include "pipeline/plan.h"
#include "pipeline/sort/order.h"
#include "pipeline/tar_layout.h"
#include "pipeline/transform.h"

/* The commands that an option belongs to. CCP_FOR_GNU is the persona gzip, gunzip, zcat. */
enum {
	CCP_FOR_GZIP = 1u << 0,
	CCP_FOR_GUNZIP = 1u << 1,
	CCP_FOR_CAT = 1u << 2,
	CCP_FOR_TEST = 1u << 3,
	CCP_FOR_LIST = 1u << 4,
	CCP_FOR_INFO = 1u << 5,
	CCP_FOR_GNU = 1u << 6,
	CCP_FOR_COMPARE = 1u << 7,
	CCP_FOR_INDEX = 1u << 9,
	CCP_FOR_SUM = 1u << 10,     /* ccpipe sum, ccpipe sha256, … */
	CCP_FOR_HASHSUM = 1u << 11, /* the personas md5sum, sha1sum, sha224sum, … */
	CCP_FOR_B2SUM = 1u << 12,
	CCP_FOR_CKSUM = 1u << 13,
	CCP_FOR_TAR = 1u << 14,
	CCP_FOR_WC = 1u << 15,
	CCP_FOR_GREP = 1u << 16,
	CCP_FOR_FREQ = 1u << 17,
	CCP_FOR_STATS = 1u << 18,
	CCP_FOR_SORT = 1u << 19,
	CCP_FOR_RUN = 1u << 20,
	CCP_FOR_MAP = 1u << 21,
	CCP_FOR_MR = 1u << 23,
	CCP_FOR_UNIQ = 1u << 24,
	CCP_FOR_HEAD = 1u << 25,
	CCP_FOR_TAIL = 1u << 26,
};
#define CCP_FOR_SUM_PERSONA (CCP_FOR_HASHSUM | CCP_FOR_B2SUM | CCP_FOR_CKSUM)

#define CCP_EXPORTS 16 /* of one command line, at most */
#define CCP_GLOBS 64   /* of --include, and as many of --exclude */

enum { CCP_EXIT_OK, CCP_EXIT_FAILED, CCP_EXIT_WARNING, CCP_EXIT_USAGE = 64 };

enum ccp_progress_kind { CCP_PROGRESS_AUTO, CCP_PROGRESS_NONE, CCP_PROGRESS_PLAIN, CCP_PROGRESS_JSON };

/* What is to be done instead of the command itself. */
enum { CCP_ACT_RUN, CCP_ACT_HELP, CCP_ACT_VERSION, CCP_ACT_LICENSE };

/* What was said to sum and its personas. Integers as below. */
struct ccp_sum_settings {
	const char *lists[CCP_DIGEST_SET_MAX]; /* of -a, or the command's or the persona's own algorithm */
	size_t list_count;
	bool said;                   /* the algorithm is not just the default */
	struct ccp_digest_set set;   /* of these lists, with the length: ccp_sum_settle */
	int check, tag, untagged, zero;
	int binary;                  /* -1, or 0 for -t, 1 for -b */
	int ignore_missing, status, strict, warn;
	const char *length;          /* of -l, as it was said; NULL = not */
	uint64_t length_bits;        /* the same; 0 = each algorithm's own */
	unsigned runs;               /* that have ended */
	int output_error;            /* errno of the first write to standard output that failed, or 0 */
};

/* What was said to tar. */
struct ccp_tar_settings {
	int mode;                    /* 'c', 't', 'x'; 0 = not said */
	const char *file, *dir;      /* -f, -C; NULL = not said */
	int gzip;                    /* -z */
	int overwrite;               /* replace what exists: the archive, or with -x members */

	/* -c */
	struct ccp_tar_owner owner, group;
	int numeric_owner;
	bool has_mtime;
	int64_t mtime;               /* of all members, if has_mtime */

	/* -x */
	int devices, keep_setid, same_owner, drop_mtime;
	uint64_t max_size;           /* 0 = not said */
};

/* What was said to grep. */
struct ccp_grep_settings {
	char *patterns;              /* of -e and -f, a newline after each; released by ccp_settings_release */
	size_t patterns_len;
	bool said;                   /* there was a -e or a -f, perhaps of an empty file */
	int syntax;                  /* enum ccp_grep_syntax */
	int ignore_case, invert, words, whole_lines;
	int count, only_matching, quiet, no_messages;
	int list;                    /* 'l', 'L', or 0 */
	int with_name;               /* -1 = not said */
	int numbers, offsets, null_names, null_lines;
	int binary;                  /* 'b' or 0 as GNU, 't' = text, 'w' = without match */
	int color, line_buffered;    /* color: 'n' or 0, 'a' = always, 't' = on a terminal */
	bool has_max, has_before, has_after, has_around;
	uint64_t max, before, after, around;
	const char *separator;       /* between groups of lines; NULL = -- */
	int no_separator;
	const char *label;           /* name of standard input; NULL = (standard input) */
};

/* What was said to sort. */
struct ccp_sort_settings {
	struct ccp_sort_order order; /* its keys */
	int numeric, fold, reverse, skip_blanks, unique, stable;
	int separator, separated;    /* the byte, and whether there is one */
	int null_lines;
	int check;                   /* 'c', 'C', or 0 */
	int merge;
	char size[32];               /* of -S */
	const char *tmpdir;          /* NULL = not said */
};

/* What was said to uniq. */
struct ccp_uniq_settings {
	int count, repeated, unique, ignore_case, null_lines;
	uint64_t skip_fields, skip_chars;
	bool has_check_chars;
	uint64_t check_chars;
};

/* What was said to head and tail. */
struct ccp_ends_settings {
	bool said;                   /* how much is wanted; else 10 lines */
	bool bytes;                  /* of `count`, else lines */
	char sign;                   /* before it: '-', '+', or 0 */
	uint64_t count;
	int headers;                 /* 'q' = none, 'v' = always, 0 = if there are several inputs */
	int null_lines;
};

/* What was said to freq. */
struct ccp_freq_settings {
	int by;                      /* enum ccp_freq_by */
	uint64_t field;              /* of --by field=N */
	const char *regex;           /* of --by regex=RE */
	bool has_separator;
	char separator;
	int ignore_case, csv;
	uint64_t top, least;         /* 0 = not said */
};

/* What was said to stats. */
struct ccp_stats_settings {
	const char *field, *by;      /* NULL = the first; all together */
	const char *quantiles;       /* NULL = not said */
	int csv, tsv, header, to_csv;
	bool separated;
	char separator;
};

/* What was said to run and map. */
struct ccp_run_settings {
	int number;                  /* arguments of a job; 0 = not said */
	int many;                    /* -X */
	const char *arg_file;        /* -a; NULL = not said */
	uint64_t timeout_ns;         /* 0 = none */
	int retries;
	int halt;                    /* enum ccp_crew_halt */
	int halt_failures;
	const char *joblog;          /* NULL = none */
	int resume;                  /* 'r' = --resume, 'f' = --retry-failed, or 0 */
	int tag, dry_run;
	int by;                      /* of map: 'l' = lines, 'f' = files, 's' or 0 = bytes */
	uint64_t by_count;           /* so many */
};

/* What was said to mr; its retries and its timeout are those of run. */
struct ccp_mr_settings {
	const char *map, *combine, *reduce; /* NULL = not said */
	bool has_reducers;
	unsigned reducers;
	uint64_t split_bytes;        /* 0 = not said */
	struct ccp_sort_order order; /* its keys */
};

/*
 * Everything that was said on the command line. Integers of on/off options are 0 or 1; -1 = not said.
 * Memory: strings are borrowed from argv and the environment; `names` is released by ccp_settings_release.
 */
struct ccp_settings {
	const char *program;         /* how messages begin: "ccpipe", or the name of the GNU persona */
	const char *command;         /* "gzip", for usage messages */
	unsigned bit;                /* CCP_FOR_… */
	bool gnu;                    /* a persona */

	int act;
	int decompress, to_stdout, test, list, passthrough;
	int force, keep, remove, verify, salvage, recursive, nul_separated;
	int quiet, verbose;
	int drop_name, drop_time;
	int presume_tty, json;
	int fsync;                   /* enum ccp_fsync */
	int progress;                /* enum ccp_progress_kind */
	int level;                   /* 0 = default */
	int members, rsyncable, bgzf, index;
	struct ccp_digest_set sums;  /* gzip --sum */
	const char *suffix, *output, *output_dir, *files_from;
	struct ccp_plan_options plan;
	uint64_t chunk_bytes;
	bool by_range, by_lines;     /* --range, --lines */
	struct ccp_range range;      /* of the one that was said */
	struct ccp_fetch_options fetch;
	int unordered;               /* inputs from the network come as they arrive */
	int archive;                 /* the members of archives are inputs */
	const char *into;            /* --into: an archive of all outputs; NULL = none */
	const char *fault;
	unsigned swap_ms;
	int window;
	int isolate, explain;
	bool profiled;
	struct ccp_profile_request profile;
	const char *save_plan;
	struct ccp_inject_options inject;
	bool injects;

	unsigned max_depth;          /* 0 = no bound */
	const char *include[CCP_GLOBS + 1], *exclude[CCP_GLOBS + 2]; /* ended by NULL; one may be a command's own */

	struct ccp_sum_settings sum;
	struct ccp_tar_settings tar;
	struct ccp_grep_settings grep;
	struct ccp_run_settings run;
	struct ccp_mr_settings mr;
	struct ccp_freq_settings freq;
	struct ccp_stats_settings stats;
	struct ccp_sort_settings sort;
	struct ccp_uniq_settings uniq;
	struct ccp_ends_settings ends;
	unsigned wc;                 /* CCP_WC_…, what was asked for */

	/* compare */
	const char *strategies, *jobs_list; /* NULL = not said */
	int rounds, warmup;          /* 0 = not said */
	int cold;
	const char *exports[CCP_EXPORTS]; /* "KIND:FILE" */
	size_t export_count;

	struct ccp_host host;        /* filled when the plan is made */
	struct timespec began;       /* measure.c */

	char **names;
	size_t name_count;

	/* the parser's own */
	int last_digit;              /* place of the last level digit in argv, to read -11 as eleven */
	const char *last_digit_at;
};

/* Fills `settings` with the defaults of a command and from the environment. */
void ccp_settings_init(struct ccp_settings *settings, const char *program, const char *command, unsigned bit);
void ccp_settings_release(struct ccp_settings *settings);

/*
 * Reads the arguments in the manner of getopt_long: bundled short options, abbreviated long ones, operands anywhere
 * unless POSIXLY_CORRECT is set. argv[0] is passed over. Stops at --help and the like, and says so in `act`.
 * Errors: -1, and a message has been printed.
 */
int ccp_options_parse(struct ccp_settings *settings, int argc, char **argv);

/* Whether --max-depth, --include or --exclude was said. */
static inline bool ccp_settings_choose_names(const struct ccp_settings *settings)
{
	return settings->max_depth > 0 || settings->include[0] != NULL || settings->exclude[0] != NULL;
}

/*
 * Refuses options about names that are not read from a list (`null` is how that one is spelt), or not looked for.
 * Returns 0, or an exit status after a message.
 */
int ccp_settings_refuse_names(const struct ccp_settings *settings, const char *null);

/* Prints the options of a command. */
void ccp_options_help(FILE *out, unsigned bit);

/* Prints "try --help" after a usage error; returns the exit status for it. */
int ccp_usage_hint(const struct ccp_settings *settings);

/* Prints a usage error and the hint; returns the exit status for it. */
int ccp_usage_error(const struct ccp_settings *settings, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
