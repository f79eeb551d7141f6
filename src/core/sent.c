/* SPDX-License-Identifier: ISC */
/* sent.c: which program sent which message to whom. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "core/delivery.h"
#include "core/sent.h"

/* The last of them: a ring. Programs choose the ids, and may choose one twice. */
struct sent {
	struct note notes[SENT_MAX];
	unsigned next;
	struct map *by_id;     /* the newest of each */
	struct map *by_origin; /* the same */
};

static struct sent *
sent_get(struct ear *ear)
{
	if (ear->sent == NULL) {
		ear->sent = xalloc(sizeof(*ear->sent));
		ear->sent->by_id = map_new();
		ear->sent->by_origin = map_new();
	}
	return ear->sent;
}

/* It is the oldest of all, and so of its id. */
static void
forget(struct sent *sent, struct note *note)
{
	if (note->id == NULL)
		return;
	if (note->newer != NULL)
		note->newer->older = NULL;
	else
		map_del(sent->by_id, note->id);
	if (note->origin != NULL && map_get(sent->by_origin, note->origin) == note)
		map_del(sent->by_origin, note->origin);
	free(note->id);
	free(note->origin);
	free(note->to);
	free(note->program);
	*note = (struct note){ 0 };
}

static void
add(struct sent *sent, struct note *note)
{
	note->older = map_set(sent->by_id, note->id, note);
	if (note->older != NULL)
		note->older->newer = note;
	if (note->origin != NULL)
		map_set(sent->by_origin, note->origin, note);
}

void
sent_note(struct ear *ear, xmpp_stanza_t *stanza, const char *program, enum ear_link_kind only)
{
	struct sent *sent = sent_get(ear);
	struct note *note = &sent->notes[sent->next];

	forget(sent, note);
	note->id = xstrdup(xmpp_stanza_get_id(stanza));
	note->origin = xstrdup(delivery_origin(stanza));
	note->to = xstrdup(xmpp_stanza_get_to(stanza));
	note->program = xstrdup(program);
	note->only = only;
	note->asked = ear_find(stanza, "request", EAR_NS_RECEIPTS) != NULL;
	add(sent, note);
	sent->next = (sent->next + 1) % SENT_MAX;
}

/* Whether an address may speak of what was sent to `to`: the same device, or one of its resources
 * (RFC 6121 §8.5). */
static bool
may_speak_of(struct ear *ear, const char *from, const char *to)
{
	return to != NULL && (dest_is_same(ear, from, to) ||
			      (ear_jid_resource(to) == NULL && ear_jid_bare_equal(from, to)));
}

struct note *
sent_find(struct ear *ear, const char *id, const char *peer)
{
	struct note *note, *newest = NULL;

	if (ear->sent == NULL || id == NULL || peer == NULL)
		return NULL;
	for (note = map_get(ear->sent->by_id, id); note != NULL; note = note->older) {
		if ((newest != NULL && note->told) || !may_speak_of(ear, peer, note->to))
			continue;
		if (!note->told)
			return note;
		newest = note;
	}
	return newest;
}

struct note *
sent_of(struct ear *ear, xmpp_stanza_t *stanza)
{
	const char *origin = delivery_origin(stanza);
	struct note *note =
		ear->sent == NULL || origin == NULL ? NULL : map_get(ear->sent->by_origin, origin);

	if (note != NULL)
		return note;
	return sent_find(ear, xmpp_stanza_get_id(stanza), xmpp_stanza_get_to(stanza));
}

void
sent_release(struct ear *ear)
{
	struct sent *sent = ear->sent;

	if (sent == NULL)
		return;
	/* The oldest first. */
	for (unsigned i = 0; i < SENT_MAX; i++)
		forget(sent, &sent->notes[(sent->next + i) % SENT_MAX]);
	map_free(sent->by_id);
	map_free(sent->by_origin);
	free(sent);
	ear->sent = NULL;
}
