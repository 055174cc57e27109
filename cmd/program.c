/* program.c: see program.h. Nothing is put into the template, so that it is expanded once. */
#include "cmd/program.h"

#include <stdio.h>

int ccp_program_make(struct ccp_program *program, const struct ccp_settings *s, char *const *words, size_t count)
{
	static const struct ccp_template_values none;
	struct ccp_err err;

	if (ccp_template_new(&program->template, words, count, true, &err) == 0 &&
	    ccp_template_expand(program->template, &none, &program->words, &err) == 0 &&
	    ccp_template_show(program->template, &none, &program->shown, &err) == 0) {
		ccp_wordlist_end(&program->shown);
		return 0;
	}
	if (err.code == CCP_E_USAGE)
		return ccp_usage_error(s, "%s", err.text);
	fprintf(stderr, "%s: %s\n", s->program, err.text);
	return CCP_EXIT_FAILED;
}

void ccp_program_free(struct ccp_program *program)
{
	ccp_wordlist_free(&program->words);
	ccp_wordlist_free(&program->shown);
	ccp_template_free(program->template);
}
