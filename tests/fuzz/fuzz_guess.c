/*
 * fuzz_guess.c: any bytes, decoded from any bit before what comes before is known, then patched with any window, must
 * be what zlib makes of them with that window as its dictionary, up to where the guess stopped; and the byte decoder
 * must be able to go on from there.
 *
 * For libFuzzer. The first six bytes say how; the rest is the stream.
 */
#include "tests/unit/guess_help.h"

#define ROOM (1u << 18)
#define HOW 6

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool what)
{
	if (!what)
		abort();
}

static bool count_down(void *arg)
{
	unsigned *left = arg;

	return --*left == 0;
}

/* Whether the byte decoder goes on as zlib does, from where the guess stopped. */
static void go_on(struct ccp_guess *guess, const uint8_t *in, size_t in_len, const uint8_t *all, struct oracle *oracle)
{
	static uint8_t rest[ROOM];
	size_t left = oracle->out_len - guess->out_len;
	struct ccp_inflate_io io = { .in = in, .in_len = in_len, .out = rest, .out_len = left };
	enum ccp_inflate_status status = ccp_inflate_step(&guess->after, &io);
	size_t n = (size_t)(io.out - rest);

	demand(n == left && memcmp(rest, all + guess->out_len, n) == 0);
	if (oracle->status == Z_STREAM_END)
		demand(status == CCP_INFLATE_END);
	if (oracle->status == Z_DATA_ERROR)
		demand(status == CCP_INFLATE_ERROR || status == CCP_INFLATE_OUTPUT);
	if (oracle->status == Z_BUF_ERROR)
		demand(status == CCP_INFLATE_INPUT || status == CCP_INFLATE_OUTPUT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ccp_guess_work work;
	static struct ccp_guess guess;
	static uint8_t all[ROOM], window[CCP_INFLATE_WINDOW];
	struct oracle oracle;
	enum ccp_guess_status status;
	size_t out_cap = ROOM, groups_cap = ROOM / 8, values_cap = ROOM, window_len;
	unsigned calls;
	uint64_t bit, seed;

	if (size < HOW + 1)
		return 0;
	bit = data[0] % 16;
	calls = data[1] & 15; /* 0: never */
	if (data[1] & 0x10)
		out_cap = (size_t)data[2] << (data[3] & 7);
	if (data[1] & 0x20)
		values_cap = (size_t)data[3] << (data[2] & 7);
	if (data[1] & 0x40)
		groups_cap = data[4];
	seed = data[5] + 1u;
	for (size_t i = 0; i < sizeof window; i++) {
		seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407u;
		window[i] = (uint8_t)(seed >> 56);
	}
	data += HOW;
	size -= HOW;
	if (bit >= size * 8)
		bit = 0;

	/* Exact blocks of memory, so that the sanitizer sees what goes beyond. */
	uint8_t *in = malloc(size - bit / 8), *out = malloc(out_cap ? out_cap : 1);
	struct ccp_patch_group *groups = malloc(groups_cap ? groups_cap * sizeof *groups : 1);
	uint16_t *values = malloc(values_cap ? values_cap * sizeof *values : 1);

	demand(in && out && groups && values);
	memcpy(in, data + bit / 8, size - bit / 8);
	size -= bit / 8;
	bit &= 7;
	memset(&guess, 0xa5, sizeof guess);
	ccp_guess_begin(&guess, out_cap, groups_cap, values_cap);
	status = ccp_guess_run(&work, &guess, in, size, bit, out, groups, values, calls ? count_down : NULL, &calls);
	demand(guess.out_len <= out_cap && guess.group_count <= groups_cap && guess.value_count <= values_cap);
	demand(guess.in_used <= size && guess.after.bits_held < 64 && guess.reach <= CCP_INFLATE_WINDOW);

	/* Any window that reaches as far will do. */
	window_len = guess.reach + (seed >> 40) % (CCP_INFLATE_WINDOW + 1 - guess.reach);
	demand(oracle_run(&oracle, in, size, bit, all, ROOM, window + sizeof window - window_len, window_len));
	ccp_guess_patch(&guess, out, groups, values, window + sizeof window - window_len, window_len);
	demand(guess.out_len <= oracle.out_len && memcmp(out, all, guess.out_len) == 0);
	if (guess.reach > 0) {
		static uint8_t scrap[ROOM];
		struct oracle less;

		demand(oracle_run(&less, in, size, bit, scrap, guess.out_len,
				  window + sizeof window - (guess.reach - 1), guess.reach - 1));
		demand(less.status == Z_DATA_ERROR && less.out_len < guess.out_len);
	}
	if (status == CCP_GUESS_INPUT)
		demand(guess.in_used == size);
	if (status == CCP_GUESS_END)
		demand(oracle.status == Z_STREAM_END && oracle.out_len == guess.out_len &&
		       oracle.in_used == guess.in_used);
	if (status == CCP_GUESS_INPUT && oracle.status != Z_DATA_ERROR)
		demand(oracle.out_len == guess.out_len);
	if (status == CCP_GUESS_ERROR && guess.out_len < ROOM)
		demand(oracle.status == Z_DATA_ERROR && oracle.out_len == guess.out_len);
	go_on(&guess, in + guess.in_used, size - guess.in_used, all, &oracle);
	free(in);
	free(out);
	free(groups);
	free(values);
	return 0;
}
