/* SPDX-License-Identifier: ISC */
/* contents.c: nodes of a service and items of a node, page by page where it has pages (XEP-0059).
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "contents.h"
#include "rsm.h"

#define PAGE_SIZE 50
#define PAGES_MAX 2000

/* --- pages -------------------------------------------------------------------------------- */

/* A listing that may come in pages (XEP-0059). */
struct listing {
	struct cli *cli;
	const struct place *place;
	xmpp_stanza_t **all;
	size_t count;
	unsigned long total; /* as the service says; 0: it does not */
	char *last;          /* where the next page goes on; NULL: nowhere */
};

static void
add(struct listing *listing, xmpp_stanza_t *item)
{
	if (listing->count % 64 == 0)
		listing->all =
			xrealloc(listing->all, (listing->count + 64) * sizeof(*listing->all));
	listing->all[listing->count++] = xmpp_stanza_copy(item);
}

static void
listing_empty(struct listing *listing)
{
	while (listing->count > 0)
		xmpp_stanza_release(listing->all[--listing->count]);
}

static void
listing_release(struct listing *listing)
{
	listing_empty(listing);
	free(listing->all);
	free(listing->last);
}

static char *
text_in(xmpp_stanza_t *set, const char *name)
{
	xmpp_stanza_t *element = set == NULL ? NULL : ear_find(set, name, EAR_NS_RSM);
	const char *text = element == NULL ? NULL : ear_text(element);

	return xstrdup(text);
}

static void
take_set(struct listing *listing, xmpp_stanza_t *set)
{
	char *count = text_in(set, "count");

	free(listing->last);
	listing->last = text_in(set, "last");
	listing->total = count == NULL ? 0 : strtoul(count, NULL, 10);
	free(count);
}

/* after NULL: from the beginning, "": without saying where. */
static void
add_set(xmpp_stanza_t *parent, const char *after)
{
	xmpp_stanza_t *set = ear_child(parent, "set", EAR_NS_RSM);
	char max[16];

	snprintf(max, sizeof(max), "%d", PAGE_SIZE);
	ear_child_text(set, "max", EAR_NS_RSM, max);
	if (after != NULL)
		ear_child_text(set, "after", EAR_NS_RSM, after);
}

/* Whether there is another page behind the one that was read. */
static bool
goes_on(const struct listing *listing, size_t before, int *pages)
{
	return !listing->cli->interrupted && listing->last != NULL && listing->count > before &&
	       listing->count < listing->total && ++*pages < PAGES_MAX;
}

/* --- items -------------------------------------------------------------------------------- */

/* What the request asks for, added to what there is. Consumes it. */
static int
take_items(struct listing *listing, xmpp_stanza_t *iq)
{
	struct answer answer;
	int code = service_ask(listing->cli, listing->place, iq, &answer);
	xmpp_stanza_t *pubsub, *items;

	if (code == EXIT_DONE) {
		pubsub = service_of(&answer, EAR_NS_PUBSUB);
		items = pubsub == NULL ? NULL : ear_find(pubsub, "items", EAR_NS_PUBSUB);
		for (xmpp_stanza_t *e = items == NULL ? NULL : ear_first(items); e != NULL;
		     e = ear_next(e))
			if (ear_is(e, "item", EAR_NS_PUBSUB))
				add(listing, e);
		take_set(listing, pubsub == NULL ? NULL : ear_find(pubsub, "set", EAR_NS_RSM));
	}
	answer_release(&answer);
	return code;
}

static xmpp_stanza_t *
items_request(struct listing *listing, xmpp_stanza_t **items)
{
	return service_request(listing->cli, listing->place, "get", EAR_NS_PUBSUB, "items", items);
}

static int
get_one(struct listing *listing, const char *id)
{
	xmpp_stanza_t *items, *iq = items_request(listing, &items);
	int code;

	xmpp_stanza_set_id(ear_child(items, "item", EAR_NS_PUBSUB), id);
	code = take_items(listing, iq);
	/* §6.5.9.11: some answer so, some with an error. */
	if (code == EXIT_DONE && listing->count == 0) {
		complain("%s: %s: there is no item \"%s\"", listing->place->address,
			 listing->place->node, id);
		code = EXIT_REFUSED;
	}
	return code;
}

static int
get_all(struct listing *listing)
{
	int code = EXIT_DONE, pages = 0;
	size_t before;

	do {
		xmpp_stanza_t *items, *iq = items_request(listing, &items);

		add_set(ear_first(iq), listing->last);
		before = listing->count;
		code = take_items(listing, iq);
	} while (code == EXIT_DONE && goes_on(listing, before, &pages));
	return code;
}

/* §6.5.7: the most recent; a service may give fewer at once than are wanted. */
static int
get_recent(struct listing *listing, long number)
{
	xmpp_stanza_t *items, *iq = items_request(listing, &items);
	int code;

	ear_set(items, "max_items", "%ld", number);
	code = take_items(listing, iq);
	if (code != EXIT_DONE || listing->count >= (size_t)number ||
	    listing->total <= listing->count)
		return code;
	listing_empty(listing);
	free(listing->last);
	listing->last = NULL;
	return get_all(listing);
}

int
contents_items(struct cli *cli, const struct place *place, const char *id, long number,
	       contents_fn *fn, void *arg)
{
	struct listing listing = { .cli = cli, .place = place };
	size_t first = 0;
	int code;

	if (id != NULL)
		code = get_one(&listing, id);
	else if (number > 0)
		code = get_recent(&listing, number);
	else
		code = get_all(&listing);
	if (number > 0 && listing.count > (size_t)number)
		first = listing.count - (size_t)number;
	for (size_t i = first; code == EXIT_DONE && i < listing.count; i++)
		fn(arg, place, listing.all[i]);
	listing_release(&listing);
	return code;
}

/* --- nodes -------------------------------------------------------------------------------- */

static int
take_nodes(struct listing *listing, xmpp_stanza_t *iq)
{
	struct answer answer;
	int code = service_ask(listing->cli, listing->place, iq, &answer);
	xmpp_stanza_t *query =
		code == EXIT_DONE ? ear_find(answer.stanza, "query", EAR_NS_DISCO_ITEMS) : NULL;

	for (xmpp_stanza_t *e = query == NULL ? NULL : ear_first(query); e != NULL; e = ear_next(e))
		if (ear_is(e, "item", EAR_NS_DISCO_ITEMS))
			add(listing, e);
	take_set(listing, query == NULL ? NULL : ear_find(query, "set", EAR_NS_RSM));
	answer_release(&answer);
	return code;
}

int
contents_nodes(struct cli *cli, const struct place *place, contents_fn *fn, void *arg)
{
	struct listing listing = { .cli = cli, .place = place };
	int code, pages = 0;
	size_t before;

	do {
		xmpp_stanza_t *iq = ear_stanza(cli->ctx, "iq", "get", place->address, NULL);
		xmpp_stanza_t *query = ear_child(iq, "query", EAR_NS_DISCO_ITEMS);

		if (listing.last != NULL)
			add_set(query, listing.last);
		before = listing.count;
		code = take_nodes(&listing, iq);
	} while (code == EXIT_DONE && goes_on(&listing, before, &pages));
	for (size_t i = 0; code == EXIT_DONE && i < listing.count; i++)
		fn(arg, place, listing.all[i]);
	listing_release(&listing);
	return code;
}
