/*
 * listing.h: the lines of -l, in the columns of GNU gzip 1.12.
 */
#ifndef CCP_CMD_LISTING_H
#define CCP_CMD_LISTING_H

#include <stdbool.h>
#include <stdint.h>

#include "cmd/options.h"
#include "pipeline/job.h"
#include "pipeline/sink.h"

/* What stands in a compressed file besides data. */
struct ccp_member {
	uint64_t header_bytes;       /* of the first member, and a trailer: what GNU gzip leaves out of ratios */
	uint32_t mtime;              /* 0 = not stored */
	uint32_t crc;                /* of the last member; all ones = not known */
	char name[256];              /* "" = not stored */
};

/* Looks at the file itself, if it is still there and still the same one; otherwise guesses. Never fails. */
void ccp_member_read(const struct ccp_input *input, struct ccp_member *member);

struct ccp_listing {
	uint64_t rows;
	uint64_t bytes_in, plain_bytes;
	uint64_t header_bytes;
};

/* "  78.3%" of `whole`. Shape: 6 characters at least, as GNU gzip prints it. */
void ccp_listing_ratio(FILE *out, double part, double whole);

void ccp_listing_row(struct ccp_listing *listing, const struct ccp_settings *settings,
		     const struct ccp_sink_options *options, const struct ccp_input *input);

/* Prints the totals if there is anything to sum up, and flushes. Errors: -1 if standard output fails, with errno. */
int ccp_listing_end(struct ccp_listing *listing, const struct ccp_settings *settings);

#endif
