/* SPDX-License-Identifier: ISC */
/* keys_publish.c: our item in the list of the account that we are (XEP-0060, XEP-0163). */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "keys.h"
#include "memory.h"

#define RETRY_MIN (30 * EAR_SEC)
#define RETRY_MAX (3600 * EAR_SEC)
#define TEXT_SIZE 256

enum publish_state {
	PUBLISH_IDLE,        /* done, given up until the link is up again, or no account */
	PUBLISH_LOOKING,     /* at the node's configuration */
	PUBLISH_CREATING,    /* the node */
	PUBLISH_CONFIGURING, /* it, before anything is in it that a small list would lose */
	PUBLISH_READING,     /* the list */
	PUBLISH_RETRACTING,  /* a key that was ours */
	PUBLISH_PUBLISHING,  /* the item */
	PUBLISH_WAITING,     /* to try again */
};

struct keys_publish {
	struct ear *ear;
	enum publish_state state;
	struct ear_key last; /* what this process published */
	bool has_last;
	bool created, plain; /* in this try: the node; without options */
	unsigned max;        /* how many items the node holds */
	unsigned retracts;   /* in this try */
	xmpp_stanza_t *form; /* the answer with the node's configuration */
	unsigned failures;   /* in a row */
	char failure[TEXT_SIZE];
	struct ear_timer retry;
};

static const char *
state_name(enum publish_state state)
{
	switch (state) {
	case PUBLISH_IDLE:
		return "idle";
	case PUBLISH_LOOKING:
		return "looking";
	case PUBLISH_CREATING:
		return "creating";
	case PUBLISH_CONFIGURING:
		return "configuring";
	case PUBLISH_READING:
		return "reading";
	case PUBLISH_RETRACTING:
		return "retracting";
	case PUBLISH_PUBLISHING:
		return "publishing";
	case PUBLISH_WAITING:
		return "waiting";
	}
	return "?";
}

static void
publish_enter(struct keys_publish *publish, enum publish_state state)
{
	if (publish->state != state)
		ear_debug("own key: %s -> %s", state_name(publish->state), state_name(state));
	publish->state = state;
	if (state != PUBLISH_WAITING)
		ear_timer_stop(&publish->retry);
}

static void
drop_form(struct keys_publish *publish)
{
	if (publish->form != NULL)
		xmpp_stanza_release(publish->form);
	publish->form = NULL;
}

