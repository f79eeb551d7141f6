/* SPDX-License-Identifier: ISC */
/*
 * player.h: a media player, whatever kind it is. A press or a question is asynchronous: the
 * callback runs exactly once, from the event loop, also when the player hangs or goes away.
 */
#ifndef EARSHOT_PLAYER_H
#define EARSHOT_PLAYER_H

#include <stdbool.h>
#include <stdint.h>

struct ear_player;

enum ear_button {
	EAR_PLAY,
	EAR_PAUSE,
	EAR_PLAYPAUSE,
	EAR_STOP,
	EAR_NEXT,
	EAR_PREVIOUS,
	EAR_SEEK,   /* value: microseconds from the start, or relative with a sign */
	EAR_VOLUME, /* value: per cent 0..100, or relative with a sign */
	EAR_MUTE,   /* value: 1 on, 0 off, none: toggle */
	EAR_BUTTON_COUNT,
};

/* "play" ... "mute", as on the wire and the command line; -1 from the other way: unknown. */
const char *ear_button_name(enum ear_button button);
int ear_button_find(const char *name);

struct ear_press {
	enum ear_button button;
	bool has_value;
	bool relative; /* the value is a difference */
	int64_t value;
};

enum ear_playback { EAR_STOPPED, EAR_PLAYING, EAR_PAUSED };

/* "stopped", "playing", "paused". */
const char *ear_playback_name(enum ear_playback playback);

#define EAR_TITLE_MAX 512

struct ear_player_state {
	enum ear_playback playback;
	char title[EAR_TITLE_MAX]; /* UTF-8, "" when unknown */
	int64_t position_us;       /* -1 when unknown */
	int64_t duration_us;       /* -1 when unknown */
	int volume;                /* per cent, -1 when unknown */
	bool muted;
	bool seekable;
};

/*
 * error 0: state is the player's state after the press. -ENODEV: no player there; -ETIMEDOUT: it
 * does not answer; -EOPNOTSUPP: it has no such button; -ERANGE: value out of range; -EPROTO: it
 * answered nonsense; -EREMOTEIO: it refused; -ENOBUFS: too many presses wait for it; -ECANCELED:
 * the engine stops. state NULL on error.
 */
typedef void ear_player_fn(void *arg, int error, const struct ear_player_state *state);

/* Presses a button. fn runs later, once. */
void ear_player_press(struct ear_player *player, const struct ear_press *press, ear_player_fn *fn,
		      void *arg);

/* Asks for the state. fn runs later, once. */
void ear_player_state(struct ear_player *player, ear_player_fn *fn, void *arg);

/*
 * Shows a line of text on the player's screen for that long; NULL takes it away. -ENODEV: no player
 * there; -EOPNOTSUPP: it has no screen. Not waited for: the screen is a help, not a promise.
 */
int ear_player_show(struct ear_player *player, const char *text, int64_t usec);

/* "mpv", "demo": the kind that is driven now; "none" while there is nothing to drive. */
const char *ear_player_kind(const struct ear_player *player);

#endif
