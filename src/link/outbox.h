/* SPDX-License-Identifier: ISC */
/*
 * outbox.h: stanzas that a link answers for: taken from above, not known to have arrived. Bounded.
 * Where the other end acknowledges stanzas, it says which have arrived, and past the bound there is
 * no room. Where it does not, its TCP does; past the bound the oldest that the kernel has taken
 * count as delivered, and when none has been taken there is no room.
 */
#ifndef LINK_OUTBOX_H
#define LINK_OUTBOX_H

#include <strophe.h>

#include "base/list.h"
#include <stdint.h>

#define OUTBOX_STANZAS_MAX 1024
#define OUTBOX_BYTES_MAX   (1024 * 1024)

struct outbox_item {
	struct list entry;
	xmpp_stanza_t *stanza; /* NULL: its text is kept instead */
	char *text;            /* the bytes that were written; NULL: the stanza is kept */
	char *from, *to;       /* as they were before the wire's form, where that cannot be told */
	size_t bytes;          /* on the wire */
	uint64_t end;          /* io_written behind it; UINT64_MAX: not written */
	uint64_t number;       /* of the stanzas that are counted; 0: written before that began */
	int64_t at;            /* when it was written */
	char room[];           /* mostly for the text: one allocation less for each stanza */
};

struct outbox {
	struct list items; /* oldest first */
	size_t count, bytes;
};

void outbox_init(struct outbox *box);

/* Frees the items and releases their stanzas. */
void outbox_release(struct outbox *box);

/* A new item that owns stanza, at the end. */
struct outbox_item *outbox_add(struct outbox *box, xmpp_stanza_t *stanza, size_t bytes,
			       uint64_t end, int64_t at);

/* The same with room for so many bytes of text. */
struct outbox_item *outbox_add_room(struct outbox *box, xmpp_stanza_t *stanza, size_t bytes,
				    uint64_t end, int64_t at, size_t room);

/* Takes the oldest out; NULL when empty. The caller owns it. */
struct outbox_item *outbox_take(struct outbox *box);

/* Puts an item that was taken at the end, or before all others. */
void outbox_put(struct outbox *box, struct outbox_item *item);
void outbox_put_first(struct outbox *box, struct outbox_item *item);

void outbox_item_free(struct outbox_item *item);

/* It has no text any more. */
void outbox_item_forget_text(struct outbox_item *item);

/* Forgets those that end at or before acked and were written before keep. */
void outbox_prune(struct outbox *box, uint64_t acked, int64_t keep);

/* Forgets those up to that number. */
void outbox_acknowledge(struct outbox *box, uint64_t number);

/* Whether one more may come: 0, -ENOBUFS: there are OUTBOX_STANZAS_MAX, -EDQUOT: OUTBOX_BYTES_MAX.
 */
int outbox_room(const struct outbox *box);

/* The same, after forgetting what ends at or before sent. */
int outbox_make_room(struct outbox *box, uint64_t sent);

#endif
