/* SPDX-License-Identifier: ISC */
/* ways.h: lists of socket addresses that lead to one peer. */
#ifndef CORE_WAYS_H
#define CORE_WAYS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

socklen_t ways_length(const struct sockaddr_storage *way);

/* IPv4 and IPv6 only; others stay without. */
void ways_set_port(struct sockaddr_storage *way, unsigned port);

/* A numeric address, "fe80::1%eth0" with its scope, as a way without port. -EINVAL: it is none, or
 * there is no such interface now. */
int ways_parse(const char *text, struct sockaddr_storage *way);

/*
 * Whether anybody may be told to dial that address, or be believed when he says so: a host's own
 * one beyond its link. Not loopback, unspecified, link-local, multicast, broadcast, nor IPv4 inside
 * IPv6.
 */
bool ways_is_far(const struct sockaddr_storage *way);

/* The order to try (RFC 8305 §4): IPv6 and IPv4 in turns, IPv6 first, each in the order it had;
 * what is there twice, once. Returns how many are left. */
size_t ways_order(struct sockaddr_storage *ways, socklen_t *lengths, size_t count);

#endif
