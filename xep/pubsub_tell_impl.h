/* SPDX-License-Identifier: ISC */
/*
 * pubsub_tell_impl.h: the parts of the teller: pubsub_tell.c takes events and notes what was told
 * of them, pubsub_tell_lane.c tells each to its audience, pubsub_tell_send.c makes messages and
 * remembers whose they were, pubsub_tell_late.c knows who was not there, pubsub_tell_person.c whose
 * presence says so, pubsub_tell_gone.c who is not there any more, pubsub_tell_want.c who wants to
 * hear without having subscribed, pubsub_tell_multi.c who shares a message with others.
 *
 * The life of an event:
 *
 *	store -> lane of its node -> a page of its audience -> a message to each -> told, page by
 *	page, once what was sent has arrived at the next hop
 *
 * Lanes know nothing of each other. In a lane one event follows the other; what is noted in the
 * store is behind that by what has not arrived yet.
 *
 * What `kill -9` can do: what was sent and is not noted yet is sent again by whoever takes over,
 * with the same origin-ids (XEP-0359), by which it is known as a repeat to whoever remembers, with
 * whomever he shared a message then or does now; a message for one has the same id, too. What is
 * noted has been acknowledged by the server or the peer; only a peer that acknowledges nothing
 * loses what was with a kernel. The same holds for what had been sent to somebody who was late.
 * What is held for who is slow, or not found again yet, of a node without a backlog, and what no
 * path took, is lost with this process.
 */
#ifndef XEP_PUBSUB_TELL_IMPL_H
#define XEP_PUBSUB_TELL_IMPL_H

#include <errno.h>

#include "pubsub.h"
#include "pubsub_multi.h"

#define TELL_SENT_MAX   8192 /* messages that are remembered for what may come back */
#define TELL_SENT_BYTES ((size_t)16 * 1024 * 1024) /* of their events */
#define TELL_LATE_MAX   4096                       /* addresses that something waits for */
#define TELL_BUCKETS    1024
#define TELL_SLICE      32              /* messages between two turns of the links */
#define TELL_HELD_MAX   1000            /* events held for one address that is slow */
#define TELL_ROOM_USEC  (20 * EAR_MSEC) /* between two looks whether there is room again */
#define TELL_LEFT_USEC  (20 * EAR_MSEC) /* between two looks whether what was sent has left */
#define TELL_LEFT_MAX   (30 * EAR_SEC)  /* what has not left then is not waited for */
/* What an earlier life has left is told when those on the LAN were found, and the server, or would
 * have been. */
#define TELL_FIND_USEC   (5 * EAR_SEC)
#define TELL_FIND_MAX    (10 * EAR_SEC)
#define TELL_RENEW_USEC  (4 * EAR_SEC) /* the lease of what takes longer */
#define TELL_RETRY_USEC  (2 * EAR_SEC) /* after the store could not */
#define TELL_SETTLE_USEC (2 * EAR_SEC) /* what was sent together comes back together */
#define TELL_ID_SIZE     17

struct gone;
struct lane;
struct last;
struct late;
struct person;
struct pubsub_teller;
struct want;

/* An event on its way; counted. */
struct tale {
	unsigned users;
	struct pubsub_teller *teller;
	struct lane *lane;             /* NULL: of none any more */
	struct tale *next;             /* in it */
	struct ear_stored_event event; /* with texts of its own; told: as it was taken */
	xmpp_stanza_t *model;          /* the message, without address */
	uint64_t seed;                 /* of the ids of its messages */
	char origin[TELL_ID_SIZE];     /* that of its own */
	size_t notes, bytes;           /* messages that are remembered; of its text */
	size_t held;                   /* by how many it is held, who are slow */
	bool sent;                     /* to everybody */
	/* What is to be noted: */
	bool due;               /* something is */
	bool noting;            /* the store is being told, */
	bool noting_all;        /* that it was told to all */
	char *upto;             /* sent to everybody up to there; NULL: to nobody yet */
	char **to;              /* those to whom it may not have left yet, */
	size_t to_at, to_count; /* from the first of them */
	uint64_t mark;          /* what was sent then */
	int64_t sent_at;        /* when that was */
};

