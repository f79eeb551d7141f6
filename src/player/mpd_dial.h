/* SPDX-License-Identifier: ISC */
/* mpd_dial.h: where MPD listens, and the descriptor of a connection to it. */
#ifndef PLAYER_MPD_DIAL_H
#define PLAYER_MPD_DIAL_H

#include <stdbool.h>
#include <sys/socket.h>

struct mpd_place {
	struct sockaddr_storage address;
	socklen_t length;
};

/* A path; -ENAMETOOLONG. */
int mpd_place_of_socket(struct mpd_place *place, const char *path);

/* "tcp://127.0.0.1:6600", "tcp://[::1]", "tcp://localhost:6600": numeric, so that nothing is asked
 * of a resolver; without a port, 6600. -EINVAL. */
int mpd_place_of_url(struct mpd_place *place, const char *url);

/* The usual places, in the order in which they are tried: /run/mpd/socket, 127.0.0.1:6600. */
#define MPD_PLACES 2
void mpd_place_usual(struct mpd_place *place, size_t i);

/*
 * Begins a connection, which never blocks. The descriptor, *pending telling that it becomes
 * writable when it is known what came of it; or -ENODEV: nobody listens there; -ETIMEDOUT: it does
 * not accept; -EACCES ...
 */
int mpd_dial(const struct mpd_place *place, bool *pending);

/* What came of it: 0 or an error as above. */
int mpd_dial_result(int fd);

#endif
