/* SPDX-License-Identifier: ISC */
/* list.h: circular doubly linked lists, embedded in what they hold. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
	struct list *next, *prev;
};

#define container_of(pointer, type, member) ((type *)((char *)(pointer)-offsetof(type, member)))

static inline void
list_init(struct list *list)
{
	list->next = list->prev = list;
}

static inline bool
list_is_empty(const struct list *list)
{
	return list->next == list;
}

/* Puts item before `before`; given the head that is the end of the list. */
static inline void
list_add(struct list *before, struct list *item)
{
	item->prev = before->prev;
	item->next = before;
	before->prev->next = item;
	before->prev = item;
}

/* Takes item out; harmless on one that is in no list but was list_init'ed. */
static inline void
list_del(struct list *item)
{
	item->prev->next = item->next;
	item->next->prev = item->prev;
	list_init(item);
}

/* Walks the list; the item may leave it (and be freed) during its turn, its neighbours may not. */
#define list_each(item, spare, head)                                                               \
	for ((item) = (head)->next, (spare) = (item)->next; (item) != (head);                      \
	     (item) = (spare), (spare) = (item)->next)

#endif
