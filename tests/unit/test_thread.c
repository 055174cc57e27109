/* test_thread.c: a thread that no signal reaches, and a caller that goes on as before. */
#include <criterion/criterion.h>
#include <signal.h>

#include "pipeline/thread.h"

static void *tell_mask(void *arg)
{
	pthread_sigmask(SIG_BLOCK, NULL, arg);
	return arg;
}

Test(thread, has_all_signals_blocked_and_the_caller_those_that_it_had)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGPIPE, SIGHUP, SIGUSR1, SIGWINCH };
	sigset_t mine, inside, after;
	pthread_t thread;
	void *given;

	sigemptyset(&mine);
	sigaddset(&mine, SIGUSR1);
	sigemptyset(&inside);
	pthread_sigmask(SIG_SETMASK, &mine, NULL);
	cr_assert_eq(ccp_thread_start(&thread, tell_mask, &inside), 0);
	cr_assert_eq(pthread_join(thread, &given), 0);
	cr_assert_eq(given, &inside);
	pthread_sigmask(SIG_BLOCK, NULL, &after);
	for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
		cr_expect_eq(sigismember(&inside, signals[i]), 1, "signal %d reaches it", signals[i]);
		cr_expect_eq(sigismember(&after, signals[i]), signals[i] == SIGUSR1, "signal %d", signals[i]);
	}
}
