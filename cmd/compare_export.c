/*
 * compare_export.c: the result as JSON, CSV and Markdown.
 *
 * Where hyperfine has a figure, it has its name and unit (seconds, bytes) here, so that scripts that read its files
 * can read these.
 */
#include "cmd/compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "cmd/text.h"
#include "cmd/whole.h"
#include "strategies/strategies.h"
#include "version.h"

#define MIB (1024.0 * 1024)

static const char *const kinds[] = { "fixed", "auto", "replay" }; /* enum ccp_compare_kind */

const char *ccp_compare_cpu_model(char *text, size_t room)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256], *value;

	snprintf(text, room, "unknown");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		if (strncmp(line, "model name", 10) != 0 || (value = strchr(line, ':')) == NULL)
			continue;
		value += 1 + strspn(value + 1, " \t");
		value[strcspn(value, "\n")] = '\0';
		snprintf(text, room, "%s", value);
		break;
	}
	if (file != NULL)
		fclose(file);
	return text;
}

/* The command line of a plan as one string. Memory: returned, for free; NULL without memory. */
static char *command_text(const struct ccp_compare *c, const struct ccp_compare_plan *plan)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return NULL;
	ccp_compare_print_command(out, c, plan);
	fclose(out);
	return text;
}

static void json_env(FILE *out, const struct ccp_compare *c)
{
	struct utsname name = { .release = "" };
	char model[128];

	uname(&name);
	fprintf(out, "\"env\":{\"version\":\"%s\",\"cpus\":%u,\"cpus_online\":%u,\"cpu_quota\":", CCP_VERSION,
		c->host.cpus, c->host.cpus_online);
	if (c->host.cpu_quota > 0)
		fprintf(out, "%.3f", c->host.cpu_quota);
	else
		fputs("null", out);
	fprintf(out, ",\"memory\":%llu,\"cpu_model\":", (unsigned long long)c->host.memory);
	ccp_text_json(out, ccp_compare_cpu_model(model, sizeof model));
	fputs(",\"kernel\":", out);
	ccp_text_json(out, name.release);
	fputs("},\n\"left_out\":[", out);
	for (size_t i = 0; c->left_out[i] != NULL; i++) {
		fprintf(out, "%s{\"strategy\":", i > 0 ? "," : "");
		ccp_text_json(out, c->left_out[i]->name);
		fputs(",\"reason\":", out);
		ccp_text_json(out, c->left_out[i]->probe());
		fputc('}', out);
	}
	fputs("],\n", out);
}

static void json_head(FILE *out, const struct ccp_compare *c)
{
	const struct ccp_compare_run *first = &c->plan[c->reference].first;

	fputs("\"command\":[", out);
	ccp_text_json(out, c->command.command->name);
	for (size_t i = 0; i < c->command.option_count; i++) {
		fputc(',', out);
		ccp_text_json(out, c->command.options[i]);
	}
	for (size_t i = 0; i < c->command.settings.name_count; i++) {
		fputc(',', out);
		ccp_text_json(out, c->command.settings.names[i]);
	}
	fprintf(out,
		"],\n\"rounds\":%zu,\"rounds_run\":%zu,\"warmup\":%d,\"cold\":%s,\"seed\":%u,\"external_load\":%.4f,"
		"\"noise\":",
		c->round_count, c->rounds_run, c->settings->warmup, c->settings->cold ? "true" : "false",
		CCP_COMPARE_SEED, c->ranking.external);
	if (c->round_count > 1)
		fprintf(out, "%.4f", c->ranking.noise);
	else
		fputs("null", out);
	fprintf(out, ",\n\"outputs\":{\"identical\":true,\"xxh3\":\"%016llx%016llx\",\"exit_code\":%d}",
		(unsigned long long)first->digest.high, (unsigned long long)first->digest.low, first->status);
}

static void json_rounds(FILE *out, const struct ccp_compare *c, const struct ccp_compare_plan *plan)
{
	fputs(",\"times\":", out);
	for (size_t r = 0; r < c->round_count; r++)
		fprintf(out, "%c%.9f", r == 0 ? '[' : ',', plan->runs[r].wall);
	fputs("],\"external\":", out);
	for (size_t r = 0; r < c->round_count; r++)
		fprintf(out, "%c%.3f", r == 0 ? '[' : ',', plan->runs[r].external);
	fputs("],\"memory_usage_byte\":", out);
	for (size_t r = 0; r < c->round_count; r++)
		fprintf(out, "%c%llu", r == 0 ? '[' : ',', (unsigned long long)plan->runs[r].peak_rss);
	fputs("],\"exit_codes\":", out);
	for (size_t r = 0; r < c->round_count; r++)
		fprintf(out, "%c%d", r == 0 ? '[' : ',', plan->runs[r].status);
	fputc(']', out);
}

