/* SPDX-License-Identifier: ISC */
/* queue.c: stanzas in order. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/queue.h"
#include "wire/writer.h"

void
queue_init(struct queue *queue)
{
	list_init(&queue->parcels);
	queue->count = queue->bytes = 0;
}

void
queue_put(struct queue *queue, struct parcel *parcel)
{
	list_add(&queue->parcels, &parcel->all);
	queue->count++;
	queue->bytes += parcel->bytes;
}

/* FNV-1a: links give back thousands at once, each of which is looked for. */
static uint32_t
hash(const char *id)
{
	uint32_t sum = 2166136261u;

	if (id == NULL)
		return 0;
	for (; *id != '\0'; id++)
		sum = (sum ^ (unsigned char)*id) * 16777619u;
	return sum == 0 ? 1 : sum;
}

struct parcel *
parcel_new(xmpp_stanza_t *stanza, enum ear_link_kind only, int64_t now)
{
	struct parcel *parcel = xalloc(sizeof(*parcel));

	parcel->stanza = stanza;
	parcel->only = only;
	parcel->bytes = writer_size(stanza);
	parcel->id_hash = hash(xmpp_stanza_get_id(stanza));
	parcel->at = now;
	return parcel;
}

struct parcel *
queue_add(struct queue *queue, xmpp_stanza_t *stanza, enum ear_link_kind only, int64_t now)
{
	struct parcel *parcel = parcel_new(stanza, only, now);

	queue_put(queue, parcel);
	return parcel;
}

void
queue_remove(struct queue *queue, struct parcel *parcel)
{
	list_del(&parcel->all);
	queue->count--;
	queue->bytes -= parcel->bytes;
}

struct parcel *
queue_take(struct queue *queue)
{
	struct parcel *parcel;

	if (list_is_empty(&queue->parcels))
		return NULL;
	parcel = container_of(queue->parcels.next, struct parcel, all);
	queue_remove(queue, parcel);
	return parcel;
}

struct parcel *
queue_find(const struct queue *queue, const char *id)
{
	const struct list *item;
	uint32_t sum = hash(id);

	for (item = queue->parcels.next; id != NULL && item != &queue->parcels; item = item->next) {
		struct parcel *parcel = container_of(item, struct parcel, all);

		if (parcel->id_hash == sum && strcmp(xmpp_stanza_get_id(parcel->stanza), id) == 0)
			return parcel;
	}
	return NULL;
}

void
parcel_free(struct parcel *parcel)
{
	xmpp_stanza_release(parcel->stanza);
	free(parcel);
}

void
queue_append(struct queue *to, struct queue *from)
{
	struct parcel *parcel;

	while ((parcel = queue_take(from)) != NULL)
		queue_put(to, parcel);
}

void
queue_prepend(struct queue *to, struct queue *from)
{
	struct queue behind;

	queue_init(&behind);
	queue_append(&behind, to);
	queue_append(to, from);
	queue_append(to, &behind);
}

int
queue_has_room(const struct queue *queue, size_t bytes, size_t count_max, size_t bytes_max)
{
	if (queue->count >= count_max)
		return -ENOBUFS;
	return queue->bytes + bytes > bytes_max ? -EDQUOT : 0;
}

void
queue_release(struct queue *queue)
{
	struct parcel *parcel;

	while ((parcel = queue_take(queue)) != NULL)
		parcel_free(parcel);
}
