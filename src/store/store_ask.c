/* SPDX-License-Identifier: ISC */
/* store_ask.c: questions and changes on their way, and what they are answered with. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/store_impl.h"

#define CHUNK      ((size_t)4096)
#define FIRST_ROOM 8

/* Texts of an answer, one behind the other. */
struct ask_chunk {
	struct ask_chunk *next;
	size_t used, size;
	char bytes[];
};

size_t
plan_add(struct plan *plan, const struct db_sql *sql, int none, const struct db_value *values,
	 size_t count)
{
	struct db_step *step;

	if (plan->count == plan->room) {
		plan->room = plan->room == 0 ? FIRST_ROOM : plan->room * 2;
		plan->steps = xrealloc(plan->steps, plan->room * sizeof(plan->steps[0]));
	}
	step = &plan->steps[plan->count];
	*step = (struct db_step){ .sql = sql, .count = count, .none = none };
	if (count > 0)
		memcpy(step->values, values, count * sizeof(values[0]));
	return plan->count++;
}

struct ask *
ask_new(struct ear_store *store, void *arg)
{
	struct ask *ask = xalloc(sizeof(*ask));

	ask->store = store;
	ask->arg = arg;
	list_add(&store->asks, &ask->list);
	return ask;
}

static char *
ask_room(struct ask *ask, size_t size)
{
	struct ask_chunk *chunk = ask->chunks;
	size_t room = size > CHUNK ? size : CHUNK;

	if (chunk == NULL || chunk->size - chunk->used < size) {
		chunk = xalloc(sizeof(*chunk) + room);
		chunk->size = room;
		chunk->next = ask->chunks;
		ask->chunks = chunk;
	}
	chunk->used += size;
	return chunk->bytes + chunk->used - size;
}

const char *
ask_copy(struct ask *ask, const char *text)
{
	size_t size;

	if (text == NULL)
		return NULL;
	size = strlen(text) + 1;
	return memcpy(ask_room(ask, size), text, size);
}

const char *
ask_bare(struct ask *ask, const char *jid)
{
	size_t length = strcspn(jid, "/");
	char *bare = ask_room(ask, length + 1);

	memcpy(bare, jid, length);
	bare[length] = '\0';
	return bare;
}

static size_t
grown(struct ask *ask)
{
	if (ask->count == ask->room)
		ask->room = ask->room == 0 ? FIRST_ROOM : ask->room * 2;
	return ask->room;
}

struct ear_stored *
ask_row(struct ask *ask)
{
	ask->rows = xrealloc(ask->rows, grown(ask) * sizeof(ask->rows[0]));
	ask->rows[ask->count] = (struct ear_stored){ 0 };
	return &ask->rows[ask->count++];
}

struct ear_stored_event *
ask_event(struct ask *ask)
{
	ask->events = xrealloc(ask->events, grown(ask) * sizeof(ask->events[0]));
	ask->events[ask->count] = (struct ear_stored_event){ 0 };
	return &ask->events[ask->count++];
}

void
ask_answer_changed(struct ask *ask, int error, const char *text)
{
	struct ear_changed changed = { .error = error, .text = text };

	if (ask->fn.changed == NULL)
		return;
	if (error == 0) {
		changed.epoch = ask->numbers[0];
		changed.last = ask->numbers[1];
	}
	ask->fn.changed(ask->arg, &changed);
}

void
ask_answer_events(struct ask *ask, int error, const char *text)
{
	ask->fn.events(ask->arg, error, ask->events, error == 0 ? ask->count : 0);
}

void
ask_answer_rows(struct ask *ask, int error, const char *text)
{
	size_t count = error == 0 ? ask->count : 0;
	struct ear_stored_answer answer = {
		.error = error, .text = text, .rows = ask->rows, .count = count, .total = count
	};

	ask->fn.stored(ask->arg, &answer);
}

void
ask_free(struct ask *ask)
{
	struct ask_chunk *chunk, *next;

	for (chunk = ask->chunks; chunk != NULL; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	list_del(&ask->list);
	free(ask->text);
	free(ask->rows);
	free(ask->events);
	free(ask);
}
