/*
 * test_facts.c: what is known before data is read: file systems, the page cache, control groups in trees of files made
 * for the test, pressure, load.
 */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "pipeline/auto/facts.h"
#include "pipeline/host_internal.h"
#include "pipeline/plan.h"
#include "pipeline/pressure.h"

#define TMPFS 0x01021994
#define FILE_BYTES (4u << 20)

static char root[PATH_MAX];

static void enter(void)
{
	snprintf(root, sizeof root, "%s/ccpipe-facts.XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	cr_assert_not_null(mkdtemp(root));
}

static void leave(void)
{
	char command[PATH_MAX + 32];

	snprintf(command, sizeof command, "rm -rf '%s'", root);
	cr_expect_eq(system(command), 0);
}

TestSuite(facts, .init = enter, .fini = leave);
TestSuite(host, .init = enter, .fini = leave);
TestSuite(pressure, .init = enter, .fini = leave);

/* Path of a file below the test's folder, whose folders are made. Valid until the next call. */
static const char *at(const char *name)
{
	static char path[2 * PATH_MAX];

	snprintf(path, sizeof path, "%s/%s", root, name);
	for (char *slash = path + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		cr_assert(mkdir(path, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
	return path;
}

static void put(const char *name, const char *text)
{
	FILE *out = fopen(at(name), "w");

	cr_assert_not_null(out, "%s", name);
	cr_assert_geq(fputs(text, out), 0);
	cr_assert_eq(fclose(out), 0);
}

static const char *write_bytes(const char *path, size_t bytes)
{
	static char block[65536];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	cr_assert_geq(fd, 0);
	memset(block, 'x', sizeof block);
	for (size_t done = 0; done < bytes; done += sizeof block)
		cr_assert_eq(write(fd, block, sizeof block), (ssize_t)sizeof block);
	cr_assert_eq(fsync(fd), 0);
	close(fd);
	return path;
}

static struct ccp_facts look(const char *path)
{
	struct ccp_facts facts = { .cpus = 7, .stream = true, .fs = CCP_FS_MEMORY, .cached = 0.5 };

	ccp_facts_look(&facts, path);
	cr_expect_eq(facts.cpus, 7, "only the three facts of the input are touched");
	return facts;
}

static void drop(const char *path)
{
	int fd = open(path, O_RDONLY);

	cr_assert_geq(fd, 0);
	cr_assert_eq(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	close(fd);
}

Test(facts, memory)
{
	char path[] = "/dev/shm/ccpipe-facts.XXXXXX";
	struct statfs info;
	int fd;

	if (statfs("/dev/shm", &info) != 0 || info.f_type != TMPFS || (fd = mkstemp(path)) < 0)
		cr_skip_test("/dev/shm is no tmpfs, or read-only");
	cr_assert_eq(write(fd, "x", 1), 1);
	close(fd);
	struct ccp_facts facts = look(path);
	unlink(path);
	cr_expect_not(facts.stream);
	cr_expect_eq(facts.fs, CCP_FS_MEMORY);
	cr_expect_eq(facts.cached, 1.0);
}

Test(facts, just_written_is_cached)
{
	struct ccp_facts facts = look(write_bytes(at("file"), FILE_BYTES));

	cr_expect_not(facts.stream);
	cr_expect(facts.cached == -1 || facts.cached > 0.9, "%f", facts.cached);
	cr_expect(facts.cached <= 1);
}

Test(facts, dropped_is_not_cached)
{
	const char *path = write_bytes(at("file"), FILE_BYTES);
	struct ccp_facts facts = look(path);

	if (facts.fs == CCP_FS_MEMORY || facts.cached < 0)
		cr_skip_test("the file system keeps all files in memory, or does not tell");
	drop(path);
	facts = look(path);
	if (facts.cached > 0.9)
		cr_skip_test("the file system ignores POSIX_FADV_DONTNEED");
	cr_expect(facts.cached >= 0 && facts.cached < 0.5, "%f", facts.cached);
}

/* What has been asked about is not counted as cached because of that. */
Test(facts, looking_leaves_the_file_cold)
{
	const char *path = write_bytes(at("file"), FILE_BYTES), *limit;

	drop(path);
	struct ccp_facts first = look(path), second = look(path);
	if (!ccp_cachestat_works(&limit) || first.fs == CCP_FS_MEMORY || first.cached < 0 || first.cached > 0.5)
		cr_skip_test("cachestat is not to be had, or the file cannot be dropped");
	cr_expect_eq(first.cached, second.cached);
}

/* Counted in windows that are spread over the file. */
Test(facts, large_file)
{
	const uint64_t bytes = UINT64_C(256) << 20;
	const char *path = write_bytes(at("file"), FILE_BYTES), *limit;

	cr_assert_eq(truncate(path, (off_t)bytes), 0);
	struct ccp_facts facts = look(path);
	if (!ccp_cachestat_works(&limit) || facts.fs != CCP_FS_LOCAL || facts.cached < 0)
		cr_skip_test("cachestat is not to be had here");
	/* the first of 16 windows is in memory, the rest is a hole that nobody has read */
	cr_expect(facts.cached > 0.01 && facts.cached < 0.1, "%f", facts.cached);
}

Test(facts, small_and_empty)
{
	put("one", "x");
	put("empty", "");
	struct ccp_facts facts = look(at("one"));
	cr_expect(facts.cached == 1 || facts.cached == -1, "%f", facts.cached);
	facts = look(at("empty"));
	cr_expect(facts.cached == -1 || facts.fs == CCP_FS_MEMORY);
	cr_expect_not(facts.stream);
}

Test(facts, streams, .timeout = 30)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	cr_assert_eq(mkfifo(at("fifo"), 0644), 0);
	struct ccp_facts facts = look(at("fifo")); /* nobody writes to it: opening it would wait for ever */
	cr_expect(facts.stream);
	cr_expect_eq(facts.cached, -1.0);
	cr_expect_eq(facts.fs, CCP_FS_UNKNOWN);
	cr_expect(look("-").stream);
	cr_expect(look("/dev/null").stream);

	snprintf(address.sun_path, sizeof address.sun_path, "%s", at("s"));
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	cr_expect(look(at("s")).stream);
	close(fd);
}

Test(facts, unknown)
{
	static const char *const paths[] = { "", "/nonexistent/file", "/proc/self/status", "/proc/self/mem" };

	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct ccp_facts facts = look(paths[i]);

		cr_expect_not(facts.stream, "%s", paths[i]);
		cr_expect_eq(facts.fs, CCP_FS_UNKNOWN, "%s", paths[i]);
		cr_expect_eq(facts.cached, -1.0, "%s", paths[i]);
	}
	cr_expect_eq(look(root).cached, -1.0);
	cr_expect_not(look(root).stream);
}

Test(facts, names)
{
	cr_expect_str_eq(ccp_fs_name(CCP_FS_UNKNOWN), "unknown");
	cr_expect_str_eq(ccp_fs_name(CCP_FS_LOCAL), "local");
	cr_expect_str_eq(ccp_fs_name(CCP_FS_MEMORY), "memory");
	cr_expect_str_eq(ccp_fs_name(CCP_FS_REMOTE), "remote");
}

Test(facts, machine)
{
	struct ccp_host host = { .cpu_quota = 1.5 };
	struct ccp_facts facts = { .others = UINT_MAX };

	ccp_facts_machine(&facts, &host);
	cr_expect_eq(facts.cpu_quota, 1.5);
	cr_expect_lt(facts.others, 1u << 22, "more tasks than Linux can have");

	cr_expect_eq(ccp_others_at(root), 0, "no /proc/loadavg");
	put("proc/loadavg", "0.20 0.18 0.12 4/80 11206\n");
	cr_expect_eq(ccp_others_at(root), 3);
	put("proc/loadavg", "0.20 0.18 0.12 0/80 11206\n");
	cr_expect_eq(ccp_others_at(root), 0);
	put("proc/loadavg", "nonsense\n");
	cr_expect_eq(ccp_others_at(root), 0);
}

static struct ccp_host read_host(void)
{
	struct ccp_host host;

	ccp_host_read_at(&host, root);
	cr_expect_geq(host.cpus, 1);
	cr_expect_leq(host.cpus, host.cpus_affinity);
	return host;
}

/* The smallest quota and limit of the tree win, wherever they stand. */
Test(host, v2_nested)
{
	put("proc/self/cgroup", "0::/a/b/c\n");
	put("sys/fs/cgroup/a/cpu.max", "75000 50000\n");
	put("sys/fs/cgroup/a/b/cpu.max", "50000 100000\n");
	put("sys/fs/cgroup/a/b/c/cpu.max", "max 100000\n");
	put("sys/fs/cgroup/a/memory.max", "1000000\n");
	put("sys/fs/cgroup/a/memory.current", "900000\n");
	put("sys/fs/cgroup/a/b/c/memory.max", "2000000\n");
	put("sys/fs/cgroup/a/b/c/memory.current", "5000\n");
	struct ccp_host host = read_host();
	cr_expect_eq(host.cgroup, 2);
	cr_expect_eq(host.cpu_quota, 0.5);
	cr_expect_eq(host.cpus, 1);
	cr_expect_eq(host.memory_limit, 1000000);
	cr_expect_eq(host.memory_usage, 900000, "of the group with the limit");

	put("sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
	cr_expect_eq(read_host().cpu_quota, 1.5);
	put("sys/fs/cgroup/a/cpu.max", "max 100000\n");
	put("sys/fs/cgroup/cpu.max", "25000 100000\n");
	cr_expect_eq(read_host().cpu_quota, 0.25, "at the root, as in a container");
}

Test(host, v2_max)
{
	put("proc/self/cgroup", "0::/\n");
	put("sys/fs/cgroup/cpu.max", "max 100000\n");
	put("sys/fs/cgroup/memory.max", "max\n");
	put("sys/fs/cgroup/memory.current", "123456\n");
	struct ccp_host host = read_host();
	cr_expect_eq(host.cgroup, 2);
	cr_expect_eq(host.cpu_quota, 0);
	cr_expect_eq(host.cpus, host.cpus_affinity);
	cr_expect_eq(host.memory_limit, 0);
	cr_expect_eq(host.memory_usage, 123456);
}

/* A quota is one group's limit over the same group's period, not the smallest of each. */
Test(host, v1_nested)
{
	put("proc/self/cgroup", "9:name=systemd:/x\n4:memory:/m/n\n1:cpuacct,cpu:/c/d\n0::/\n");
	put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
	put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
	put("sys/fs/cgroup/cpu/c/cpu.cfs_quota_us", "150000\n");
	put("sys/fs/cgroup/cpu/c/cpu.cfs_period_us", "100000\n");
	put("sys/fs/cgroup/cpu/c/d/cpu.cfs_quota_us", "20000\n");
	put("sys/fs/cgroup/cpu/c/d/cpu.cfs_period_us", "10000\n");
	put("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
	put("sys/fs/cgroup/memory/m/memory.limit_in_bytes", "1048576\n");
	put("sys/fs/cgroup/memory/m/memory.usage_in_bytes", "4096\n");
	put("sys/fs/cgroup/memory/m/n/memory.limit_in_bytes", "9223372036854771712\n");
	put("sys/fs/cgroup/memory/m/n/memory.usage_in_bytes", "1024\n");
	struct ccp_host host = read_host();
	cr_expect_eq(host.cgroup, 1);
	cr_expect_eq(host.cpu_quota, 1.5);
	cr_expect_eq(host.memory_limit, 1048576);
	cr_expect_eq(host.memory_usage, 4096);
}

/* Controllers mounted together, without links of their single names; the group is not visible (another namespace). */
Test(host, v1_together_and_hidden)
{
	put("proc/self/cgroup", "3:cpu,cpuacct:/docker/0123\n");
	put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "30000\n");
	put("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n");
	put("sys/fs/cgroup/cpu,cpuacct/cpu.stat", "nr_periods 5\nnr_throttled 2\nthrottled_time 1234567\n");
	cr_expect_eq(read_host().cpu_quota, 0.3);
	cr_expect_eq(ccp_throttled_at(root), 1234567);
}

/* Version 2 beside version 1, with the controllers that version 1 has not. */
Test(host, hybrid)
{
	put("proc/self/cgroup", "1:cpu:/\n0::/s\n");
	put("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
	put("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
	put("sys/fs/cgroup/unified/s/memory.max", "77777\n");
	struct ccp_host host = read_host();
	cr_expect_eq(host.cgroup, 1);
	cr_expect_eq(host.cpu_quota, 0);
	cr_expect_eq(host.memory_limit, 77777);
}

Test(host, nothing_there)
{
	struct ccp_host host = read_host();

	cr_expect_eq(host.cgroup, 0);
	cr_expect_eq(host.cpu_quota, 0);
	cr_expect_eq(host.cpus, host.cpus_affinity);
	cr_expect_eq(host.memory_limit, 0);
	cr_expect_eq(host.memory_usage, 0);
	cr_expect_eq(host.memory_available, 0);
	cr_expect_gt(host.memory, 0);
	put("proc/self/cgroup", "nonsense\n:\n::\n0::\n1:cpu:\n");
	put("sys/fs/cgroup/cpu.max", "nonsense");
	read_host();
}

Test(host, memory_available)
{
	put("proc/meminfo", "MemTotal:       1000 kB\nMemFree:  10 kB\nMemAvailable:    500 kB\nBuffers: 1 kB\n");
	cr_expect_eq(read_host().memory_available, 500 * 1024);
}

Test(host, here)
{
	struct ccp_host host;
	struct utsname name;

	ccp_host_read(&host);
	cr_assert_eq(uname(&name), 0);
	cr_expect_eq(strncmp(host.kernel, name.release, sizeof host.kernel - 1), 0);
	cr_expect_gt(strlen(host.cpu_model), 0);
	cr_expect_gt(strlen(host.simd), 0);
	cr_expect_geq(host.memory, host.memory_available);
#if defined(__x86_64__)
	cr_expect_neq(strcmp(host.simd, "unknown"), 0, "every 64-bit x86 has SSE2");
#endif
}

Test(pressure, totals)
{
	struct ccp_pressure pressure;
	struct ccp_pressure_watch watch;

	put("proc/pressure/cpu", "some avg10=0.56 avg60=1.14 avg300=0.94 total=3308642692\n"
				 "full avg10=0.00 avg60=0.00 avg300=0.00 total=7\n");
	put("proc/pressure/memory", "full avg10=0.00 avg60=0.00 avg300=0.00 total=5\n");
	ccp_pressure_watch_open_at(&watch, root);
	ccp_pressure_watch_read(&watch, &pressure);
	cr_expect_float_eq(pressure.cpu_s, 3308.642692, 1e-9);
	cr_expect_eq(pressure.io_s, -1, "no such file");
	cr_expect_eq(pressure.mem_s, -1, "no line \"some\"");
	put("proc/pressure/cpu", "some avg10=0.56 avg60=1.14 avg300=0.94 total=4000000\n");
	ccp_pressure_watch_read(&watch, &pressure);
	cr_expect_float_eq(pressure.cpu_s, 4, 1e-9, "read again from the start");
	ccp_pressure_watch_close(&watch);
	ccp_pressure_watch_read(&watch, &pressure);
	cr_expect_eq(pressure.cpu_s, -1, "closed");
	ccp_pressure_watch_close(&watch);
}

Test(pressure, here)
{
	struct ccp_pressure before, after;

	ccp_pressure_read(&before);
	ccp_pressure_read(&after);
	cr_expect(before.cpu_s == -1 ? after.cpu_s == -1 : after.cpu_s >= before.cpu_s);
	cr_expect(before.io_s == -1 ? after.io_s == -1 : after.io_s >= before.io_s);
	cr_expect(before.mem_s == -1 ? after.mem_s == -1 : after.mem_s >= before.mem_s);
	cr_expect(access("/proc/pressure/cpu", R_OK) == 0 || before.cpu_s == -1);
}

Test(pressure, memory_share)
{
	struct ccp_pressure begin = { 1, 1, 1 }, end = { 2, 2, 1.5 }, unknown = { 1, 1, -1 };

	cr_expect_float_eq(ccp_memory_pressure(&begin, &end, 2), 0.25, 1e-9);
	cr_expect_eq(ccp_memory_pressure(&begin, &end, 0.1), 1);
	cr_expect_eq(ccp_memory_pressure(&end, &begin, 1), 0);
	cr_expect_eq(ccp_memory_pressure(&begin, &end, 0), -1);
	cr_expect_eq(ccp_memory_pressure(&unknown, &end, 1), -1);
	cr_expect_eq(ccp_memory_pressure(&begin, &unknown, 1), -1);
}

Test(pressure, throttled)
{
	cr_expect_eq(ccp_throttled_at(root), 0);
	put("proc/self/cgroup", "0::/a/b\n");
	put("sys/fs/cgroup/cpu.stat", "usage_usec 5\n");
	put("sys/fs/cgroup/a/cpu.stat", "usage_usec 5\nnr_throttled 3\nthrottled_usec 250\nnr_bursts 9\n");
	cr_expect_eq(ccp_throttled_at(root), 250000);
	put("sys/fs/cgroup/a/b/cpu.stat", "usage_usec 5\nthrottled_usec 50\n");
	cr_expect_eq(ccp_throttled_at(root), 300000);
	put("proc/self/cgroup", "0::/\n");
	cr_expect_eq(ccp_throttled_at(root), 0);
}

Test(pressure, cpu_busy)
{
	long hertz = sysconf(_SC_CLK_TCK);
	double busy;

	cr_expect_eq(ccp_cpu_busy_at(root), -1);
	put("proc/stat", "cpu  100 20 3 9999 777 40 5 66 12 1\ncpu0 1 1 1 1 1 1 1 1 1 1\n");
	cr_expect_float_eq(ccp_cpu_busy_at(root), 168.0 / (double)hertz, 1e-9);
	put("proc/stat", "cpu  100 20 3\ncpu0 1 1 1 1 1 1 1 1 1 1\n");
	cr_expect_eq(ccp_cpu_busy_at(root), -1);
	busy = ccp_cpu_busy_s();
	cr_expect_gt(busy, 0);
	cr_expect_geq(ccp_cpu_busy_s(), busy);
}
