/*
 * info.c: the command info: what this machine allows and what this program was built with. The tables are the same that
 * runs use, so that whatever is added to a folder shows up here.
 */
#include <stdio.h>
#include <string.h>
#include <zlib.h>
#ifdef CCP_HAVE_LIBDEFLATE
#include <libdeflate.h>
#endif
#ifdef CCP_HAVE_ISAL
#include <isa-l.h>
#endif
#ifdef CCP_HAVE_LZ4
#include <lz4.h>
#endif
#ifdef CCP_HAVE_XXHASH
#include <xxhash.h>
#endif
#ifdef CCP_HAVE_CRYPTO
#include <openssl/opensslv.h>
#endif
#ifdef CCP_HAVE_CURL
#include <curl/curlver.h>
#endif
#ifdef CCP_HAVE_ARCHIVE
#include <archive.h>
#endif
#ifdef CCP_HAVE_PCRE2
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#endif
#ifdef CCP_HAVE_VECTORSCAN
#include <hs/hs.h>
#endif
#if defined(CCP_HAVE_LIBURING) && __has_include(<liburing/io_uring_version.h>)
#include <liburing/io_uring_version.h> /* since 2.4 */
#endif

#include "cmd/commands.h"
#include "cmd/info.h"
#include "cmd/text.h"
#include "pipeline/fold.h"
#include "pipeline/plan.h"
#include "pipeline/sink.h"
#include "pipeline/source.h"
#include "pipeline/transform.h"
#include "strategies/strategies.h"
#include "version.h"

#define TEXT_OF(number) #number
#define STRING(number) TEXT_OF(number)

struct library {
	const char *name;
	const char *version;         /* NULL = not built in */
	const char *loss;            /* what goes without it */
};

/* The version of OpenMP that came out on this date, as _OPENMP gives it. Source: the specifications, openmp.org. */
#if defined(CCP_HAVE_OPENMP) && defined(CCP_OPENMP_DATE)
#define OPENMP_VERSION                        \
	(CCP_OPENMP_DATE >= 202411   ? "6.0" : \
	 CCP_OPENMP_DATE >= 202111   ? "5.2" : \
	 CCP_OPENMP_DATE >= 202011   ? "5.1" : \
	 CCP_OPENMP_DATE >= 201811   ? "5.0" : \
	 CCP_OPENMP_DATE >= 201511   ? "4.5" : \
	 CCP_OPENMP_DATE >= 201307   ? "4.0" : \
				       "yes")
#else
#define OPENMP_VERSION "yes"
#endif

#ifdef IO_URING_VERSION_MAJOR
#define LIBURING_VERSION STRING(IO_URING_VERSION_MAJOR) "." STRING(IO_URING_VERSION_MINOR)
#else
#define LIBURING_VERSION "yes"
#endif