/* Says it, unless it was the last thing said. */
static void complain(struct keys_publish *publish, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void
complain(struct keys_publish *publish, const char *format, ...)
{
	char text[TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (strcmp(text, publish->failure) != 0)
		ear_warn("%s: own key: %s", ear_self(publish->ear, EAR_LINK_SERVER), text);
	memcpy(publish->failure, text, sizeof(text));
}

static void
publish_end(struct keys_publish *publish, enum publish_state state)
{
	drop_form(publish);
	publish_enter(publish, state);
}

/* A link that is down tells when it is up again; this is for a server that works and refuses. */
static void
publish_fail(struct keys_publish *publish, const char *doing, const struct ear_answer *answer)
{
	unsigned doublings = publish->failures++;
	int64_t wait = doublings >= 7 ? RETRY_MAX : RETRY_MIN << doublings;
	char text[TEXT_SIZE / 2];

	publish_end(publish, PUBLISH_WAITING);
	keys_failure(answer, text, sizeof(text));
	if (answer->error != -ECONNRESET && answer->error != -EHOSTUNREACH)
		complain(publish, "not published, %s: %s; tried again by itself", doing, text);
	ear_timer_set(&publish->retry, wait < RETRY_MAX ? wait : RETRY_MAX);
}

static ear_answer_fn on_answer;

/* Consumes the request. */
static void
ask(struct keys_publish *publish, enum publish_state state, xmpp_stanza_t *iq)
{
	publish_enter(publish, state);
	ear_request_by(publish->ear, EAR_LINK_SERVER, iq, KEYS_PATIENCE, on_answer, publish);
}

static void
look(struct keys_publish *publish)
{
	xmpp_stanza_t *child;

	ask(publish, PUBLISH_LOOKING,
	    keys_own_request(publish->ear, "get", EAR_NS_PUBSUB_OWNER, "configure", &child));
}

static void
create(struct keys_publish *publish)
{
	xmpp_stanza_t *child;

	publish->created = true;
	ask(publish, PUBLISH_CREATING,
	    keys_own_request(publish->ear, "set", EAR_NS_PUBSUB, "create", &child));
}

static void
read_list(struct keys_publish *publish)
{
	xmpp_stanza_t *child;

	ask(publish, PUBLISH_READING,
	    keys_own_request(publish->ear, "get", EAR_NS_PUBSUB, "items", &child));
}

/* Changes what is not right about the node, and goes on. */
static void
configure(struct keys_publish *publish)
{
	xmpp_stanza_t *iq, *child, *form;

	form = keys_node_changes(ear_ctx(publish->ear), publish->form, &publish->max);
	if (form == NULL) {
		read_list(publish);
		return;
	}
	iq = keys_own_request(publish->ear, "set", EAR_NS_PUBSUB_OWNER, "configure", &child);
	xmpp_stanza_add_child_ex(child, form, 0);
	ask(publish, PUBLISH_CONFIGURING, iq);
}

static void
retract(struct keys_publish *publish, const struct ear_key *key)
{
	char text[EAR_KEY_SIZE];

	ear_key_format(key, text);
	publish->retracts++;
	ear_info("%s: own key: retracting %.16s, which is no longer ours",
		 ear_self(publish->ear, EAR_LINK_SERVER), text);
	ask(publish, PUBLISH_RETRACTING, keys_retract_request(publish->ear, key));
}

static void
publish_item(struct keys_publish *publish, const char *since)
{
	struct ear_device self = keys_self(publish->ear, EAR_LINK_SERVER);
	xmpp_stanza_t *child,
		*iq = keys_own_request(publish->ear, "set", EAR_NS_PUBSUB, "publish", &child);

	xmpp_stanza_add_child_ex(child, keys_item_new(ear_ctx(publish->ear), &self, since), 0);
	if (!publish->plain)
		keys_node_options(ear_find(iq, "pubsub", EAR_NS_PUBSUB));
	ask(publish, PUBLISH_PUBLISHING, iq);
}

/* Our key is in the list. */
static void
done(struct keys_publish *publish, const char *how)
{
	const struct ear_key *key = ear_own_key(publish->ear);
	char text[EAR_KEY_SIZE];

	ear_key_format(key, text);
	if (!publish->has_last || !ear_key_equal(key, &publish->last))
		ear_info("%s: own key %.16s is %s", ear_self(publish->ear, EAR_LINK_SERVER), text,
			 how);
	publish->last = *key;
	publish->has_last = true;
	publish->failures = 0;
	publish_end(publish, PUBLISH_IDLE);
	if (publish->plain)
		complain(publish, "the server takes no publish-options: whether everybody may read "
				  "the node " EAR_NS_KEYS " has to be seen to by hand");
	else
		*publish->failure = '\0';
}

/* What this process published, or what this very resource did: nobody else's. */
static bool
is_stale(const struct keys_publish *publish, const struct ear_device *self,
	 const struct ear_device *device)
{
	if (ear_key_equal(&device->key, &self->key))
		return false;
	if (publish->has_last && ear_key_equal(&device->key, &publish->last))
		return true;
	return device->resource != NULL && self->resource != NULL &&
	       strcmp(device->resource, self->resource) == 0;
}

static bool
is_equal(const struct ear_device *a, const struct ear_device *b)
{
	return strcmp(a->name, b->name) == 0 && a->resource != NULL && b->resource != NULL &&
	       strcmp(a->resource, b->resource) == 0;
}

/* When the item of that key says that it was published. */
static const char *
since_of(xmpp_stanza_t *items, const struct ear_key *key)
{
	struct ear_device device;

	for (xmpp_stanza_t *e = ear_first(items); e != NULL; e = ear_next(e))
		if (keys_item_read(e, &device) == 0 && ear_key_equal(&device.key, key))
			return keys_item_since(e);
	return NULL;
}

/* What this process has published, another device has taken off the list: that is for people to
 * undo, not for a lost device that comes back. Where there was no list at all, and where we had to
 * make it first, the server lost it. */
static bool
is_revoked(const struct keys_publish *publish, const struct ear_device *self, bool listed)
{
	return listed && !publish->created && publish->has_last &&
	       ear_key_equal(&self->key, &publish->last);
}

/* The list as it is; iq NULL: there is none. */
static void
compare(struct keys_publish *publish, xmpp_stanza_t *iq)
{
	struct ear_device devices[EAR_DEVICES_MAX], self = keys_self(publish->ear, EAR_LINK_SERVER);
	const struct ear_device *ours = NULL;
	size_t count = 0, skipped = 0;

	if (iq != NULL)
		keys_items_read(iq, devices, &count, &skipped);
	for (size_t i = 0; i < count; i++) {
		if (publish->retracts < EAR_DEVICES_MAX && is_stale(publish, &self, &devices[i])) {
			retract(publish, &devices[i].key);
			return;
		}
		if (ear_key_equal(&devices[i].key, &self.key))
			ours = &devices[i];
	}
	if (ours != NULL && is_equal(ours, &self)) {
		done(publish, "published already");
	} else if (ours == NULL && is_revoked(publish, &self, iq != NULL)) {
		publish_end(publish, PUBLISH_IDLE);
		complain(publish, "another device of this account has revoked it; it is not "
				  "published again: earshot trust --new-key makes another");
	} else if (ours == NULL && count + skipped >= publish->max) {
		publish_end(publish, PUBLISH_IDLE);
		complain(publish,
			 "not published: the list holds %zu devices, the server takes %u: "
			 "retract one of them from the node " EAR_NS_KEYS,
			 count + skipped, publish->max);
	} else {
		publish_item(publish, ours == NULL ? NULL : since_of(keys_items_of(iq), &self.key));
	}
}

/* --- answers ------------------------------------------------------------------------------ */

static void
on_configuration(struct keys_publish *publish, const struct ear_answer *answer,
		 enum ear_verdict condition)
{
	if (answer->error == 0) {
		drop_form(publish);
		publish->form = xmpp_stanza_clone(answer->stanza);
		configure(publish);
	} else if (condition == EAR_ITEM_NOT_FOUND && !publish->created) {
		create(publish);
	} else if (condition == EAR_SERVICE_UNAVAILABLE) {
		publish_end(publish, PUBLISH_IDLE);
		complain(publish, "not published: the server has no PEP (XEP-0163) for this "
				  "account: switch it on there, or pair devices by code");
	} else if (answer->error == -EREMOTEIO) {
		read_list(publish); /* publish-options may do */
	} else {
		publish_fail(publish, "looking at the node", answer);
	}
}

/* Servers name many conditions when a list may not be that long. */
static void
on_configured(struct keys_publish *publish, const struct ear_answer *answer)
{
	if (answer->error == 0) {
		read_list(publish);
	} else if (answer->error == -EREMOTEIO && publish->max > 1) {
		publish->max /= 2;
		configure(publish);
	} else {
		publish_fail(publish, "configuring the node", answer);
	}
}

static void
on_published(struct keys_publish *publish, const struct ear_answer *answer)
{
	if (answer->error == 0) {
		done(publish, "published");
	} else if (answer->error == -EREMOTEIO && !publish->plain && publish->form == NULL) {
		publish->plain = true;
		publish_item(publish, NULL);
	} else {
		publish_fail(publish, "publishing the item", answer);
	}
}

static void
on_list(struct keys_publish *publish, const struct ear_answer *answer, enum ear_verdict condition)
{
	if (answer->error == 0)
		compare(publish, answer->stanza);
	else if (condition == EAR_ITEM_NOT_FOUND)
		compare(publish, NULL);
	else
		publish_fail(publish, "reading the list", answer);
}

static void
on_retracted(struct keys_publish *publish, const struct ear_answer *answer,
	     enum ear_verdict condition)
{
	if (answer->error == 0 || condition == EAR_ITEM_NOT_FOUND)
		read_list(publish);
	else
		publish_fail(publish, "retracting the old key", answer);
}

static void
on_answer(void *arg, const struct ear_answer *answer)
{
	struct keys_publish *publish = arg;
	enum ear_verdict condition =
		answer->error != -EREMOTEIO ? EAR_PASS : ear_condition_of(answer->stanza);

	if (answer->error == -ECANCELED) {
		publish_end(publish, PUBLISH_IDLE);
		return;
	}
	switch (publish->state) {
	case PUBLISH_LOOKING:
		on_configuration(publish, answer, condition);
		break;
	case PUBLISH_CREATING: /* another device may have been faster; publishing may create it */
		if (answer->error == 0 || condition == EAR_CONFLICT)
			look(publish);
		else if (answer->error == -EREMOTEIO)
			read_list(publish);
		else
			publish_fail(publish, "creating the node", answer);
		break;
	case PUBLISH_CONFIGURING:
		on_configured(publish, answer);
		break;
	case PUBLISH_READING:
		on_list(publish, answer, condition);
		break;
	case PUBLISH_RETRACTING:
		on_retracted(publish, answer, condition);
		break;
	case PUBLISH_PUBLISHING:
		on_published(publish, answer);
		break;
	case PUBLISH_IDLE:
	case PUBLISH_WAITING:
		break;
	}
}

/* --- life --------------------------------------------------------------------------------- */

void
keys_publish_start(struct keys_publish *publish)
{
	ear_request_forget(publish->ear, publish);
	publish_end(publish, PUBLISH_IDLE);
	if (!keys_is_account(publish->ear))
		return;
	publish->created = publish->plain = false;
	publish->retracts = 0;
	publish->max = EAR_DEVICES_MAX;
	look(publish);
}

static void
on_retry(void *arg)
{
	keys_publish_start(arg);
}

struct keys_publish *
keys_publish_new(struct ear *ear)
{
	struct keys_publish *publish = xep_alloc(sizeof(*publish));

	publish->ear = ear;
	ear_timer_init(&publish->retry, ear_clock(ear), on_retry, publish);
	return publish;
}

void
keys_publish_free(struct keys_publish *publish)
{
	ear_request_forget(publish->ear, publish);
	ear_timer_stop(&publish->retry);
	drop_form(publish);
	free(publish);
}
