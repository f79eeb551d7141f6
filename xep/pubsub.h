/* SPDX-License-Identifier: ISC */
/*
 * pubsub.h: the publish-subscribe service (XEP-0060) over <earshot/store.h>: nodes that others
 * create. The nodes that this engine itself publishes are nodes.h's, and are asked first.
 *
 * The life of a request:
 *
 *	rule -> pubsub_take(): which kind of request, may its sender ask it at all (policy)
 *	     -> the node as he sees it, read (or known from a moment ago)
 *	     -> kind->decide(): answers; or changes, or asks, and answers then
 *	     -> -ESTALE: the node was another one meanwhile: read again, decide again
 *
 * Requests of one sender about one node are decided and answered in the order in which they came.
 *
 *	pubsub.c           requests: their table, and what comes of one
 *	pubsub_queue.c     their order, what is known of nodes
 *	pubsub_config.c    configuration of nodes, options of subscriptions, and as text, by
 *	                   pubsub_setting.c
 *	pubsub_form.c      the same as forms; pubsub_names.c words of stanzas
 *	pubsub_access.c    who may what: pure
 *	pubsub_node.c      configure, purge (§8); pubsub_create.c, pubsub_delete.c
 *	pubsub_item.c      retract (§7.2); pubsub_publish.c publish (§7.1), pubsub_feed.c its feeds;
 *	                   pubsub_items.c what there is to read (§6.5)
 *	pubsub_subscribe.c subscribe, unsubscribe (§6.1, §6.2); pubsub_options.c their options
 *	pubsub_people.c    subscriptions and affiliations that owners change (§8.8, §8.9), read by
 *	                   pubsub_delta.c; pubsub_list.c lists of them (§5.6, §5.7, §8.8.1, §8.9.1)
 *	pubsub_approve.c   owners let in who waits (§8.6); pubsub_pending.c who does (§8.7)
 *	pubsub_question.c  how often these are asked
 *	pubsub_standing.c  who is let in no more is subscribed no more (§12.13)
 *	pubsub_work.c      what all of these gather on their way
 *	pubsub_event.c     what is told: the <event/>s
 *	pubsub_tell.c      telling: events out of the store, to each once; its parts are in
 *	                   pubsub_tell_impl.h
 *	pubsub_multi.c     servers that pass one message on to many
 *	pubsub_disco.c     what there is (§5.1-5.5), with pubsub_disco_items.c; pubsub_features.c
 *	                   what the service can
 */
#ifndef XEP_PUBSUB_H
#define XEP_PUBSUB_H

#include <earshot/ear.h>
#include <earshot/store.h>

#define PUBSUB_ERRORS  EAR_NS_PUBSUB "#errors"
#define PUBSUB_CONFIG  EAR_NS_PUBSUB "#node_config"
#define PUBSUB_OPTIONS EAR_NS_PUBSUB "#subscribe_options"
#define PUBSUB_PUBLISH EAR_NS_PUBSUB "#publish-options"
#define PUBSUB_META    EAR_NS_PUBSUB "#meta-data"
#define PUBSUB_APPROVE EAR_NS_PUBSUB "#subscribe_authorization"
/* A field of the configuration of ours, named as XEP-0068 §3.4 wants it. */
#define PUBSUB_BACKLOG "{urn:earshot:pubsub:0}backlog"

#define PUBSUB_WAITING_MAX 4096 /* requests under way; beyond that <resource-constraint/> */
#define PUBSUB_WAITING_ONE 1024 /* of one sender */
#define PUBSUB_VIEWS_MAX   256  /* (node, sender) that are remembered beyond their requests */
#define PUBSUB_BACKLOG_MAX 1000 /* events that wait for one who is not there */

/* --- configuration ------------------------------------------------------------------------- */

/* §4.5. presence: who is proved, and has our presence (a component's contact) or is in earshot;
 * roster: who is on our list (EAR_TRUSTED). */
enum pubsub_access {
	PUBSUB_OPEN,
	PUBSUB_PRESENCE,
	PUBSUB_ROSTER,
	PUBSUB_AUTHORIZE,
	PUBSUB_WHITELIST,
	PUBSUB_ACCESS_COUNT,
};

enum pubsub_publishers {
	PUBSUB_BY_PUBLISHERS, /* the default */
	PUBSUB_BY_SUBSCRIBERS,
	PUBSUB_BY_ANYONE, /* "open" */
	PUBSUB_PUBLISHERS_COUNT,
};

enum pubsub_last {
	PUBSUB_LAST_NEVER,
	PUBSUB_LAST_ON_SUB,
	PUBSUB_LAST_ON_SUB_AND_PRESENCE, /* the default */
	PUBSUB_LAST_COUNT,
};

