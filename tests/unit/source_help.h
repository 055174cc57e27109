/*
 * source_help.h: what the tests of the walk, of NEXT and of the sources share: a folder to work in, files, and a rig of
 * walk, arena and NEXT. Criterion runs every test in a process of its own, so a test may change folder and stdin.
 */
#ifndef CCP_TESTS_UNIT_SOURCE_HELP_H
#define CCP_TESTS_UNIT_SOURCE_HELP_H

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "pipeline/memory.h"
#include "pipeline/next.h"
#include "pipeline/source.h"
#include "pipeline/walk.h"

extern const struct ccp_source_ops ccp_source_files, ccp_source_stream;

static char help_folder[64];

/* Empties a folder, and closes it. By descriptors: some trees are too deep for a path. */
static inline void help_empty(int fd)
{
	DIR *dir = fdopendir(fd);
	struct dirent *entry;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (unlinkat(fd, entry->d_name, 0) == 0)
			continue;
		int below = openat(fd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (below >= 0)
			help_empty(below);
		unlinkat(fd, entry->d_name, AT_REMOVEDIR);
	}
	if (dir != NULL)
		closedir(dir);
}

static inline void help_enter(void)
{
	snprintf(help_folder, sizeof help_folder, "%s", "/tmp/ccp-test-XXXXXX");
	cr_assert_not_null(mkdtemp(help_folder));
	cr_assert_eq(chmod(help_folder, 0755), 0);
	cr_assert_eq(chdir(help_folder), 0);
}

static inline void help_leave(void)
{
	cr_expect_eq(chdir("/"), 0);
	help_empty(open(help_folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	rmdir(help_folder);
}

/* The byte at an offset of every test file: the same at no two near multiples of a small chunk. */
static inline uint8_t help_byte(uint64_t offset)
{
	return (uint8_t)((offset * 2654435761u) >> 13);
}

static inline void help_write(int fd, uint64_t from, size_t len)
{
	for (size_t done = 0; done < len;) {
		uint8_t part[4096];
		size_t n = len - done < sizeof part ? len - done : sizeof part;

		for (size_t i = 0; i < n; i++)
			part[i] = help_byte(from + done + i);
		cr_assert_eq(write(fd, part, n), (ssize_t)n);
		done += n;
	}
}

static inline void help_put(const char *path, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	cr_assert_geq(fd, 0);
	help_write(fd, 0, len);
	close(fd);
}

static inline bool help_bytes_are_right(const struct ccp_piece *piece)
{
	for (size_t i = 0; i < piece->in.len; i++) {
		if (piece->in.data[i] != help_byte(piece->offset + i))
			return false;
	}
	return true;
}

/* The lowest descriptor that is free: the same before and after means that none was left open. */
static inline int help_free_fd(void)
{
	int fd = dup(STDERR_FILENO);

	close(fd);
	return fd;
}

/* Makes the read end of a pipe stdin. Returns the write end. */
static inline int help_pipe_to_stdin(void)
{
	int fds[2];

	cr_assert_eq(pipe2(fds, O_CLOEXEC), 0);
	cr_assert_eq(dup2(fds[0], STDIN_FILENO), STDIN_FILENO);
	close(fds[0]);
	return fds[1];
}

struct rig {
	struct ccp_walk *walk;
	struct ccp_arena *arena;
	struct ccp_next *next;
	struct ccp_source_options source;
	unsigned cuts, apart; /* of NEXT's options */
	bool unordered;
	int (*refuse)(const void *arg, const struct ccp_input *input, struct ccp_err *err);
};

#define RIG_SLOTS 8

static inline void rig_open(struct rig *rig, const struct ccp_walk_options *walk, size_t chunk, bool shared)
{
	struct ccp_arena_options arena = { .slots = RIG_SLOTS, .in_bytes = chunk + 1, .out_bytes = 16 };
	struct ccp_next_options next = {
		.chunk_bytes = chunk, .shared_output = shared, .source = &rig->source, .cuts = rig->cuts,
		.apart = rig->apart, .unordered = rig->unordered, .refuse = rig->refuse
	};
	struct ccp_err err;

	cr_assert_eq(ccp_walk_new(&rig->walk, walk, &err), 0);
	cr_assert_eq(ccp_arena_new(&rig->arena, &arena, &err), 0);
	cr_assert_eq(ccp_next_new(&rig->next, rig->walk, rig->arena, &next, &err), 0);
}

static inline void rig_close(struct rig *rig)
{
	size_t jobs, inputs;

	ccp_arena_balance(rig->arena, &jobs, &inputs);
	cr_expect_eq(jobs, 0);
	cr_expect_eq(inputs, 0);
	ccp_next_free(rig->next);
	ccp_arena_free(rig->arena);
	ccp_walk_free(rig->walk);
}

/* The next job, or NULL with NEXT's word. */
static inline struct ccp_job *rig_next(struct rig *rig, int *word)
{
	struct ccp_job *job = ccp_arena_take_job(rig->arena);

	cr_assert_not_null(job);
	*word = ccp_next_job(rig->next, false, job);
	if (*word == 1)
		return job;
	ccp_arena_give_job(rig->arena, job);
	return NULL;
}

static inline struct ccp_job *rig_take(struct rig *rig)
{
	int word;
	struct ccp_job *job = rig_next(rig, &word);

	cr_assert_not_null(job, "NEXT says %d", word);
	return job;
}

/* Gives the job back, and with `over` its input. */
static inline void rig_give(struct rig *rig, struct ccp_job *job, bool over)
{
	if (over) {
		if (job->input->source != NULL)
			job->input->source->close(job->input);
		ccp_arena_give_input(rig->arena, job->input);
	}
	ccp_arena_give_job(rig->arena, job);
}

/* Loads a job as the flow would. */
static inline int rig_load(struct rig *rig, struct ccp_job *job)
{
	int result = ccp_source_load(job, &rig->source, -1);

	if (!job->final)
		ccp_next_loaded(rig->next, job->input, job->piece.last);
	return result;
}

#endif
