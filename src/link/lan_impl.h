/* SPDX-License-Identifier: ISC */
/*
 * lan_impl.h: what the files of the lan link share.
 *
 * lan.c holds the tables and accepts; lan_stream.c is one stream: who is it, what does it say;
 * lan_link.c is the conversation with one peer: which of its streams is written to, what comes back
 * when one dies; lan_dial.c tries the addresses of a peer.
 */
#ifndef LINK_LAN_IMPL_H
#define LINK_LAN_IMPL_H

#include <earshot/timer.h>
#include <netinet/in.h>

#include "base/list.h"
#include "base/map.h"
#include "link/lan.h"
#include "link/outbox.h"
#include "link/stream.h"

#define LAN_ADDRESS_SIZE     256           /* of "juliet@pronto.local" */
#define LAN_PEER_STREAMS_MAX 2             /* with one peer */
#define LAN_HELD_MAX         64            /* stanzas of one stream that is not identified */
#define LAN_HELD_ALL_MAX     512           /* the same of all such streams together */
#define LAN_PEER_CLOSING_MAX 4             /* conversations with one peer that are being closed */
#define LAN_CONNECT_USEC     (2 * EAR_SEC) /* for one address */
#define LAN_PATIENCE_USEC    (100 * EAR_MSEC) /* for the stream of one that may be dialling us */
#define LAN_STAGGER_USEC     (250 * EAR_MSEC) /* before the next address, RFC 8305 §5 */
#define LAN_ANSWER_USEC      (5 * EAR_SEC)    /* for the header of one that we dialled */
#define LAN_IDLE_USEC        (600 * EAR_SEC)
#define LAN_KEEPALIVE_MS     10000
#define LAN_DEAD_MS          2000
#define LAN_ORDER_USEC       EAR_SEC          /* the longest wait for an older stream to end */
#define LAN_SETTLE_USEC      (300 * EAR_MSEC) /* until a peer that keeps one stream has chosen */
#define LAN_MOMENTS_USEC     EAR_SEC          /* what may be lost in a stream that was replaced */
#define LAN_YOUNG_USEC       (2 * EAR_SEC)    /* two streams younger than that were simultaneous */
#define LAN_PROBE_USEC       (20 * EAR_MSEC)  /* between two looks at a probe */
#define LAN_QUIET_USEC       (30 * EAR_SEC)   /* idle enough to be closed after a goodbye */
#define LAN_LOG_MAX          20               /* lines about what others did in LAN_LOG_USEC */
#define LAN_LOG_USEC         (10 * EAR_SEC)

