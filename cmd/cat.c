/* cat.c: the command cat: what is compressed is decoded, the rest is copied, all in order. */
#include "cmd/codec.h"
#include "cmd/commands.h"

static int run(struct ccp_settings *settings)
{
	settings->decompress = settings->to_stdout = settings->passthrough = 1;
	return ccp_codec_main(settings);
}

const struct ccp_command ccp_command_cat = {
	.name = "cat",
	.help = "write files to standard output in order, decompressed if they are compressed",
	.operands = " [FILE]...",
	.bit = CCP_FOR_CAT,
	.run = run,
};
