/*
 * profile_json.h: writing the JSON of a profile; between profile_json.c and profile_json_auto.c.
 */
#ifndef CCP_CMD_PROFILE_JSON_H
#define CCP_CMD_PROFILE_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "pipeline/profile.h"

/* A writer: knows where a comma is due. Begins as { out }. */
struct ccp_json {
	FILE *out;
	bool comma;
	unsigned depth;
};

/* All of these take a key, or NULL inside a list. `bracket` is '{' or '['. */
void ccp_json_open(struct ccp_json *json, const char *key, char bracket);
void ccp_json_close(struct ccp_json *json, char bracket);
void ccp_json_uint(struct ccp_json *json, const char *key, uint64_t value);
void ccp_json_bool(struct ccp_json *json, const char *key, bool value);
void ccp_json_null(struct ccp_json *json, const char *key);

/* Not a number and infinite are null. */
void ccp_json_number(struct ccp_json *json, const char *key, double value);

/* What is negative is null, too: it is unknown. */
void ccp_json_known(struct ccp_json *json, const char *key, double value);

/* NULL is null. */
void ccp_json_text(struct ccp_json *json, const char *key, const char *value);

/* A list of the names of CCP_STAGE_BITs. */
void ccp_json_stages(struct ccp_json *json, const char *key, unsigned stages);

/* The member "auto". */
void ccp_profile_json_auto(struct ccp_json *json, const struct ccp_profile *profile);

#endif
