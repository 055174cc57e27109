/*
 * look.h: a run that writes nothing, but looks at what is in its inputs, which are decoded if they are compressed.
 */
#ifndef CCP_CMD_LOOK_H
#define CCP_CMD_LOOK_H

#include "cmd/options.h"
#include "pipeline/fold.h"
#include "pipeline/run.h"

/* What becomes of trouble with an input: it is told; it only counts for the exit status; or not even that. */
enum ccp_look_hush { CCP_LOOK_TELL, CCP_LOOK_HUSH, CCP_LOOK_PARDON };

/* What a command looks for. Borrowed during the run. */
struct ccp_look_for {
	const struct ccp_fold_ops *fold;
	const void *fold_options;
	struct ccp_collector collector;
	bool apart; /* the collector prints nothing, but may wait for long: it is called beside the others */
	/*
	 * Called for every input in the order of the names, after its end was collected, or instead of it; NULL: errors
	 * are told and that is all. Threads: any; no call of this struct comes beside another one.
	 */
	void (*result)(void *arg, const struct ccp_result *result);
	void *arg;
	/* asked of an input that something is wrong with; NULL: all is told */
	enum ccp_look_hush (*hush)(const struct ccp_settings *settings, const struct ccp_result *result);
	/* a stream that falls silent is looked at as far as it has come, and printed: source.h tells for whom */
	bool lulls;
	const int *stopped; /* set once the command has what it wanted: a run that was cancelled for that went well */
};

/*
 * Runs: names, or standard input if there are none. What cannot be read is told on standard error. Returns the exit
 * status: 0, 1 if an input failed, 2 if one was passed over, or that of a message.
 */
int ccp_look(struct ccp_settings *settings, const struct ccp_look_for *look);

#endif
