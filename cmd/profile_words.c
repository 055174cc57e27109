/*
 * profile_words.c: numbers and lines for people; see profile_words.h.
 *
 * Amounts and times have three significant digits in the unit that leaves one to three of them before the point. A line
 * is composed in a buffer of fixed size and then broken at the last blank that fits.
 */
#include "cmd/profile_words.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include "cmd/profile.h"
#include "cmd/text.h"

/* Decimals that make three digits. */
static int decimals(double value)
{
	return value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
}

const char *ccp_words_amount(double bytes, char *text)
{
	static const char *const units[] = { "B", "kB", "MB", "GB", "TB", "PB", "EB" };
	size_t unit = 0;

	if (!isfinite(bytes) || bytes < 0)
		bytes = 0;
	if (bytes < 999.5) {
		snprintf(text, CCP_WORDS_TEXT, "%.0f B", bytes);
		return text;
	}
	while (bytes >= 999.5 && unit + 1 < sizeof units / sizeof units[0]) {
		bytes /= 1000;
		unit++;
	}
	snprintf(text, CCP_WORDS_TEXT, "%.*f %s", decimals(bytes), bytes, units[unit]);
	return text;
}

const char *ccp_words_duration(double seconds, char *text)
{
	static const char *const units[] = { "s", "ms", "us", "ns" };
	size_t unit = 0;

	if (!isfinite(seconds) || seconds <= 0) {
		snprintf(text, CCP_WORDS_TEXT, "0 s");
		return text;
	}
	if (seconds >= 99.95)
		return ccp_text_seconds(seconds, text);
	while (seconds < 0.9995 && unit + 1 < sizeof units / sizeof units[0]) {
		seconds *= 1000;
		unit++;
	}
	snprintf(text, CCP_WORDS_TEXT, "%.*f %s", unit == 3 ? 0 : decimals(seconds), seconds, units[unit]);
	return text;
}

static double share_of(double value, double sum)
{
	return isfinite(value) && value > 0 ? 100 * value / sum : 0;
}

void ccp_words_percent(const double *value, size_t count, unsigned *percent)
{
	double sum = 0;
	unsigned given = 0;

	for (size_t i = 0; i < count; i++)
		sum += isfinite(value[i]) && value[i] > 0 ? value[i] : 0;
	for (size_t i = 0; i < count; i++) {
		percent[i] = sum > 0 ? (unsigned)share_of(value[i], sum) : 0;
		given += percent[i];
	}
	while (sum > 0 && given < 100) {
		size_t most = 0;
		double lost = -1;

		/* who has got one already has lost less than nothing, and comes last */
		for (size_t i = 0; i < count; i++)
			if (share_of(value[i], sum) - percent[i] > lost) {
				lost = share_of(value[i], sum) - percent[i];
				most = i;
			}
		percent[most]++;
		given++;
	}
}

const char *ccp_words_class(enum ccp_class class, double share, char *text)
{
	double percent = 100 * fmin(fmax(share, 0), 1);

	switch (class) {
	case CCP_CLASS_CPU:
		snprintf(text, CCP_WORDS_TEXT, "CPU-bound %.0f%%", percent);
		break;
	case CCP_CLASS_MIXED:
		snprintf(text, CCP_WORDS_TEXT, "mixed %.0f%%", percent);
		break;
	case CCP_CLASS_WAIT_POLL:
	case CCP_CLASS_WAIT_FILE:
	case CCP_CLASS_WAIT_OPAQUE:
		snprintf(text, CCP_WORDS_TEXT, "waits %.0f%%", 100 - percent);
		break;
	case CCP_CLASS_STARVED:
		snprintf(text, CCP_WORDS_TEXT, "starved");
		break;
	case CCP_CLASS_NONE:
	default:
		snprintf(text, CCP_WORDS_TEXT, "idle");
		break;
	}
	return text;
}

const char *ccp_words_stop(enum ccp_probe_stop stop)
{
	switch (stop) {
	case CCP_PROBE_END:
		return "the input ended";
	case CCP_PROBE_TIME:
		return "enough was seen";
	case CCP_PROBE_BLOCKED:
		return "a chunk was waited for";
	case CCP_PROBE_LONG:
		return "it took long, and few chunks were seen";
	case CCP_PROBE_NONE:
	default:
		return "no probe";
	}
}

