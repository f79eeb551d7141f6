/* SPDX-License-Identifier: ISC */
/*
 * answers.c: answers as they were written, by sender and id; oldest first, and out when their time
 * is over or others need the room. What is kept is text: a tree is several times as large.
 */
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"
#include "core/answers.h"
#include "wire/parse.h"
#include "wire/writer.h"

struct sender {
	struct list answers; /* of this one, oldest first */
	struct map *by_id;
	char name[];
};

struct answer {
	struct list of_all, of_sender;
	struct sender *sender;
	int64_t at;
	enum answers_state state;
	char *text;
	size_t length; /* of text */
	size_t bytes;  /* that it counts for */
	char id[];
};

struct answers {
	struct ear_clock *clock;
	xmpp_ctx_t *ctx;
	struct list all; /* oldest first */
	size_t count, pending, bytes;
	struct map *senders;
	struct evbuffer *scratch;
	struct ear_timer timer; /* for the oldest, as it was when the timer was set */
};

static struct sender *
sender_get(struct answers *answers, const char *name)
{
	struct sender *sender = map_get(answers->senders, name);
	size_t size = strlen(name) + 1;

	if (sender != NULL)
		return sender;
	sender = xalloc(sizeof(*sender) + size);
	list_init(&sender->answers);
	sender->by_id = map_new();
	memcpy(sender->name, name, size);
	map_set(answers->senders, name, sender);
	return sender;
}

static void
sender_drop(struct answers *answers, struct sender *sender)
{
	map_del(answers->senders, sender->name);
	map_free(sender->by_id);
	free(sender);
}

static void
answer_drop(struct answers *answers, struct answer *answer)
{
	struct sender *sender = answer->sender;

	list_del(&answer->of_all);
	list_del(&answer->of_sender);
	map_del(sender->by_id, answer->id);
	answers->count--;
	answers->pending -= answer->state == ANSWERS_PENDING;
	answers->bytes -= answer->bytes;
	free(answer->text);
	free(answer);
	if (list_is_empty(&sender->answers))
		sender_drop(answers, sender);
}

static struct answer *
oldest(const struct answers *answers)
{
	return container_of(answers->all.next, struct answer, of_all);
}

static void
make_room(struct answers *answers)
{
	while (answers->count > ANSWERS_MAX || answers->bytes > ANSWERS_BYTES_MAX)
		answer_drop(answers, oldest(answers));
}

static void
make_room_of(struct answers *answers, const struct sender *sender)
{
	while (map_count(sender->by_id) > ANSWERS_SENDER_MAX)
		answer_drop(answers, container_of(sender->answers.next, struct answer, of_sender));
}

/* Now it is the youngest. */
static void
renew(struct answers *answers, struct answer *answer)
{
	list_del(&answer->of_all);
	list_del(&answer->of_sender);
	list_add(&answers->all, &answer->of_all);
	list_add(&answer->sender->answers, &answer->of_sender);
	answer->at = ear_now(answers->clock);
}

static struct answer *
find(const struct answers *answers, const char *sender, const char *id)
{
	const struct sender *from = map_get(answers->senders, sender);

	return from == NULL ? NULL : map_get(from->by_id, id);
}

static void
on_age(void *arg)
{
	struct answers *answers = arg;
	int64_t now = ear_now(answers->clock);

	while (answers->count > 0 && oldest(answers)->at + ANSWERS_AGE <= now)
		answer_drop(answers, oldest(answers));
	if (answers->count > 0)
		ear_timer_set(&answers->timer, oldest(answers)->at + ANSWERS_AGE - now);
}

struct answers *
answers_new(struct ear_clock *clock, xmpp_ctx_t *ctx)
{
	struct answers *answers = xalloc(sizeof(*answers));

	answers->clock = clock;
	answers->ctx = ctx;
	list_init(&answers->all);
	answers->senders = map_new();
	answers->scratch = evbuffer_new();
	ear_timer_init(&answers->timer, clock, on_age, answers);
	return answers;
}

void
answers_free(struct answers *answers)
{
	if (answers == NULL)
		return;
	while (answers->count > 0)
		answer_drop(answers, oldest(answers));
	ear_timer_stop(&answers->timer);
	map_free(answers->senders);
	evbuffer_free(answers->scratch);
	free(answers);
}

void
answers_begin(struct answers *answers, const char *sender, const char *id)
{
	struct answer *answer = find(answers, sender, id);
	size_t size = strlen(id) + 1, bytes = size + strlen(sender);

	if (answer != NULL)
		answer_drop(answers, answer);
	if (bytes > ANSWERS_ONE_MAX)
		return;
	answer = xalloc(sizeof(*answer) + size);
	memcpy(answer->id, id, size);
	answer->state = ANSWERS_PENDING;
	answer->sender = sender_get(answers, sender);
	list_init(&answer->of_all);
	list_init(&answer->of_sender);
	renew(answers, answer);
	map_set(answer->sender->by_id, id, answer);
	answer->bytes = bytes;
	answers->bytes += bytes;
	answers->count++;
	answers->pending++;
	make_room_of(answers, answer->sender);
	make_room(answers);
	if (!ear_timer_is_set(&answers->timer))
		ear_timer_set(&answers->timer, ANSWERS_AGE);
}

/* Nothing is kept of one that is too long. */
static void
keep(struct answers *answers, struct answer *answer, xmpp_stanza_t *stanza)
{
	answers->pending--;
	answer->state = ANSWERS_LOST;
	if (writer_stanza(answers->scratch, stanza, ANSWERS_ONE_MAX) != 0)
		return;
	answer->state = ANSWERS_KNOWN;
	answer->length = evbuffer_get_length(answers->scratch);
	answer->text = xalloc(answer->length);
	evbuffer_remove(answers->scratch, answer->text, answer->length);
	answer->bytes += answer->length;
	answers->bytes += answer->length;
}

void
answers_end(struct answers *answers, const char *sender, const char *id, xmpp_stanza_t *stanza)
{
	struct answer *answer = find(answers, sender, id);

	if (answer == NULL || answer->state != ANSWERS_PENDING)
		return;
	keep(answers, answer, stanza);
	renew(answers, answer);
	make_room(answers);
}

size_t
answers_pending(const struct answers *answers)
{
	return answers->pending;
}

bool
answers_is_fresh(struct answers *answers, const char *sender, const char *id, int64_t usec)
{
	const struct answer *answer = find(answers, sender, id);

	return answer != NULL && ear_now(answers->clock) - answer->at <= usec;
}

enum answers_state
answers_find(struct answers *answers, const char *sender, const char *id, xmpp_stanza_t **stanza)
{
	struct answer *answer = find(answers, sender, id);

	*stanza = NULL;
	if (answer == NULL)
		return ANSWERS_UNKNOWN;
	if (answer->state == ANSWERS_KNOWN)
		*stanza = parse_long(answers->ctx, answer->text, answer->length);
	/* Wider than the reader takes. */
	if (answer->state == ANSWERS_KNOWN && *stanza == NULL)
		return ANSWERS_LOST;
	return answer->state;
}
