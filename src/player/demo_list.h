/* SPDX-License-Identifier: ISC */
/* demo_list.h: what the demo player plays, and in which order. */
#ifndef PLAYER_DEMO_LIST_H
#define PLAYER_DEMO_LIST_H

#include <earshot/player.h>

#define DEMO_ITEMS_MAX 32

struct demo_item {
	char title[EAR_TITLE_MAX];
	const char *artist;
	int64_t duration;
	int audio_count, subtitle_count;
};

struct demo_list {
	struct demo_item items[DEMO_ITEMS_MAX];
	int count;
	int index; /* of the item that plays */
	bool shuffled;
	enum ear_repeat repeat;
};

/* Three films. */
void demo_list_init(struct demo_list *list);

const struct demo_item *demo_list_item(const struct demo_list *list);

/* The index of the item that comes after the one that plays (by 1) or before it (by -1); -1: there
 * is none. */
int demo_list_beside(const struct demo_list *list, int by);

/* Only what is at that URL now, or that at the end. -ENOBUFS: the list is full. */
void demo_list_replace(struct demo_list *list, const char *url);
int demo_list_append(struct demo_list *list, const char *url);

#endif
