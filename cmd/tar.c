/* tar.c: the command tar: which of its three works is meant. */
#include "cmd/tar.h"

#include "cmd/commands.h"

static int run_tar(struct ccp_settings *settings)
{
	switch (settings->tar.mode) {
	case 'c':
		return ccp_tar_create(settings);
	case 't':
	case 'x':
		return ccp_tar_extract(settings);
	default:
		return ccp_usage_error(settings, "tar: one of -c, -t and -x is needed");
	}
}

const struct ccp_command ccp_command_tar = {
	.name = "tar",
	.help = "write an archive of files and directories, list one, or unpack it",
	.operands = " -c|-t|-x [-f ARCHIVE] [FILE]...",
	.bit = CCP_FOR_TAR,
	.run = run_tar,
};
