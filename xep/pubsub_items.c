/* SPDX-License-Identifier: ISC */
/*
 * pubsub_items.c: retrieving items (XEP-0060 §6.5): all, the newest, some by their ids, or page by
 * page (XEP-0059).
 *
 * The store has the newest first; an answer, and a result set, begins with the oldest, as the
 * examples of §6.5 do. Items go into an answer as long as it stays one that every link carries;
 * where some did not, a <set/> says so (§6.5.4). Of those who did not ask for pages the newest are
 * told: they cannot ask for others.
 */
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "pubsub_item.h"
#include "rsm.h"

#define ITEMS_BYTES    ((size_t)192 * 1024) /* of an answer, after its first item */
#define ITEMS_ELEMENTS 3500                 /* inside it: readers take 4,096 (wire/reader.h) */
#define ITEMS_MAX      500                  /* of an answer */
#define ITEMS_IDS_MAX  100                  /* that a request may name */
#define ITEMS_GONE_MAX 16                   /* deletions between two parts of an answer */
#define ITEMS_ALL      SIZE_MAX

/* An answer while it is put together. */
struct listing {
	struct rsm rsm;
	const char *ids[ITEMS_IDS_MAX]; /* borrowed from the request */
	size_t id_count;
	size_t wanted;  /* so many of the newest, where neither ids nor a page is asked for */
	bool by_newest; /* what came first is the newest, and goes to the end */
	bool cut;       /* not all that was asked for goes in */
	xmpp_stanza_t *found[ITEMS_MAX]; /* in the order in which they came */
	size_t count, bytes, elements;
	size_t edge, gone; /* so many of them lead to the next, and so many did not */
	size_t total;      /* that there are */
	size_t index;      /* of the oldest here, from the oldest there is */
};

static void
listing_free(void *arg)
{
	struct listing *listing = arg;

	for (size_t i = 0; i < listing->count; i++)
		xmpp_stanza_release(listing->found[i]);
	free(listing);
}

/* --- what is asked for -------------------------------------------------------------------- */

static const struct pubsub_refusal no_items = { EAR_FEATURE_NOT_IMPLEMENTED, "unsupported",
						"persistent-items",
						"this node does not keep its items" };
static const struct pubsub_refusal no_subid = { EAR_NOT_ACCEPTABLE, "invalid-subid", NULL,
						"subscriptions have no ids here" };
static const struct pubsub_refusal no_number = { EAR_BAD_REQUEST, NULL, NULL,
						 "max_items is no number" };
static const struct pubsub_refusal no_page = { EAR_BAD_REQUEST, NULL, NULL,
					       "that is no page of a result set" };
static const struct pubsub_refusal no_id = { EAR_BAD_REQUEST, "item-required", NULL,
					     "an <item/> with an id is wanted" };
static const struct pubsub_refusal too_many = { EAR_NOT_ACCEPTABLE, NULL, NULL,
						"too many items are named" };
static const struct pubsub_refusal no_uid = { EAR_ITEM_NOT_FOUND, NULL, NULL,
					      "the page has no such neighbour (any more)" };

static const struct pubsub_refusal *
read_ids(struct pubsub_op *op, struct listing *listing)
{
	for (xmpp_stanza_t *e = ear_first(op->request); e != NULL; e = ear_next(e)) {
		const char *id = xmpp_stanza_get_id(e);

		if (!ear_is(e, "item", EAR_NS_PUBSUB))
			continue;
		if (id == NULL || *id == '\0')
			return &no_id;
		if (listing->id_count == ITEMS_IDS_MAX)
			return &too_many;
		listing->ids[listing->id_count++] = id;
	}
	return NULL;
}

/* §6.5.7 */
static const struct pubsub_refusal *
read_max_items(struct pubsub_op *op, struct listing *listing)
{
	const char *text = xmpp_stanza_get_attribute(op->request, "max_items");

	listing->wanted = ITEMS_ALL;
	if (text == NULL)
		return NULL;
	if (*text == '\0' || text[strspn(text, "0123456789")] != '\0' || strlen(text) > 9)
		return &no_number;
	listing->wanted = strtoul(text, NULL, 10);
	return listing->wanted == 0 ? &no_number : NULL;
}

