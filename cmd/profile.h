/*
 * profile.h: the reports of a run's profile: the table, the files (JSON, trace, page), the lines of -v, --explain.
 *
 * All of them only read the profile, after its run has ended.
 */
#ifndef CCP_CMD_PROFILE_H
#define CCP_CMD_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "pipeline/profile.h"

#define CCP_PROFILE_SCHEMA "ccpipe.profile/1"
#define CCP_PROFILE_COLUMNS 100 /* no line of a report on a terminal is longer */

/* What --profile asked for. Begins as { 0 }. Memory: the names are its own, for ccp_profile_request_release. */
struct ccp_profile_request {
	bool table, brief;
	const char *json, *trace, *html; /* files to write; NULL = none */
};

/*
 * Adds one value of --profile: NULL or "" or "table" (the table), "short" (its lines limit and why alone), "json:FILE",
 * "trace:FILE", "html:FILE", or several with commas between (a FILE cannot have one). What is asked for twice goes to
 * the last FILE.
 * Errors: -1 with the reason in `why`; the request may hold what stood before the error.
 */
int ccp_profile_parse(struct ccp_profile_request *request, const char *text, char *why, size_t room);
void ccp_profile_request_release(struct ccp_profile_request *request);

/*
 * Prints on standard error and writes the files that were asked for, whole or not at all. Run 0 is the first of a
 * command line; the ones after it write FILE.2, FILE.3, and so on. `program` begins error messages.
 * Errors: -1 if a file cannot be written, after one line about each on standard error.
 */
int ccp_profile_report(const struct ccp_profile *profile, const struct ccp_profile_request *request, unsigned run,
		       const char *program);

/* The table, or its lines limit and why alone if `brief`; with `colour` the row of the bottleneck stands out. */
void ccp_profile_table(FILE *out, const struct ccp_profile *profile, const char *program, bool brief, bool colour);

/* For -v, after a run: a line a stage, what auto chose for it and why, and what limits the run. */
void ccp_profile_line(FILE *out, const struct ccp_profile *profile, const char *program);

/* For --explain: facts, what the probe measured, the decision, its reasons, and the plans that were not taken. */
void ccp_profile_explain(FILE *out, const struct ccp_profile *profile, const char *program);

/*
 * The files. The JSON is testdata/schema/ccpipe.profile-1.schema.json; the trace is what ui.perfetto.dev and
 * chrome://tracing open; the page is one file of HTML.
 * Errors: -1 if `out` has failed.
 */
int ccp_profile_write_json(FILE *out, const struct ccp_profile *profile);
int ccp_profile_write_trace(FILE *out, const struct ccp_profile *profile);
int ccp_profile_write_html(FILE *out, const struct ccp_profile *profile);

/* The stage that the run waits for, or -1 if the run was too short to say. */
int ccp_profile_bottleneck(const struct ccp_profile *profile);

#endif
