/*
 * profile_words.h: words of the profile's reports: amounts and times with three digits, shares that add up, classes,
 * and lines that are wrapped.
 */
#ifndef CCP_CMD_PROFILE_WORDS_H
#define CCP_CMD_PROFILE_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "pipeline/profile.h"

#define CCP_WORDS_TEXT 40

/* "212 MB", "1.07 GB": powers of 1000, as rates have them. Shape: room for CCP_WORDS_TEXT. Returns `text`. */
const char *ccp_words_amount(double bytes, char *text);

/* "302 us", "5.10 ms", "3.41 s", "12:05". Units: s. Shape: room for CCP_WORDS_TEXT. */
const char *ccp_words_duration(double seconds, char *text);

/*
 * Whole per cents of what the values come to together, which add up to exactly 100: each is rounded down, and what is
 * missing goes to those that lost most. All 0 if the sum is 0; what is negative or not a number counts as 0.
 */
void ccp_words_percent(const double *value, size_t count, unsigned *percent);

/* "CPU-bound 97%", "mixed 50%", "waits 94%", "starved", "idle". Shape: room for CCP_WORDS_TEXT. */
const char *ccp_words_class(enum ccp_class class, double share, char *text);

/* How the probe ended: "end", "time", and so on in words for people. */
const char *ccp_words_stop(enum ccp_probe_stop stop);

/* "read+work", or "run" if there is none. Shape: room for CCP_WORDS_TEXT. */
const char *ccp_words_stages(unsigned stages, char *text);

/* A line that is being composed. Begins as { 0 }. What does not fit is cut. */
struct ccp_words {
	size_t len;
	char text[4000];
};

void ccp_words_add(struct ccp_words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * How many transfers ran ahead, and why: "64 ahead (learned; 128 gave 3 % more), 64 at once, 64 a host, 0 refused".
 * Nothing, if nothing came from the network.
 */
void ccp_words_add_network(struct ccp_words *words, const struct ccp_fetch_depth_info *network);

/* The reasons for `stage` (-1: those of the whole run; -2: all, each with its stage's name), joined by "; ". */
void ccp_words_add_reasons(struct ccp_words *words, const struct ccp_decision *decision, int stage);

/* Prints the line, broken at blanks so that it has at most CCP_PROFILE_COLUMNS; those after the first are indented. */
void ccp_words_print(FILE *out, struct ccp_words *words, unsigned indent);

#endif
