/*
 * Block headers against zlib, which stops behind one with Z_TREES: verdict, length, and what the tables decode.
 */
#include "tests/unit/inflate_help.h"

/* What zlib says of the header at bit `bit`: 1, 0 or -1, and its length. */
static int zlib_head(struct bytes in, uint64_t bit, uint64_t *bits, const char **wrong)
{
	uint8_t out[8];
	z_stream z = { .next_in = in.data + bit / 8, .avail_in = (uInt)(in.len - bit / 8) };
	int status;

	cr_assert_eq(inflateInit2(&z, -15), Z_OK);
	if (bit % 8) {
		inflatePrime(&z, 8 - (int)(bit % 8), *z.next_in >> bit % 8);
		z.next_in++;
		z.avail_in--;
	}
	z.next_out = out;
	z.avail_out = sizeof out;
	status = inflate(&z, Z_TREES);
	*bits = (uint64_t)(z.next_in - in.data) * 8 - (unsigned)(z.data_type & 63) - bit;
	*wrong = status == Z_DATA_ERROR ? z.msg : NULL;
	inflateEnd(&z);
	/* Z_BUF_ERROR only says that no byte was taken: the bits given before were enough. */
	return status == Z_DATA_ERROR ? -1 : z.data_type & 256 ? 1 : 0;
}

/* Compares, with the header at the end of memory of its own. Returns the verdict. */
static int check_head(struct bytes in, uint64_t bit, struct ccp_inflate_tables *tables)
{
	struct ccp_inflate_head head;
	uint8_t *copy = help_alloc(in.len);
	const char *right, *ours, *again;
	uint64_t bits;
	int expected = zlib_head(in, bit, &bits, &right), got;

	memcpy(copy, in.data, in.len);
	got = ccp_inflate_read_head(copy, in.len, bit, &head, tables, &ours);
	cr_assert_eq(got, expected, "%d (%s), expected %d (%s)", got, ours ? ours : "-", expected, right ? right : "-");
	if (right)
		cr_assert_str_eq(ours, right);
	else
		cr_assert_null(ours);
	if (got == 1)
		cr_assert_eq(head.bits, bits);
	cr_assert_eq(ccp_inflate_read_head(copy, in.len, bit, &head, NULL, &again), got);
	cr_assert_eq(ours, again);
	free(copy);
	return got;
}

/* A complete code of `symbols` words, at most `longest` bits, by splitting. 0 or 1 symbols: no code, or one bit. */
static void random_code(uint8_t *lens, unsigned total, unsigned symbols, unsigned longest, uint64_t *seed)
{
	uint8_t words[320] = { 0 };
	unsigned n = 1;

	memset(lens, 0, total);
	while (n < symbols) {
		/* Deep codes are as likely as flat ones. */
		unsigned i = help_random(seed) % 3 ? n - 1 : (unsigned)(help_random(seed) % n);

		for (unsigned tries = 0; words[i] == longest && tries < n; tries++)
			i = (i + 1) % n;
		if (words[i] == longest)
			break;
		words[i]++;
		words[n++] = words[i];
	}
	if (symbols == 1)
		words[0] = 1;
	for (unsigned i = 0; i < n && symbols > 0; i++) {
		unsigned at;

		do
			at = (unsigned)(help_random(seed) % total);
		while (lens[at]);
		lens[at] = words[i];
	}
}

/* Writes a dynamic header: code lengths with 13 words of 4 bits and 6 of 5, runs by 16 to 18 now and then. */
static void write_head(struct bit_writer *w, const uint8_t *lens, unsigned lits, unsigned dists, uint64_t *seed)
{
	static const uint8_t order[19] = { 16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15 };

	help_bits(w, 4, 3);
	help_bits(w, lits - 257, 5);
	help_bits(w, dists - 1, 5);
	help_bits(w, 15, 4);
	for (unsigned i = 0; i < 19; i++)
		help_bits(w, order[i] < 13 ? 4 : 5, 3);
	for (unsigned i = 0; i < lits + dists;) {
		unsigned symbol = lens[i], run = 1;

		while (i + run < lits + dists && lens[i + run] == symbol)
			run++;
		if (symbol == 0 && run >= 11 && help_random(seed) % 4) {
			run = run > 138 ? 138 : run;
			help_word(w, 26 + 18 - 13, 5);
			help_bits(w, run - 11, 7);
		} else if (symbol == 0 && run >= 3 && help_random(seed) % 4) {
			run = run > 10 ? 10 : run;
			help_word(w, 26 + 17 - 13, 5);
			help_bits(w, run - 3, 3);
		} else if (i > 0 && lens[i - 1] == symbol && run >= 3 && help_random(seed) % 4) {
			run = run > 6 ? 6 : run;
			help_word(w, 26 + 16 - 13, 5);
			help_bits(w, run - 3, 2);
		} else {
			run = 1;
			help_word(w, symbol < 13 ? symbol : 26 + symbol - 13, symbol < 13 ? 4 : 5);
		}
		i += run;
	}
}