/* Ended by a NULL name. Shape: room for 16. */
static void list_libraries(struct library *list)
{
	*list++ = (struct library){ "zlib", zlibVersion(), "" };
#ifdef CCP_HAVE_LIBDEFLATE
	*list++ = (struct library){ "libdeflate", LIBDEFLATE_VERSION_STRING, "" };
#else
	*list++ = (struct library){ "libdeflate", NULL, "zlib does its work, slower" };
#endif
#ifdef CCP_HAVE_ISAL
	*list++ = (struct library){ "ISA-L",
		STRING(ISAL_MAJOR_VERSION) "." STRING(ISAL_MINOR_VERSION) "." STRING(ISAL_PATCH_VERSION), "" };
#else
	*list++ = (struct library){ "ISA-L", NULL, "the fastest levels of gzip are slower" };
#endif
#ifdef CCP_HAVE_LIBURING
	*list++ = (struct library){ "liburing", LIBURING_VERSION, "" };
#else
	*list++ = (struct library){ "liburing", NULL, "async reads files with helper threads" };
#endif
#ifdef CCP_HAVE_XXHASH
	*list++ = (struct library){ "xxHash", STRING(XXH_VERSION_MAJOR) "." STRING(XXH_VERSION_MINOR) "."
		STRING(XXH_VERSION_RELEASE), "" };
#else
	*list++ = (struct library){ "xxHash", NULL, "compare cannot tell whether outputs are the same" };
#endif
#ifdef CCP_HAVE_LZ4
	*list++ = (struct library){ "LZ4", STRING(LZ4_VERSION_MAJOR) "." STRING(LZ4_VERSION_MINOR) "."
		STRING(LZ4_VERSION_RELEASE), "" };
#else
	*list++ = (struct library){ "LZ4", NULL, "temporary files of sort are not compressed" };
#endif
#ifdef CCP_HAVE_CRYPTO
	*list++ = (struct library){ "libcrypto", OPENSSL_VERSION_STR, "" };
#else
	*list++ = (struct library){ "libcrypto", NULL, "no digest sha256, sha224, sha512, sha384, sha1, md5" };
#endif
#ifdef CCP_HAVE_B2
	*list++ = (struct library){ "libb2", "yes", "" }; /* its header does not tell the version */
#else
	*list++ = (struct library){ "libb2", NULL, "no digest blake2b" };
#endif
#ifdef CCP_HAVE_ARCHIVE
	*list++ = (struct library){ "libarchive", ARCHIVE_VERSION_ONLY_STRING, "" };
#else
	*list++ = (struct library){ "libarchive", NULL, "tar neither lists nor unpacks" };
#endif
#ifdef CCP_HAVE_CURL
	*list++ = (struct library){ "libcurl", LIBCURL_VERSION, "" };
#else
	*list++ = (struct library){ "libcurl", NULL, "no inputs and outputs http, https, s3; no ftp, sftp" };
#endif
#ifdef CCP_HAVE_PCRE2
	*list++ = (struct library){ "PCRE2", STRING(PCRE2_MAJOR) "." STRING(PCRE2_MINOR), "" };
#else
	*list++ = (struct library){ "PCRE2", NULL, "grep takes fixed strings only (-F)" };
#endif
#ifdef CCP_HAVE_VECTORSCAN
	*list++ = (struct library){ "vectorscan", STRING(HS_MAJOR) "." STRING(HS_MINOR) "." STRING(HS_PATCH), "" };
#else
	*list++ = (struct library){ "vectorscan", NULL, "grep for many strings at once is slower" };
#endif
#ifdef CCP_HAVE_OPENMP
	*list++ = (struct library){ "OpenMP", OPENMP_VERSION, "" };
#else
	*list++ = (struct library){ "OpenMP", NULL, "no strategy omp" };
#endif
	*list = (struct library){ .name = NULL };
}

static const char *reason(const char *(*probe)(void))
{
	return probe != NULL ? probe() : NULL;
}

static void stages_of(const struct ccp_strategy_ops *ops, char *text, size_t room)
{
	size_t len = 0;

	text[0] = '\0';
	for (unsigned stage = 0; stage < CCP_STAGES; stage++)
		if (ops->fits & CCP_STAGE_BIT(stage))
			len += (size_t)snprintf(text + len, room - len, "%s%s", len > 0 ? "," : "",
						ccp_stage_name((enum ccp_stage)stage));
}

static void print_strategies(void)
{
	printf("\nstrategies:\n  %-10s %-16s %s\n", "auto", "all",
	       "measures, and chooses one of these for each stage (default)");
	for (const struct ccp_strategy_ops *const *ops = ccp_strategies; *ops != NULL; ops++) {
		const char *why = reason((*ops)->probe), *note = why == NULL ? reason((*ops)->note) : NULL;
		char stages[64];

		stages_of(*ops, stages, sizeof stages);
		printf("  %-10s %-16s %s\n", (*ops)->name, stages, (*ops)->help);
		if (why != NULL)
			printf("  %-10s %-16s cannot run here: %s\n", "", "", why);
		if (note != NULL)
			printf("  %-10s %-16s %s\n", "", "", note);
	}
}

void ccp_info_entry(const char *name, const char *help, const char *why)
{
	printf("  %-10s %s\n", name, help);
	if (why != NULL)
		printf("  %-10s cannot run here: %s\n", "", why);
}

static void print_text(const struct ccp_host *host)
{
	struct library libraries[16];

	printf("ccpipe %s\n\n", CCP_VERSION);
	ccp_info_host_print(host);
	ccp_info_engines_print();
	print_strategies();
	printf("\ntransforms:\n");
	for (const struct ccp_transform_ops *const *ops = ccp_transforms; *ops != NULL; ops++)
		ccp_info_entry((*ops)->name, (*ops)->help, reason((*ops)->probe));
	printf("\nfolds:\n");
	for (const struct ccp_fold_ops *const *ops = ccp_folds; *ops != NULL; ops++)
		ccp_info_entry((*ops)->name, (*ops)->help, NULL);
	printf("\nsources:\n");
	for (const struct ccp_source_ops *const *ops = ccp_sources; *ops != NULL; ops++)
		ccp_info_entry((*ops)->name, (*ops)->help, reason((*ops)->probe));
	printf("\nsinks:\n");
	for (const struct ccp_sink_ops *const *ops = ccp_sinks; *ops != NULL; ops++)
		ccp_info_entry((*ops)->name, (*ops)->help, NULL);
	printf("\nlibraries:\n");
	list_libraries(libraries);
	for (const struct library *library = libraries; library->name != NULL; library++)
		printf("  %-10s %s%s%s\n", library->name, library->version != NULL ? library->version : "not built in",
		       library->loss[0] != '\0' ? ": " : "", library->loss);
}

