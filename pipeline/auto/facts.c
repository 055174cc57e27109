/*
 * facts.c: see facts.h.
 *
 * Whether a file is in the page cache is asked three ways, the best first. cachestat counts exactly, but only in files
 * that the caller owns or may write. Reading with RWF_NOWAIT works for everybody, but not on every file system: up to
 * 8 pages spread over the file are tried, without read-ahead. mincore works everywhere, but claims that all pages of
 * other people's files are there, so only the caller's own files are believed. A stacked file system (overlay) keeps no
 * pages of its own: cachestat counts none there, however much is cached below.
 *
 * Source: cachestat(2), preadv2(2), mincore(2), statfs(2); linux/magic.h and coreutils src/stat.c for the numbers of
 * file systems; a report on RWF_NOWAIT giving a false end of file before Linux 5.11:
 * https://github.com/ClickHouse/ClickHouse, src/Disks/IO/ThreadPoolReader.cpp.
 */
#include "pipeline/auto/facts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "pipeline/host_internal.h"
#include "pipeline/plan.h"

#if defined(SYS_cachestat)
#define CACHESTAT SYS_cachestat
#elif defined(__alpha__) || defined(__mips__) || (defined(__x86_64__) && defined(__ILP32__))
#define CACHESTAT (-1L) /* numbered differently; without its header it is not in this kernel: ENOSYS */
#else
#define CACHESTAT 451L
#endif

#define SAMPLES 8u              /* pages looked at where they cannot be counted */
#define SAMPLE_BYTES 4096u
#define COUNT_WHOLE (64u << 20) /* counting takes 10 ns a page and more: larger files are counted in windows */
#define COUNT_WINDOWS 16u
#define COUNT_WINDOW (4u << 20)

/* What can be asked about a file's pages. */
enum { COUNT = 1u << 0, READ = 1u << 1, CORE = 1u << 2 };

#define PAGES (COUNT | READ | CORE) /* its files are in the page cache */
#define STACKED (READ | CORE)       /* the files below it are */

static const struct file_system {
	uint32_t type;
	enum ccp_fs fs;
	unsigned ask;
} file_systems[] = {
	{ 0x0000ef53, CCP_FS_LOCAL, PAGES },    /* ext2, ext3, ext4 */
	{ 0x58465342, CCP_FS_LOCAL, PAGES },    /* xfs */
	{ 0x9123683e, CCP_FS_LOCAL, PAGES },    /* btrfs */
	{ 0x2fc12fc1, CCP_FS_LOCAL, 0 },        /* zfs: has a cache of its own */
	{ 0xca451a4e, CCP_FS_LOCAL, PAGES },    /* bcachefs */
	{ 0xf2f52010, CCP_FS_LOCAL, PAGES },    /* f2fs */
	{ 0x3153464a, CCP_FS_LOCAL, PAGES },    /* jfs */
	{ 0x52654973, CCP_FS_LOCAL, PAGES },    /* reiserfs */
	{ 0x00003434, CCP_FS_LOCAL, PAGES },    /* nilfs */
	{ 0x24051905, CCP_FS_LOCAL, PAGES },    /* ubifs */
	{ 0x000072b6, CCP_FS_LOCAL, PAGES },    /* jffs2 */
	{ 0x5a4f4653, CCP_FS_LOCAL, PAGES },    /* zonefs */
	{ 0x00004d44, CCP_FS_LOCAL, PAGES },    /* vfat */
	{ 0x2011bab0, CCP_FS_LOCAL, PAGES },    /* exfat */
	{ 0x5346544e, CCP_FS_LOCAL, PAGES },    /* ntfs */
	{ 0x7366746e, CCP_FS_LOCAL, PAGES },    /* ntfs3 */
	{ 0x0000482b, CCP_FS_LOCAL, PAGES },    /* hfsplus */
	{ 0x15013346, CCP_FS_LOCAL, PAGES },    /* udf */
	{ 0x00009660, CCP_FS_LOCAL, PAGES },    /* iso9660 */
	{ 0x73717368, CCP_FS_LOCAL, PAGES },    /* squashfs */
	{ 0xe0f5e1e2, CCP_FS_LOCAL, PAGES },    /* erofs */
	{ 0x28cd3d45, CCP_FS_LOCAL, PAGES },    /* cramfs */
	{ 0x0000f15f, CCP_FS_LOCAL, PAGES },    /* ecryptfs: keeps the plain text */
	{ 0x794c7630, CCP_FS_LOCAL, STACKED },  /* overlay */
	{ 0x61756673, CCP_FS_LOCAL, STACKED },  /* aufs */
	{ 0x01021994, CCP_FS_MEMORY, 0 },       /* tmpfs */
	{ 0x858458f6, CCP_FS_MEMORY, 0 },       /* ramfs */
	{ 0x958458f6, CCP_FS_MEMORY, 0 },       /* hugetlbfs */
	{ 0x00006969, CCP_FS_REMOTE, PAGES },   /* nfs */
	{ 0x0000517b, CCP_FS_REMOTE, PAGES },   /* smb */
	{ 0xff534d42, CCP_FS_REMOTE, PAGES },   /* cifs */
	{ 0xfe534d42, CCP_FS_REMOTE, PAGES },   /* smb 2 and 3 */
	{ 0x0000564c, CCP_FS_REMOTE, PAGES },   /* ncp */
	{ 0x01021997, CCP_FS_REMOTE, PAGES },   /* 9p */
	{ 0x65735546, CCP_FS_REMOTE, PAGES },   /* fuse, fuseblk, virtiofs: a program answers */
	{ 0x00c36400, CCP_FS_REMOTE, PAGES },   /* ceph */
	{ 0x5346414f, CCP_FS_REMOTE, PAGES },   /* afs */
	{ 0x6b414653, CCP_FS_REMOTE, PAGES },   /* afs of the kernel */
	{ 0x73757245, CCP_FS_REMOTE, STACKED }, /* coda */
	{ 0x0bd00bd0, CCP_FS_REMOTE, PAGES },   /* lustre */
	{ 0x19830326, CCP_FS_REMOTE, PAGES },   /* beegfs */
	{ 0x20030528, CCP_FS_REMOTE, PAGES },   /* orangefs */
	{ 0x01161970, CCP_FS_REMOTE, PAGES },   /* gfs2: a cluster's locks */
	{ 0x7461636f, CCP_FS_REMOTE, PAGES },   /* ocfs2: the same */
	{ 0x47504653, CCP_FS_REMOTE, 0 },       /* gpfs: has a cache of its own */
	{ 0xaad7aaea, CCP_FS_REMOTE, 0 },       /* panfs */
	{ 0xbeefdead, CCP_FS_REMOTE, 0 },       /* snfs */
	{ 0xbacbacbc, CCP_FS_REMOTE, PAGES },   /* vmhgfs */
	{ 0x786f4256, CCP_FS_REMOTE, PAGES },   /* vboxsf */
};

