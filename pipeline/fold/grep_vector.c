/*
 * fold/grep_vector.c: a set of strings is a database of vectorscan; a scan ends with the first match that it reports,
 * which is the one that ends first.
 */
#include "pipeline/fold/grep_vector.h"

#ifdef CCP_HAVE_VECTORSCAN

#include <hs/hs.h>
#include <limits.h>
#include <stdlib.h>

#include "pipeline/library.h"

#define MOST_BYTES ((size_t)1 << 30) /* of one scan */

/* Calls have their own names without "hs_". */
struct ccp_grep_vector {
	__typeof__(hs_valid_platform) *valid_platform;
	__typeof__(hs_compile_lit_multi) *compile_lit_multi;
	__typeof__(hs_alloc_scratch) *alloc_scratch;
	__typeof__(hs_scan) *scan;
	__typeof__(hs_free_scratch) *free_scratch;
	__typeof__(hs_free_database) *free_database;
	__typeof__(hs_free_compile_error) *free_compile_error;
	hs_database_t *database;
	hs_scratch_t *scratch;
	size_t *lens, longest;
};

#define CALL(name) { "hs_" #name, offsetof(struct ccp_grep_vector, name) }

static const struct ccp_library_call calls[] = {
	CALL(valid_platform), CALL(compile_lit_multi), CALL(alloc_scratch), CALL(scan),
	CALL(free_scratch), CALL(free_database), CALL(free_compile_error),
};

static bool load(struct ccp_grep_vector *v)
{
	static const char *const names[] = { "libhs.so.5", NULL };
	void *library = ccp_library_open(names);

	return library != NULL && ccp_library_find(library, calls, sizeof calls / sizeof calls[0], v) == NULL &&
	       v->valid_platform() == HS_SUCCESS;
}

static bool compile(struct ccp_grep_vector *v, const struct ccp_grep_word *words, size_t count, bool ignore_case)
{
	const char **texts = calloc(count, sizeof *texts);
	unsigned *flags = calloc(2 * count, sizeof *flags);
	hs_compile_error_t *error = NULL;
	bool good = texts != NULL && flags != NULL;

	for (size_t i = 0; good && i < count; i++) {
		texts[i] = (const char *)words[i].text;
		flags[i] = ignore_case ? HS_FLAG_CASELESS : 0;
		flags[count + i] = (unsigned)i; /* the names by which matches are told */
		v->lens[i] = words[i].len;
	}
	good = good && v->compile_lit_multi(texts, flags, flags + count, v->lens, (unsigned)count, HS_MODE_BLOCK, NULL,
					    &v->database, &error) == HS_SUCCESS;
	if (error != NULL)
		v->free_compile_error(error);
	free(texts);
	free(flags);
	return good && v->alloc_scratch(v->database, &v->scratch) == HS_SUCCESS;
}

struct ccp_grep_vector *ccp_grep_vector_new(const struct ccp_grep_word *words, size_t count, bool ignore_case)
{
	struct ccp_grep_vector *v = calloc(1, sizeof *v);

	if (v == NULL)
		return NULL;
	v->lens = calloc(count, sizeof *v->lens);
	if (v->lens != NULL && count < UINT_MAX / 2 && load(v) && compile(v, words, count, ignore_case)) {
		for (size_t i = 0; i < count; i++)
			if (words[i].len > v->longest)
				v->longest = words[i].len;
		return v;
	}
	ccp_grep_vector_free(v);
	return NULL;
}

void ccp_grep_vector_free(struct ccp_grep_vector *v)
{
	if (v == NULL)
		return;
	if (v->scratch != NULL)
		v->free_scratch(v->scratch);
	if (v->database != NULL)
		v->free_database(v->database);
	free(v->lens);
	free(v);
}

struct hit {
	const struct ccp_grep_vector *vector;
	size_t at;
};

static int on_match(unsigned id, unsigned long long from, unsigned long long to, unsigned flags, void *arg)
{
	struct hit *hit = arg;

	(void)from, (void)flags;
	hit->at = (size_t)to - hit->vector->lens[id];
	return 1; /* that is enough */
}

size_t ccp_grep_vector_find(struct ccp_grep_vector *v, const uint8_t *data, size_t len, size_t from)
{
	while (from < len) {
		struct hit hit = { .vector = v, .at = SIZE_MAX };
		size_t step = len - from < MOST_BYTES ? len - from : MOST_BYTES;

		(void)v->scan(v->database, (const char *)data + from, (unsigned)step, 0, v->scratch, on_match, &hit);
		if (hit.at != SIZE_MAX)
			return from + hit.at;
		if (step == len - from || step <= v->longest)
			break;
		from += step - v->longest;
	}
	return SIZE_MAX;
}

#else

struct ccp_grep_vector *ccp_grep_vector_new(const struct ccp_grep_word *words, size_t count, bool ignore_case)
{
	(void)words, (void)count, (void)ignore_case;
	return NULL;
}

void ccp_grep_vector_free(struct ccp_grep_vector *vector)
{
	(void)vector;
}

size_t ccp_grep_vector_find(struct ccp_grep_vector *vector, const uint8_t *data, size_t len, size_t from)
{
	(void)vector, (void)data, (void)len, (void)from;
	return SIZE_MAX;
}

#endif