void ccp_info_entry_json(const char *before, const char *name, const char *help, const char *why)
{
	printf("%s{\"name\":", before);
	ccp_text_json(stdout, name);
	printf(",\"help\":");
	ccp_text_json(stdout, help);
	printf(",\"runs\":%s", why == NULL ? "true" : "false");
	if (why != NULL) {
		printf(",\"reason\":");
		ccp_text_json(stdout, why);
	}
}

static void json_strategies(void)
{
	const char *before = "";

	printf("\"strategies\":[");
	for (const struct ccp_strategy_ops *const *ops = ccp_strategies; *ops != NULL; ops++, before = ",") {
		const char *note = reason((*ops)->probe) == NULL ? reason((*ops)->note) : NULL;
		const char *comma = "";

		ccp_info_entry_json(before, (*ops)->name, (*ops)->help, reason((*ops)->probe));
		printf(",\"stages\":[");
		for (unsigned stage = 0; stage < CCP_STAGES; stage++) {
			if (!((*ops)->fits & CCP_STAGE_BIT(stage)))
				continue;
			printf("%s\"%s\"", comma, ccp_stage_name((enum ccp_stage)stage));
			comma = ",";
		}
		putchar(']');
		if (note != NULL) {
			printf(",\"note\":");
			ccp_text_json(stdout, note);
		}
		putchar('}');
	}
	putchar(']');
}

static void print_json(const struct ccp_host *host)
{
	struct library libraries[16];
	const char *before = "";

	printf("{\"v\":1,\"version\":\"%s\",\"default_strategy\":\"auto\",", CCP_VERSION);
	ccp_info_host_json(host);
	putchar(',');
	ccp_info_engines_json();
	putchar(',');
	json_strategies();
	printf(",\"transforms\":[");
	for (const struct ccp_transform_ops *const *ops = ccp_transforms; *ops != NULL; ops++, before = "},")
		ccp_info_entry_json(before, (*ops)->name, (*ops)->help, reason((*ops)->probe));
	printf("%s],\"folds\":[", before[0] != '\0' ? "}" : "");
	before = "";
	for (const struct ccp_fold_ops *const *ops = ccp_folds; *ops != NULL; ops++, before = "},")
		ccp_info_entry_json(before, (*ops)->name, (*ops)->help, NULL);
	printf("%s],\"sources\":[", before[0] != '\0' ? "}" : "");
	before = "";
	for (const struct ccp_source_ops *const *ops = ccp_sources; *ops != NULL; ops++, before = "},")
		ccp_info_entry_json(before, (*ops)->name, (*ops)->help, reason((*ops)->probe));
	printf("%s],\"sinks\":[", before[0] != '\0' ? "}" : "");
	before = "";
	for (const struct ccp_sink_ops *const *ops = ccp_sinks; *ops != NULL; ops++, before = "},")
		ccp_info_entry_json(before, (*ops)->name, (*ops)->help, NULL);
	printf("%s],\"libraries\":{", before[0] != '\0' ? "}" : "");
	list_libraries(libraries);
	for (const struct library *library = libraries; library->name != NULL; library++)
		printf("%s\"%s\":%s%s%s", library == libraries ? "" : ",", library->name,
		       library->version != NULL ? "\"" : "", library->version != NULL ? library->version : "null",
		       library->version != NULL ? "\"" : "");
	printf("}}\n");
}

static int run(struct ccp_settings *s)
{
	struct ccp_host host;

	if (s->name_count > 0)
		return ccp_usage_error(s, "info takes no names");
	ccp_host_read(&host);
	if (s->json)
		print_json(&host);
	else
		print_text(&host);
	return CCP_EXIT_OK;
}

const struct ccp_command ccp_command_info = {
	.name = "info",
	.help = "show the CPUs, memory, strategies and libraries that there are",
	.operands = "",
	.bit = CCP_FOR_INFO,
	.run = run,
};