/* All words of a code, looked up with nothing but its own bits set and with all others set. */
static void check_table(const uint32_t *table, unsigned index, const uint8_t *lens, unsigned symbols, bool is_lit)
{
	unsigned word = 0;

	for (unsigned len = 1; len <= 15; len++, word <<= 1) {
		for (unsigned symbol = 0; symbol < symbols; symbol++) {
			uint32_t low = 0;

			if (lens[symbol] != len)
				continue;
			for (unsigned i = 0; i < len; i++)
				low |= (word >> (len - 1 - i) & 1) << i;
			word++;
			for (unsigned ones = 0; ones < 2; ones++) {
				uint32_t bits = ones ? low | ~0u << len : low;
				uint32_t e = table[bits & ((1u << index) - 1)];
				unsigned first = 0;

				if ((e & CCP_ENTRY_ODD) && (e & CCP_ENTRY_POINTER)) {
					cr_assert_eq(e & 0xff, index);
					first = index;
					e = table[(e >> 16) + (bits >> index & ((1u << (e >> 8 & 31)) - 1))];
				}
				cr_assert_eq(first + (e >> 8 & 31), len, "symbol %u", symbol);
				cr_assert_eq(!!(e & CCP_ENTRY_LITERAL), is_lit && symbol < 256);
				cr_assert_eq(!!(e & CCP_ENTRY_ODD), is_lit && symbol == 256);
				cr_assert_eq(!!(e & CCP_ENTRY_END), is_lit && symbol == 256);
				if (is_lit && symbol < 256)
					cr_assert_eq(e >> 16 & 0x7fff, symbol);
				cr_assert_leq(first + (e & 0xff), len + (is_lit ? 5u : 13u));
			}
		}
	}
}

/* Each entry against one or two look-ups of single literals. Returns the number of pairs. */
static unsigned check_pairs(const struct ccp_inflate_tables *t)
{
	unsigned pairs = 0;

	for (unsigned i = 0; i < 1u << CCP_INFLATE_PAIR_BITS; i++) {
		const unsigned mask = (1u << CCP_INFLATE_LIT_BITS) - 1;
		uint32_t e = t->pairs[i], first = t->lit[i & mask], second;

		if (!(e & CCP_ENTRY_LITERAL) || !(e & CCP_ENTRY_PAIR)) {
			cr_assert_eq(e, first);
			continue;
		}
		pairs++;
		second = t->lit[i >> (first & 0xff) & mask];
		cr_assert(first & second & CCP_ENTRY_LITERAL);
		cr_assert_eq(e & 0xff, (first & 0xff) + (second & 0xff));
		cr_assert_leq(e & 0xff, CCP_INFLATE_PAIR_BITS);
		cr_assert_eq(e >> 16 & 0xff, first >> 16 & 0xff);
		cr_assert_eq(e >> 8 & 0xff, second >> 16 & 0xff);
	}
	return pairs;
}

Test(inflate_tables, pair_literals_with_short_codes)
{
	struct bytes plain = help_content(CONTENT_RANDOM, 60000, 9), in;
	struct ccp_inflate_tables *tables = help_alloc(sizeof *tables);
	struct ccp_inflate_head head;
	const char *wrong;

	tables->fixed = false;
	in = help_stream(plain, 5); /* 8 bits a literal */
	cr_assert_eq(ccp_inflate_read_head(in.data, in.len, 0, &head, tables, &wrong), 1);
	cr_assert(head.type != CCP_BLOCK_DYNAMIC || !tables->paired);
	free(in.data);
	for (size_t i = 0; i < plain.len; i++)
		plain.data[i] = (uint8_t)('A' + plain.data[i] % 64);
	in = help_stream(plain, 0);
	cr_assert_eq(ccp_inflate_read_head(in.data, in.len, 0, &head, tables, &wrong), 1);
	cr_assert_eq(head.type, CCP_BLOCK_DYNAMIC);
	cr_assert(tables->paired);
	cr_assert_gt(check_pairs(tables), 2048);
	ccp_inflate_read_head((const uint8_t *)"\3", 1, 0, &head, tables, &wrong);
	cr_assert(!tables->paired);
	free(in.data);
	free(plain.data);
	free(tables);
}

