/*
 * upload_hop.c: one request to one server, as libcurl is told of it, and what libcurl calls meanwhile.
 *
 * A request that moves no byte for a while is given up from curl's progress callback, which also learns there that the
 * run is over. The rate is kept by who reads the body: all uploads share one clock, which each piece moves on, and a
 * piece waits until the clock's time has come.
 *
 * Source: RFC 9110, sections 9.3.4 (PUT), 13.1.2 (If-None-Match).
 */
#include "pipeline/net/upload_internal.h"

#ifdef CCP_HAVE_CURL

#include <string.h>
#include <time.h>

#include "pipeline/net/s3.h"
#include "pipeline/net/url.h"

#define SECOND_NS UINT64_C(1000000000)
#define LAST_WORDS_S 10
#define EXPECT_BYTES (1u << 20) /* from here on a refusal is asked for first: 100 (Continue) */

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * SECOND_NS + (uint64_t)now.tv_nsec;
}

/* ---- curl's callbacks -------------------------------------------------------------------------------------------- */

static size_t on_header(char *line, size_t one, size_t len, void *arg)
{
	struct ccp_hop *hop = arg;

	hop->quiet_ns = now_ns();
	ccp_answer_line(&hop->call->answer, line, one * len);
	return one * len;
}

static size_t on_answer(char *data, size_t one, size_t len, void *arg)
{
	struct ccp_call *call = ((struct ccp_hop *)arg)->call;
	size_t room = sizeof call->text - 1 - call->text_len;

	len *= one;
	memcpy(call->text + call->text_len, data, len < room ? len : room);
	call->text_len += len < room ? len : room;
	call->text[call->text_len] = '\0';
	return len;
}

/* Waits until `bytes` may go. Returns false if the run is over meanwhile. */
static bool wait_turn(const struct ccp_call *call, size_t bytes)
{
	struct ccp_uploader *uploader = call->uploader;
	uint64_t limit = uploader->net.limit_bytes, now = now_ns(), turn;

	pthread_mutex_lock(&uploader->lock);
	turn = uploader->free_ns > now ? uploader->free_ns : now;
	uploader->free_ns = turn + (uint64_t)((double)bytes * 1e9 / (double)limit);
	pthread_mutex_unlock(&uploader->lock);
	for (; now < turn; now = now_ns()) {
		uint64_t left = turn - now, most = SECOND_NS / 20;
		struct timespec pause = { .tv_nsec = (long)(left < most ? left : most) };

		if (ccp_call_is_cancelled(call))
			return false;
		nanosleep(&pause, NULL);
	}
	return true;
}

static size_t on_read(char *data, size_t one, size_t room, void *arg)
{
	struct ccp_hop *hop = arg;
	struct ccp_call *call = hop->call;
	uint64_t left = call->len - hop->sent, limit = call->uploader->net.limit_bytes;

	room *= one;
	if (limit > 0 && room > limit / 20 + 1)
		room = (size_t)(limit / 20 + 1);
	if (left < room)
		room = (size_t)left;
	if (room == 0)
		return 0;
	if (limit > 0 && !call->last_words && !wait_turn(call, room))
		return CURL_READFUNC_ABORT;
	if (ccp_upload_read(call->body, call->at + hop->sent, data, room, &hop->read_err) != 0)
		return CURL_READFUNC_ABORT;
	hop->sent += room;
	hop->quiet_ns = now_ns();
	return room;
}

/* A connection that had been kept turned out to be closed: curl begins again on another one. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct ccp_hop *hop = arg;

	if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > hop->call->len)
		return CURL_SEEKFUNC_FAIL;
	hop->call->doubtful |= hop->sent == hop->call->len;
	hop->sent = (uint64_t)offset;
	return CURL_SEEKFUNC_OK;
}

static int on_connected(void *arg, char *address, char *local, int port, int local_port)
{
	struct ccp_hop *hop = arg;

	(void)address;
	(void)local;
	(void)port;
	(void)local_port;
	hop->connected = true;
	hop->quiet_ns = now_ns();
	return CURL_PREREQFUNC_OK;
}

unsigned ccp_hop_patience_s(const struct ccp_hop *hop)
{
	unsigned s = hop->call->uploader->net.stall_s;

	return hop->call->last_words && s > LAST_WORDS_S ? LAST_WORDS_S : s;
}

static int on_progress(void *arg, curl_off_t to_get, curl_off_t got, curl_off_t to_put, curl_off_t put)
{
	struct ccp_hop *hop = arg;
	bool stalled;

	(void)to_get;
	(void)to_put;
	if (got + put != hop->moved) {
		hop->moved = got + put;
		hop->quiet_ns = now_ns();
	}
	stalled = hop->connected && now_ns() - hop->quiet_ns > ccp_hop_patience_s(hop) * SECOND_NS;
	return stalled || ccp_call_is_cancelled(hop->call);
}

/* ---- a request --------------------------------------------------------------------------------------------------- */

