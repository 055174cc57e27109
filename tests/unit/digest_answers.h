/*
 * digest_answers.h: what digests are of known inputs, by the documents of the algorithms.
 */
#ifndef CCP_TESTS_UNIT_DIGEST_ANSWERS_H
#define CCP_TESTS_UNIT_DIGEST_ANSWERS_H

#include <stddef.h>

#define TEXT(text) text, sizeof(text) - 1
#define TWO_BLOCKS_64 "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"
#define TWO_BLOCKS_128 \
	"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn" \
	"hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"
#define SANITY(len) NULL, len /* so much of xxHash's own buffer */

struct answer {
	const char *name;
	size_t bytes;
	const char *text;
	size_t len, times;
	const char *hex;
};

/* clang-format off */
static const struct answer answers[] = {
	/* FIPS 180-4, the examples that NIST has for it: one block, two blocks, and a million times "a". */
	{ "sha256", 32, TEXT("abc"), 1,
	  "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "sha256", 32, TEXT(TWO_BLOCKS_64), 1,
	  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
	{ "sha256", 32, TEXT("a"), 1000000,
	  "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0" },
	{ "sha224", 28, TEXT("abc"), 1,
	  "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7" },
	{ "sha224", 28, TEXT(TWO_BLOCKS_64), 1,
	  "75388b16512776cc5dba5da1fd890150b0c6455cb4f58b1952522525" },
	{ "sha224", 28, TEXT("a"), 1000000,
	  "20794655980c91d8bbb4c1ea97618a4bf03f42581948b2ee4ee7ad67" },
	{ "sha512", 64, TEXT("abc"), 1,
	  "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
	  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
	{ "sha512", 64, TEXT(TWO_BLOCKS_128), 1,
	  "8e959b75dae313da8cf4f72814fc143f8f7779c6eb9f7fa17299aeadb6889018"
	  "501d289e4900f7e4331b99dec4b5433ac7d329eeb6dd26545e96e55b874be909" },
	{ "sha512", 64, TEXT("a"), 1000000,
	  "e718483d0ce769644e2e42c7bc15b4638e1f98b13b2044285632a803afa973eb"
	  "de0ff244877ea60a4cb0432ce577c31beb009c5c2c49aa2e4eadb217ad8cc09b" },
	{ "sha384", 48, TEXT("abc"), 1,
	  "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
	  "8086072ba1e7cc2358baeca134c825a7" },
	{ "sha384", 48, TEXT(TWO_BLOCKS_128), 1,
	  "09330c33f71147e83d192fc782cd1b4753111b173b3b05d22fa08086e3b0f712"
	  "fcc7c71a557e2db966c3e9fa91746039" },
	{ "sha384", 48, TEXT("a"), 1000000,
	  "9d0e1809716474cb086e834e310a4a1ced149e9c00f248527972cec5704c2a5b"
	  "07b8b3dc38ecc4ebae97ddd87f3d8985" },
	{ "sha1", 20, TEXT("abc"), 1,
	  "a9993e364706816aba3e25717850c26c9cd0d89d" },
	{ "sha1", 20, TEXT(TWO_BLOCKS_64), 1,
	  "84983e441c3bd26ebaae4aa1f95129e5e54670f1" },
	{ "sha1", 20, TEXT("a"), 1000000,
	  "34aa973cd4c4daa4f61eeb2bdbad27316534016f" },
	/* RFC 1321, A.5. */
	{ "md5", 16, TEXT(""), 1,
	  "d41d8cd98f00b204e9800998ecf8427e" },
	{ "md5", 16, TEXT("a"), 1,
	  "0cc175b9c0f1b6a831c399e269772661" },
	{ "md5", 16, TEXT("abc"), 1,
	  "900150983cd24fb0d6963f7d28e17f72" },
	{ "md5", 16, TEXT("message digest"), 1,
	  "f96b697d7cb7938d525a2f31aaf161d0" },
	{ "md5", 16, TEXT("abcdefghijklmnopqrstuvwxyz"), 1,
	  "c3fcd3d76192e4007dfb496cca67e13b" },
	{ "md5", 16, TEXT("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"), 1,
	  "d174ab98d277d9f5a5611c2c9f419d9f" },
	{ "md5", 16, TEXT("1234567890"), 8,
	  "57edf4a22be3c955ac49da2e2107b67a" },
	/* RFC 7693, appendix A; the others are what b2sum of GNU coreutils 9.1 says. */
	{ "blake2b", 64, TEXT("abc"), 1,
	  "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
	  "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923" },
	{ "blake2b", 1, TEXT("abc"), 1, "6b" },
	{ "blake2b", 20, TEXT("abc"), 1, "384264f676f39536840523f284921cdc68b6846b" },
	{ "blake2b", 32, TEXT("abc"), 1,
	  "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319" },
	{ "blake2b", 64, TEXT(""), 1,
	  "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419"
	  "d25e1031afee585313896444934eb04b903a685b1448b755d56f701afe9be2ce" },
	{ "blake2b", 64, TEXT("a"), 1000000,
	  "98fb3efb7206fd19ebf69b6f312cf7b64e3b94dbe1a17107913975a793f177e1"
	  "d077609d7fba363cbba00d05f7aa4e4fa8715d6428104c0a75643b0ff3fd3eaf" },
	/* The check value that catalogues of CRCs have. */
	{ "crc32", 4, TEXT("123456789"), 1, "cbf43926" },
	{ "crc32", 4, TEXT(""), 1, "00000000" },
	{ "crc32c", 4, TEXT("123456789"), 1, "e3069283" },
	/* RFC 3720, B.4, which has the bytes of the sums from the last to the first. */
	{ "crc32c", 4, TEXT("\x00"), 32, "8a9136aa" },
	{ "crc32c", 4, TEXT("\xff"), 32, "62a8ab43" },
	{ "crc32c", 4, TEXT("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
			    "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"), 1, "46dd794e" },
	{ "crc32c", 4, TEXT("\x1f\x1e\x1d\x1c\x1b\x1a\x19\x18\x17\x16\x15\x14\x13\x12\x11\x10"
			    "\x0f\x0e\x0d\x0c\x0b\x0a\x09\x08\x07\x06\x05\x04\x03\x02\x01\x00"), 1, "113fdb5c" },
	{ "crc32c", 4, TEXT("\x01\xc0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x14\0\0\0\0\0\x04\0\0\0\0\x14\0\0\0\x18"
			    "\x28\0\0\0\0\0\0\0\x02\0\0\0\0\0\0\0"), 1, "d9963a56" },
	/* RFC 1950 by hand, and a sum that runs over many times. */
	{ "adler32", 4, TEXT("Wikipedia"), 1, "11e60398" },
	{ "adler32", 4, TEXT(""), 1, "00000001" },
	{ "adler32", 4, TEXT("a"), 1000000, "15d870f9" },
	/* 930766865, 4294967295, 1219131554 and 3401932319 as cksum of GNU coreutils 9.1 says it. */
	{ "cksum", 4, TEXT("123456789"), 1, "377a6011" },
	{ "cksum", 4, TEXT(""), 1, "ffffffff" },
	{ "cksum", 4, TEXT("abc"), 1, "48aa78a2" },
	{ "cksum", 4, TEXT("a"), 1000000, "cac55e1f" },
	/* The sanity check of xxhsum 0.8.1, those without a seed: each way that the algorithms have by length. */
	{ "xxh64", 8, SANITY(0), 1, "ef46db3751d8e999" },
	{ "xxh64", 8, SANITY(1), 1, "e934a84adb052768" },
	{ "xxh64", 8, SANITY(4), 1, "9136a0dca57457ee" },
	{ "xxh64", 8, SANITY(14), 1, "8282dcc4994e35c8" },
	{ "xxh64", 8, SANITY(222), 1, "b641ae8cb691c174" },
	{ "xxh3", 8, SANITY(0), 1, "2d06800538d394c2" },
	{ "xxh3", 8, SANITY(1), 1, "c44bdff4074eecdb" },
	{ "xxh3", 8, SANITY(6), 1, "27b56a84cd2d7325" },
	{ "xxh3", 8, SANITY(12), 1, "a713daf0dfbb77e7" },
	{ "xxh3", 8, SANITY(24), 1, "a3fe70bf9d3510eb" },
	{ "xxh3", 8, SANITY(48), 1, "397da259ecba1f11" },
	{ "xxh3", 8, SANITY(80), 1, "bcdefbbb2c47c90a" },
	{ "xxh3", 8, SANITY(195), 1, "cd94217ee362ec3a" },
	{ "xxh3", 8, SANITY(403), 1, "cdeb804d65c6dea4" },
	{ "xxh3", 8, SANITY(512), 1, "617e49599013cb6b" },
	{ "xxh3", 8, SANITY(2048), 1, "dd59e2c3a5f038e0" },
	{ "xxh3", 8, SANITY(2240), 1, "6e73a90539cf2948" },
	{ "xxh3", 8, SANITY(2367), 1, "cb37aeb9e5d361ed" },
	{ "xxh128", 16, SANITY(0), 1, "99aa06d3014798d86001c324468d497f" },
	{ "xxh128", 16, SANITY(1), 1, "a6cd5e9392000f6ac44bdff4074eecdb" },
	{ "xxh128", 16, SANITY(6), 1, "082afe0b8162d12a3e7039bdda43cfc6" },
	{ "xxh128", 16, SANITY(12), 1, "6e3efd8fc7802b18061a192713f69ad9" },
	{ "xxh128", 16, SANITY(24), 1, "0ce966e4678d37611e7044d28b1b901d" },
	{ "xxh128", 16, SANITY(48), 1, "a002ac4e5478227ef942219aed80f67b" },
	{ "xxh128", 16, SANITY(81), 1, "4952f58181ab00425e8bafb9f95fb803" },
	{ "xxh128", 16, SANITY(222), 1, "337e09641b948717f1aebd597cec6b3a" },
	{ "xxh128", 16, SANITY(403), 1, "1b6de21e332dd73dcdeb804d65c6dea4" },
	{ "xxh128", 16, SANITY(512), 1, "18d2d110dcc9bca1617e49599013cb6b" },
	{ "xxh128", 16, SANITY(2048), 1, "f736557fd47073a5dd59e2c3a5f038e0" },
	{ "xxh128", 16, SANITY(2240), 1, "ccb134fbfa7ce49d6e73a90539cf2948" },
	{ "xxh128", 16, SANITY(2367), 1, "e89c0f6ff369b427cb37aeb9e5d361ed" },
};
/* clang-format on */

#endif
