/*
 * target.h: where an input's output will stand. The name itself is made by ccp_target_name (sink.h).
 */
#ifndef CCP_PIPELINE_TARGET_H
#define CCP_PIPELINE_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "pipeline/err.h"
#include "pipeline/job.h"
#include "pipeline/sink.h"

/*
 * Refuses a target that must not be written: one that exists (without force), a directory, the source itself.
 * It is a courtesy before work is done: what decides is the rename at the end. Costs one lstat.
 * Errors: -1 with CCP_W_EXISTS, CCP_E_NAME (too long for the file system), CCP_E_OTHER or CCP_E_SYS. Threads: any.
 */
int ccp_target_check(const struct ccp_sink_options *options, const struct ccp_input *input, const char *target,
		     struct ccp_err *err);

/*
 * Makes the folders above `target` that are missing, as mkdir -p does (0777 less the umask); with `sync` makes the new
 * entries durable. Errors: -1 with CCP_E_SYS. Threads: any; others may make the same folders at the same time.
 */
int ccp_target_parents(const char *target, bool sync, struct ccp_err *err);

/*
 * Cuts the URL in front of "URL!MEMBER", the name of a member of an archive, down to the name that it has as an input
 * from elsewhere; any other name stays. Shape: `name` has room for PATH_MAX. Errors: -1 with CCP_E_NAME. Threads: any.
 */
int ccp_target_cut_url(char *name, struct ccp_err *err);

/*
 * What an input's target is known by for others that may write it as well: the `key` of sinks that give every input one
 * of its own. With restore_name that is the folder, since the name is known only once the header was read.
 */
uint64_t ccp_target_key(const struct ccp_sink_options *options, const struct ccp_input *input);

/*
 * Whether the path is a link that stands for a descriptor and must never be replaced: "/dev/stdout", "/dev/fd/N",
 * "/proc/self/fd/N". Threads: any.
 */
bool ccp_target_is_descriptor(const char *path);

/* Opens the folder that holds `path`, to sync its entries. Returns a descriptor, or -1 with CCP_E_SYS. Threads: any. */
int ccp_target_open_folder(const char *path, struct ccp_err *err);

#endif
