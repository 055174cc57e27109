/* test_sink_shared.c: the sinks that all inputs share (-o FILE, standard output), and the one that keeps nothing. */
#include <poll.h>
#include <pthread.h>

#include "tests/unit/sink_help.h"

TestSuite(sink_single, .init = help_begin, .fini = help_end);
TestSuite(sink_stdout, .init = help_begin, .fini = help_end);
TestSuite(sink_null, .init = help_begin, .fini = help_end);

#define TEMP ".o.gz" CCP_TEMP_SUFFIX

static void put_two(struct help_sink *s)
{
	help_write("a", "plain");
	help_write("b", "plain");
	struct ccp_input *inputs[] = { help_input("a"), help_input("b") };

	for (int i = 0; i < 2; i++) {
		cr_assert_eq(help_open(s, inputs[i]), 0);
		cr_assert_eq(help_put(s, inputs[i], i == 0 ? "one" : "two"), 0, "%s", s->err.text);
		cr_assert_eq(help_commit(s, inputs[i]), 0);
	}
}

static struct ccp_sink_options single_options(const char *output)
{
	struct ccp_sink_options options = help_options();

	options.output = output;
	return options;
}

Test(sink_single, appears_at_the_end)
{
	struct ccp_sink_options options = single_options("o.gz");
	struct help_sink s = help_create(&ccp_sink_single, &options);

	put_two(&s);
	cr_assert(!help_exists("o.gz") && help_holds(TEMP, "onetwo"));
	cr_assert_eq(help_stat(TEMP).st_mode & 07777, 0600);
	cr_assert_eq(help_destroy(&s, false), 0, "%s", s.err.text);
	cr_assert(help_holds("o.gz", "onetwo") && !help_exists(TEMP));
	cr_assert_eq(help_stat("o.gz").st_mode & 07777, 0644);
}

Test(sink_single, a_failed_run_leaves_nothing)
{
	struct ccp_sink_options options = single_options("o.gz");
	struct help_sink s;

	options.force = true;
	help_write("o.gz", "old");
	s = help_create(&ccp_sink_single, &options);
	put_two(&s);
	cr_assert_eq(help_destroy(&s, true), 0);
	cr_assert(help_holds("o.gz", "old") && !help_exists(TEMP));
}

Test(sink_single, an_existing_file_is_kept_without_force)
{
	struct ccp_sink_options options = single_options("o.gz");
	struct ccp_sink *sink;
	struct ccp_err err;

	help_write("o.gz", "old");
	cr_assert_eq(ccp_sink_single.create(&sink, &options, &err), -1);
	cr_assert_eq(err.code, CCP_W_EXISTS);
	cr_assert_str_eq(err.text, "o.gz already exists; not overwritten");
	cr_assert_eq(unlink("o.gz") | symlink("nowhere", "o.gz"), 0);
	cr_assert_eq(ccp_sink_single.create(&sink, &options, &err), -1);
	cr_assert_eq(err.code, CCP_W_EXISTS);
	options.output = ".";
	options.force = true;
	cr_assert_eq(ccp_sink_single.create(&sink, &options, &err), -1);
	cr_assert_eq(err.sys, EISDIR);
	options.output = "nowhere/o.gz";
	cr_assert_eq(ccp_sink_single.create(&sink, &options, &err), -1);
	cr_assert_eq(err.sys, ENOENT);
	options.output = "";
	cr_assert_eq(ccp_sink_single.create(&sink, &options, &err), -1);
}

Test(sink_single, a_file_that_appears_meanwhile_is_kept)
{
	struct ccp_sink_options options = single_options("o.gz");
	struct help_sink s = help_create(&ccp_sink_single, &options);

	put_two(&s);
	help_write("o.gz", "theirs");
	cr_assert_eq(help_destroy(&s, false), -1);
	cr_assert_eq(s.err.code, CCP_W_EXISTS);
	cr_assert(help_holds("o.gz", "theirs") && !help_exists(TEMP));
}

Test(sink_single, force_replaces_a_link_and_not_its_file)
{
	struct ccp_sink_options options = single_options("o.gz");
	struct help_sink s;

	options.force = true;
	help_write("victim", "precious");
	cr_assert_eq(symlink("victim", "o.gz"), 0);
	s = help_create(&ccp_sink_single, &options);
	put_two(&s);
	cr_assert_eq(help_destroy(&s, false), 0);
	cr_assert(help_holds("victim", "precious") && help_holds("o.gz", "onetwo"));
}

