/* SPDX-License-Identifier: ISC */
/* tcp.h: players that are driven over TCP: where they listen, and that one notices when they are
 * gone. */
#ifndef PLAYER_TCP_H
#define PLAYER_TCP_H

#include <sys/socket.h>

/*
 * "tcp://127.0.0.1:6600", "tcp://[::1]", "tcp://localhost": numeric, so that nothing is asked of a
 * resolver, nor may one say where presses go. port ("6600") is what is meant without one. 0 or
 * -EINVAL.
 */
int tcp_address(const char *url, const char *port, struct sockaddr_storage *address,
		socklen_t *length);

/* A machine that has lost its power says nothing any more: then its connection ends all the same.
 * And what is small is sent at once. */
void tcp_watch(int fd);

#endif
