/*
 * sum_check.c: --check. A list is read into memory and its lines are taken apart; then the files that it names are
 * digested by as few runs as possible, and each result is told as that of the next line.
 *
 * Lines that follow one another, name the same file and are of different algorithms are one input with several
 * digests: so a list that was written with several algorithms has its files read once. Inputs with the same algorithms
 * share a run. What cannot be verified (a line that is none) is told when the line before it has been, in the order of
 * the list.
 *
 * The words and their order are those of coreutils 9.1; tests/contract/sum-check compares them.
 */
#include "cmd/sum_check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/signals.h"
#include "cmd/sum.h"
#include "cmd/sum_words.h"

struct check {
	struct ccp_settings *settings;
	const char *name; /* of the list, as it was said; "-" */
	const struct ccp_sum_reader *reader;
	struct ccp_sum_list list;
	uint64_t unread, mismatched, matched;

	/* a run; the callback's while it goes on */
	struct ccp_digest_set set; /* of its inputs */
	size_t at, until;          /* the next line, and where the run ends */
	bool broken;               /* standard output */
};

/* ---- words ------------------------------------------------------------------------------------------------------- */

/* Begins a message, after what was printed before it. */
static void begin(const struct check *check)
{
	fflush(stdout);
	fprintf(stderr, "%s: ", check->settings->program);
}

static void begin_with_list(const struct check *check)
{
	const struct ccp_settings *s = check->settings;
	bool is_stdin = strcmp(check->name, "-") == 0;

	begin(check);
	if (is_stdin && !s->gnu)
		fputs("standard input", stderr);
	else
		ccp_sum_name(stderr, s, is_stdin ? "standard input" : check->name);
	fputs(": ", stderr);
}

static void tell_list(const struct check *check, const char *words)
{
	begin_with_list(check);
	fprintf(stderr, "%s\n", words);
}

static void begin_with_file(const struct check *check, const struct ccp_sum_entry *entry)
{
	begin(check);
	ccp_sum_name(stderr, check->settings, entry->name);
	fputs(": ", stderr);
}

/* "NAME: VERDICT"; a name with a newline is escaped, so that it stays one line. */
static void print_verdict(const struct ccp_sum_entry *entry, const char *verdict)
{
	bool escape = strchr(entry->name, '\n') != NULL;

	if (escape)
		putc('\\', stdout);
	for (const char *s = entry->name; *s != '\0'; s++) {
		if (escape && (*s == '\n' || *s == '\r' || *s == '\\'))
			printf("\\%c", *s == '\n' ? 'n' : *s == '\r' ? 'r' : '\\');
		else
			putc(*s, stdout);
	}
	printf(": %s\n", verdict);
}

/* A file that has no digest. */
static void tell_unread(struct check *check, const struct ccp_sum_entry *entry)
{
	check->unread++;
	if (!check->settings->sum.status)
		print_verdict(entry, "FAILED open or read");
}

/* What was expected instead of a line that is none. */
static const char *expected(const struct check *check, const struct ccp_sum_entry *entry)
{
	const struct ccp_settings *s = check->settings;

	if (check->reader->only->count == 1)
		return check->reader->only->item[0].ops->tag;
	if (!s->gnu)
		return "";
	return entry->ops != NULL ? entry->ops->tag : "CRC"; /* cksum's own algorithm, of which there are no lists */
}

static void warn(const struct check *check, uint64_t count, const char *one, const char *many)
{
	if (count == 0)
		return;
	begin(check);
	fprintf(stderr, "WARNING: %llu %s\n", (unsigned long long)count, count == 1 ? one : many);
}

/* Tells of a list what is to be told at its end. Returns whether all is well. */
static bool tell_end(const struct check *check)
{
	const struct ccp_sum_settings *said = &check->settings->sum;

	if (check->list.good == 0) {
		tell_list(check, "no properly formatted checksum lines found");
	} else if (!said->status) {
		warn(check, check->list.bad, "line is improperly formatted", "lines are improperly formatted");
		warn(check, check->unread, "listed file could not be read", "listed files could not be read");
		warn(check, check->mismatched, "computed checksum did NOT match", "computed checksums did NOT match");
		if (said->ignore_missing && check->matched == 0)
			tell_list(check, "no file was verified");
	}
	return check->matched > 0 && check->mismatched == 0 && check->unread == 0 &&
	       !(said->strict && check->list.bad > 0);
}

