/* test.c: the command test: gzip -t. */
#include "cmd/codec.h"
#include "cmd/commands.h"

static int run(struct ccp_settings *settings)
{
	settings->decompress = settings->to_stdout = settings->test = 1;
	return ccp_codec_main(settings);
}

const struct ccp_command ccp_command_test = {
	.name = "test",
	.help = "test the integrity of compressed files",
	.operands = " [FILE]...",
	.bit = CCP_FOR_TEST,
	.run = run,
};
