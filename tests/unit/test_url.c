/* test_url.c: which names are URLs, and what is read from their text. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

#include "pipeline/net/url.h"
#include "pipeline/sink.h"
#include "pipeline/source.h"

extern const struct ccp_source_ops ccp_source_files, ccp_source_stream, ccp_source_url;

Test(url, kinds)
{
	static const struct {
		const char *name;
		enum ccp_url_kind kind;
	} cases[] = {
		{ "http://h/a", CCP_URL_CURL },	    { "HTTPS://h", CCP_URL_CURL },     { "ftp://h/a", CCP_URL_CURL },
		{ "sftp://h/a", CCP_URL_CURL },	    { "tcp://h:1", CCP_URL_TCP },      { "unix:/run/s", CCP_URL_UNIX },
		{ "tcp-listen::1", CCP_URL_LISTEN }, { "file:///a", CCP_URL_FILE },    { "a", CCP_URL_NONE },
		{ "-", CCP_URL_NONE },		    { "./http://h/a", CCP_URL_NONE },  { "http:/h/a", CCP_URL_NONE },
		{ "s3://b/k", CCP_URL_CURL },	    { "/unix:a", CCP_URL_NONE },       { "", CCP_URL_NONE },
	};

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		cr_expect_eq(ccp_url_kind(cases[i].name), cases[i].kind, "%s", cases[i].name);
}

Test(url, claims)
{
	struct stat file = { .st_mode = S_IFREG | 0644 };

	cr_expect_eq(ccp_source_for("http://h/a", NULL), &ccp_source_url);
	cr_expect_eq(ccp_source_for("unix:/run/s", NULL), &ccp_source_url);
	/* what has been looked at as a file is one, whatever it is called */
	cr_expect_eq(ccp_source_for("unix:a", &file), &ccp_source_files);
	cr_expect_eq(ccp_source_for("file:///a", NULL), &ccp_source_stream);
	cr_expect_eq(ccp_source_for("-", NULL), &ccp_source_stream);
}

Test(url, names_of_targets)
{
	static const char *const cases[][2] = {
		{ "http://h/a/b.txt", "b.txt" },
		{ "http://h/a/b.txt?x=/y#z", "b.txt" },
		{ "http://h/a/", "index" },
		{ "http://h", "index" },
		{ "http://h?q=/a", "index" },
		{ "http://h/..", "index" },
		{ "http://h/%2e%2E", "index" },
		{ "http://h/a%20b%2Fc%00d", "a b_c_d" },
		{ "http://h/100%", "100%" },
		{ "http://h/%zz%4", "%zz%4" },
		{ "ftp://u:p@h/d/e", "e" },
		{ "tcp://h:9", "h:9" },
		{ "unix:/run/my.sock", "my.sock" },
		{ "tcp-listen::9", ":9" },
		{ "s3://b/d/a%20b?x#y", "a%20b?x#y" },
		{ "s3://b/d/", "index" },
		{ "s3://b", "index" },
	};
	char name[64], cut[4];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		cr_expect_eq(ccp_url_name(cases[i][0], name, sizeof name), 0);
		cr_expect_str_eq(name, cases[i][1], "%s: %s", cases[i][0], name);
	}
	cr_expect_eq(ccp_url_name("http://h/abcdef", cut, sizeof cut), -1);
	cr_expect_str_eq(cut, "abc");
	cr_expect_eq(ccp_url_name("http://h/abc?d", cut, sizeof cut), 0);
}

Test(url, encoded)
{
	char text[64];

	ccp_url_encode(text, "aZ09-._~/ +%\xff", CCP_URL_PATH);
	cr_expect_str_eq(text, "aZ09-._~/%20%2B%25%FF");
	ccp_url_encode(text, "a/b=", CCP_URL_VALUE);
	cr_expect_str_eq(text, "a%2Fb%3D");
}

Test(url, no_password_is_shown)
{
	static const char *const cases[][2] = {
		{ "http://u:secret@h/a:b@c", "http://u:***@h/a:b@c" },
		{ "http://u:se@cret@h/a", "http://u:***@h/a" },
		{ "http://u:p@h?x", "http://u:***@h?x" },
		{ "http://:p@h", "http://:***@h" },
		{ "http://token@h/a", "http://***@h/a" },
		{ "http://h:80/a@b", "http://h:80/a@b" },
		{ "unix:/a:b@c", "unix:/a:b@c" },
		{ "s3://b/k:l@m", "s3://b/k:l@m" },
	};
	char shown[64];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ccp_url_show(cases[i][0], shown, sizeof shown);
		cr_expect_str_eq(shown, cases[i][1], "%s: %s", cases[i][0], shown);
	}
}

Test(url, no_signature_is_shown)
{
	static const char *const cases[][2] = {
		{ "https://b.s3.x/k?X-Amz-Credential=a%2Fb&X-Amz-Security-Token=t&X-Amz-Signature=0af",
		  "https://b.s3.x/k?X-Amz-Credential=a%2Fb&X-Amz-Security-Token=***&X-Amz-Signature=***" },
		{ "http://h/a?SIG=x%3D&se=2030#top", "http://h/a?SIG=***&se=2030#top" },
		{ "http://u:p@h/a?token=t;v=1", "http://u:***@h/a?token=***;v=1" },
		{ "http://h/?access_token=t#id_token=u", "http://h/?access_token=***#id_token=***" },
		{ "http://h/a?key=object&design=1&sig&token=", "http://h/a?key=object&design=1&sig&token=" },
		{ "http://h/sig=x/token=y", "http://h/sig=x/token=y" },
		{ "unix:/a?token=x", "unix:/a?token=x" },
		{ "s3://b/k?token=x", "s3://b/k?token=x" },
		{ "http://h/?=&&a==b?#", "http://h/?=&&a==b?#" },
	};
	char shown[256], cut[22];

	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		ccp_url_show(cases[i][0], shown, sizeof shown);
		cr_expect_str_eq(shown, cases[i][1], "%s: %s", cases[i][0], shown);
	}
	ccp_url_show("http://h/a?token=secret", cut, sizeof cut);
	cr_expect_str_eq(cut, "http://h/a?token=***");
	ccp_url_show("http://h/a?token=secret", cut, 20);
	cr_expect_str_eq(cut, "http://h/a?token=**");
}

