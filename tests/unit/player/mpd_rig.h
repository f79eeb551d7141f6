/* SPDX-License-Identifier: ISC */
/* mpd_rig.h: a real MPD with three songs and an output that nobody hears, and mpc as its referee.
 */
#ifndef MPD_RIG_H
#define MPD_RIG_H

#include <sys/types.h>

#include "player_rig.h"

#define MPD_SECONDS 30 /* each of "Song 1" ... "Song 3" by "Artist 1" ..., album "Album" */

struct mpd_rig {
	struct rig rig;
	char music[64];    /* directory of song1.ogg ... */
	char address[192]; /* for mpc: password@socket */
	pid_t pid;
	const char *password; /* that MPD wants; NULL: none */
	int port;             /* listens there too; 0: on its socket only */
	int gone;             /* how often it was told that there is no player */
};

/* The music, for all tests of a program. */
int mpd_rig_compose(void **state);
int mpd_rig_discard(void **state);

void mpd_rig_init(struct mpd_rig *rig);
void mpd_rig_release(struct mpd_rig *rig);

/* Starts MPD and waits until it answers; its queue holds what it held when it ended last. */
void mpd_rig_start(struct mpd_rig *rig);
void mpd_rig_kill(struct mpd_rig *rig);
void mpd_rig_pause(struct mpd_rig *rig, bool stopped); /* by SIGSTOP and SIGCONT */

/* Starts it, with the three songs in its queue. */
void mpd_rig_start_full(struct mpd_rig *rig);

/* A player of kind mpd on its socket, or at url. */
void mpd_rig_open(struct mpd_rig *rig, const char *url, const char *secret, bool watched);

/* Runs mpc with these words; what it printed, without the line end, until the next call. */
const char *mpd_rig_mpc(struct mpd_rig *rig, const char *words);

/* A port of 127.0.0.1 where nobody listens now. */
int mpd_rig_free_port(void);

/* Presses with a URL, and runs the loop until the answer is there. Returns its error. */
int mpd_rig_press_text(struct mpd_rig *rig, enum ear_button button, const char *text);
int mpd_rig_press_key(struct mpd_rig *rig, enum ear_remote_key key, enum ear_motion motion);

#endif
