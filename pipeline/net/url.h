/*
 * url.h: names of inputs that are not files: which ones there are, and what can be read from their text.
 *
 * `http:// https:// ftp:// ftps:// sftp://` and `s3://BUCKET/KEY` go through libcurl; `tcp://HOST:PORT`, `unix:PATH`
 * and `tcp-listen:ADDRESS:PORT` are plain sockets; `file://` is another spelling of a path. A name that begins so is
 * never a path itself; "./" before it makes it one.
 */
#ifndef CCP_PIPELINE_NET_URL_H
#define CCP_PIPELINE_NET_URL_H

#include <stdbool.h>
#include <stddef.h>

#include "pipeline/err.h"

enum ccp_url_kind { CCP_URL_NONE, CCP_URL_FILE, CCP_URL_CURL, CCP_URL_TCP, CCP_URL_UNIX, CCP_URL_LISTEN };

/* Room for a host's name (RFC 1035: 253 bytes) or an address, and for a port. */
#define CCP_URL_HOST 256
#define CCP_URL_PORT 32

/* What a name is; CCP_URL_NONE: a file, standard input. Schemes may be written in capitals. Threads: any. */
enum ccp_url_kind ccp_url_kind(const char *name);

/*
 * What follows the scheme and "://" (or ":" of unix and tcp-listen).
 * Memory: part of `url`. Threads: any. Shape: the name's kind is not NONE.
 */
const char *ccp_url_rest(const char *url);

/* Puts the scheme, in small letters, into `scheme`. Shape: room for 16. Threads: any. */
void ccp_url_scheme(const char *url, char *scheme);

/*
 * Copies a name for messages: a password in it becomes "***", and so do the values of signatures, tokens and the like
 * in a query.
 * Shape: `shown` has room for `room`; what is longer is cut. Threads: any.
 */
void ccp_url_show(const char *url, char *shown, size_t room);

/*
 * The base name of a target: the last component of the URL's path, decoded, without a slash; "index" if it is empty or
 * a dot or two. Of a socket: the last component of its address. A key of S3 is taken as it stands: nothing in it is
 * encoded.
 * Shape: `name` has room for `room`. Returns 0, or -1 if the name is longer, and cut: it is no name to write to then.
 * Threads: any.
 */
int ccp_url_name(const char *url, char *name, size_t room);

/* Whether a name is s3://BUCKET/KEY. Threads: any. */
bool ccp_url_is_s3(const char *url);

/* What stands for itself: in a path, and in the value of a query. */
#define CCP_URL_PATH "-._~/"
#define CCP_URL_VALUE "-._~"

/*
 * Writes what stands for `text` in a URL: all but letters, digits and `plain` is encoded, in capitals, as signatures of
 * S3 want it.
 * Shape: `to` has room for three times strlen(text) and one more. Threads: any. Source: RFC 3986, section 2.1.
 */
void ccp_url_encode(char *to, const char *text, const char *plain);

/*
 * The host and port of a URL in small letters, as one word, for counting the connections to it; "" if there is none.
 * Shape: `host` has room for CCP_URL_HOST. Threads: any.
 */
void ccp_url_host(const char *url, char *host);

/*
 * Copies the URL that a redirect leads to, with the name and the password of the URL that it came from if that is of
 * the same scheme, host and port: there the server has had them already, and nowhere else may they go. A URL with a
 * name of its own stays as it is.
 * Errors: NULL: no memory. Memory: returned; freed with free. Threads: any.
 */
char *ccp_url_redirected(const char *from, const char *to);

/*
 * Splits "HOST:PORT", "[ADDRESS]:PORT" or ":PORT".
 * Shape: room for CCP_URL_HOST and CCP_URL_PORT. Errors: -1 with CCP_E_OTHER. Threads: any.
 */
int ccp_url_split(const char *address, char *host, char *port, struct ccp_err *err);

/*
 * Turns "file:///a/b%20c", which may name this host as localhost, into "/a/b c".
 * Shape: `path` has room for `room`. Errors: -1 with CCP_E_OTHER: another host, or too long. Threads: any.
 */
int ccp_url_path(const char *url, char *path, size_t room, struct ccp_err *err);

#endif
