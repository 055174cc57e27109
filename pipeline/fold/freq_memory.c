/*
 * fold/freq_memory.c: memory straight from the kernel, which moves its pages instead of copying them when it grows.
 */
#include <errno.h>
#include <sys/mman.h>

#include "pipeline/fold/freq_store.h"

#define LARGE ((size_t)2 << 20) /* from here on in pages of 2 MiB, if there are any: keys are all over it */

void ccp_freq_memory_reserve(struct ccp_freq_memory *memory, size_t bytes)
{
	void *data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (data != MAP_FAILED)
		*memory = (struct ccp_freq_memory){ .data = data, .reserved = bytes };
}

int ccp_freq_memory_grow(struct ccp_freq_memory *memory, size_t bytes, struct ccp_err *err)
{
	void *data;

	if (bytes <= memory->bytes)
		return 0;
	if (memory->data == NULL)
		data = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	else if (bytes > memory->reserved)
		data = mremap(memory->data, memory->reserved, bytes, MREMAP_MAYMOVE);
	else
		data = memory->data;
	if (data == MAP_FAILED)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for %zu bytes of keys", bytes);
	if (bytes >= LARGE && memory->bytes < LARGE)
		(void)madvise(data, bytes > memory->reserved ? bytes : memory->reserved, MADV_HUGEPAGE);
	memory->data = data;
	memory->bytes = bytes;
	if (memory->reserved < bytes)
		memory->reserved = bytes;
	return 0;
}

void ccp_freq_memory_release(struct ccp_freq_memory *memory)
{
	if (memory->data != NULL)
		munmap(memory->data, memory->reserved);
	*memory = (struct ccp_freq_memory){ 0 };
}
