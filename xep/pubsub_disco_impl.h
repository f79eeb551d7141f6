/* SPDX-License-Identifier: ISC */
/* pubsub_disco_impl.h: one who discovers the service: pubsub_disco.c (what it is, what a node is),
 * pubsub_disco_items.c (which nodes, which items). */
#ifndef XEP_PUBSUB_DISCO_IMPL_H
#define XEP_PUBSUB_DISCO_IMPL_H

#include "disco.h"
#include "pubsub.h"

/* An <item/> of the answer. */
struct disco_entry {
	char *id; /* NodeID or ItemID */
	char *name;
};

struct disco_affiliation {
	char *node;
	enum ear_affiliation affiliation;
};

struct disco_ask {
	struct pubsub_op op; /* as far as who asks goes */
	struct ear_store *store;
	struct disco_later *later;
	xmpp_stanza_t *query; /* of the answer */
	xmpp_stanza_t *form;  /* in it */
	/* Of a list: */
	bool asked; /* for a page (XEP-0059) */
	bool back;  /* the page before something */
	char *after, *before;
	size_t index, max, bytes;
	size_t others;                  /* nodes that are not in the store, which come first */
	size_t total, first, left_over; /* of the store's */
	struct disco_entry *entries;    /* in their order, of a page that is filled from its end
					   backwards */
	size_t entry_count, room;
	bool full;
	struct disco_affiliation *affiliations;
	size_t affiliation_count;
};

/* NULL: too many are asking. */
struct disco_ask *disco_ask_new(const struct ear_in *in, const char *node, xmpp_stanza_t *query);
void disco_ask_free(void *arg);

/* Answers, and frees it; query as of disco_answer(). */
void disco_ask_end(struct disco_ask *ask, enum ear_verdict verdict, xmpp_stanza_t *query);
void disco_ask_fail(struct disco_ask *ask, const struct ear_stored_answer *answer);

/* Of an answer to EAR_QUERY_NODE; borrowed from it. */
void disco_view_of(struct pubsub_view *view, const struct ear_stored_answer *answer);

/* §5.2: whether a node is none of his business; affiliation: of the address that he says is his. */
bool disco_is_hidden(const struct disco_ask *ask, const struct pubsub_config *config,
		     enum ear_affiliation affiliation);

#endif