union lan_source {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct dial;
struct listener;

struct lan {
	struct event_base *base;
	struct ear_clock *clock;
	xmpp_ctx_t *ctx;
	struct lan_hooks hooks;
	const struct link_events *events;
	void *owner;
	char *interfaces;
	int64_t idle_usec;
	struct listener *listeners[2];
	unsigned port;
	char *self, *self_address; /* "tv@pronto", "tv@pronto.local"; NULL: not established */
	struct map *links;         /* address -> struct lan_link that can be used */
	struct list all;           /* every lan_link, those that are over first */
	struct list strangers;     /* lan_stream without a link, oldest first */
	size_t stranger_count, stream_count;
	size_t held_count;        /* stanzas of strangers that wait to be known */
	struct evbuffer *scratch; /* for measuring */
	struct ear_timer soon;    /* what may not be done inside a call into us */
	bool recheck;
	int64_t log_since;
	unsigned log_count;
};

struct lan_stream {
	struct list entry; /* in lan->strangers or link->streams (oldest first) */
	struct lan *lan;
	struct lan_link *link; /* NULL: we do not know who that is */
	struct stream *stream;
	union lan_source source;
	int64_t opened_at;  /* when both headers were there */
	char *claim;        /* who it says it is */
	struct outbox sent; /* written on it, arrival not known */
	struct outbox held; /* came before we knew who it is */
	bool dialled;       /* by us */
	bool open;          /* stanzas may be written */
	bool version;       /* it speaks XMPP 1.0 */
	bool waiting;       /* for lan_recheck */
	bool refused;       /* it got a stream error from us */
	bool carried;       /* stanzas were written on it */
};

struct lan_link {
	struct link link; /* first: a struct link * is one of us */
	struct list entry;
	struct lan *lan;
	char *wire; /* the peer as its wire calls it: "juliet@pronto" */
	struct list streams;
	struct lan_stream *out;  /* is written to; NULL: stanzas queue */
	struct lan_stream *last; /* was written to before; order asks to wait until it has ended */
	struct lan_stream *probed;
	uint64_t probe_end;
	struct outbox queue; /* not written */
	struct dial *dial;
	struct ear_timer idle, hold;
	int64_t active_at;  /* last stanza, either way */
	int64_t contest_at; /* when the second stream came */
	int64_t switch_at;  /* since when another stream than `last` is wanted; 0: it is not */
	int error;
	char *failure;
	bool pruning; /* the idle timer runs soon, to forget what has arrived */
	bool closing; /* somebody wants it closed */
	bool over;    /* nothing is left of it: lan_soon tells */
};

/* lan.c */
void lan_soon(struct lan *lan);
/* Whether one more line may be written that somebody on the LAN can cause at will. */
bool lan_log_allows(struct lan *lan);
/* A line about somebody unknown: many such lines are cut short. */
void lan_log_stranger(struct lan *lan, const struct lan_stream *ls, const char *text);

/* lan_stream.c */
struct lan_stream *lan_stream_new(struct lan *lan, struct io *io, bool dialled,
				  const union lan_source *source);
/* Sends our header on one that we dialled for that link. */
void lan_stream_greet(struct lan_stream *ls, struct lan_link *link);
/* Asks again who that is. */
void lan_stream_recheck(struct lan_stream *ls);
/* Takes it out of its list and frees it. condition as stream_free. */
void lan_stream_free(struct lan_stream *ls, const char *condition);
void lan_stream_close(struct lan_stream *ls);
bool lan_stream_is_usable(const struct lan_stream *ls);

/* lan_link.c */
struct lan_link *lan_link_new(struct lan *lan, const char *address);
/* That link if it can still be used, else NULL. */
struct lan_link *lan_link_find(struct lan *lan, const char *address);
void lan_link_free(struct lan_link *link);
void lan_link_dial(struct lan_link *link, const struct lan_target *targets, size_t count);
/* A stream of a peer that dialled us belongs to this link from now on. */
void lan_link_adopt(struct lan_link *link, struct lan_stream *ls);
/* Stanzas may be written on that stream. */
void lan_link_opened(struct lan_link *link, struct lan_stream *ls);
/* That stream takes no more. */
void lan_link_stream_closing(struct lan_link *link, struct lan_stream *ls);
/* That stream is over; frees it. */
void lan_link_stream_ended(struct lan_link *link, struct lan_stream *ls, int error,
			   const char *text);
void lan_link_drained(struct lan_link *link, struct lan_stream *ls);
void lan_link_dialled(struct lan_link *link, struct io *io);
void lan_link_dial_failed(struct lan_link *link, int error, const char *text);
/* Tells what became of one that is over, and frees it. Only from the event loop. */
void lan_link_finish(struct lan_link *link);
void lan_link_begin_close(struct lan_link *link);
/* Ends without more patience what is being closed with that peer, if it is much. Only from the
 * event loop. */
void lan_link_end_old(struct lan *lan, const char *address);
/* Asks the other end's kernel for a sign of life; stanzas wait for it when hold. */
void lan_link_probe(struct lan_link *link, bool hold);
/* Decides which stream is written to, and writes what waits. Only from the event loop. */
void lan_link_choose(struct lan_link *link);

/* lan_queue.c */
/* Writes a stanza on the stream of the link. 0: consumed; -EMSGSIZE, -ENOBUFS, -ENOTCONN: not. */
int lan_queue_write(struct lan_link *link, xmpp_stanza_t *stanza);
/* Queues a stanza, or not: -EMSGSIZE, -ENOBUFS. */
int lan_queue_add(struct lan_link *link, xmpp_stanza_t *stanza);
/* Writes what waits, as far as there is room. */
void lan_queue_flush(struct lan_link *link);
/* Forgets what has arrived. */
void lan_queue_prune(struct lan_link *link);
/* A stream ended while its link lives: what it had not delivered waits again, or comes back. */
void lan_queue_salvage(struct lan_link *link, struct lan_stream *ls);
/* All that a stream, or the queue, holds comes back. */
void lan_queue_return_sent(struct lan_link *link, struct lan_stream *ls);
void lan_queue_return(struct lan_link *link);
bool lan_queue_is_empty(const struct lan_link *link);

/* lan_dial.c */
struct dial *dial_new(struct lan_link *link, const struct lan_target *targets, size_t count);
/* Tries the next address: the connection that came about was no use. False: none is left. */
bool dial_next(struct dial *dial);
void dial_free(struct dial *dial);

#endif
