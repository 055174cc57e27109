/*
 * counters.c: a sorted list, since there are few of them, and bisection, since there may be many reports.
 */
#include "pipeline/mr/counters.h"

#include <stdlib.h>
#include <string.h>

static int compare(const struct ccp_mr_counter *counter, const char *name, size_t len)
{
	int result = memcmp(counter->name, name, counter->len < len ? counter->len : len);

	return result != 0 ? result : (counter->len > len) - (counter->len < len);
}

int ccp_mr_counters_add(struct ccp_mr_counters *counters, const char *name, size_t len, struct ccp_mr_number amount,
			struct ccp_err *err)
{
	struct ccp_mr_counter *list = counters->list;
	size_t low = 0, high = counters->count;
	char *copy;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = compare(&list[middle], name, len);

		if (order == 0) {
			struct ccp_mr_number sum = list[middle].amount;

			if (!ccp_mr_number_add(&sum, amount))
				return CCP_MR_PLAIN;
			list[middle].amount = sum;
			return CCP_MR_COUNTER;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (counters->count == counters->room) {
		size_t room = counters->room * 2 + 16;

		list = reallocarray(list, room, sizeof *list);
		if (list == NULL)
			return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for counters");
		counters->list = list;
		counters->room = room;
	}
	copy = malloc(len + 1); /* not strndup(3), which may look beyond for an end */
	if (copy == NULL)
		return ccp_err_set(err, CCP_E_NO_MEMORY, "no memory for counters");
	memcpy(copy, name, len);
	copy[len] = '\0';
	memmove(list + low + 1, list + low, (counters->count - low) * sizeof *list);
	list[low] = (struct ccp_mr_counter){ copy, len, amount };
	counters->count++;
	return CCP_MR_COUNTER;
}

int ccp_mr_counters_line(struct ccp_mr_counters *counters, const char *line, size_t len, const char **message,
			 struct ccp_err *err)
{
	static const char counter[] = "reporter:counter:", status[] = "reporter:status:";
	const char *name = line + sizeof counter - 1, *comma, *last, *stop = line + len;
	struct ccp_mr_number amount;

	if (len >= sizeof status - 1 && memcmp(line, status, sizeof status - 1) == 0) {
		*message = line + sizeof status - 1;
		return CCP_MR_STATUS;
	}
	if (len < sizeof counter - 1 || memcmp(line, counter, sizeof counter - 1) != 0 ||
	    memchr(line, '\0', len) != NULL)
		return CCP_MR_PLAIN;
	comma = memchr(name, ',', (size_t)(stop - name));
	last = comma != NULL ? memchr(comma + 1, ',', (size_t)(stop - comma - 1)) : NULL;
	if (last == NULL || ccp_mr_number_read((const uint8_t *)last + 1, (size_t)(stop - last - 1), &amount) != 0 ||
	    amount.high != (amount.low >> 63 != 0 ? -1 : 0))
		return CCP_MR_PLAIN;
	return ccp_mr_counters_add(counters, name, (size_t)(last - name), amount, err);
}

void ccp_mr_counters_free(struct ccp_mr_counters *counters)
{
	for (size_t i = 0; i < counters->count; i++)
		free(counters->list[i].name);
	free(counters->list);
	*counters = (struct ccp_mr_counters){ 0 };
}