#define SET(option, value) hop->lib->easy_setopt(hop->easy, option, value)

static bool add_header(struct ccp_hop *hop, const char *line)
{
	struct curl_slist *longer = hop->lib->slist_append(hop->headers, line);

	if (longer != NULL)
		hop->headers = longer;
	return longer != NULL;
}

static void set_method(struct ccp_hop *hop)
{
	const struct ccp_call *call = hop->call;

	if (strcmp(call->method, "HEAD") == 0) {
		SET(CURLOPT_NOBODY, 1L);
	} else if (strcmp(call->method, "DELETE") == 0) {
		SET(CURLOPT_CUSTOMREQUEST, "DELETE");
	} else if (strcmp(call->method, "POST") == 0) {
		SET(CURLOPT_POST, 1L);
		SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->len);
	} else {
		SET(CURLOPT_UPLOAD, 1L);
		SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t)call->len);
	}
	SET(CURLOPT_READFUNCTION, on_read);
	SET(CURLOPT_READDATA, hop);
	SET(CURLOPT_SEEKFUNCTION, on_seek);
	SET(CURLOPT_SEEKDATA, hop);
}

static void set_callbacks(struct ccp_hop *hop)
{
	SET(CURLOPT_ERRORBUFFER, hop->why);
	SET(CURLOPT_WRITEFUNCTION, on_answer);
	SET(CURLOPT_WRITEDATA, hop);
	SET(CURLOPT_HEADERFUNCTION, on_header);
	SET(CURLOPT_HEADERDATA, hop);
	SET(CURLOPT_PREREQFUNCTION, on_connected);
	SET(CURLOPT_PREREQDATA, hop);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, hop);
}

static int set_options(struct ccp_hop *hop, const char *url, struct ccp_err *err)
{
	const struct ccp_call *call = hop->call;
	const struct ccp_fetch_options *net = &call->uploader->net;
	unsigned connect_s = call->last_words && net->connect_s > LAST_WORDS_S ? LAST_WORDS_S : net->connect_s;
	bool has_body = call->body != NULL, asks;
	char scheme[16];

	ccp_url_scheme(url, scheme);
	SET(CURLOPT_URL, url);
	SET(CURLOPT_PROTOCOLS_STR, scheme);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_USERAGENT, "ccpipe");
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	SET(CURLOPT_TCP_KEEPALIVE, 1L);
	SET(CURLOPT_CONNECTTIMEOUT, (long)connect_s);
	SET(CURLOPT_NETRC, net->netrc ? (long)CURL_NETRC_OPTIONAL : (long)CURL_NETRC_IGNORED);
	if (net->cacert != NULL) { /* these and no others: libcurl has a folder of its own beside them */
		SET(CURLOPT_CAINFO, net->cacert);
		SET(CURLOPT_CAPATH, (char *)NULL);
	}
	set_callbacks(hop);
	set_method(hop);
	/*
	 * asking before the body costs a round trip, and some versions of curl ask for the smallest; but a header that
	 * is not sent must not be in the list for S3, because curl 7.88 signs it
	 */
	asks = ccp_url_is_s3(call->url) || call->len >= EXPECT_BYTES;
	if ((has_body && !asks && !add_header(hop, "Expect:")) ||
	    (has_body && !add_header(hop, "Content-Type: application/octet-stream")) ||
	    (call->create_only && !add_header(hop, "If-None-Match: *")))
		return ccp_err_set(err, CCP_E_NO_MEMORY, "out of memory");
	if (ccp_url_is_s3(call->url) && ccp_s3_sign(hop->lib, hop->easy, net, &hop->headers, err) != 0)
		return -1;
	SET(CURLOPT_HTTPHEADER, hop->headers);
	return 0;
}

int ccp_hop_begin(struct ccp_hop *hop, const char *url, struct ccp_err *err)
{
	ccp_answer_clear(&hop->call->answer);
	ccp_err_clear(&hop->read_err);
	hop->call->text_len = 0;
	hop->call->text[0] = hop->why[0] = '\0';
	hop->sent = 0;
	hop->moved = 0;
	hop->connected = false;
	hop->quiet_ns = now_ns();
	return set_options(hop, url, err);
}

#endif
