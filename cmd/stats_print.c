/*
 * stats_print.c: groups and their figures, as a table, JSON or CSV.
 *
 * A group is a row of cells; JSON and CSV have as many digits as it takes to read the same number back, a table ten. A
 * table of one group stands upright.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/stats.h"
#include "cmd/text.h"

#define FIGURES 8 /* beside the quantiles */
#define CELL 32

static const char *const titles[FIGURES] = { "count", "missing", "invalid", "sum", "min", "max", "mean", "sd" };

struct printer {
	const struct ccp_settings *settings;
	struct ccp_stats_table *table;
	const struct ccp_stats_quantiles *quantiles;
	bool exact_digits;
	const char *none; /* what stands for a figure that does not exist */
};

static void print_number(const struct printer *printer, char *cell, double value)
{
	if (!isfinite(value)) {
		snprintf(cell, CELL, "%s", printer->none);
		return;
	}
	if (!printer->exact_digits) {
		snprintf(cell, CELL, "%.10g", value);
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(cell, CELL, "%.*g", digits, value);
		if (strtod(cell, NULL) == value)
			return;
	}
}

/* Sets the text of a figure, or of a quantile. */
static void set_cell(const struct printer *printer, const struct ccp_stats_group *group, size_t figure, char *cell)
{
	const uint64_t counts[] = { group->count, group->missing, group->invalid };
	double value = NAN;

	if (figure < 3) {
		snprintf(cell, CELL, "%llu", (unsigned long long)counts[figure]);
		return;
	}
	if (figure == 3)
		value = ccp_stats_exact_sum(&group->sum);
	else if (group->count == 0)
		value = NAN;
	else if (figure == 4)
		value = group->min;
	else if (figure == 5)
		value = group->max;
	else if (figure == 6)
		value = ccp_stats_exact_mean(&group->sum, group->count);
	else if (figure == 7 && group->count > 1)
		value = ccp_stats_exact_deviation(&group->sum, &group->squares, group->count);
	else if (figure >= FIGURES)
		value = ccp_stats_values_quantile(&printer->table->values, group->place,
						  printer->quantiles->p[figure - FIGURES]);
	if (figure >= FIGURES && group->count > 0) { /* the middle of a bucket may lie outside */
		value = value < group->min ? group->min : value;
		value = value > group->max ? group->max : value;
	}
	print_number(printer, cell, value);
}

static size_t figures_of(const struct printer *printer)
{
	return FIGURES + printer->quantiles->count;
}

static void set_title(const struct printer *printer, size_t figure, char *cell)
{
	if (figure < FIGURES)
		snprintf(cell, CELL, "%s", titles[figure]);
	else
		snprintf(cell, CELL, "q%.15g", printer->quantiles->p[figure - FIGURES]);
}

/* How exact the quantiles are. */
static void set_method(const struct printer *printer, char *text)
{
	double error = ccp_stats_values_error(&printer->table->values);

	if (error == 0)
		snprintf(text, CELL, "exact");
	else
		snprintf(text, CELL, "within %.2g%%", 100 * error);
}

static const uint8_t *key_of(const struct printer *printer, const struct ccp_stats_group *group)
{
	return printer->table->keys + group->key_at;
}

/* ---- CSV ----------------------------------------------------------------------------------------- */

static void print_csv(const struct printer *printer)
{
	char cell[CELL], method[CELL];

	set_method(printer, method);
	if (printer->settings->stats.by != NULL)
		fputs("key,", stdout);
	for (size_t i = 0; i < figures_of(printer); i++) {
		set_title(printer, i, cell);
		printf("%s%s", i > 0 ? "," : "", cell);
	}
	fputs(printer->quantiles->count > 0 ? ",quantiles\n" : "\n", stdout);
	for (uint32_t g = 0; g < printer->table->count; g++) {
		const struct ccp_stats_group *group = &printer->table->group[g];

		if (printer->settings->stats.by != NULL) {
			ccp_text_csv(stdout, key_of(printer, group), group->key_len);
			putchar(',');
		}
		for (size_t i = 0; i < figures_of(printer); i++) {
			set_cell(printer, group, i, cell);
			printf("%s%s", i > 0 ? "," : "", cell);
		}
		printer->quantiles->count > 0 ? (void)printf(",%s\n", method) : (void)putchar('\n');
	}
}

