/* SPDX-License-Identifier: ISC */
/*
 * pubsub_standing.c: who has lost what let him in (XEP-0060 §12.13): he is no contact any more, or
 * his key is accepted no more. Where the access model is "presence" or "roster", and would not let
 * him in again, he is not subscribed any more, and is told.
 *
 *	his subscriptions, page by page -> each node as he sees it -> those there end -> that node
 *	once more, until there is nothing to do
 *
 * One is looked at after the other. Several engines may do the same at once: what is done already
 * is not there any more.
 */
#include <errno.h>
#include <string.h>

#include "memory.h"
#include "pubsub_impl.h"
#include "pubsub_work.h"

#define LOOKS_MAX EAR_CONTACTS_MAX /* who waits to be looked at */
#define NODES_MAX 32               /* of a page */
#define TRIES_MAX 8                /* at a node that changes meanwhile, before there is a pause */
#define AGAIN     (2 * EAR_SEC)    /* after the store could not */

/* Somebody. */
struct look {
	struct look *next;
	char *who;  /* bare */
	bool again; /* he has lost more meanwhile */
};

struct pubsub_standings {
	struct pubsub *pubsub;
	struct look *first, **end; /* the first is being looked at */
	size_t count;
	char *after; /* the node that the page was behind; NULL: it is the first */
	char *nodes[NODES_MAX];
	size_t at, node_count; /* of the page */
	unsigned tries;
	struct ear_timer pause;
};

static void ask_page(struct pubsub_standings *standings);
static void ask_node(struct pubsub_standings *standings);

/* --- life --------------------------------------------------------------------------------- */

static void
on_pause_over(void *arg)
{
	struct pubsub_standings *standings = arg;

	standings->tries = 0;
	if (standings->at < standings->node_count)
		ask_node(standings);
	else
		ask_page(standings);
}

static struct pubsub_standings *
standings_get(struct pubsub *pubsub)
{
	struct pubsub_standings *standings = pubsub->standings;

	if (standings != NULL)
		return standings;
	standings = xep_alloc(sizeof(*standings));
	standings->pubsub = pubsub;
	standings->end = &standings->first;
	ear_timer_init(&standings->pause, ear_clock(pubsub->ear), on_pause_over, standings);
	pubsub->standings = standings;
	return standings;
}

static void
leave_page(struct pubsub_standings *standings)
{
	for (size_t i = 0; i < standings->node_count; i++)
		free(standings->nodes[i]);
	standings->at = standings->node_count = 0;
}

static void
begin(struct pubsub_standings *standings)
{
	leave_page(standings);
	free(standings->after);
	standings->after = NULL;
	standings->tries = 0;
	ask_page(standings);
}

static void
drop_first(struct pubsub_standings *standings)
{
	struct look *look = standings->first;

	standings->first = look->next;
	if (standings->first == NULL)
		standings->end = &standings->first;
	standings->count--;
	free(look->who);
	free(look);
}

void
pubsub_standings_free(struct pubsub_standings *standings)
{
	if (standings == NULL)
		return;
	ear_store_forget(standings->pubsub->store, standings);
	ear_timer_stop(&standings->pause);
	leave_page(standings);
	free(standings->after);
	while (standings->first != NULL)
		drop_first(standings);
	free(standings);
}

/* --- going on ----------------------------------------------------------------------------- */

static const char *
who_of(const struct pubsub_standings *standings)
{
	return standings->first->who;
}

static const char *
node_of(const struct pubsub_standings *standings)
{
	return standings->nodes[standings->at];
}

static void
wait_a_little(struct pubsub_standings *standings, int error)
{
	ear_debug("%s: whether he may be subscribed cannot be looked at: %s", who_of(standings),
		  strerror(-error));
	ear_timer_set(&standings->pause, AGAIN);
}

static void
next_node(struct pubsub_standings *standings)
{
	standings->tries = 0;
	if (++standings->at < standings->node_count)
		ask_node(standings);
	else
		ask_page(standings);
}

static void
next_look(struct pubsub_standings *standings)
{
	if (standings->first->again)
		standings->first->again = false;
	else
		drop_first(standings);
	if (standings->first != NULL)
		begin(standings);
}

/* --- whether he is let in ----------------------------------------------------------------- */

struct door {
	struct ear *ear;
	const char *who;
	const struct pubsub_config *config;
	const struct ear_stored *row;
	bool open;
};

static void
try_door(struct door *door, enum ear_link_kind link, enum ear_level level)
{
	door->open = door->open ||
		     pubsub_may_be_told(door->ear, door->who, link, level, door->config, door->row);
}

static void
on_path(void *arg, const struct ear_path_info *path)
{
	if (path->link == EAR_LINK_LAN && path->state != EAR_PATH_FAILED)
		try_door(arg, path->link, path->level);
}

/* By whichever way he could ask to be subscribed now. */
static bool
is_let_in(const struct pubsub_standings *standings, const struct pubsub_config *config,
	  const struct ear_stored *row)
{
	struct door door = { standings->pubsub->ear, who_of(standings), config, row, false };

	if (!ear_jid_is_lan(door.who))
		try_door(&door, EAR_LINK_SERVER, ear_level_by_server(door.ear, door.who));
	ear_each_path(door.ear, door.who, on_path, &door);
	return door.open;
}

