/*
 * profile_html_time.c: the timeline of the page: a row for each worker, time from left to right.
 *
 * There may be a hundred thousand spans and more to a worker, so a row is divided into a few hundred columns. In each
 * of them the states are stacked by their share of the column's time, the busy ones at the bottom: where spans are
 * longer than a column one sees them as they were, where they are shorter one sees how the time was divided. A row is
 * painted from the uppermost layer down, each as high as all that lie below it come to, so that no seams show and a
 * layer costs a few bytes for each column where its height changes. The layers are clip paths in units of the row, over
 * rectangles that are painted in units of the page: so patterns are not stretched with the width.
 */
#include <math.h>
#include <string.h>

#include "cmd/html.h"
#include "cmd/profile_html.h"

#define COLUMNS 400
#define CELLS 9600                    /* columns of all rows together, which bounds the size of the page */
#define ROWS_MAX 32                   /* more workers than these are not all shown, */
#define ROWS_FEW 16                   /* but so many, or one of each executor */
#define HEIGHT 24                     /* of a row. Units: pixels. */
#define STEPS 48                      /* heights that are told apart */
#define LAYERS (CCP_METER_STATES + 1) /* the last: not recorded */

/* One row. Units: ns since the run began. */
struct row {
	uint64_t begun_ns;
	double length;
	unsigned columns;
	double time[COLUMNS][LAYERS];
	double total[LAYERS];
	uint64_t spans;
};

static uint64_t load(const _Atomic uint64_t *value)
{
	return atomic_load_explicit(value, memory_order_relaxed);
}

static const char *strategy_of(const struct ccp_meter_account *account)
{
	return atomic_load_explicit(&account->strategy, memory_order_relaxed);
}

/* Whether the worker was ever marked. */
static bool has_lived(const struct ccp_meter_account *account)
{
	return strategy_of(account) != NULL && load(&account->begun_ns) != 0;
}

/* Adds an interval to the columns that it touches. */
static void add(struct row *row, double begin, double end, unsigned layer)
{
	double width = row->length / row->columns;

	begin = fmax(begin, 0);
	end = fmin(end, row->length);
	if (!(end > begin))
		return;
	row->total[layer] += end - begin;
	for (unsigned i = (unsigned)(begin / width); i < row->columns && i * width < end; i++) {
		double part = fmin(end, (i + 1) * width) - fmax(begin, i * width);

		row->time[i][layer] += fmax(part, 0);
	}
}

/* For ccp_meter_spans. What overlaps is an operation of an event loop; what the loop did has spans of its own. */
static void visit(void *arg, const struct ccp_span *span)
{
	struct row *row = arg;
	double begin = (double)(int64_t)(span->begin_ns - row->begun_ns);

	if (span->overlaps || span->state >= CCP_METER_STATES)
		return;
	row->spans++;
	add(row, begin, begin + (double)span->length_ns, span->state);
}

/* What is missing between the worker's begin and end was dropped from the middle of its record. */
static void fill_gaps(struct row *row, const struct ccp_meter_account *account)
{
	uint64_t ended = load(&account->ended_ns);
	double begin = (double)(int64_t)(load(&account->begun_ns) - row->begun_ns);
	double end = ended == 0 ? row->length : (double)(int64_t)(ended - row->begun_ns);
	double width = row->length / row->columns;

	for (unsigned i = 0; i < row->columns; i++) {
		double from = fmax(begin, i * width), to = fmin(end, (i + 1) * width), known = 0;

		for (unsigned layer = 0; layer < CCP_METER_STATES; layer++)
			known += row->time[i][layer];
		if (known < (to - from) / 2) { /* less is missing where waits were too short to be kept */
			row->time[i][LAYERS - 1] = to - from - known;
			row->total[LAYERS - 1] += to - from - known;
		}
	}
}

static enum ccp_html_fill fill_of(unsigned layer)
{
	return layer < CCP_METER_STATES ? (enum ccp_html_fill)layer : CCP_FILL_UNKNOWN;
}

