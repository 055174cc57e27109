/*
 * compare_command.c: what COMMAND is, and the words of the child that runs it.
 *
 * COMMAND is read by the parser of its own command, into settings of its own. What the parser took for names comes last
 * in a child's words, behind "--"; so the options that send outputs to the scratch folder can stand right before it,
 * where they win. Which word is the "--" that ends options, and not the argument of one, is known from the settings.
 */
#include "cmd/compare.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/options_internal.h"
#include "cmd/text.h"

#define NAMES_SHOWN 4

static const struct ccp_command *find_command(const char *name)
{
	for (const struct ccp_command *const *command = ccp_commands; *command != NULL; command++)
		if (strcmp((*command)->name, name) == 0)
			return *command;
	return NULL;
}

/* Whether `word` became the argument of an option that keeps its argument. */
static bool is_argument(struct ccp_settings *s, const char *word)
{
	for (const struct ccp_option *row = ccp_options; row->commands != 0; row++)
		if ((row->commands & s->bit) && row->kind == CCP_OPTION_TEXT &&
		    *(const char **)(void *)((char *)s + row->field) == word)
			return true;
	return false;
}

/* Below an output directory a path must not lead up: its folder is written out instead. Returns -1 without memory. */
static int resolve_name(struct ccp_compare_command *c, size_t i)
{
	char *name = c->names[i], *slash = strrchr(name, '/'), *folder, *whole = NULL;
	const char *base = slash != NULL ? slash + 1 : name;
	bool up = strncmp(name, "../", 3) == 0 || strstr(name, "/../") != NULL || strcmp(base, "..") == 0;

	if (!up)
		return 0;
	if (strcmp(base, "..") == 0) {
		whole = realpath(name, NULL);
	} else {
		folder = strndup(name, (size_t)(base - name));
		if (folder == NULL)
			return -1;
		whole = realpath(folder, NULL);
		free(folder);
		if (whole != NULL) {
			char *both;
			int len = asprintf(&both, "%s/%s", strcmp(whole, "/") == 0 ? "" : whole, base);

			free(whole);
			if (len < 0)
				return -1;
			whole = both;
		}
	}
	if (whole != NULL) { /* else the child will say what is wrong with it */
		c->names[i] = whole;
		c->owned[i] = true;
	}
	return 0;
}

/* Parts the words after the command's own into options and names. Returns -1 without memory. */
static int part_words(struct ccp_compare_command *c, size_t count, char **words)
{
	struct ccp_settings *s = &c->settings;
	size_t name = 0;

	c->options = calloc(count + 1, sizeof *c->options);
	c->names = calloc(s->name_count + 1, sizeof *c->names);
	c->owned = calloc(s->name_count + 1, sizeof *c->owned);
	if (c->options == NULL || c->names == NULL || c->owned == NULL)
		return -1;
	for (size_t i = 1; i < count; i++) {
		if (name < s->name_count && words[i] == s->names[name])
			name++;
		else
			c->options[c->option_count++] = words[i];
	}
	if (c->option_count > 0 && strcmp(c->options[c->option_count - 1], "--") == 0 &&
	    !is_argument(s, c->options[c->option_count - 1]))
		c->options[--c->option_count] = NULL;
	for (size_t i = 0; i < s->name_count; i++) {
		c->names[i] = s->names[i];
		c->name_count++;
		if (c->to_dir && resolve_name(c, i) != 0)
			return -1;
	}
	return 0;
}

/* What must not be compared, or not be said within COMMAND. */
static int check(const struct ccp_compare_command *c, const struct ccp_settings *settings)
{
	const struct ccp_settings *s = &c->settings;

	if (s->act != CCP_ACT_RUN)
		return ccp_usage_error(settings, "compare: there is nothing to compare in help or a version");
	if (s->remove)
		return ccp_usage_error(settings, "compare: --rm would remove the inputs after the first run");
	if (s->plan.strategy != NULL || s->plan.jobs != NULL)
		return ccp_usage_error(settings, "compare: %s of COMMAND is set by compare: write %s before '--'",
				       s->plan.strategy != NULL ? "--strategy" : "-j",
				       s->plan.strategy != NULL ? "--strategies=LIST" : "-j LIST");
	if (s->tar.file != NULL && s->tar.mode == 'c')
		return ccp_usage_error(settings, "compare: -f of COMMAND is set by compare: leave it out, or say -z");
	if (s->profile.json != NULL || s->profile.trace != NULL || s->profile.html != NULL)
		return ccp_usage_error(settings, "compare: --profile=KIND:FILE of COMMAND would write a file");
	if (s->plan.plan_file != NULL || s->save_plan != NULL || s->explain)
		return ccp_usage_error(settings, "compare: %s has no meaning within COMMAND",
				       s->plan.plan_file != NULL ? "--plan"
				       : s->save_plan != NULL    ? "--save-plan"
								 : "--explain");
	if (c->reads_stdin && isatty(STDIN_FILENO))
		return ccp_usage_error(settings, "compare: COMMAND names no file, and standard input is a terminal");
	return 0;
}

