/* SPDX-License-Identifier: ISC */
/*
 * store.h: what a publish-subscribe service remembers (XEP-0060): nodes, items, affiliations,
 * subscriptions, and events that are still to be told.
 *
 * Several engines may share one store, so nothing that was read is true for ever. Whoever changes
 * something says on which `epoch` of its node he decided, and -ESTALE tells him to read again:
 *
 *	read a node -> decide -> ear_store_change() with its epoch -> -ESTALE: from the beginning
 *
 * Everything is answered from the event loop, never from inside the call, in the order in which it
 * was asked. What was changed is on the disk when it is answered; of events, only that they have
 * been told may be forgotten when the power is cut. Arguments are borrowed for the call, answers
 * for the callback. Where fn runs, answer->error is 0 or -errno: -ENOSPC, -EROFS, -EACCES, -EBUSY,
 * -EIO, -EUCLEAN (damaged), -ENOTCONN (no database), -ECONNRESET (it was lost, and may have been
 * changed or not), -ENOBUFS (too many wait), -EMSGSIZE (too much at once), and what each function
 * says. When the engine stops, nobody is answered any more.
 */
#ifndef EARSHOT_STORE_H
#define EARSHOT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ear;
struct ear_store;

#define EAR_NODE_MAX       1023                 /* bytes of a NodeID, as of a part of a JID */
#define EAR_ITEM_MAX       1023                 /* bytes of an ItemID */
#define EAR_PAYLOAD_MAX    ((size_t)128 * 1024) /* bytes of an item, rendered */
#define EAR_NODES_MAX      10000                /* of a store */
#define EAR_MARK_MAX       0xfffff              /* of an item */
#define EAR_NODE_ITEMS_MAX 10000                /* of one node */
#define EAR_SUBSCRIBED_MAX 100000               /* subscriptions of one node */
#define EAR_PENDING_MAX    100                  /* of one node, that are no subscriptions yet */
#define EAR_AFFILIATED_MAX 1000                 /* of one node */
#define EAR_CONTACTS_MAX   10000                /* of a store */
#define EAR_STORE_PAGE_MAX 500                  /* rows of one answer */

/* XEP-0060 §4.1, §4.2. The numbers are on the disk. */
enum ear_affiliation {
	EAR_AFFILIATION_NONE,
	EAR_OUTCAST,
	EAR_MEMBER,
	EAR_PUBLISH_ONLY,
	EAR_PUBLISHER,
	EAR_OWNER,
	EAR_AFFILIATION_COUNT,
};

enum ear_subscription {
	EAR_SUBSCRIPTION_NONE,
	EAR_PENDING,
	EAR_UNCONFIGURED,
	EAR_SUBSCRIBED,
	EAR_SUBSCRIPTION_COUNT,
};

/* RFC 6121 §3: what somebody is to an address of ours. The numbers are on the disk. */
enum ear_contact {
	EAR_CONTACT_NONE,
	EAR_CONTACT_FROM, /* he gets our presence */
	EAR_CONTACT_BOTH, /* and we his */
};

/* --- what is there ------------------------------------------------------------------------- */

enum ear_query_kind {
	/* The node `node` with the affiliation of `who`; behind it a row for each subscription of
	 * `who` there, with any resource. Of this kind and of those below: -ENOENT, there is no
	 * such node. */
	EAR_QUERY_NODE,
	/* Nodes by name (NodeID order), with config. */
	EAR_QUERY_NODES,
	/* Items of `node`, the newest first: those of ids that are there, or a page; -ENODATA:
	 * what it is to be behind, or before, is not there. */
	EAR_QUERY_ITEMS,
	/* Of one node (who NULL) by address, or of `who` at all nodes (node NULL) by node; of a
	 * node with several of his rows all are on one page, if they fit. */
	EAR_QUERY_AFFILIATIONS,
	/* The same. Of both, at one node, `who` given too: his alone. */
	EAR_QUERY_SUBSCRIPTIONS,
};

struct ear_query {
	enum ear_query_kind kind;
	const char *node, *who; /* who: a bare address */
	int64_t epoch;          /* of the node, or 0: whatever it is; else -ESTALE when another */
	const char *const *ids; /* of items; NULL: a page */
	size_t id_count;
	/* A page: behind that name, address or item, or before it; at most max, which is
	 * EAR_STORE_PAGE_MAX where it is 0. */
	const char *after, *before; /* NULL: from the beginning; before "": the last page */
	size_t skip;                /* so many rows are left out first */
	size_t max;
};

