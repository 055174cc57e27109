/*
 * rsync.h: where to cut content so that a change in one place leaves the pieces elsewhere as they were.
 */
#ifndef CCP_PIPELINE_CODEC_RSYNC_H
#define CCP_PIPELINE_CODEC_RSYNC_H

#include <stddef.h>
#include <stdint.h>

#define CCP_RSYNC_MIN 2048u
#define CCP_RSYNC_MAX 262144u

/*
 * The length of the first piece of in[0, len): 32 KiB and some in the mean, from CCP_RSYNC_MIN to CCP_RSYNC_MAX, or
 * len if that is less. Whether it ends at a place depends on the 64 bytes before it alone.
 */
size_t ccp_rsync_cut(const uint8_t *in, size_t len);

#endif