int ccp_compare_command_init(struct ccp_compare_command *c, const struct ccp_settings *settings, size_t count,
			     char **words)
{
	struct ccp_settings *s = &c->settings;

	if (count == 0)
		return ccp_usage_error(settings, "compare: which command? For example: compare -- gzip -6 FILE");
	c->command = find_command(words[0]);
	if (c->command == NULL && strcmp(words[0], settings->program) == 0)
		return ccp_usage_error(settings, "compare: leave out '%s' before COMMAND", words[0]);
	if (c->command == NULL || (c->command->bit & (CCP_FOR_INFO | CCP_FOR_COMPARE | CCP_FOR_INDEX)))
		return ccp_usage_error(settings, "compare: '%s' is no command that can be compared", words[0]);
	ccp_settings_init(s, settings->program, c->command->name, c->command->bit);
	s->plan.strategy = s->plan.jobs = NULL; /* of the environment: compare sets them */
	if (ccp_options_parse(s, (int)count, words) != 0)
		return CCP_EXIT_USAGE;
	c->reads_stdin = s->name_count == 0 && s->files_from == NULL;
	for (size_t i = 0; i < s->name_count; i++)
		c->reads_stdin |= strcmp(s->names[i], "-") == 0;
	c->reads_stdin |= s->files_from != NULL && strcmp(s->files_from, "-") == 0;
	c->to_dir = (s->bit & (CCP_FOR_GZIP | CCP_FOR_GUNZIP)) && !s->to_stdout && s->output == NULL &&
		    (s->name_count > 0 || s->files_from != NULL);
	if (part_words(c, count, words) != 0) {
		fprintf(stderr, "%s: out of memory\n", settings->program);
		return CCP_EXIT_FAILED;
	}
	return check(c, settings);
}

void ccp_compare_command_release(struct ccp_compare_command *c)
{
	for (size_t i = 0; i < c->name_count; i++)
		if (c->owned[i])
			free(c->names[i]);
	free(c->names);
	free(c->owned);
	free(c->options);
	ccp_settings_release(&c->settings);
}

/* Adds a word that is made; without memory `failed` is set. */
static void add(char **words, size_t *count, bool *failed, const char *before, const char *text)
{
	if (asprintf(&words[*count], "%s%s", before, text) < 0) {
		words[*count] = NULL;
		*failed = true;
	} else {
		++*count;
	}
}

char **ccp_compare_words(const struct ccp_compare *compare, const struct ccp_compare_plan *plan, const char *save)
{
	const struct ccp_compare_command *c = &compare->command;
	char **words = calloc(c->option_count + c->name_count + 9, sizeof *words), path[PATH_MAX];
	size_t count = 0;
	bool failed = false;

	if (words == NULL)
		return NULL;
	add(words, &count, &failed, "", "ccpipe");
	add(words, &count, &failed, "", c->command->name);
	if (plan->kind == CCP_COMPARE_REPLAY) {
		ccp_compare_plan_file(compare, &compare->plan[plan->twin], path);
		add(words, &count, &failed, "--plan=", path);
	} else {
		add(words, &count, &failed, "--strategy=", plan->strategy);
	}
	snprintf(path, sizeof path, "%u", plan->jobs);
	add(words, &count, &failed, "-j", path);
	if (save != NULL)
		add(words, &count, &failed, "--save-plan=", save);
	for (size_t i = 0; i < c->option_count; i++)
		add(words, &count, &failed, "", c->options[i]);
	snprintf(path, sizeof path, "%s/run/%s", compare->scratch, c->to_dir ? "files" : "output");
	if (c->to_dir || c->settings.output != NULL)
		add(words, &count, &failed, c->to_dir ? "--output-dir=" : "--output=", path);
	add(words, &count, &failed, "", "--");
	for (size_t i = 0; i < c->name_count; i++)
		add(words, &count, &failed, "", c->names[i]);
	if (!failed)
		return words;
	ccp_compare_words_free(words);
	return NULL;
}

void ccp_compare_words_free(char **words)
{
	for (char **word = words; words != NULL && *word != NULL; word++)
		free(*word);
	free(words);
}

void ccp_compare_print_command(FILE *out, const struct ccp_compare *compare, const struct ccp_compare_plan *plan)
{
	const struct ccp_compare_command *c = &compare->command;
	const struct ccp_settings *s = &c->settings;
	bool dash = false;

	fprintf(out, "%s %s ", s->program, c->command->name);
	if (plan->kind == CCP_COMPARE_REPLAY)
		fprintf(out, "--plan=FILE -j%u", plan->jobs);
	else
		fprintf(out, "--strategy=%s -j%u", plan->strategy, plan->jobs);
	for (size_t i = 0; i < c->option_count; i++) {
		fputc(' ', out);
		ccp_text_path(out, c->options[i]);
	}
	for (size_t i = 0; i < s->name_count; i++)
		dash |= s->names[i][0] == '-' && s->names[i][1] != '\0';
	if (dash)
		fputs(" --", out);
	for (size_t i = 0; i < s->name_count && i < NAMES_SHOWN; i++) {
		fputc(' ', out);
		ccp_text_path(out, s->names[i]);
	}
	if (s->name_count > NAMES_SHOWN)
		fprintf(out, " ... (%zu names)", s->name_count);
}
