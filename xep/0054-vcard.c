/* SPDX-License-Identifier: ISC */
/*
 * 0054-vcard.c: vcard-temp (XEP-0054): our card where we answer for ourselves, and the mirror of
 * our key in the card of the account that we are.
 *
 * The mirror is best effort, for people who look at cards: nothing here trusts it. There is one KEY
 * in a card (§6), and servers keep one (ejabberd the last): one that is not ours is left alone, as
 * is everything else in the card.
 */
#include <errno.h>
#include <string.h>

#include <earshot/ear.h>

#include "memory.h"

/* XEP-0398 §8: the server makes such a card from another one, and would lose what it has no word
 * for, the KEY among it. */
#define NS_CONVERSION "urn:xmpp:pep-vcard-conversion:0"

#define PATIENCE (20 * EAR_SEC)

extern const struct ear_xep ear_xep_0054;

struct vcard {
	struct ear *ear;
	struct ear_key last; /* what this process put there */
	bool has_last;
};

static bool
is_account(struct ear *ear)
{
	const char *self = ear_self(ear, EAR_LINK_SERVER);

	return self != NULL && ear_jid_resource(self) != NULL;
}

/* --- our own card ------------------------------------------------------------------------- */

static void
add_key(xmpp_stanza_t *card, const struct ear_key *key)
{
	xmpp_stanza_t *element = ear_child(card, "KEY", EAR_NS_VCARD);
	char text[EAR_KEY_SIZE];

	ear_key_format(key, text);
	ear_child_text(element, "TYPE", EAR_NS_VCARD, EAR_NS_KEYS);
	ear_child_text(element, "CRED", EAR_NS_VCARD, text);
}

static enum ear_verdict
on_get(const struct ear_in *in)
{
	xmpp_stanza_t *card = ear_element(ear_ctx(in->ear), "vCard", EAR_NS_VCARD);

	ear_child_text(card, "FN", EAR_NS_VCARD, ear_device_name(in->ear));
	add_key(card, ear_own_key(in->ear));
	return ear_reply(in, card);
}

/* --- the account's card ------------------------------------------------------------------- */

/* The key that a KEY of ours holds. -ENOENT: it is another kind of KEY. */
static int
read_key(xmpp_stanza_t *element, struct ear_key *key)
{
	xmpp_stanza_t *type = ear_find(element, "TYPE", EAR_NS_VCARD);
	xmpp_stanza_t *cred = ear_find(element, "CRED", EAR_NS_VCARD);
	const char *name = type == NULL ? NULL : ear_text(type);
	const char *text = cred == NULL ? NULL : ear_text(cred);

	if (name == NULL || text == NULL || strcmp(name, EAR_NS_KEYS) != 0)
		return -ENOENT;
	return ear_key_parse(text, key) == 0 ? 0 : -ENOENT;
}

static void
copy_attributes(xmpp_stanza_t *to, xmpp_stanza_t *from)
{
	const char *pairs[32]; /* name, value, name, ...; a card has two (§6) */
	int n = xmpp_stanza_get_attributes(from, pairs, sizeof(pairs) / sizeof(pairs[0]));

	for (int i = 0; i + 1 < n; i += 2)
		xmpp_stanza_set_attribute(to, pairs[i], pairs[i + 1]);
}

/* Whether a KEY that is there may be replaced: this process put it there, and it is old. */
static bool
is_stale(const struct vcard *vcard, xmpp_stanza_t *element)
{
	struct ear_key there;

	return read_key(element, &there) == 0 && vcard->has_last &&
	       ear_key_equal(&there, &vcard->last) &&
	       !ear_key_equal(&there, ear_own_key(vcard->ear));
}

/* The card with our key in it, NULL where it is to stay as it is. */
static xmpp_stanza_t *
changed_card(const struct vcard *vcard, xmpp_stanza_t *card)
{
	xmpp_stanza_t *key = ear_find(card, "KEY", EAR_NS_VCARD), *copy;

	if (key != NULL && !is_stale(vcard, key))
		return NULL;
	copy = ear_element(ear_ctx(vcard->ear), "vCard", EAR_NS_VCARD);
	copy_attributes(copy, card);
	for (xmpp_stanza_t *e = ear_first(card); e != NULL; e = ear_next(e))
		if (e != key)
			xmpp_stanza_add_child_ex(copy, xmpp_stanza_copy(e), 0);
	add_key(copy, ear_own_key(vcard->ear));
	return copy;
}