Test(sink_single, devices_and_fifos_are_written_in_place)
{
	struct ccp_sink_options options = single_options("/dev/null");
	struct help_sink s = help_create(&ccp_sink_single, &options);
	char text[16] = "";

	put_two(&s);
	cr_assert_eq(help_destroy(&s, false), 0);
	cr_assert(S_ISCHR(help_stat("/dev/null").st_mode));

	cr_assert_eq(mkfifo("fifo", 0600), 0);
	int reader = open("fifo", O_RDONLY | O_NONBLOCK);
	options.output = "fifo";
	s = help_create(&ccp_sink_single, &options);
	put_two(&s);
	cr_assert_eq(help_destroy(&s, false), 0);
	cr_assert_eq(read(reader, text, sizeof text), 6);
	cr_assert_str_eq(text, "onetwo");
	close(reader);

	options.output = "/dev/full";
	s = help_create(&ccp_sink_single, &options);
	struct ccp_input *input = help_input("a");
	cr_assert_eq(help_open(&s, input), 0);
	cr_assert_eq(help_put(&s, input, "x"), -1);
	cr_assert_eq(s.err.sys, ENOSPC);
	help_destroy(&s, true);
}

/* `{ echo head; ccpipe -f -o /dev/stdout; } >file` must neither replace /dev/stdout nor lose the head. */
Test(sink_single, a_descriptors_name_is_written_in_place)
{
	char name[32];
	int fd = open("o.gz", O_RDWR | O_CREAT, 0644);
	struct ccp_sink_options options;
	struct help_sink s;

	cr_assert_eq(write(fd, "head", 4), 4);
	snprintf(name, sizeof name, "/dev/fd/%d", fd);
	options = single_options(name);
	options.force = true;
	s = help_create(&ccp_sink_single, &options);
	put_two(&s);
	cr_assert_eq(help_destroy(&s, false), 0);
	cr_assert(help_holds("o.gz", "headonetwo"));
	close(fd);
}

/* zstd #1422: output = input destroyed the input */
Test(sink_single, the_output_is_no_input)
{
	struct ccp_sink_options options = single_options("o.gz");
	struct help_sink s;
	struct ccp_err err;

	options.force = true;
	help_write("o.gz", "old");
	help_write("a", "plain");
	cr_assert_eq(link("o.gz", "other"), 0);
	s = help_create(&ccp_sink_single, &options);
	cr_assert_eq(ccp_sink_single.check(&options, help_input("o.gz"), &err), -1);
	cr_assert_eq(err.code, CCP_E_OTHER);
	cr_assert_eq(ccp_sink_single.check(&options, help_input("./other"), &err), -1);
	cr_assert_eq(ccp_sink_single.check(&options, help_input("./" TEMP), &err), -1);
	cr_assert_eq(ccp_sink_single.check(&options, help_input(TEMP), &err), -1);
	cr_assert_eq(ccp_sink_single.check(&options, help_input("a"), &err), 0);
	help_destroy(&s, true);
}

Test(sink_single, an_unsynced_file_is_not_committed)
{
	struct ccp_sink_options options = single_options("o.gz");
	struct help_sink s;

	options.fsync = CCP_FSYNC_ALWAYS;
	s = help_create(&ccp_sink_single, &options);
	help_refuse(SYS_fsync, EIO);
	put_two(&s);
	cr_assert_eq(help_destroy(&s, false), -1);
	cr_assert_eq(s.err.sys, EIO);
	cr_assert(!help_exists("o.gz") && !help_exists(TEMP));
}

/* --- standard output --- */

struct reader {
	int fd;
	size_t bytes;
	bool wrong;
};

/* Reads slowly, in odd steps. */
static void *read_slowly(void *arg)
{
	struct reader *r = arg;
	unsigned char buffer[7001];
	ssize_t n;

	while ((n = read(r->fd, buffer, sizeof buffer)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			r->wrong |= buffer[i] != (unsigned char)((r->bytes + (size_t)i) % 251);
		r->bytes += (size_t)n;
		if (r->bytes % 16 == 0)
			usleep(200);
	}
	return NULL;
}

/* Makes `fd` standard output for the time of `body`, so that Criterion keeps its own. */
static int with_stdout(int fd, int (*body)(struct ccp_err *err), struct ccp_err *err)
{
	int saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 10);

	ccp_err_clear(err);
	cr_assert_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
	int result = body(err);
	cr_assert_eq(dup2(saved, STDOUT_FILENO), STDOUT_FILENO);
	close(saved);
	return result;
}

