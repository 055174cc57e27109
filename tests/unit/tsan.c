/*
 * tsan.c: lets Criterion run under ThreadSanitizer; linked into the unit tests of that build only.
 *
 * Criterion runs each test in a process of its own, which shares a piece of memory with the first one. It draws the
 * address of that memory with rand_r, from all over the address space. ThreadSanitizer keeps most of that for itself,
 * and the program ends with "Could not initialize inheritable arena" (Criterion's issue 274). This rand_r is found
 * before libc's and draws what both accept: the address is 0x200000000000 + (number << 24), and with these numbers it
 * lies just below the place where the kernel puts position-independent programs on x86-64, 0x555555554000.
 */
#include <stdlib.h>

int rand_r(unsigned *seed)
{
	return 0x351000 + (int)((*seed)++ % 1024);
}
