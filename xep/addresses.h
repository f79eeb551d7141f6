/* SPDX-License-Identifier: ISC */
/*
 * addresses.h: the parts of the extension that tells trusted engines where we are: addresses.c its
 * rules and its life, addresses_item.c what an element holds, addresses_tell.c whom it is told, and
 * when.
 *
 * The life of a word. The server link is up, our addresses, name or key have changed, or half of
 * the life of the last word is over: each device on our list gets a set with where we are, over the
 * server only, and answers with where it is. Nobody else is told anything. What comes is judged
 * here by its form, and by core for whether that device has that key (ear_tell_ways).
 */
#ifndef XEP_ADDRESSES_H
#define XEP_ADDRESSES_H

#include <earshot/ear.h>

#define ADDRESSES_NAME_SIZE 192 /* a LAN address with its NUL */
#define ADDRESSES_IP_SIZE   46  /* INET6_ADDRSTRLEN */
#define ADDRESSES_LIFE      3600
#define ADDRESSES_LIFE_MAX  86400

/* --- addresses_item.c --- */

/* What an <addresses/> holds. */
struct addresses {
	char address[ADDRESSES_NAME_SIZE]; /* canonical */
	struct ear_key key;
	unsigned port; /* 0 where count is */
	unsigned life; /* seconds */
	size_t count;
	char ip[EAR_TOLD_MAX][ADDRESSES_IP_SIZE]; /* canonical */
};

/* -EBADMSG: not one, or it holds something that nobody may be told. */
int addresses_read(xmpp_stanza_t *element, struct addresses *out);

/* A new element that holds it; the caller owns it. */
xmpp_stanza_t *addresses_new(xmpp_ctx_t *ctx, const struct addresses *addresses);

/* Adds one of ours, unless there is no room, or nobody may be told of it. */
void addresses_add(struct addresses *addresses, const char *ip);

/* --- addresses_tell.c --- */

struct addresses_tell;

struct addresses_tell *addresses_tell_new(struct ear *ear);
/* Takes back what was told. */
void addresses_tell_free(struct addresses_tell *tell);

/* The server link is up: everybody is told. */
void addresses_tell_again(struct addresses_tell *tell);

/* Something about us may be another thing than before: everybody is told if so. */
void addresses_tell_changed(struct addresses_tell *tell);

/* Whom we trust may be others than before: who is new is told. */
void addresses_tell_refresh(struct addresses_tell *tell);

/* Where we are, for the answer to that device; NULL: nowhere that can be told. */
xmpp_stanza_t *addresses_tell_answer(struct addresses_tell *tell, const char *jid);

#endif
