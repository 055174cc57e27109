/*
 * sum_settle.c: what was said to sum and its personas, made sense of. The order of the checks is that of coreutils, so
 * that of several mistakes the same one is told.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cmd/sum.h"
#include "cmd/sum_words.h"
#include "pipeline/net/url.h"

static int refused(const struct ccp_settings *s)
{
	return s->gnu ? CCP_EXIT_FAILED : CCP_EXIT_USAGE;
}

/* Those algorithms whose length can be chosen get it. */
static int set_lengths(struct ccp_settings *s)
{
	struct ccp_sum_settings *sum = &s->sum;
	const struct ccp_digest_ops *chosen = NULL;

	for (size_t i = 0; i < sum->set.count; i++)
		if (sum->set.item[i].ops->any_length)
			chosen = sum->set.item[i].ops;
	if (sum->length_bits == 0)
		return 0;
	if (chosen == NULL) {
		fprintf(stderr, "%s: --length is only supported with --algorithm=blake2b\n", s->program);
		return refused(s);
	}
	if (sum->length_bits > 8 * chosen->bytes) {
		fprintf(stderr, "%s: invalid length: ", s->program);
		ccp_sum_quote(stderr, sum->length);
		fprintf(stderr, "\n%s: maximum digest length for ", s->program);
		ccp_sum_quote(stderr, chosen->tag);
		fprintf(stderr, " is %zu bits\n", 8 * chosen->bytes);
		return refused(s);
	}
	for (size_t i = 0; i < sum->set.count; i++)
		if (sum->set.item[i].ops == chosen)
			sum->set.item[i].bytes = (size_t)(sum->length_bits / 8);
	return 0;
}

static int set_algorithms(struct ccp_settings *s)
{
	struct ccp_sum_settings *sum = &s->sum;
	struct ccp_err err;

	ccp_err_clear(&err);
	if (sum->list_count == 0 && sum->check && s->bit == CCP_FOR_SUM)
		return 0; /* the list says it */
	if (sum->list_count == 0)
		sum->lists[sum->list_count++] = s->bit == CCP_FOR_CKSUM ? "cksum" : "sha256";
	for (size_t i = 0; i < sum->list_count; i++) {
		if (ccp_digest_set_add(&sum->set, sum->lists[i], &err) == 0)
			continue;
		if (err.code == CCP_E_USAGE) {
			fprintf(stderr, "%s: %s; there are ", s->program, err.text);
			ccp_sum_print_algorithms(stderr);
			fputc('\n', stderr);
			return ccp_usage_hint(s);
		}
		fprintf(stderr, "%s: %s\n", s->program, err.text);
		return CCP_EXIT_FAILED;
	}
	return 0;
}

/* The options of coreutils. */
static int check_coreutils(const struct ccp_settings *s)
{
	const struct ccp_sum_settings *sum = &s->sum;
	const struct {
		const char *name;
		bool said;
	} checking[] = { { "ignore-missing", sum->ignore_missing }, { "status", sum->status }, { "warn", sum->warn },
			 { "quiet", s->quiet && s->gnu }, { "strict", sum->strict } };
	bool cksum = s->bit == CCP_FOR_CKSUM;

	if (cksum && sum->check && sum->said && sum->set.item[0].ops->decimal) {
		fprintf(stderr, "%s: --check is not supported with --algorithm={bsd,sysv,crc}\n", s->program);
		return CCP_EXIT_FAILED;
	}
	if (sum->tag && sum->binary == 0)
		return ccp_usage_error(s, "--tag does not support --text mode");
	if (sum->zero && sum->check && s->gnu)
		return ccp_usage_error(s, "the --zero option is not supported when verifying checksums");
	if (sum->tag && sum->check && !cksum)
		return ccp_usage_error(s, "the --tag option is meaningless when verifying checksums");
	if (sum->binary >= 0 && sum->check && !cksum)
		return ccp_usage_error(s, "the --binary and --text options are meaningless when verifying checksums");
	for (size_t i = 0; i < sizeof checking / sizeof checking[0] && !sum->check; i++)
		if (checking[i].said)
			return ccp_usage_error(s, "the --%s option is meaningful only when verifying checksums",
					       checking[i].name);
	return 0;
}

/* What coreutils does not have. */
static int check_ours(const struct ccp_settings *s)
{
	bool has_stdin = s->name_count == 0 && s->files_from == NULL;
	struct stat st;
	int status;

	for (size_t i = 0; i < s->name_count; i++)
		has_stdin |= strcmp(s->names[i], "-") == 0;
	if (s->json && (s->sum.check || s->sum.tag || s->sum.zero))
		return ccp_usage_error(s, "--json has no meaning with %s",
				       s->sum.check ? "--check" : s->sum.tag ? "--tag" : "--zero");
	status = ccp_settings_refuse_names(s, "-0");
	if (status != 0)
		return status;
	if (s->sum.check && (s->recursive || s->files_from != NULL))
		return ccp_usage_error(s, "%s has no meaning with --check", s->recursive ? "-r" : "--files-from");
	if (s->files_from != NULL && strcmp(s->files_from, "-") == 0 && has_stdin)
		return ccp_usage_error(s, "standard input cannot be both --files-from and an input");
	for (size_t i = 0; i < s->name_count && s->explain; i++)
		has_stdin |= (stat(s->names[i], &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) ||
			     (!s->gnu && ccp_url_kind(s->names[i]) > CCP_URL_FILE);
	if (s->explain && has_stdin)
		return ccp_usage_error(s, "--explain measures real data, and would use up a stream: name files");
	if (s->archive && (s->sum.check || s->explain))
		return ccp_usage_error(s, "--archive has no meaning with %s", s->sum.check ? "--check" : "--explain");
	if (s->explain && s->sum.check)
		return ccp_usage_error(s, "--explain has no meaning with --check");
	return 0;
}

int ccp_sum_settle(struct ccp_settings *s)
{
	int status = set_algorithms(s);

	if (status == 0)
		status = set_lengths(s);
	if (status == 0)
		status = check_coreutils(s);
	if (status == 0)
		status = check_ours(s);
	return status;
}
