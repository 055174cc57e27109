/*
 * makedata.c: usage: makedata BYTES [SEED]: so many bytes that look like text, the same ones for the same seed.
 *
 * Words of a small vocabulary, and now and then a number, so that it compresses to about a third.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state;

static uint64_t next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

int main(int argc, char **argv)
{
	static const char *const words[] = { "alpha ", "beta ",  "gamma\n",  "delta, ", "epsilon ", "zeta ",
					     "eta: ",  "theta ", "iota ",    "kappa ",  "lambda ",  "mu\n",
					     "nu ",    "xi ",    "omicron ", "pi = " };
	static char block[1 << 16];
	unsigned long long left = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;

	state = (argc > 2 ? strtoull(argv[2], NULL, 10) : 1) * 0x9e3779b97f4a7c15u + 1;
	while (left > 0) {
		size_t len = 0;

		while (len < sizeof block - 32) {
			uint64_t random = next();
			const char *word = words[random & 15];
			size_t n = strlen(word);

			memcpy(block + len, word, n);
			len += n;
			if ((random >> 8) % 4 == 0) {
				for (int i = 0; i < 6; i++)
					block[len++] = (char)('0' + (random >> (16 + 4 * i)) % 10);
				block[len++] = ' ';
			}
		}
		if (len > left)
			len = (size_t)left;
		if (fwrite(block, 1, len, stdout) != len)
			return 1;
		left -= len;
	}
	return fflush(stdout) != 0;
}
