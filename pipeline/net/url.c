/*
 * url.c: a table of schemes, and a few cuts: the authority ends at the first of "/?#", the user part of it at its last
 * '@', the path at '?' or '#'. libcurl takes the URL apart by itself; what is read here is for names and messages, and
 * for whom a password is for after a redirect.
 *
 * Source: RFC 3986, section 3.
 */
#include "pipeline/net/url.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define S3 "s3://"

static const struct scheme {
	const char *begins;
	enum ccp_url_kind kind;
} schemes[] = {
	{ "http://", CCP_URL_CURL },
	{ "https://", CCP_URL_CURL },
	{ "ftp://", CCP_URL_CURL },
	{ "ftps://", CCP_URL_CURL },
	{ "sftp://", CCP_URL_CURL },
	{ S3, CCP_URL_CURL },
	{ "file://", CCP_URL_FILE },
	{ "tcp://", CCP_URL_TCP },
	{ "unix:", CCP_URL_UNIX },
	{ "tcp-listen:", CCP_URL_LISTEN },
};

static const struct scheme *find(const char *name)
{
	for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
		if (strncasecmp(name, schemes[i].begins, strlen(schemes[i].begins)) == 0)
			return &schemes[i];
	return NULL;
}

enum ccp_url_kind ccp_url_kind(const char *name)
{
	const struct scheme *scheme = find(name);

	return scheme != NULL ? scheme->kind : CCP_URL_NONE;
}

bool ccp_url_is_s3(const char *url)
{
	return strncasecmp(url, S3, strlen(S3)) == 0;
}

const char *ccp_url_rest(const char *url)
{
	const struct scheme *scheme = find(url);

	return scheme != NULL ? url + strlen(scheme->begins) : url;
}

void ccp_url_scheme(const char *url, char *scheme)
{
	size_t len = strcspn(url, ":");

	if (len > 15)
		len = 15;
	for (size_t i = 0; i < len; i++)
		scheme[i] = (char)tolower((unsigned char)url[i]);
	scheme[len] = '\0';
}

/* Where the user part of a URL ends, at its '@', or NULL if there is none. */
static const char *user_end(const char *authority)
{
	size_t len = strcspn(authority, "/?#");

	return memrchr(authority, '@', len);
}

/* Appends what fits. */
static void append(char *shown, size_t room, size_t *len, const char *text, size_t bytes)
{
	size_t left = room - 1 - *len;

	if (bytes > left)
		bytes = left;
	memcpy(shown + *len, text, bytes);
	*len += bytes;
	shown[*len] = '\0';
}

/*
 * Whether a parameter of a query lets whoever has its value do what its owner may: the signatures of S3, of Google's
 * and of Azure's storage ("sig"), tokens, keys of an API. A plain "key" is more often the name of an object.
 */
static bool is_secret(const char *name, size_t len)
{
	static const char *const ends[] = { "signature", "token", "secret", "password", "passwd", "apikey", "api_key",
					    "api-key" };

	for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
		size_t end_len = strlen(ends[i]);

		if (len >= end_len && strncasecmp(name + len - end_len, ends[i], end_len) == 0)
			return true;
	}
	return len == 3 && strncasecmp(name, "sig", 3) == 0;
}

/* Appends a query and a fragment, which begin with '?' or '#', without the values of what is secret. */
static void show_query(const char *at, char *shown, size_t room, size_t *len)
{
	while (*at != '\0') {
		size_t name = strcspn(at + 1, "=&;#"), value;

		append(shown, room, len, at, name + 1);
		value = at[name + 1] == '=' ? 1 + strcspn(at + name + 2, "&;#") : 0;
		if (value > 1 && is_secret(at + 1, name))
			append(shown, room, len, "=***", 4);
		else
			append(shown, room, len, at + name + 1, value);
		at += name + 1 + value;
	}
}

void ccp_url_show(const char *url, char *shown, size_t room)
{
	enum ccp_url_kind kind = ccp_url_kind(url);
	const char *rest = ccp_url_rest(url);
	bool may_have_user = (kind == CCP_URL_CURL && !ccp_url_is_s3(url)) || kind == CCP_URL_TCP;
	const char *at = may_have_user ? user_end(rest) : NULL;
	const char *colon = at != NULL ? memchr(rest, ':', (size_t)(at - rest)) : NULL;

	const char *tail = at != NULL ? at : url, *query = kind == CCP_URL_CURL && !ccp_url_is_s3(url) ?
		strpbrk(tail, "?#") : NULL;
	size_t len = 0;

	shown[0] = '\0';
	if (query == NULL)
		query = tail + strlen(tail);
	if (at != NULL) { /* what is before an '@' without a colon may be a token */
		append(shown, room, &len, url, (size_t)((colon != NULL ? colon + 1 : rest) - url));
		append(shown, room, &len, "***", 3);
	}
	append(shown, room, &len, tail, (size_t)(query - tail));
	show_query(query, shown, room, &len);
}

