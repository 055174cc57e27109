/* test_sink_temp.c: temporaries: whose they are, who reaps them, and what is left when there is no room. */
#include <pthread.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "tests/unit/sink_help.h"

TestSuite(sink_temp, .init = help_begin, .fini = help_end);

#define TEMP ".a.gz" CCP_TEMP_SUFFIX

/* Opens the target in a child, says so, and holds it until it is killed. */
static pid_t hold(int *ready)
{
	int ends[2];
	char byte;
	pid_t pid;

	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	pid = fork();
	cr_assert_geq(pid, 0);
	if (pid == 0) {
		struct ccp_temp *temp;
		struct ccp_err err;

		if (ccp_temp_open(&temp, "a.gz", &err) == 0 && write(temp->fd, "torn", 4) == 4 &&
		    write(ends[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(ends[1]);
	cr_assert_eq(read(ends[0], &byte, 1), 1);
	*ready = ends[0];
	return pid;
}

static void kill_holder(pid_t pid, int ready)
{
	cr_assert_eq(kill(pid, SIGKILL), 0);
	cr_assert_eq(waitpid(pid, NULL, 0), pid);
	close(ready);
}

Test(sink_temp, a_live_temporary_is_respected_and_a_stale_one_reaped)
{
	struct ccp_sink_options options = help_options();
	struct ccp_err err;
	int ready;
	pid_t pid = hold(&ready);

	options.force = true;
	help_write("a", "plain");
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), -1);
	cr_assert_eq(err.code, CCP_E_OTHER);
	cr_assert_str_eq(err.text, "a.gz is being written by another run of ccpipe");
	cr_assert(help_holds(TEMP, "torn") && !help_exists("a.gz"));

	kill_holder(pid, ready);
	cr_assert(help_exists(TEMP));
	cr_assert_eq(help_run(&options, help_input("a"), "packed", &err), 0, "%s", err.text);
	cr_assert(help_holds("a.gz", "packed") && !help_exists(TEMP));
}

Test(sink_temp, what_is_not_ours_is_left_alone)
{
	struct ccp_temp *temp;
	struct ccp_err err;

	/* a FIFO must not hang us either */
	cr_assert_eq(mkfifo(TEMP, 0600), 0);
	cr_assert_eq(ccp_temp_open(&temp, "a.gz", &err), -1);
	cr_assert_eq(err.code, CCP_E_OTHER);
	cr_assert(S_ISFIFO(help_stat(TEMP).st_mode));
	cr_assert_eq(unlink(TEMP), 0);

	cr_assert_eq(mkdir(TEMP, 0700), 0);
	cr_assert_eq(ccp_temp_open(&temp, "a.gz", &err), -1);
	cr_assert_eq(err.code, CCP_E_OTHER);
	cr_assert_eq(rmdir(TEMP), 0);

	help_write("precious", "linked");
	cr_assert_eq(link("precious", TEMP), 0);
	cr_assert_eq(ccp_temp_open(&temp, "a.gz", &err), -1);
	cr_assert_eq(err.code, CCP_E_OTHER);
	cr_assert(help_holds(TEMP, "linked"));
	cr_assert_eq(unlink(TEMP), 0);

	if (chown("precious", 1234, 1234) != 0)
		help_skip("only root may give files away");
	cr_assert_eq(rename("precious", TEMP), 0);
	cr_assert_eq(ccp_temp_open(&temp, "a.gz", &err), -1);
	cr_assert_eq(err.code, CCP_E_OTHER);
	cr_assert(help_holds(TEMP, "linked"));
}

Test(sink_temp, without_locks_nothing_is_reaped)
{
	struct ccp_temp *temp;
	struct ccp_err err;

	help_refuse(SYS_flock, ENOLCK);
	cr_assert_eq(ccp_temp_open(&temp, "a.gz", &err), 0, "%s", err.text);
	struct ccp_temp *second;
	cr_assert_eq(ccp_temp_open(&second, "a.gz", &err), -1);
	cr_assert_eq(err.code, CCP_E_OTHER);
	cr_assert_eq(ccp_temp_commit(temp, false, false, &err), 0);
	cr_assert(help_exists("a.gz") && !help_exists(TEMP));
}

/* Where names must be shorter than NAME_MAX is not seen before the first try. */
Test(sink_temp, short_form_where_the_file_system_wants_it)
{
	char target[NAME_MAX + 1] = "";
	struct ccp_temp *temp;
	struct ccp_err err;

	memset(target, 'n', 250);
	cr_assert_eq(ccp_temp_open(&temp, target, &err), 0, "%s", err.text);
	cr_assert_eq(strlen(temp->path), strlen(".0123456789abcdef.ccpipe-tmp"));
	cr_assert_eq(ccp_temp_commit(temp, false, true, &err), 0, "%s", err.text);
	cr_assert(help_exists(target));
}

#define RACERS 4
#define ROUNDS 300

struct race {
	pthread_barrier_t *barrier;
	unsigned number;
	unsigned won, busy;
	char problem[CCP_ERR_TEXT];
};

/* All want the same target, over and over, with a stale temporary in the way; with -f each may win in its turn. */
static void *race(void *arg)
{
	struct race *r = arg;

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct ccp_temp *temp;
		struct ccp_err err;

		if (i % 8 == r->number) {
			int stale = open(TEMP, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

			if (stale >= 0)
				close(stale);
		}
		pthread_barrier_wait(r->barrier);
		if (ccp_temp_open(&temp, "a.gz", &err) != 0) {
			r->busy++;
			if (strstr(err.text, "is being written by") == NULL)
				strcpy(r->problem, err.text);
			continue;
		}
		char text[32];
		int n = snprintf(text, sizeof text, "%u %u\n", r->number, i);
		for (int j = 0; j < n; j++) {
			if (write(temp->fd, text + j, 1) != 1)
				strcpy(r->problem, "short write");
		}
		if (i % 5 == 4) {
			ccp_temp_discard(temp);
		} else if (ccp_temp_commit(temp, true, false, &err) != 0) {
			strcpy(r->problem, err.text);
		} else {
			r->won++;
		}
	}
	return NULL;
}

/* Nobody may lose a temporary that he holds: every commit must succeed, and what stands must be whole. */
Test(sink_temp, racers_never_take_each_others_temporary)
{
	pthread_barrier_t barrier;
	pthread_t threads[RACERS];
	struct race racers[RACERS] = { 0 };
	unsigned won = 0;

	pthread_barrier_init(&barrier, NULL, RACERS);
	for (unsigned i = 0; i < RACERS; i++) {
		racers[i].barrier = &barrier;
		racers[i].number = i;
		cr_assert_eq(pthread_create(&threads[i], NULL, race, &racers[i]), 0);
	}
	for (unsigned i = 0; i < RACERS; i++) {
		pthread_join(threads[i], NULL);
		cr_expect_str_eq(racers[i].problem, "", "racer %u: %s", i, racers[i].problem);
		won += racers[i].won;
	}
	pthread_barrier_destroy(&barrier);
	cr_expect_gt(won, ROUNDS / 2, "%u", won);

	char text[32] = "", whole[32];
	unsigned number, round;
	FILE *file = fopen("a.gz", "r");
	cr_assert_not_null(file);
	text[fread(text, 1, sizeof text - 1, file)] = '\0';
	fclose(file);
	cr_assert_eq(sscanf(text, "%u %u", &number, &round), 2);
	snprintf(whole, sizeof whole, "%u %u\n", number, round);
	cr_assert_str_eq(text, whole);
}

struct many {
	struct ccp_sink *sink;
	unsigned number;
	unsigned failed;
};

static void *write_many(void *arg)
{
	struct many *m = arg;
	struct ccp_input *input = calloc(1, sizeof *input);

	for (unsigned i = 0; i < 50; i++) {
		struct ccp_err err;

		snprintf(input->path, sizeof input->path, "d%u/e%u/f%u", i % 5, i % 7, m->number * 100 + i);
		input->fd = -1;
		if (ccp_sink_file.open(m->sink, input, &err) != 0 ||
		    ccp_sink_file.write(m->sink, input, input->path, strlen(input->path), &err) != 0 ||
		    ccp_sink_file.commit(m->sink, input, &err) != 0)
			m->failed++;
	}
	free(input);
	return NULL;
}

Test(sink_temp, threads_make_the_same_folders)
{
	struct ccp_sink_options options = help_options();
	struct many m[RACERS] = { 0 };
	pthread_t threads[RACERS];

	options.output_dir = "out";
	struct help_sink s = help_create(&ccp_sink_file, &options);
	for (unsigned i = 0; i < RACERS; i++) {
		m[i] = (struct many){ .sink = s.sink, .number = i };
		cr_assert_eq(pthread_create(&threads[i], NULL, write_many, &m[i]), 0);
	}
	for (unsigned i = 0; i < RACERS; i++) {
		pthread_join(threads[i], NULL);
		cr_expect_eq(m[i].failed, 0);
	}
	cr_expect(help_holds("out/d4/e0/f349.gz", "d4/e0/f349"));
	help_destroy(&s, false);
}

/* Writes until it fails and gives up, as the flow does; the folder is as before. */
static void no_room(int sys)
{
	static char block[65536];
	struct ccp_sink_options options = help_options();
	struct help_sink s;
	struct ccp_input *input;
	int result = 0;

	options.force = options.remove_source = true;
	s = help_create(&ccp_sink_file, &options);
	help_write("d/a", "plain");
	help_write("d/a.gz", "old");
	input = help_input("d/a");
	cr_assert_eq(help_open(&s, input), 0, "%s", s.err.text);
	for (int i = 0; i < 64 && result == 0; i++)
		result = ccp_sink_file.write(s.sink, input, block, sizeof block, &s.err);
	cr_assert_eq(result, -1);
	cr_assert(s.err.code == CCP_E_SYS && s.err.sys == sys, "%s", s.err.text);
	ccp_sink_file.abort(s.sink, input);
	help_destroy(&s, true);
	cr_assert(help_holds("d/a", "plain") && help_holds("d/a.gz", "old"));
	cr_assert_not(help_exists("d/.a.gz" CCP_TEMP_SUFFIX));
}

Test(sink_temp, a_full_file_system)
{
	cr_assert_eq(mkdir("d", 0755), 0);
	if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
	    mount("tmpfs", "d", "tmpfs", 0, "size=256k") != 0)
		help_skip("a tmpfs cannot be mounted here");
	no_room(ENOSPC);
	umount2("d", MNT_DETACH);
}

Test(sink_temp, a_limit_on_file_size)
{
	const struct rlimit limit = { 200000, 200000 };

	cr_assert_eq(mkdir("d", 0755), 0);
	signal(SIGXFSZ, SIG_IGN);
	cr_assert_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	no_room(EFBIG);
}

Test(sink_temp, no_descriptors_left)
{
	struct rlimit limit, none;
	struct ccp_temp *temp;
	struct ccp_err err;

	cr_assert_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	none = (struct rlimit){ 3, limit.rlim_max };
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	int result = ccp_temp_open(&temp, "a.gz", &err);
	cr_assert_eq(setrlimit(RLIMIT_NOFILE, &limit), 0); /* Criterion and the leak check need some */
	cr_assert(result == -1 && err.code == CCP_E_SYS && err.sys == EMFILE);
	cr_assert_not(help_exists(TEMP));
}
