/*
 * sum_words.c: names and reasons in messages.
 *
 * coreutils leaves a name bare if the shell would take it as it is and it has no colon. Else it stands in '…', with
 * '\'' for an apostrophe and $'\…' for bytes that cannot be printed; if an apostrophe is the only thing that is in the
 * way, in "…". Source: gnulib's shell-escape style, by its behaviour.
 */
#include "cmd/sum_words.h"

#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdio_ext.h>
#include <string.h>
#include <wchar.h>
#include <wctype.h>

#include "cmd/signals.h"
#include "cmd/text.h"
#include "pipeline/run.h"

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* Length of the character at `s`, which is not empty, and whether it can be printed. */
static size_t look_at(const char *s, bool *printable)
{
	mbstate_t state = { 0 };
	wchar_t wide;
	size_t len = mbrtowc(&wide, s, strlen(s), &state);

	*printable = len != (size_t)-1 && len != (size_t)-2 && iswprint((wint_t)wide) != 0;
	return len == (size_t)-1 || len == (size_t)-2 || len == 0 ? 1 : len;
}

/* What stands in the way of a name as it is: nothing, an apostrophe alone, or something that needs '…'. */
static enum { PLAIN, SPACED, APOSTROPHE, HARD } kind_of(const char *name)
{
	bool apostrophe = false, spaced = name[0] == '\0', hard = false, printable;

	for (const char *s = name; *s != '\0'; s += look_at(s, &printable)) {
		bool isolated = s == name && s[1] == '\0';

		look_at(s, &printable);
		if (*s == '\'')
			apostrophe = true;
		else if (!printable || strchr("?\\!\"$&()*;<=>[^`|", *s) != NULL)
			hard = true;
		else if (*s == ' ' || *s == ':' || (s == name && strchr("#~", *s) != NULL) ||
			 (isolated && strchr("{}", *s) != NULL))
			spaced = true;
	}
	/* inside of a name these need no quotes, but "…" is not for them */
	if (apostrophe && !hard && (strpbrk(name, "{}") != NULL || strpbrk(name + 1, "#~") != NULL))
		hard = true;
	return hard ? HARD : apostrophe ? APOSTROPHE : spaced ? SPACED : PLAIN;
}

/*
 * Whether the last character is escaped. gnulib goes through a name with an apostrophe twice, and begins the second
 * time as if it were still in what it was in at the end, $'…'. So it is done here.
 */
static bool ends_escaped(const char *name)
{
	bool printable = true;

	while (*name != '\0')
		name += look_at(name, &printable);
	return !printable;
}

static void print_quoted(FILE *out, const char *name)
{
	bool escaped = strchr(name, '\'') != NULL && ends_escaped(name); /* in $'…' */

	fputc('\'', out);
	while (*name != '\0') {
		bool printable;
		size_t len = look_at(name, &printable);
		const char *brief = strchr("\aa\bb\ff\nn\rr\tt\vv", *name);

		if (!printable) {
			if (!escaped)
				fputs("'$'", out);
			escaped = true;
			if (brief != NULL)
				fprintf(out, "\\%c", brief[1]);
			else
				for (size_t i = 0; i < len; i++)
					fprintf(out, "\\%03o", (unsigned char)name[i]);
		} else if (*name == '\'') {
			fputs("'\\''", out);
			escaped = false;
		} else {
			if (escaped)
				fputs("''", out);
			escaped = false;
			fwrite(name, 1, len, out);
		}
		name += len;
	}
	fputc('\'', out);
}

void ccp_sum_name(FILE *out, const struct ccp_settings *s, const char *name)
{
	if (!s->gnu) {
		ccp_text_path(out, name);
		return;
	}
	switch (kind_of(name)) {
	case PLAIN:
		fputs(name, out);
		break;
	case APOSTROPHE:
		fprintf(out, "\"%s\"", name);
		break;
	case SPACED:
	case HARD:
		print_quoted(out, name);
		break;
	}
}

void ccp_sum_quote(FILE *out, const char *word)
{
	bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;

	fprintf(out, utf8 ? "\xe2\x80\x98%s\xe2\x80\x99" : "'%s'", word);
}

/* ---- reasons ----------------------------------------------------------------------------------------------------- */

const char *ccp_sum_reason(const struct ccp_settings *s, const struct ccp_result *result)
{
	const struct ccp_err *err = &result->err;

	switch (err->code) {
	case CCP_OK:
		return "no memory was left to keep its digest";
	case CCP_W_DIRECTORY:
		return strerrordesc_np(EISDIR);
	case CCP_W_CHANGED:
		return "changed while it was read";
	case CCP_E_SYS:
		return s->gnu ? strerrordesc_np(err->sys) : err->text;
	default:
		return err->text;
	}
}

bool ccp_sum_failed(struct ccp_settings *s, const struct ccp_result *result, int *status)
{
	const struct ccp_err *err = &result->err;
	bool passed_over = err->code == CCP_W_WALKED_LINK || err->code == CCP_W_SPECIAL;

	if (result->outcome == CCP_DONE && err->code != CCP_W_CHANGED &&
	    (s->explain || result->input->record_len == ccp_digest_set_bytes(&s->sum.set)))
		return false;
	*status = err->code == CCP_W_WALKED_LINK ? CCP_EXIT_OK : passed_over ? CCP_EXIT_WARNING : CCP_EXIT_FAILED;
	if (passed_over && (s->quiet || (err->code == CCP_W_WALKED_LINK && !s->verbose)))
		return true;
	if (fflush(stdout) != 0)
		ccp_sum_stop(s);
	flockfile(stderr);
	fprintf(stderr, "%s: ", s->program);
	if (result->input->is_stdin && !s->gnu)
		fputs("standard input", stderr);
	else
		ccp_sum_name(stderr, s, result->input->path);
	if (!s->gnu && err->offset != CCP_NO_OFFSET && err->code != CCP_W_CHANGED)
		fprintf(stderr, ": at byte %llu", (unsigned long long)err->offset);
	fprintf(stderr, ": %s%s\n", ccp_sum_reason(s, result), passed_over ? " -- skipped" : "");
	funlockfile(stderr);
	return true;
}

/* ---- standard output --------------------------------------------------------------------------------------------- */

void ccp_sum_stop(struct ccp_settings *s)
{
	if (s->sum.output_error == 0)
		s->sum.output_error = errno != 0 ? errno : EIO;
	/* a worker may have signals blocked: then EPIPE is all there is to tell */
	if (s->sum.output_error == EPIPE && !ccp_signals_pipe_ignored())
		ccp_signals_note(SIGPIPE);
	ccp_run_cancel();
}

int ccp_sum_flush(struct ccp_settings *s, int status)
{
	int error = s->sum.output_error;

	errno = 0;
	if (fflush(stdout) != 0 && error == 0)
		error = errno;
	if (error == 0 && !ferror(stdout))
		return status;
	if (error == EPIPE && !ccp_signals_pipe_ignored())
		ccp_signals_note(SIGPIPE);
	s->sum.output_error = 0; /* nobody shall tell it again */
	__fpurge(stdout);
	clearerr(stdout);
	if (ccp_signals_caught() != 0)
		return CCP_EXIT_FAILED;
	if (!s->gnu)
		fprintf(stderr, "%s: standard output: %s\n", s->program,
			error != 0 ? strerrordesc_np(error) : "write error");
	else /* by the time that coreutils looks, most reasons are forgotten */
		fprintf(stderr, "%s: write error%s\n", s->program, error == EBADF ? ": Bad file descriptor" : "");
	return CCP_EXIT_FAILED;
}
