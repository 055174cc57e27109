/*
 * fold/grep_regex.c: PCRE2 with its just-in-time compiler.
 *
 * In UTF-8 an expression is compiled twice: for bytes, which is faster and the same where there is nothing but ASCII,
 * and for characters, where bytes that are no UTF-8 match nothing. The longest match of POSIX is found by PCRE2's other
 * matcher, which follows all alternatives at once; it also steps in where backtracking has taken too long. That one
 * does
 * not take bytes that are no UTF-8, and so sees only what lies between them.
 */
#include "pipeline/fold/grep_regex.h"

#ifdef CCP_HAVE_PCRE2

#include <stdlib.h>
#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "pipeline/fold/grep_bytes.h"
#include "pipeline/library.h"

#define STACK_BYTES ((size_t)1 << 20)
#define WORK_INTS 1024
#define WORK_INTS_MOST (1 << 24)

/* Calls have PCRE2's names without "pcre2_". */
struct lib {
	__typeof__(pcre2_compile_8) *compile;
	__typeof__(pcre2_jit_compile_8) *jit_compile;
	__typeof__(pcre2_jit_match_8) *jit_match;
	__typeof__(pcre2_match_8) *match;
	__typeof__(pcre2_dfa_match_8) *dfa_match;
	__typeof__(pcre2_code_free_8) *code_free;
	__typeof__(pcre2_compile_context_create_8) *compile_context_create;
	__typeof__(pcre2_compile_context_free_8) *compile_context_free;
	__typeof__(pcre2_set_newline_8) *set_newline;
	__typeof__(pcre2_match_context_create_8) *match_context_create;
	__typeof__(pcre2_match_context_free_8) *match_context_free;
	__typeof__(pcre2_match_data_create_8) *match_data_create;
	__typeof__(pcre2_match_data_free_8) *match_data_free;
	__typeof__(pcre2_get_ovector_pointer_8) *get_ovector_pointer;
	__typeof__(pcre2_get_error_message_8) *get_error_message;
	__typeof__(pcre2_jit_stack_create_8) *jit_stack_create;
	__typeof__(pcre2_jit_stack_assign_8) *jit_stack_assign;
	__typeof__(pcre2_jit_stack_free_8) *jit_stack_free;
};

#define CALL(name) { "pcre2_" #name "_8", offsetof(struct lib, name) }

static const struct ccp_library_call calls[] = {
	CALL(compile), CALL(jit_compile), CALL(jit_match), CALL(match), CALL(dfa_match), CALL(code_free),
	CALL(compile_context_create), CALL(compile_context_free), CALL(set_newline), CALL(match_context_create),
	CALL(match_context_free), CALL(match_data_create), CALL(match_data_free), CALL(get_ovector_pointer),
	CALL(get_error_message), CALL(jit_stack_create), CALL(jit_stack_assign), CALL(jit_stack_free),
};

struct ccp_grep_regex {
	struct lib lib;
	struct ccp_grep_regex_options options;
	char *text;
	size_t len;
	pcre2_compile_context_8 *compile_context;
	pcre2_match_context_8 *match_context;
	pcre2_match_data_8 *match;
	pcre2_jit_stack_8 *stack;
	pcre2_code_8 *ascii, *wide; /* for bytes; for UTF-8, or NULL if bytes are all there is */
	pcre2_code_8 *strict;       /* `wide` for the other matcher, made when it is needed */
	bool ascii_jit, wide_jit;
	int *work;
	size_t work_ints;
};

static int load(struct lib *lib, struct ccp_err *err)
{
	static const char *const names[] = { "libpcre2-8.so.0", NULL };
	void *library = ccp_library_open(names);
	const char *missing;

	if (library == NULL)
		return ccp_err_set(err, CCP_E_UNSUPPORTED, "regular expressions: libpcre2-8 is not installed");
	missing = ccp_library_find(library, calls, sizeof calls / sizeof calls[0], lib);
	return missing == NULL ? 0 : ccp_err_set(err, CCP_E_UNSUPPORTED, "libpcre2-8 has no %s", missing);
}

/* ---- compiling --------------------------------------------------------------------------------------------------- */

static pcre2_code_8 *compile(struct ccp_grep_regex *r, uint32_t extra, struct ccp_err *err)
{
	uint32_t flags = PCRE2_DOLLAR_ENDONLY | (r->options.one_line ? 0 : PCRE2_MULTILINE) |
			 (r->options.ignore_case ? PCRE2_CASELESS : 0) | extra;
	pcre2_code_8 *code;
	int error;
	size_t where;
	char words[160];

	code = r->lib.compile((const uint8_t *)r->text, r->len, flags, &error, &where, r->compile_context);
	if (code != NULL)
		return code;
	r->lib.get_error_message(error, (uint8_t *)words, sizeof words);
	ccp_err_set(err, CCP_E_USAGE, "%s", words);
	return NULL;
}

