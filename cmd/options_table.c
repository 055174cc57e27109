/*
 * options_table.c: all options, and what each of them does.
 *
 * A row says how an option is spelt, for which commands, and what it does: set a field, keep the argument, or
 * call a function. The order of the rows is the order of --help, and for the GNU persona that of GNU gzip's own table,
 * so that the message about an ambiguous abbreviation lists the same names.
 */
#include "cmd/options_internal.h"

#include "pipeline/sink.h"

/* Who knows an option. */
#define GZ CCP_FOR_GZIP
#define GU (CCP_FOR_GZIP | CCP_FOR_GUNZIP)
#define GNU CCP_FOR_GNU
#define CODEC (GU | GNU)
#define SUM CCP_FOR_SUM
#define PERSONA CCP_FOR_SUM_PERSONA
#define B2SUM CCP_FOR_B2SUM
#define CKSUM CCP_FOR_CKSUM
#define SUMS (SUM | PERSONA)
#define TAR CCP_FOR_TAR
#define INPUTS (GU | CCP_FOR_CAT | CCP_FOR_TEST | CCP_FOR_LIST | SUM)
#define DATA (INPUTS | TAR)
#define NET DATA
#define OUT (GU | CCP_FOR_CAT)
#define COMPARE CCP_FOR_COMPARE
#define INDEX CCP_FOR_INDEX
#define ALL (DATA | CCP_FOR_INFO | COMPARE | INDEX | GNU)

#define FIELD(name) offsetof(struct ccp_settings, name)
#define HEADING(who, title) { .commands = (who), .kind = CCP_OPTION_HEADING, .help = (title) }
#define ON(who, brief, name, field, value, help) \
	{ (who), brief, name, NULL, CCP_OPTION_SET, FIELD(field), value, NULL, help }
#define TEXT(who, brief, name, argument, field, help) \
	{ (who), brief, name, argument, CCP_OPTION_TEXT, FIELD(field), 0, NULL, help }
#define CALL(who, brief, name, value, function, help) \
	{ (who), brief, name, NULL, CCP_OPTION_CALL, 0, value, function, help }
#define ARG(who, brief, name, argument, field, function, help) \
	{ (who), brief, name, argument, CCP_OPTION_CALL, FIELD(field), brief, function, help }
#define LEVEL(who, digit) CALL(who, '0' + (digit), NULL, digit, ccp_option_digit, NULL)

