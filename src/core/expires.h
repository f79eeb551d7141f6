/* SPDX-License-Identifier: ISC */
/*
 * expires.h: stanzas that are worthless when late.
 *
 *	<expires xmlns='urn:earshot:delivery:0' ms='1500' sent='81234567' clock='Zk3w...'/>
 *
 * stands in a message, or in the payload of an IQ (which has one child, RFC 6120 §8.2.3). `ms` is
 * the life that the sender gives it. Clocks on the wall differ and are set, so its age is told
 * without them: `sent` is the time on a clock of the sender's engine that only runs forward, also
 * while its machine is asleep, in milliseconds, `clock` names that clock. The least difference to
 * our own clock that was seen stands for a way without delay: what is more than that is age. It
 * grows a little while no smaller one is seen, because clocks drift.
 */
#ifndef CORE_EXPIRES_H
#define CORE_EXPIRES_H

#include <stddef.h>

#include <earshot/timer.h>
#include <strophe.h>

#define EXPIRES_MAX_MS 86400000 /* a longer life is none that has to be watched */

struct ear;

/* What is known about the clock of one sender. */
struct age {
	char clock[17]; /* "": nothing */
	int64_t least;  /* ours minus theirs, microseconds */
	int64_t at;     /* when that was seen: clock_boot_now() */
};

/*
 * Says when it was sent, if it says how long it lives; of an IQ the element goes into the payload.
 * Consumes the stanza; the caller owns what it gets.
 */
xmpp_stanza_t *expires_stamp(struct ear *ear, xmpp_stanza_t *stanza);

/* Marks an error (NULL allowed) as one of this kind: <expired/> beside its condition. */
void expires_tell(xmpp_stanza_t *error);

/* How long it says that it lives, in microseconds; -1: it does not say. */
int64_t expires_life(xmpp_stanza_t *stanza);

/* Whether one of ours is worthless by now. */
bool expires_is_over(struct ear *ear, xmpp_stanza_t *stanza);

/* How long one that came from there has been under way; -1: it does not say. Learns about its
 * sender's clock. */
int64_t expires_age(struct ear *ear, const char *from, xmpp_stanza_t *stanza);

/*
 * Our time as an element of XML. Streams begin with it: what comes first may have lain in the
 * kernel of one that hangs, and would else be taken for fresh.
 *
 *	<clock xmlns='urn:earshot:delivery:0' sent='81234567' id='Zk3w...'/>
 */
void expires_tell_clock(struct ear *ear, char *out, size_t size);

/* The same of him at that address, in what his stream begins with; nothing there: nothing is
 * learned. */
void expires_hear_clock(struct ear *ear, const char *from, xmpp_stanza_t *element);

/* Whether one that came from there is; learns likewise. */
bool expires_is_late(struct ear *ear, const char *from, xmpp_stanza_t *stanza);

#endif