static int compile_all(struct ccp_grep_regex *r, struct ccp_err *err)
{
	uint32_t wide = PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | (r->options.properties ? PCRE2_UCP : 0);
	struct ccp_err ignored;

	if (r->options.utf8) {
		r->wide = compile(r, wide, err);
		if (r->wide == NULL)
			return -1;
		r->wide_jit = r->lib.jit_compile(r->wide, PCRE2_JIT_COMPLETE) == 0;
	}
	/* what names characters that no byte can be is an error here, and is left to the other one */
	r->ascii = compile(r, 0, r->options.utf8 ? &ignored : err);
	if (r->ascii != NULL)
		r->ascii_jit = r->lib.jit_compile(r->ascii, PCRE2_JIT_COMPLETE) == 0;
	return r->ascii != NULL || r->wide != NULL ? 0 : -1;
}

int ccp_grep_regex_new(struct ccp_grep_regex **out, const char *text, size_t len,
		       const struct ccp_grep_regex_options *options, struct ccp_err *err)
{
	struct ccp_grep_regex *r = calloc(1, sizeof *r);
	bool good;

	if (r == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	r->options = *options;
	if (load(&r->lib, err) != 0) {
		free(r);
		return -1;
	}
	r->text = malloc(len + 1);
	r->len = len;
	r->compile_context = r->lib.compile_context_create(NULL);
	r->match_context = r->lib.match_context_create(NULL);
	r->match = r->lib.match_data_create(64, NULL);
	r->stack = r->lib.jit_stack_create(32 << 10, STACK_BYTES, NULL);
	good = r->text != NULL && r->compile_context != NULL && r->match_context != NULL && r->match != NULL;
	if (!good) {
		ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a regular expression");
	} else {
		memcpy(r->text, text, len);
		r->lib.set_newline(r->compile_context, options->end == '\0' ? PCRE2_NEWLINE_NUL : PCRE2_NEWLINE_LF);
		r->lib.jit_stack_assign(r->match_context, NULL, r->stack);
		good = compile_all(r, err) == 0;
	}
	if (!good) {
		ccp_grep_regex_free(r);
		return -1;
	}
	*out = r;
	return 0;
}

void ccp_grep_regex_free(struct ccp_grep_regex *r)
{
	if (r == NULL)
		return;
	r->lib.code_free(r->ascii);
	r->lib.code_free(r->wide);
	r->lib.code_free(r->strict);
	r->lib.match_data_free(r->match);
	r->lib.match_context_free(r->match_context);
	r->lib.compile_context_free(r->compile_context);
	r->lib.jit_stack_free(r->stack);
	free(r->work);
	free(r->text);
	free(r);
}

/* ---- the longest match ------------------------------------------------------------------------------------------- */

/* The other matcher on [from, len), which is ASCII or valid UTF-8, or bytes. Returns 1, 0, or -1. */
static int all_at_once(struct ccp_grep_regex *r, const uint8_t *data, size_t len, size_t from, uint32_t flags,
		       size_t *begin, size_t *end, struct ccp_err *err)
{
	const pcre2_code_8 *code = r->strict != NULL ? r->strict : r->ascii;
	int result;

	for (;;) {
		if (r->work == NULL) {
			r->work = malloc(r->work_ints * sizeof *r->work);
			if (r->work == NULL)
				return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for a regular expression");
		}
		result = r->lib.dfa_match(code, data, len, from, flags | PCRE2_NO_UTF_CHECK, r->match, r->match_context,
					  r->work, r->work_ints);
		if (result != PCRE2_ERROR_DFA_WSSIZE || r->work_ints >= WORK_INTS_MOST)
			break;
		free(r->work);
		r->work = NULL;
		r->work_ints *= 4;
	}
	if (result == PCRE2_ERROR_NOMATCH)
		return 0;
	if (result < 0)
		return ccp_err_set(err, CCP_E_OTHER, "a pattern takes too much memory (PCRE2 error %d)", result);
	*begin = r->lib.get_ovector_pointer(r->match)[0];
	*end = r->lib.get_ovector_pointer(r->match)[1];
	return 1;
}

/* The same between bytes that are no UTF-8. `flags` with PCRE2_ANCHORED: only at `from`. */
static int in_fragments(struct ccp_grep_regex *r, const uint8_t *line, size_t len, size_t from, uint32_t flags,
			size_t *begin, size_t *end, struct ccp_err *err)
{
	size_t at = 0;

	if (r->work_ints == 0) {
		r->work_ints = WORK_INTS;
		if (r->wide != NULL) {
			r->strict = compile(r, PCRE2_UTF | (r->options.properties ? PCRE2_UCP : 0), err);
			if (r->strict == NULL)
				return -1;
		}
	}
	if (r->strict == NULL)
		return all_at_once(r, line, len, from, flags, begin, end, err);
	while (at <= len) {
		size_t fragment = ccp_grep_valid_utf8(line + at, len - at);
		uint32_t edges = (at > 0 ? PCRE2_NOTBOL : 0) | (at + fragment < len ? PCRE2_NOTEOL : 0);

		if (from <= at + fragment) {
			size_t skip = from > at ? from - at : 0;
			int result = all_at_once(r, line + at, fragment, skip, flags | edges, begin, end, err);

			if (result == 1) {
				*begin += at;
				*end += at;
			}
			if (result != 0 || (flags & PCRE2_ANCHORED))
				return result;
		}
		at += fragment + 1;
	}
	return 0;
}

int ccp_grep_regex_longest(struct ccp_grep_regex *r, const uint8_t *line, size_t len, size_t at, size_t *end,
			   struct ccp_err *err)
{
	size_t begin;

	return in_fragments(r, line, len, at, PCRE2_ANCHORED, &begin, end, err);
}

/* ---- any match --------------------------------------------------------------------------------------------------- */

/* Backtracking has taken too long: line by line with the other matcher, if it can. */
static int find_slowly(struct ccp_grep_regex *r, const uint8_t *data, size_t len, size_t from, int error, size_t *begin,
		       size_t *end, struct ccp_err *err)
{
	char words[160];

	if (r->options.no_dfa) {
		r->lib.get_error_message(error, (uint8_t *)words, sizeof words);
		return ccp_err_set(err, CCP_E_OTHER, "a pattern takes too long: %s", words);
	}
	for (;;) {
		const uint8_t *before = memrchr(data, r->options.end, from);
		size_t line = before != NULL ? (size_t)(before - data) + 1 : 0;
		const uint8_t *after = memchr(data + from, r->options.end, len - from);
		size_t to = after != NULL ? (size_t)(after - data) : len;
		int result = in_fragments(r, data + line, to - line, from - line, 0, begin, end, err);

		if (result != 0 || to + 1 >= len) {
			*begin += line;
			*end += line;
			return result;
		}
		from = to + 1;
	}
}

int ccp_grep_regex_find(struct ccp_grep_regex *r, const uint8_t *data, size_t len, size_t from, bool ascii,
			size_t *begin, size_t *end, struct ccp_err *err)
{
	bool wide = r->wide != NULL && (!ascii || r->ascii == NULL);
	const pcre2_code_8 *code = wide ? r->wide : r->ascii;
	int result;

	if (wide ? r->wide_jit : r->ascii_jit)
		result = r->lib.jit_match(code, data, len, from, 0, r->match, r->match_context);
	else
		result = r->lib.match(code, data, len, from, 0, r->match, r->match_context);
	if (result == PCRE2_ERROR_NOMATCH)
		return 0;
	if (result < 0)
		return find_slowly(r, data, len, from, result, begin, end, err);
	*begin = r->lib.get_ovector_pointer(r->match)[0];
	*end = r->lib.get_ovector_pointer(r->match)[1];
	if (*begin > *end) /* \K in something that looks ahead */
		*begin = *end;
	return 1;
}

#else

int ccp_grep_regex_new(struct ccp_grep_regex **regex, const char *text, size_t len,
		       const struct ccp_grep_regex_options *options, struct ccp_err *err)
{
	(void)regex, (void)text, (void)len, (void)options;
	return ccp_err_set(err, CCP_E_UNSUPPORTED, "regular expressions are not built in (PCRE2); -F is");
}

void ccp_grep_regex_free(struct ccp_grep_regex *regex)
{
	(void)regex;
}

int ccp_grep_regex_find(struct ccp_grep_regex *regex, const uint8_t *data, size_t len, size_t from, bool ascii,
			size_t *begin, size_t *end, struct ccp_err *err)
{
	(void)regex, (void)data, (void)len, (void)from, (void)ascii, (void)begin, (void)end;
	return ccp_err_set(err, CCP_E_UNSUPPORTED, "regular expressions are not built in");
}

int ccp_grep_regex_longest(struct ccp_grep_regex *regex, const uint8_t *line, size_t len, size_t at, size_t *end,
			   struct ccp_err *err)
{
	(void)regex, (void)line, (void)len, (void)at, (void)end;
	return ccp_err_set(err, CCP_E_UNSUPPORTED, "regular expressions are not built in");
}

#endif