/* ---- verdicts ---------------------------------------------------------------------------------------------------- */

static const char *why_not(const struct ccp_sum_entry *entry)
{
	return entry->ops->probe != NULL ? entry->ops->probe() : NULL;
}

/* Tells of lines that need no run, up to one that does. */
static void tell_others(struct check *check)
{
	for (; check->at < check->until; check->at++) {
		const struct ccp_sum_entry *entry = &check->list.entries[check->at];
		const char *word;

		if (!entry->bad && why_not(entry) == NULL)
			return;
		if (!entry->bad) {
			begin_with_file(check, entry);
			fprintf(stderr, "%s: %s\n", entry->ops->tag, why_not(entry));
			tell_unread(check, entry);
		} else if (check->settings->sum.warn) {
			word = expected(check, entry);
			begin_with_list(check);
			fprintf(stderr, "%llu: improperly formatted %s%schecksum line\n",
				(unsigned long long)entry->line, word, word[0] != '\0' ? " " : "");
		}
	}
}

/* Tells of one line. `digest` is what was computed; NULL = nothing could be. */
static void tell_line(struct check *check, const struct ccp_sum_entry *entry, const struct ccp_result *result,
		      const uint8_t *digest)
{
	const struct ccp_settings *s = check->settings;
	const struct ccp_err *err = &result->err;
	bool match;

	if (digest == NULL) {
		if (s->sum.ignore_missing && err->code == CCP_E_SYS && err->sys == ENOENT)
			return;
		begin_with_file(check, entry);
		fprintf(stderr, "%s\n", ccp_sum_reason(s, result));
		tell_unread(check, entry);
		return;
	}
	match = memcmp(digest, entry->digest, entry->bytes) == 0 &&
		(!entry->sized || entry->size == result->input->bytes_in);
	match ? check->matched++ : check->mismatched++;
	if (!s->sum.status && !(match && s->quiet))
		print_verdict(entry, match ? "OK" : "FAILED");
}

