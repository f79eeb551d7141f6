/* SPDX-License-Identifier: ISC */
/* peers.h: who is on the LAN: one entry for each instance, however many interfaces it is seen on.
 */
#ifndef DISCOVER_PEERS_H
#define DISCOVER_PEERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

#include "discover/txt.h"

#define PEERS_MAX     2000 /* instances; more are refused with one log line */
#define PEER_WAYS_MAX 16   /* (interface, protocol) pairs of one instance */
#define PEER_HOST_MAX 255

/* One way to reach an instance: where one resolver found it. */
struct peer_way {
	int interface; /* index; scope of an IPv6 link-local address */
	int family;    /* AF_INET, AF_INET6 */
	struct sockaddr_storage
		address; /* with port and scope; family AF_UNSPEC: seen, not (any more) resolved */
	socklen_t length;
};

struct peer {
	char address[192]; /* "juliet@pronto.local": the key, as ear_jid_from_instance */
	char instance[64];
	char host[PEER_HOST_MAX + 1];
	struct txt txt;
	struct peer_way ways[PEER_WAYS_MAX];
	size_t way_count;
};

/* peer is borrowed. changed: addresses, port or TXT; lost: the last way went. */
struct peers_events {
	void (*found)(void *arg, const struct peer *peer);
	void (*changed)(void *arg, const struct peer *peer);
	void (*lost)(void *arg, const struct peer *peer);
};

struct peers;

struct peers *peers_new(const struct peers_events *events, void *arg);
void peers_free(struct peers *peers);

/*
 * Whether peers_see would take an instance of that name: what to ask before asking the network more
 * about it. Errors and their log lines as there.
 */
int peers_check(struct peers *peers, const char *instance);

/*
 * A resolver's word about one way: found, or seen again with other values. txt is the wire form.
 * With an address of AF_UNSPEC the way stays and is marked as not resolved any more; host and txt
 * are not looked at, and a way or peer that was never resolved is not added.
 * -EINVAL: the instance is no XEP-0174 name, or another instance has its address already; -ENOBUFS:
 * a bound is reached. Both are logged here, once for each instance.
 */
int peers_see(struct peers *peers, const char *instance, const struct peer_way *way,
	      const char *host, const unsigned char *txt, size_t txt_length);

/* That way is gone; the last one takes the peer with it. */
void peers_forget(struct peers *peers, const char *instance, int interface, int family);

/* All ways are gone (the daemon restarted, discovery stops): lost for each. */
void peers_clear(struct peers *peers);

const struct peer *peers_find(const struct peers *peers, const char *address);

/* The peer that a connection from that source comes from, by address without port; the only one,
 * else NULL. */
const struct peer *peers_find_source(const struct peers *peers, const struct sockaddr *source);

/* Whether a connection from that source may be this peer: it is one of its addresses. */
bool peer_has_source(const struct peer *peer, const struct sockaddr *source);

size_t peers_count(const struct peers *peers);
const struct peer *peers_at(const struct peers *peers, size_t i); /* sorted by address */

#endif
