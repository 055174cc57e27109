/*
 * test_stats.c: numbers against strtod, exact sums against 128-bit integers and in any order, quantiles against sorted
 * values, and parts with all cuts of texts with quotes and headers against the whole.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/fold/stats_number.h"
#include "pipeline/fold/stats_table.h"

extern const struct ccp_fold_ops ccp_fold_stats;

static uint64_t seed;

static uint64_t any(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return seed ^ seed >> 29;
}

static double any_double(void)
{
	uint64_t bits;
	double value;

	do {
		bits = any() << 32 ^ any();
		memcpy(&value, &bits, sizeof value);
	} while (!isfinite(value));
	return value;
}

/* ---- numbers ------------------------------------------------------------------------------------- */

static void check_number(const char *text)
{
	double got = -1, wanted = strtod(text, NULL);

	cr_assert_eq(ccp_stats_number((const uint8_t *)text, strlen(text), &got), CCP_STATS_NUMBER, "'%s'", text);
	cr_assert(memcmp(&got, &wanted, sizeof got) == 0, "'%s': %.17g, not %.17g", text, got, wanted);
}

Test(stats, numbers_are_those_of_strtod)
{
	static const char *const formats[] = { "%.17g", "%g", "%.0f", "%.3f", "%.25e", "%.400f", "%+.12g" };
	static const char *const texts[] = {
		"0", "-0", "+0.0", "0e5", "1.", ".5", "-.5e-3", "5e-324", "2.4703282292062328e-324",
		"2.4703282292062327e-324",
		"1.7976931348623157e308", "2.2250738585072011e-308", "9007199254740993",
		"9007199254740992", "1e22", "1e23",
		"123456789012345678901234567890",
		"0.000000000000000000000000000000001", "00000000000000000000000000001.5",
		"8.5e0000000000000000000000000001", "1e-400", "0e99999999999999999999", "1E5", "-1E+5",
		"0.1000000000000000055511151231257827021181583404541015625",
		"0.10000000000000001249000902703301107976585626602172851562499999999999999999999",
	};
	char text[1200];

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		check_number(texts[i]);
	for (int i = 0; i < 60000; i++) {
		double value = i % 2 ? any_double() : (double)(int64_t)any() / 65536 / (double)(1 + any() % 100000);

		snprintf(text, sizeof text, formats[any() % 7], value);
		check_number(text);
	}
	/* halfway between two doubles, and a digit behind the 800th that decides */
	strcpy(text, "9007199254740993");
	memset(text + 16, '0', 900);
	text[16] = '.';
	text[916] = '1';
	text[917] = '\0';
	check_number(text);
}

Test(stats, what_is_no_number)
{
	static const char *const invalid[] = { "x", "-", "+", ".",
					       "1x", "1e", "1e+", "e5", "1 2", "--1", "1..2", "1.2.3",
					       "inf", "nan", "-inf", "0x10", "1,5", "1e400", "-1e309", "\"1\"" };
	static const char *const missing[] = { "", " ", " \t\r" };
	double value;

	for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++)
		cr_assert_eq(ccp_stats_number((const uint8_t *)invalid[i], strlen(invalid[i]), &value),
			     CCP_STATS_INVALID, "'%s'", invalid[i]);
	for (size_t i = 0; i < sizeof missing / sizeof missing[0]; i++)
		cr_assert_eq(ccp_stats_number((const uint8_t *)missing[i], strlen(missing[i]), &value),
			     CCP_STATS_MISSING);
	/* no byte behind is looked at */
	cr_assert_eq(ccp_stats_number((const uint8_t *)"12", 1, &value), CCP_STATS_NUMBER);
	cr_assert_eq(value, 1);
	cr_assert_eq(ccp_stats_number((const uint8_t *)" 7\r", 3, &value), CCP_STATS_NUMBER);
	cr_assert_eq(value, 7);
}

/* ---- sums ---------------------------------------------------------------------------------------- */

static void add(struct ccp_stats_exact *sum, double value)
{
	struct ccp_err err;

	cr_assert_eq(ccp_stats_exact_add(sum, value, true, &err), 0);
}

