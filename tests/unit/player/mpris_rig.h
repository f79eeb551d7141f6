/* SPDX-License-Identifier: ISC */
/* mpris_rig.h: a session bus of the test's own, real players on it, and playerctl as referee. */
#ifndef MPRIS_RIG_H
#define MPRIS_RIG_H

#include "player_rig.h"

struct mpris_rig {
	struct rig rig; /* its player is of kind mpris */
	pid_t bus;
	pid_t players[4]; /* 0: none */
	/* what was told without being asked */
	int changes;
	bool there;
	struct ear_player_state told;
};

/* A loop and a folder; and a bus, whose address is put into the environment. */
void mpris_rig_init(struct mpris_rig *rig);
void mpris_rig_release(struct mpris_rig *rig);

void mpris_rig_bus_start(struct mpris_rig *rig);
void mpris_rig_bus_kill(struct mpris_rig *rig);

/* A player that drives the program of that name; NULL: the active one. */
void mpris_rig_open(struct mpris_rig *rig, const char *name, bool watched);

/* Starts mpv with its plugin as players[i], and waits until playerctl sees it play. argv is
 * NULL-ended.
 */
void mpris_rig_mpv(struct mpris_rig *rig, size_t i, const char *const argv[]);
void mpris_rig_kill(struct mpris_rig *rig, size_t i);

/* A line of playerctl about (or to) the player of that name; "" when it says nothing. */
const char *referee(const char *name, const char *command);

#endif
