/* SPDX-License-Identifier: ISC */
/* retry.h: when a player that is not there is looked for again: soon, then less and less often. */
#ifndef PLAYER_RETRY_H
#define PLAYER_RETRY_H

#include <earshot/timer.h>

#define RETRY_MIN (EAR_SEC)
#define RETRY_MAX (30 * EAR_SEC)

struct ear_player;

struct retry {
	struct ear_player *player;
	struct ear_timer timer;
	int64_t after; /* the next time */
};

/* fn looks. At once when somebody wants to be told of changes; otherwise never. */
void retry_init(struct retry *retry, struct ear_player *player, ear_timer_fn *fn, void *arg);

/* It was not there, or has gone: fn runs later, unless nobody wants to be told. */
void retry_later(struct retry *retry);

/* It has answered as it should: what comes next is a new beginning. */
void retry_reset(struct retry *retry);

/* It is there, or is looked for no more. */
void retry_stop(struct retry *retry);

#endif
