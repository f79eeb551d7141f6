/* SPDX-License-Identifier: ISC */
/*
 * keys_fetch.c: asks for the lists of others (XEP-0060 §6.5), over the server path only: the server
 * is the one who vouches for them.
 *
 * What an answer means decides over keys that were accepted before, so only a word about the list
 * itself may revoke: a list, or <item-not-found/>, which is what servers say of an account without
 * the node and of an account that is no more. Every other error may pass, or is about the server
 * and not about the keys: the list could not be asked for.
 *
 * In an account's list only the account writes. A domain is another matter: a service where anybody
 * may make a node (XEP-0060 §8.1) would let anybody be that domain, so one has to say of itself
 * that it publishes keys (XEP-0030).
 */
#include <errno.h>
#include <string.h>

#include "keys.h"
#include "memory.h"

#define FETCH_PATIENCE (5 * EAR_SEC)
#define FETCH_AT_ONCE  16
#define FETCH_WAITING  256 /* behind those */
#define FETCH_AGAIN    3   /* how often one that was overtaken by a change is asked again */

enum fetch_state {
	FETCH_WAITS,
	FETCH_ASKED,
	FETCH_FAILED, /* told so at the next turn */
};

struct fetch {
	struct keys_fetch *all;
	struct fetch *next;
	enum fetch_state state;
	int error;
	bool outdated;
	unsigned again;
	xmpp_stanza_t *list; /* of a domain that is asked whether it publishes keys; or NULL */
	struct ear_timer timer;
	char bare[];
};

struct keys_fetch {
	struct ear *ear;
	struct fetch *first; /* the oldest first */
	size_t waiting, asked;
};

static void
fetch_unlink(struct fetch *fetch)
{
	struct fetch **at = &fetch->all->first;

	while (*at != fetch)
		at = &(*at)->next;
	*at = fetch->next;
}

static void
fetch_enter(struct fetch *fetch, enum fetch_state state)
{
	struct keys_fetch *all = fetch->all;

	all->waiting -= fetch->state == FETCH_WAITS;
	all->asked -= fetch->state == FETCH_ASKED;
	fetch->state = state;
	all->waiting += state == FETCH_WAITS;
	all->asked += state == FETCH_ASKED;
}

static void
fetch_free(struct fetch *fetch)
{
	if (fetch->list != NULL)
		xmpp_stanza_release(fetch->list);
	free(fetch);
}

static void fetch_more(struct keys_fetch *all);

/* Whoever is told may have more fetched at once. */
static void
fetch_end(struct fetch *fetch, int error, const struct ear_device *devices, size_t count)
{
	struct keys_fetch *all = fetch->all;

	fetch_enter(fetch, FETCH_FAILED);
	fetch_unlink(fetch);
	ear_timer_stop(&fetch->timer);
	ear_devices_told(all->ear, fetch->bare, error, devices, count);
	fetch_free(fetch);
	fetch_more(all);
}

static int
error_of(const struct ear_answer *answer)
{
	if (answer->error != -EREMOTEIO)
		return answer->error;
	switch ((int)ear_condition_of(answer->stanza)) {
	case EAR_ITEM_NOT_FOUND:
		return -ENOENT;
	case EAR_FORBIDDEN:
	case EAR_NOT_AUTHORIZED:
	case EAR_NOT_ALLOWED:
	case EAR_SUBSCRIPTION_REQUIRED:
		return -EACCES;
	case EAR_SERVICE_UNAVAILABLE:
	case EAR_FEATURE_NOT_IMPLEMENTED:
		return -EOPNOTSUPP;
	default:
		return -EHOSTUNREACH;
	}
}

static void fetch_ask(struct fetch *fetch);

static bool
says_keys(xmpp_stanza_t *iq)
{
	xmpp_stanza_t *query = ear_find(iq, "query", EAR_NS_DISCO_INFO);

	for (xmpp_stanza_t *e = query == NULL ? NULL : ear_first(query); e != NULL;
	     e = ear_next(e)) {
		const char *var = xmpp_stanza_get_attribute(e, "var");

		if (ear_is(e, "feature", EAR_NS_DISCO_INFO) && var != NULL &&
		    strcmp(var, EAR_NS_KEYS) == 0)
			return true;
	}
	return false;
}

static void
on_features(void *arg, const struct ear_answer *answer)
{
	struct ear_device devices[EAR_DEVICES_MAX];
	struct fetch *fetch = arg;
	size_t count = 0, skipped = 0;

	if (answer->error == -ECANCELED)
		return; /* as on_answer */
	if (fetch->outdated && fetch->again++ < FETCH_AGAIN && answer->error == 0) {
		fetch_ask(fetch);
		return;
	}
	if (answer->error != 0 || answer->link != EAR_LINK_SERVER || !says_keys(answer->stanza)) {
		ear_info("%s: has a list of keys, but does not say that it publishes its own: not "
			 "believed",
			 fetch->bare);
		fetch_end(fetch, -EOPNOTSUPP, NULL, 0);
		return;
	}
	keys_items_read(fetch->list, devices, &count, &skipped);
	fetch_end(fetch, 0, devices, count);
}

