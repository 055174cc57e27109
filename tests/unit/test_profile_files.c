/*
 * test_profile_files.c: the files of --profile: that the JSON and the trace of a profile made by hand hold what they
 * should, and that they are written whole, where they should, or not at all. Runs from the root of the source tree,
 * with jq and tests/tools/validate-json.
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cmd/profile.h"
#include "tests/unit/profile_help.h"

#define SCHEMA "testdata/schema/ccpipe.profile-1.schema.json"

static char folder[] = "/tmp/ccpipe-test-XXXXXX";

static void make_folder(void)
{
	cr_assert(mkdtemp(folder) != NULL);
}

static void remove_folder(void)
{
	char command[80];

	snprintf(command, sizeof command, "rm -rf %s", folder);
	cr_expect(system(command) == 0);
}

TestSuite(profile_files, .init = make_folder, .fini = remove_folder);

/* Exit status of a command; its output goes nowhere, or into the test's log if it fails. */
__attribute__((format(printf, 1, 2))) static int shell(const char *format, ...)
{
	char command[1200];
	va_list args;
	int status;

	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect_jq(const char *file, const char *filter)
{
	cr_expect(shell("jq -e '%s' %s/%s >/dev/null", filter, folder, file) == 0, "%s: %s", file, filter);
}

static void write_file(const char *name, const struct ccp_profile *profile,
		       int (*write_report)(FILE *, const struct ccp_profile *))
{
	char path[100];
	FILE *out;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	out = fopen(path, "w");
	cr_assert(out != NULL);
	cr_expect(write_report(out, profile) == 0);
	fclose(out);
}

Test(profile_files, json)
{
	struct ccp_profile *profile = profile_make();

	write_file("p.json", profile, ccp_profile_write_json);
	expect_jq("p.json", ".schema == \"ccpipe.profile/1\" and .run.wall_s == 3.41 and .run.chunks == 4096");
	expect_jq("p.json", ".run.psi == {cpu_some_s: 0.1, io_some_s: null, mem_some_s: 0}");
	expect_jq("p.json", ".host.cpu_model == \"a \\\"CPU\\\"\" and .host.cpu_quota == null");
	expect_jq("p.json", ".stages | map(.name) == [\"read\", \"work\", \"write\"]");
	expect_jq("p.json", ".stages[1] | .class == \"cpu\" and .degree.final == 2 and .service_s.p50 == 0.000302");
	expect_jq("p.json", ".workers | length == 4 and (.[0].time_s | add) == 2.8 and .[3].pid == 2147480000");
	expect_jq("p.json", ".ticks == [[0,0,0,5,0,2,2,2],[1,300000000,60000000,5,1.9,2,2,2],"
			    "[2,600000000,120000000,5,3.8,2,2,2]]");
	expect_jq("p.json", ".auto | .mode == \"auto\" and .decision.plan == \"omp x2\" and .probe.stop == \"time\"");
	expect_jq("p.json", ".auto.facts.can == [\"serial\", \"omp\", \"threads\", \"async\"]");
	expect_jq("p.json", ".auto.reasons[1] | .code == \"CPUS\" and .stage == \"work\" and .threshold == null");
	expect_jq("p.json", ".auto.alternatives == [{plan: \"threads x2\", predicted_s: 3.37},"
			    "{plan: \"serial\", predicted_s: 6.6}]");
	expect_jq("p.json", ".auto.changes | map(.kept) == [false, null] and .[0].stages == [\"read\"]");
	expect_jq("p.json", ".limit | .resource == \"cpu\" and .bottleneck == \"work\" and .ceiling_Bps == 3.05e8");
	profile_free(profile);
}

/* What cannot be told is null; nothing that is no JSON is ever printed. */
Test(profile_files, json_without_numbers)
{
	struct ccp_profile *profile = profile_make();

	for (int i = 0; i < CCP_STAGES; i++) {
		profile->stage[i].share = -1;
		profile->stage[i].p50_ns = profile->stage[i].rate_alone = (double)INFINITY;
		profile->stage[i].utilisation = profile->stage[i].time.cpu = (double)NAN;
		profile->stage[i].class = CCP_CLASS_NONE;
	}
	profile->external_load = (double)NAN;
	profile->decision.predicted_ns = profile->decision.rejected[0].predicted_ns = (double)NAN;
	profile->decision.reason[0].value = (double)INFINITY;
	write_file("p.json", profile, ccp_profile_write_json);
	expect_jq("p.json", ".stages[0] | .cpu_share == null and .utilisation == null and .service_s.p50 == null");
	expect_jq("p.json", ".run.external_load_cpus == null and .auto.reasons[0].value == null");
	cr_expect(shell("grep -qiE \":-?(nan|inf)\" %s/p.json", folder) == 1);
	profile->automatic = profile->decided = false;
	write_file("p.json", profile, ccp_profile_write_json);
	expect_jq("p.json", ".auto | .mode == \"fixed\" and .facts == null and .decision == null and .reasons == []");
	profile_free(profile);
}

static int validate(const char *file)
{
	return shell("tests/tools/validate-json " SCHEMA " %s/%s", folder, file);
}

Test(profile_files, json_schema)
{
	struct ccp_profile *profile = profile_make(), *empty = calloc(1, sizeof *empty);

	write_file("p.json", profile, ccp_profile_write_json);
	if (validate("p.json") == 77)
		cr_skip_test("no Python module jsonschema");
	cr_expect(validate("p.json") == 0);
	write_file("empty.json", empty, ccp_profile_write_json);
	cr_expect(validate("empty.json") == 0);
	/* the validator can say no */
	cr_expect(shell("jq '.stages[0].class = \"other\"' %s/p.json >%s/bad.json", folder, folder) == 0);
	cr_expect(validate("bad.json >/dev/null") == 1);
	cr_expect(shell("jq '.more = 1' %s/p.json >%s/bad.json", folder, folder) == 0);
	cr_expect(validate("bad.json >/dev/null") == 1);
	free(empty);
	profile_free(profile);
}

/* Whatever can be said, the schema knows. */
Test(profile_files, schema_knows_all_names)
{
	for (int i = 0; i < CCP_WHYS; i++)
		cr_expect(shell("jq -e '.\"$defs\".reason.properties.code.enum | index(\"%s\")' " SCHEMA " >/dev/null",
				ccp_reason_name((enum ccp_reason_code)i)) == 0,
			  "%s", ccp_reason_name((enum ccp_reason_code)i));
	for (int i = 0; i < CCP_CLASSES; i++)
		cr_expect(shell("jq -e '.\"$defs\".class.enum | index(\"%s\")' " SCHEMA " >/dev/null",
				ccp_class_name((enum ccp_class)i)) == 0, "%s", ccp_class_name((enum ccp_class)i));
	for (int i = CCP_LIMIT_NONE; i <= CCP_LIMIT_MEMORY; i++)
		cr_expect(shell("jq -e '.properties.limit.properties.resource.enum | index(\"%s\")' " SCHEMA
				" >/dev/null", ccp_limit_name((enum ccp_limit)i)) == 0,
			  "%s", ccp_limit_name((enum ccp_limit)i));
}

Test(profile_files, trace)
{
	struct ccp_profile *profile = profile_make();

	write_file("t.json", profile, ccp_profile_write_trace);
	expect_jq("t.json", ".traceEvents | all(has(\"ph\") and has(\"pid\") and has(\"tid\") and has(\"name\"))");
	expect_jq("t.json", "[.traceEvents[]|select(.ph != \"M\")] | all(.ts >= 0)");
	expect_jq("t.json", "[.traceEvents[]|select(.ph == \"X\")] | length == 70 and all(.dur >= 0)");
	expect_jq("t.json", "[.traceEvents[]|select(.ph == \"X\" and .name == \"work\" and .args.chunk == 0)]"
			    " | length == 1 and .[0].ts == 150 and .[0].dur == 302.1 and .[0].args.bytes == 262144");
	cr_expect(shell("grep -qF '\"ts\":150.000,\"dur\":302.100,' %s/t.json", folder) == 0);
	/* what began before the run */
	expect_jq("t.json", "[.traceEvents[]|select(.name == \"hub\")] | length == 1"
			    " and .[0].ts == 0 and .[0].dur == 5");
	expect_jq("t.json", "[.traceEvents[]|select(.cat == \"wait\")] | length == 1 and .[0].name == \"wait_in\"");
	/* operations that overlap: pairs with ids of their own */
	expect_jq("t.json", "[.traceEvents[]|select(.ph == \"b\") | .id] as $b"
			    " | [.traceEvents[]|select(.ph == \"e\") | .id] as $e"
			    " | ($b | length) == 2 and ($b | unique | length) == 2 and $b == $e");
	expect_jq("t.json", "[.traceEvents[]|select(.ph == \"b\" or .ph == \"e\")] | group_by(.id)"
			    " | all(.[0].ph == \"b\" and .[1].ph == \"e\" and .[1].ts >= .[0].ts"
			    " and .[0].cat == .[1].cat)");
	/* one arrow: chunk 0 from its work to its write, which another worker did */
	expect_jq("t.json", "[.traceEvents[]|select(.ph == \"s\" or .ph == \"f\")] | length == 2"
			    " and .[0].id == .[1].id and .[0].tid == 1"
			    " and .[1].tid == 2 and .[1].ts == 500 and .[1].bp == \"e\"");
	/* no two workers on one track, and each has its name */
	expect_jq("t.json", "[.traceEvents[]|select(.name == \"thread_name\") | .tid] | length == 5"
			    " and length == (unique | length)");
	expect_jq("t.json", "[.traceEvents[]|select(.name == \"process_name\") | .pid]"
			    " | length == 2 and .[1] == 2147480000");
	/* counters: 3 of the degree, 2 of what needs two ticks */
	expect_jq("t.json", "[.traceEvents[]|select(.ph == \"C\" and .name == \"degree\") | .args]"
			    " == [range(3) | {read: 2, work: 2, write: 2}]");
	expect_jq("t.json", "[.traceEvents[]|select(.ph == \"C\" and (.name|startswith(\"throughput\")))]"
			    " | map(.args.in) == [300, 300]");
	expect_jq("t.json", "[.traceEvents[]|select(.ph == \"i\")] | length == 3 and .[0].name == \"auto: omp x2\""
			    " and .[0].ts == 5100 and .[1].name == \"read: threads x2 -> threads x4 (undone)\"");
	expect_jq("t.json", ".otherData.dropped_spans == 6 and .displayTimeUnit == \"ms\"");
	profile_free(profile);
}

Test(profile_files, trace_of_nothing)
{
	struct ccp_profile *empty = calloc(1, sizeof *empty);

	write_file("t.json", empty, ccp_profile_write_trace);
	expect_jq("t.json", "[.traceEvents[]|select(.ph != \"M\")] == []");
	free(empty);
}

/* Standard error from now on. */
static void catch_stderr(void)
{
	char path[100];

	snprintf(path, sizeof path, "%s/stderr", folder);
	cr_assert(freopen(path, "w", stderr) != NULL);
	setvbuf(stderr, NULL, _IONBF, 0);
}

Test(profile_files, files)
{
	struct ccp_profile *profile = profile_make();
	struct ccp_profile_request request = { 0 };
	char text[300], why[200];

	snprintf(text, sizeof text, "json:%s/p.json,trace:%s/t.json", folder, folder);
	cr_assert(ccp_profile_parse(&request, text, why, sizeof why) == 0);
	catch_stderr();
	umask(027);
	cr_expect(shell("cd %s && echo old >real && ln -s real p.json && chmod 644 real", folder) == 0);
	cr_expect(ccp_profile_report(profile, &request, 0, "ccpipe") == 0);
	cr_expect(ccp_profile_report(profile, &request, 1, "ccpipe") == 0);
	cr_expect(shell("test ! -s %s/stderr", folder) == 0, "files alone print nothing");
	expect_jq("real", ".schema == \"ccpipe.profile/1\"");
	expect_jq("p.json.2", ".schema == \"ccpipe.profile/1\"");
	expect_jq("t.json.2", ".traceEvents != []");
	cr_expect(shell("cd %s && test -L p.json && test \"$(stat -c %%a t.json)\" = 640", folder) == 0);
	cr_expect(shell("test \"$(ls -A %s | tr '\\n' ' ')\" = 'p.json p.json.2 real stderr t.json t.json.2 '",
			folder) == 0, "something is left");
	ccp_profile_request_release(&request);
	profile_free(profile);
}

Test(profile_files, files_that_cannot_be_written)
{
	struct ccp_profile *profile = profile_make();
	struct ccp_profile_request request = { 0 };
	char text[300], why[200];

	/* the second is written although the first is not */
	snprintf(text, sizeof text, "short,json:%s/none/p.json,trace:%s/t.json", folder, folder);
	cr_assert(ccp_profile_parse(&request, text, why, sizeof why) == 0);
	catch_stderr();
	cr_expect(ccp_profile_report(profile, &request, 0, "ccpipe") == -1);
	cr_expect(shell("grep -q '^limit' %s/stderr", folder) == 0);
	cr_expect(shell("grep -q '^ccpipe: --profile: %s/none/p.json: No such file or directory$' %s/stderr", folder,
			folder) == 0);
	expect_jq("t.json", ".traceEvents != []");
	ccp_profile_request_release(&request);

	/* a disk that is full is noticed, a device is not replaced, a folder is refused */
	cr_assert(ccp_profile_parse(&request, "json:/dev/full", why, sizeof why) == 0);
	cr_expect(ccp_profile_report(profile, &request, 0, "ccpipe") == -1);
	cr_expect(shell("test -c /dev/full && grep -q '/dev/full: No space left' %s/stderr", folder) == 0);
	ccp_profile_request_release(&request);
	snprintf(text, sizeof text, "json:%s", folder);
	cr_assert(ccp_profile_parse(&request, text, why, sizeof why) == 0);
	cr_expect(ccp_profile_report(profile, &request, 0, "ccpipe") == -1);
	cr_expect(shell("grep -q ': Is a directory' %s/stderr", folder) == 0);
	ccp_profile_request_release(&request);
	profile_free(profile);
}
