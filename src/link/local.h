/* SPDX-License-Identifier: ISC */
/*
 * local.h: programs of this machine: an XML stream on a Unix socket. The kernel says who connects
 * (SO_PEERCRED): the owner of the daemon, root, and members of one group get in. Each program has
 * the address self/resource, told by `to` in the header that answers its own; it is an XMPP client
 * without SASL and binding.
 */
#ifndef LINK_LOCAL_H
#define LINK_LOCAL_H

#include "link/link.h"

struct event_base;
struct ear_clock;
struct local;

#define LOCAL_CLIENTS_MAX 256

struct local_config {
	const char *path;  /* NULL: no socket, only local_attach */
	const char *group; /* may be NULL */
};

/*
 * Makes the socket 0660 (0600 without a group), its directory 0755 when missing. A socket left
 * behind by a dead daemon is replaced; NULL with *error -EADDRINUSE when a living one answers
 * there.
 */
struct local *local_new(struct event_base *base, struct ear_clock *clock, xmpp_ctx_t *ctx,
			const struct local_config *config, const struct link_events *events,
			void *owner, int *error);

/* The bare address that programs get their resource under ("tv@pronto.local"); for those that come
 * from now on. */
void local_set_self(struct local *local, const char *address);

/* Takes over one end of a socket pair: a program inside this process, trusted like the owner. */
void local_attach(struct local *local, int fd);

/* The link of that full address, or NULL. */
struct link *local_find(struct local *local, const char *address);

/* Closes every stream, removes the socket, frees. No event runs. */
void local_free(struct local *local);

#endif