static void on_result(void *arg, const struct ccp_result *result)
{
	struct check *check = arg;
	const uint8_t *digest = NULL;

	if (check->broken)
		return;
	tell_others(check);
	if (result->outcome == CCP_DONE && result->err.code != CCP_W_CHANGED &&
	    result->input->record_len == ccp_digest_set_bytes(&check->set))
		digest = result->input->record;
	for (size_t i = 0; i < check->set.count && check->at < check->until; i++) {
		tell_line(check, &check->list.entries[check->at++], result, digest);
		if (digest != NULL)
			digest += check->set.item[i].bytes;
	}
	if (ferror(stdout)) {
		check->broken = true;
		ccp_sum_stop(check->settings);
	}
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

static bool has(const struct ccp_digest_set *set, const struct ccp_sum_entry *entry)
{
	for (size_t i = 0; i < set->count; i++)
		if (set->item[i].ops == entry->ops && set->item[i].bytes == entry->bytes)
			return true;
	return false;
}

static bool is_same(const struct ccp_digest_set *a, const struct ccp_digest_set *b)
{
	bool same = a->count == b->count;

	for (size_t i = 0; i < a->count && same; i++)
		same = a->item[i].ops == b->item[i].ops && a->item[i].bytes == b->item[i].bytes;
	return same;
}

/* The lines from `at` that are one input: their algorithms. Standard input can be read once only. */
static void set_of_input(const struct check *check, size_t at, struct ccp_digest_set *set)
{
	const char *name = check->list.entries[at].name;
	size_t bytes = 0;

	set->count = 0;
	for (; at < check->list.count && set->count < CCP_DIGEST_SET_MAX; at++) {
		const struct ccp_sum_entry *entry = &check->list.entries[at];

		bytes += entry->bytes;
		if (entry->bad || why_not(entry) != NULL || strcmp(entry->name, name) != 0 || has(set, entry) ||
		    (set->count > 0 && strcmp(name, "-") == 0) || bytes > CCP_DIGEST_SET_BYTES)
			return;
		set->item[set->count].ops = entry->ops;
		set->item[set->count++].bytes = entry->bytes;
	}
}

/* Chooses the inputs of the next run, from check->at to check->until. Returns how many. */
static size_t choose(struct check *check, char **names)
{
	struct ccp_digest_set set;
	size_t count = 0;

	for (check->until = check->at; check->until < check->list.count;) {
		const struct ccp_sum_entry *entry = &check->list.entries[check->until];

		if (entry->bad || why_not(entry) != NULL) {
			check->until++;
			continue;
		}
		set_of_input(check, check->until, &set);
		if (count > 0 && !is_same(&set, &check->set))
			break;
		check->set = set;
		names[count++] = entry->name;
		check->until += set.count;
	}
	return count;
}

/* Verifies all lines of the list. Returns 0, or an exit status if that came to an early end. */
static int verify(struct check *check)
{
	struct ccp_walk_options walk = { .follow = true };
	char **names = calloc(check->list.count + 1, sizeof *names);
	int status = 0;

	if (names == NULL) {
		tell_list(check, strerrordesc_np(ENOMEM));
		return CCP_EXIT_FAILED;
	}
	walk.names = names;
	for (check->at = 0; check->at < check->list.count && status == 0;) {
		walk.name_count = choose(check, names);
		if (walk.name_count > 0)
			status = ccp_sum_run(check->settings, &walk, &check->set, on_result, check);
		if (status != 0 || ccp_signals_caught() != 0)
			break;
		tell_others(check);
		if (check->at < check->until || check->broken) /* it was cancelled */
			status = CCP_EXIT_FAILED;
	}
	free(names);
	return status;
}

/* Checks one list. *well becomes false if anything is wrong. Returns 0, or an exit status: nothing more is done. */
static int check_list(struct check *check, struct ccp_sum_reader *reader, bool *well)
{
	bool said_well = false;
	int status = 0;

	ccp_signals_clean(true); /* it may come slowly, and there is nothing to lose */
	if (ccp_sum_list_read(&check->list, check->name, reader) != 0) {
		tell_list(check, strerrordesc_np(errno));
	} else if (ccp_signals_caught() == 0) {
		status = verify(check);
		if (status == 0 && check->list.error != 0)
			tell_list(check, check->settings->gnu ? "read error" : strerrordesc_np(check->list.error));
		else if (status == 0 && ccp_signals_caught() == 0)
			said_well = tell_end(check);
	}
	ccp_sum_list_release(&check->list);
	*well &= said_well;
	return status;
}

int ccp_sum_check(struct ccp_settings *s)
{
	static const struct ccp_digest_set none;
	char dash[] = "-", *standard_input = dash;
	char **lists = s->name_count > 0 ? s->names : &standard_input;
	size_t count = s->name_count > 0 ? s->name_count : 1;
	struct ccp_sum_reader reader = {
		.only = s->sum.said ? &s->sum.set : &none,
		.exact = !s->gnu && s->sum.length != NULL,
		.tagged = s->bit == CCP_FOR_CKSUM && !s->sum.said,
		.loose = (s->bit & (CCP_FOR_B2SUM | CCP_FOR_CKSUM)) != 0,
		.gnu = s->gnu,
		.zero = s->sum.zero != 0,
		.single = -1,
	};
	bool well = true;
	int status = 0;

	for (size_t i = 0; i < count && status == 0 && ccp_signals_caught() == 0; i++) {
		struct check check = { .settings = s, .name = lists[i], .reader = &reader };

		if (!s->gnu) /* coreutils believes of a list what it knows of the one before */
			reader.single = -1;
		status = check_list(&check, &reader, &well);
	}
	return status != 0 ? status : well ? CCP_EXIT_OK : CCP_EXIT_FAILED;
}