Test(url, hosts)
{
	char host[CCP_URL_HOST];

	ccp_url_host("HTTP://u:p@Example.org:8080/a@b", host);
	cr_expect_str_eq(host, "example.org:8080");
	ccp_url_host("http://h?x", host);
	cr_expect_str_eq(host, "h");
	ccp_url_host("unix:/a", host);
	cr_expect_str_eq(host, "");
}

Test(url, addresses)
{
	char host[CCP_URL_HOST], port[CCP_URL_PORT];
	struct ccp_err err;

	cr_expect_eq(ccp_url_split("h:80", host, port, &err), 0);
	cr_expect(strcmp(host, "h") == 0 && strcmp(port, "80") == 0);
	cr_expect_eq(ccp_url_split("[::1]:80/", host, port, &err), 0);
	cr_expect(strcmp(host, "::1") == 0 && strcmp(port, "80") == 0);
	cr_expect_eq(ccp_url_split(":80", host, port, &err), 0);
	cr_expect_str_eq(host, "");
	cr_expect_eq(ccp_url_split("h", host, port, &err), -1);
	cr_expect_eq(ccp_url_split("h:", host, port, &err), -1);
	cr_expect_eq(ccp_url_split("[::1:80", host, port, &err), -1);
	cr_expect_eq(ccp_url_split("[::1]x:80", host, port, &err), -1);
}

static void redirected(const char *from, const char *to, const char *expected)
{
	char *whole = ccp_url_redirected(from, to);

	cr_expect_str_eq(whole, expected);
	free(whole);
}

/* A password goes back to where it was meant for, and nowhere else. */
Test(url, redirects)
{
	char from[600], to[600];

	redirected("http://u:p@h/a", "http://h/b?c", "http://u:p@h/b?c");
	redirected("HTTP://u:p%40x@H/a", "http://h:80/b", "http://u:p%40x@h:80/b");
	redirected("https://u@h:443/a", "https://h/b@c", "https://u@h/b@c");
	redirected("http://u:p@h:/a", "http://h", "http://u:p@h");
	redirected("http://u:p@[::1]:80/", "http://[::1]/", "http://u:p@[::1]/");
	redirected("http://u:p@h:8080/", "http://h:8080/b", "http://u:p@h:8080/b");
	redirected("http://u:p@h/a", "http://other:q@h/b", "http://other:q@h/b");
	redirected("http://u:p@h/a", "http://@h/b", "http://@h/b");
	redirected("http://h/a", "http://h/b", "http://h/b");
	redirected("http://h/u:p@h", "http://h/b", "http://h/b");
	redirected("http://u:p@h/a", "https://h/b", "https://h/b");
	redirected("http://u:p@h:443/a", "https://h/b", "https://h/b");
	redirected("http://u:p@h/a", "http://h:81/b", "http://h:81/b");
	redirected("http://u:p@h:80/a", "http://h:443/b", "http://h:443/b");
	redirected("https://u:p@h:80/a", "https://h/b", "https://h/b");
	redirected("http://u:p@h/a", "http://h.x/b", "http://h.x/b");
	redirected("http://u:p@h/a", "http://x/h/b", "http://x/h/b");
	redirected("http://u:p@[::80]/", "http://[:/", "http://[:/");
	/* names that are the same as far as they are looked at */
	snprintf(from, sizeof from, "http://u:p@%0300d.a/", 0);
	snprintf(to, sizeof to, "http://%0300d.b/", 0);
	redirected(from, to, to);
}

Test(url, paths)
{
	char path[16];
	struct ccp_err err;

	cr_expect_eq(ccp_url_path("file:///a/b%20c", path, sizeof path, &err), 0);
	cr_expect_str_eq(path, "/a/b c");
	cr_expect_eq(ccp_url_path("file://localhost/a", path, sizeof path, &err), 0);
	cr_expect_str_eq(path, "/a");
	cr_expect_eq(ccp_url_path("file://h/a", path, sizeof path, &err), -1);
	cr_expect_eq(ccp_url_path("file:///a%00b", path, sizeof path, &err), -1);
	cr_expect_eq(ccp_url_path("file:///0123456789abcdef", path, sizeof path, &err), -1);
}

/* Beside a URL there is no place: a target is below a directory that was named, or there is none. */
Test(url, targets)
{
	static struct ccp_input input;
	struct ccp_sink_options options = { .naming = CCP_NAME_ADD_SUFFIX, .suffix = ".gz" };
	char target[PATH_MAX];
	struct ccp_err err;

	input.source = &ccp_source_url;
	strcpy(input.path, "http://h/../../x/a%2f..%2fb");
	cr_expect_eq(ccp_target_name(&options, &input, target, &err), -1);
	cr_expect_eq(err.code, CCP_E_NAME);
	options.output_dir = "d";
	cr_assert_eq(ccp_target_name(&options, &input, target, &err), 0);
	cr_expect_str_eq(target, "d/a_.._b.gz");
	input.source = &ccp_source_files;
	strcpy(input.path, "http://h/a");
	cr_assert_eq(ccp_target_name(&options, &input, target, &err), 0);
	cr_expect_str_eq(target, "d/http:/h/a.gz");
}