/* The <set/> is beside <items/> (§6.5.4); some put it inside. */
static const struct pubsub_refusal *
read_listing(struct pubsub_op *op, const struct pubsub_view *view, struct listing *listing)
{
	const struct pubsub_refusal *why = pubsub_may_read(op, view);

	if (why != NULL)
		return why;
	if (!view->config.persist_items)
		return &no_items;
	if (xmpp_stanza_get_attribute(op->request, "subid") != NULL)
		return &no_subid;
	why = read_max_items(op, listing);
	if (why == NULL)
		why = read_ids(op, listing);
	if (why != NULL)
		return why;
	if (rsm_read(&listing->rsm, op->pubsub_element) != 0 ||
	    (!listing->rsm.asked && rsm_read(&listing->rsm, op->request) != 0))
		return &no_page;
	return NULL;
}

/* --- what is answered --------------------------------------------------------------------- */

/* Rendered: '<' stands for nothing else there. */
static size_t
count_elements(const char *xml)
{
	size_t count = 0;

	for (const char *c = strchr(xml, '<'); c != NULL; c = strchr(c + 1, '<'))
		count += c[1] != '/';
	return count;
}

static xmpp_stanza_t *
item_new(struct pubsub_op *op, const struct ear_stored *row)
{
	xmpp_stanza_t *item = ear_element(ear_ctx(op->ear), "item", EAR_NS_PUBSUB), *payload;

	xmpp_stanza_set_id(item, row->item);
	if (row->publisher != NULL && row->publisher[0] != '\0')
		ear_set(item, "publisher", "%s", row->publisher);
	if (row->payload == NULL || row->payload[0] == '\0')
		return item;
	payload = ear_parse(ear_ctx(op->ear), row->payload);
	if (payload == NULL)
		ear_warn("%s: item %s: what is stored is no element", op->node, row->item);
	else
		xmpp_stanza_add_child_ex(item, payload, 0);
	return item;
}

/* A character of an attribute may take six bytes. */
static size_t
size_of(const struct ear_stored *row)
{
	return (row->payload == NULL ? 0 : strlen(row->payload)) + 6 * strlen(row->item) +
	       (row->publisher == NULL ? 0 : 6 * strlen(row->publisher)) + 64;
}

/* false: there is no room for it. */
static bool
add(struct pubsub_op *op, struct listing *listing, const struct ear_stored *row)
{
	size_t bytes = size_of(row);
	size_t elements = 1 + (row->payload == NULL ? 0 : count_elements(row->payload));

	if (listing->count == ITEMS_MAX ||
	    (listing->count > 0 && (listing->bytes + bytes > ITEMS_BYTES ||
				    listing->elements + elements > ITEMS_ELEMENTS))) {
		listing->cut = true;
		return false;
	}
	listing->bytes += bytes;
	listing->elements += elements;
	listing->found[listing->count++] = item_new(op, row);
	return true;
}

/* Of the page that is told, what is furthest from where it was asked for is left out. */
static void
add_all(struct pubsub_op *op, struct listing *listing, const struct ear_stored_answer *answer)
{
	for (size_t i = 0; i < answer->count; i++) {
		size_t place = listing->by_newest ? i : answer->count - 1 - i;

		if (!add(op, listing, &answer->rows[place]))
			return;
	}
}

static xmpp_stanza_t *
from_oldest(const struct listing *listing, size_t i)
{
	return listing->found[listing->by_newest ? listing->count - 1 - i : i];
}

static void
reply(struct pubsub_op *op, struct listing *listing)
{
	xmpp_stanza_t *pubsub = pubsub_answer(op, EAR_NS_PUBSUB);
	xmpp_stanza_t *items = ear_child(pubsub, "items", EAR_NS_PUBSUB);
	size_t count = listing->count;

	ear_set(items, "node", "%s", op->node);
	for (size_t i = 0; i < count; i++)
		xmpp_stanza_add_child(items, from_oldest(listing, i));
	/* XEP-0059 §2.2: of nothing there are no pages. */
	if ((listing->rsm.asked || listing->cut) && listing->total > 0)
		rsm_add(pubsub, count == 0 ? NULL : xmpp_stanza_get_id(from_oldest(listing, 0)),
			count == 0 ? NULL : xmpp_stanza_get_id(from_oldest(listing, count - 1)),
			listing->index, listing->total);
	pubsub_reply(op, pubsub);
}

/* --- by ids, and pages -------------------------------------------------------------------- */

