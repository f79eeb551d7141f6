/* SPDX-License-Identifier: ISC */
/*
 * answers.h: what was answered to whom: a request that is repeated (because its answer was lost
 * with a path) is answered with the same words and not done again.
 */
#ifndef CORE_ANSWERS_H
#define CORE_ANSWERS_H

#include <earshot/timer.h>
#include <stdbool.h>
#include <strophe.h>

#define ANSWERS_MAX        1024              /* of all senders together */
#define ANSWERS_SENDER_MAX 256               /* of one; the oldest goes */
#define ANSWERS_BYTES_MAX  (4 * 1024 * 1024) /* of all, as written */
#define ANSWERS_ONE_MAX    (16 * 1024) /* a longer one is remembered as having been too long */
#define ANSWERS_AGE        (120 * EAR_SEC)

enum answers_state {
	ANSWERS_UNKNOWN, /* nothing is remembered of it */
	ANSWERS_PENDING, /* it is still being handled */
	ANSWERS_KNOWN,
	ANSWERS_LOST, /* answered, with more than is remembered */
};

struct answers;

struct answers *answers_new(struct ear_clock *clock, xmpp_ctx_t *ctx);
void answers_free(struct answers *answers);

/* A request of that sender is being handled. The oldest make room. One whose sender and id are
 * longer than ANSWERS_ONE_MAX is not remembered. */
void answers_begin(struct answers *answers, const char *sender, const char *id);

/* It is answered with that stanza (borrowed); nothing happens when it was not begun. */
void answers_end(struct answers *answers, const char *sender, const char *id,
		 xmpp_stanza_t *answer);

/* How many requests are begun and not ended. */
size_t answers_pending(const struct answers *answers);

/* What is remembered, for ANSWERS_AGE since it was begun or ended; with ANSWERS_KNOWN *answer is a
 * copy that the caller owns. */
enum answers_state answers_find(struct answers *answers, const char *sender, const char *id,
				xmpp_stanza_t **answer);

/* Whether it was begun not longer ago than that. */
bool answers_is_fresh(struct answers *answers, const char *sender, const char *id, int64_t usec);

#endif
