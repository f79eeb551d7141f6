/* SPDX-License-Identifier: ISC */
/* asks.h: several questions under way at once, for programs that go on meanwhile. */
#ifndef TOOLS_ASKS_H
#define TOOLS_ASKS_H

#include "cli.h"

#define ASKS_MAX 64

struct asks;

/* Runs once for each question, from the event loop. Without a stanza: EXIT_TIMEOUT, or EXIT_CONFIG
 * when the daemon left. May ask again. */
typedef void asks_fn(void *arg, const struct answer *answer);

struct asks *asks_new(struct cli *cli);

/* Sends a get or set (consumed). -ENOBUFS: ASKS_MAX are under way; -ENOTCONN: the daemon left. */
int asks_send(struct asks *asks, xmpp_stanza_t *iq, int64_t usec, asks_fn *fn, void *arg);

/* Hands it what cli_listen() brought; whether it was an answer to one of these. */
bool asks_take(struct asks *asks, xmpp_stanza_t *stanza);

/* The daemon left: tells everybody. */
void asks_end(struct asks *asks);

/* Tells nobody. */
void asks_free(struct asks *asks);

#endif
