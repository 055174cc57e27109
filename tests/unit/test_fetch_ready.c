/* test_fetch_ready.c: a fetcher, and a server in the test: what is ready, short descriptors, what runs ahead. */
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "pipeline/net/fetch.h"

#define MANY 12

struct rig {
	struct ccp_fetcher *fetcher;
	char url[128];
	int listener, client[MANY];
};

static void begin(struct rig *rig, unsigned depth)
{
	struct ccp_fetch_options options = { .tries = 1, .depth = depth };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct ccp_err err;
	int len;

	rig->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	len = snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "ccpipe-ready-%d", (int)getpid());
	cr_assert_eq(bind(rig->listener, (struct sockaddr *)&address,
			  (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len)), 0);
	cr_assert_eq(listen(rig->listener, MANY), 0);
	snprintf(rig->url, sizeof rig->url, "unix:@%s", address.sun_path + 1);
	cr_assert_eq(ccp_fetcher_new(&rig->fetcher, &options, &err), 0);
}

/* The first one that is announced is accepted first, if they are announced one by one. */
static void announce(struct rig *rig, unsigned index)
{
	ccp_fetcher_ahead(rig->fetcher, index, rig->url);
	rig->client[index] = accept4(rig->listener, NULL, NULL, SOCK_CLOEXEC);
	cr_assert_geq(rig->client[index], 0);
}

/* Sends its number, and closes. */
static void answer(struct rig *rig, unsigned index)
{
	char text[16];
	int len = snprintf(text, sizeof text, "%u", index);

	cr_assert_eq(write(rig->client[index], text, (size_t)len), len);
	close(rig->client[index]);
}

static bool readable(int fd, int timeout_ms)
{
	struct pollfd pollfd = { .fd = fd, .events = POLLIN };

	return poll(&pollfd, 1, timeout_ms) == 1;
}

/* Reads a transfer to its end, as readers do. */
static void check(struct rig *rig, unsigned index)
{
	char text[16] = "", wanted[16];
	struct ccp_fetch *fetch;
	struct ccp_err err;
	size_t used = 0;
	ssize_t n = 1;
	int fd;

	cr_assert_eq(ccp_fetcher_take(rig->fetcher, index, &fetch, &fd, &err), 0);
	while (n > 0 && readable(fd, -1)) {
		n = read(fd, text + used, sizeof text - used);
		used += n > 0 ? (size_t)n : 0;
	}
	cr_expect_eq(ccp_fetch_result(fetch, &err), 0);
	close(fd);
	ccp_fetch_close(fetch);
	snprintf(wanted, sizeof wanted, "%u", index);
	cr_expect_str_eq(text, wanted);
}

Test(fetch_ready, is_said_once, .timeout = 60)
{
	struct rig rig;
	int fd;

	begin(&rig, 8);
	cr_expect(ccp_fetcher_ready(rig.fetcher, 0), "nobody announced it");
	for (unsigned i = 0; i < 3; i++)
		announce(&rig, i);
	for (unsigned i = 0; i < 3; i++)
		cr_expect_not(ccp_fetcher_ready(rig.fetcher, i));
	fd = ccp_fetcher_ready_fd(rig.fetcher);
	cr_assert_geq(fd, 0);
	cr_expect_eq(ccp_fetcher_ready_fd(rig.fetcher), fd);
	cr_expect(readable(fd, 0), "at first it is");
	ccp_fetcher_ready_clear(rig.fetcher);
	cr_expect_not(readable(fd, 0));

	answer(&rig, 1);
	cr_expect(readable(fd, -1));
	ccp_fetcher_ready_clear(rig.fetcher);
	cr_expect_not(ccp_fetcher_ready(rig.fetcher, 0));
	cr_expect(ccp_fetcher_ready(rig.fetcher, 1));
	cr_expect_not(ccp_fetcher_ready(rig.fetcher, 2));
	check(&rig, 1);

	close(rig.client[2]); /* an end without a byte is news, too */
	cr_expect(readable(fd, -1));
	cr_expect(ccp_fetcher_ready(rig.fetcher, 2));
	ccp_fetcher_ready_clear(rig.fetcher);

	answer(&rig, 0);
	check(&rig, 0);
	ccp_fetcher_free(rig.fetcher);
	close(rig.listener);
}

/* A transfer that is read is nobody's choice any more. */
Test(fetch_ready, what_was_taken_is_no_news, .timeout = 60)
{
	struct rig rig;
	struct ccp_fetch *fetch;
	struct ccp_err err;
	char byte;
	int fd, out;

	begin(&rig, 8);
	fd = ccp_fetcher_ready_fd(rig.fetcher);
	ccp_fetcher_ready_clear(rig.fetcher);
	announce(&rig, 0);
	cr_assert_eq(ccp_fetcher_take(rig.fetcher, 0, &fetch, &out, &err), 0);
	cr_expect(ccp_fetcher_ready(rig.fetcher, 0));
	answer(&rig, 0);
	cr_expect(readable(out, -1));
	cr_expect_eq(read(out, &byte, 1), 1);
	cr_expect_not(readable(fd, 0));
	close(out);
	ccp_fetch_close(fetch);
	ccp_fetcher_free(rig.fetcher);
}

/* There are descriptors for the connections, and not for the pipes: those wait, and nothing is lost. */
Test(fetch_ready, descriptors_are_short, .timeout = 60)
{
	struct ccp_fetch_depth_info info;
	struct rlimit limit = { .rlim_cur = 256 + MANY + 4, .rlim_max = 256 + MANY + 4 };
	struct rig rig;

	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	begin(&rig, MANY);
	for (unsigned i = 0; i < MANY; i++)
		announce(&rig, i);
	for (unsigned i = 0; i < MANY; i++)
		answer(&rig, i);
	for (unsigned i = 0; i < MANY; i++)
		while (!ccp_fetcher_ready(rig.fetcher, i))
			usleep(1000);
	ccp_fetcher_depth(rig.fetcher, &info);
	cr_expect_eq(info.why, CCP_DEPTH_FILES);
	cr_expect_eq(info.at_once, MANY);
	cr_expect_eq(info.depth, MANY);
	cr_expect_not(info.learned);
	for (unsigned i = 0; i < MANY; i += 2) /* some of them out of their order */
		check(&rig, i);
	for (unsigned i = 1; i < MANY; i += 2)
		check(&rig, i);
	ccp_fetcher_free(rig.fetcher);
	close(rig.listener);
}

/* The soft limit follows the depth, as far as the hard one lets it. */
Test(fetch_ready, limit_is_raised, .timeout = 60)
{
	struct rlimit limit;
	struct rig rig;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < 2000)
		cr_skip_test("the hard limit is low");
	limit.rlim_cur = 300;
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
	begin(&rig, 400);
	announce(&rig, 0);
	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	cr_expect_geq(limit.rlim_cur, 256 + 400 * 4);
	answer(&rig, 0);
	check(&rig, 0);
	ccp_fetcher_free(rig.fetcher);
}
