/*
 * sum_check.c: --check. A list is read into memory and its lines are taken apart; then the files that it names are
 * digested by as few runs as possible, and each line is told when it and all before it are known.
 *
 * Lines that follow one another, name the same file and are of different algorithms are one input with several
 * digests: so a list that was written with several algorithms has its files read once. Inputs with the same algorithms
 * share a run, wherever in the list they stand. What cannot be verified (a line that is none) is told when the line
 * before it has been, in the order of the list.
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

#define SETS 32 /* of a batch */

struct check {
	struct ccp_settings *settings;
	const char *name; /* of the list, as it was said; "-" */
	const struct ccp_sum_reader *reader;
	struct ccp_sum_list list;
	uint64_t unread, mismatched, matched;

	/* a batch of lines, with a run for each set of algorithms that occurs; the callback's while a run goes on */
	struct ccp_digest_set sets[SETS];
	size_t set_count;
	size_t at, until; /* the next line to tell, and where the batch ends */
	size_t set, next; /* the run's, and where to look for the line of its next result */
	bool broken;      /* standard output */
};

/* ---- words ------------------------------------------------------------------------------------------------------- */

/* Begins a message, after what was printed before it. */
static void begin(const struct check *check)
{
	if (fflush(stdout) != 0)
		ccp_sum_stop(check->settings); /* while errno says why */
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

	if (escape) {
		putc('\\', stdout);
		ccp_sum_line_escaped(stdout, entry->name);
	} else {
		fputs(entry->name, stdout);
	}
	printf(": %s\n", verdict);
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

/* A file that has no digest. */
static void tell_unread(struct check *check, const struct ccp_sum_entry *entry, const char *tag, const char *why)
{
	begin_with_file(check, entry);
	fprintf(stderr, "%s%s%s\n", tag, tag[0] != '\0' ? ": " : "", why);
	check->unread++;
	if (!check->settings->sum.status)
		print_verdict(entry, "FAILED open or read");
}

/* A line that is none. */
static void tell_bad(const struct check *check, const struct ccp_sum_entry *entry)
{
	const char *word = expected(check, entry);

	if (!check->settings->sum.warn)
		return;
	begin_with_list(check);
	fprintf(stderr, "%llu: improperly formatted %s%schecksum line\n", (unsigned long long)entry->line, word,
		word[0] != '\0' ? " " : "");
}

static void tell_verdict(struct check *check, struct ccp_sum_entry *entry)
{
	bool match = entry->verdict == CCP_SUM_MATCHES;

	if (entry->verdict == CCP_SUM_MISSING)
		return;
	if (entry->verdict == CCP_SUM_UNREAD) {
		tell_unread(check, entry, "", entry->why != NULL ? entry->why : strerrordesc_np(ENOMEM));
		free(entry->why);
		entry->why = NULL;
		return;
	}
	match ? check->matched++ : check->mismatched++;
	if (!check->settings->sum.status && !(match && check->settings->quiet))
		print_verdict(entry, match ? "OK" : "FAILED");
}

/* Tells of lines up to one that waits for its run. */
static void tell_known(struct check *check)
{
	for (; check->at < check->until; check->at++) {
		struct ccp_sum_entry *entry = &check->list.entries[check->at];

		if (entry->bad)
			tell_bad(check, entry);
		else if (why_not(entry) != NULL)
			tell_unread(check, entry, entry->ops->tag, why_not(entry));
		else if (entry->verdict == CCP_SUM_WAITS)
			return;
		else
			tell_verdict(check, entry);
	}
}

/* `digest` is what was computed; NULL = nothing could be. */
static void judge(const struct check *check, struct ccp_sum_entry *entry, const struct ccp_result *result,
		  const uint8_t *digest)
{
	const struct ccp_settings *s = check->settings;
	const struct ccp_err *err = &result->err;

	if (digest != NULL) {
		entry->verdict = memcmp(digest, entry->digest, entry->bytes) == 0 &&
				 (!entry->sized || entry->size == result->input->bytes_in) ?
				 CCP_SUM_MATCHES : CCP_SUM_DIFFERS;
	} else if (s->sum.ignore_missing && err->code == CCP_E_SYS && err->sys == ENOENT) {
		entry->verdict = CCP_SUM_MISSING;
	} else {
		entry->verdict = CCP_SUM_UNREAD;
		entry->why = strdup(ccp_sum_reason(s, result));
	}
}

static bool is_of_run(const struct check *check, const struct ccp_sum_entry *entry)
{
	return entry->lines > 0 && entry->set == check->set;
}

static void on_result(void *arg, const struct ccp_result *result)
{
	struct check *check = arg;
	const struct ccp_digest_set *set = &check->sets[check->set];
	const uint8_t *digest = NULL;

	while (check->next < check->until && !is_of_run(check, &check->list.entries[check->next]))
		check->next++;
	if (check->broken || check->next == check->until)
		return;
	if (result->outcome == CCP_DONE && result->err.code != CCP_W_CHANGED &&
	    result->input->record_len == ccp_digest_set_bytes(set))
		digest = result->input->record;
	for (size_t i = 0; i < set->count; i++) {
		judge(check, &check->list.entries[check->next++], result, digest);
		if (digest != NULL)
			digest += set->item[i].bytes;
	}
	tell_known(check);
	if (ferror(stdout)) {
		check->broken = true;
		ccp_sum_stop(check->settings);
	}
}

/* ---- runs -------------------------------------------------------------------------------------------------------- */

/* The lines from `at` that are one input: their algorithms. Standard input can be read once only. */
static void set_of_input(const struct check *check, size_t at, struct ccp_digest_set *set)
{
	const char *name = check->list.entries[at].name;
	size_t bytes = 0;

	set->count = 0;
	for (; at < check->list.count && set->count < CCP_DIGEST_SET_MAX; at++) {
		const struct ccp_sum_entry *entry = &check->list.entries[at];

		bytes += entry->bytes;
		if (entry->bad || why_not(entry) != NULL || strcmp(entry->name, name) != 0 ||
		    ccp_digest_set_has(set, entry->ops, entry->bytes) || (set->count > 0 && strcmp(name, "-") == 0) ||
		    bytes > CCP_DIGEST_SET_BYTES)
			return;
		set->item[set->count].ops = entry->ops;
		set->item[set->count++].bytes = entry->bytes;
	}
}

/* The number of this set in the batch; SETS if it does not fit. */
static size_t number_of(struct check *check, const struct ccp_digest_set *set)
{
	size_t i = 0;

	while (i < check->set_count && !ccp_digest_set_is_same(set, &check->sets[i]))
		i++;
	if (i == check->set_count && i < SETS)
		check->sets[check->set_count++] = *set;
	return i;
}

/*
 * Makes a batch of the lines from check->at: up to the end, unless there are too many sets, or standard input comes a
 * second time: whichever line is first has all that is there, and runs of a batch have an order of their own.
 */
static void make_batch(struct check *check)
{
	struct ccp_digest_set set;
	bool has_stdin = false;

	check->set_count = 0;
	for (check->until = check->at; check->until < check->list.count;) {
		struct ccp_sum_entry *entry = &check->list.entries[check->until];
		size_t number;

		if (entry->bad || why_not(entry) != NULL) {
			check->until++;
			continue;
		}
		if (strcmp(entry->name, "-") == 0) {
			if (has_stdin)
				return;
			has_stdin = true;
		}
		set_of_input(check, check->until, &set);
		number = number_of(check, &set);
		if (number == SETS)
			return;
		entry->set = (uint8_t)number;
		entry->lines = (uint8_t)set.count;
		check->until += set.count;
	}
}

/* The run of a set; the batch begins at `begin`. Returns what ccp_sum_run does. */
static int run_set(struct check *check, size_t set, size_t begin, char **names)
{
	struct ccp_walk_options walk = { .follow = true, .names = names };

	check->set = set;
	check->next = begin;
	for (size_t i = begin; i < check->until; i++)
		if (is_of_run(check, &check->list.entries[i]))
			names[walk.name_count++] = check->list.entries[i].name;
	return ccp_sum_run(check->settings, &walk, &check->sets[set], on_result, check);
}

/* Verifies all lines of the list. Returns 0, or an exit status if that came to an early end. */
static int verify(struct check *check)
{
	char **names = calloc(check->list.count + 1, sizeof *names);
	int status = 0;

	if (names == NULL) {
		tell_list(check, strerrordesc_np(ENOMEM));
		return CCP_EXIT_FAILED;
	}
	while (check->at < check->list.count && status == 0 && ccp_signals_caught() == 0) {
		size_t begin = check->at;

		make_batch(check);
		for (size_t i = 0; i < check->set_count && status == 0 && ccp_signals_caught() == 0; i++)
			status = run_set(check, i, begin, names);
		if (status != 0 || ccp_signals_caught() != 0)
			break;
		tell_known(check);
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
