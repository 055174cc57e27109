/*
 * profile_html.h: the parts of the page of --profile=html. Each prints whole sections. All of them only read the
 * profile, after its run has ended.
 */
#ifndef CCP_CMD_PROFILE_HTML_H
#define CCP_CMD_PROFILE_HTML_H

#include <stdio.h>

#include "pipeline/profile.h"

/* What each worker did, over time: profile_html_time.c */
void ccp_profile_html_timeline(FILE *out, const struct ccp_profile *profile);

/* Rates and degrees over time, with what auto changed: profile_html_rate.c */
void ccp_profile_html_rates(FILE *out, const struct ccp_profile *profile);

/* Where the time went, by executor and by stage: profile_html_share.c */
void ccp_profile_html_shares(FILE *out, const struct ccp_profile *profile);

/* How the plan was found and what changed: profile_html_log.c */
void ccp_profile_html_log(FILE *out, const struct ccp_profile *profile);

/* The time that the pictures show, from begun_ns on. Units: ns. Never 0. */
double ccp_profile_html_length(const struct ccp_profile *profile);

/* The time axis as a picture of its own: ticks and their labels. */
void ccp_profile_html_axis(FILE *out, double length_ns);

/* "omp x2", or "read async x16, work omp x2, write with work". Shape: `size` bytes. */
void ccp_profile_html_plan(const struct ccp_profile *profile, char *text, size_t size);

/* "<td>" with the column's name for narrow screens; `figure`: to the right. All escaped. */
void ccp_profile_html_cell(FILE *out, const char *column, const char *text, bool figure);

/* A row of a table with two columns: a name and what it is. All escaped. */
void ccp_profile_html_row(FILE *out, const char *name, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
