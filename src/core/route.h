/* SPDX-License-Identifier: ISC */
/* route.h: the OUT door: which path a stanza takes, and what happens when that path dies. */
#ifndef CORE_ROUTE_H
#define CORE_ROUTE_H

#include "core/core.h"

/*
 * Hands the stanza to the cheapest usable path of its `to`, or to the one kind that `only` names.
 * 0: a link has it, or it waits for a switch of paths; it is consumed. On an error it is NOT
 * consumed: -EINVAL no address, -EHOSTUNREACH no path, -EACCES none that policy.plaintext allows,
 * -ENOBUFS, -EDQUOT: so many stanzas or bytes wait, -EMSGSIZE too large for the wire.
 */
int route_out(struct ear *ear, xmpp_stanza_t *stanza, enum ear_link_kind only);

/* The same for a known destination, by the shortest path; and -EAGAIN: it has to wait. */
int route_try(struct dest *dest, xmpp_stanza_t *stanza);

/* The same by a path that was asked for by name, which is tried whatever its past, and no other. */
int route_try_by(struct dest *dest, xmpp_stanza_t *stanza, enum ear_link_kind only);

/* The stanza waits behind what waits already. 0: consumed; -ENOBUFS, -EDQUOT: not. */
int route_hold(struct dest *dest, xmpp_stanza_t *stanza, enum ear_link_kind only);

/* What waits for it and what is owed to it is looked at again, after that time (microseconds). */
void route_look_after(struct dest *dest, int64_t usec);

/* What a program is told of such an error, or of a request's (struct ear_answer); the text for
 * people through *text. */
enum ear_verdict route_condition(int error, const char **text);

/* A stanza that no path took: its request fails, or its program gets one error. Consumes it. */
void route_bounce(struct ear *ear, xmpp_stanza_t *stanza, int error);

/* Whether a stanza could leave by it now. */
bool route_is_usable(const struct dest *dest, const struct path *path);

/* Whether a probe may try it: also one that failed, once its back-off is over. */
bool route_may_probe(const struct dest *dest, const struct path *path);

/* The shortest path now, without taking it. NULL: none is usable. */
struct path *route_best(struct dest *dest);

/* Looks again at which path is the shortest, and takes it; tells about a change. NULL: none is
 * usable. */
struct path *route_choose(struct dest *dest);

/* Where the address can be dialled: from the table of peers, from configuration, and from what it
 * has told over its server. Returns how many. */
size_t route_targets(struct ear *ear, const char *address, struct sockaddr_storage *targets,
		     socklen_t *lengths, size_t max);

/* A link died: what it gave back (consumed) leaves again. */
void route_on_undelivered(struct ear *ear, struct link *link, xmpp_stanza_t *stanza, bool maybe);

/* Whether one that has not left is of no use any more: its life is over, or whoever asked has had
 * an answer. */
bool route_is_stale(struct ear *ear, xmpp_stanza_t *stanza);

void route_on_down(struct ear *ear, struct link *link, int error, const char *text);

/* What waits leaves, unless it waits for a switch of paths. arg is a struct dest. */
void route_flush(void *arg);

/* The engine stops: what waits is answered with an error. */
void route_stop(struct dest *dest, void *unused);

/* A direct stream does not acknowledge in time, or does again: as link_events. */
void route_on_silent(struct ear *ear, struct link *link, bool silent);

/* A direct stream is up: what waits leaves, and before it what is owed by a server that is gone. */
void route_on_lan(struct dest *dest);

/* A server is there again: what waited for it leaves; streams that are silent are given up. */
void route_on_server(struct dest *dest);

#endif
