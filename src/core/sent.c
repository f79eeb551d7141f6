/* SPDX-License-Identifier: ISC */
/* sent.c: which program sent which message to whom. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/sent.h"

/* The last of them: a ring. */
struct sent {
	struct note notes[SENT_MAX];
	unsigned next;
};

void
sent_note(struct ear *ear, xmpp_stanza_t *stanza, const char *program, enum ear_link_kind only)
{
	struct sent *sent = ear->sent;
	struct note *note;

	if (sent == NULL)
		sent = ear->sent = xalloc(sizeof(*sent));
	note = &sent->notes[sent->next];
	xreplace(&note->id, xmpp_stanza_get_id(stanza));
	xreplace(&note->to, xmpp_stanza_get_to(stanza));
	xreplace(&note->program, program);
	note->only = only;
	note->asked = ear_find(stanza, "request", EAR_NS_RECEIPTS) != NULL;
	note->maybe = note->told = false;
	sent->next = (sent->next + 1) % SENT_MAX;
}

/* Whether an address may speak of what was sent to `to`: the same device, or one of its resources
 * (RFC 6121 §8.5). */
static bool
may_speak_of(struct ear *ear, const char *from, const char *to)
{
	return dest_is_same(ear, from, to) ||
	       (ear_jid_resource(to) == NULL && ear_jid_bare_equal(from, to));
}

/* The newest: two programs may use the same id. */
struct note *
sent_find(struct ear *ear, const char *id, const char *peer)
{
	struct sent *sent = ear->sent;

	for (unsigned i = SENT_MAX; sent != NULL && id != NULL && i-- > 0;) {
		struct note *note = &sent->notes[(sent->next + i) % SENT_MAX];

		if (note->id != NULL && strcmp(note->id, id) == 0 &&
		    may_speak_of(ear, peer, note->to))
			return note;
	}
	return NULL;
}

void
sent_release(struct ear *ear)
{
	struct sent *sent = ear->sent;

	for (unsigned i = 0; sent != NULL && i < SENT_MAX; i++) {
		free(sent->notes[i].id);
		free(sent->notes[i].to);
		free(sent->notes[i].program);
	}
	free(sent);
	ear->sent = NULL;
}