const char *ccp_words_stages(unsigned stages, char *text)
{
	size_t len = 0;

	snprintf(text, CCP_WORDS_TEXT, "run");
	for (unsigned stage = 0; stage < CCP_STAGES; stage++)
		if (stages & CCP_STAGE_BIT(stage))
			len += (size_t)snprintf(text + len, CCP_WORDS_TEXT - len, "%s%s", len > 0 ? "+" : "",
						ccp_stage_name((enum ccp_stage)stage));
	return text;
}

void ccp_words_add(struct ccp_words *words, const char *format, ...)
{
	size_t room = sizeof words->text - words->len;
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(words->text + words->len, room, format, args);
	va_end(args);
	if (len > 0)
		words->len += (size_t)len < room ? (size_t)len : room - 1;
}

void ccp_words_add_reasons(struct ccp_words *words, const struct ccp_decision *decision, int stage)
{
	const char *joint = "";
	char text[200];

	for (unsigned i = 0; i < decision->reasons; i++) {
		const struct ccp_reason *reason = &decision->reason[i];
		bool of_stage = reason->stage >= 0 && reason->stage < CCP_STAGES;

		if (stage != -2 && reason->stage != stage)
			continue;
		ccp_reason_text(reason, text, sizeof text);
		ccp_words_add(words, "%s%s%s%s", joint,
			      stage == -2 && of_stage ? ccp_stage_name((enum ccp_stage)reason->stage) : "",
			      stage == -2 && of_stage ? ": " : "", text);
		joint = "; ";
	}
}

/*
 * Bytes of `text` that go on a line of `columns`: up to the last blank that fits and does not part a number from its
 * unit, else up to the last blank, else all that fit.
 */
static size_t line_bytes(const char *text, size_t columns)
{
	size_t blank = 0, good = 0, i = 0;

	for (size_t used = 0; text[i] != '\0'; i++) {
		bool begins = ((unsigned char)text[i] & 0xc0) != 0x80; /* not inside a UTF-8 sequence */

		if (text[i] == ' ' && i > 0 && text[i - 1] != ' ') {
			blank = i;
			good = text[i - 1] >= '0' && text[i - 1] <= '9' ? good : i;
		}
		if (begins && used == columns)
			return good > 0 ? good : blank > 0 ? blank : i;
		used += begins;
	}
	return i;
}

void ccp_words_print(FILE *out, struct ccp_words *words, unsigned indent)
{
	const char *rest = words->text;
	size_t len;

	while (words->len > 0 && words->text[words->len - 1] == ' ')
		words->text[--words->len] = '\0';
	len = line_bytes(rest, CCP_PROFILE_COLUMNS);
	fprintf(out, "%.*s\n", (int)len, rest);
	for (rest += len; rest[strspn(rest, " ")] != '\0'; rest += len) {
		rest += strspn(rest, " ");
		len = line_bytes(rest, CCP_PROFILE_COLUMNS - indent);
		fprintf(out, "%*s%.*s\n", (int)indent, "", (int)len, rest);
	}
	words->len = 0;
	words->text[0] = '\0';
}

void ccp_words_add_network(struct ccp_words *words, const struct ccp_fetch_depth_info *network)
{
	static const char *const why[] = {
		[CCP_DEPTH_ASKED] = "as asked", [CCP_DEPTH_BEGIN] = "nothing to learn from",
		[CCP_DEPTH_GROWS] = "still growing", [CCP_DEPTH_REFUSED] = "servers refused",
		[CCP_DEPTH_MOST] = "the most by itself",
		[CCP_DEPTH_HOSTS] = "each host has as many as it takes", [CCP_DEPTH_FILES] = "too few descriptors",
	};

	if (network->at_once == 0)
		return;
	ccp_words_add(words, "%u ahead (%s", network->depth, network->learned ? "learned; " : "");
	if (network->why == CCP_DEPTH_SOURCE && network->rate_before > 0)
		ccp_words_add(words, "%u gave %.0f%% %s", 2 * network->depth,
			      100 * fabs(network->rate / network->rate_before - 1),
			      network->rate < network->rate_before ? "less" : "more");
	else
		ccp_words_add(words, "%s", network->why == CCP_DEPTH_SOURCE ? "more did not pay" : why[network->why]);
	ccp_words_add(words, "), %u at once", network->at_once);
	if (network->per_host > 0)
		ccp_words_add(words, ", %u a host", network->per_host);
	ccp_words_add(words, ", %llu refused", (unsigned long long)network->refused);
}
