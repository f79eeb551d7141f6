/* SPDX-License-Identifier: ISC */
/* outbox.c: stanzas whose arrival is not known. */
#include <errno.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "link/outbox.h"

static struct outbox_item *
first(struct outbox *box)
{
	return list_is_empty(&box->items)
		       ? NULL
		       : container_of(box->items.next, struct outbox_item, entry);
}

void
outbox_init(struct outbox *box)
{
	list_init(&box->items);
	box->count = box->bytes = 0;
}

void
outbox_release(struct outbox *box)
{
	struct outbox_item *item;

	while ((item = outbox_take(box)) != NULL)
		outbox_item_free(item);
}

struct outbox_item *
outbox_add(struct outbox *box, xmpp_stanza_t *stanza, size_t bytes, uint64_t end, int64_t at)
{
	return outbox_add_room(box, stanza, bytes, end, at, 0);
}

struct outbox_item *
outbox_add_room(struct outbox *box, xmpp_stanza_t *stanza, size_t bytes, uint64_t end, int64_t at,
		size_t room)
{
	struct outbox_item *item = xrealloc(NULL, sizeof(*item) + room);

	/* What is to be written into the room need not be empty before. */
	*item = (struct outbox_item){ .stanza = stanza, .bytes = bytes, .end = end, .at = at };
	outbox_put(box, item);
	return item;
}

struct outbox_item *
outbox_take(struct outbox *box)
{
	struct outbox_item *item = first(box);

	if (item == NULL)
		return NULL;
	list_del(&item->entry);
	box->count--;
	box->bytes -= item->bytes;
	return item;
}

void
outbox_put(struct outbox *box, struct outbox_item *item)
{
	list_add(&box->items, &item->entry);
	box->count++;
	box->bytes += item->bytes;
}

void
outbox_put_first(struct outbox *box, struct outbox_item *item)
{
	list_add(box->items.next, &item->entry);
	box->count++;
	box->bytes += item->bytes;
}

void
outbox_item_forget_text(struct outbox_item *item)
{
	if (item->text != item->room)
		free(item->text);
	item->text = NULL;
}

void
outbox_item_free(struct outbox_item *item)
{
	if (item->stanza != NULL)
		xmpp_stanza_release(item->stanza);
	outbox_item_forget_text(item);
	free(item->from);
	free(item->to);
	free(item);
}

void
outbox_prune(struct outbox *box, uint64_t acked, int64_t keep)
{
	struct outbox_item *item;

	while ((item = first(box)) != NULL && item->end <= acked && item->at < keep)
		outbox_item_free(outbox_take(box));
}

void
outbox_acknowledge(struct outbox *box, uint64_t number)
{
	struct outbox_item *item;

	while ((item = first(box)) != NULL && item->number <= number)
		outbox_item_free(outbox_take(box));
}

int
outbox_room(const struct outbox *box)
{
	if (box->count >= OUTBOX_STANZAS_MAX)
		return -ENOBUFS;
	return box->bytes >= OUTBOX_BYTES_MAX ? -EDQUOT : 0;
}

int
outbox_make_room(struct outbox *box, uint64_t sent)
{
	struct outbox_item *item;
	int full;

	while ((full = outbox_room(box)) != 0) {
		item = first(box);
		if (item == NULL || item->end > sent)
			return full;
		outbox_item_free(outbox_take(box));
	}
	return 0;
}