/* ---- JSON ---------------------------------------------------------------------------------------- */

static void print_json(const struct printer *printer)
{
	char title[CELL], cell[CELL];

	for (uint32_t g = 0; g < printer->table->count && !ferror(stdout); g++) {
		const struct ccp_stats_group *group = &printer->table->group[g];

		putchar('{');
		if (printer->settings->stats.by != NULL) {
			ccp_text_json_key(stdout, key_of(printer, group), group->key_len);
			putchar(',');
		}
		for (size_t i = 0; i < figures_of(printer); i++) {
			set_title(printer, i, title);
			set_cell(printer, group, i, cell);
			printf("%s\"%s\":%s", i > 0 ? "," : "", title, cell);
		}
		if (printer->quantiles->count > 0) {
			set_method(printer, cell);
			printf(",\"quantiles\":\"%s\",\"quantiles_error\":%.10g", cell,
			       ccp_stats_values_error(&printer->table->values));
		}
		fputs("}\n", stdout);
	}
}

/* ---- for people ---------------------------------------------------------------------------------- */

static void print_upright(const struct printer *printer)
{
	char title[CELL], cell[CELL];

	for (size_t i = 0; i < figures_of(printer); i++) {
		set_title(printer, i, title);
		set_cell(printer, &printer->table->group[0], i, cell);
		printf("%-9s  %s\n", title, cell);
	}
}

/* Bytes that a terminal does not show, or obeys, are question marks. Returns the columns, one for a character. */
static int print_key(FILE *out, const uint8_t *key, size_t len)
{
	int columns = 0;

	for (size_t i = 0; i < len; i++) {
		if (out != NULL)
			putc(key[i] < 0x20 || key[i] == 0x7f ? '?' : key[i], out);
		columns += (key[i] & 0xc0) != 0x80;
	}
	return columns;
}

static int print_table(const struct printer *printer, struct ccp_err *err)
{
	size_t figures = figures_of(printer);
	int width[FIGURES + CCP_STATS_QUANTILES], key_width = 3;
	char (*cells)[CELL] = calloc(figures * ((size_t)printer->table->count + 1), CELL);

	if (cells == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %u rows: --json or --to-csv need none",
				   printer->table->count);
	for (size_t i = 0; i < figures; i++) {
		set_title(printer, i, cells[i]);
		width[i] = (int)strlen(cells[i]);
	}
	for (uint32_t g = 0; g < printer->table->count; g++) {
		const struct ccp_stats_group *group = &printer->table->group[g];
		int columns = print_key(NULL, key_of(printer, group), group->key_len);

		key_width = columns > key_width ? columns : key_width;
		for (size_t i = 0; i < figures; i++) {
			char *cell = cells[(g + 1) * figures + i];

			set_cell(printer, group, i, cell);
			width[i] = (int)strlen(cell) > width[i] ? (int)strlen(cell) : width[i];
		}
	}
	for (uint32_t g = 0; g <= printer->table->count && !ferror(stdout); g++) {
		const struct ccp_stats_group *group = &printer->table->group[g > 0 ? g - 1 : 0];
		int columns = g > 0 ? print_key(stdout, key_of(printer, group), group->key_len) : printf("key");

		printf("%*s", key_width - columns, "");
		for (size_t i = 0; i < figures; i++)
			printf("  %*s", width[i], cells[g * figures + i]);
		putchar('\n');
	}
	free(cells);
	return 0;
}

int ccp_stats_print(const struct ccp_settings *s, struct ccp_stats_table *table,
		    const struct ccp_stats_quantiles *quantiles, struct ccp_err *err)
{
	const struct printer printer = {
		.settings = s, .table = table, .quantiles = quantiles,
		.exact_digits = s->json || s->stats.to_csv,
		.none = s->json ? "null" : s->stats.to_csv ? "" : "-",
	};
	char method[CELL];

	if (s->json || s->stats.to_csv) {
		s->json ? print_json(&printer) : print_csv(&printer);
		return 0;
	}
	if (s->stats.by == NULL)
		print_upright(&printer);
	else if (print_table(&printer, err) != 0)
		return -1;
	if (quantiles->count > 0) {
		set_method(&printer, method);
		printf("quantiles: %s\n", method);
	}
	return 0;
}
