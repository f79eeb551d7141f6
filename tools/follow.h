/* SPDX-License-Identifier: ISC */
/*
 * follow.h: the state of a box's player, pushed by it: subscribes to its node EAR_NS_BUTTONS
 * (XEP-0060 §6.1), subscribes again when the path changes, the box comes back and every few
 * minutes, and asks again and again only where the box has no such node.
 */
#ifndef TOOLS_FOLLOW_H
#define TOOLS_FOLLOW_H

#include "cli.h"

struct follow;

/*
 * state: a <state/> of EAR_NS_BUTTONS, borrowed; the answer is the stanza that brought it, with its
 * link (and its round-trip time where it was asked for). state NULL: why there is none now, as
 * cli_refused() takes it; follow goes on trying, and the same trouble is told once. From the event
 * loop; must not free the follow.
 */
typedef void follow_fn(void *arg, xmpp_stanza_t *state, const struct answer *answer);

/*
 * Begins; address is copied, as cli_resolve() gives it. The command has to watch (switch_watch())
 * for follow to hear of changes of the path, and to hand it what comes in.
 */
struct follow *follow_new(struct cli *cli, const char *address, follow_fn *fn, void *arg);

/* Hands it a stanza that cli_listen() brought. true: it was only for this; false: it may be for
 * others as well (a change of the path for example). */
bool follow_take(struct follow *follow, xmpp_stanza_t *stanza);

/* How often it asks where it has to (default: one second). */
void follow_set_interval(struct follow *follow, int64_t usec);

/* Says nothing to the box: another program of this engine may follow it, and the first notification
 * that nobody wants is answered so. NULL is allowed. */
void follow_free(struct follow *follow);

#endif
