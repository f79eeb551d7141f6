/* SPDX-License-Identifier: ISC */
/* hold.h: answers: by the link that the question came on, while that lives. */
#ifndef CORE_HOLD_H
#define CORE_HOLD_H

#include "core/core.h"

/* Sends an answer to peer: by the link of that serial, else by whatever path there is. Consumes it.
 */
void hold_send(struct ear *ear, xmpp_stanza_t *answer, const char *peer, enum ear_link_kind kind,
	       unsigned long long serial);

/* The same to whoever sent what is being handled; answer NULL: there is nothing to say. */
void hold_reply(const struct ear_in *in, xmpp_stanza_t *answer);

/* A request that is held came again, by another way: that is where its answer goes. */
void hold_move(const struct ear_in *in);

/* Answers everything that is still held: the engine stops. */
void hold_cancel_all(struct ear *ear);

#endif
