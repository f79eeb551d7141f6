/* SPDX-License-Identifier: ISC */
/* player_rig.h: a player on a real loop, and a real mpv, for the tests of mpv.c. */
#ifndef PLAYER_RIG_H
#define PLAYER_RIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <earshot/timer.h>

#include "player/kind.h"

struct rig {
	struct event_base *base;
	struct ear_clock *clock;
	struct ear_player *player;
	char dir[64], socket[96];
	/* the last answer */
	int answers, error;
	struct ear_player_state state;
	/* what was told without being asked */
	int changes;
	bool is_there; /* what was told last was a state, not that the player has gone */
	struct ear_player_state told;
	pid_t mpv;
	bool with_terminal; /* mpv shows its on-screen text in dir/terminal */
};

/* A directory of its own, and a loop. */
void rig_init(struct rig *rig);
void rig_release(struct rig *rig);

/* A player of kind mpv on rig->socket. */
void rig_open(struct rig *rig, bool watched);

/* Presses, and runs the loop until the answer is there. Returns its error. */
int rig_press(struct rig *rig, enum ear_button button);
int rig_press_value(struct rig *rig, enum ear_button button, bool relative, int64_t value);
int rig_press_this(struct rig *rig, const struct ear_press *press);
int rig_look(struct rig *rig);

/* Runs the loop until the condition holds; false: it did not within ten seconds. */
bool rig_wait(struct rig *rig, bool (*condition)(struct rig *rig));

/* Runs the loop for that time. Returns how often it woke up. */
int rig_run(struct rig *rig, int64_t usec);

/* Starts a real mpv with these files (NULL-ended), and waits until its socket answers. */
void rig_mpv_start(struct rig *rig, const char *idle, const char *const files[]);
void rig_mpv_kill(struct rig *rig);
void rig_mpv_pause(struct rig *rig, bool stopped); /* by SIGSTOP and SIGCONT */

/* Writes 20 seconds of silence as a WAV file into rig->dir; out is its path. */
void rig_wav(struct rig *rig, const char *name, char *out, size_t size);

/* Makes a clip of 20 seconds, with two audio and two subtitle tracks and tags. */
void rig_clip(struct rig *rig, const char *name, char *out, size_t size);

/* Sends one line to mpv over a connection of its own, and returns what it answers. */
void rig_mpv_ask(struct rig *rig, const char *line, char *answer, size_t size);

/* Sends one line to mpv over a connection of its own. */
void rig_mpv_say(struct rig *rig, const char *line);

#endif