/* A node's configuration (§16.4.4). */
struct pubsub_config {
	char title[256], description[512], type[256], language[36];
	enum pubsub_access access_model;
	enum pubsub_publishers publish_model;
	enum pubsub_last send_last;
	unsigned max_items;   /* 1 to EAR_NODE_ITEMS_MAX; default 10 */
	unsigned max_payload; /* bytes */
	unsigned backlog;     /* 0 (the default) to PUBSUB_BACKLOG_MAX */
	bool persist_items, deliver_notifications, deliver_payloads, notify_config, notify_delete,
		notify_retract, notify_sub, subscribe;
	bool atom;                /* holds Atom entries (XEP-0472): pubsub#type is that namespace */
	const char *message_type; /* of notifications: "headline" (the default), "normal", "chat" */
};

extern const struct pubsub_config pubsub_config_default;

/* As text for the store, what is not as by default; the caller frees. And back: what is not known
 * is passed over. */
char *pubsub_config_text(const struct pubsub_config *config);
void pubsub_config_read(struct pubsub_config *config, const char *text);

/* How many of its items stay: ear_change.keep. */
size_t pubsub_config_keep(const struct pubsub_config *config);

/* Whether its events are also for whoever wants them by his capabilities: ear_event_draft.wide. */
bool pubsub_config_is_wide(const struct pubsub_config *config);

/* As a form to be filled in (§8.2.2; node NULL: of a node that is to be created, §8.3), and as what
 * is told of it (§8.2.5.3): the caller's. Meta-data (§5.4) is pubsub_disco.c's. */
xmpp_stanza_t *pubsub_config_form(struct ear *ear, const struct pubsub_config *config,
				  const char *node);
xmpp_stanza_t *pubsub_config_result(struct ear *ear, const struct pubsub_config *config);

/*
 * Takes over what a submitted form of that FORM_TYPE says, all of it or nothing; fields that it
 * leaves out stay as they were, empty ones become as by default. 0; -EINVAL: a value is none of
 * that field's, or it is no such form; -ENOTSUP: what it asks for is not here: a value, or with
 * PUBSUB_PUBLISH a field (XEP-0004 §3.2 has unknown ones passed over elsewhere). *why: the field's
 * var, borrowed from the form, or what is wrong with the whole form, static.
 */
int pubsub_config_submit(struct pubsub_config *config, xmpp_stanza_t *form, const char *type,
			 const char **why);

/* §7.1.5: whether a node of that configuration is as publish-options want it; false: *why is the
 * field that differs. */
bool pubsub_config_holds(const struct pubsub_config *config, xmpp_stanza_t *form, const char **why);

/* Options of a subscription (§6.3, §16.4.2). */
struct pubsub_options {
	bool deliver; /* default: true */
};

char *pubsub_options_text(const struct pubsub_options *options);
void pubsub_options_read(struct pubsub_options *options, const char *text);
xmpp_stanza_t *pubsub_options_form(struct ear *ear, const struct pubsub_options *options);
/* As pubsub_config_submit(). */
int pubsub_options_submit(struct pubsub_options *options, xmpp_stanza_t *form, const char **why);

/* Names as in the specification: "whitelist", "publish-only", "pending". NULL out of range; and
 * back, -1: there is none of that name. */
const char *pubsub_access_name(enum pubsub_access access);
const char *pubsub_affiliation_name(enum ear_affiliation affiliation);
const char *pubsub_subscription_name(enum ear_subscription subscription);
int pubsub_affiliation_of(const char *name);
int pubsub_subscription_of(const char *name);

/* --- requests ------------------------------------------------------------------------------- */

/* A node as somebody sees it. */
struct pubsub_view {
	const char *node;
	bool exists; /* else only the node's name and what its sender is are here */
	struct pubsub_config config;
	const char *creator;
	int64_t epoch, created_at;
	size_t items, subscribers, pending;
	enum ear_affiliation affiliation;
	enum ear_contact contact;               /* where several engines know that */
	const struct ear_stored *subscriptions; /* his, with any resource */
	size_t subscription_count;
};

struct pubsub;
struct pubsub_kind;

