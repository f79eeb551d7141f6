/* SPDX-License-Identifier: ISC */
/* store_people.c: affiliations and subscriptions, and how many of them a node has. */
#include <errno.h>

#include "store/store_change.h"

_Static_assert(EAR_SUBSCRIBED == 3, "the statements say so");

/* --- affiliations ------------------------------------------------------------------------- */

#define AFFILIATED "EXISTS (SELECT 1 FROM affiliation a WHERE a.node = node.id AND a.jid = $2)"

static const struct db_sql sql_affiliate_count = {
	"UPDATE node SET affiliations = affiliations + CASE WHEN " AFFILIATED
	" THEN 0 ELSE 1 END WHERE name = $1 AND gone = 0 AND (affiliations < $3 OR " AFFILIATED
	") RETURNING id",
	NULL
};
static const struct db_sql sql_affiliate = {
	"INSERT INTO affiliation (node, jid, affiliation)"
	" SELECT id, $2, $3 FROM node WHERE name = $1 AND gone = 0"
	" ON CONFLICT (node, jid) DO UPDATE SET affiliation = excluded.affiliation",
	NULL
};
static const struct db_sql sql_disaffiliate_count = {
	"UPDATE node SET affiliations = affiliations - 1 WHERE name = $1 AND gone = 0 "
	"AND " AFFILIATED,
	NULL
};
static const struct db_sql sql_disaffiliate = { "DELETE FROM affiliation WHERE node = " SQL_NODE_ID
						" AND jid = $2",
						NULL };

void
change_affiliate(struct plan *plan, const char *node, const struct ear_change *change)
{
	if (change->affiliation == EAR_AFFILIATION_NONE) {
		PLAN(plan, &sql_disaffiliate_count, 0, db_text(node), db_text(change->jid));
		PLAN(plan, &sql_disaffiliate, 0, db_text(node), db_text(change->jid));
		return;
	}
	PLAN(plan, &sql_affiliate_count, -EDQUOT, db_text(node), db_text(change->jid),
	     db_int(EAR_AFFILIATED_MAX));
	PLAN(plan, &sql_affiliate, 0, db_text(node), db_text(change->jid),
	     db_int(change->affiliation));
}

/* --- subscriptions ------------------------------------------------------------------------ */

#define SUBSCRIPTION                                                                               \
	" FROM (SELECT o.id AS own, (SELECT s.state FROM subscription s"                           \
	" WHERE s.node = o.id AND s.jid = $2) AS state"                                            \
	" FROM node o WHERE o.name = $1 AND o.gone = 0) AS n WHERE node.id = n.own"
#define WAS_SUBSCRIBED "CASE WHEN n.state = 3 THEN 1 ELSE 0 END"

/* Who waits already, and does so again, takes no more room. */
static const struct db_sql sql_may_wait = {
	"SELECT 1 FROM node o WHERE o.name = $1 AND o.gone = 0 AND"
	" (o.subscriptions - o.subscribers < CAST($3 AS bigint) OR EXISTS (SELECT 1"
	" FROM subscription s WHERE s.node = o.id AND s.jid = $2 AND s.state <> 3))",
	NULL
};
static const struct db_sql sql_subscribe_count = {
	"UPDATE node SET subscribers = subscribers + CAST($3 AS bigint) - " WAS_SUBSCRIBED
	", subscriptions = subscriptions + CASE WHEN n.state IS NULL THEN 1 ELSE 0 END" SUBSCRIPTION
	" AND (n.state IS NOT NULL OR subscriptions < $4) RETURNING id",
	NULL
};

/* Who was subscribed before goes on to hear of what he has not been told yet. */
static const struct db_sql sql_subscribe = {
	"INSERT INTO subscription (node, jid, bare, state, since, options)"
	" SELECT n.id, $2, $3, $4, n.last, COALESCE(CAST($5 AS text), '')"
	" FROM node n WHERE n.name = $1 AND n.gone = 0"
	" ON CONFLICT (node, jid) DO UPDATE SET state = excluded.state,"
	" options = COALESCE(CAST($5 AS text), subscription.options),"
	" since = CASE WHEN subscription.state = 3 AND excluded.state = 3"
	" THEN subscription.since ELSE excluded.since END",
	NULL
};
static const struct db_sql sql_unsubscribe_count = {
	"UPDATE node SET subscribers = subscribers - " WAS_SUBSCRIBED
	", subscriptions = subscriptions - 1" SUBSCRIPTION " AND n.state IS NOT NULL",
	NULL
};
static const struct db_sql sql_unsubscribe = { "DELETE FROM subscription WHERE node = " SQL_NODE_ID
					       " AND jid = $2",
					       NULL };

/* What waits for him he no longer wants. */
static const struct db_sql sql_unwait = { "DELETE FROM backlog WHERE jid = $2 AND node = $1",
					  NULL };

void
change_subscribe(struct plan *plan, struct ask *ask, const char *node,
		 const struct ear_change *change)
{
	if (change->subscription == EAR_SUBSCRIPTION_NONE) {
		PLAN(plan, &sql_unsubscribe_count, 0, db_text(node), db_text(change->jid));
		PLAN(plan, &sql_unsubscribe, 0, db_text(node), db_text(change->jid));
		PLAN(plan, &sql_unwait, 0, db_text(node), db_text(change->jid));
		return;
	}
	if (change->subscription == EAR_PENDING)
		PLAN(plan, &sql_may_wait, -EUSERS, db_text(node), db_text(change->jid),
		     db_int(EAR_PENDING_MAX));
	PLAN(plan, &sql_subscribe_count, -EDQUOT, db_text(node), db_text(change->jid),
	     db_int(change->subscription == EAR_SUBSCRIBED), db_int(EAR_SUBSCRIBED_MAX));
	PLAN(plan, &sql_subscribe, 0, db_text(node), db_text(change->jid),
	     db_text(ask_bare(ask, change->jid)), db_int(change->subscription),
	     db_text(change->options));
}
