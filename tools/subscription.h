/* SPDX-License-Identifier: ISC */
/*
 * subscription.h: a subscription to a node that stands as long as a program wants it (XEP-0060
 * §6.1): made again when the path changes, the other side comes back, and every few minutes.
 */
#ifndef TOOLS_SUBSCRIPTION_H
#define TOOLS_SUBSCRIPTION_H

#include "cli.h"

#define SUBSCRIPTION_RENEW (300 * EAR_SEC) /* made again, in case the other side forgot it */

struct subscription;

/* All run from the event loop, and must not free the subscription. Stanzas are borrowed. */
struct subscription_events {
	/* It stands; state is "subscribed", "pending" or "unconfigured". Each time that it was
	 * made again. */
	void (*stands)(void *arg, const char *state);
	/* A message with a notification about that node; event is its <event/>. */
	void (*notified)(void *arg, xmpp_stanza_t *message, xmpp_stanza_t *event);
	/* It does not stand now; it goes on trying. */
	void (*trouble)(void *arg, const struct answer *answer);
};

enum subscription_kind {
	SUBSCRIPTION_LEFT, /* nothing is undone in the end: the other side notices */
	SUBSCRIPTION_TIDY, /* one that there was stays, another one ends with its last program */
};

/*
 * Begins; address (as cli_resolve() gives it) and node are copied. The command has to watch
 * (switch_watch()) for it to hear of changes of the path, and to hand it what comes in.
 */
struct subscription *subscription_new(struct cli *cli, const char *address, const char *node,
				      enum subscription_kind kind,
				      const struct subscription_events *events, void *arg);

/* Hands it a stanza that cli_listen() brought. true: it was only for this; false: it may be for
 * others as well (a change of the path for example). */
bool subscription_take(struct subscription *subscription, xmpp_stanza_t *stanza);

/* From inside trouble(): there is another way to know what it would tell. Not tried again for
 * SUBSCRIPTION_RENEW, or until the path changes. */
void subscription_rest(struct subscription *subscription);

/* That other way came to nothing: tried again, each time after a longer while. */
void subscription_retry(struct subscription *subscription);

/* All is well again: the next trouble is tried again soon. */
void subscription_is_well(struct subscription *subscription);

/* The daemon left: asks nothing. It is there again: begins anew. */
void subscription_pause(struct subscription *subscription);
void subscription_resume(struct subscription *subscription);

/* Of SUBSCRIPTION_TIDY: undoes it where it was made for programs of this machine alone, and waits
 * for the answer. An exit code, after a complaint. */
int subscription_end(struct subscription *subscription);

/* Says nothing to the other side. NULL is allowed. */
void subscription_free(struct subscription *subscription);

#endif
