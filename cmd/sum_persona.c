/*
 * sum_persona.c: the names that mean a checksum: sha256sum and its like, which behave as those of coreutils do, and
 * "ccpipe sha256", which is short for "ccpipe sum -a sha256".
 */
#include <locale.h>
#include <string.h>

#include "cmd/sum.h"
#include "cmd/sum_words.h"

static const struct persona {
	const char *name, *algorithm;
	unsigned bit;
} personas[] = {
	{ "md5sum", "md5", CCP_FOR_HASHSUM },       { "sha1sum", "sha1", CCP_FOR_HASHSUM },
	{ "sha224sum", "sha224", CCP_FOR_HASHSUM }, { "sha256sum", "sha256", CCP_FOR_HASHSUM },
	{ "sha384sum", "sha384", CCP_FOR_HASHSUM }, { "sha512sum", "sha512", CCP_FOR_HASHSUM },
	{ "b2sum", "blake2b", CCP_FOR_B2SUM },      { "cksum", NULL, CCP_FOR_CKSUM },
};

/* What cksum -a takes, in the order of its message. NULL: not built. */
static const struct {
	const char *name, *algorithm;
} cksum_types[] = {
	{ "bsd", NULL },       { "sysv", NULL },       { "crc", "cksum" },
	{ "md5", "md5" },      { "sha1", "sha1" },     { "sha224", "sha224" },
	{ "sha256", "sha256" }, { "sha384", "sha384" }, { "sha512", "sha512" },
	{ "blake2b", "blake2b" }, { "sm3", NULL },
};

bool ccp_sum_persona(struct ccp_settings *s, const char *program, const char *name)
{
	for (size_t i = 0; i < sizeof personas / sizeof personas[0]; i++) {
		const struct persona *persona = &personas[i];

		if (strcmp(persona->name, name) != 0)
			continue;
		setlocale(LC_CTYPE, ""); /* which bytes of a name can be printed */
		ccp_settings_init(s, program, persona->name, persona->bit);
		if (persona->algorithm != NULL) {
			s->sum.lists[s->sum.list_count++] = persona->algorithm;
			s->sum.said = true;
		}
		return true;
	}
	return false;
}

bool ccp_sum_is_algorithm(const char *name)
{
	const struct ccp_digest_ops *ops = ccp_digest_find(name, strlen(name));

	return ops != NULL && strcmp(ops->name, name) == 0;
}

int ccp_sum_choose_cksum(struct ccp_settings *s, const char *name)
{
	size_t count = sizeof cksum_types / sizeof cksum_types[0];

	for (size_t i = 0; i < count; i++) {
		if (strcmp(cksum_types[i].name, name) != 0)
			continue;
		if (cksum_types[i].algorithm == NULL) {
			fprintf(stderr, "%s: not built: %s\n", s->program, name);
			return -1;
		}
		s->sum.lists[0] = cksum_types[i].algorithm;
		s->sum.list_count = 1;
		s->sum.said = true;
		return 0;
	}
	fprintf(stderr, "%s: invalid argument ", s->program);
	ccp_sum_quote(stderr, name);
	fputs(" for ", stderr);
	ccp_sum_quote(stderr, "--algorithm");
	fputs("\nValid arguments are:\n", stderr);
	for (size_t i = 0; i < count; i++) {
		fputs("  - ", stderr);
		ccp_sum_quote(stderr, cksum_types[i].name);
		fputc('\n', stderr);
	}
	ccp_usage_hint(s);
	return -1;
}

void ccp_sum_print_algorithms(FILE *out)
{
	for (const struct ccp_digest_ops *const *ops = ccp_digests; *ops != NULL; ops++)
		fprintf(out, "%s%s", ops == ccp_digests ? "" : " ", (*ops)->name);
}

void ccp_sum_help_begin(const struct ccp_settings *s)
{
	const struct ccp_digest_ops *ops = s->sum.list_count > 0 ?
		ccp_digest_find(s->sum.lists[0], strlen(s->sum.lists[0])) : NULL;
	bool named = ops != NULL && s->bit != CCP_FOR_CKSUM;

	if (s->gnu)
		printf("Usage: %s [OPTION]... [FILE]...\n", s->program);
	else
		printf("Usage: %s %s [OPTION]... [FILE]...\n", s->program, s->command);
	printf("Print or check %s%schecksums.\n", named ? ops->tag : "", named ? " " : "");
	if (s->gnu)
		putchar('\n');
}

void ccp_sum_help_end(const struct ccp_settings *s)
{
	if (s->bit == CCP_FOR_CKSUM) {
		printf("\nTYPE is one of:");
		for (size_t i = 0; i < sizeof cksum_types / sizeof cksum_types[0]; i++)
			if (cksum_types[i].algorithm != NULL)
				printf(" %s", cksum_types[i].name);
		printf("; default crc.\n");
	}
	if (!s->gnu) {
		printf("\nAlgorithms: ");
		ccp_sum_print_algorithms(stdout);
		printf(".\nEach is a command, too: 'ccpipe md5 FILE' is 'ccpipe sum -a md5 FILE'.\n");
	}
	printf("\nWith no FILE, or when FILE is -, read standard input.\n");
	if (s->gnu)
		printf("\nThis is ccpipe under the name %s, which also takes -j N and --strategy=S; see ccpipe(1).\n",
		       s->command);
}