/* A row; what a query does not ask for is NULL or 0. */
struct ear_stored {
	const char *node;
	const char *config;  /* of the node: text of the service's own */
	const char *creator; /* of the node: a bare address */
	int64_t created_at;  /* of the node: seconds since 1970 */
	int64_t epoch;       /* of the node: another one after each change of its configuration or
				affiliations, never 0 and never the same again under that name */
	int64_t last;        /* of the node: another one after each change that is told */
	size_t items;        /* of the node: how many it holds */
	size_t subscribers;  /* of the node: in state EAR_SUBSCRIBED */
	size_t pending;      /* of the node, but not of a list of them: in another state */
	const char *jid;     /* of an affiliation: bare; of a subscription */
	enum ear_affiliation affiliation;
	enum ear_subscription subscription;
	const char *options; /* of a subscription: text of the service's own; "" none */
	const char *item;    /* its ItemID */
	const char *payload; /* of an item: rendered XML; "" none */
	const char *publisher;
	int64_t at;               /* when the item was published, seconds since 1970 */
	unsigned mark;            /* of an item that was asked for by its id: ear_change.mark */
	const char *ours;         /* of a contact, whose jid is bare, too: the address of ours */
	enum ear_contact contact; /* of a node, where the store is shared: what `who` is to any of
				     ours */
};

struct ear_stored_answer {
	int error;
	const char *text; /* for people, of an error; "" */
	const struct ear_stored *rows;
	size_t count;
	size_t total, first; /* of a page: how many there are, and the place of the first, from 0 */
};

typedef void ear_stored_fn(void *arg, const struct ear_stored_answer *answer);

void ear_store_query(struct ear_store *store, const struct ear_query *query, ear_stored_fn *fn,
		     void *arg);

/* --- changes ------------------------------------------------------------------------------- */

enum ear_change_kind {
	EAR_CREATE_NODE,    /* config; jid: its creator, who owns it; keep: how many he may create,
			       0: any number. -EEXIST; -EMLINK: he has; -EDQUOT: there are so many */
	EAR_CONFIGURE_NODE, /* config; the newest `keep` items stay */
	EAR_DELETE_NODE,    /* with all it has; whom it concerns is still told */
	EAR_PURGE_NODE,     /* its items */
	EAR_PUT_ITEM,       /* item, payload, jid: publisher. One of that id is replaced, and is the
			       newest again. Of all, the newest `keep` stay. mark */
	EAR_REMOVE_ITEM, /* item; jid: bare, of its publisher, or NULL: whoever that is. -ENODATA:
			    there is none; -EPERM: another's */
	EAR_AFFILIATE,   /* jid (bare), affiliation; EAR_AFFILIATION_NONE: forgets. -EDQUOT */
	EAR_SUBSCRIBE,   /* jid, subscription, options (NULL: as they were);
			    EAR_SUBSCRIPTION_NONE: forgets. -EDQUOT; -EUSERS: so many are pending */
};

struct ear_change {
	enum ear_change_kind kind;
	const char *config, *jid, *item, *payload, *options;
	enum ear_affiliation affiliation;
	enum ear_subscription subscription;
	size_t keep;
	unsigned mark; /* by which an item is known from another one that is the same */
};

/* Who is told of an event. */
enum ear_audience {
	EAR_TELL_SUBSCRIBERS, /* who was subscribed before this transaction and is when it is told;
				 of a node that was deleted: who was */
	EAR_TELL_ONE,         /* `to` */
};

/* What stands in the text of an event of the newest item, which no XML has, for its ItemID and its
 * publisher, as they stand in an attribute in single quotes, its payload, and when it was published
 * (XEP-0082). */
#define EAR_NEWEST_ITEM      "\001"
#define EAR_NEWEST_PUBLISHER "\002"
#define EAR_NEWEST_PAYLOAD   "\003"
#define EAR_NEWEST_AT        "\004"

struct ear_event_draft {
	enum ear_audience audience;
	const char *to;   /* of EAR_TELL_ONE: canonical */
	const char *item; /* the id that the event is about, or NULL */
	const char *text; /* rendered XML of what the message holds */
	bool newest;      /* of the newest item that the node has then; where it has none, nobody is
			     told. item is passed over. */
	const char *type; /* of the message: "headline", "normal", "chat" */
	size_t backlog;   /* so many events of that node wait for one who is not there; 0: none */
	bool wide;        /* also those are told who want it by their capabilities */
};

#define EAR_CHANGES_MAX 128 /* of one transaction */
#define EAR_DRAFTS_MAX  128

/* All of it or nothing, in its order. */
struct ear_transaction {
	const char *node;
	int64_t epoch; /* on which it was decided. 0: there was none: its first change creates it */
	const struct ear_change *changes;
	size_t count;
	const struct ear_event_draft *events;
	size_t event_count;
};

struct ear_changed {
	int error; /* -ESTALE: another epoch, or the node is gone; -EEXIST, -ENODATA,
		      -EPERM, -EDQUOT, -EMLINK, -EUSERS: see above */
	const char *text;
	int64_t epoch; /* from now on */
	int64_t last;
};

typedef void ear_changed_fn(void *arg, const struct ear_changed *changed);

void ear_store_change(struct ear_store *store, const struct ear_transaction *transaction,
		      ear_changed_fn *fn, void *arg);

/* --- events -------------------------------------------------------------------------------- */

