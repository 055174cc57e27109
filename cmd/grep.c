/*
 * grep.c: the command grep: lines that match, of files that are decompressed if they are compressed.
 *
 * Options, output and exit status are GNU grep's. What GNU leaves to the locale is done in UTF-8 or in bytes, nothing
 * else.
 */
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/grep.h"
#include "cmd/look.h"

#define TROUBLE 2
#define NOTE_BYTES ((size_t)1 << 20) /* of lines that the collector looks at itself */

/* ---- settings to options ----------------------------------------------------------------------------------------- */

/* The first operand is the pattern, unless -e or -f was said. Returns 0, or an exit status after a message. */
static int settle_pattern(struct ccp_settings *s, struct ccp_grep_pattern *p)
{
	struct ccp_grep_settings *g = &s->grep;

	if (!g->said) {
		if (s->name_count == 0) {
			fprintf(stderr, "Usage: %s grep [OPTION]... PATTERNS [FILE]...\n", s->program);
			ccp_usage_hint(s);
			return TROUBLE;
		}
		p->text = s->names[0];
		p->len = strlen(p->text);
		memmove(s->names, s->names + 1, s->name_count * sizeof *s->names);
		s->name_count--;
	} else {
		p->none = g->patterns_len == 0;
		p->text = g->patterns;
		p->len = g->patterns_len > 0 ? g->patterns_len - 1 : 0;
	}
	p->syntax = (enum ccp_grep_syntax)g->syntax;
	p->ignore_case = g->ignore_case;
	p->words = g->words && !g->whole_lines;
	p->whole_lines = g->whole_lines;
	p->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	p->end = g->null_lines ? '\0' : '\n';
	p->slow = getenv("CCPIPE_GREP_SLOW") != NULL; /* for tests */
	return 0;
}

/* Whether names stand before lines: if there are several files, or may be. */
static bool wants_names(struct ccp_settings *s)
{
	struct stat st;

	if (s->grep.with_name >= 0)
		return s->grep.with_name;
	if (s->name_count > 1 || s->files_from != NULL || s->archive)
		return true;
	return s->recursive && s->name_count == 1 && stat(s->names[0], &st) == 0 && S_ISDIR(st.st_mode);
}

static void settle_output(struct ccp_settings *s, struct ccp_grep_run *run)
{
	struct ccp_grep_settings *g = &s->grep;
	struct ccp_grep_options *o = &run->options;
	const char *term = getenv("TERM");

	o->invert = g->invert;
	o->text = g->binary == 't';
	o->max = g->has_max ? g->max : UINT64_MAX;
	run->groups = g->has_before || g->has_after || g->has_around;
	run->prints = !g->quiet && g->list == 0 && !g->count;
	if (g->quiet || g->list != 0)
		o->want = CCP_GREP_FIRST;
	else if (g->count)
		o->want = CCP_GREP_COUNT;
	else
		o->want = g->only_matching && !run->groups ? CCP_GREP_SPANS : CCP_GREP_LINES;
	if (g->binary == 'w' && (o->want == CCP_GREP_FIRST || (o->want == CCP_GREP_COUNT && g->has_max))) {
		run->prints = run->mute = true;
		if (o->want == CCP_GREP_FIRST && o->max > 1)
			o->max = 1;
		o->want = CCP_GREP_LINES;
	}
	o->numbers = run->prints && g->numbers;
	if (run->prints && !run->mute) {
		run->before = g->has_before ? g->before : g->has_around ? g->around : 0;
		run->after = g->has_after ? g->after : g->has_around ? g->around : 0;
	}
	run->names = wants_names(s);
	run->color = g->color == 'a' || (g->color == 't' && isatty(STDOUT_FILENO) && term != NULL &&
					 strcmp(term, "dumb") != 0);
}

/* Without FILE: standard input, or with -r the current directory, whose name is not printed. */
static void settle_names(struct ccp_settings *s, struct ccp_grep_run *run)
{
	static char dot[] = ".";

	if (s->recursive && s->name_count == 0 && s->files_from == NULL) {
		s->names[s->name_count++] = dot; /* there is room: names and options are never more than argv */
		run->dot = true;
	}
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

static enum ccp_look_hush hush(const struct ccp_settings *s, const struct ccp_result *result)
{
	if (result->err.code == CCP_W_SPECIAL)
		return CCP_LOOK_PARDON; /* a device or a FIFO in a tree */
	if (s->grep.no_messages && (result->err.code == CCP_E_SYS || result->err.code == CCP_W_DIRECTORY))
		return CCP_LOOK_HUSH;
	return CCP_LOOK_TELL;
}

static int go(struct ccp_settings *s, struct ccp_grep_run *run)
{
	const struct ccp_look_for look = {
		.fold = ccp_fold_find("grep"),
		.fold_options = &run->options,
		.collector = { ccp_grep_begin, ccp_grep_take, ccp_grep_end, run },
		.hush = hush,
		.lulls = true,
		.stopped = &run->stopped,
	};
	int status;

	status = ccp_look(s, &look);
	if (run->stopped)
		return 0;
	return status != CCP_EXIT_OK ? TROUBLE : run->any_selected ? 0 : 1;
}

static int run_grep(struct ccp_settings *s)
{
	struct ccp_grep_run run = { .settings = s };
	struct ccp_err err;
	int status;

	setlocale(LC_CTYPE, "");
	status = settle_pattern(s, &run.options.pattern);
	if (status != 0)
		return status;
	settle_names(s, &run);
	settle_output(s, &run);
	run.note.cap = run.prints ? NOTE_BYTES : 0;
	run.note.data = run.prints ? malloc(NOTE_BYTES) : NULL;
	ccp_err_clear(&err);
	if (run.options.max == 0 && s->grep.list != 'L') {
		status = 1; /* nothing can be selected, and nobody looks */
	} else if (run.prints && run.note.data == NULL) {
		fprintf(stderr, "%s: out of memory\n", s->program);
		status = TROUBLE;
	} else if (ccp_grep_matcher_new(&run.matcher, &run.options.pattern, &err) != 0) {
		fprintf(stderr, "%s: grep: %s\n", s->program, err.text);
		status = TROUBLE;
	} else {
		status = go(s, &run);
	}
	ccp_grep_run_release(&run);
	return status;
}

const struct ccp_command ccp_command_grep = {
	.name = "grep",
	.help = "print lines that match, of files that are decompressed if they are compressed",
	.operands = " PATTERNS [FILE]...",
	.bit = CCP_FOR_GREP,
	.run = run_grep,
};