Test(inflate_tables, judge_headers_as_zlib_does)
{
	struct ccp_inflate_tables *tables = help_alloc(sizeof *tables);
	unsigned seen[3] = { 0 };
	uint64_t seed = 4711;

	for (unsigned round = 0; round < 4000; round++) {
		unsigned lits = 257 + (unsigned)(help_random(&seed) % 30);
		unsigned dists = 1 + (unsigned)(help_random(&seed) % 30);
		unsigned deep = help_random(&seed) % 3 ? 15 : 9;
		uint8_t lens[320];
		struct bit_writer w = { 0 };
		uint64_t bit = help_random(&seed) % 11;
		int found;

		random_code(lens, lits, 1 + (unsigned)(help_random(&seed) % (lits / 2)), deep, &seed);
		random_code(lens + lits, dists, (unsigned)(help_random(&seed) % (dists / 2 + 2)), deep, &seed);
		if (lens[256] == 0 && help_random(&seed) % 8) {
			unsigned i = 0;

			while (lens[i] == 0)
				i++;
			lens[256] = lens[i];
			lens[i] = 0;
		}
		if (help_random(&seed) % 8 == 0) /* no code any more, mostly */
			lens[help_random(&seed) % (lits + dists)] = (uint8_t)(help_random(&seed) % 16);
		help_bits(&w, 0, (unsigned)bit);
		write_head(&w, lens, lits, dists, &seed);
		if (help_random(&seed) % 4 == 0)
			w.to.data[help_random(&seed) % (help_random(&seed) % 2 ? 10 : w.to.len)] ^=
				(uint8_t)(1u << help_random(&seed) % 8);
		else if (check_head(w.to, bit, tables) == 1) {
			check_table(tables->lit, CCP_INFLATE_LIT_BITS, lens, lits, true);
			check_table(tables->dist, CCP_INFLATE_DIST_BITS, lens + lits, dists, false);
		}
		found = check_head(w.to, bit, tables);
		seen[found + 1]++;
		for (size_t len = w.to.len; round % 40 == 0 && len > 2; len--)
			check_head((struct bytes){ w.to.data, len - 1, 0 }, bit, tables);
		free(w.to.data);
	}
	cr_assert_gt(seen[0], 200);
	cr_assert_gt(seen[2], 1000);
	free(tables);
}

Test(inflate_tables, judge_random_bits_as_zlib_does)
{
	struct bytes in = help_content(CONTENT_RANDOM, 20000, 5);
	struct ccp_inflate_tables *tables = help_alloc(sizeof *tables);

	tables->fixed = false;
	for (uint64_t bit = 0; bit < in.len * 8 - 16; bit++) {
		size_t rest = in.len - bit / 8;

		check_head((struct bytes){ in.data + bit / 8, rest < 400 ? rest : 400, 0 }, bit % 8, tables);
	}
	free(tables);
	free(in.data);
}

Test(inflate_tables, fixed_ones_have_entries_that_do_not_exist)
{
	struct ccp_inflate_tables *tables = help_alloc(sizeof *tables);
	struct ccp_inflate_head head;
	const char *wrong;
	unsigned odd = 0;

	tables->fixed = false;
	cr_assert_eq(ccp_inflate_read_head((const uint8_t *)"\x30", 1, 4, &head, tables, &wrong), 1);
	cr_assert_eq(head.type, CCP_BLOCK_FIXED);
	cr_assert_eq(head.bits, 3);
	cr_assert(head.final);
	cr_assert(tables->fixed);
	for (unsigned i = 0; i < 1u << CCP_INFLATE_LIT_BITS; i++)
		odd += (tables->lit[i] & (CCP_ENTRY_ODD | CCP_ENTRY_END | CCP_ENTRY_POINTER)) == CCP_ENTRY_ODD;
	cr_assert_eq(odd, 2 << (CCP_INFLATE_LIT_BITS - 8));
	for (unsigned i = 0; i < 32; i++)
		cr_assert_eq(!!(tables->dist[i] & CCP_ENTRY_ODD), i == 15 || i == 31); /* 30 and 31, first bit lowest */
	/* Built once: what is there is not touched. */
	tables->lit[0] = 42;
	ccp_inflate_read_head((const uint8_t *)"\x03", 1, 0, &head, tables, &wrong);
	cr_assert_eq(tables->lit[0], 42);
	free(tables);
}
