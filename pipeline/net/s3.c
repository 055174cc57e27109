/*
 * s3.c: names to URLs, and libcurl told to sign; see s3.h.
 *
 * libcurl signs what it is given: the path and the query as they stand, and the headers of the list. So the path is
 * encoded here as the server will encode the key again (all but letters, digits, "-._~/"), is not to be tidied up by
 * libcurl ("a/../b" is a key like any other), and queries come sorted, with a '=' for each name. It has got these
 * things wrong in changing ways from version to version where they were left to it. x-amz-content-sha256 is always
 * said, so that no version's guess about the body matters. Older versions sign none of the list's headers, which S3
 * refuses; 7.88 signs even those that it does not send ("Expect:").
 */
#include "pipeline/net/s3.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "pipeline/net/url.h"

#define KEY_BYTES 1024 /* S3's own limit */
#define BUCKET_BYTES 255
#define SIGNS 0x075800

static const char *first_of(const char *said, const char *one, const char *two)
{
	const char *const names[] = { one, two };

	for (size_t i = 0; i < 2 && (said == NULL || said[0] == '\0'); i++)
		said = getenv(names[i]);
	return said != NULL && said[0] != '\0' ? said : NULL;
}

/* Goes into a host's name and a signature. Errors: -1 with `err`. */
static int find_region(const struct ccp_fetch_options *options, const char **region, struct ccp_err *err)
{
	*region = first_of(options->s3_region, "AWS_REGION", "AWS_DEFAULT_REGION");
	if (*region == NULL)
		*region = "us-east-1";
	for (const char *at = *region; *at != '\0'; at++)
		if (!isalnum((unsigned char)*at) && *at != '-' && *at != '_')
			return ccp_err_set(err, CCP_E_OTHER, "'%.40s' is no region", *region);
	return 0;
}

/* Whether a bucket's name is a label of a host's, so that it may stand before the server's. */
static bool is_label(const char *bucket, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!islower((unsigned char)bucket[i]) && !isdigit((unsigned char)bucket[i]) && bucket[i] != '-')
			return false;
	return len <= 63 && bucket[0] != '-' && bucket[len - 1] != '-';
}

static int check_bucket(const char *bucket, size_t len, struct ccp_err *err)
{
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)bucket[i]) && strchr("-._", bucket[i]) == NULL)
			return ccp_err_set(err, CCP_E_OTHER, "that is no bucket's name");
	if (len == 0 || len > BUCKET_BYTES || bucket[0] == '.')
		return ccp_err_set(err, CCP_E_OTHER, "s3://BUCKET/KEY is wanted");
	return 0;
}

