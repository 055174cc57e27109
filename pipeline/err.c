/* err.c: filling an error value; see err.h. */
#include "pipeline/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void ccp_err_clear(struct ccp_err *err)
{
	err->code = CCP_OK;
	err->sys = 0;
	err->offset = CCP_NO_OFFSET;
	err->text[0] = '\0';
}

static void fill(struct ccp_err *err, enum ccp_code code, int sys, uint64_t offset)
{
	err->code = code;
	err->sys = sys;
	err->offset = offset;
}

int ccp_err_set(struct ccp_err *err, enum ccp_code code, const char *format, ...)
{
	va_list args;

	fill(err, code, 0, CCP_NO_OFFSET);
	va_start(args, format);
	vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	return -1;
}

int ccp_err_at(struct ccp_err *err, enum ccp_code code, uint64_t offset, const char *format, ...)
{
	va_list args;

	fill(err, code, 0, offset);
	va_start(args, format);
	vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	return -1;
}

int ccp_err_sys(struct ccp_err *err, int sys, const char *format, ...)
{
	va_list args;
	char reason[128];
	const char *message = strerror_r(sys, reason, sizeof reason);

	fill(err, CCP_E_SYS, sys, CCP_NO_OFFSET);
	va_start(args, format);
	int n = vsnprintf(err->text, sizeof err->text, format, args);
	va_end(args);
	if (n < 0)
		n = 0;
	if ((size_t)n < sizeof err->text)
		snprintf(err->text + n, sizeof err->text - (size_t)n, "%s%s", n > 0 ? ": " : "", message);
	return -1;
}

void ccp_err_add(struct ccp_err *err, const char *words)
{
	size_t len = strlen(err->text);

	snprintf(err->text + len, sizeof err->text - len, "%s", words);
}