static int hex(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* A slash or a NUL that was written as %2F or %00 would be another name than the one that was meant; %1B is none. */
static char safe(int c)
{
	return c == '/' || c < 0x20 || c == 0x7f ? '_' : (char)c;
}

/* A character of an URL, decoded; goes behind it. */
static int decode(const char **at, const char *end)
{
	const char *here = *at;

	if (here[0] == '%' && end - here > 2 && hex(here[1]) >= 0 && hex(here[2]) >= 0) {
		*at += 3;
		return hex(here[1]) * 16 + hex(here[2]);
	}
	++*at;
	return (unsigned char)here[0];
}

int ccp_url_name(const char *url, char *name, size_t room)
{
	bool is_curl = ccp_url_kind(url) == CCP_URL_CURL, decodes = is_curl && !ccp_url_is_s3(url);
	const char *path = ccp_url_rest(url), *end, *base;
	size_t len = 0;

	if (is_curl)
		path += strcspn(path, decodes ? "/?#" : "/");
	end = path + (decodes ? strcspn(path, "?#") : strlen(path));
	base = memrchr(path, '/', (size_t)(end - path));
	base = base != NULL ? base + 1 : path;
	for (; base < end && len + 1 < room; len++)
		name[len] = decodes ? safe(decode(&base, end)) : *base++;
	name[len] = '\0';
	if (len == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		snprintf(name, room, "index");
	return base < end ? -1 : 0;
}

void ccp_url_encode(char *to, const char *text, const char *plain)
{
	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < 0x80 && (isalnum(c) || strchr(plain, c) != NULL))
			*to++ = (char)c;
		else
			to += sprintf(to, "%%%02X", (unsigned)c);
	}
	*to = '\0';
}

void ccp_url_host(const char *url, char *host)
{
	enum ccp_url_kind kind = ccp_url_kind(url);
	const char *rest = ccp_url_rest(url), *at = user_end(rest);
	size_t len = 0;

	if (kind == CCP_URL_CURL || kind == CCP_URL_TCP) {
		rest = at != NULL ? at + 1 : rest;
		for (len = 0; len < strcspn(rest, "/?#") && len + 1 < CCP_URL_HOST; len++)
			host[len] = (char)tolower((unsigned char)rest[len]);
	}
	host[len] = '\0';
}

/* Where a URL of http or https leads: its host and port, the latter only if it is not the usual one. */
static void place_of(const char *url, char *host)
{
	char scheme[16];
	size_t len, tail;

	ccp_url_scheme(url, scheme);
	ccp_url_host(url, host);
	len = strlen(host);
	for (tail = 0; tail < len && isdigit((unsigned char)host[len - 1 - tail]);)
		tail++;
	if (tail < len && host[len - 1 - tail] == ':' &&
	    (tail == 0 || strcmp(host + len - tail, strcmp(scheme, "https") == 0 ? "443" : "80") == 0))
		host[len - 1 - tail] = '\0';
}

char *ccp_url_redirected(const char *from, const char *to)
{
	const char *user = ccp_url_rest(from), *end = user_end(user), *rest = ccp_url_rest(to);
	char from_scheme[16], to_scheme[16], from_host[CCP_URL_HOST], to_host[CCP_URL_HOST], *whole;

	ccp_url_scheme(from, from_scheme);
	ccp_url_scheme(to, to_scheme);
	place_of(from, from_host);
	place_of(to, to_host);
	if (end == NULL || user_end(rest) != NULL || strcmp(from_scheme, to_scheme) != 0 ||
	    strncmp(to_scheme, "http", 4) != 0 || strcmp(from_host, to_host) != 0 ||
	    strlen(to_host) >= CCP_URL_HOST - 16) /* it may have been cut */
		return strdup(to);
	if (asprintf(&whole, "%.*s%.*s%s", (int)(rest - to), to, (int)(end + 1 - user), user, rest) < 0)
		return NULL;
	return whole;
}

int ccp_url_split(const char *address, char *host, char *port, struct ccp_err *err)
{
	const char *colon = strrchr(address, ':'), *begin = address, *end = colon;

	if (colon != NULL && address[0] == '[') { /* an IPv6 address, whose colons are its own */
		begin++;
		end = strchr(address, ']');
		if (end == NULL || end + 1 != colon)
			return ccp_err_set(err, CCP_E_OTHER, "no address: HOST:PORT or [ADDRESS]:PORT is wanted");
	}
	if (colon == NULL || colon[1] == '\0')
		return ccp_err_set(err, CCP_E_OTHER, "the port is missing: HOST:PORT is wanted");
	if (end - begin >= CCP_URL_HOST || strlen(colon + 1) >= CCP_URL_PORT)
		return ccp_err_set(err, CCP_E_OTHER, "the address is too long");
	memcpy(host, begin, (size_t)(end - begin));
	host[end - begin] = '\0';
	strcpy(port, colon + 1);
	port[strcspn(port, "/")] = '\0'; /* tcp://HOST:PORT/ */
	return 0;
}

int ccp_url_path(const char *url, char *path, size_t room, struct ccp_err *err)
{
	const char *at = ccp_url_rest(url), *end = at + strlen(at);
	size_t len = 0;

	if (strncasecmp(at, "localhost/", 10) == 0)
		at += 9;
	if (at[0] != '/')
		return ccp_err_set(err, CCP_E_OTHER, "file:// names a file of this host: file:///PATH");
	while (at < end && len + 1 < room) {
		int c = decode(&at, end);

		if (c == '\0')
			return ccp_err_set(err, CCP_E_OTHER, "NUL byte in a file name");
		path[len++] = (char)c;
	}
	path[len] = '\0';
	return at == end ? 0 : ccp_err_set(err, CCP_E_OTHER, "the path is too long");
}
