/* SPDX-License-Identifier: ISC */
/* player_state.h: the player's state as an element of EAR_NS_BUTTONS (buttons.md §6). */
#ifndef XEP_PLAYER_STATE_H
#define XEP_PLAYER_STATE_H

#include <earshot/ear.h>

/*
 * <state player='mpv' name='..' playback='..' title='..' artist='..' album='..' position='12.345'
 *        duration='634.571' volume='70' muted='..' seekable='..' rate='1.5' shuffle='..'
 * repeat='..' audio='1' audios='2' subtitle='0' subtitles='3' can='play pause seek key'/> An
 * attribute whose value is unknown is absent; position is as of now. state NULL: no player is
 * there: <state player='none'/>. A new element; the caller's.
 */
xmpp_stanza_t *player_state_element(struct ear *ear, const struct ear_player_state *state);

/*
 * The same as words: "playing 0:12 of 10:34, volume 70 %: Big Buck Bunny"; state NULL: "no player".
 * Cut to size.
 */
void player_state_words(const struct ear_player_state *state, int64_t now, char *out, size_t size);

#endif
