/* SPDX-License-Identifier: ISC */
/* post_impl.h: what the files of post share: post_take.c takes in, post_box.c gives out, and
 * post_letter.c hears what came of it. */
#ifndef CORE_POST_IMPL_H
#define CORE_POST_IMPL_H

#include "core/post.h"
#include "store/spool.h"

/* One that has been read for leaving; its text is in the spool. */
struct letter {
	struct list all;
	struct box *box;
	char *id;
	int64_t seq;
	bool left;       /* a link has it, or did */
	bool handed;     /* and may not get it twice */
	int64_t left_at; /* of the last time */
	unsigned mute;   /* how often in a row no receipt came */
};

/* What waits for one destination. */
struct box {
	struct post *post;
	char *to;
	struct list letters; /* read, in their order */
	int64_t cursor;      /* seq of the last that was read */
	bool open;           /* it has confirmed something since its link came up: more may leave */
	unsigned long long serial; /* of that link */
	int64_t rest_until, backoff;
	struct ear_timer timer;
};

/* Taken, not committed. */
struct pending {
	struct list all;
	xmpp_stanza_t *stanza; /* as its program knows it */
	char *program, *to;
};

struct post {
	struct ear *ear;
	char *dir;
	struct spool *spool; /* NULL: not needed yet, or it cannot be had */
	char error[512];     /* why it cannot */
	struct map *boxes;   /* destination -> struct box */
	struct map *letters; /* id -> struct letter */
	struct list pending;
	size_t pending_count;
	struct ear_timer commit;
	int64_t *gone; /* delivered; removed together */
	size_t gone_count, gone_room;
	struct ear_timer tidy;
	bool broken;   /* the spool is damaged: closed at the end of the turn */
	bool expires;  /* something stored has a life */
	char boot[64]; /* what our clock is called */
};

/* post.c */

/* Opens the spool; 0 or -errno with post->error. */
int post_need(struct post *post);

/* An operation of the spool failed: logged; a damaged one is set aside soon. */
void post_trouble(struct post *post, int error);

/* That one is delivered, or dropped. */
void post_gone(struct post *post, int64_t seq);
void post_tidy(struct post *post);
void post_expire(struct post *post);

/* post_take.c */
void post_on_commit(void *post);

/* post_box.c */

struct box *box_get(struct post *post, const char *to);

/* It is looked after in the next turn. */
void box_soon(struct box *box);

/* The same after that time, unless it is sooner anyway. */
void box_after(struct box *box, int64_t usec);

/* Nobody takes anything there: longer each time, until somebody confirms something or appears. */
void box_rest(struct box *box);
void box_free(struct box *box);

/* post_letter.c */

struct letter *letter_new(struct box *box, const struct spool_item *item);
void letter_free(struct letter *letter);

/* It has failed for good: its sender finds it in the list. */
void letter_fail(struct letter *letter, const char *condition, const char *why);

/* It did not arrive, or whoever has it knows it again: it leaves another time. */
void letter_return(struct letter *letter, const char *condition, const char *why);

/* Nothing was heard of it for long. */
void letter_unconfirmed(struct letter *letter);

#endif
