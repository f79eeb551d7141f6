/* SPDX-License-Identifier: ISC */
/* mpris_players.c: the table of MPRIS players. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "player/mpris_players.h"

#define PREFIX "org.mpris.MediaPlayer2."

void
mpris_players_init(struct mpris_players *players, const char *only)
{
	*players = (struct mpris_players){ .only = only };
	list_init(&players->list);
}

/* "vlc" is vlc and vlc.instance123, whatever the case. */
static bool
is_program(const char *end, const char *program)
{
	size_t length = strlen(program);

	return strncasecmp(end, program, length) == 0 &&
	       (end[length] == '\0' || end[length] == '.');
}

bool
mpris_players_want(const struct mpris_players *players, const char *name, const char **end)
{
	if (strncmp(name, PREFIX, strlen(PREFIX)) != 0)
		return false;
	*end = name + strlen(PREFIX);
	if (players->only != NULL)
		return is_program(*end, players->only);
	/* It is only what playerctl shows of the others. */
	return !is_program(*end, "playerctld");
}

struct mpris_player *
mpris_players_find(const struct mpris_players *players, const char *owner)
{
	struct list *item;

	for (item = players->list.next; item != &players->list; item = item->next) {
		struct mpris_player *player = container_of(item, struct mpris_player, item);

		if (strcmp(player->owner, owner) == 0)
			return player;
	}
	return NULL;
}

/* The place of a name; "": a free place; NULL: not there. */
static char *
name_slot(struct mpris_player *player, const char *name)
{
	for (size_t i = 0; i < MPRIS_NAMES_MAX; i++)
		if (strcmp(player->names[i], name) == 0)
			return player->names[i];
	return NULL;
}

static void
name_add(struct mpris_player *player, const char *end)
{
	char *slot = name_slot(player, end);

	if (slot == NULL)
		slot = name_slot(player, "");
	if (slot != NULL)
		(void)copy_text(slot, MPRIS_NAME_SIZE, end);
}

struct mpris_player *
mpris_players_add(struct mpris_players *players, const char *end, const char *owner)
{
	struct mpris_player *player = mpris_players_find(players, owner);

	if (player != NULL || strlen(owner) >= MPRIS_OWNER_SIZE) {
		if (player != NULL)
			name_add(player, end);
		return NULL;
	}
	if (players->count == MPRIS_PLAYERS_MAX) {
		players->missed = true;
		return NULL;
	}
	player = xalloc(sizeof(*player));
	(void)copy_text(player->owner, sizeof(player->owner), owner);
	name_add(player, end);
	mpris_view_init(&player->view);
	player->used = ++players->turn;
	list_add(&players->list, &player->item);
	players->count++;
	return player;
}

struct mpris_player *
mpris_players_drop(struct mpris_players *players, const char *end, const char *owner)
{
	struct mpris_player *player = mpris_players_find(players, owner);
	char *slot = player == NULL ? NULL : name_slot(player, end);

	if (slot == NULL)
		return NULL;
	*slot = '\0';
	for (size_t i = 0; i < MPRIS_NAMES_MAX; i++)
		if (player->names[i][0] != '\0')
			return NULL;
	return player;
}

void
mpris_players_remove(struct mpris_players *players, struct mpris_player *player)
{
	sd_bus_slot_unref(player->reading);
	sd_bus_slot_unref(player->asking);
	list_del(&player->item);
	players->count--;
	free(player);
}

bool
mpris_players_note(struct mpris_players *players, struct mpris_player *player,
		   enum ear_playback before, int64_t now)
{
	enum ear_playback playback = player->view.playback;
	bool stops = before == EAR_PLAYING && playback == EAR_STOPPED;
	bool returns = player->stopped_at != 0 && now - player->stopped_at < MPRIS_GAP;
	bool begins = playback == EAR_PLAYING && before != EAR_PLAYING && !returns;
	bool pauses = playback == EAR_PAUSED && before == EAR_PLAYING;

	if (player->known && (begins || pauses))
		player->used = ++players->turn;
	player->known = true;
	if (stops)
		player->stopped_at = now;
	else if (playback != EAR_STOPPED)
		player->stopped_at = 0;
	return stops;
}

void
mpris_players_leave_out(struct mpris_players *players, const char *name, bool out)
{
	char *empty = NULL;

	for (size_t i = 0; i < MPRIS_LEFT_OUT_MAX; i++) {
		char *slot = players->left_out[i];

		if (strcasecmp(slot, name) == 0) {
			if (!out)
				*slot = '\0';
			return;
		}
		if (*slot == '\0')
			empty = slot;
	}
	if (out && empty != NULL)
		(void)copy_text(empty, MPRIS_NAME_SIZE, name);
}

static bool
is_left_out(const struct mpris_players *players, const struct mpris_player *player)
{
	for (size_t i = 0; i < MPRIS_LEFT_OUT_MAX; i++)
		for (size_t j = 0; j < MPRIS_NAMES_MAX && players->left_out[i][0] != '\0'; j++)
			if (is_program(player->names[j], players->left_out[i]))
				return true;
	return false;
}

static int
rank(const struct mpris_player *player, int64_t now)
{
	if (player->silent)
		return 0;
	if (player->stopped_at != 0 && now - player->stopped_at < MPRIS_GAP)
		return 3;
	switch (player->view.playback) {
	case EAR_PLAYING:
		return 3;
	case EAR_PAUSED:
		return 2;
	case EAR_STOPPED:
		break;
	}
	return 1;
}

struct mpris_player *
mpris_players_best(const struct mpris_players *players, int64_t now)
{
	struct mpris_player *best = NULL;
	struct list *item;

	for (item = players->list.next; item != &players->list; item = item->next) {
		struct mpris_player *one = container_of(item, struct mpris_player, item);

		if (is_left_out(players, one))
			continue;
		if (best == NULL || rank(one, now) > rank(best, now) ||
		    (rank(one, now) == rank(best, now) && one->used > best->used))
			best = one;
	}
	return best;
}

const char *
mpris_player_name(const struct mpris_player *player)
{
	if (player->identity[0] != '\0')
		return player->identity;
	for (size_t i = 0; i < MPRIS_NAMES_MAX; i++)
		if (player->names[i][0] != '\0')
			return player->names[i];
	return "";
}
