/* SPDX-License-Identifier: ISC */
/*
 * echo.h: whether multicast works on an interface: a question by mDNS (RFC 6762), for which kinds
 * of services there are, and who hears it. It leaves from a port of its own, so that whoever
 * answers does so to this socket alone (§6.7).
 */
#ifndef DISCOVER_ECHO_H
#define DISCOVER_ECHO_H

#include <stdbool.h>

#include "discover/nets.h"

struct event_base;
struct echo;

struct echo_heard {
	int error;       /* -errno: it could not be asked or listened for; 0 */
	bool port_taken; /* another program keeps UDP port 5353 for itself */
	bool own;        /* we heard our own question */
	bool answered;   /* an mDNS stack of this machine answered it */
	unsigned others; /* answers from other machines */
	char other[64];  /* the address of the last of them */
};

/* Asks. Never NULL; what could not be done stands in what is heard. */
struct echo *echo_new(struct event_base *base, const struct net *net);
void echo_free(struct echo *echo);

/* What has been heard by now. Borrowed. */
const struct echo_heard *echo_heard(const struct echo *echo);

#endif
