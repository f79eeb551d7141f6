/* SPDX-License-Identifier: ISC */
/* program.h: the programs of this machine behind the local link: what they send to others, what
 * comes for them. */
#ifndef CORE_PROGRAM_H
#define CORE_PROGRAM_H

#include "core/core.h"

void program_add(struct ear *ear, struct link *link);
void program_remove(struct ear *ear, struct link *link);

/* A stanza of a program for somebody who is not this engine; borrowed. */
void program_out(struct ear *ear, struct link *link, xmpp_stanza_t *stanza);

/* <presence/> without `to`: the program wants, or no longer wants, messages for our bare address;
 * with <events xmlns='urn:earshot:control:0'/> in it, what others publish (pubsub#event), and no
 * more.
 */
void program_presence(struct ear *ear, struct link *link, xmpp_stanza_t *stanza);

/* A message or presence for our bare address: to every program that wants it. Returns how many got
 * it. */
size_t program_deliver(struct ear *ear, const struct ear_in *in);

/* One stanza for one program (copied, marked with how it came); false: it is not there. */
bool program_deliver_to(struct ear *ear, const char *address, const struct ear_in *in, int64_t rtt);

/* An error for a message that a program sent; false: no program sent one with that id. */
bool program_error(struct ear *ear, const struct ear_in *in);

/* The one path that a program's message may leave by; EAR_LINK_NONE: any. */
enum ear_link_kind program_only(struct ear *ear, xmpp_stanza_t *stanza);

/* The same, made here: no path took the program's message (-errno as of route_condition). */
bool program_bounce(struct ear *ear, xmpp_stanza_t *stanza, int reason);

/* A path died with a program's message, which may have arrived. */
void program_maybe(struct ear *ear, xmpp_stanza_t *stanza);
bool program_is_maybe(struct ear *ear, xmpp_stanza_t *stanza);

/* <flush/>: answered when nothing that the program sent waits for a link to open. */
void program_flush(struct ear *ear, struct link *link, xmpp_stanza_t *iq);

/* A link opened or died: flushes may be over. */
void program_on_link(struct ear *ear);

/* The engine is freed. */
void program_release_all(struct ear *ear);

#endif