const struct ccp_option ccp_options[] = {
	HEADING(DATA & ~GNU, "What is done"),
	{ .commands = GNU, .brief = 'a', .name = "ascii", .kind = CCP_OPTION_NOTHING },
	ON(CODEC, 0, "to-stdout", to_stdout, 1, NULL),
	ON(CODEC, 'c', "stdout", to_stdout, 1, "write on standard output, keep original files unchanged"),
	ON(CODEC, 'd', "decompress", decompress, 1, "decompress"),
	ON(CODEC, 0, "uncompress", decompress, 1, NULL),
	ON(CODEC, 'f', "force", force, 1, "force overwrite of output file and compress links"),
	ON(INDEX, 'f', "force", force, 1, "replace an index that is there"),
	CALL(TAR, 'c', "create", 'c', ccp_option_tar_mode, "write an archive of FILEs and what is in directories"),
	CALL(TAR, 't', "list", 't', ccp_option_tar_mode, "list what is in an archive"),
	CALL(TAR, 'x', "extract", 'x', ccp_option_tar_mode, "unpack an archive"),
	TEXT(TAR, 'f', "file", "ARCHIVE", tar.file, "the archive; - or nothing is standard output or input"),
	ARG(TAR, 'C', "directory", "DIR", act, ccp_option_tar_dir, "take FILEs from DIR, or unpack there"),
	ON(TAR, 'z', "gzip", tar.gzip, 1, "compress with gzip whatever the archive is called"),
	{ TAR, 'a', "auto-compress", NULL, CCP_OPTION_NOTHING, 0, 0, NULL,
	  "compress if the name of the archive says so (always so)" },
	ON(TAR, 0, "overwrite", tar.overwrite, 1, "replace what exists: the archive or, with -x, members"),
	ARG(TAR, 0, "sort", "name", act, ccp_option_tar_sort, "order in directories: by name (always so)"),
	ARG(TAR, 0, "mtime", "TIME", act, ccp_option_tar_mtime, "-c: a time for all members: @SECONDS, a date, ./FILE"),
	{ TAR, 0, "owner", "NAME:ID", CCP_OPTION_CALL, 0, 'o', ccp_option_tar_owner, "-c: an owner for all members" },
	{ TAR, 0, "group", "NAME:ID", CCP_OPTION_CALL, 0, 'g', ccp_option_tar_owner, "-c: a group for all members" },
	ON(TAR, 0, "numeric-owner", tar.numeric_owner, 1, "-c: store no names of users and groups"),
	ON(TAR, 'm', "touch", tar.drop_mtime, 1, "-x: do not restore times"),
	ARG(TAR, 0, "max-size", "SIZE", act, ccp_option_tar_size,
	    "-x: unpack at most SIZE; without it more than 1 GiB only if it is less than 1000:1"),
	ON(TAR, 0, "devices", tar.devices, 1, "-x: make devices and FIFOs, too"),
	ON(TAR, 0, "keep-setid", tar.keep_setid, 1, "-x: keep set-user-ID, set-group-ID and sticky bits"),
	ON(TAR, 0, "same-owner", tar.same_owner, 1, "-x: restore owners, as root"),
	ON(ALL, 'h', "help", act, CCP_ACT_HELP, "give this help"),
	ON(GNU, 'H', NULL, act, CCP_ACT_HELP, NULL),
	ON(GNU, 'k', "keep", keep, 1, "keep (don't delete) input files"),
	ON(GU, 'k', "keep", keep, 1, "keep input files (the default)"),
	CALL(CODEC, 'l', "list", 0, ccp_option_list, "list compressed file contents"),
	ON(GNU, 'L', "license", act, CCP_ACT_LICENSE, "display software license"),
	ON(GNU, 'm', NULL, drop_time, 1, NULL),
	ON(GNU, 'M', NULL, drop_time, 0, NULL),
	CALL(CODEC, 'n', "no-name", 1, ccp_option_no_name, "do not save or restore the original name and timestamp"),
	CALL(CODEC | CCP_FOR_LIST, 'N', "name", 0, ccp_option_no_name,
	    "save or restore the original name and timestamp"),
	ON(GNU, 0, "-presume-input-tty", presume_tty, 1, NULL),
	CALL(ALL, 'q', "quiet", 0, ccp_option_quiet, "suppress all warnings"),
	CALL(CODEC, 0, "silent", 0, ccp_option_quiet, NULL),
	ON(INPUTS | GNU, 'r', "recursive", recursive, 1, "operate recursively on directories"),
	ON(GNU, 0, "synchronous", fsync, CCP_FSYNC_ALWAYS,
	   "synchronous output (safer if system crashes, but slower)"),
	TEXT(CODEC | CCP_FOR_LIST, 'S', "suffix", "SUF", suffix, "use suffix SUF on compressed files"),
	CALL(CODEC, 't', "test", 0, ccp_option_test, "test compressed file integrity"),
	CALL(ALL & ~INDEX, 'v', "verbose", 0, ccp_option_verbose, "verbose mode"),
	ON(ALL, 'V', "version", act, CCP_ACT_VERSION, "display version number"),
	CALL(GZ | GNU | TAR, '1', "fast", 1, ccp_option_digit, "compress faster"),
	CALL(GZ | GNU | TAR, '9', "best", 9, ccp_option_digit, "compress better"),
	LEVEL(GZ | TAR, 0),
	LEVEL(GZ | GNU | TAR, 2),
	LEVEL(GZ | GNU | TAR, 3),
	LEVEL(GZ | GNU | TAR, 4),
	LEVEL(GZ | GNU | TAR, 5),
	LEVEL(GZ | GNU | TAR, 6),
	LEVEL(GZ | GNU | TAR, 7),
	LEVEL(GZ | GNU | TAR, 8),
	CALL(GNU, 'Z', "lzw", 'Z', ccp_option_refuse, NULL),
	ARG(GNU, 'b', "bits", "BITS", act, ccp_option_refuse, NULL),
	ON(GNU, 0, "rsyncable", rsyncable, 1, NULL),
	ARG(GZ | TAR, 0, "level", "N", level, ccp_option_level,
	    "level 1 (fastest) to 12 (smallest); -1 to -12 are the same"),
	ON(GZ, 0, "members", members, 1, "make every chunk a gzip member of its own"),
	ON(GZ, 0, "rsyncable", rsyncable, 1, "let a small change of an input change little of the output"),
	ON(GZ, 0, "bgzf", bgzf, 1, "write blocked gzip, as bgzip does and samtools and tabix read it"),
	ON(GZ, 0, "index", index, 1, "write the index for random access to FILE.gz.gzi"),

	/* for personas in the order of coreutils, whose messages list them */
	ARG(SUM, 'a', "algorithm", "LIST", act, ccp_option_algorithm,
	    "algorithms, with commas between (default sha256)"),
	ON(SUM | CCP_FOR_HASHSUM | B2SUM, 'b', "binary", sum.binary, 1, "mark names with * instead of a blank"),
	ON(SUMS, 'c', "check", sum.check, 1, "read checksums from the FILEs and check them"),
	ARG(SUM | B2SUM | CKSUM, 'l', "length", "BITS", act, ccp_option_length,
	    "length of a BLAKE2b digest in bits, a multiple of 8"),
	CALL(SUMS, 0, "tag", 1, ccp_option_tag, "write lines in BSD style, with the algorithm"),
	ON(SUM | CCP_FOR_HASHSUM | B2SUM, 't', "text", sum.binary, 0, "names with a blank before them (default)"),
	CALL(CKSUM, 0, "untagged", 0, ccp_option_tag, "write lines without the algorithm"),
	ON(SUMS, 'z', "zero", sum.zero, 1, "end lines with NUL, not newline, and escape no names"),
	ARG(CKSUM, 'a', "algorithm", "TYPE", act, ccp_option_algorithm, "the algorithm"),
	ON(SUM, 0, "json", json, 1, "write a JSON object for each input, one a line"),
	{ .commands = CKSUM, .name = "debug", .kind = CCP_OPTION_NOTHING },
	CALL(CKSUM, 'b', NULL, 0, ccp_option_hint, NULL),
	CALL(CKSUM, 't', NULL, 0, ccp_option_hint, NULL),
	ON(SUMS, 0, "ignore-missing", sum.ignore_missing, 1, "with --check: pass over files that are not there"),
	CALL(PERSONA, 0, "quiet", 'q', ccp_option_check_words, "with --check: print no OK"),
	CALL(SUMS, 0, "status", 's', ccp_option_check_words, "with --check: print nothing, the status tells"),
	CALL(SUMS, 'w', "warn", 'w', ccp_option_check_words, "with --check: tell of each line that is no checksum"),
	ON(SUMS, 0, "strict", sum.strict, 1, "with --check: such lines make the status 1"),
	ON(PERSONA, 0, "help", act, CCP_ACT_HELP, "display this help and exit"),
	ON(PERSONA, 0, "version", act, CCP_ACT_VERSION, "output version information and exit"),
	TEXT(PERSONA, 'j', "jobs", "N", plan.jobs, NULL),
	TEXT(PERSONA, 0, "strategy", "S", plan.strategy, NULL),

	HEADING(DATA, "Input and output"),
	TEXT(OUT | TAR, 'o', "output", "FILE", output, "write everything to FILE, or to a URL"),
	TEXT(GU, 0, "output-dir", "DIR", output_dir, "write below DIR, with the folders of the inputs; or a URL"),
	TEXT(GU, 0, "into", "FILE.tar", into, "write all outputs as members of a tar archive; - is standard output"),
	ON(INPUTS, 0, "archive", archive, 1, "take the members of archives (tar, zip, 7z, cpio, iso) as inputs"),
	ON(GU, 0, "rm", remove, 1, "remove each source once its output is verified, synced and in place"),
	ON(GU & ~GZ, 0, "salvage", salvage, 1, "of damaged files keep what comes before the damage; the status is 1"),
	ARG(OUT & ~GZ, 0, "range", "OFF:LEN", act, ccp_option_range,
	    "write only LEN decoded bytes of each file, from OFF; without LEN to its end"),
	ARG(OUT & ~GZ, 0, "lines", "A:B", act, ccp_option_lines,
	    "write only the lines A to B of each file; A: is to its end, A one line"),
	ON(GZ, 0, "verify", verify, 1, "decode what was compressed and compare, before it is written"),
	ARG(GZ, 0, "sum", "ALG,...", act, ccp_option_sum,
	    "print digests of what is read and of what is written, as ccpipe sum has them"),
	ARG(OUT | TAR, 0, "fsync", "WHEN", fsync, ccp_option_fsync, "sync outputs: auto (with --rm), always, never"),
	ARG(INPUTS, 0, "include", "GLOB", include, ccp_option_glob,
	    "with -r: only files whose name, or path if there is a slash in GLOB, matches; repeatable"),
	ARG(INPUTS, 0, "exclude", "GLOB", exclude, ccp_option_glob,
	    "with -r: no files and directories that match; repeatable"),
	ARG(INPUTS, 0, "max-depth", "N", max_depth, ccp_option_depth,
	    "with -r: enter N levels of directories, those that are named being the first"),
	ARG(TAR, 0, "include", "GLOB", include, ccp_option_glob,
	    "-c: of files in directories only those that match, as gzip -r has it; repeatable"),
	ARG(TAR, 0, "exclude", "GLOB", exclude, ccp_option_glob,
	    "-c: of what is in directories nothing that matches; repeatable"),
	TEXT(TAR, 'T', "files-from", "FILE", files_from, "-c: more names from FILE, one a line; - is standard input"),
	TEXT(INPUTS, 0, "files-from", "FILE", files_from, "read more names from FILE, one a line; - is standard input"),
	ON(INPUTS & ~GZ, '0', "null", nul_separated, 1, "names in --files-from end in a NUL byte"),
	ON(GZ | TAR, 0, "null", nul_separated, 1, "names in --files-from end in a NUL byte (also -0)"),

	HEADING(DATA, "Concurrency and memory"),
	TEXT(DATA, 'j', "jobs", "N", plan.jobs, "use N CPUs: a number, N%, -N (all but N), auto (default)"),
	TEXT(DATA, 0, "strategy", "S", plan.strategy,
	     "how work is run: auto (default), a strategy of ccpipe info, or read=S,work=S,write=S"),
	ARG(DATA, 0, "readers", "N", plan.readers, ccp_option_count, "workers that read"),
	ARG(DATA, 0, "writers", "N", plan.writers, ccp_option_count, "workers that write"),
	ARG(DATA, 0, "chunk", "SIZE", chunk_bytes, ccp_option_chunk,
	    "cut inputs at multiples of SIZE; changes gzip's output"),
	ARG(GZ, 'b', "blocksize", "N", chunk_bytes, ccp_option_blocksize, "the same, and a plain number N is in KiB"),
	TEXT(DATA, 0, "max-mem", "M", plan.max_mem, "hold at most M in buffers: SIZE (K, M, G) or N% of memory"),
	ARG(DATA, 0, "window", "N", window, ccp_option_count, "chunks under way at the same time"),

	ON(DATA, 0, "isolate", isolate, 1, "run the work in processes of its own, so that a crash costs one chunk"),
	TEXT(DATA, 0, "plan", "FILE", plan.plan_file, "run a plan that --save-plan wrote"),
	TEXT(DATA, 0, "save-plan", "FILE", save_plan, "write the plan that the run ended with to FILE"),
	ON(DATA, 0, "explain", explain, 1, "measure a few chunks, print the plan and its reasons, and stop"),
	ARG(DATA, 0, "dry-run", "plan", explain, ccp_option_dry_run, NULL),

	HEADING(NET,
		"Network (names like http:// https:// ftp:// sftp:// s3:// tcp:// unix: tcp-listen:)"),
	ARG(NET, 0, "depth", "N", act, ccp_option_net_depth,
	    "transfers that run ahead of their turn (default: learned)"),
	ARG(NET, 0, "per-host", "N", act, ccp_option_net_per_host,
	    "of these, from one host and port (default: learned, at most 64)"),
	ARG(NET, 0, "retries", "N", act, ccp_option_net_retries,
	    "tries after the first, for what may pass (default 3)"),
	ARG(NET, 0, "connect-timeout", "S", act, ccp_option_net_connect,
	    "seconds until a connection must stand (default 30)"),
	ARG(NET, 0, "stall-timeout", "S", act, ccp_option_net_stall,
	    "seconds without a byte (default 60; of tcp: and unix: no limit)"),
	ARG(NET, 0, "limit-rate", "SIZE", act, ccp_option_net_rate, "bytes a second, of all transfers together"),
	ARG(NET, 0, "connections", "N", act, ccp_option_net_ranges,
	    "connections for parts of one large object (default: up to 8)"),
	ON(NET & ~TAR, 0, "unordered", unordered, 1, "take inputs as they arrive, not in the order of their names"),
	CALL(NET, 0, "netrc", 0, ccp_option_net_netrc, "take names and passwords from ~/.netrc"),
	TEXT(NET, 0, "cacert", "FILE", fetch.cacert, "trust the certificates in FILE, and not the system's"),
	TEXT(NET, 0, "s3-endpoint", "URL", fetch.s3_endpoint,
	     "the server for s3: (default: $AWS_ENDPOINT_URL, or AWS)"),
	TEXT(NET, 0, "s3-region", "NAME", fetch.s3_region, "its region (default: $AWS_REGION, or us-east-1)"),

	HEADING(DATA, "Reporting"),
	{ DATA, 0, "profile", "KIND", CCP_OPTION_MAYBE, 0, 0, ccp_option_profile,
	  "where time went: a table, or short, json:FILE, trace:FILE, html:FILE" },
	ARG(DATA, 0, "progress", "KIND", progress, ccp_option_progress,
	    "auto (a line on a terminal), plain, json, none"),
	ON(CCP_FOR_INFO, 0, "json", json, 1, "print JSON"),

	HEADING(COMPARE, "What is compared"),
	TEXT(COMPARE, 0, "strategies", "LIST", strategies,
	     "these, with commas between, instead of all; read=S+work=S is one"),
	TEXT(COMPARE, 0, "strategy", "LIST", strategies, NULL),
	TEXT(COMPARE, 'j', "jobs", "LIST", jobs_list,
	     "numbers of workers, with commas between; auto (default) = the usable CPUs"),
	ARG(COMPARE, 'r', "rounds", "N", rounds, ccp_option_count,
	    "rounds (default 5); while others use the CPUs, up to as many again"),
	ARG(COMPARE, 0, "warmup", "N", warmup, ccp_option_count, "rounds before that, not counted (default 1)"),
	ON(COMPARE, 0, "cold", cold, 1, "drop the named files from the page cache before each run"),
	ARG(COMPARE, 0, "export", "KIND:F", exports, ccp_option_export,
	    "write the result to F as json, md, csv or html; repeatable"),

	/* for tests; never abbreviated */
	TEXT(DATA, 0, "fault", "F", fault, NULL),
	ARG(DATA, 0, "swap-ms", "N", swap_ms, ccp_option_count, NULL),
	ARG(DATA, 0, "inject", "W", act, ccp_option_inject, NULL),
	{ .commands = 0 },
};