static void
ask_features(struct fetch *fetch, xmpp_stanza_t *list)
{
	struct ear *ear = fetch->all->ear;
	xmpp_stanza_t *iq = ear_stanza(ear_ctx(ear), "iq", "get", fetch->bare, NULL);

	ear_child(iq, "query", EAR_NS_DISCO_INFO);
	fetch->list = xmpp_stanza_copy(list);
	ear_request_by(ear, EAR_LINK_SERVER, iq, FETCH_PATIENCE, on_features, fetch);
}

static void
take_list(struct fetch *fetch, const struct ear_answer *answer)
{
	struct ear_device devices[EAR_DEVICES_MAX];
	size_t count = 0, skipped = 0;
	int error = keys_items_read(answer->stanza, devices, &count, &skipped);

	if (skipped > 0)
		ear_warn("%s: %zu of its published devices are passed over: malformed, or more "
			 "than %d",
			 fetch->bare, skipped, EAR_DEVICES_MAX);
	if (error == 0 && count > 0 && strchr(fetch->bare, '@') == NULL)
		ask_features(fetch, answer->stanza);
	else
		fetch_end(fetch, error, error == 0 ? devices : NULL, error == 0 ? count : 0);
}

static void
on_answer(void *arg, const struct ear_answer *answer)
{
	struct fetch *fetch = arg;
	char text[256];

	if (answer->error == -ECANCELED)
		return; /* the engine stops, and frees us */
	if (fetch->outdated && fetch->again++ < FETCH_AGAIN && answer->error == 0) {
		fetch_ask(fetch);
		return;
	}
	/* Who answers by a shorter way is no server. */
	if (answer->stanza != NULL && answer->link != EAR_LINK_SERVER) {
		fetch_end(fetch, -EPROTO, NULL, 0);
		return;
	}
	if (answer->error == 0) {
		take_list(fetch, answer);
		return;
	}
	keys_failure(answer, text, sizeof(text));
	ear_debug("%s: its published keys: %s", fetch->bare, text);
	fetch_end(fetch, error_of(answer), NULL, 0);
}

static void
fetch_ask(struct fetch *fetch)
{
	struct ear *ear = fetch->all->ear;
	xmpp_stanza_t *child, *iq = keys_request(ear_ctx(ear), "get", fetch->bare, EAR_NS_PUBSUB,
						 "items", &child);

	fetch->outdated = false;
	if (fetch->list != NULL)
		xmpp_stanza_release(fetch->list);
	fetch->list = NULL;
	fetch_enter(fetch, FETCH_ASKED);
	ear_request_by(ear, EAR_LINK_SERVER, iq, FETCH_PATIENCE, on_answer, fetch);
}

static void
fetch_more(struct keys_fetch *all)
{
	for (struct fetch *f = all->first; f != NULL && all->asked < FETCH_AT_ONCE; f = f->next)
		if (f->state == FETCH_WAITS)
			fetch_ask(f);
}

static void
on_timer(void *arg)
{
	struct fetch *fetch = arg;

	fetch_end(fetch, fetch->error, NULL, 0);
}

/* Not from inside the asker's call. */
static void
fetch_fail(struct fetch *fetch, int error)
{
	fetch_enter(fetch, FETCH_FAILED);
	fetch->error = error;
	ear_timer_set(&fetch->timer, 0);
}

static struct fetch *
fetch_find(struct keys_fetch *all, const char *bare)
{
	struct fetch *fetch = all->first;

	while (fetch != NULL && strcmp(fetch->bare, bare) != 0)
		fetch = fetch->next;
	return fetch;
}

static struct fetch *
fetch_new(struct keys_fetch *all, const char *bare)
{
	size_t size = strlen(bare) + 1;
	struct fetch *fetch = xep_alloc(sizeof(*fetch) + size), **end = &all->first;

	fetch->all = all;
	memcpy(fetch->bare, bare, size);
	ear_timer_init(&fetch->timer, ear_clock(all->ear), on_timer, fetch);
	all->waiting++;
	while (*end != NULL)
		end = &(*end)->next;
	*end = fetch;
	return fetch;
}

/* ear_fetch_devices_fn */
static void
on_fetch(void *arg, const char *bare)
{
	struct keys_fetch *all = arg;
	struct fetch *fetch = fetch_find(all, bare);

	if (fetch != NULL)
		return;
	fetch = fetch_new(all, bare);
	if (ear_self(all->ear, EAR_LINK_SERVER) == NULL || ear_jid_is_lan(bare))
		fetch_fail(fetch, -EHOSTUNREACH);
	else if (all->waiting > FETCH_WAITING)
		fetch_fail(fetch, -ENOBUFS);
	else
		fetch_more(all);
}

void
keys_fetch_outdate(struct keys_fetch *all, const char *bare)
{
	struct fetch *fetch = fetch_find(all, bare);

	if (fetch != NULL)
		fetch->outdated = true;
}

struct keys_fetch *
keys_fetch_new(struct ear *ear)
{
	struct keys_fetch *all = xep_alloc(sizeof(*all));

	all->ear = ear;
	ear_set_fetcher(ear, on_fetch, all);
	return all;
}

void
keys_fetch_free(struct keys_fetch *all)
{
	ear_set_fetcher(all->ear, NULL, NULL);
	while (all->first != NULL) {
		struct fetch *fetch = all->first;

		all->first = fetch->next;
		ear_request_forget(all->ear, fetch);
		ear_timer_stop(&fetch->timer);
		fetch_free(fetch);
	}
	free(all);
}