static void
own_request(struct vcard *vcard, const char *type, xmpp_stanza_t *payload, ear_answer_fn *fn)
{
	char bare[EAR_JID_SIZE];
	xmpp_stanza_t *iq;

	if (ear_jid_bare(ear_self(vcard->ear, EAR_LINK_SERVER), bare, sizeof(bare)) != 0)
		*bare = '\0';
	iq = ear_stanza(ear_ctx(vcard->ear), "iq", type, bare, NULL);
	xmpp_stanza_add_child_ex(iq, payload, 0);
	ear_request_by(vcard->ear, EAR_LINK_SERVER, iq, PATIENCE, fn, vcard);
}

static void
on_set(void *arg, const struct ear_answer *answer)
{
	struct vcard *vcard = arg;

	if (answer->error != 0) {
		ear_debug("own key: the server does not take it into the vCard");
		return;
	}
	vcard->last = *ear_own_key(vcard->ear);
	vcard->has_last = true;
}

/* Only from a card that has come whole; where there is none yet, one with our key alone. */
static void
on_card(void *arg, const struct ear_answer *answer)
{
	struct vcard *vcard = arg;
	xmpp_stanza_t *card = NULL, *changed;
	bool none = answer->error == -EREMOTEIO &&
		    ear_condition_of(answer->stanza) == EAR_ITEM_NOT_FOUND;

	if (answer->error != 0 && !none)
		return;
	if (!none)
		card = ear_find(answer->stanza, "vCard", EAR_NS_VCARD);
	if (card == NULL) {
		changed = ear_element(ear_ctx(vcard->ear), "vCard", EAR_NS_VCARD);
		add_key(changed, ear_own_key(vcard->ear));
	} else {
		changed = changed_card(vcard, card);
	}
	if (changed != NULL)
		own_request(vcard, "set", changed, on_set);
}

static bool
has_feature(xmpp_stanza_t *query, const char *name)
{
	for (xmpp_stanza_t *e = ear_first(query); e != NULL; e = ear_next(e)) {
		const char *var = xmpp_stanza_get_attribute(e, "var");

		if (ear_is(e, "feature", EAR_NS_DISCO_INFO) && var != NULL &&
		    strcmp(var, name) == 0)
			return true;
	}
	return false;
}

/* XEP-0398: who converts cards says so for the account. */
static void
on_features(void *arg, const struct ear_answer *answer)
{
	struct vcard *vcard = arg;
	xmpp_stanza_t *query =
		answer->error != 0 ? NULL : ear_find(answer->stanza, "query", EAR_NS_DISCO_INFO);

	if (query == NULL || has_feature(query, NS_CONVERSION))
		return;
	own_request(vcard, "get", ear_element(ear_ctx(vcard->ear), "vCard", EAR_NS_VCARD), on_card);
}

/* --- life --------------------------------------------------------------------------------- */

static void
on_change(void *arg, const struct ear_event *event)
{
	struct vcard *vcard = arg;

	if (event->kind != EAR_SERVER_UP && event->kind != EAR_OWN_KEY_CHANGED)
		return;
	ear_request_forget(vcard->ear, vcard);
	if (is_account(vcard->ear))
		own_request(vcard, "get",
			    ear_element(ear_ctx(vcard->ear), "query", EAR_NS_DISCO_INFO),
			    on_features);
}

static int
start(struct ear *ear)
{
	struct vcard *vcard = xep_alloc(sizeof(*vcard));

	vcard->ear = ear;
	ear_set_state(ear, &ear_xep_0054, vcard);
	ear_watch(ear, on_change, vcard);
	return 0;
}

static void
stop(struct ear *ear)
{
	struct vcard *vcard = ear_state(ear, &ear_xep_0054);

	ear_unwatch(ear, on_change, vcard);
	ear_request_forget(ear, vcard);
	ear_set_state(ear, &ear_xep_0054, NULL);
	free(vcard);
}

static const char *const features[] = { EAR_NS_VCARD, NULL };

static const struct ear_rule rules[] = {
	{ EAR_IQ_GET, EAR_NS_VCARD, "vCard", on_get, EAR_VERB_QUERY },
	{ 0 },
};

const struct ear_xep ear_xep_0054 = {
	.number = "0054",
	.name = "vcard-temp",
	.features = features,
	.rules = rules,
	.start = start,
	.stop = stop,
};