static void
on_page(struct pubsub_op *op, const struct ear_stored_answer *answer)
{
	struct listing *listing = op->arg;
	size_t oldest;

	if (answer->error == -ENOENT || answer->error == -ENODATA) {
		pubsub_refuse(op, &no_uid);
		return;
	}
	if (answer->error != 0) {
		pubsub_fail_store(op, answer->error, answer->text);
		return;
	}
	listing->total = listing->id_count > 0 ? answer->count : answer->total;
	if (listing->id_count > 0 || listing->rsm.max > 0)
		add_all(op, listing, answer);
	/* The place of the oldest that was found, then of the oldest that goes in. */
	oldest = listing->id_count > 0 ? 0 : answer->total - answer->first - answer->count;
	listing->index = listing->by_newest ? oldest + answer->count - listing->count : oldest;
	reply(op, listing);
}

static void
ask_ids(struct pubsub_op *op, struct listing *listing)
{
	struct ear_query query = { .kind = EAR_QUERY_ITEMS,
				   .node = op->node,
				   .ids = listing->ids,
				   .id_count = listing->id_count };

	pubsub_query(op, &query, on_page);
}

/* Behind, in the result set, is newer: before, in the store. */
static void
ask_page(struct pubsub_op *op, struct listing *listing)
{
	const struct rsm *rsm = &listing->rsm;
	struct ear_query query = { .kind = EAR_QUERY_ITEMS, .node = op->node };

	query.max = rsm->max > 0 ? rsm->max : 1;
	listing->by_newest = rsm->before != NULL;
	if (rsm->after != NULL)
		query.before = rsm->after;
	else if (rsm->before == NULL)
		query.before = "";
	else if (*rsm->before != '\0')
		query.after = rsm->before;
	if (rsm->by_index)
		query.skip = rsm->index;
	pubsub_query(op, &query, on_page);
}

/* --- the newest --------------------------------------------------------------------------- */

static void ask_newest(struct pubsub_op *op, struct listing *listing);

static void
reply_newest(struct pubsub_op *op, struct listing *listing)
{
	size_t count = listing->count;

	listing->index = listing->total > count ? listing->total - count : 0;
	listing->cut = listing->cut || (count < listing->wanted && count < listing->total);
	reply(op, listing);
}

/* The item behind which it was to go on has been deleted meanwhile: the one before it will do. */
static void
on_gone(struct pubsub_op *op, struct listing *listing)
{
	if (listing->edge < 2 || ++listing->gone > ITEMS_GONE_MAX) {
		reply_newest(op, listing);
		return;
	}
	listing->edge--;
	ask_newest(op, listing);
}

static void
on_newest(struct pubsub_op *op, const struct ear_stored_answer *answer)
{
	struct listing *listing = op->arg;

	if (answer->error == -ENODATA) {
		on_gone(op, listing);
		return;
	}
	if (answer->error != 0) {
		pubsub_fail_store(op, answer->error, answer->text);
		return;
	}
	if (listing->count == 0)
		listing->total = answer->total;
	add_all(op, listing, answer);
	listing->edge = listing->count;
	if (answer->count == 0 || listing->cut || listing->count >= listing->wanted ||
	    listing->count >= listing->total)
		reply_newest(op, listing);
	else
		ask_newest(op, listing);
}

/* So many at once that what is read of a node of large items stays bounded. */
static void
ask_newest(struct pubsub_op *op, struct listing *listing)
{
	size_t left = listing->wanted - listing->count, edge = listing->edge;
	struct ear_query query = {
		.kind = EAR_QUERY_ITEMS,
		.node = op->node,
		.after = edge == 0 ? NULL : xmpp_stanza_get_id(listing->found[edge - 1]),
		.max = left < RSM_MAX ? left : RSM_MAX,
	};

	listing->by_newest = true;
	pubsub_query(op, &query, on_newest);
}

void
pubsub_items(struct pubsub_op *op, const struct pubsub_view *view)
{
	struct listing *listing = xep_alloc(sizeof(*listing));
	const struct pubsub_refusal *why = read_listing(op, view, listing);

	if (why != NULL) {
		listing_free(listing);
		pubsub_refuse(op, why);
		return;
	}
	op->arg = listing;
	op->free_arg = listing_free;
	if (listing->id_count > 0)
		ask_ids(op, listing);
	else if (listing->rsm.asked)
		ask_page(op, listing);
	else
		ask_newest(op, listing);
}
