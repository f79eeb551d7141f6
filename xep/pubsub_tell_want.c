/* SPDX-License-Identifier: ISC */
/*
 * pubsub_tell_want.c: those who say by their capabilities which nodes they want to hear of, without
 * having subscribed (XEP-0163 §4.3): they are told of events that are `wide`, and get the last item
 * when they appear.
 */
#include <errno.h>

#include "memory.h"
#include "nodes_impl.h"
#include "pubsub_tell_impl.h"

#define LAST_MAX 1024 /* last items that are being read */

struct want {
	struct want *next; /* heard of longer ago */
	char *address;
	enum ear_level level;
	enum ear_link_kind link;
	char **nodes;
	size_t count;
};

/* A last item on its way. */
struct last {
	struct last *next;
	struct pubsub_teller *teller;
	char *address, *node;
	const char *type;
};

/* --- who ---------------------------------------------------------------------------------- */

static void
want_free(struct want *want)
{
	for (size_t i = 0; i < want->count; i++)
		free(want->nodes[i]);
	free(want->nodes);
	free(want->address);
	free(want);
}

/* Where a device is in the list, under whichever of its addresses; its end: it is not. */
static struct want **
find(struct pubsub_teller *teller, const char *address)
{
	struct want **place = &teller->wants;

	while (*place != NULL && !told_is_same(teller->ear, (*place)->address, address))
		place = &(*place)->next;
	return place;
}

static bool
names(const struct want *want, const char *node)
{
	for (size_t i = 0; i < want->count; i++)
		if (strcmp(want->nodes[i], node) == 0)
			return true;
	return false;
}

static struct want *
want_new(const struct ear_in *in, const char *const *nodes, size_t count)
{
	struct want *want = xep_alloc(sizeof(*want));

	want->address = xep_strdup(in->from);
	want->level = in->level;
	want->link = in->link;
	want->nodes = xep_alloc(count * sizeof(want->nodes[0]));
	for (size_t i = 0; i < count; i++)
		if (nodes_find(nodes[i]) == NULL)
			want->nodes[want->count++] = xep_strdup(nodes[i]);
	return want;
}

static void
drop_oldest(struct pubsub_teller *teller)
{
	struct want **place = &teller->wants;

	if (*place == NULL)
		return;
	while ((*place)->next != NULL)
		place = &(*place)->next;
	want_free(*place);
	*place = NULL;
	teller->want_count--;
}

/* --- his view of a node ------------------------------------------------------------------- */

static void
on_path(void *arg, const struct ear_path_info *path)
{
	char *who = arg;

	if (!ear_jid_is_lan(path->to))
		ear_jid_bare(path->to, who, EAR_JID_SIZE);
}

/* By which address he is known to nodes. */
static void
who_is(struct pubsub_teller *teller, const char *address, char *who)
{
	if (ear_jid_bare(address, who, EAR_JID_SIZE) != 0)
		who[0] = '\0';
	if (ear_jid_is_lan(address))
		ear_each_path(teller->ear, address, on_path, who);
}

static void
ask_node(struct pubsub_teller *teller, const char *address, const char *node, ear_stored_fn *fn,
	 void *arg)
{
	char who[EAR_JID_SIZE];
	const struct ear_query query = { .kind = EAR_QUERY_NODE, .node = node, .who = who };

	who_is(teller, address, who);
	ear_store_query(teller->store, &query, fn, arg);
}

static bool
may_be_told(struct pubsub_teller *teller, const char *address,
	    const struct ear_stored_answer *answer, struct pubsub_config *config)
{
	const struct want *want = *find(teller, address);

	if (want == NULL || answer->error != 0 || answer->count == 0)
		return false;
	*config = pubsub_config_default;
	pubsub_config_read(config, answer->rows[0].config == NULL ? "" : answer->rows[0].config);
	return pubsub_may_be_told(teller->ear, address, want->link, want->level, config,
				  &answer->rows[0]);
}

/* --- wide events -------------------------------------------------------------------------- */

size_t
want_addresses(struct pubsub_teller *teller, const char *node, char ***out)
{
	size_t count = 0;

	*out = xep_alloc((teller->want_count + 1) * sizeof((*out)[0]));
	for (const struct want *want = teller->wants; want != NULL; want = want->next)
		if (names(want, node))
			(*out)[count++] = xep_strdup(want->address);
	return count;
}

