/*
 * url.c: a table of schemes, and a few cuts: the authority ends at the first of "/?#", the user part of it at its last
 * '@', the path at '?' or '#'. libcurl takes the URL apart by itself; what is read here is for names and messages only.
 *
 * Source: RFC 3986, section 3.
 */
#include "pipeline/net/url.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct scheme {
	const char *begins;
	enum ccp_url_kind kind;
} schemes[] = {
	{ "http://", CCP_URL_CURL },
	{ "https://", CCP_URL_CURL },
	{ "ftp://", CCP_URL_CURL },
	{ "ftps://", CCP_URL_CURL },
	{ "sftp://", CCP_URL_CURL },
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

void ccp_url_show(const char *url, char *shown, size_t room)
{
	enum ccp_url_kind kind = ccp_url_kind(url);
	const char *rest = ccp_url_rest(url);
	const char *at = kind == CCP_URL_CURL || kind == CCP_URL_TCP ? user_end(rest) : NULL;
	const char *colon = at != NULL ? memchr(rest, ':', (size_t)(at - rest)) : NULL;

	if (at == NULL)
		snprintf(shown, room, "%s", url);
	else if (colon == NULL) /* which may be a token */
		snprintf(shown, room, "%.*s***%s", (int)(rest - url), url, at);
	else
		snprintf(shown, room, "%.*s:***%s", (int)(colon - url), url, at);
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

void ccp_url_name(const char *url, char *name, size_t room)
{
	bool decodes = ccp_url_kind(url) == CCP_URL_CURL;
	const char *path = ccp_url_rest(url), *end, *base;
	size_t len = 0;

	if (decodes)
		path += strcspn(path, "/?#");
	end = path + (decodes ? strcspn(path, "?#") : strlen(path));
	base = memrchr(path, '/', (size_t)(end - path));
	base = base != NULL ? base + 1 : path;
	for (; base < end && len + 1 < room; len++)
		name[len] = decodes ? safe(decode(&base, end)) : *base++;
	name[len] = '\0';
	if (len == 0 || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		snprintf(name, room, "index");
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
