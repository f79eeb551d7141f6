/* SPDX-License-Identifier: ISC */
/*
 * pubsub_tell_impl.h: the parts of the teller: pubsub_tell.c takes events and tells each to its
 * audience, pubsub_tell_send.c makes messages and remembers whose they were, pubsub_tell_late.c
 * knows who was not there, pubsub_tell_want.c who wants to hear without having subscribed.
 *
 * The life of an event:
 *
 *	store -> lane of its node -> a page of its audience -> a message to each -> told, page by
 *	page, once what was sent has left this process
 *
 * Lanes know nothing of each other. In a lane one event follows the other; what is noted in the
 * store is behind that by what has not left yet.
 *
 * What `kill -9` can do: what was sent and is not noted yet is sent again by whoever takes over,
 * with the same ids (of messages and XEP-0359), by which it is known as a repeat to whoever
 * remembers. What is noted and was only in the kernel arrives, unless the other end is killed, too;
 * then it is lost, as it is not here any more to come back.
 */
#ifndef XEP_PUBSUB_TELL_IMPL_H
#define XEP_PUBSUB_TELL_IMPL_H

#include "pubsub.h"

#define TELL_SENT_MAX   8192            /* messages that are remembered for what may come back */
#define TELL_LATE_MAX   4096            /* addresses that something waits for, in memory */
#define TELL_HELD_MAX   1000            /* events held for one address that is slow */
#define TELL_ROOM_USEC  (20 * EAR_MSEC) /* between two looks whether there is room again */
#define TELL_LEFT_USEC  (20 * EAR_MSEC) /* between two looks whether what was sent has left */
#define TELL_LEFT_MAX   (30 * EAR_SEC)  /* what has not left then is not waited for */
#define TELL_RENEW_USEC (4 * EAR_SEC)   /* the lease of what takes longer */
#define TELL_RETRY_USEC (2 * EAR_SEC)   /* after the store could not */
#define TELL_ID_SIZE    17

struct lane;

/* An event on its way; counted. */
struct tale {
	unsigned users;
	struct lane *lane;             /* NULL: of none any more */
	struct tale *next;             /* in it */
	struct ear_stored_event event; /* with texts of its own; told: as it was taken */
	xmpp_stanza_t *model;          /* the message, without address */
	uint64_t seed;                 /* of the ids of its messages */
	bool sent;                     /* to everybody */
	size_t held;                   /* by how many it is held, who are slow */
	/* What is to be noted: */
	char *upto;      /* sent to everybody up to there; NULL: to nobody yet */
	uint64_t mark;   /* what was sent then */
	int64_t sent_at; /* when that was */
	bool due;        /* it is not noted yet */
	bool noting;     /* the store is being told, */
	bool noting_all; /* that it was told to all */
};

/* The events of one node. */
struct lane {
	struct lane *next;
	struct pubsub_teller *teller;
	char *node;
	struct tale *tales; /* oldest first; those that were sent to all wait to be noted */
	int64_t last;       /* the newest that was taken */
	bool asking;        /* for a page, or for what one who wants it may */
	bool asked;         /* there is one */
	char *after;        /* the next one is behind that address; NULL: it is the first */
	/* A page of the audience of the oldest that was not sent to all, or those who want it. */
	char **page;
	size_t count, at;
	bool full;    /* another page follows */
	bool of_want; /* these are who want it */
	struct ear_timer again;
};

/* A message that was sent. */
struct sent {
	char id[TELL_ID_SIZE];
	char *to;
	struct tale *tale;
};

struct late;
struct want;

struct pubsub_teller {
	struct ear *ear;
	struct ear_store *store;
	struct lane *lanes;
	bool taking, again; /* the store is being asked; something is new meanwhile */
	size_t tales;       /* in lanes */
	struct ear_timer left, renew, sweep;
	struct sent sent[TELL_SENT_MAX]; /* the oldest is overwritten */
	size_t sent_at;
};

/* --- pubsub_tell.c: lanes ------------------------------------------------------------------ */

/* Goes on with it as far as there is room. */
void lane_run(struct lane *lane);

/* --- pubsub_tell_send.c: messages ----------------------------------------------------------- */

struct tale *tale_new(struct pubsub_teller *teller, const struct ear_stored_event *event);
struct tale *tale_hold(struct tale *tale);
void tale_drop(struct tale *tale);

/* One message; stamp (seconds since 1970) 0: it is not late. As ear_send. */
int tale_send(struct pubsub_teller *teller, struct tale *tale, const char *to, int64_t stamp);

void tell_forget_sent(struct pubsub_teller *teller);

/* Whether that error says that the queue on the way there is full. */
static inline bool
tell_is_full(int error)
{
	return error == -ENOBUFS || error == -EDQUOT;
}

#endif
