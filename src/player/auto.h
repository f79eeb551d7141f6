/* SPDX-License-Identifier: ISC */
/* auto.h: which of several players is driven. */
#ifndef PLAYER_AUTO_H
#define PLAYER_AUTO_H

#include "player/ops.h"

#define AUTO_MAX 8

/* Of these kinds, instead of all there are: the open() of a kind whose other functions are those of
 * player_auto. The kinds are borrowed for its life. */
int auto_open_of(struct ear_player *player, const struct player_config *config,
		 const struct player_kind *const kinds[], size_t count, void **self);

#endif
