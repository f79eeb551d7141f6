/* SPDX-License-Identifier: ISC */
/* kodi_impl.h: what kodi.c, which has the connection, and kodi_job.c, which has the jobs, share. */
#ifndef PLAYER_KODI_IMPL_H
#define PLAYER_KODI_IMPL_H

#include <sys/socket.h>

#include <earshot/timer.h>

#include "player/kodi_rpc.h"
#include "player/kodi_view.h"
#include "player/ops.h"
#include "player/retry.h"

enum kodi_phase {
	KODI_REST,    /* no job */
	KODI_CONNECT, /* waiting for the connection */
	KODI_START,   /* waiting for an item that starts: what is asked or done now gets lost */
	KODI_LOOK,    /* asking, for a question or before a press */
	KODI_ACT,     /* the method is called */
	KODI_CONFIRM, /* asking whether it has come about */
	KODI_SETTLE,  /* not yet: waiting for a moment */
};

struct kodi {
	struct ear_player *player;
	struct sockaddr_storage address;
	socklen_t length;
	char *url;
	bool is_default; /* nobody said that Kodi is there */
	struct kodi_rpc *rpc;
	bool up;       /* it answers: there is a Kodi */
	bool stranger; /* what is there has sent nonsense, and no whole view since */
	enum kodi_phase phase;
	bool is_press;
	struct ear_press press;
	struct kodi_plan plan;
	struct kodi_view view;
	int resume_list, resume_index; /* what was playing when we last looked, or -1 */
	int64_t starting;              /* until then an item starts; 0: none does */
	bool started;                  /* one has since the method was called */
	int64_t begun, acted;          /* when the job was, and when Kodi answered to the method */
	bool repeated;
	/* The calls under way: ids first .. first + count - 1, a bit for each that is missing. When
	 * a view is asked for, they are its questions from `asked` on. */
	json_int_t first, next_id;
	size_t count;
	unsigned missing;
	enum kodi_ask asked;
	struct ear_timer wait;
	struct retry retry;
	int64_t shown_until; /* a line of ours is on the screen */
};

int64_t kodi_now(const struct kodi *kodi);

/* Moves to another phase of the job. */
void kodi_enter(struct kodi *kodi, enum kodi_phase phase);

/* The job is over. */
void kodi_end(struct kodi *kodi, int error);

/* The job begins, the connection is there. */
void kodi_start(struct kodi *kodi);

/* The end of kodi->wait. */
void kodi_on_wait(void *arg);

/* Of the connection: see kodi_rpc.h. */
void kodi_on_answer(void *arg, json_int_t id, int error, json_t *result);
void kodi_on_notice(void *arg, const char *method, json_t *data);

#endif