/* Somebody on a page. */
struct seat {
	char *address;
	bool waits;    /* he has not been told of older ones yet */
	bool gathered; /* he shares a message with others */
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
	struct seat *page;
	size_t count, at, page_max;
	bool full;      /* another page follows */
	bool of_want;   /* these are who want it */
	unsigned tries; /* to tell that one */
	struct ear_timer again;
};

/* A message that was sent. */
struct sent {
	char id[TELL_ID_SIZE];
	char *to;      /* of several each ends with a NUL, */
	size_t size;   /* and this is all of it; 0: one */
	char *service; /* that passes it on to them; NULL: to one */
	int64_t stamp;
	struct tale *tale;
};

struct pubsub_teller {
	struct ear *ear;
	struct ear_store *store;
	struct lane *lanes;
	int64_t started_at;
	bool server_up;     /* it was, since then */
	bool settled;       /* who is there is known as well as it will be */
	bool taking, again; /* the store is being asked; something is new meanwhile */
	size_t tales;       /* in lanes */
	struct ear_timer left, renew;
	struct sent sent[TELL_SENT_MAX];
	size_t sent_at, sent_tail, sent_bytes; /* the next one; the oldest; of their events */
	struct multi *multi;
	struct late *late[TELL_BUCKETS];
	size_t late_count, late_asks;
	bool recalled; /* who was late in an earlier life; until then nothing was ever told, and no
			  database is opened for that */
	struct ear_timer tick;
	int64_t tick_at;
	struct person *persons;
	size_t person_count;
	struct want *wants; /* heard of last first */
	size_t want_count;
	struct last *lasts;
	size_t last_count;
	struct gone *gones;
	size_t gone_count;
};

/* Whether that error says that the queue on the way there is full. */
static inline bool
tell_is_full(int error)
{
	return error == -ENOBUFS || error == -EDQUOT;
}

/* --- pubsub_tell.c: from the store and back -------------------------------------------------- */

/* What was sent to those on the page is to be watched until it has left. */
void tell_watch_page(struct lane *lane, struct tale *tale);
/* The same, and everybody up to the end of the page was sent to. */
void tell_page_is_told(struct lane *lane, struct tale *tale);

/* --- pubsub_tell_lane.c: events of one node --------------------------------------------------- */

/* Made when new. */
struct lane *lane_get(struct pubsub_teller *teller, const char *node);
/* What is known already is passed over. */
void lane_add(struct lane *lane, const struct ear_stored_event *event);
/* Goes on with it as far as there is room. */
void lane_run(struct lane *lane);
/* It is another engine's now, or there is nothing more to tell. */
void lane_free(struct lane *lane);
/* It leaves its lane, where it was taken out, and is forgotten. */
void tale_leave(struct tale *tale);

/* --- pubsub_tell_send.c: messages ----------------------------------------------------------- */

struct tale *tale_new(struct pubsub_teller *teller, const struct ear_stored_event *event);
struct tale *tale_hold(struct tale *tale);
void tale_drop(struct tale *tale);

/* One message; stamp (seconds since 1970) 0: it is not late. As ear_send. */
int tale_send(struct pubsub_teller *teller, struct tale *tale, const char *to, int64_t stamp);
/* The same, not late; 1: he is told with others by multi_flush(). */
int tale_gather(struct pubsub_teller *teller, struct tale *tale, const char *to);
/* The same, for him alone and straight to him. */
int tale_single(struct pubsub_teller *teller, struct tale *tale, const char *to, int64_t stamp);

/* The id of its message to that address, or to whatever that text stands for. */
void tale_id(const struct tale *tale, const char *to, char *id);
/* The same of those bytes. */
void tale_id_of(const struct tale *tale, const char *to, size_t size, char *id);
/* What it is known by to him when it comes again (XEP-0359): where he may share a message with
 * others that of the event, told singly too, so that whoever takes over tells nothing that is not
 * known as a repeat; else the id of his own message. */
