/* SPDX-License-Identifier: ISC */
/*
 * fake_ear.h: the contract of <earshot/ear.h> without an engine, for the tests of extensions. It
 * defines every function that src/core would, so that core's objects stay out of the program.
 */
#ifndef FAKE_EAR_H
#define FAKE_EAR_H

#include <earshot/ear.h>
#include <earshot/store.h>

#define FAKE_FROM    "remote@pronto.local/1"
#define FAKE_METRICS "# TYPE earshot_fake gauge\nearshot_fake{link=\"lan\"} 1\n"

#define FAKE_WATCHES  16
#define FAKE_KEPT     64
#define FAKE_SENT     32
#define FAKE_REQUESTS 64

struct db_kind;

struct fake_watch {
	ear_event_fn *fn;
	void *arg;
};

/* A request that waits for its answer. */
struct fake_request {
	xmpp_stanza_t *iq;
	enum ear_link_kind only;
	int64_t usec;
	ear_answer_fn *fn;
	void *arg;
};

/* What extensions are told and tell about keys, fake_trust.c. */
struct fake_trust {
	struct ear_key own_key;
	const char *device_name;
	ear_fetch_devices_fn *fetch;
	void *fetch_arg;
	const struct ear_pin_info *pins;
	size_t pin_count;
	int tells; /* calls of ear_devices_told; the last one: */
	char told[256];
	int told_error;
	struct ear_device devices[EAR_DEVICES_MAX]; /* copies */
	size_t device_count;
	int changes; /* calls of ear_devices_changed; the last one: */
	char changed[256];
};

/* What is stored, fake_queue.c. */
struct fake_queue {
	const struct ear_queued *items;
	size_t count;
	int rc; /* what looking at it returns */
	const char *error;
};

/* What is remembered, fake_kept.c. */
struct fake_kept {
	char *key, *text;
};

/* The engine. A test sets what it wants to be told of before it asks. */
struct ear {
	xmpp_ctx_t *ctx;
	struct ear_clock *clock;   /* a fake one */
	struct ear_player *player; /* the test's own */
	int asks;                  /* the ids of what was asked are their numbers */
	bool no_words;             /* player.chat = no */
	enum ear_level by_server;  /* of everybody, as ear_may_by_server has it */
	int64_t held_up;           /* what ear_held_up says of every stanza */
	void *states[32];
	struct ear_store *store; /* NULL: [store] kind = none */
	size_t nodes_per_owner;
	const char *self[4]; /* by kind of link */
	const struct ear_peer_info *peers;
	const struct ear_path_info *paths;
	size_t peer_count, path_count;
	const char *asked; /* address of the last ear_each_peer or ear_each_path */
	struct fake_watch watches[FAKE_WATCHES];
	struct fake_request requests[FAKE_REQUESTS]; /* oldest first */
	size_t request_count;
	int send_error;      /* what ear_send returns */
	bool stuck;          /* nothing leaves: ear_has_left */
	bool only_by_server; /* everybody */
	/* What went out. */
	xmpp_stanza_t *answer; /* to the last request */
	int answers;
	xmpp_stanza_t *sent; /* the last of ear_send */
	int sends;
	xmpp_stanza_t *box[FAKE_SENT]; /* the last ones of these, oldest first */
	size_t box_count;
	int holds; /* requests not answered yet */
	/* The rule that took the last request. */
	const struct ear_rule *rule;
	/* As whom stanzas come in; a program of this machine unless the test says otherwise. */
	enum ear_level level;
	enum ear_link_kind link;
	unsigned long long link_serial;
	struct fake_trust trust;
	struct fake_queue queue;
	struct fake_kept kept[FAKE_KEPT];
	bool kept_full; /* takes no more keys */
};

/* An engine with all extensions of the registry, started. */
struct ear *fake_new(void);

/* The same with a real store, in memory: what it is asked is answered when the clock goes on. */
struct ear *fake_new_with_store(void);
struct ear *fake_new_with(const struct db_kind *kind);

/* Stops and frees; what is held is answered as the contract says. */
void fake_free(struct ear *ear);

/* Only the stopping, for what happens between both. */
void fake_stop(struct ear *ear);

/*
 * Sends a request with that XML inside from `from` as dispatch does, and returns the answer, NULL
 * when there is none yet (it is in ear->answer later). Borrowed until the next request.
 */
xmpp_stanza_t *fake_ask(struct ear *ear, const char *type, const char *from, const char *xml);

/* The same, to that address of ours. */
xmpp_stanza_t *fake_ask_to(struct ear *ear, const char *type, const char *from, const char *to,
			   const char *xml);

/* Hands a message, also an error, or a presence (the whole XML) to the rules as dispatch does; what
 * they said. */
enum ear_verdict fake_message(struct ear *ear, const char *from, const char *xml);

/* The same for one that no program wants. */
enum ear_verdict fake_message_left(struct ear *ear, const char *from, const char *xml);

/* Tells all who watch. */
void fake_tell(struct ear *ear, enum ear_event_kind kind, const char *address);

/* The IQ of request number i that waits, NULL when there is none. Borrowed. */
xmpp_stanza_t *fake_request(struct ear *ear, size_t i);

/*
 * Answers request number i: with a result that holds xml ("" an empty one), an error that does, or
 * none but -errno.
 */
void fake_answer(struct ear *ear, size_t i, const char *xml);
void fake_answer_error(struct ear *ear, size_t i, const char *xml);
void fake_answer_none(struct ear *ear, size_t i, int error);

/* Whether the answer is an error of that condition. */
bool fake_refused(struct ear *ear, enum ear_verdict condition);

/* The payload of the last answer, which is a result. */
xmpp_stanza_t *fake_result(struct ear *ear);

/* An attribute, "" where it is absent. */
const char *fake_attribute(xmpp_stanza_t *element, const char *name);

/* How many child elements. */
size_t fake_children(xmpp_stanza_t *element);

/* Nothing was sent. */
void fake_clear(struct ear *ear);

/* Forgets what is remembered, as fake_free does. */
void fake_forget_kept(struct ear *ear);

#endif
