/* preload_stop.c: stops the program right before main, so that a tracer sees nothing of the dynamic loader. */
#include <signal.h>
#include <stdlib.h>

static void __attribute__((constructor)) stop(void)
{
	unsetenv("LD_PRELOAD");
	raise(SIGSTOP);
}