static int json_plan(FILE *out, const struct ccp_compare *c, const struct ccp_compare_plan *plan)
{
	const struct ccp_compare_stats *s = &plan->stats;
	char *command = command_text(c, plan);

	if (command == NULL)
		return -1;
	fputs("{\"command\":", out);
	ccp_text_json(out, command);
	free(command);
	fputs(",\"plan\":", out);
	ccp_text_json(out, plan->label);
	fprintf(out, ",\"kind\":\"%s\",\"jobs\":%u", kinds[plan->kind], plan->jobs);
	if (plan->kind != CCP_COMPARE_REPLAY) {
		fputs(",\"strategy\":", out);
		ccp_text_json(out, plan->strategy);
	}
	if (plan->chosen[0] != '\0') {
		fputs(",\"chosen\":", out);
		ccp_text_json(out, plan->chosen);
	}
	fprintf(out, ",\"mean\":%.9f,\"stddev\":", s->mean);
	if (c->round_count > 1)
		fprintf(out, "%.9f", s->sigma);
	else
		fputs("null", out);
	fprintf(out, ",\"median\":%.9f,\"user\":%.6f,\"system\":%.6f,\"min\":%.9f,\"max\":%.9f", s->median, s->user,
		s->system, s->min, s->max);
	json_rounds(out, c, plan);
	fprintf(out,
		",\"peak_rss\":%llu,\"ratio\":%.6f,\"ratio_error\":%.6f,\"ratio_ci95\":[%.6f,%.6f],\"outliers\":%u,"
		"\"noisy\":%u}",
		(unsigned long long)s->peak_rss, s->ratio, s->ratio_error, s->ratio_low, s->ratio_high, s->outliers,
		s->noisy);
	return 0;
}

static void json_regret(FILE *out, const struct ccp_compare *c)
{
	const struct ccp_compare_regret *regret = &c->ranking.regret;
	double best;

	if (!c->ranking.has_regret) {
		fputs("null", out);
		return;
	}
	best = c->plan[regret->best].stats.median;
	fputs("{\"plan\":", out);
	ccp_text_json(out, c->plan[regret->plan].label);
	fputs(",\"best\":", out);
	ccp_text_json(out, c->plan[regret->best].label);
	fprintf(out, ",\"ratio\":%.6f,\"ratio_ci95\":[%.6f,%.6f],\"loss_ms\":%.6f,\"split\":", regret->ratio,
		regret->ratio_low, regret->ratio_high, regret->loss_s * 1e3);
	if (regret->split)
		fprintf(out,
			"{\"overhead_ms\":%.6f,\"overhead_percent\":%.4f,\"choice_ms\":%.6f,\"choice_percent\":%.4f}",
			regret->overhead_s * 1e3, regret->overhead_s / best * 100, regret->choice_s * 1e3,
			regret->choice_s / best * 100);
	else
		fputs("null", out);
	fputc('}', out);
}

static int write_json(FILE *out, const struct ccp_compare *c)
{
	int result = 0;

	fprintf(out, "{\"schema\":\"%s\",\n", CCP_COMPARE_SCHEMA);
	json_env(out, c);
	json_head(out, c);
	fputs(",\n\"results\":[\n", out);
	for (size_t i = 0; i < c->plan_count && result == 0; i++) {
		result = json_plan(out, c, &c->plan[c->ranking.order[i]]);
		fputs(i + 1 < c->plan_count ? ",\n" : "],\n", out);
	}
	fputs("\"regret\":", out);
	json_regret(out, c);
	fputs("}\n", out);
	return result;
}

