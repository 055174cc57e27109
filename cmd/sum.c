/*
 * sum.c: the command sum, its short forms and personas: a line of digests for each input, in the order of the names.
 */
#include "cmd/sum.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/commands.h"
#include "cmd/measure.h"
#include "cmd/prepare.h"
#include "cmd/sum_line.h"
#include "cmd/sum_words.h"
#include "cmd/text.h"
#include "pipeline/run.h"

#define STDOUT_BYTES 65536

struct sum_print {
	struct ccp_settings *settings;
	struct ccp_sum_style style;
	bool named; /* some input has a name: cksum prints none for standard input alone */
	bool broken; /* standard output */
	int status;
};

/* {"path":"a","bytes":3,"sha256":"98ea…"} or {"path":"a","error":"…"} */
static void print_json(const struct sum_print *print, const struct ccp_result *result, bool failed)
{
	const struct ccp_digest_set *set = &print->settings->sum.set;
	const uint8_t *digest = result->input->record;

	putchar('{');
	ccp_text_json_path(stdout, result->input->path);
	if (failed) {
		fputs(",\"error\":", stdout);
		ccp_text_json(stdout, ccp_sum_reason(print->settings, result));
	} else {
		printf(",\"bytes\":%llu", (unsigned long long)result->input->bytes_in);
	}
	for (size_t i = 0; i < set->count && !failed; i++) {
		printf(",\"%s\":", set->item[i].ops->name);
		ccp_sum_line_value(stdout, set->item[i].ops, set->item[i].bytes, digest);
		digest += set->item[i].bytes;
	}
	fputs("}\n", stdout);
}

static void print_lines(const struct sum_print *print, const struct ccp_input *input)
{
	const struct ccp_digest_set *set = &print->settings->sum.set;
	const uint8_t *digest = input->record;

	for (size_t i = 0; i < set->count; digest += set->item[i++].bytes)
		ccp_sum_line_print(stdout, &print->style, set->item[i].ops, set->item[i].bytes, digest, input->bytes_in,
				   print->named || !set->item[i].ops->decimal ? input->path : NULL);
}

static void on_result(void *arg, const struct ccp_result *result)
{
	struct sum_print *print = arg;
	int status = CCP_EXIT_OK;
	bool failed;

	if (print->broken)
		return;
	failed = ccp_sum_failed(print->settings, result, &status);
	if (print->status == CCP_EXIT_OK || status == CCP_EXIT_FAILED)
		print->status = status;
	if (print->settings->explain)
		return;
	if (print->settings->json && (!failed || status != CCP_EXIT_OK))
		print_json(print, result, failed);
	else if (!failed)
		print_lines(print, result->input);
	if (ferror(stdout)) {
		print->broken = true;
		ccp_sum_stop(print->settings);
	}
}

/*
 * Whether lines have a tag. Without being asked for it they have one where the digits would not tell what they are, so
 * that --check reads what was written; -b and -t ask for the other form.
 */
static bool has_tag(const struct ccp_settings *s)
{
	const struct ccp_digest_set *set = &s->sum.set;

	if (s->sum.tag || set->count > 1)
		return true;
	if (s->gnu)
		return s->bit == CCP_FOR_CKSUM && !s->sum.untagged;
	return s->sum.binary < 0 && !ccp_sum_line_is_plain(set->item[0].ops, set->item[0].bytes);
}

static int print_sums(struct ccp_settings *s)
{
	static char dash[] = "-";
	struct sum_print print = {
		.settings = s,
		.style = { .tag = has_tag(s), .binary = s->sum.binary > 0, .zero = s->sum.zero },
		.named = s->name_count > 0 || s->files_from != NULL,
	};
	struct ccp_walk_options walk;
	int status;

	if (!print.named)
		s->names[s->name_count++] = dash;
	walk = ccp_prepare_walk(s);
	status = ccp_sum_run(s, &walk, &s->sum.set, on_result, &print);
	return status != 0 ? status : print.status;
}

static int run(struct ccp_settings *s)
{
	int status = ccp_sum_settle(s);

	if (status == 0)
		status = ccp_measure_check(s);
	if (status != 0)
		return status;
	if (!isatty(STDOUT_FILENO))
		setvbuf(stdout, NULL, _IOFBF, STDOUT_BYTES);
	return ccp_sum_flush(s, s->sum.check ? ccp_sum_check(s) : print_sums(s));
}

const struct ccp_command ccp_command_sum = {
	.name = "sum",
	.help = "print or check checksums of files, or of standard input",
	.operands = " [FILE]...",
	.bit = CCP_FOR_SUM,
	.run = run,
};
