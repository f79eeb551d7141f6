/* SPDX-License-Identifier: ISC */
/*
 * remote.h: the full-screen remote control. What is known stands in struct remote; stanzas and keys
 * change it, and remote_draw() shows it at the end of each turn of the loop. Nothing here waits:
 * every question is one of asks.h.
 */
#ifndef TOOLS_REMOTE_H
#define TOOLS_REMOTE_H

#include "asks.h"
#include "cli.h"
#include "follow.h"
#include "player_view.h"

#define REMOTE_PRESSES_MAX 16 /* under way together */
#define REMOTE_SAME_MAX    3  /* of them the same: a key that is held down repeats */
#define REMOTE_LIFE        (5 * EAR_SEC)
#define REMOTE_MESSAGE     (6 * EAR_SEC) /* how long a message stays */
#define REMOTE_COLUMNS_MIN 40
#define REMOTE_ROWS_MIN    10

enum remote_page {
	REMOTE_PLAYER,
	REMOTE_BOXES, /* to choose from */
	REMOTE_HELP,
	REMOTE_URL, /* a line is typed */
};

/* How the box is reached now; "" is unknown. */
struct remote_path {
	char link[16], level[16];
	char trouble[256]; /* of the paths that do not work */
	int64_t rtt_us;
};

/* One press on its way. */
struct remote_press {
	struct remote *remote;
	unsigned box;               /* remote->box then */
	const char *button, *value; /* instead, where the player does not know the key; or NULL */
	char *label;                /* "volume +5"; NULL: not used */
};

struct remote {
	struct cli *cli;
	struct asks *asks;
	enum remote_page page;
	bool quit, dirty;
	int64_t reopen_at; /* when the daemon is tried again */

	char *address, *name; /* of the box; NULL: none is chosen */
	unsigned box;         /* counts the choices: an answer for an earlier one is late */
	struct follow *follow;
	struct player_view view;
	bool has_view;
	enum ear_link_kind link; /* that brought the view */
	char verbs_for[32];      /* the kind of player that knows media keys, but no arrows */
	char *trouble;           /* why there is no view; NULL: not known yet */
	struct remote_path path;
	int64_t path_at; /* when it is asked for again */
	struct remote_press presses[REMOTE_PRESSES_MAX];

	char *message; /* the last thing that happened; NULL: none, or it is over */
	bool is_bad;
	int64_t message_until;

	char url[EAR_URL_MAX]; /* what has been typed */
	size_t help_first;     /* the first key on this page of the help */
	struct boxes *boxes;
};

/* --- remote.c: what is known --------------------------------------------------------------- */

/* Chooses a box; forgets all about the one before. name NULL: it has none. */
void remote_choose(struct remote *remote, const char *address, const char *name);

/* Shows a message for a while. */
void remote_say(struct remote *remote, bool is_bad, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* The same of an answer that says no; what: "volume +5". */
void remote_say_refusal(struct remote *remote, const char *what, const struct answer *answer);

/* Takes a state that the box told, and by which link. */
void remote_take_state(struct remote *remote, xmpp_stanza_t *state, enum ear_link_kind link);

/* The daemon is there (again): asks it for everything. And: it is not any more. */
void remote_begin(struct remote *remote);
void remote_end(struct remote *remote);

/* What cli_listen() brings. */
void remote_on_stanza(void *arg, xmpp_stanza_t *stanza);

/* Asks for the path when it is time to. */
void remote_look_at_path(struct remote *remote);

/* --- remote_keys.c: what keys do ------------------------------------------------------------ */

/* A code point or enum screen_key. */
void remote_key(struct remote *remote, unsigned key);

/* One line for each key: "space" and "play, pause"; NULL: no more. */
const char *remote_key_help(size_t i, const char **what);

/* The keys that make sense now, as one text. The caller frees. */
char *remote_key_hints(const struct remote *remote);

/* --- remote_press.c: presses on their way --------------------------------------------------- */

/* value may be NULL. */
void remote_press(struct remote *remote, const char *button, const char *value);

/* Presses a key, and where the player does not know it the button (NULL: none) instead. */
void remote_press_key(struct remote *remote, const char *key, const char *button,
		      const char *value);

/* Whether the player that is there takes more than media keys, as far as is known. */
bool remote_takes_keys(const struct remote *remote);

/* How many have not been answered. */
size_t remote_presses(const struct remote *remote);

/* --- remote_draw.c --------------------------------------------------------------------------- */

void remote_draw(const struct remote *remote);

/* How many keys a page of the help holds on this terminal. */
size_t remote_help_room(void);

#endif
