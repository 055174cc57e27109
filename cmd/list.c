/* list.c: the command list: gzip -l. */
#include "cmd/codec.h"
#include "cmd/commands.h"

static int run(struct ccp_settings *settings)
{
	settings->decompress = settings->to_stdout = settings->list = 1;
	return ccp_codec_main(settings);
}

const struct ccp_command ccp_command_list = {
	.name = "list",
	.help = "list sizes, ratio and name of compressed files",
	.operands = " [FILE]...",
	.bit = CCP_FOR_LIST,
	.run = run,
};
