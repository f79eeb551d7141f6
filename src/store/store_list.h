/* SPDX-License-Identifier: ISC */
/* store_list.h: what can be read page by page. */
#ifndef STORE_STORE_LIST_H
#define STORE_STORE_LIST_H

#include "store/store_impl.h"

/*
 * Two statements, of the rows behind a place [0] and of those before it [1], which come in reverse.
 * head: how many there are, and how many up to that place, or before it. page: $N the place, then
 * how many rows, then how many are left out. Of what has an owner (a node, somebody), that is $1.
 */
struct listing {
	struct db_sql head[2], page[2];
	void (*row)(struct ask *ask, struct ear_stored *row, const struct db_value *columns);
	bool of_one;   /* has an owner */
	bool by_seq;   /* the place is an item, of which the newest come first */
	bool together; /* rows of one node are not torn apart: the place is a node's name */
};

extern const struct listing listing_nodes, listing_items, listing_affiliated, listing_affiliations,
	listing_subscribed, listing_subscriptions;

/* Adds the steps of that page to the plan, and says how the ask is answered. owner: of_one's. */
void listing_ask(const struct listing *listing, struct ask *ask, struct plan *plan,
		 const char *owner, const struct ear_query *query);

/* Rows of single statements, as of the pages. */
void listing_item(struct ask *ask, struct ear_stored *row, const struct db_value *columns);
void listing_subscriber(struct ask *ask, struct ear_stored *row, const struct db_value *columns);
void listing_affiliate(struct ask *ask, struct ear_stored *row, const struct db_value *columns);

#endif