/* The endpoint of AWS or of somebody else, with the bucket, into `url`. Errors: -1 with `err`. */
static int put_server(const struct ccp_fetch_options *options, const char *bucket, int len, char **url,
		      struct ccp_err *err)
{
	const char *endpoint = first_of(options->s3_endpoint, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"), *region;
	const char *cn = "";
	int made;

	if (endpoint != NULL) {
		char scheme[16];
		size_t end = strlen(endpoint);

		ccp_url_scheme(endpoint, scheme);
		if (ccp_url_kind(endpoint) != CCP_URL_CURL || strncmp(scheme, "http", 4) != 0 ||
		    strpbrk(endpoint, "?#@ ") != NULL)
			return ccp_err_set(err, CCP_E_OTHER, "the endpoint of S3 is no URL like https://HOST:PORT");
		while (endpoint[end - 1] == '/')
			end--;
		made = asprintf(url, "%.*s/%.*s", (int)end, endpoint, len, bucket);
	} else {
		if (find_region(options, &region, err) != 0)
			return -1;
		if (strncmp(region, "cn-", 3) == 0)
			cn = ".cn";
		made = is_label(bucket, (size_t)len)
			       ? asprintf(url, "https://%.*s.s3.%s.amazonaws.com%s", len, bucket, region, cn)
			       : asprintf(url, "https://s3.%s.amazonaws.com%s/%.*s", region, cn, len, bucket);
	}
	return made >= 0 ? 0 : ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
}

int ccp_s3_url(const struct ccp_fetch_options *options, const char *name, char **url, struct ccp_err *err)
{
	const char *bucket = ccp_url_rest(name), *key;
	size_t len = strcspn(bucket, "/");
	char *server, *whole;

	if (check_bucket(bucket, len, err) != 0)
		return -1;
	key = bucket + len + (bucket[len] == '/');
	if (key[0] == '\0')
		return ccp_err_set(err, CCP_E_OTHER, "s3://BUCKET/KEY is wanted");
	if (strlen(key) > KEY_BYTES)
		return ccp_err_set(err, CCP_E_NAME, "the key is longer than 1,024 bytes");
	if (put_server(options, bucket, (int)len, &server, err) != 0)
		return -1;
	len = strlen(server);
	whole = realloc(server, len + 2 + 3 * strlen(key));
	if (whole == NULL) {
		free(server);
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	}
	whole[len] = '/';
	ccp_url_encode(whole + len + 1, key, CCP_URL_PATH);
	*url = whole;
	return 0;
}

/* ---- who asks ---------------------------------------------------------------------------------------------------- */

static int take(char *to, size_t room, const char *value, const char *name, struct ccp_err *err)
{
	if ((size_t)snprintf(to, room, "%s", value) < room)
		return 0;
	return ccp_err_set(err, CCP_E_OTHER, "%s is too long", name);
}

/* Cuts blanks off both ends. */
static char *trim(char *text)
{
	size_t len;

	text += strspn(text, " \t");
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text;
}

/* One "KEY = VALUE" of the profile. */
static int read_line(struct ccp_s3_keys *keys, char *line, struct ccp_err *err)
{
	char *equals = strchr(line, '='), *name, *value;

	if (equals == NULL)
		return 0;
	*equals = '\0';
	name = trim(line);
	value = trim(equals + 1);
	if (strcasecmp(name, "aws_access_key_id") == 0)
		return take(keys->id, sizeof keys->id, value, name, err);
	if (strcasecmp(name, "aws_secret_access_key") == 0)
		return take(keys->secret, sizeof keys->secret, value, name, err);
	if (strcasecmp(name, "aws_session_token") == 0)
		return take(keys->token, sizeof keys->token, value, name, err);
	return 0;
}

int ccp_s3_read_keys(struct ccp_s3_keys *keys, const char *path, const char *profile, struct ccp_err *err)
{
	FILE *file = fopen(path, "re");
	bool inside = false, found = false;
	char *line = NULL;
	size_t room = 0;
	int result = 0;

	if (file == NULL)
		return errno == ENOENT || errno == ENOTDIR ? 0 : ccp_err_sys(err, errno, "%s", path);
	while (result == 0 && getline(&line, &room, file) >= 0) {
		char *text = trim(line), *end = strchr(text, ']');

		if (text[0] == '[' && end != NULL) {
			*end = '\0';
			inside = strcmp(trim(text + 1), profile) == 0;
			found |= inside;
		} else if (inside && text[0] != '#' && text[0] != ';') {
			result = read_line(keys, text, err);
		}
	}
	if (result == 0 && ferror(file))
		result = ccp_err_sys(err, errno, "%s", path);
	free(line);
	fclose(file);
	return result != 0 ? -1 : found;
}

/* The file's part. */
static int find_in_file(struct ccp_s3_keys *keys, struct ccp_err *err)
{
	const char *path = getenv("AWS_SHARED_CREDENTIALS_FILE"), *profile = getenv("AWS_PROFILE");
	const char *home = getenv("HOME");
	bool named = path != NULL && path[0] != '\0', chosen = profile != NULL && profile[0] != '\0';
	char own[4096];
	int found;

	if (!named) {
		if (snprintf(own, sizeof own, "%s/.aws/credentials", home != NULL ? home : "") >= (int)sizeof own)
			own[0] = '\0';
		path = own;
	}
	found = ccp_s3_read_keys(keys, path, chosen ? profile : "default", err);
	if (found < 0)
		return -1;
	if (found == 0 && (named || chosen)) /* somebody meant to be known: not to be taken for anybody */
		return ccp_err_set(err, CCP_E_OTHER, "no profile '%.60s' in %.150s", chosen ? profile : "default",
				   path);
	return 0;
}

int ccp_s3_find_keys(struct ccp_s3_keys *keys, struct ccp_err *err)
{
	const char *id = getenv("AWS_ACCESS_KEY_ID"), *secret = getenv("AWS_SECRET_ACCESS_KEY");
	const char *token = getenv("AWS_SESSION_TOKEN");
	int result;

	memset(keys, 0, sizeof *keys);
	if ((id != NULL && id[0] != '\0') || (secret != NULL && secret[0] != '\0'))
		result = take(keys->id, sizeof keys->id, id != NULL ? id : "", "AWS_ACCESS_KEY_ID", err) |
			 take(keys->secret, sizeof keys->secret, secret != NULL ? secret : "",
			      "AWS_SECRET_ACCESS_KEY", err) |
			 take(keys->token, sizeof keys->token, token != NULL ? token : "", "AWS_SESSION_TOKEN", err);
	else
		result = find_in_file(keys, err);
	if (result != 0)
		return -1;
	if ((keys->id[0] != '\0') != (keys->secret[0] != '\0'))
		return ccp_err_set(err, CCP_E_OTHER, "the %s for S3 is missing",
				   keys->id[0] != '\0' ? "secret access key" : "access key's id");
	keys->found = keys->id[0] != '\0';
	return 0;
}

/* ---- signing ----------------------------------------------------------------------------------------------------- */

#ifdef CCP_HAVE_CURL

static int add(const struct ccp_curl_lib *lib, struct curl_slist **headers, const char *line, struct ccp_err *err)
{
	struct curl_slist *longer = lib->slist_append(*headers, line);

	if (longer == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	*headers = longer;
	return 0;
}

int ccp_s3_sign(const struct ccp_curl_lib *lib, CURL *easy, const struct ccp_fetch_options *options,
		struct curl_slist **headers, struct ccp_err *err)
{
	struct ccp_s3_keys keys;
	const char *region;
	char text[CCP_S3_SECRET + 32];
	int result = -1;

	lib->easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
	lib->easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	if (ccp_s3_find_keys(&keys, err) != 0)
		goto out;
	if (!keys.found) {
		result = 0;
		goto out;
	}
	if (lib->version_info(CURLVERSION_NOW)->version_num < SIGNS) {
		ccp_err_set(err, CCP_E_UNSUPPORTED, "libcurl is older than 7.88 and cannot sign for S3");
		goto out;
	}
	if (find_region(options, &region, err) != 0)
		goto out;
	snprintf(text, sizeof text, "aws:amz:%s:s3", region);
	if (lib->easy_setopt(easy, CURLOPT_AWS_SIGV4, text) != CURLE_OK ||
	    lib->easy_setopt(easy, CURLOPT_USERNAME, keys.id) != CURLE_OK ||
	    lib->easy_setopt(easy, CURLOPT_PASSWORD, keys.secret) != CURLE_OK) {
		ccp_err_set(err, CCP_E_UNSUPPORTED, "libcurl here cannot sign for S3");
		goto out;
	}
	snprintf(text, sizeof text, "x-amz-security-token: %s", keys.token);
	if (add(lib, headers, "x-amz-content-sha256: UNSIGNED-PAYLOAD", err) == 0 &&
	    (keys.token[0] == '\0' || add(lib, headers, text, err) == 0))
		result = 0;
out:
	explicit_bzero(&keys, sizeof keys);
	explicit_bzero(text, sizeof text);
	return result;
}

#endif