Test(stats, sums_are_exact)
{
	struct ccp_stats_exact sum = { 0 }, squares = { 0 };
	__extension__ __int128 wanted = 0;
	struct ccp_err err;

	for (int i = 0; i < 20000; i++) { /* multiples of 2^-20, as integers beside */
		int64_t value = (int64_t)any() >> (12 + any() % 40);

		wanted += value;
		add(&sum, ldexp((double)value, -20));
	}
	cr_assert_eq(ccp_stats_exact_sum(&sum), ldexp((double)wanted, -20));
	ccp_stats_exact_release(&sum);

	add(&sum, DBL_MAX);
	add(&sum, DBL_MAX);
	cr_assert(isinf(ccp_stats_exact_sum(&sum)));
	add(&sum, 5e-324);
	add(&sum, -DBL_MAX);
	add(&sum, -DBL_MAX);
	cr_assert_eq(ccp_stats_exact_sum(&sum), 5e-324);
	add(&sum, -1e-323);
	cr_assert_eq(ccp_stats_exact_sum(&sum), -5e-324);
	ccp_stats_exact_release(&sum);

	add(&sum, 9007199254740992.0);
	add(&sum, 1);
	cr_assert_eq(ccp_stats_exact_sum(&sum), 9007199254740992.0); /* halfway, to even */
	add(&sum, 1e-300);
	cr_assert_eq(ccp_stats_exact_sum(&sum), 9007199254740994.0);
	ccp_stats_exact_release(&sum);

	for (int i = 0; i < 3; i++) { /* nothing is left of the variance where all are about 1e15 but what there is */
		double value = 1e15 + i;

		add(&sum, value);
		cr_assert_eq(ccp_stats_exact_add_square(&squares, value, true, &err), 0);
	}
	cr_assert_eq((double)ccp_stats_exact_variance(&sum, &squares, 3), 1.0);
	cr_assert_eq(ccp_stats_exact_deviation(&sum, &squares, 3), 1.0);
	cr_assert_eq(ccp_stats_exact_mean(&sum, 3), 1e15 + 1);
}

Test(stats, carries_are_done_in_time)
{
	struct ccp_stats_exact sum = { 0 }, part = { 0 };
	struct ccp_err err;

	for (int i = 0; i < 100000; i++)
		add(&part, i % 2 ? 4294967295.0 : 281474976645120.0);
	for (int i = 0; i < 20000; i++) /* 2^31 values, more than a digit bears */
		cr_assert_eq(ccp_stats_exact_merge(&sum, &part, &err), 0);
	cr_assert_eq(ccp_stats_exact_sum(&sum), 1e9 * 4294967295.0 + 1e9 * 281474976645120.0);
}

Test(stats, order_and_parts_do_not_matter)
{
	enum { N = 3000 };
	static double value[N];
	struct ccp_stats_exact all = { 0 }, all_squares = { 0 };
	struct ccp_err err;

	for (int i = 0; i < N; i++) {
		value[i] = any_double();
		add(&all, value[i]);
		cr_assert_eq(ccp_stats_exact_add_square(&all_squares, value[i], true, &err), 0);
	}
	for (int round = 0; round < 5; round++) {
		struct ccp_stats_exact sum = { 0 }, squares = { 0 };

		for (int i = N; i > 0;) {
			struct ccp_stats_exact part = { 0 }, part_squares = { 0 };

			for (int n = (int)(any() % 50); n >= 0 && i > 0; n--) {
				i--;
				add(&part, value[i]);
				cr_assert_eq(ccp_stats_exact_add_square(&part_squares, value[i], true, &err), 0);
			}
			cr_assert_eq(ccp_stats_exact_merge(&sum, &part, &err), 0);
			cr_assert_eq(ccp_stats_exact_merge(&squares, &part_squares, &err), 0);
			ccp_stats_exact_release(&part);
			ccp_stats_exact_release(&part_squares);
		}
		cr_assert_eq(ccp_stats_exact_sum(&sum), ccp_stats_exact_sum(&all));
		cr_assert_eq(ccp_stats_exact_variance(&sum, &squares, N),
			     ccp_stats_exact_variance(&all, &all_squares, N));
		ccp_stats_exact_release(&sum);
		ccp_stats_exact_release(&squares);
	}
	ccp_stats_exact_release(&all);
	ccp_stats_exact_release(&all_squares);
}

Test(stats, a_window_that_may_not_grow_says_so)
{
	struct ccp_stats_exact sum = { 0 };

	cr_assert_eq(ccp_stats_exact_add(&sum, 1, false, NULL), 0);
	cr_assert_eq(ccp_stats_exact_add(&sum, 1e60, false, NULL), 0); /* 200 bits further */
	cr_assert_eq(ccp_stats_exact_add(&sum, 1e300, false, NULL), 1);
	cr_assert_eq(ccp_stats_exact_sum(&sum), 1e60 + 1);
}

