/*
 * codec.h: what gzip, gunzip, cat, test and list have in common: from settings to runs.
 */
#ifndef CCP_CMD_CODEC_H
#define CCP_CMD_CODEC_H

#include "cmd/options.h"

/* Does what the settings say. Returns the exit status. */
int ccp_codec_main(struct ccp_settings *settings);

#endif
