/* SPDX-License-Identifier: ISC */
/* demo_list.c: the playlist of the demo player. */
#include <errno.h>
#include <string.h>

#include <earshot/timer.h>

#include "base/alloc.h"
#include "player/demo_list.h"
#include "player/ops.h"

static const struct {
	const char *title;
	int64_t duration;
} films[] = {
	{ "Big Buck Bunny", 596 * EAR_SEC },
	{ "Sintel", 888 * EAR_SEC },
	{ "Tears of Steel", 734 * EAR_SEC },
};

#define FILMS (int)(sizeof(films) / sizeof(films[0]))

#define ANY_DURATION (180 * EAR_SEC) /* of what is at a URL: nobody fetches it */

void
demo_list_init(struct demo_list *list)
{
	*list = (struct demo_list){ .count = FILMS };
	for (int i = 0; i < FILMS; i++) {
		struct demo_item *item = &list->items[i];

		(void)copy_text(item->title, sizeof(item->title), films[i].title);
		item->artist = "Blender Foundation";
		item->duration = films[i].duration;
		item->audio_count = 2;
		item->subtitle_count = 3;
	}
}

const struct demo_item *
demo_list_item(const struct demo_list *list)
{
	return &list->items[list->index];
}

/* The item that is played as the nth. Shuffled is every other one first, so that a demonstration
 * shows it in three films. */
static int
item_at(const struct demo_list *list, int n)
{
	if (!list->shuffled)
		return n;
	return 2 * n < list->count ? 2 * n : 2 * n - ((list->count - 1) | 1);
}

int
demo_list_beside(const struct demo_list *list, int by)
{
	int n = 0;

	while (item_at(list, n) != list->index)
		n++;
	n += by;
	if (list->repeat == EAR_REPEAT_ALL)
		n = (n + list->count) % list->count;
	return n < 0 || n >= list->count ? -1 : item_at(list, n);
}

/* Called by the last part of its path. */
static void
fill(struct demo_item *item, const char *url)
{
	const char *name = strrchr(url, '/');

	*item = (struct demo_item){ .artist = "", .duration = ANY_DURATION, .audio_count = 1 };
	player_state_text(item->title, sizeof(item->title),
			  name == NULL || name[1] == '\0' ? url : name + 1);
}

void
demo_list_replace(struct demo_list *list, const char *url)
{
	list->count = 1;
	list->index = 0;
	fill(&list->items[0], url);
}

int
demo_list_append(struct demo_list *list, const char *url)
{
	if (list->count == DEMO_ITEMS_MAX)
		return -ENOBUFS;
	fill(&list->items[list->count++], url);
	return 0;
}