/* Height of layers 0 … layer in a column, in STEPS. */
static unsigned height(const struct row *row, unsigned column, unsigned layer)
{
	double sum = 0, width = row->length / row->columns;

	for (unsigned i = 0; i <= layer; i++)
		sum += row->time[column][i];
	sum = fmin(sum / width, 1);
	return (unsigned)(sum * STEPS + 0.5);
}

static void print_layer(FILE *out, const struct row *row, unsigned number, unsigned layer)
{
	unsigned last = 0, at = 0;
	bool seen = false;

	for (unsigned i = 0; i < row->columns && !seen; i++)
		seen = height(row, i, layer) > (layer > 0 ? height(row, i, layer - 1) : 0);
	if (!seen)
		return;
	fprintf(out,
		"<clipPath id=\"w%u-%u\" clipPathUnits=\"objectBoundingBox\">"
		"<path transform=\"scale(%.7f %.7f)\" d=\"M0,%u",
		number, layer, 1.0 / row->columns, 1.0 / STEPS, STEPS);
	for (unsigned i = 0; i < row->columns; i++) {
		unsigned now = height(row, i, layer);

		if (now == last)
			continue;
		if (i > at)
			fprintf(out, "h%u", i - at);
		fprintf(out, "v%d", (int)last - (int)now);
		at = i;
		last = now;
	}
	fprintf(out,
		"H%uV%uz\"/></clipPath><rect width=\"100%%\" height=\"%u\" fill=\"%s\" clip-path=\"url(#w%u-%u)\"/>",
		row->columns, STEPS, HEIGHT, ccp_html_fill_paint(fill_of(layer)), number, layer);
}

static void print_row(FILE *out, const struct row *row, const char *name, unsigned number)
{
	char desc[400], share[CCP_HTML_TEXT];
	size_t len = 0;
	double sum = 0;

	for (unsigned i = 0; i < CCP_METER_STATES; i++)
		sum += row->total[i];
	desc[0] = '\0';
	for (unsigned i = 0; i < CCP_METER_STATES; i++)
		if (row->total[i] > 0 && len < sizeof desc)
			len += (size_t)snprintf(desc + len, sizeof desc - len, "%s%s %s", len > 0 ? ", " : "",
						ccp_html_fill_name(fill_of(i)),
						ccp_html_percent(row->total[i] / sum, share));
	fputs("<span>", out);
	ccp_html_text(out, name);
	fputs("</span>", out);
	ccp_html_svg_begin(out, HEIGHT, name, desc);
	for (unsigned layer = LAYERS; layer-- > 0;)
		print_layer(out, row, number, layer);
	/* what the pointer shows, over the whole row */
	fprintf(out, "<rect class=\"cover\" width=\"100%%\" height=\"%u\"><title>", HEIGHT);
	ccp_html_text(out, name);
	fputs(": ", out);
	ccp_html_text(out, desc);
	fputs("</title></rect></svg>\n", out);
}

/* The workers that lived, by executor. */
struct crew {
	struct ccp_meter_account *account; /* all of them */
	size_t count;
	unsigned workers, execs; /* that lived; numbers of executors */
	unsigned each;           /* at most so many of each executor are shown */
};

static unsigned workers_of(const struct crew *crew, unsigned exec)
{
	unsigned n = 0;

	for (size_t i = 0; i < crew->count; i++)
		n += has_lived(&crew->account[i]) && crew->account[i].exec == exec;
	return n;
}

static unsigned shown(const struct crew *crew, unsigned each)
{
	unsigned n = 0;

	for (unsigned exec = 0; exec < crew->execs; exec++) {
		unsigned workers = workers_of(crew, exec);

		n += workers < each ? workers : each;
	}
	return n;
}

