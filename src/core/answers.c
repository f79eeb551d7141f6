/* SPDX-License-Identifier: ISC */
/* answers.c: what was answered to whom, as text: a tree would take several times that. */
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/map.h"
#include "core/answers.h"
#include "wire/parse.h"
#include "wire/writer.h"

struct entry {
	struct list all; /* oldest first */
	char *key;       /* sender, line end, id */
	size_t sender;   /* bytes of the former */
	char *text;      /* NULL: pending, or lost */
	size_t length;
	enum answers_state state;
	int64_t at;
};

struct answers {
	struct ear_clock *clock;
	xmpp_ctx_t *ctx;
	struct map *by_key;
	struct list all;
	size_t bytes, pending;
};

struct answers *
answers_new(struct ear_clock *clock, xmpp_ctx_t *ctx)
{
	struct answers *answers = xalloc(sizeof(*answers));

	answers->clock = clock;
	answers->ctx = ctx;
	answers->by_key = map_new();
	list_init(&answers->all);
	return answers;
}

static void
drop(struct answers *answers, struct entry *entry)
{
	map_del(answers->by_key, entry->key);
	list_del(&entry->all);
	answers->bytes -= entry->length;
	if (entry->state == ANSWERS_PENDING)
		answers->pending--;
	free(entry->key);
	free(entry->text);
	free(entry);
}

static struct entry *
oldest(struct answers *answers)
{
	return list_is_empty(&answers->all) ? NULL
					    : container_of(answers->all.next, struct entry, all);
}

void
answers_free(struct answers *answers)
{
	struct entry *entry;

	while ((entry = oldest(answers)) != NULL)
		drop(answers, entry);
	map_free(answers->by_key);
	free(answers);
}

static void
forget_old(struct answers *answers)
{
	int64_t since = ear_now(answers->clock) - ANSWERS_AGE;
	struct entry *entry;

	while ((entry = oldest(answers)) != NULL &&
	       (entry->at < since || map_count(answers->by_key) > ANSWERS_MAX ||
		answers->bytes > ANSWERS_BYTES_MAX))
		drop(answers, entry);
}

/* One sender's requests push out his own. */
static void
bound_sender(struct answers *answers, const struct entry *new)
{
	struct list *item, *spare;
	struct entry *first = NULL;
	size_t count = 0;

	list_each (item, spare, &answers->all) {
		struct entry *entry = container_of(item, struct entry, all);

		if (entry->sender != new->sender ||
		    strncmp(entry->key, new->key, entry->sender) != 0)
			continue;
		if (first == NULL)
			first = entry;
		count++;
	}
	if (count > ANSWERS_SENDER_MAX)
		drop(answers, first);
}

static struct entry *
find(const struct answers *answers, const char *sender, const char *id)
{
	char *key = xasprintf("%s\n%s", sender, id);
	struct entry *entry = map_get(answers->by_key, key);

	free(key);
	return entry;
}

void
answers_begin(struct answers *answers, const char *sender, const char *id)
{
	struct entry *entry = find(answers, sender, id);

	if (entry != NULL)
		drop(answers, entry);
	entry = xalloc(sizeof(*entry));
	entry->key = xasprintf("%s\n%s", sender, id);
	entry->sender = strlen(sender);
	entry->state = ANSWERS_PENDING;
	entry->at = ear_now(answers->clock);
	map_set(answers->by_key, entry->key, entry);
	list_add(&answers->all, &entry->all);
	answers->pending++;
	bound_sender(answers, entry);
	forget_old(answers);
}

static void
keep(struct answers *answers, struct entry *entry, xmpp_stanza_t *answer)
{
	struct evbuffer *out = evbuffer_new();

	entry->state = ANSWERS_LOST;
	if (out != NULL && writer_stanza(out, answer, ANSWERS_ONE_MAX) == 0) {
		entry->length = evbuffer_get_length(out);
		entry->text = xrealloc(NULL, entry->length);
		evbuffer_remove(out, entry->text, entry->length);
		entry->state = ANSWERS_KNOWN;
		answers->bytes += entry->length;
	}
	if (out != NULL)
		evbuffer_free(out);
}

void
answers_end(struct answers *answers, const char *sender, const char *id, xmpp_stanza_t *answer)
{
	struct entry *entry = find(answers, sender, id);

	if (entry == NULL || entry->state != ANSWERS_PENDING)
		return;
	answers->pending--;
	keep(answers, entry, answer);
	forget_old(answers);
}

size_t
answers_pending(const struct answers *answers)
{
	return answers->pending;
}

enum answers_state
answers_find(struct answers *answers, const char *sender, const char *id, xmpp_stanza_t **answer)
{
	struct entry *entry;

	*answer = NULL;
	forget_old(answers);
	entry = find(answers, sender, id);
	if (entry == NULL)
		return ANSWERS_UNKNOWN;
	if (entry->state == ANSWERS_KNOWN)
		*answer = parse_long(answers->ctx, entry->text, entry->length);
	return entry->state;
}
