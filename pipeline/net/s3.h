/*
 * s3.h: objects of servers that speak S3, as HTTP requests.
 *
 * s3://BUCKET/KEY names the object whose key is KEY byte for byte: nothing in it is encoded, and there is no query.
 * Who asks is taken from AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, or else from the profile
 * AWS_PROFILE (default) of ~/.aws/credentials (AWS_SHARED_CREDENTIALS_FILE). Without any of them requests are
 * anonymous, as public buckets allow it.
 */
#ifndef CCP_PIPELINE_NET_S3_H
#define CCP_PIPELINE_NET_S3_H

#include <stdbool.h>

#include "pipeline/net/curl_lib.h"
#include "pipeline/net/fetch.h"

#define CCP_S3_SECRET 2048 /* room for one of them; a session token has several hundred bytes */

/* Who asks. */
struct ccp_s3_keys {
	bool found;
	char id[256], secret[256];
	char token[CCP_S3_SECRET]; /* "" = none */
};

/*
 * The URL that an s3:// name stands for, by the endpoint of `options` or the environment.
 * Errors: -1 with CCP_E_OTHER: no bucket, no key, or no endpoint that could be used. Memory: `url` is returned, for
 * free(). Threads: any; nobody changes the environment.
 */
int ccp_s3_url(const struct ccp_fetch_options *options, const char *name, char **url, struct ccp_err *err);

/* Finds out who asks. Errors: -1 with CCP_E_OTHER: half of it is missing, or a file that was named. Threads: any. */
int ccp_s3_find_keys(struct ccp_s3_keys *keys, struct ccp_err *err);

/*
 * Reads one profile of a file of credentials: sections "[NAME]", lines "KEY = VALUE". `keys` is left alone if the file
 * or the profile is not there. Returns 1 if the profile was found, 0 if not. Errors: -1 with CCP_E_SYS or CCP_E_OTHER.
 */
int ccp_s3_read_keys(struct ccp_s3_keys *keys, const char *path, const char *profile, struct ccp_err *err);

#ifdef CCP_HAVE_CURL

/*
 * Sets the options of a request to the URL of ccp_s3_url, so that libcurl signs it if there are keys: after all other
 * options but CURLOPT_HTTPHEADER, for which lines are appended to `headers`. The body is not part of the signature.
 * Errors: -1 with CCP_E_OTHER, or CCP_E_UNSUPPORTED: libcurl is too old to sign.
 * Source: AWS General Reference, "Signature Version 4"; CURLOPT_AWS_SIGV4(3).
 */
int ccp_s3_sign(const struct ccp_curl_lib *lib, CURL *easy, const struct ccp_fetch_options *options,
		struct curl_slist **headers, struct ccp_err *err);

#endif
#endif