const char *tale_origin(const struct tale *tale, const char *to, const char *id);
void tale_stamp(xmpp_stanza_t *message, int64_t stamp);

/* Before it is sent: what no path takes may come back at once. size 0: to one. */
struct sent *sent_remember(struct pubsub_teller *teller, struct tale *tale, const char *to,
			   size_t size, const char *id, int64_t stamp);
void sent_forget(struct sent *sent);
void tell_forget_sent(struct pubsub_teller *teller);

/* --- pubsub_tell_multi.c: one message for many (XEP-0033) ------------------------------------ */

/* As tale_send; gather: as tale_gather. -ENOTSUP: he is to be told singly. */
int multi_tell(struct pubsub_teller *teller, struct tale *tale, const char *to, int64_t stamp,
	       bool gather);
/* What was gathered of it leaves; -ENOBUFS, -EDQUOT: not all of it does yet. */
int multi_flush(struct pubsub_teller *teller, const struct tale *tale);
/* It does not leave any more. */
void multi_drop(struct pubsub_teller *teller, const struct tale *tale);

/* Where what is sent to him goes, for ear_has_left(); and for all who are told with others. */
const char *multi_way(struct pubsub_teller *teller, const char *address);
size_t multi_ways(struct pubsub_teller *teller, const char *ways[MULTI_DOMAINS_MAX]);

/* Whether that comes from who should have passed a message on: all it was for are told singly. */
bool multi_bounced(struct pubsub_teller *teller, const struct ear_in *in);
/* He has not got his. */
const char *multi_find(const struct sent *sent, const char *from);
void multi_take_out(struct sent *sent, const char *to);

void multi_tell_init(struct pubsub_teller *teller);
void multi_tell_release(struct pubsub_teller *teller);

/* --- pubsub_tell_late.c: who was not there, or is slow -------------------------------------- */

void late_init(struct pubsub_teller *teller);
/* The store is there: who is late since an earlier life. */
void late_recall(struct pubsub_teller *teller);
void late_release(struct pubsub_teller *teller);

/* To somebody who has subscribed; waits: in the store something does for him. 0: that is done, he
 * is told or will be; 1: with others by multi_flush(); -ENOBUFS, -EDQUOT: there is no room on the
 * way to many. */
int late_tell(struct pubsub_teller *teller, struct tale *tale, const char *address, bool waits);

/* He has not got it: it waits, and is tried after that time (microseconds) at the earliest. */
void late_keep(struct pubsub_teller *teller, struct tale *tale, const char *address, int64_t wait);

/* He was to be told with others, and is told singly now, behind what waits for him. */
void late_tell_alone(struct pubsub_teller *teller, struct tale *tale, const char *address,
		     int64_t stamp);

/* Who was not there may be now; address NULL: anybody. */
void late_may_be_there(struct pubsub_teller *teller, const char *address);

/* Whether something waits for who appears. */
void late_look(struct pubsub_teller *teller, const char *address);

/* --- pubsub_tell_person.c: whose presence we know ------------------------------------------- */

bool person_is_away(struct pubsub_teller *teller, const char *address);
void person_nobody(struct pubsub_teller *teller, const char *bare);
void person_release(struct pubsub_teller *teller);

/* --- pubsub_tell_want.c: who wants to hear --------------------------------------------------- */

/* Who says that he wants that node: the caller frees them. */
size_t want_addresses(struct pubsub_teller *teller, const char *node, char ***out);

/* Asks for the node as he sees it, and whether he is told then. */
void want_ask(struct pubsub_teller *teller, const char *address, const char *node,
	      ear_stored_fn *fn, void *arg);
bool want_is_told(struct pubsub_teller *teller, const char *address,
		  const struct ear_stored_answer *answer);
void want_release(struct pubsub_teller *teller);

/* --- pubsub_tell_gone.c ---------------------------------------------------------------------- */

/* Nobody could be sent to by that address. True: it is a program of this machine, which has left
 * and is subscribed no more. */
bool gone_unsent(struct pubsub_teller *teller, const char *address, const char *node);
void gone_release(struct pubsub_teller *teller);

#endif
