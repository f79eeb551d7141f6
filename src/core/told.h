/* SPDX-License-Identifier: ISC */
/*
 * told.h: where trusted engines say over their servers that they can be dialled
 * (EAR_NS_ADDRESSES).
 *
 * The life of such a word. An extension hands it over (ear_tell_ways): it is believed only of one
 * who is on our list, with a key that we know to be his. At the next look at everybody
 * (meet_again.c) its LAN address becomes the destination of that key, exactly as if it had
 * announced the key here; from then on the addresses are ways to it beside those of mDNS. Who
 * answers there has to show that key. Addresses that lead nowhere rest longer each time, until a
 * network changes or others are told.
 */
#ifndef CORE_TOLD_H
#define CORE_TOLD_H

#include "core/core.h"

#define TOLD_PEERS_MAX 256 /* more are not believed */
#define TOLD_LIFE_MAX  (86400 * EAR_SEC)
#define TOLD_REST_MIN  (5 * EAR_SEC) /* after a dial that came to nothing; doubles */
#define TOLD_REST_MAX  (600 * EAR_SEC)

void told_init(struct ear *ear);
void told_release(struct ear *ear);

/* The ways that the engine of that LAN address has told, while it is expected there and they do not
 * rest. Returns how many. */
size_t told_targets(struct ear *ear, const char *address, struct sockaddr_storage *targets,
		    socklen_t *lengths, size_t max);

/* Whether such ways are known, to rest or not. */
bool told_is_known(struct ear *ear, const char *address);

/* The only key that may be shown at that LAN address, because nothing but such a word says who is
 * there; NULL: others say so too, or nobody does. */
const struct ear_key *told_key(struct ear *ear, const char *address);

/* From the event loop, when no destinations are walked over: those that are new are expected, those
 * that are over go. */
void told_look(struct ear *ear);

/* A direct stream with that peer carries stanzas; one is over. */
void told_up(struct ear *ear, const struct link *link);
void told_down(struct ear *ear, const struct link *link);

#endif