/* A request on its way. Everything but `arg` is the service's own. */
struct pubsub_op {
	struct pubsub *pubsub;
	struct ear *ear;
	const struct pubsub_kind *kind;
	xmpp_stanza_t *pubsub_element; /* the <pubsub/> that was sent */
	xmpp_stanza_t *request;        /* the element in it that the kind is for */
	char *from;                    /* full, canonical */
	char *who;                     /* the same, bare */
	char *to;                      /* which address of ours was asked; may be NULL */
	char *node;                    /* NULL: the request names none */
	enum ear_level level;
	enum ear_link_kind link;
	bool may_publish, may_subscribe, may_own; /* what policy says of him: EAR_VERB_PUBLISH,
						     EAR_VERB_SUBSCRIBE, EAR_VERB_ADMIN */
	int64_t at;    /* of a publication: when it was given to the store, seconds since 1970 */
	unsigned mark; /* the same: by which it is known there */
	void *arg;     /* of the kind, between decide() and its answer; free_arg frees it */
	void (*free_arg)(void *arg);
};

enum pubsub_needs {
	PUBSUB_NEEDS_NODE,    /* a node that exists: else <item-not-found/>, without one
				 <nodeid-required/> */
	PUBSUB_NEEDS_NAME,    /* a NodeID, of one that need not exist */
	PUBSUB_NEEDS_NOTHING, /* view is NULL where the request names no node */
};

/* One kind of request. */
struct pubsub_kind {
	bool set;              /* an IQ set */
	const char *ns, *name; /* of the element inside <pubsub/> */
	enum pubsub_needs needs;
	/*
	 * Answers with pubsub_reply() or pubsub_refuse(), or asks the store with one of the two
	 * below, and answers when that has come. May run several times (-ESTALE), each time from
	 * the beginning.
	 */
	void (*decide)(struct pubsub_op *op, const struct pubsub_view *view);
};

/* Ended by { 0 }. */
extern const struct pubsub_kind pubsub_kinds_node[], pubsub_kinds_item[], pubsub_kinds_subscribe[],
	pubsub_kinds_people[];

/* A request of that kind about that node begins; element is (in) the payload. One that came as a
 * message is not answered: what goes wrong with it is logged. */
enum ear_verdict pubsub_begin(const struct ear_in *in, const struct pubsub_kind *kind,
			      xmpp_stanza_t *element, const char *node);

/* The one answer, which ends the request. payload: consumed, NULL an empty result. */
void pubsub_reply(struct pubsub_op *op, xmpp_stanza_t *payload);

/* A new <pubsub/> of that namespace, for an answer. */
xmpp_stanza_t *pubsub_answer(struct pubsub_op *op, const char *ns);

/* Why something is refused; static. */
struct pubsub_refusal {
	enum ear_verdict condition;
	const char *specific; /* in PUBSUB_ERRORS; NULL none */
	const char *feature;  /* of <unsupported/>; NULL */
	const char *text;     /* for people; NULL */
};

void pubsub_refuse(struct pubsub_op *op, const struct pubsub_refusal *why);

/* The same with a payload (consumed) that says what could not be done (§8.8.2.4). */
void pubsub_refuse_showing(struct pubsub_op *op, const struct pubsub_refusal *why,
			   xmpp_stanza_t *payload);

/* The same in its parts. */
void pubsub_fail(struct pubsub_op *op, enum ear_verdict condition, const char *specific,
		 const char *text);

/* What pubsub_config_submit() says of a form of PUBSUB_CONFIG (§8.1.2, §8.2.5.2, XEP-0248). */
void pubsub_fail_config(struct pubsub_op *op, int error, const char *why);

/* -ESTALE does not come here: the request is decided anew. Other errors of the store that the kind
 * does not expect: pubsub_fail_store(). */
typedef void pubsub_changed_fn(struct pubsub_op *op, const struct ear_changed *changed);
typedef void pubsub_stored_fn(struct pubsub_op *op, const struct ear_stored_answer *answer);

/* epoch of transaction and query are filled in, from the view, where they are 0 and the node
 * exists. */
void pubsub_change(struct pubsub_op *op, struct ear_transaction *transaction,
		   pubsub_changed_fn *fn);
void pubsub_query(struct pubsub_op *op, struct ear_query *query, pubsub_stored_fn *fn);
/* Of what is there now, whatever has become of the node since it was decided, which is not done
 * again. */
void pubsub_query_now(struct pubsub_op *op, const struct ear_query *query, pubsub_stored_fn *fn);
void pubsub_fail_store(struct pubsub_op *op, int error, const char *text);

/* For those who have nothing to say but that it is done: a pubsub_changed_fn. */
void pubsub_changed(struct pubsub_op *op, const struct ear_changed *changed);

/* --- who may what: NULL, or why not ---------------------------------------------------------- */

/* His affiliation as far as it counts: that of an address which may not be his takes away only. */
enum ear_affiliation pubsub_affiliation(const struct pubsub_op *op, const struct pubsub_view *view);

