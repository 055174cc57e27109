/*
 * library.h: libraries that are not linked, but loaded when something first needs them, and their calls in a struct.
 */
#ifndef CCP_PIPELINE_LIBRARY_H
#define CCP_PIPELINE_LIBRARY_H

#include <stddef.h>

/* A call's name in the library, and where in the struct the pointer to it stands (offsetof). */
struct ccp_library_call {
	const char *name;
	size_t at;
};

/*
 * Loads the first of these files that is there; their names end with a NULL. It stays loaded, however often it is
 * asked for, and its names are seen by nobody else. Returns NULL if there is none: dlerror() says why not the last.
 * Threads: any.
 */
void *ccp_library_open(const char *const *names);

/*
 * Looks all calls up and writes the pointers to `table`. Returns NULL, or the name of the first one that the library
 * does not have. Threads: any.
 */
const char *ccp_library_find(void *library, const struct ccp_library_call *calls, size_t count, void *table);

#endif
