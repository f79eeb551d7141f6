/* SPDX-License-Identifier: ISC */
/*
 * player.h: a media player, whatever kind it is, in two layers. Player verbs say what is to become
 * of the player (they are shaped like org.mpris.MediaPlayer2.Player: absolute where that is
 * possible); keys say what a thumb does on a remote control, and the player decides what that
 * means. A press or a question is asynchronous: the callback runs exactly once, from the event
 * loop, also when the player hangs or goes away.
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
	EAR_SEEK,     /* from the start, or relative */
	EAR_VOLUME,   /* absolute or relative */
	EAR_MUTE,     /* on, off, none: toggle */
	EAR_RATE,     /* speed of playback */
	EAR_SHUFFLE,  /* on, off, none: toggle */
	EAR_REPEAT,   /* enum ear_repeat, none: the next of off, all, one */
	EAR_OPEN,     /* plays this URL now, instead of what plays */
	EAR_QUEUE,    /* this URL after everything that is to be played */
	EAR_AUDIO,    /* a track; none: the next one */
	EAR_SUBTITLE, /* a track, 0: no subtitles; none: the next one, after the last none */
	EAR_KEY,      /* not a verb: key and motion say which key, and what the thumb does */
	EAR_BUTTON_COUNT,
};

/* "play" ... "subtitle", "key", as on the wire and the command line; -1 from the other way:
 * unknown. */
const char *ear_button_name(enum ear_button button);
int ear_button_find(const char *name);

/* What value a button takes, and what struct ear_press holds for it. */
enum ear_value {
	EAR_VALUE_NONE,
	EAR_VALUE_TIME,    /* microseconds; required, may be relative */
	EAR_VALUE_PERCENT, /* 0..100; required, may be relative */
	EAR_VALUE_SWITCH,  /* 1 on, 0 off; optional */
	EAR_VALUE_RATE,    /* thousandths of the normal speed, EAR_RATE_MIN..MAX; required */
	EAR_VALUE_REPEAT,  /* enum ear_repeat; optional */
	EAR_VALUE_URL,     /* text; required */
	EAR_VALUE_TRACK,   /* number from 1, or 0: none; optional */
	EAR_VALUE_KEY,
};

enum ear_value ear_button_takes(enum ear_button button);

enum ear_repeat { EAR_REPEAT_OFF, EAR_REPEAT_ALL, EAR_REPEAT_ONE };

/* "off", "all", "one"; -1: unknown. */
const char *ear_repeat_name(enum ear_repeat repeat);
int ear_repeat_find(const char *name);

/* Keys of a remote control, by the names of Linux' input-event-codes.h. */
enum ear_remote_key {
	EAR_KEY_UP,
	EAR_KEY_DOWN,
	EAR_KEY_LEFT,
	EAR_KEY_RIGHT,
	EAR_KEY_OK,
	EAR_KEY_BACK,
	EAR_KEY_HOME,
	EAR_KEY_MENU,
	EAR_KEY_CONTEXT_MENU,
	EAR_KEY_INFO,
	EAR_KEY_EPG,
	EAR_KEY_PLAY,
	EAR_KEY_PAUSE,
	EAR_KEY_PLAYPAUSE,
	EAR_KEY_STOP,
	EAR_KEY_NEXTSONG,
	EAR_KEY_PREVIOUSSONG,
	EAR_KEY_FASTFORWARD,
	EAR_KEY_REWIND,
	EAR_KEY_VOLUMEUP,
	EAR_KEY_VOLUMEDOWN,
	EAR_KEY_MUTE,
	EAR_KEY_CHANNELUP,
	EAR_KEY_CHANNELDOWN,
	EAR_KEY_PAGEUP,
	EAR_KEY_PAGEDOWN,
	EAR_KEY_SUBTITLE,
	EAR_KEY_AUDIO,
	EAR_KEY_FULL_SCREEN,
	EAR_KEY_RED,
	EAR_KEY_GREEN,
	EAR_KEY_YELLOW,
	EAR_KEY_BLUE,
	EAR_KEY_NUMERIC_0, /* ten in a row */
	EAR_KEY_NUMERIC_9 = EAR_KEY_NUMERIC_0 + 9,
	EAR_KEY_COUNT,
};

/* "up" ... "numeric_9": Linux' name without KEY_, in lower case; -1: unknown. */
const char *ear_remote_key_name(enum ear_remote_key key);
int ear_remote_key_find(const char *name);

enum ear_motion {
	EAR_PRESSED, /* down and up at once */
	EAR_DOWN,
	EAR_HELD, /* still down: repeats what it does */
	EAR_UP,
};

/* "press", "down", "held", "up"; -1: unknown. */
const char *ear_motion_name(enum ear_motion motion);
int ear_motion_find(const char *name);

#define EAR_URL_MAX  2048 /* bytes, with the NUL */
#define EAR_RATE_MIN 100  /* thousandths */
#define EAR_RATE_MAX 4000

struct ear_press {
	enum ear_button button;
	bool has_value;
	bool relative; /* the value is a difference */
	int64_t value;
	const char *text;        /* EAR_VALUE_URL: borrowed for the call */
	enum ear_remote_key key; /* EAR_KEY */
	enum ear_motion motion;
};

enum ear_playback { EAR_STOPPED, EAR_PLAYING, EAR_PAUSED };

/* "stopped", "playing", "paused"; -1: unknown. */
const char *ear_playback_name(enum ear_playback playback);
int ear_playback_find(const char *name);

#define EAR_TITLE_MAX 512

/* Text is UTF-8 without control characters, "" when unknown. */
struct ear_player_state {
	enum ear_playback playback;
	char name[64]; /* of the player, for people: "VLC media player" */
	char title[EAR_TITLE_MAX];
	char artist[256];
	char album[256];
	int64_t position_us;          /* at the time `at`; -1 when unknown */
	int64_t duration_us;          /* -1 when unknown */
	int64_t at;                   /* ear_now() when it was read */
	int volume;                   /* per cent, -1 when unknown */
	int rate;                     /* thousandths, 1000 when unknown */
	int shuffle;                  /* 1, 0, -1: unknown */
	int repeat;                   /* enum ear_repeat, -1: unknown */
	int audio, audio_count;       /* tracks, from 1; 0: none; -1: unknown */
	int subtitle, subtitle_count; /* likewise */
	bool muted;
	bool seekable;
	uint32_t can; /* 1 << enum ear_button: what makes sense now */
};

/* Where it is by now: position_us and the time that has gone by while it plays; -1: unknown. */
int64_t ear_player_position(const struct ear_player_state *state, int64_t now);

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
 * The state as it was told last, without asking: borrowed until the loop runs again. NULL: there is
 * no player, as far as is known. When it changes, EAR_PLAYER_CHANGED is raised.
 */
const struct ear_player_state *ear_player_last(const struct ear_player *player);

/*
 * Shows a line of text on the player's screen for that long; NULL takes it away. -ENODEV: no player
 * there; -EOPNOTSUPP: it has no screen. Not waited for: the screen is a help, not a promise.
 */
int ear_player_show(struct ear_player *player, const char *text, int64_t usec);

/* "mpv", "mpris", "kodi", "mpd", "demo": the kind that is driven now; "none" while there is nothing
 * to drive. */
const char *ear_player_kind(const struct ear_player *player);

#endif
