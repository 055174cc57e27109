/*
 * test_template.c: what a command becomes with arguments put in, above all that a shell takes them for what they are.
 */
#include <criterion/criterion.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pipeline/command/template.h"

static struct ccp_template *make(const char *command)
{
	struct ccp_template *template = NULL;
	char *words[] = { (char *)(uintptr_t)command };
	struct ccp_err err;

	ccp_err_clear(&err);
	cr_assert_eq(ccp_template_new(&template, words, 1, false, &err), 0, "%s: %s", command, err.text);
	return template;
}

static void refused(const char *command)
{
	struct ccp_template *template = NULL;
	char *words[] = { (char *)(uintptr_t)command };
	struct ccp_err err;

	ccp_err_clear(&err);
	cr_expect_eq(ccp_template_new(&template, words, 1, false, &err), -1, "%s", command);
	cr_expect_eq(err.code, CCP_E_USAGE, "%s: %s", command, err.text);
	if (template != NULL)
		ccp_template_free(template);
}

/* The command as a line. */
static void shows(const char *command, const char *arg, const char *wanted)
{
	struct ccp_template *template = make(command);
	char *args[] = { (char *)(uintptr_t)arg };
	const struct ccp_template_values values = { args, 1, 7, 2 };
	struct ccp_wordlist line = { 0 };
	struct ccp_err err;

	cr_assert_eq(ccp_template_show(template, &values, &line, &err), 0);
	ccp_wordlist_end(&line);
	cr_expect_str_eq(line.text, wanted);
	ccp_wordlist_free(&line);
	ccp_template_free(template);
}

Test(template, places)
{
	shows("echo {} {.} {/} {//} {/.} {#} {%}", "a/b.tar.gz", "echo a/b.tar.gz a/b.tar b.tar.gz a b.tar 7 2");
	shows("echo {//}", "a", "echo .");
	shows("echo {//}", "/a", "echo /");
	shows("echo {//}", "//", "echo /");
	shows("echo {//}", "a//b/", "echo a");
	shows("echo {.}", "a.b/c", "echo a.b/c");
	shows("echo", "a b", "echo 'a b'");
	shows("x;y {}", "it's", "x;y 'it'\\''s'");
	shows("x '{}';", "it's", "x 'it'\\''s';");
	shows("x \"{}\";", "$a`b\"c\\'", "x \"\\$a\\`b\\\"c\\\\'\";");
	shows("x \\{} {};", "a", "x \\{} 'a';");
	shows("x $(({#}+1)) {#};", "a", "x $((7+1)) 7;");
}

Test(template, refusals)
{
	refused("");
	refused("  ");
	refused("echo `{}`");
	refused("echo `x` {}");
	refused("cat <<E {}");
	refused("echo $(({}))");
	refused("echo $'{}'");
	refused("echo ${a:-'}'} {}");
	refused("echo \"$(case x in a) echo {};; esac)\"");
	refused("true # {}");
	refused("true # x");
	refused("echo a;");
	refused("echo a\n");
	refused("echo a |");
	refused("echo 'a");
	refused("echo \"a");
	refused("echo \"$(a\"");
}

/* Runs the command and compares all that it prints with `wanted`. */
static void prints(const struct ccp_template *template, char **args, size_t count, const char *wanted,
		   size_t wanted_len)
{
	const struct ccp_template_values values = { args, count, 1, 1 };
	struct ccp_wordlist words = { 0 };
	char got[4096];
	size_t len = 0;
	struct ccp_err err;
	int out[2], status;
	ssize_t n;
	pid_t pid;

	cr_assert_eq(ccp_template_expand(template, &values, &words, &err), 0);
	cr_assert_eq(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		close(out[0]);
		close(out[1]);
		execv(ccp_template_path(template), words.argv);
		_exit(127);
	}
	close(out[1]);
	while ((n = read(out[0], got + len, sizeof got - len)) > 0)
		len += (size_t)n;
	close(out[0]);
	waitpid(pid, &status, 0);
	if (len != wanted_len || memcmp(got, wanted, len) != 0)
		cr_expect_fail("%s: printed %.*s", words.argv[2], (int)len, got);
	cr_expect_eq(status, 0, "%s", words.argv[2]);
	ccp_wordlist_free(&words);
}

/* Lines that print their argument between < and >, wherever it stands. */
static const char *const lines[] = {
	"printf '<%s>' {};:",
	"printf '<%s>' \"{}\";:",
	"printf '<%s>' '{}';:",
	"printf \"<%s>\" ''{}\"\";:",
	"x={}; printf '<%s>' \"$x\"",
	"x=\"$(printf '%s.' {})\"; printf '<%s>' \"${x%.}\"",
	"x=$(printf '%s.' \"{}\"); printf '<%s>' \"${x%.}\"",
	"x=\"$(printf '%s.' \"$(printf '%s.' \"{}\")\")\"; printf '<%s>' \"${x%..}\"",
	"x=\"a$(printf '%s.' '{}')\"; x=${x#a}; printf '<%s>' \"${x%.}\"",
	"(for a in {}; do printf '<%s>' \"$a\"; done)",
	"case x in (y) printf '<%s>' a{};; (x) printf '<%s>' {};; esac",
	"if [ a\\\" = 'a\"' ]; then printf '<%s>' {}; fi",
	"printf '<%s>' \"\"{} | cat",
};

/* What a shell might do something with. */
Test(template, arguments_survive_the_shell)
{
	static const char bytes[] = "'\"\\$`;&|<>(){}[]*?~#!%=^ \n\tax1-/.\xc3\xa9\xff";

	srand(7);
	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
		struct ccp_template *template = make(lines[i]);

		for (int turn = 0; turn < 12; turn++) {
			char arg[24], wanted[32], *args[] = { arg };
			size_t len = (size_t)rand() % (sizeof arg - 1);

			for (size_t k = 0; k < len; k++)
				arg[k] = bytes[(size_t)rand() % (sizeof bytes - 1)];
			arg[len] = '\0';
			snprintf(wanted, sizeof wanted, "<%s>", arg);
			prints(template, args, 1, wanted, len + 2);
		}
		ccp_template_free(template);
	}
}

Test(template, several_are_words_of_their_own)
{
	char *args[] = { (char[]){ "a b" }, (char[]){ "it's" }, (char[]){ "" } };
	struct ccp_template *template = make("printf '<%s>' x{};:");

	prints(template, args, 3, "<xa b><it's><>", 14);
	ccp_template_free(template);
}
