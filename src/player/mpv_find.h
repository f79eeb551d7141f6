/* SPDX-License-Identifier: ISC */
/* mpv_find.h: where mpv may listen when the configuration does not say. */
#ifndef PLAYER_MPV_FIND_H
#define PLAYER_MPV_FIND_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The usual places, in the order in which they are tried: $XDG_RUNTIME_DIR/mpv.sock,
 * /run/earshot/mpv.sock, and /tmp/mpvsocket, which mpv's manual shows. Anybody can put a socket
 * into /tmp, so that one counts only when it belongs to our own user.
 */
#define MPV_PLACES 3

/* Writes place i to path; false when there is none. */
bool mpv_find_place(size_t i, char *path, size_t size);

#endif
