/* SPDX-License-Identifier: ISC */
/*
 * fake_ear.h: the contract of <earshot/ear.h> without an engine, for the tests of extensions. It
 * defines every function that src/core would, so that core's objects stay out of the program.
 */
#ifndef FAKE_EAR_H
#define FAKE_EAR_H

#include <earshot/ear.h>

#define FAKE_FROM "remote@pronto.local/1"

struct fake_watch {
	ear_event_fn *fn;
	void *arg;
};

/* The engine. A test sets what it wants to be told of before it asks. */
struct ear {
	xmpp_ctx_t *ctx;
	struct ear_clock *clock;   /* a fake one */
	struct ear_player *player; /* the test's own */
	void *states[32];
	const char *self[4]; /* by kind of link */
	const struct ear_peer_info *peers;
	const struct ear_path_info *paths;
	size_t peer_count, path_count;
	const char *asked; /* address of the last ear_each_peer or ear_each_path */
	struct fake_watch watch;
	int send_error; /* what ear_send returns */
	/* What went out. */
	xmpp_stanza_t *answer; /* to the last request */
	int answers;
	xmpp_stanza_t *sent; /* the last of ear_send */
	int sends;
	int holds; /* requests not answered yet */
	/* The rule that took the last request. */
	const struct ear_rule *rule;
};

/* An engine with all extensions of the registry, started. */
struct ear *fake_new(void);

/* Stops and frees; what is held is answered as the contract says. */
void fake_free(struct ear *ear);

/* Only the stopping, for what happens between both. */
void fake_stop(struct ear *ear);

/*
 * Sends a request with that XML inside from `from` as dispatch does, and returns the answer, NULL
 * when there is none yet (it is in ear->answer later). Borrowed until the next request.
 */
xmpp_stanza_t *fake_ask(struct ear *ear, const char *type, const char *from, const char *xml);

/* Whether the answer is an error of that condition. */
bool fake_refused(struct ear *ear, enum ear_verdict condition);

/* The payload of the last answer, which is a result. */
xmpp_stanza_t *fake_result(struct ear *ear);

/* An attribute, "" where it is absent. */
const char *fake_attribute(xmpp_stanza_t *element, const char *name);

/* How many child elements. */
size_t fake_children(xmpp_stanza_t *element);

#endif
