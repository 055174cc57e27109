/* library.c: dlopen, and dlsym for each name of a table; see library.h. */
#include "pipeline/library.h"

#include <dlfcn.h>
#include <string.h>

void *ccp_library_open(const char *const *names)
{
	void *library = NULL;

	for (; *names != NULL && library == NULL; names++)
		library = dlopen(*names, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
	return library;
}

const char *ccp_library_find(void *library, const struct ccp_library_call *calls, size_t count, void *table)
{
	for (size_t i = 0; i < count; i++) {
		void *call = dlsym(library, calls[i].name);

		if (call == NULL)
			return calls[i].name;
		/* not by assignment: C has no conversion of a pointer to data to one to a function */
		memcpy((char *)table + calls[i].at, &call, sizeof call);
	}
	return NULL;
}