/* Who has subscribed is told as a subscriber. */
static bool
is_subscribed(const struct ear_stored_answer *answer)
{
	for (size_t i = 1; i < answer->count; i++)
		if (answer->rows[i].subscription == EAR_SUBSCRIBED)
			return true;
	return false;
}

bool
want_is_told(struct pubsub_teller *teller, const char *address,
	     const struct ear_stored_answer *answer)
{
	struct pubsub_config config;

	return may_be_told(teller, address, answer, &config) && !is_subscribed(answer);
}

void
want_ask(struct pubsub_teller *teller, const char *address, const char *node, ear_stored_fn *fn,
	 void *arg)
{
	ask_node(teller, address, node, fn, arg);
}

/* --- the last item (XEP-0163 §4.3.4) ------------------------------------------------------ */

static void
last_free(struct last *last)
{
	struct pubsub_teller *teller = last->teller;
	struct last **place = &teller->lasts;

	while (*place != last)
		place = &(*place)->next;
	*place = last->next;
	teller->last_count--;
	ear_store_forget(teller->store, last);
	free(last->address);
	free(last->node);
	free(last);
}

static void
send_last(struct last *last, const struct ear_stored *row)
{
	const struct pubsub_item item = { .id = row->item,
					  .payload = row->payload,
					  .publisher = row->publisher,
					  .at = row->at,
					  .delayed = true };
	char *text = pubsub_event_items(last->teller->ear, last->node, &item, 1, true);
	const struct ear_stored_event event = {
		.node = last->node, .text = text, .type = last->type, .at = row->at, .told = ""
	};
	struct tale *tale = tale_new(last->teller, &event);

	tale_send(last->teller, tale, last->address, 0);
	tale_drop(tale);
	free(text);
}

static void
on_last(void *arg, const struct ear_stored_answer *answer)
{
	struct last *last = arg;

	if (answer->error == 0 && answer->count > 0)
		send_last(last, &answer->rows[0]);
	last_free(last);
}

static void
on_node(void *arg, const struct ear_stored_answer *answer)
{
	struct last *last = arg;
	struct ear_query query = { .kind = EAR_QUERY_ITEMS, .node = last->node, .max = 1 };
	struct pubsub_config config;

	if (!may_be_told(last->teller, last->address, answer, &config) ||
	    config.send_last != PUBSUB_LAST_ON_SUB_AND_PRESENCE || !config.deliver_notifications) {
		last_free(last);
		return;
	}
	last->type = config.message_type;
	ear_store_query(last->teller->store, &query, on_last, last);
}

static void
start_last(struct pubsub_teller *teller, const char *address, const char *node)
{
	struct last *last;

	if (teller->last_count >= LAST_MAX || !teller->recalled)
		return;
	last = xep_alloc(sizeof(*last));
	last->teller = teller;
	last->address = xep_strdup(address);
	last->node = xep_strdup(node);
	last->next = teller->lasts;
	teller->lasts = last;
	teller->last_count++;
	ask_node(teller, address, node, on_node, last);
}

/* --- doors -------------------------------------------------------------------------------- */

void
pubsub_teller_wanted(struct pubsub_teller *teller, const struct ear_in *in,
		     const char *const *nodes, size_t count)
{
	struct want **place = find(teller, in->from), *old = *place, *want = NULL;

	if (old != NULL) {
		*place = old->next;
		teller->want_count--;
	}
	if (count > 0) {
		want = want_new(in, nodes, count);
		if (teller->want_count >= NODES_TOLD_MAX)
			drop_oldest(teller);
		want->next = teller->wants;
		teller->wants = want;
		teller->want_count++;
		for (size_t i = 0; i < want->count; i++)
			if (!in->passed && (old == NULL || !names(old, want->nodes[i])))
				start_last(teller, want->address, want->nodes[i]);
	}
	if (old != NULL)
		want_free(old);
}

void
pubsub_teller_nobody(struct pubsub_teller *teller, const char *bare)
{
	struct want **place = &teller->wants;

	person_nobody(teller, bare);
	while (*place != NULL) {
		struct want *want = *place;

		if (want->link != EAR_LINK_SERVER ||
		    (bare != NULL && !ear_jid_bare_equal(want->address, bare))) {
			place = &want->next;
			continue;
		}
		*place = want->next;
		teller->want_count--;
		want_free(want);
	}
}

void
want_release(struct pubsub_teller *teller)
{
	while (teller->lasts != NULL)
		last_free(teller->lasts);
	while (teller->wants != NULL) {
		struct want *want = teller->wants;

		teller->wants = want->next;
		want_free(want);
	}
}