/* ---- quantiles ----------------------------------------------------------------------------------- */

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double quantile_of(const double *sorted, size_t count, double p)
{
	double place = (double)(count - 1) * p;
	size_t rank = (size_t)place;

	if (rank + 1 == count)
		return sorted[rank];
	return sorted[rank] + (sorted[rank + 1] - sorted[rank]) * (place - (double)rank);
}

static void check_quantiles(uint64_t bytes)
{
	enum { N = 30000, GROUPS = 5 };
	static double value[N], of[GROUPS][N];
	static uint32_t local[N];
	static const uint32_t map[GROUPS] = { 3, 0, 4, 1, 2 };
	static const double ps[] = { 0, 0.001, 0.25, 0.5, 0.9, 0.99, 1 };
	struct ccp_stats_values values = { .grouped = true };
	size_t count[GROUPS] = { 0 };
	struct ccp_err err;
	double error;

	for (int i = 0; i < N; i++) {
		local[i] = (uint32_t)(any() % GROUPS);
		value[i] = (double)(int64_t)(any() % 2000000) / 7 - 100000;
		if (i % 3 == 0)
			value[i] = (double)(any() % 5);
		of[map[local[i]]][count[map[local[i]]]++] = value[i];
	}
	for (int i = 0; i < N; i += 1000) {
		cr_assert_eq(ccp_stats_values_add(&values, value + i, local + i, 1000, map, &err), 0);
		cr_assert_eq(ccp_stats_values_shrink(&values, bytes, &err), 0);
		cr_assert_leq(ccp_stats_values_bytes(&values), bytes);
	}
	error = ccp_stats_values_error(&values);
	cr_assert_eq(error == 0, bytes >= N * 12);
	cr_assert_eq(ccp_stats_values_finish(&values, GROUPS, &err), 0);
	for (uint32_t group = 0; group < GROUPS; group++) {
		qsort(of[group], count[group], sizeof(double), compare);
		for (size_t i = 0; i < sizeof ps / sizeof ps[0]; i++) {
			double wanted = quantile_of(of[group], count[group], ps[i]);
			double got = ccp_stats_values_quantile(&values, group, ps[i]);

			cr_assert(fabs(got - wanted) <= fabs(wanted) * (error * 1.001) + 1e-300,
				  "%g: %g, not %g within %g",
				  ps[i], got, wanted, error);
		}
	}
	ccp_stats_values_release(&values);
}

Test(stats, quantiles_are_those_of_sorted_values)
{
	check_quantiles(UINT64_MAX);
	check_quantiles(30000 * 12);
}

Test(stats, quantiles_with_little_memory_are_within_what_is_said)
{
	check_quantiles(30000 * 12 - 1);
	check_quantiles(100000);
	check_quantiles(20000);
}

/* ---- parts --------------------------------------------------------------------------------------- */

static void take_part(struct ccp_stats_collector *c, void *state, struct ccp_part *part)
{
	struct ccp_err err;
	int more = 1;

	part->used = part->from = 0;
	memset(part->found, 0xaa, sizeof part->found);
	while (more == 1) {
		part->note.len = 0;
		part->from = part->used;
		more = ccp_fold_stats.map(state, part, &err);
		cr_assert(more >= 0, "%s", err.text);
		cr_assert(ccp_stats_collector_take(c, "name", part, &err) >= 0);
	}
	cr_assert_eq(part->used, part->len);
}

