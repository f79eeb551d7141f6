/* SPDX-License-Identifier: ISC */
/*
 * mpd_link.h: one connection to MPD, in MPD's own protocol: lines, commands that are answered in
 * their order, and `idle` between them, by which MPD tells that something has changed.
 */
#ifndef PLAYER_MPD_LINK_H
#define PLAYER_MPD_LINK_H

#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct mpd_link;
struct mpd_place;

#define MPD_LINES_MAX 512 /* of one answer; a line ends after 4 KiB, by libmpdclient's buffer */

#define MPD_ARG_SIZE 32

struct mpd_command {
	const char *verb;
	const char *text;       /* the argument; NULL: it is arg */
	char arg[MPD_ARG_SIZE]; /* "": none */
};

/* All run from the event loop; mpd_link_free is allowed inside. */
struct mpd_link_events {
	void (*ready)(void *arg); /* MPD has greeted: commands may be sent */
	/* A line of the answer to what was sent; both borrowed. */
	void (*pair)(void *arg, const char *name, const char *value);
	/* It is answered: 0, or -EREMOTEIO: MPD refused. */
	void (*answered)(void *arg, int error);
	void (*changed)(void *arg); /* something has, by whomever */
	/* -ENODEV: MPD has gone; -EPROTO: that is not its protocol; another -errno: no connection
	 * came about. Nothing follows. */
	void (*gone)(void *arg, int error);
};

/*
 * Connects, which never blocks. password: NULL, or what is sent after the greeting (copied, and
 * neither it nor MPD's echo of it is logged). NULL with *error as of mpd_dial().
 */
struct mpd_link *mpd_link_new(struct event_base *base, const struct mpd_place *place,
			      const char *password, const struct mpd_link_events *events, void *arg,
			      int *error);
void mpd_link_free(struct mpd_link *link);

/* Whether commands may be sent: greeted, and nothing is under way. */
bool mpd_link_is_ready(const struct mpd_link *link);

/*
 * Sends commands that are done together, up to the first that MPD refuses; answered() follows once.
 * Only when ready. -ENOBUFS: they do not fit.
 */
int mpd_link_send(struct mpd_link *link, const struct mpd_command *commands, size_t count);

/* Nothing more to send now: waits for changes. */
void mpd_link_rest(struct mpd_link *link);

#endif