/* In quotes, with inner ones doubled. Source: RFC 4180, section 2. */
static void csv_text(FILE *out, const char *text)
{
	fputc('"', out);
	for (; *text != '\0'; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static int write_csv(FILE *out, const struct ccp_compare *c)
{
	fputs("command,mean,stddev,median,user,system,min,max,plan,jobs,peak_rss,ratio,ratio_error,noisy\n", out);
	for (size_t i = 0; i < c->plan_count; i++) {
		const struct ccp_compare_plan *plan = &c->plan[c->ranking.order[i]];
		const struct ccp_compare_stats *s = &plan->stats;
		char *command = command_text(c, plan);

		if (command == NULL)
			return -1;
		csv_text(out, command);
		free(command);
		fprintf(out, ",%.9f,", s->mean);
		if (c->round_count > 1)
			fprintf(out, "%.9f", s->sigma);
		fprintf(out, ",%.9f,%.6f,%.6f,%.9f,%.9f,", s->median, s->user, s->system, s->min, s->max);
		csv_text(out, plan->label);
		fprintf(out, ",%u,%llu,%.6f,%.6f,%u\n", plan->jobs, (unsigned long long)s->peak_rss, s->ratio,
			s->ratio_error, s->noisy);
	}
	return 0;
}

/* In `…` within a cell of a table: a | would end the cell. */
static void markdown_text(FILE *out, const char *text)
{
	fputc('`', out);
	for (; *text != '\0'; text++)
		fprintf(out, "%s%c", *text == '|' ? "\\" : "", *text == '`' ? '\'' : *text);
	fputc('`', out);
}

static int write_markdown(FILE *out, const struct ccp_compare *c)
{
	bool milli = c->plan[c->ranking.best].stats.median < 1;
	const char *unit = milli ? "ms" : "s";
	double factor = milli ? 1e3 : 1;
	int digits = milli ? 1 : 3;

	fprintf(out,
		"| Command | Mean [%s] | Min [%s] | Max [%s] | Relative | CPU [s] | MiB | Plan |\n"
		"|:---|---:|---:|---:|---:|---:|---:|:---|\n",
		unit, unit, unit);
	for (size_t i = 0; i < c->plan_count; i++) {
		const struct ccp_compare_plan *plan = &c->plan[c->ranking.order[i]];
		const struct ccp_compare_stats *s = &plan->stats;
		char *command = command_text(c, plan);

		if (command == NULL)
			return -1;
		fputs("| ", out);
		markdown_text(out, command);
		free(command);
		fprintf(out, " | %.*f", digits, s->mean * factor);
		if (c->round_count > 1)
			fprintf(out, " \302\261 %.*f", digits, s->sigma * factor);
		fprintf(out, " | %.*f | %.*f | %.2f", digits, s->min * factor, digits, s->max * factor, s->ratio);
		if (c->ranking.order[i] != c->ranking.best && c->round_count > 1)
			fprintf(out, " \302\261 %.2f", s->ratio_error);
		fprintf(out, " | %.3f | %.1f | %s%s |\n", s->user + s->system, (double)s->peak_rss / MIB, plan->label,
			s->noisy > 0 ? " ~" : "");
	}
	return 0;
}

static const char *path_of(const char *what)
{
	return strchr(what, ':') + 1;
}

/* A file that may be replaced as a whole, or does not exist yet. */
static bool is_plain(const char *path)
{
	struct stat st;

	return stat(path, &st) != 0 || S_ISREG(st.st_mode);
}

int ccp_compare_export_check(const struct ccp_compare *c, struct ccp_err *err)
{
	for (size_t i = 0; i < c->settings->export_count; i++) {
		const char *path = path_of(c->settings->exports[i]), *slash = strrchr(path, '/');
		char folder[PATH_MAX] = ".";

		if (slash != NULL &&
		    snprintf(folder, sizeof folder, "%.*s/", (int)(slash - path), path) >= (int)sizeof folder)
			return ccp_err_set(err, CCP_E_NAME, "--export: the name is too long");
		if (access(is_plain(path) ? folder : path, W_OK) != 0)
			return ccp_err_sys(err, errno, "--export: %.200s", path);
	}
	return 0;
}

/* What is to be exported: KIND:FILE. */
struct export {
	const struct ccp_compare *compare;
	const char *what;
};

static int print_kind(FILE *out, const void *arg)
{
	const struct export *export = arg;

	if (strncmp(export->what, "json:", 5) == 0)
		return write_json(out, export->compare);
	if (strncmp(export->what, "csv:", 4) == 0)
		return write_csv(out, export->compare);
	if (strncmp(export->what, "md:", 3) == 0)
		return write_markdown(out, export->compare);
	ccp_compare_html(out, export->compare);
	return 0;
}

int ccp_compare_export(const struct ccp_compare *c, const char *what, struct ccp_err *err)
{
	struct export export = { c, what };
	int error = ccp_whole_write(path_of(what), print_kind, &export);

	return error != 0 ? ccp_err_sys(err, error, "--export: %.200s", path_of(what)) : 0;
}
