/* tail.c: the command tail: the end of each input, or all but its beginning. */
#include "cmd/commands.h"
#include "cmd/ends.h"

static int run(struct ccp_settings *s)
{
	const struct ccp_ends_settings *said = &s->ends;
	bool past = said->sign == '+';
	const struct ccp_ends_want want = {
		.kind = past ? CCP_ENDS_PAST : CCP_ENDS_LAST,
		.bytes = said->bytes,
		/* +N begins with line N, and the first line has the number 1 */
		.count = !said->said ? 10 : past && said->count > 0 ? said->count - 1 : said->count,
		.end = said->null_lines ? '\0' : '\n',
	};

	/* nothing is to be printed, and GNU tail does not even look for the files */
	if (ccp_ends_is_nothing(&want))
		return CCP_EXIT_OK;
	return ccp_ends_main(s, &want);
}

const struct ccp_command ccp_command_tail = {
	.name = "tail",
	.help = "print the last lines of files, decompressed if they are compressed",
	.operands = " [FILE]...",
	.bit = CCP_FOR_TAIL,
	.run = run,
};