static const struct file_system *find_file_system(const char *path)
{
	static const struct file_system unknown = { 0, CCP_FS_UNKNOWN, READ };
	struct statfs info;

	if (statfs(path, &info) == 0)
		for (size_t i = 0; i < sizeof file_systems / sizeof *file_systems; i++)
			if (file_systems[i].type == (uint32_t)info.f_type)
				return &file_systems[i];
	return &unknown;
}

/* Pages of a range that are in memory. Returns -1 with errno. */
static int64_t count_range(int fd, uint64_t offset, uint64_t bytes)
{
	struct {
		uint64_t offset, bytes;
	} range = { offset, bytes };
	struct {
		uint64_t cache, dirty, writeback, evicted, recently_evicted;
	} pages = { 0, 0, 0, 0, 0 };

	return syscall(CACHESTAT, fd, &range, &pages, 0) == 0 ? (int64_t)pages.cache : -1;
}

/* All functions that ask return the share that is cached, or -1. `size` is never 0. */
static double ask_count(int fd, uint64_t size)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), windows = 1, window = size, cached = 0, asked = 0;

	if (size > COUNT_WHOLE) {
		windows = COUNT_WINDOWS;
		window = COUNT_WINDOW;
	}
	for (uint64_t i = 0; i < windows; i++) {
		uint64_t offset = windows > 1 ? (size - window) / (windows - 1) * i / page * page : 0;
		int64_t found = count_range(fd, offset, window);

		if (found < 0)
			return -1;
		cached += (uint64_t)found;
		asked += (window + page - 1) / page;
	}
	return cached < asked ? (double)cached / (double)asked : 1;
}

/* Where sample i lies; the first and the last page of the file are among them. */
static uint64_t sample_offset(uint64_t size, uint64_t page, unsigned i, unsigned *count)
{
	uint64_t pages = (size + page - 1) / page;

	*count = pages < SAMPLES ? (unsigned)pages : SAMPLES;
	return *count > 1 ? (pages - 1) * i / (*count - 1) * page : 0;
}

static bool kernel_is(unsigned major, unsigned minor)
{
	struct utsname name;
	unsigned is_major, is_minor;

	return uname(&name) == 0 && sscanf(name.release, "%u.%u", &is_major, &is_minor) == 2 &&
	       (is_major > major || (is_major == major && is_minor >= minor));
}

