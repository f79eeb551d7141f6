/* SPDX-License-Identifier: ISC */
/*
 * keys_control.c: the published list of our own account, for programs of this machine's owner
 * (EAR_NS_CONTROL; what holds for every request of it stands in control.c). Both ask the server,
 * and are answered when it has answered.
 *
 * get <devices [first='N']/>
 *     -> <devices address='tv@example.org' first='N' total='M'>
 *          <device key='FP' [name='livingroom'] [resource='livingroom-3fa9c1']
 *                  [since='2026-11-21T06:00:00Z'] own='true|false'/>*
 *        </devices>
 *     address: the account. own: the key is the one of this device now. Paged as peers.
 *
 * set <revoke key='FP'/>
 *     -> empty result: that device is off the list, and whoever hears of it accepts it no more.
 *     item-not-found when the list has no such key; bad-request for the key of this device, which
 *     <new-key/> replaces.
 *
 * Either: not-allowed when we have no account, recipient-unavailable when the server is not there,
 * remote-server-timeout when it does not answer, resource-constraint when too many ask at once;
 * otherwise what the server said.
 */
#include <errno.h>
#include <string.h>

#include "keys.h"
#include "memory.h"
#include "page.h"

#define ORDERS_MAX 16
#define PATIENCE   (4 * EAR_SEC) /* of each of two steps: less than a program waits */

enum order_kind {
	ORDER_LIST,
	ORDER_FIND,    /* the key that is to be revoked */
	ORDER_RETRACT, /* it */
};

struct order {
	struct keys_control *control;
	struct order *next;
	enum order_kind kind;
	struct ear_hold *hold;
	struct page page;   /* of a list */
	struct ear_key key; /* to be revoked */
};

struct keys_control {
	struct ear *ear;
	struct keys_fetch *fetch;
	struct order *first;
	size_t count;
};

static void
order_free(struct order *order)
{
	if (order->page.list != NULL)
		page_drop(&order->page);
	free(order);
}

/* It is answered. */
static void
order_end(struct order *order)
{
	struct order **at = &order->control->first;

	while (*at != order)
		at = &(*at)->next;
	*at = order->next;
	order->control->count--;
	order_free(order);
}

static void
order_fail(struct order *order, enum ear_verdict condition, const char *text)
{
	ear_hold_fail(order->hold, condition, text);
	order_end(order);
}

static void
order_refuse(struct order *order, const struct ear_answer *answer)
{
	char text[256];

	keys_failure(answer, text, sizeof(text));
	switch (answer->error) {
	case -EREMOTEIO:
		order_fail(order, ear_condition_of(answer->stanza), text);
		break;
	case -ETIMEDOUT:
		order_fail(order, EAR_REMOTE_SERVER_TIMEOUT, "the server does not answer");
		break;
	case -EHOSTUNREACH:
		order_fail(order, EAR_RECIPIENT_UNAVAILABLE, "the server is not there");
		break;
	case -ECONNRESET:
		order_fail(order, EAR_RECIPIENT_UNAVAILABLE,
			   "the server went away before it said whether that is done");
		break;
	default:
		order_fail(order, EAR_INTERNAL_SERVER_ERROR, text);
		break;
	}
}

/* --- the list ----------------------------------------------------------------------------- */

static void
add_device(struct order *order, xmpp_stanza_t *item)
{
	const char *since = keys_item_since(item);
	struct ear_device device;
	xmpp_stanza_t *element;
	char key[EAR_KEY_SIZE];

	if (keys_item_read(item, &device) != 0)
		return;
	element = page_add(&order->page, "device");
	if (element == NULL)
		return;
	ear_key_format(&device.key, key);
	ear_set(element, "key", "%s", key);
	if (*device.name != '\0')
		ear_set(element, "name", "%s", device.name);
	if (device.resource != NULL)
		ear_set(element, "resource", "%s", device.resource);
	if (since != NULL)
		ear_set(element, "since", "%s", since);
	ear_set(element, "own", "%s",
		ear_key_equal(&device.key, ear_own_key(order->control->ear)) ? "true" : "false");
}

/* items NULL: nothing is published. */
static void
end_list(struct order *order, xmpp_stanza_t *items)
{
	struct page page = order->page;
	char bare[EAR_JID_SIZE];

	if (ear_jid_bare(ear_self(order->control->ear, EAR_LINK_SERVER), bare, sizeof(bare)) == 0)
		ear_set(page.list, "address", "%s", bare);
	for (xmpp_stanza_t *e = items == NULL ? NULL : ear_first(items); e != NULL; e = ear_next(e))
		add_device(order, e);
	page = order->page;
	order->page.list = NULL;
	page_answer(&page, order->hold);
	order_end(order);
}

/* --- revoking ----------------------------------------------------------------------------- */

static ear_answer_fn on_answer;

/* By its id, whatever else is in it: that is what names the key. Of a page nobody can tell. */
static bool
may_hold(xmpp_stanza_t *iq, const struct ear_key *key)
{
	struct ear_device devices[EAR_DEVICES_MAX];
	xmpp_stanza_t *items = keys_items_of(iq);
	size_t count, skipped;
	char text[EAR_KEY_SIZE];

	if (keys_items_read(iq, devices, &count, &skipped) == -EMSGSIZE)
		return true;

	ear_key_format(key, text);
	for (xmpp_stanza_t *e = ear_first(items); e != NULL; e = ear_next(e)) {
		const char *id = xmpp_stanza_get_id(e);

		if (id != NULL && strcmp(id, text) == 0)
			return true;
	}
	return false;
}