static bool
is_by_standing(const struct pubsub_config *config)
{
	return config->access_model == PUBSUB_PRESENCE || config->access_model == PUBSUB_ROSTER;
}

/* --- his subscriptions at a node ---------------------------------------------------------- */

static void
on_changed(void *arg, const struct ear_changed *changed)
{
	struct pubsub_standings *standings = arg;

	if (changed->error == 0) {
		ear_info("%s: is let in no more: subscribed to %s no more", who_of(standings),
			 node_of(standings));
		pubsub_queue_forget(standings->pubsub, node_of(standings));
	}
	if (changed->error == 0 || (changed->error == -ESTALE && ++standings->tries < TRIES_MAX))
		ask_node(standings);
	else
		wait_a_little(standings, changed->error);
}

/* What waits for an owner is his affair. */
static void
end_subscriptions(struct pubsub_standings *standings, struct pubsub_work *work,
		  const struct ear_stored_answer *answer)
{
	struct ear *ear = standings->pubsub->ear;
	const char *node = node_of(standings);

	for (size_t i = 1; i < answer->count && !pubsub_work_is_full(work, 1, 1); i++) {
		const struct ear_stored *row = &answer->rows[i];

		if (row->subscription != EAR_SUBSCRIBED)
			continue;
		pubsub_work_subscribe(work, row->jid, EAR_SUBSCRIPTION_NONE, NULL);
		pubsub_work_tell(
			work, row->jid, NULL,
			pubsub_event_subscription(ear, node, row->jid, EAR_SUBSCRIPTION_NONE));
	}
}

static void
change(struct pubsub_standings *standings, const struct pubsub_work *work)
{
	const struct ear_transaction transaction =
		pubsub_work_transaction(work, node_of(standings));

	ear_store_change(standings->pubsub->store, &transaction, on_changed, standings);
}

static void
on_node(void *arg, const struct ear_stored_answer *answer)
{
	struct pubsub_standings *standings = arg;
	struct pubsub_work work = { .config = pubsub_config_default };

	if (answer->error != 0 && answer->error != -ENOENT) {
		wait_a_little(standings, answer->error);
		return;
	}
	if (answer->error == 0) {
		work.epoch = answer->rows[0].epoch;
		pubsub_config_read(&work.config, answer->rows[0].config);
	}
	if (answer->error == 0 && is_by_standing(&work.config) &&
	    !is_let_in(standings, &work.config, &answer->rows[0]))
		end_subscriptions(standings, &work, answer);
	if (work.count > 0)
		change(standings, &work);
	else
		next_node(standings);
	pubsub_work_release(&work);
}

static void
ask_node(struct pubsub_standings *standings)
{
	const struct ear_query query = { .kind = EAR_QUERY_NODE,
					 .node = node_of(standings),
					 .who = who_of(standings) };

	ear_store_query(standings->pubsub->store, &query, on_node, standings);
}

/* --- the nodes at which he has some ------------------------------------------------------- */

static void
on_page(void *arg, const struct ear_stored_answer *answer)
{
	struct pubsub_standings *standings = arg;
	const char *last = NULL;

	if (answer->error != 0) {
		wait_a_little(standings, answer->error);
		return;
	}
	leave_page(standings);
	for (size_t i = 0; i < answer->count && standings->node_count < NODES_MAX; i++) {
		if (last != NULL && strcmp(last, answer->rows[i].node) == 0)
			continue;
		last = answer->rows[i].node;
		standings->nodes[standings->node_count++] = xep_strdup(last);
	}
	if (last == NULL) {
		next_look(standings);
		return;
	}
	free(standings->after);
	standings->after = xep_strdup(last);
	ask_node(standings);
}

static void
ask_page(struct pubsub_standings *standings)
{
	const struct ear_query query = { .kind = EAR_QUERY_SUBSCRIPTIONS,
					 .who = who_of(standings),
					 .after = standings->after,
					 .max = NODES_MAX };

	ear_store_query(standings->pubsub->store, &query, on_page, standings);
}

/* --- doors -------------------------------------------------------------------------------- */

static struct look *
find(struct pubsub_standings *standings, const char *who)
{
	struct look *look = standings->first;

	while (look != NULL && strcmp(look->who, who) != 0)
		look = look->next;
	return look;
}

void
pubsub_standing_ended(struct ear *ear, const char *address)
{
	struct pubsub *pubsub = pubsub_of(ear);
	struct pubsub_standings *standings;
	char who[EAR_JID_SIZE];
	struct look *look;

	if (pubsub == NULL || ear_jid_bare(address, who, sizeof(who)) != 0)
		return;
	standings = standings_get(pubsub);
	look = find(standings, who);
	if (look != NULL) {
		look->again = look == standings->first;
		return;
	}
	if (standings->count >= LOOKS_MAX) {
		ear_warn("%s: too many are looked at: may stay subscribed", who);
		return;
	}
	look = xep_alloc(sizeof(*look));
	look->who = xep_strdup(who);
	*standings->end = look;
	standings->end = &look->next;
	if (standings->count++ == 0)
		begin(standings);
}
