/* SPDX-License-Identifier: ISC */
/* mpv_ipc.h: mpv's JSON IPC as it is on its Unix socket: one JSON object a line, both ways. */
#ifndef PLAYER_MPV_IPC_H
#define PLAYER_MPV_IPC_H

#include <jansson.h>

struct event_base;
struct mpv_ipc;

#define MPV_LINE_MAX   (256 * 1024) /* bytes of one line from mpv */
#define MPV_UNSENT_MAX (64 * 1024)  /* bytes that wait for an mpv that does not read */

/* Both run from the event loop; mpv_ipc_free is allowed inside. */
struct mpv_ipc_events {
	void (*object)(void *arg, json_t *object); /* borrowed */
	/* -ENODEV: mpv has gone; -EPROTO: it sent no JSON object, or a line without end. Nothing
	 * follows. */
	void (*gone)(void *arg, int error);
};

/*
 * Connects, which never blocks on a Unix socket. NULL with *error: -ENODEV nobody listens there,
 * -ETIMEDOUT it does not accept, -EACCES ...; -ENAMETOOLONG.
 */
struct mpv_ipc *mpv_ipc_new(struct event_base *base, const char *path,
			    const struct mpv_ipc_events *events, void *arg, int *error);
void mpv_ipc_free(struct mpv_ipc *ipc);

/* Sends a command (an array; the reference is taken). -ENOBUFS: mpv does not read. */
int mpv_ipc_send(struct mpv_ipc *ipc, json_int_t request_id, json_t *command);

/* Puts '?' in place of bytes that are not UTF-8, which mpv passes on from file names and tags. */
void mpv_ipc_repair(char *text, size_t length);

/* 0 when the path fits into a socket address, or -ENAMETOOLONG. */
int mpv_ipc_check_path(const char *path);

#endif