/* The figures of a text in parts of so many bytes. */
static void describe(const struct ccp_stats_options *options, const char *text, size_t size, bool wrong_guess,
		     char *out, size_t room)
{
	struct ccp_stats_collector c;
	struct ccp_fold_need need;
	size_t len = strlen(text), used = 0;
	struct ccp_err err;
	void *state;
	uint8_t *note;

	if (options->told != NULL)
		atomic_store(options->told, wrong_guess ? UINT64_C(1) << 32 | 2 : 0);
	cr_assert_eq(ccp_fold_stats.need(options, &need, &err), 0);
	note = malloc(need.note_bytes);
	cr_assert_eq(ccp_fold_stats.open(&state, options, &err), 0);
	cr_assert_eq(ccp_stats_collector_init(&c, options, 64 << 20, &err), 0);
	ccp_stats_collector_begin(&c);
	for (size_t at = 0; at < len; at += size) {
		size_t n = len - at < size ? len - at : size;
		uint8_t *copy = malloc(n); /* for a sanitizer to see what is read beyond */
		struct ccp_part part = { .data = copy, .len = n, .first = at == 0, .last = at + n == len,
					 .note = { .data = note, .cap = need.note_bytes } };

		memcpy(copy, text + at, n);
		take_part(&c, state, &part);
		free(copy);
	}
	cr_assert_eq(ccp_stats_collector_end(&c, "name", &err), 0);
	cr_assert_eq(ccp_stats_table_finish(&c.table, &err), 0);
	out[0] = '\0';
	for (uint32_t i = 0; i < c.table.count; i++) {
		const struct ccp_stats_group *g = &c.table.group[i];

		used += (size_t)snprintf(out + used, room - used, "%.*s:%d,%d,%d,%g ", (int)g->key_len,
					 (const char *)c.table.keys + g->key_at, (int)g->count, (int)g->missing,
					 (int)g->invalid, ccp_stats_exact_sum(&g->sum));
	}
	snprintf(out + used, room - used, "@%d", c.invalid_name != NULL ? (int)c.invalid_at : -1);
	ccp_stats_collector_release(&c);
	ccp_fold_stats.close(state);
	free(note);
}

static void check_cuts(const struct ccp_stats_options *options, const char *text, const char *wanted)
{
	char got[500];

	for (size_t size = 1; size <= strlen(text); size++)
		for (int wrong = 0; wrong < 2; wrong++) {
			describe(options, text, size, wrong, got, sizeof got);
			cr_assert_str_eq(got, wanted, "in parts of %zu bytes: %s", size, got);
		}
}

Test(stats, cuts_of_lines)
{
	struct ccp_stats_options o = { .grouped = true, .values = true, .columns = { 2, 1 } };

	check_cuts(&o, "a 1\nb\t 2 z\r\n\n  a  3e0\nb x\nc\na 5", ":0,1,0,0 a:3,0,0,9 b:1,0,1,2 c:0,1,0,0 @24");
	o.mode = CCP_STATS_BYTE;
	o.separator = ':';
	check_cuts(&o, "a:1:\nb:2\r\n:7\na:\nb:x:4\na::3\n\"b:1", ":1,0,0,7 \"b:1,0,0,1 a:1,2,0,1 b:1,0,1,2 @18");
}

Test(stats, cuts_of_csv_with_newlines_in_quotes)
{
	struct ccp_stats_options o = { .mode = CCP_STATS_CSV, .separator = ',', .grouped = true, .columns = { 2, 1 } };

	check_cuts(&o, "a,1\n\"a\",\"2\"\r\n\"x\n,9\n\"\"y\"\"\n\",4\n\",\"\"\n\",5,\"\n,\n\"\n\"a\",\"1\n2\"\na,-0.5",
		   ",\"\n:1,0,0,5 a:3,0,1,2.5 x\n,9\n\"y\"\n:1,0,0,4 @49");
}

Test(stats, cuts_where_a_header_names_fields)
{
	_Atomic uint64_t told = 0;
	struct ccp_stats_options o = { .mode = CCP_STATS_CSV, .separator = ',', .header = true, .grouped = true,
				       .field_name = "the \"price\"", .by_name = "k\nk", .told = &told };

	check_cuts(&o, "\xef\xbb\xbf\"k\nk\",id,\"the \"\"price\"\"\"\na,1,10\nb,2,20\na,3,x\n",
		   "a:1,0,1,10 b:1,0,0,20 @46");
	o = (struct ccp_stats_options){ .header = true, .columns = { 1, 0 } };
	check_cuts(&o, "1 2\n3\n4\n", ":2,0,0,7 @-1");
	check_cuts(&o, "1 2", ":0,0,0,0 @-1");
}

Test(stats, notes_that_are_full)
{
	struct ccp_stats_options o = { .grouped = true, .values = true, .columns = { 2, 1 } };
	size_t room = 4 << 20, len = 0;
	char *text = malloc(room), *got = malloc(room), *wanted = malloc(room);

	for (int i = 0; i < 60000; i++) /* more keys, values and loose values than a note has */
		len += (size_t)sprintf(text + len, "%05d %s\n", i % 7000,
				       i % 30000 < 4000 ? i % 2 ? "1e300" : "-1e-300" : "1");
	describe(&o, text, len, false, wanted, room);
	for (size_t size = 5003; size < len; size *= 5) {
		describe(&o, text, size, false, got, room);
		cr_assert_str_eq(got, wanted);
	}
	free(text);
	free(got);
	free(wanted);
}
