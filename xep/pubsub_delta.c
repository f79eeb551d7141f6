/* SPDX-License-Identifier: ISC */
/* pubsub_delta.c: lists of changes that owners send (XEP-0060 §8.8.2, §8.9.2): reading them, and
 * which of them were not possible. */
#include <string.h>

#include "memory.h"
#include "pubsub_delta.h"
#include "pubsub_people.h"

static void
free_delta(void *arg)
{
	struct pubsub_delta *delta = arg;

	for (size_t i = 0; i < delta->count; i++)
		free(delta->entries[i].jid);
	free(delta->entries);
	pubsub_work_release(&delta->work);
	free(delta);
}

/* --- reading ------------------------------------------------------------------------------ */

static char *
canonical(const char *text, bool bare)
{
	char jid[EAR_JID_SIZE];
	int error =
		bare ? ear_jid_bare(text, jid, sizeof(jid)) : ear_jid_prep(text, jid, sizeof(jid));

	return error == 0 ? xep_strdup(jid) : NULL;
}

/* §8.9.2.4: nobody is in there twice; without subids that holds for subscriptions as well. */
static bool
is_twice(const struct pubsub_delta *delta, const char *jid)
{
	for (size_t i = 0; jid != NULL && i < delta->count; i++)
		if (delta->entries[i].jid != NULL && strcmp(delta->entries[i].jid, jid) == 0)
			return true;
	return false;
}

/* NULL, or why the whole request is none. An entry that wants nothing is left out (§8.8.2.1). */
static const struct pubsub_refusal *
read_entry(struct pubsub_delta *delta, xmpp_stanza_t *element, bool bare, int (*read)(const char *))
{
	static const struct pubsub_refusal missing = { EAR_BAD_REQUEST, "jid-required", NULL,
						       NULL };
	static const struct pubsub_refusal twice = { EAR_BAD_REQUEST, NULL, NULL,
						     "somebody is in there twice" };
	static const struct pubsub_refusal many = { EAR_NOT_ACCEPTABLE, NULL, NULL,
						    "at most 60 can be changed at once" };
	const char *text = xmpp_stanza_get_attribute(element, "jid");
	const char *wanted = xmpp_stanza_get_attribute(element, xmpp_stanza_get_name(element));
	struct pubsub_entry *entry = &delta->entries[delta->count];

	if (text == NULL)
		return &missing;
	if (wanted == NULL)
		return NULL;
	if (delta->count == PUBSUB_DELTA_MAX)
		return &many;
	*entry = (struct pubsub_entry){ .text = text, .wanted = read(wanted) };
	entry->jid = canonical(text, bare);
	if (is_twice(delta, entry->jid)) {
		free(entry->jid);
		return &twice;
	}
	entry->refused = entry->jid == NULL || entry->wanted < 0;
	delta->count++;
	return NULL;
}

struct pubsub_delta *
pubsub_delta_begin(struct pubsub_op *op, const struct pubsub_view *view, const char *name,
		   bool bare, int (*read)(const char *))
{
	struct pubsub_delta *delta = xep_alloc(sizeof(*delta));
	const struct pubsub_refusal *why = NULL;

	delta->entries = xep_alloc(PUBSUB_DELTA_MAX * sizeof(delta->entries[0]));
	pubsub_work_begin(op, view, &delta->work, free_delta);
	for (xmpp_stanza_t *e = ear_first(op->request); e != NULL && why == NULL; e = ear_next(e))
		if (ear_is(e, name, EAR_NS_PUBSUB_OWNER))
			why = read_entry(delta, e, bare, read);
	if (why == NULL)
		return delta;
	pubsub_refuse(op, why);
	return NULL;
}

/* --- answering ---------------------------------------------------------------------------- */

void
pubsub_delta_answer(struct pubsub_op *op, const char *name, const char *(*write)(int))
{
	static const struct pubsub_refusal why = { EAR_NOT_ACCEPTABLE, NULL, NULL, NULL };
	const struct pubsub_delta *delta = op->arg;
	xmpp_stanza_t *pubsub = pubsub_answer(op, EAR_NS_PUBSUB_OWNER), *list, *element;
	size_t refused = 0;

	list = ear_child(pubsub, op->kind->name, EAR_NS_PUBSUB_OWNER);
	ear_set(list, "node", "%s", op->node);
	for (size_t i = 0; i < delta->count; i++) {
		if (!delta->entries[i].refused)
			continue;
		element = ear_child(list, name, EAR_NS_PUBSUB_OWNER);
		ear_set(element, "jid", "%s", delta->entries[i].text);
		ear_set(element, name, "%s", write(delta->entries[i].was));
		refused++;
	}
	if (refused > 0) {
		pubsub_refuse_showing(op, &why, pubsub);
		return;
	}
	xmpp_stanza_release(pubsub);
	pubsub_reply(op, NULL);
}