static double ask_read(int fd, uint64_t size)
{
#ifdef RWF_NOWAIT
	unsigned count = 1, cached = 0, asked = 0;
	char page[SAMPLE_BYTES];

	if (!kernel_is(5, 11))
		return -1;
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_RANDOM);
	for (unsigned i = 0; i < count; i++) {
		uint64_t offset = sample_offset(size, SAMPLE_BYTES, i, &count);
		struct iovec room = { page, sizeof page };
		ssize_t got = preadv2(fd, &room, 1, (off_t)offset, RWF_NOWAIT);

		if (got < 0 && errno == EOPNOTSUPP)
			return -1;
		cached += got > 0;
		asked += got > 0 || (got < 0 && errno == EAGAIN);
	}
	return asked > 0 ? (double)cached / asked : -1;
#else
	(void)fd;
	(void)size;
	return -1;
#endif
}

static double ask_core(int fd, uint64_t size)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	unsigned count = 1, cached = 0, asked = 0;

	for (unsigned i = 0; i < count; i++) {
		uint64_t offset = sample_offset(size, page, i, &count);
		void *at = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)offset);
		unsigned char there = 0;

		if (at == MAP_FAILED)
			return -1;
		if (mincore(at, page, &there) == 0) {
			cached += there & 1;
			asked++;
		}
		munmap(at, page);
	}
	return asked > 0 ? (double)cached / asked : -1;
}

/* On a descriptor of its own: the advice must not reach the one that reads later. */
static double ask_cached(const char *path, unsigned ask)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
	double cached = -1;
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		uint64_t size = (uint64_t)st.st_size;

		if (ask & COUNT)
			cached = ask_count(fd, size);
		if (cached < 0 && ask & READ)
			cached = ask_read(fd, size);
		if (cached < 0 && ask & CORE && st.st_uid == geteuid())
			cached = ask_core(fd, size);
	}
	close(fd);
	return cached;
}

void ccp_facts_look(struct ccp_facts *facts, const char *path)
{
	const struct file_system *on;
	struct stat st;

	facts->stream = strcmp(path, "-") == 0;
	facts->fs = CCP_FS_UNKNOWN;
	facts->cached = -1;
	if (facts->stream || stat(path, &st) != 0)
		return;
	if (S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || S_ISCHR(st.st_mode)) {
		facts->stream = true;
		return;
	}
	if (S_ISBLK(st.st_mode)) {
		facts->fs = CCP_FS_LOCAL; /* whatever holds its name */
		return;
	}
	on = find_file_system(path);
	facts->fs = on->fs;
	if (!S_ISREG(st.st_mode))
		return;
	facts->cached = on->fs == CCP_FS_MEMORY ? 1 : on->ask ? ask_cached(path, on->ask) : -1;
}

unsigned ccp_others_at(const char *root)
{
	char text[128];
	unsigned running;

	/* 0.20 0.18 0.12 1/80 11206: the fourth is tasks ready to run / tasks */
	if (ccp_proc_read(root, "/proc/loadavg", text, sizeof text) <= 0 ||
	    sscanf(text, "%*s %*s %*s %u/", &running) != 1)
		return 0;
	return running > 0 ? running - 1 : 0;
}

void ccp_facts_machine(struct ccp_facts *facts, const struct ccp_host *host)
{
	facts->cpu_quota = host->cpu_quota;
	facts->others = ccp_others_at("");
}

const char *ccp_fs_name(enum ccp_fs fs)
{
	switch (fs) {
	case CCP_FS_LOCAL:
		return "local";
	case CCP_FS_MEMORY:
		return "memory";
	case CCP_FS_REMOTE:
		return "remote";
	case CCP_FS_UNKNOWN:
		break;
	}
	return "unknown";
}

bool ccp_cachestat_works(const char **limit)
{
	int own = memfd_create("ccpipe", MFD_CLOEXEC), root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool works = true;

	*limit = NULL;
	if (own >= 0 && count_range(own, 0, 0) < 0) {
		works = false;
		*limit = errno == ENOSYS ? "not in this kernel" : "Operation not permitted";
	} else if (root >= 0 && count_range(root, 0, 0) < 0 && errno == EPERM) { /* only root owns "/" */
		*limit = "files of others: Operation not permitted";
	}
	if (own >= 0)
		close(own);
	if (root >= 0)
		close(root);
	return works;
}

bool ccp_nowait_works(const char **limit)
{
#ifdef RWF_NOWAIT
	int own = memfd_create("ccpipe", MFD_CLOEXEC);
	char byte;
	struct iovec room = { &byte, 1 };

	*limit = NULL;
	if (!kernel_is(5, 11))
		*limit = "not to be trusted before Linux 5.11";
	else if (own >= 0 && preadv2(own, &room, 1, 0, RWF_NOWAIT) < 0 && (errno == EPERM || errno == ENOSYS))
		*limit = "Operation not permitted";
	if (own >= 0)
		close(own);
#else
	*limit = "not built in";
#endif
	return *limit == NULL;
}
