/* SPDX-License-Identifier: ISC */
/* fake_queue.c: what <earshot/ear.h> says of stored messages, without an engine. */
#include <string.h>

#include "fake_ear.h"

const char *
ear_queued_state_name(enum ear_queued_state state)
{
	static const char *const names[] = { "waiting", "sent", "failed" };

	return names[state];
}

int
ear_each_queued(struct ear *ear, const char *to, ear_queued_fn *fn, void *arg, const char **error)
{
	*error = ear->queue.error;
	for (size_t i = 0; ear->queue.rc == 0 && i < ear->queue.count; i++)
		if (to == NULL || strcmp(ear->queue.items[i].to, to) == 0)
			fn(arg, &ear->queue.items[i]);
	return ear->queue.rc;
}

/* Tells how many it would have been; they stay. */
int
ear_drop_queued(struct ear *ear, const char *who, size_t *count, const char **error)
{
	*count = 0;
	*error = ear->queue.error;
	for (size_t i = 0; i < ear->queue.count; i++)
		*count += strcmp(ear->queue.items[i].to, who) == 0 ||
			  strcmp(ear->queue.items[i].id, who) == 0;
	return ear->queue.rc;
}