static void find_crew(struct crew *crew, struct ccp_meter *meter)
{
	*crew = (struct crew){ .each = CCP_METER_ACCOUNTS };
	crew->account = ccp_meter_accounts(meter, &crew->count);
	for (size_t i = 0; i < crew->count; i++) {
		if (!has_lived(&crew->account[i]))
			continue;
		crew->workers++;
		if (crew->account[i].exec >= crew->execs)
			crew->execs = crew->account[i].exec + 1;
	}
	if (crew->workers > ROWS_MAX)
		for (crew->each = 1; crew->each < ROWS_FEW && shown(crew, crew->each + 1) <= ROWS_FEW;)
			crew->each++;
}

static void print_legend(FILE *out, const double *total)
{
	fputs("<ul class=\"legend\">", out);
	for (unsigned i = 0; i < LAYERS; i++)
		if (total[i] > 0)
			ccp_html_legend(out, fill_of(i), NULL, NULL);
	fputs("</ul>\n", out);
}

/* One executor's rows. */
static void print_exec(FILE *out, const struct ccp_profile *profile, const struct crew *crew, unsigned exec,
		       struct row *row, double *total)
{
	unsigned number = 0, workers = workers_of(crew, exec);
	char name[80];

	for (size_t i = 0; i < crew->count && number < crew->each; i++) {
		const struct ccp_meter_account *account = &crew->account[i];
		uint64_t dropped;

		if (!has_lived(account) || account->exec != exec)
			continue;
		memset(row->time, 0, sizeof row->time);
		memset(row->total, 0, sizeof row->total);
		dropped = ccp_meter_spans(profile->meter, account, visit, row);
		if (dropped > 0)
			fill_gaps(row, account);
		snprintf(name, sizeof name, "%s #%u", strategy_of(account), account->number);
		print_row(out, row, name, exec * CCP_METER_ACCOUNTS + number++);
		for (unsigned layer = 0; layer < LAYERS; layer++)
			total[layer] += row->total[layer];
	}
	if (workers > number)
		fprintf(out, "<span></span><span class=\"note\">and %u more workers, not shown</span>\n",
			workers - number);
}

static bool has_spans(const struct crew *crew)
{
	for (size_t i = 0; i < crew->count; i++)
		if (has_lived(&crew->account[i]) && load(&crew->account[i].span_count) > 0)
			return true;
	return false;
}

static void print_rows(FILE *out, const struct ccp_profile *profile, const struct crew *crew)
{
	unsigned rows = shown(crew, crew->each), columns = CELLS / (rows > 0 ? rows : 1);
	struct row row = { .begun_ns = profile->begun_ns, .length = ccp_profile_html_length(profile) };
	double total[LAYERS] = { 0 };
	char wide[CCP_HTML_TEXT];

	row.columns = columns < COLUMNS ? columns : COLUMNS;
	fputs("<div class=\"chart rows time\">\n", out);
	for (unsigned exec = 0; exec < crew->execs; exec++)
		print_exec(out, profile, crew, exec, &row, total);
	fputs("<span class=\"note\">time</span>", out);
	ccp_profile_html_axis(out, row.length);
	fputs("</div>\n", out);
	print_legend(out, total);
	fprintf(out,
		"<p class=\"note\">Each row is a worker; a column is %s. Within a column the states are stacked by "
		"their "
		"share of it, work and the other busy ones at the bottom.",
		ccp_html_time(row.length / row.columns, wide));
	if (rows < crew->workers)
		fprintf(out, " %u of %u workers are shown, the first of each executor.", rows, crew->workers);
	if (total[LAYERS - 1] > 0)
		fputs(" There were more intervals than were kept: what is missing in the middle is \"not recorded\".",
		      out);
	fputs("</p>\n", out);
}

void ccp_profile_html_timeline(FILE *out, const struct ccp_profile *profile)
{
	struct crew crew = { 0 };

	if (profile->meter != NULL)
		find_crew(&crew, profile->meter);
	fputs("<section>\n<h2>What each worker did</h2>\n", out);
	if (has_spans(&crew))
		print_rows(out, profile, &crew);
	else
		fputs("<p>The single intervals of the workers were not recorded in this run, so there is no timeline. "
		      "Their sums stand below.</p>\n",
		      out);
	fputs("</section>\n", out);
}
