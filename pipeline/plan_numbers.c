/*
 * plan_numbers.c: how numbers of workers and sizes are written on the command line.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/plan_internal.h"

int ccp_size_parse(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return -1;
	errno = 0;
	double value = strtod(text, &end);
	if (errno || end == text || value < 0)
		return -1;
	if (*end) {
		const char *unit = strchr(units, toupper((unsigned char)*end));

		if (!unit)
			return -1;
		for (const char *u = units; u <= unit; u++)
			value *= 1024;
		end++;
		if (*end == 'i')
			end++;
		if (*end == 'B' || *end == 'b')
			end++;
	}
	if (*end || value >= 9e18)
		return -1;
	*bytes = (uint64_t)value;
	return 0;
}

/* -j: "auto", N, -N, N%. */
int ccp_plan_parse_jobs(const char *text, const struct ccp_host *host, unsigned *jobs, struct ccp_err *err)
{
	char *end;

	*jobs = host->cpus;
	if (!text || strcmp(text, "auto") == 0)
		return 0;
	errno = 0;
	long n = strtol(text, &end, 10);
	if (errno || end == text || (*end && strcmp(end, "%") != 0) || (*end == '%' && n < 0))
		return ccp_err_set(err, CCP_E_USAGE, "-j: '%s' is not a number of workers (N, N%%, -N or auto)", text);
	if (*end == '%')
		n = (long)((double)host->cpus * (double)n / 100.0 + 0.5);
	else if (n < 0)
		n += (long)host->cpus;
	else if (n == 0)
		return ccp_err_set(err, CCP_E_USAGE, "-j: there must be at least one worker");
	if (n > (long)CCP_JOBS_MAX)
		return ccp_err_set(err, CCP_E_USAGE, "-j: more than %u workers", CCP_JOBS_MAX);
	*jobs = n < 1 ? 1 : (unsigned)n;
	return 0;
}

/* --max-mem, or a quarter of the machine's memory and at most half of the cgroup's limit. */
int ccp_plan_parse_budget(const char *text, const struct ccp_host *host, uint64_t *bytes, struct ccp_err *err)
{
	char *end;

	*bytes = host->memory / 4;
	if (host->memory_limit > 0 && host->memory_limit / 2 < *bytes)
		*bytes = host->memory_limit / 2;
	if (!text)
		return 0;
	double percent = strtod(text, &end);
	if (end != text && strcmp(end, "%") == 0 && percent > 0 && percent <= 100) {
		*bytes = (uint64_t)((double)host->memory * percent / 100.0);
		return 0;
	}
	if (ccp_size_parse(text, bytes) == 0 && *bytes > 0)
		return 0;
	return ccp_err_set(err, CCP_E_USAGE, "--max-mem: '%s' is not a size (SIZE with K, M or G, or N%%)", text);
}