static int write_pattern(struct ccp_err *err)
{
	static unsigned char block[3000000];
	struct ccp_sink_options options = help_options();
	struct ccp_sink *sink;
	struct ccp_input *input = help_input("-");

	for (size_t i = 0; i < sizeof block; i++)
		block[i] = (unsigned char)(i % 251);
	if (ccp_sink_stdout.create(&sink, &options, err) != 0)
		return -1;
	int result = ccp_sink_stdout.open(sink, input, err);
	if (result == 0)
		result = ccp_sink_stdout.write(sink, input, block, sizeof block, err);
	if (result == 0)
		result = ccp_sink_stdout.commit(sink, input, err);
	else
		ccp_sink_stdout.abort(sink, input);
	int late = ccp_sink_stdout.destroy(sink, result != 0, err);
	return result != 0 ? result : late;
}

Test(sink_stdout, a_slow_pipe_gets_everything)
{
	for (int flags = 0; flags <= O_NONBLOCK; flags += O_NONBLOCK) {
		int ends[2];
		pthread_t thread;
		struct ccp_err err;

		cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
		cr_assert_eq(fcntl(ends[1], F_SETFL, flags), 0); /* EAGAIN where it is full */
		struct reader r = { .fd = ends[0] };
		cr_assert_eq(pthread_create(&thread, NULL, read_slowly, &r), 0);
		int result = with_stdout(ends[1], write_pattern, &err);
		close(ends[1]);
		pthread_join(thread, NULL);
		close(ends[0]);
		cr_assert_eq(result, 0, "%s", err.text);
		cr_assert(r.bytes == 3000000 && !r.wrong, "%zu", r.bytes);
	}
}

static void nothing(int signal_number)
{
	(void)signal_number;
}

Test(sink_stdout, interrupted_writes_go_on)
{
	const struct sigaction action = { .sa_handler = nothing }; /* no SA_RESTART: EINTR and short writes */
	int ends[2];
	pthread_t thread;
	sigset_t set, old;
	struct ccp_err err;

	cr_assert_eq(sigaction(SIGALRM, &action, NULL), 0);
	sigemptyset(&set);
	sigaddset(&set, SIGALRM);
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	struct reader r = { .fd = ends[0] };
	pthread_sigmask(SIG_BLOCK, &set, &old); /* so that it is this thread that is interrupted */
	cr_assert_eq(pthread_create(&thread, NULL, read_slowly, &r), 0);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	ualarm(500, 500);
	int result = with_stdout(ends[1], write_pattern, &err);
	ualarm(0, 0);
	close(ends[1]);
	pthread_join(thread, NULL);
	close(ends[0]);
	cr_assert_eq(result, 0, "%s", err.text);
	cr_assert(r.bytes == 3000000 && !r.wrong, "%zu", r.bytes);
}

Test(sink_stdout, a_closed_pipe_is_told)
{
	int ends[2];
	struct ccp_err err;

	signal(SIGPIPE, SIG_IGN);
	cr_assert_eq(pipe2(ends, O_CLOEXEC), 0);
	close(ends[0]);
	cr_assert_eq(with_stdout(ends[1], write_pattern, &err), -1);
	cr_assert(err.code == CCP_E_SYS && err.sys == EPIPE);
	close(ends[1]);
}

/* zstd #42: /dev/full was not noticed */
Test(sink_stdout, a_full_device_is_told)
{
	struct ccp_err err;
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	cr_assert_geq(full, 0);
	cr_assert_eq(with_stdout(full, write_pattern, &err), -1);
	cr_assert(err.code == CCP_E_SYS && err.sys == ENOSPC);
	close(full);
}

static int check_a(struct ccp_err *err)
{
	struct ccp_sink_options options = help_options();

	return ccp_sink_stdout.check(&options, help_input("a"), err);
}

Test(sink_stdout, the_output_is_no_input)
{
	struct ccp_err err;

	help_write("a", "plain");
	int fd = open("a", O_WRONLY | O_APPEND | O_CLOEXEC);
	cr_assert_eq(with_stdout(fd, check_a, &err), -1);
	cr_assert_eq(err.code, CCP_E_OTHER);
	/* `ccpipe -c a >a`: the shell has emptied it, nothing can be read twice */
	cr_assert_eq(ftruncate(fd, 0), 0);
	cr_assert_eq(with_stdout(fd, check_a, &err), 0);
	close(fd);
}

Test(sink_null, takes_everything_and_keeps_nothing)
{
	struct ccp_sink_options options = help_options();
	struct help_sink s = help_create(&ccp_sink_null, &options);
	struct ccp_err err;

	options.remove_source = true;
	put_two(&s);
	cr_assert_eq(ccp_sink_null.check(&options, help_input("a.gz"), &err), 0);
	ccp_sink_null.abort(s.sink, help_input("a"));
	cr_assert_eq(help_destroy(&s, false), 0);
	cr_assert(help_exists("a") && help_exists("b"));
}
