/* gzip.c: the commands gzip and gunzip, and the persona of GNU gzip, which is gzip with other options and words. */
#include "cmd/codec.h"
#include "cmd/commands.h"

static int run_gzip(struct ccp_settings *settings)
{
	return ccp_codec_main(settings);
}

static int run_gunzip(struct ccp_settings *settings)
{
	settings->decompress = 1;
	return ccp_codec_main(settings);
}

const struct ccp_command ccp_command_gzip = {
	.name = "gzip",
	.help = "compress files, or standard input",
	.operands = " [FILE]...",
	.bit = CCP_FOR_GZIP,
	.run = run_gzip,
};

const struct ccp_command ccp_command_gunzip = {
	.name = "gunzip",
	.help = "decompress files, or standard input",
	.operands = " [FILE]...",
	.bit = CCP_FOR_GUNZIP,
	.run = run_gunzip,
};