/* Servers differ in what they say of an item that is not there: it is looked for before. */
static void
retract(struct order *order, xmpp_stanza_t *iq)
{
	struct ear *ear = order->control->ear;

	if (iq == NULL || !may_hold(iq, &order->key)) {
		order_fail(order, EAR_ITEM_NOT_FOUND, "no such key is published for this account");
		return;
	}
	order->kind = ORDER_RETRACT;
	ear_request_by(ear, EAR_LINK_SERVER, keys_retract_request(ear, &order->key), PATIENCE,
		       on_answer, order);
}

/* The others are told by the server; we need not wait for that. */
static void
end_revoke(struct order *order)
{
	struct keys_control *control = order->control;
	const char *self = ear_self(control->ear, EAR_LINK_SERVER);
	char bare[EAR_JID_SIZE], key[EAR_KEY_SIZE];

	ear_key_format(&order->key, key);
	ear_info("%s: %.16s is revoked: off the list of this account", self, key);
	ear_hold_reply(order->hold, NULL);
	order_end(order);
	if (ear_jid_bare(self, bare, sizeof(bare)) != 0)
		return;
	keys_fetch_outdate(control->fetch, bare);
	ear_devices_changed(control->ear, bare);
}

/* --- both --------------------------------------------------------------------------------- */

/* The list; iq NULL: the account has none. */
static void
on_list(struct order *order, xmpp_stanza_t *iq)
{
	xmpp_stanza_t *items = iq == NULL ? NULL : keys_items_of(iq);

	if (iq != NULL && items == NULL)
		order_fail(order, EAR_INTERNAL_SERVER_ERROR, "what the server answers is no list");
	else if (order->kind == ORDER_LIST)
		end_list(order, items);
	else
		retract(order, iq);
}

static void
on_answer(void *arg, const struct ear_answer *answer)
{
	struct order *order = arg;
	bool is_gone = answer->error == -EREMOTEIO &&
		       ear_condition_of(answer->stanza) == EAR_ITEM_NOT_FOUND;

	if (answer->error == -ECANCELED)
		return; /* the engine stops, and frees us */
	/* Gone between both steps: as good. */
	if (order->kind == ORDER_RETRACT && (answer->error == 0 || is_gone)) {
		end_revoke(order);
		return;
	}
	if (answer->error != 0 && !is_gone)
		order_refuse(order, answer);
	else
		on_list(order, is_gone ? NULL : answer->stanza);
}

/* Whether there is an account whose list can be asked for; else answers. */
static bool
may_ask(const struct keys_control *control, const struct ear_in *in)
{
	if (ear_self(in->ear, EAR_LINK_SERVER) == NULL)
		ear_fail(in, EAR_NOT_ALLOWED, "there is no account: no server keeps a list");
	else if (!keys_is_account(in->ear))
		ear_fail(in, EAR_NOT_ALLOWED,
			 "a component has no list at a server: its own key is all it publishes, "
			 "and earshot trust --new-key replaces that");
	else if (control->count >= ORDERS_MAX)
		ear_fail(in, EAR_RESOURCE_CONSTRAINT, "too many ask the server at once");
	else
		return true;
	return false;
}

static enum ear_verdict
order_begin(struct keys_control *control, const struct ear_in *in, const struct order *what)
{
	struct order *order = xep_alloc(sizeof(*order));
	xmpp_stanza_t *child;

	*order = *what;
	order->control = control;
	order->hold = ear_hold(in);
	order->next = control->first;
	control->first = order;
	control->count++;
	ear_request_by(control->ear, EAR_LINK_SERVER,
		       keys_own_request(control->ear, "get", EAR_NS_PUBSUB, "items", &child),
		       PATIENCE, on_answer, order);
	return EAR_DONE;
}

enum ear_verdict
keys_control_list(struct keys_control *control, const struct ear_in *in)
{
	struct order order = { .kind = ORDER_LIST };

	if (!may_ask(control, in))
		return EAR_DONE;
	if (page_open(&order.page, in, "devices") != 0)
		return ear_fail(in, EAR_BAD_REQUEST, "first is no number");
	return order_begin(control, in, &order);
}

enum ear_verdict
keys_control_revoke(struct keys_control *control, const struct ear_in *in)
{
	const char *text = xmpp_stanza_get_attribute(in->payload, "key");
	struct order order = { .kind = ORDER_FIND };

	if (text == NULL || ear_key_parse(text, &order.key) != 0)
		return ear_fail(in, EAR_BAD_REQUEST, "a key has 64 hexadecimal digits");
	if (!may_ask(control, in))
		return EAR_DONE;
	if (ear_key_equal(&order.key, ear_own_key(in->ear)))
		return ear_fail(in, EAR_BAD_REQUEST,
				"that is the key of this device: earshot trust --new-key replaces "
				"it, and retracts this one");
	return order_begin(control, in, &order);
}

struct keys_control *
keys_control_new(struct ear *ear, struct keys_fetch *fetch)
{
	struct keys_control *control = xep_alloc(sizeof(*control));

	control->ear = ear;
	control->fetch = fetch;
	return control;
}

/* What is held, the engine answers. */
void
keys_control_free(struct keys_control *control)
{
	while (control->first != NULL) {
		struct order *order = control->first;

		control->first = order->next;
		ear_request_forget(control->ear, order);
		order_free(order);
	}
	free(control);
}
