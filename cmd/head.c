/* head.c: the command head: the beginning of each input, or all but its end. */
#include "cmd/commands.h"
#include "cmd/ends.h"

static int run(struct ccp_settings *s)
{
	const struct ccp_ends_settings *said = &s->ends;
	const struct ccp_ends_want want = {
		.kind = said->sign == '-' ? CCP_ENDS_BUT_LAST : CCP_ENDS_FIRST,
		.bytes = said->bytes,
		.count = said->said ? said->count : 10,
		.end = said->null_lines ? '\0' : '\n',
	};

	return ccp_ends_main(s, &want);
}

const struct ccp_command ccp_command_head = {
	.name = "head",
	.help = "print the first lines of files, decompressed if they are compressed",
	.operands = " [FILE]...",
	.bit = CCP_FOR_HEAD,
	.run = run,
};
