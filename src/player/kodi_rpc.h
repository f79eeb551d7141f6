/* SPDX-License-Identifier: ISC */
/* kodi_rpc.h: a connection to Kodi's JSON-RPC 2.0 over TCP: a stream of objects, both ways. */
#ifndef PLAYER_KODI_RPC_H
#define PLAYER_KODI_RPC_H

#include <jansson.h>
#include <sys/socket.h>

struct ear_clock;
struct event_base;
struct kodi_rpc;

#define KODI_UNSENT_MAX (64 * 1024) /* bytes that wait for a Kodi that does not read */

/* All run from the event loop; kodi_rpc_free is allowed inside. */
struct kodi_rpc_events {
	void (*up)(void *arg); /* connected, and it is a Kodi that answers */
	/* error 0: it was done, result is its value; -EOPNOTSUPP: it knows no such method;
	 * -EREMOTEIO: it refused. result is borrowed. */
	void (*answer)(void *arg, json_int_t id, int error, json_t *result);
	/* A notification: "Player.OnPlay", and what it says (NULL: nothing). */
	void (*notice)(void *arg, const char *method, json_t *data);
	/* -ENODEV: nobody is there, or not any more; -ETIMEDOUT: it does not answer; -EPROTO: what
	 * is there does not speak JSON-RPC. Nothing follows. */
	void (*gone)(void *arg, int error);
};

/* Begins to connect. Calls may be made once it is up. */
struct kodi_rpc *kodi_rpc_new(struct event_base *base, struct ear_clock *clock,
			      const struct sockaddr *address, socklen_t length,
			      const struct kodi_rpc_events *events, void *arg);
void kodi_rpc_free(struct kodi_rpc *rpc);

/* Calls a method (the reference to params is taken; id above 0). -ENOBUFS: Kodi does not read. */
int kodi_rpc_call(struct kodi_rpc *rpc, json_int_t id, const char *method, json_t *params);

#endif
