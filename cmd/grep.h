/*
 * grep.h: what the files of the command grep share: settings to a run (grep.c), what becomes of the lines that were
 * found (grep_collect.c, and for what is printed grep_stretch.c), and how a line is printed (grep_print.c).
 */
#ifndef CCP_CMD_GREP_H
#define CCP_CMD_GREP_H

#include "cmd/options.h"
#include "pipeline/fold/grep.h"
#include "pipeline/flow.h"

#define CCP_GREP_NO_PLACE UINT64_MAX

/* Bytes that grow. */
struct ccp_grep_bytes {
	char *data;
	size_t len, room;
};

/* Threads: the collector's, one at a time. */
struct ccp_grep_run {
	/* set before the run */
	struct ccp_settings *settings;
	struct ccp_grep_options options;
	struct ccp_grep_matcher *matcher;
	bool prints;             /* lines, not just counts or names */
	bool mute;               /* as if it did: where the line is matters */
	bool names, color;
	bool dot;                /* the names begin with ./, which nobody said */
	bool groups;             /* with a separator between; before and after may still be 0 */
	uint64_t before, after;

	/* of the run */
	struct ccp_grep_bytes out;
	int stopped;             /* -q: that is enough */
	bool any_selected, any_line, failed;

	/* of the input at hand */
	const struct ccp_input *input;
	uint64_t offset, lines;  /* where what comes next begins, and the lines before it */
	uint64_t selected;
	struct ccp_join join;
	bool done;               /* nothing more is wanted of it */

	/* binary data: see grep_collect.c */
	uint64_t part_at;        /* where the part begins, in the decoded input */
	uint64_t known;          /* there is no NUL before this place but those that were told */
	uint64_t binary_from;    /* CCP_GREP_NO_PLACE: it is text */
	bool binary_matched, ignored;
	size_t held_at;          /* of `out`: not sure yet that it is to be printed; SIZE_MAX: nothing */
	uint64_t held_lines;     /* selected lines in it */

	/* lines around others */
	uint64_t pending;        /* lines after the last selected one that are still to be printed */
	uint64_t printed_to;     /* the end of the last line that was printed, or CCP_GREP_NO_PLACE */
	struct ccp_grep_bytes kept; /* lines before what comes next that have not been printed */
	uint64_t kept_lines;
	struct ccp_buf note;     /* of lines that the collector looks at itself */
};

/* A line, or a match in it. */
struct ccp_grep_line {
	const uint8_t *data;
	size_t len;              /* with its end, which may be missing */
	uint64_t offset, number; /* of the line; with -o, of the match: its offset */
	bool selected;           /* else it is only around one */
};

/* Whole lines, and the records of those that were found. */
struct ccp_grep_stretch {
	const uint8_t *data;
	size_t len;
	const uint8_t *records;
	size_t record_bytes;
	const struct ccp_grep_found *found;
};

/* The collector's calls, for struct ccp_collector; `arg` is the run. */
int ccp_grep_begin(void *arg, const struct ccp_input *input, struct ccp_err *err);
int ccp_grep_take(void *arg, const struct ccp_input *input, const struct ccp_part *part, struct ccp_err *err);
int ccp_grep_end(void *arg, struct ccp_input *input, bool failed, struct ccp_err *err);
void ccp_grep_run_release(struct ccp_grep_run *run);

/*
 * Counts and prints what was found in a stretch, which lies behind the last one; sets run->done when nothing more is
 * wanted. Errors: -1 with `err`.
 */
int ccp_grep_stretch(struct ccp_grep_run *run, const struct ccp_grep_stretch *stretch, struct ccp_err *err);

/* Appends. Errors: -1 with CCP_E_NO_MEMORY. */
int ccp_grep_bytes_add(struct ccp_grep_bytes *bytes, const void *data, size_t len, struct ccp_err *err);

/*
 * Appends a line as it is to be printed to run->out. Returns 1; 0 if it has bytes that are no characters: then nothing
 * of it should be seen. Errors: -1 with `err`.
 */
int ccp_grep_print_line(struct ccp_grep_run *run, const struct ccp_grep_line *line, struct ccp_err *err);

/* One match of -o, and the line "--" between groups. Results: as above. */
int ccp_grep_print_match(struct ccp_grep_run *run, const struct ccp_grep_line *match, struct ccp_err *err);
int ccp_grep_print_separator(struct ccp_grep_run *run, struct ccp_err *err);

/* The count of -c or the name of -l. */
int ccp_grep_print_count(struct ccp_grep_run *run, struct ccp_err *err);
int ccp_grep_print_name(struct ccp_grep_run *run, struct ccp_err *err);

/* The input's name, as it stands before lines. */
const char *ccp_grep_name(const struct ccp_grep_run *run);

#endif
