/* test_s3.c: names of S3 to URLs, and who asks. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "pipeline/net/s3.h"

static void forget_environment(void)
{
	static const char *const names[] = { "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_REGION",
					     "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
					     "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_SHARED_CREDENTIALS_FILE" };

	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
		unsetenv(names[i]);
	setenv("HOME", "/nowhere", 1);
}

static void expect_url(const struct ccp_fetch_options *options, const char *name, const char *wanted)
{
	struct ccp_err err;
	char *url = NULL;

	ccp_err_clear(&err);
	if (wanted == NULL) {
		cr_expect_eq(ccp_s3_url(options, name, &url, &err), -1, "%s", name);
		return;
	}
	cr_assert_eq(ccp_s3_url(options, name, &url, &err), 0, "%s: %s", name, err.text);
	cr_expect_str_eq(url, wanted);
	free(url);
}

Test(s3, urls_of_aws, .init = forget_environment)
{
	struct ccp_fetch_options options = { 0 };

	expect_url(&options, "s3://b/k", "https://b.s3.us-east-1.amazonaws.com/k");
	expect_url(&options, "S3://b/d/k", "https://b.s3.us-east-1.amazonaws.com/d/k");
	setenv("AWS_DEFAULT_REGION", "eu-west-1", 1);
	expect_url(&options, "s3://b/k", "https://b.s3.eu-west-1.amazonaws.com/k");
	setenv("AWS_REGION", "eu-west-2", 1);
	expect_url(&options, "s3://b/k", "https://b.s3.eu-west-2.amazonaws.com/k");
	options.s3_region = "cn-north-1";
	expect_url(&options, "s3://b/k", "https://b.s3.cn-north-1.amazonaws.com.cn/k");
	/* what is no label of a host's name, or would not fit a certificate, goes into the path */
	expect_url(&options, "s3://a.b/k", "https://s3.cn-north-1.amazonaws.com.cn/a.b/k");
	expect_url(&options, "s3://Old_b/k", "https://s3.cn-north-1.amazonaws.com.cn/Old_b/k");
	options.s3_region = "a/b";
	expect_url(&options, "s3://b/k", NULL);
	options.s3_region = "a:b";
	expect_url(&options, "s3://b/k", NULL);
}

Test(s3, urls_of_endpoints, .init = forget_environment)
{
	struct ccp_fetch_options options = { 0 };

	setenv("AWS_ENDPOINT_URL", "http://one:9000/", 1);
	expect_url(&options, "s3://b/k", "http://one:9000/b/k");
	setenv("AWS_ENDPOINT_URL_S3", "https://two", 1);
	expect_url(&options, "s3://b/k", "https://two/b/k");
	options.s3_endpoint = "http://three/sub//";
	expect_url(&options, "s3://b/k", "http://three/sub/b/k");
	options.s3_endpoint = "ftp://h";
	expect_url(&options, "s3://b/k", NULL);
	options.s3_endpoint = "http://user:secret@h";
	expect_url(&options, "s3://b/k", NULL);
	options.s3_endpoint = "h:9000";
	expect_url(&options, "s3://b/k", NULL);
}

Test(s3, keys_are_encoded, .init = forget_environment)
{
	struct ccp_fetch_options options = { .s3_endpoint = "http://h" };
	char name[1100] = "s3://b/";

	expect_url(&options, "s3://b/a b+c%41?x=y&z#f", "http://h/b/a%20b%2Bc%2541%3Fx%3Dy%26z%23f");
	expect_url(&options, "s3://b//a/../-._~/", "http://h/b//a/../-._~/");
	expect_url(&options, "s3://b/\xc3\xa9", "http://h/b/%C3%A9");
	expect_url(&options, "s3://b", NULL);
	expect_url(&options, "s3://b/", NULL);
	expect_url(&options, "s3:///k", NULL);
	expect_url(&options, "s3://u@b/k", NULL);
	expect_url(&options, "s3://../k", NULL);
	memset(name + 7, 'k', 1025);
	expect_url(&options, name, NULL);
}

static void write_file(char *path, const char *text)
{
	int fd;

	strcpy(path, "/tmp/ccpipe-s3-XXXXXX");
	fd = mkstemp(path);
	cr_assert(fd >= 0);
	cr_assert_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

Test(s3, who_asks, .init = forget_environment)
{
	struct ccp_s3_keys keys;
	struct ccp_err err;
	char path[64];

	cr_expect_eq(ccp_s3_find_keys(&keys, &err), 0);
	cr_expect_not(keys.found, "nobody");
	write_file(path, "# [x]\n[default]\naws_access_key_id = one\n; aws_session_token = no\n"
			 "aws_secret_access_key=s=1 \n\n[ two ]\naws_access_key_id=two\naws_secret_access_key=s2\n"
			 "aws_session_token=t2\n[half]\naws_access_key_id=h\n");
	setenv("AWS_SHARED_CREDENTIALS_FILE", path, 1);
	cr_expect_eq(ccp_s3_find_keys(&keys, &err), 0);
	cr_expect(keys.found && strcmp(keys.id, "one") == 0 && strcmp(keys.secret, "s=1") == 0 &&
		  keys.token[0] == '\0');
	setenv("AWS_PROFILE", "two", 1);
	cr_expect_eq(ccp_s3_find_keys(&keys, &err), 0);
	cr_expect(keys.found && strcmp(keys.id, "two") == 0 && strcmp(keys.token, "t2") == 0);
	setenv("AWS_PROFILE", "half", 1);
	cr_expect_eq(ccp_s3_find_keys(&keys, &err), -1, "no secret");
	setenv("AWS_PROFILE", "three", 1);
	cr_expect_eq(ccp_s3_find_keys(&keys, &err), -1, "no such profile");

	/* the environment's go first, and are not mixed with the file's */
	setenv("AWS_ACCESS_KEY_ID", "env", 1);
	cr_expect_eq(ccp_s3_find_keys(&keys, &err), -1, "no secret");
	setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
	cr_expect_eq(ccp_s3_find_keys(&keys, &err), 0);
	cr_expect(keys.found && strcmp(keys.id, "env") == 0 && keys.token[0] == '\0');
	unlink(path);
	unsetenv("AWS_ACCESS_KEY_ID");
	unsetenv("AWS_SECRET_ACCESS_KEY");
	unsetenv("AWS_PROFILE");
	cr_expect_eq(ccp_s3_find_keys(&keys, &err), -1, "the file that was named is not there");
}
