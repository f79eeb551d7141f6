/* SPDX-License-Identifier: ISC */
/* queue.h: stanzas that wait for a destination, or for its word that they have arrived. Bounded by
 * whoever adds to it. */
#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

#include <earshot/xep.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct parcel {
	struct list all;
	xmpp_stanza_t *stanza;
	enum ear_link_kind only; /* the one kind of link that it may leave by; EAR_LINK_NONE: any */
	size_t bytes;            /* when written */
	uint32_t id_hash;        /* of its id; 0: it has none */
	int64_t at;              /* when it came into this queue */
	bool maybe;              /* it may have arrived */
	bool overtaken;          /* what came into it later has left it */
};

struct queue {
	struct list parcels; /* oldest first */
	size_t count, bytes;
};

void queue_init(struct queue *queue);

/* One that is in no queue; consumes the stanza. */
struct parcel *parcel_new(xmpp_stanza_t *stanza, enum ear_link_kind only, int64_t now);

/* The same, put behind all others. */
struct parcel *queue_add(struct queue *queue, xmpp_stanza_t *stanza, enum ear_link_kind only,
			 int64_t now);

/* The oldest, taken out: the caller owns it. NULL: empty. */
struct parcel *queue_take(struct queue *queue);

/* Puts one that was taken behind all others. */
void queue_put(struct queue *queue, struct parcel *parcel);

/* The oldest with that id, or NULL. */
struct parcel *queue_find(const struct queue *queue, const char *id);

void queue_remove(struct queue *queue, struct parcel *parcel);
void parcel_free(struct parcel *parcel);

/* All of `from` goes behind what is in `to`, or before it. */
void queue_append(struct queue *to, struct queue *from);
void queue_prepend(struct queue *to, struct queue *from);

/* Whether one of that size may be added: 0, -ENOBUFS: not so many, -EDQUOT: not so many bytes. */
int queue_has_room(const struct queue *queue, size_t bytes, size_t count_max, size_t bytes_max);

void queue_release(struct queue *queue);

#endif
