/*
 * incompressible.h: whether it is worth while to compress a chunk at all.
 */
#ifndef CCP_PIPELINE_CODEC_INCOMPRESSIBLE_H
#define CCP_PIPELINE_CODEC_INCOMPRESSIBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Whether deflate would make in[0, len) less than about 1 % smaller, as it is with random and with compressed data.
 * Shape: depends on the bytes alone. When in doubt, and always below 16 KiB, the answer is no. About 7 GB/s if the
 * answer is yes; a few windows of 256 bytes are looked at if the data does compress.
 */
bool ccp_is_incompressible(const uint8_t *in, size_t len);

#endif