/* Whether he is somebody whom the access model lets in, or an affiliation does (§4.5, §6.1.3). */
const struct pubsub_refusal *pubsub_may_subscribe(const struct pubsub_op *op,
						  const struct pubsub_view *view);
const struct pubsub_refusal *pubsub_may_read(const struct pubsub_op *op,
					     const struct pubsub_view *view);
const struct pubsub_refusal *pubsub_may_publish(const struct pubsub_op *op,
						const struct pubsub_view *view);
/* Also whether op->node, where there is one, can be the NodeID of a new node. */
const struct pubsub_refusal *pubsub_may_create(const struct pubsub_op *op);
const struct pubsub_refusal *pubsub_may_own(const struct pubsub_op *op,
					    const struct pubsub_view *view);
/* Whether he may be told of it without having subscribed (XEP-0163 §4.3): of the node's row only
 * his affiliation is looked at, and whether he is a contact. */
bool pubsub_may_be_told(struct ear *ear, const char *address, enum ear_link_kind link,
			enum ear_level level, const struct pubsub_config *config,
			const struct ear_stored *row);

/* --- events (all: rendered <event/>, the caller frees) --------------------------------------- */

struct pubsub_item {
	const char *id, *payload /* rendered, "" none */, *publisher;
	int64_t at;   /* seconds since 1970 */
	bool delayed; /* it is not new: with its date (XEP-0203) */
};

char *pubsub_event_items(struct ear *ear, const char *node, const struct pubsub_item *items,
			 size_t count, bool with_payload);
/* §6.1.7: of the newest item, with its date: the text of an ear_event_draft that is. */
char *pubsub_event_newest(struct ear *ear, const char *node, bool with_payload);
char *pubsub_event_retract(struct ear *ear, const char *node, const char *const *ids, size_t count);
char *pubsub_event_delete(struct ear *ear, const char *node, const char *redirect);
char *pubsub_event_purge(struct ear *ear, const char *node);
/* form NULL: only that it has changed (§8.2.5). Borrowed. */
char *pubsub_event_configuration(struct ear *ear, const char *node, xmpp_stanza_t *form);
char *pubsub_event_subscription(struct ear *ear, const char *node, const char *jid,
				enum ear_subscription subscription);
/* §8.6: a whole question for owners: what the message holds. */
char *pubsub_event_approve(struct ear *ear, const char *node, const char *jid);

/* --- the parts, for 0060-pubsub.c --------------------------------------------------------- */

struct pubsub *pubsub_of(struct ear *ear); /* NULL: there is nowhere to store */

/* The rule's payload is a <pubsub/>, of EAR_NS_PUBSUB or EAR_NS_PUBSUB_OWNER. */
enum ear_verdict pubsub_take(const struct ear_in *in);

/* §8.6: an owner's answer, a message with a submitted form. EAR_PASS: it is none. */
enum ear_verdict pubsub_approve(const struct ear_in *in);

/* pubsub_standing.c: he is no contact any more, or his key is accepted no more: where that let him
 * in he is subscribed no more (§12.13). */
void pubsub_standing_ended(struct ear *ear, const char *address);

/* pubsub_tell.c and its parts */
struct pubsub_teller;
struct pubsub_teller *pubsub_teller_new(struct ear *ear);
struct pubsub_teller *pubsub_teller_of(struct ear *ear); /* NULL: there is nowhere to store */
void pubsub_teller_free(struct pubsub_teller *teller);
enum ear_verdict pubsub_teller_bounced(struct pubsub_teller *teller, const struct ear_in *in);
void pubsub_teller_event(struct pubsub_teller *teller, const struct ear_event *event);
/* He is there now, and wants to hear of those nodes by his capabilities (XEP-0163); 0: of none. */
void pubsub_teller_wanted(struct pubsub_teller *teller, const struct ear_in *in,
			  const char *const *nodes, size_t count);
/* Somebody at a server says that he is there, or no more. */
void pubsub_teller_there(struct pubsub_teller *teller, const struct ear_in *in, bool there);
/* Nobody who was heard through the server, with that bare address (NULL: any), is there until he
 * says so again. */
void pubsub_teller_nobody(struct pubsub_teller *teller, const char *bare);

/* pubsub_disco.c, pubsub_disco_items.c: for disco_add(); the answer comes later, EAR_DONE. */
enum ear_verdict pubsub_disco_info(const struct ear_in *in, const char *node, xmpp_stanza_t *query);
enum ear_verdict pubsub_disco_items(const struct ear_in *in, const char *node,
				    xmpp_stanza_t *query);

#endif
