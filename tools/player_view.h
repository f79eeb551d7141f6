/* SPDX-License-Identifier: ISC */
/* player_view.h: what a <state/> of EAR_NS_BUTTONS tells, checked and bounded; and as a line. */
#ifndef TOOLS_PLAYER_VIEW_H
#define TOOLS_PLAYER_VIEW_H

#include <earshot/ear.h>
#include <jansson.h>

struct player_view {
	char kind[32];  /* "mpv", ...; "none": there is no player */
	bool is_player; /* otherwise the rest says nothing */
	bool has_can;
	struct ear_player_state state; /* at: cli_now() when it was read */
};

/*
 * Reads one. Text is valid UTF-8, cut at a whole character, not yet escaped; numbers that no player
 * can have are unknown. -EPROTO: it tells neither what the player does nor that there is none.
 */
int player_view_read(struct player_view *view, xmpp_stanza_t *state);

/* "playing  0:12 / 10:34  volume 70 %  Big Buck Bunny", escaped. The caller frees. */
char *player_view_text(const struct player_view *view);

/* Adds every field under its own key; what is unknown is null. */
void player_view_json(const struct player_view *view, json_t *object);

#endif