/*
 * An event is told by one engine at a time: which one has the node has it for a while (a lease),
 * and so the events of one node are told in their order. Who dies holding it is replaced when that
 * time is over; what he had told is noted page by page.
 */
#define EAR_LEASE_USEC (10 * INT64_C(1000000)) /* taken again with each call below */

struct ear_stored_event {
	int64_t id; /* growing within a node */
	const char *node;
	enum ear_audience audience;
	const char *to, *item, *text, *type;
	size_t backlog;
	bool wide;
	const char *told; /* everybody up to this address has been told; "" nobody */
	int64_t at;       /* seconds since 1970 */
	int64_t origin;   /* of what waits: the id that the event had */
};

typedef void ear_events_fn(void *arg, int error, const struct ear_stored_event *events,
			   size_t count);

#define EAR_EVENTS_MAX 64 /* of one answer */

/* The oldest events of nodes that nobody else has, in their order within each node; and these nodes
 * are ours for a while. The same again until they are told. */
void ear_store_take(struct ear_store *store, ear_events_fn *fn, void *arg);

/* Addresses behind `after` ("" all) that the event is for, in their order, at most `max`, and no
 * more than EAR_STORE_PAGE_MAX: rows with jid, options, and items: not 0 when something waits for
 * him. None: everybody has been told. */
void ear_store_audience(struct ear_store *store, int64_t event, const char *after, size_t max,
			ear_stored_fn *fn, void *arg);

/* The event was told to everybody up to that address; NULL: to all, and it is forgotten. -ESTALE:
 * another engine has that node now; of an event that is not there any more NULL is 0. fn may be
 * NULL. */
void ear_store_told(struct ear_store *store, int64_t event, const char *upto, ear_changed_fn *fn,
		    void *arg);

/* Who was not there: the event waits for him, as long as it is among the newest `backlog` of its
 * node. The event need not be there any more: text, type, node are given. */
void ear_store_keep_for(struct ear_store *store, const char *jid,
			const struct ear_stored_event *event, ear_changed_fn *fn, void *arg);

/* What waits for that very address, oldest first, at most EAR_EVENTS_MAX; their ids are of the
 * backlog. They are ours for a while, as the events of a node are; -EBUSY: another engine's. */
void ear_store_waiting(struct ear_store *store, const char *jid, ear_events_fn *fn, void *arg);

/* Addresses behind `after` ("" all) for which something waits, in their order, at most
 * EAR_STORE_PAGE_MAX: rows with jid. */
void ear_store_late(struct ear_store *store, const char *after, ear_stored_fn *fn, void *arg);

/* That waits no more. */
void ear_store_waited(struct ear_store *store, const int64_t *ids, size_t count, ear_changed_fn *fn,
		      void *arg);

/* --- contacts ------------------------------------------------------------------------------ */

enum ear_contact_change {
	EAR_CONTACT_LOOK,
	EAR_CONTACT_ADD,  /* he gets our presence, if he does not yet. -EDQUOT */
	EAR_CONTACT_GAIN, /* and we his, if he is one */
	EAR_CONTACT_LOSE, /* no more, likewise */
	EAR_CONTACT_REMOVE,
};

/* Both addresses are bare. One row: what he was before. */
void ear_store_contact(struct ear_store *store, const char *ours, const char *theirs,
		       enum ear_contact_change change, ear_stored_fn *fn, void *arg);

/* Those behind that pair ("" all), by ours and jid, at most EAR_STORE_PAGE_MAX. */
void ear_store_contacts(struct ear_store *store, const char *ours, const char *theirs,
			ear_stored_fn *fn, void *arg);

#define EAR_BRING_MAX 1024 /* contacts at once */

/* Those of one engine become contacts of all: each (its ours, jid, contact) who is none yet. One
 * row for each who was none. -EEXIST: that was done under that mark; -EDQUOT: not all have room,
 * and none was brought; -EMSGSIZE. */
void ear_store_bring(struct ear_store *store, const char *mark, const struct ear_stored *contacts,
		     size_t count, ear_stored_fn *fn, void *arg);

/* --- what is new --------------------------------------------------------------------------- */

/* fn runs from the event loop when there may be events to take: ours were committed, another engine
 * says so, a lease may be over, or there was a database before us. One at most; NULL: nobody. */
typedef void ear_store_news_fn(void *arg);
void ear_store_watch(struct ear_store *store, ear_store_news_fn *fn, void *arg);

/* Whether what there is to take may be of an earlier life, or of another engine. */
bool ear_store_is_old(const struct ear_store *store);

/* Whether other engines may be using it, too, and are the same service; NULL: no. */
bool ear_store_is_shared(const struct ear_store *store);

/* Nobody waits for the answers of that arg any more. */
void ear_store_forget(struct ear_store *store, const void *arg);

/* The engine's; NULL: [store] kind = none. */
struct ear_store *ear_store(struct ear *ear);

#endif
