/*
 * sort_profile.c: one line about a sorter.
 *
 * The rest of the report is of the run, in which parts are sorted and taken; taking one that fills the memory spills,
 * and counts as the write stage's. Merging comes after the run. Beside spilling, taking a part is a copy, so that the
 * whole of a call that spilled counts as that.
 */
#include "cmd/sort_profile.h"

#include <stdio.h>
#include <sys/resource.h>

#include "cmd/profile_words.h"
#include "pipeline/meter.h"

#define INDENT 7 /* of what belongs to a word of the first column */

static double cpu_s(void)
{
	struct rusage used;

	if (getrusage(RUSAGE_SELF, &used) != 0)
		return 0;
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

void ccp_sort_profile_begin(struct ccp_sort_profile *profile, const struct ccp_settings *settings)
{
	profile->settings = settings;
	if (!settings->profiled)
		return;
	profile->begun_ns = ccp_meter_now();
	profile->begun_cpu_s = cpu_s();
}

void ccp_sort_profile_took(struct ccp_sort_profile *profile, const struct ccp_sorter *sorter)
{
	uint64_t spilled;

	if (!profile->settings->profiled)
		return;
	spilled = ccp_sorter_counts(sorter).spilled_bytes;
	if (spilled > profile->spilled_bytes)
		profile->spill_ns += ccp_meter_now() - profile->begun_ns;
	profile->spilled_bytes = spilled;
}

/* "sort   after that 512 MB merged in 0.80 s, CPU 1.2 s; before it 310 MB spilled in 0.52 s, as a part of write" */
void ccp_sort_profile_tell(const struct ccp_sort_profile *profile, const struct ccp_sorter *sorter)
{
	const struct ccp_settings *s = profile->settings;
	struct ccp_sorter_counts counts = ccp_sorter_counts(sorter);
	uint64_t late_bytes = counts.spilled_bytes - profile->spilled_bytes;
	char bytes[CCP_WORDS_TEXT], time[CCP_WORDS_TEXT], cpu[CCP_WORDS_TEXT];
	struct ccp_words words = { 0 };

	if (!s->profiled || (!s->profile.table && !s->profile.brief))
		return;
	ccp_words_add(&words, "%-*safter that %s merged in %s, CPU %s", INDENT, "sort",
		      ccp_words_amount((double)counts.bytes, bytes),
		      ccp_words_duration((double)(ccp_meter_now() - profile->begun_ns) / 1e9, time),
		      ccp_words_duration(cpu_s() - profile->begun_cpu_s, cpu));
	if (late_bytes > 0)
		ccp_words_add(&words, ", with %s more spilled", ccp_words_amount((double)late_bytes, bytes));
	if (counts.passes > 0)
		ccp_words_add(&words, " in %u pass%s", counts.passes, counts.passes == 1 ? "" : "es");
	if (profile->spilled_bytes > 0)
		ccp_words_add(&words, "; before it %s spilled in %s, as a part of write",
			      ccp_words_amount((double)profile->spilled_bytes, bytes),
			      ccp_words_duration((double)profile->spill_ns / 1e9, time));
	ccp_words_print(stderr, &words, INDENT);
}
