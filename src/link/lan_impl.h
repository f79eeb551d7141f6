/* SPDX-License-Identifier: ISC */
/*
 * lan_impl.h: what the files of the lan link share.
 *
 * lan.c holds the tables and accepts; lan_stream.c is one stream: who is it, what does it say;
 * lan_secure.c is its way to TLS, or to the decision to go without, and lan_sasl.c from there to a
 * key that is taken;
 * lan_ticket.c keeps the tickets by which TLS is resumed; lan_address.c says whose addresses stand
 * in a stanza;
 * lan_sm.c begins to acknowledge stanzas and speaks of it, lan_acks.c counts them and notices who
 * does not answer;
 * lan_link.c is the conversation with one peer: which of its streams is written to; lan_queue.c is
 * what waits, and what comes back when one dies; lan_close.c is its end; lan_dial.c has the
 * addresses of a peer dialled;
 * lan_network.c ends what our own network has left behind.
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

#define LAN_ADDRESS_SIZE     256 /* of "juliet@pronto.local" */
#define LAN_PEER_STREAMS_MAX 2   /* with one peer */
#define LAN_HELD_MAX         64  /* stanzas of one stream that is not identified */
#define LAN_HELD_ALL_MAX     512 /* the same of all such streams together */
/* As the same in bytes when written: in memory they take up to twenty times that. */
#define LAN_HELD_BYTES_MAX   (1024 * 1024)
#define LAN_PEER_CLOSING_MAX 4             /* conversations with one peer that are being closed */
#define LAN_CONNECT_USEC     (2 * EAR_SEC) /* for one address */
#define LAN_ANSWER_USEC      (5 * EAR_SEC) /* for the header of one that we dialled */
#define LAN_IDLE_USEC        (600 * EAR_SEC)
#define LAN_KEEPALIVE_MS     10000
#define LAN_DEAD_MS          2000
/* The same where stanzas are acknowledged: whoever is above decides before. */
#define LAN_DEAD_ACKS_MS    20000
#define LAN_ASK_USEC        (50 * EAR_MSEC) /* from a stanza to the question whether it is there */
#define LAN_ASK_ANSWER_USEC EAR_SEC         /* from an answer: who asked will ask again */
#define LAN_ASK_STANZAS     (OUTBOX_STANZAS_MAX / 4) /* after so many the question is put at once */
#define LAN_ASK_BYTES       (OUTBOX_BYTES_MAX / 4)
#define LAN_QUESTIONS_MAX   8
#define LAN_TELL_STANZAS    (OUTBOX_STANZAS_MAX / 2) /* are acknowledged without being asked */
#define LAN_UNREAD_MAX      (2 * OUTBOX_BYTES_MAX) /* of ours; questions are not answered above it */
#define LAN_OVERDUE_MIN     (500 * EAR_MSEC)       /* for the answer to that question */
#define LAN_OVERDUE_MAX     (2 * EAR_SEC)
#define LAN_OVERDUE_STEP    (100 * EAR_MSEC) /* between two looks whether it is slow or dead */
#define LAN_ORDER_USEC      EAR_SEC          /* the longest wait for an older stream to end */
#define LAN_SETTLE_USEC     (300 * EAR_MSEC) /* until a peer that keeps one stream has chosen */
#define LAN_MOMENTS_USEC    EAR_SEC          /* what may be lost in a stream that was replaced */
#define LAN_YOUNG_USEC      (2 * EAR_SEC)    /* two streams younger than that were simultaneous */
#define LAN_PROBE_USEC      (20 * EAR_MSEC)  /* between two looks at a probe */
#define LAN_QUIET_USEC      (30 * EAR_SEC)   /* idle enough to be closed after a goodbye */
#define LAN_FEATURES_USEC   EAR_SEC /* for features, or for what somebody wants who got ours */
#define LAN_HANDSHAKES_MAX  32      /* that others have begun and not ended; the oldest goes */
#define LAN_SHARES          8       /* of both for a host, before it makes room for itself */
#define LAN_TICKETS_MAX     256     /* the oldest goes */
#define LAN_LOG_MAX         20      /* lines about what others did in LAN_LOG_USEC */
#define LAN_LOG_USEC        (10 * EAR_SEC)

union lan_source {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

struct dial;
struct listener;

/* The way of a stream to stanzas. */
enum lan_phase {
	LAN_NEW,     /* their header has not come, or we do not know who they are */
	LAN_OFFERED, /* one waits for features, the other for what is made of them */
	LAN_ASKED,   /* <starttls/> was sent; or has come, before we know from whom */
	LAN_SHAKING, /* the TLS handshake goes on */
	LAN_PROVING, /* TLS; until <auth/> is accepted */
	LAN_PROVED,  /* it is; their last header has not come */
	LAN_READY,   /* for stanzas */
};

/* Whether the other end's key may be used. */
enum lan_verdict {
	LAN_UNASKED,
	LAN_PENDING, /* lan_recheck asks again */
	LAN_GOOD,
	LAN_BAD,
};

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
	char *self, *self_address;  /* "tv@pronto", "tv@pronto.local"; NULL: not established */
	struct tls_peers *tls;      /* borrowed; NULL: none */
	const struct netwatch *net; /* borrowed; NULL: none */
	struct map *tickets;        /* address -> struct lan_ticket */
	struct list ticket_ages;    /* the same, oldest first */
	struct list waiting;        /* lan_stream that lan_recheck asks again */
	struct map *links;          /* address -> struct lan_link that can be used */
	struct list all;            /* every lan_link, those that are over first */
	struct list strangers;      /* lan_stream without a link, oldest first */
	size_t stranger_count, stream_count;
	size_t held_count;        /* stanzas of strangers that wait to be known */
	size_t held_bytes;        /* of those, when they are written */
	struct evbuffer *scratch; /* for measuring */
	struct ear_timer soon;    /* what may not be done inside a call into us */
	bool recheck;
	unsigned long long words; /* how often lan_recheck was called: verdicts are of that time */
	int64_t log_since;
	unsigned log_count;
};

struct lan_question {
	uint64_t sent; /* stanzas before it */
	int64_t at;
};

/*
 * XEP-0198 on one stream, once the other end is known to speak it. Stanzas are counted from
 * <enable/>, which they follow without waiting.
 */
struct lan_acks {
	bool on;              /* both have said so */
	bool silent;          /* an answer is overdue, which was told */
	bool hurried;         /* the timer is for more than an answer */
	bool owes;            /* an answer that waits until they read what there is */
	uint64_t sent, acked; /* stanzas of ours; those of them that the other end has handled, */
	uint64_t said;        /* as it said itself */
	uint64_t got, told;   /* stanzas of theirs; those of them that they know of */
	/* To be answered, oldest first; what is asked while these are is not noted. */
	struct lan_question questions[LAN_QUESTIONS_MAX];
	size_t question_count;
	uint64_t asked;        /* `sent` at the newest question, or what is known by other means */
	size_t bytes;          /* written since then */
	uint64_t moved;        /* bytes that the other end's TCP has acknowledged, */
	int64_t moved_at;      /* and when they were fewer */
	int64_t srtt;          /* of questions; 0: none was answered */
	uint64_t urgent;       /* the last stanza that is no answer */
	uint64_t request;      /* the last request, */
	uint64_t request_hash; /* and the hash of its id */
	struct ear_timer timer;
};

struct lan_stream {
	struct list entry; /* in lan->strangers or link->streams (oldest first) */
	struct lan *lan;
	struct lan_link *link; /* NULL: we do not know who that is */
	struct stream *stream;
	union lan_source source;
	int64_t opened_at;     /* when both headers were there */
	char *claim;           /* who it says it is */
	struct outbox sent;    /* written on it, arrival not known */
	struct outbox held;    /* came before we knew who it is */
	struct lan_acks *acks; /* NULL: stanzas are not counted, their bytes are */
	struct list wait;      /* in lan->waiting */
	enum lan_phase phase;
	enum lan_verdict verdict;
	int error;                 /* of a bad verdict */
	const char *text;          /* the same for people; static */
	unsigned long long judged; /* serial of the link that the verdict is for */
	unsigned long long words;  /* lan->words at that time */
	char *address;             /* accepted: whose it is; NULL: not known */
	struct lan_link *own;      /* accepted: made for it, and seen by nobody but the hook */
	struct ear_timer patience; /* for features, or what is made of them */
	char *ours;                /* the JID of ours that the peer calls us by */
	bool secure;               /* dialled: announced as one that speaks STARTTLS */
	bool secured;              /* encrypted, and the other end has shown a key */
	bool external;             /* dialled: EXTERNAL was offered, or is known to be */
	bool authed;               /* <auth/> was sent, or has come */
	bool greeted;              /* accepted: the header behind <auth/> has come */
	bool unconfirmed;          /* carries stanzas although <success/> has not come */
	bool rejected;             /* <failure/> has: what was written was not looked at */
	bool dialled;              /* by us */
	bool open;                 /* stanzas may be written */
	bool version;              /* it speaks XMPP 1.0 */
	bool told;                 /* our features were sent */
	bool offers_acks;          /* dialled: features say so, or it did so last time */
	bool wants_acks;           /* accepted: <enable/> came, and is not answered */
	bool opening;              /* accepted: opens with its first word, or in a moment */
	bool waiting;              /* for lan_recheck, unread */
	bool refused;              /* it got a stream error from us */
	bool carried;              /* stanzas were written on it */
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
	int refused;  /* -errno that lan_refuse was given */
	bool pruning; /* the idle timer runs soon, to forget what has arrived */
	bool closing; /* somebody wants it closed */
	bool over;    /* nothing is left of it: lan_soon tells */
};

/* lan.c */
void lan_soon(struct lan *lan);
/*
 * Which of the strangers in that phase (LAN_NEW: any) makes room for one from there when there are
 * max: the oldest, but a host that has its share pays itself, so that it keeps nobody else out.
 * NULL: there is room.
 */
struct lan_stream *lan_crowded_out(struct lan *lan, const union lan_source *source,
				   enum lan_phase phase, size_t max);
/* Whether one more line may be written that somebody on the LAN can cause at will. */
bool lan_log_allows(struct lan *lan);
/* A line about somebody unknown: many such lines are cut short. */
void lan_log_stranger(struct lan *lan, const struct lan_stream *ls, const char *text);

/* lan_stream.c */
struct lan_stream *lan_stream_new(struct lan *lan, struct io *io, bool dialled,
				  const union lan_source *source);
/* Sends our header on one that we dialled for that link. */
void lan_stream_greet(struct lan_stream *ls, struct lan_link *link);
/* Asks again who that is, or whether its key is good. */
void lan_stream_recheck(struct lan_stream *ls);
/* Takes it out of its list and frees it. condition as stream_free. */
void lan_stream_free(struct lan_stream *ls, const char *condition);
void lan_stream_close(struct lan_stream *ls);
bool lan_stream_is_usable(const struct lan_stream *ls);
/* Ends it with a stream error, told in the log. One that we dialled is over at once, and the next
 * address is tried. */
void lan_stream_refuse(struct lan_stream *ls, const char *condition, int error, const char *text);
void lan_stream_send_header(struct lan_stream *ls, const char *to, bool ahead);
/*
 * last: what is to be answered; consumed, may be NULL. Behind it nothing of these features is left:
 * openssl's s_client looks for <starttls/> in what one read brought, and takes the rest, which may
 * come a moment later, for the answer. flows: stanzas may follow.
 */
void lan_stream_send_features(struct lan_stream *ls, xmpp_stanza_t *last, bool query, bool flows);
/* One that was accepted belongs to that link and carries stanzas from now on. fresh: nobody has
 * been told of the link. */
void lan_stream_admit(struct lan_stream *ls, struct lan_link *link, bool fresh);
/* Keeps what came until it is known who it is. */
void lan_stream_hold(struct lan_stream *ls, xmpp_stanza_t *stanza);
/* One that is opening opens now. */
void lan_stream_opened(struct lan_stream *ls);
/* Not read until lan_recheck. */
void lan_stream_wait(struct lan_stream *ls, bool pause);

/* lan_address.c */
/* Whether a name that came over the wire means that address: "user@machine", or as ours, with or
 * without a resource. */
bool lan_address_names(const char *name, const char *wire, const char *address);
/*
 * Makes the addresses of a stanza that came canonical; remembers by which JID of ours we are
 * called. NULL, or the stream error to send.
 */
const char *lan_address_take(struct lan_stream *ls, xmpp_stanza_t *stanza);
/* As a stanza on that stream is to carry them; borrowed. */
const char *lan_address_from(const struct lan_stream *ls, const char *from);
const char *lan_address_to(const struct lan_stream *ls, const char *to);

/* lan_secure.c */
/* The first header of one that we dialled has come. */
void lan_secure_answered(struct lan_stream *ls);
/* It is known whose stream that is that we have accepted: ls->address. */
void lan_secure_identified(struct lan_stream *ls);
void lan_secure_features(struct lan_stream *ls, xmpp_stanza_t *features);
void lan_secure_begun(struct lan_stream *ls);
/* Whether that was an element of TLS or SASL, and has been handled. */
bool lan_secure_element(struct lan_stream *ls, xmpp_stanza_t *element);
/* Whether a stanza may come now; decides to go without TLS if that is what it means. 0; -EAGAIN:
 * not yet; -EACCES: no, which has been told. */
int lan_secure_stanza(struct lan_stream *ls);
/* Asks for TLS, which one that we dialled is known to speak. */
void lan_secure_ask(struct lan_stream *ls);
void lan_secure_patience(void *arg);
void lan_secure_enter(struct lan_stream *ls, enum lan_phase phase);
/* Sends an element of a negotiation with that child, or with none. */
void lan_secure_say(struct lan_stream *ls, const char *name, const char *ns, const char *child);
/* Whose stream it is as far as is known, or NULL. */
const char *lan_secure_address(const struct lan_stream *ls);

/* lan_sasl.c */
/* Asks whether the other end's key is good, and goes on with the answer. The stream may be gone
 * when this returns. */
void lan_sasl_judge(struct lan_stream *ls);
/* Another header, after TLS or <auth/>. */
void lan_sasl_header(struct lan_stream *ls, const struct reader_header *header);
void lan_sasl_features(struct lan_stream *ls, xmpp_stanza_t *features);
void lan_sasl_element(struct lan_stream *ls, xmpp_stanza_t *element);

/* lan_ticket.c */
/* The newest ticket of that peer, which the caller owns; NULL: none. */
struct tls_session *lan_ticket_take(struct lan *lan, const char *address);
/* Keeps what the stream got. */
void lan_ticket_keep(struct lan_stream *ls);
/* Whether the peer of that ticket acknowledged stanzas; it does. */
bool lan_ticket_has_acks(struct lan *lan, const char *address);
void lan_ticket_set_acks(struct lan *lan, const char *address);
void lan_ticket_drop(struct lan *lan, const char *address);
void lan_ticket_drop_all(struct lan *lan);

/* lan_sm.c */
/* The features of one that we dialled have come. */
void lan_sm_features(struct lan_stream *ls, xmpp_stanza_t *features);
/* Asks for acknowledgements, if the other end is known to offer them. */
void lan_sm_begin(struct lan_stream *ls);
/* The other end has asked for them: answers. */
void lan_sm_accept(struct lan_stream *ls);
/* Whether that was an element of XEP-0198, and has been handled. */
bool lan_sm_element(struct lan_stream *ls, xmpp_stanza_t *element);
/* Says how many stanzas have come; asks how many have arrived. */
void lan_sm_tell(struct lan_stream *ls);
void lan_sm_ask(struct lan_stream *ls);
/* Says how many have come, now or once the other end reads. */
void lan_sm_answer(struct lan_stream *ls);
/* It has read all. */
void lan_sm_drained(struct lan_stream *ls);
/* The last words before </stream:stream>. */
void lan_sm_end(struct lan_stream *ls);

/* lan_acks.c */
/* Stanzas of ours count from now on; those of theirs, too. */
void lan_acks_begin(struct lan_stream *ls);
void lan_acks_turn_on(struct lan_stream *ls);
/* The other end has got <enable/>, and all before it. */
void lan_acks_confirm(struct lan_stream *ls);
void lan_acks_free(struct lan_stream *ls);
static inline bool
lan_acks_are_on(const struct lan_stream *ls)
{
	return ls->acks != NULL && ls->acks->on;
}
/* Whether a question is open. */
bool lan_acks_are_asked(const struct lan_stream *ls);
/* That stanza has been written: returns its number. When it is kept, it will be asked for. */
uint64_t lan_acks_count(struct lan_stream *ls, xmpp_stanza_t *stanza);
void lan_acks_watch(struct lan_stream *ls, size_t bytes);
/* A stanza has come. */
void lan_acks_got(struct lan_stream *ls, xmpp_stanza_t *stanza);
/* It says that so many more of ours are handled. */
void lan_acks_take(struct lan_stream *ls, uint64_t more);
/* Another stream of that link is open: one that does not acknowledge can be given up. */
void lan_acks_look_again(struct lan_stream *ls);
bool lan_acks_are_silent(const struct lan_stream *ls);
/* Puts the question now, if none is open. */
void lan_acks_probe(struct lan_stream *ls);
/* Whether something is not acknowledged. */
bool lan_acks_are_due(const struct lan_stream *ls);

/* lan_link.c */
/* One that nobody finds before lan_link_show. NULL: no XEP-0174 name. */
struct lan_link *lan_link_new(struct lan *lan, const char *address);
void lan_link_show(struct lan_link *link);
/* That link if it can still be used, else NULL. */
struct lan_link *lan_link_find(struct lan *lan, const char *address);
void lan_link_free(struct lan_link *link);
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
void lan_link_dialled(struct lan_link *link, struct io *io, bool secure);
/* The stream, which we dialled, goes on as one of another link. */
void lan_link_move(struct lan_link *to, struct lan_stream *ls);
void lan_link_dial_failed(struct lan_link *link, int error, const char *text);
/* Asks the other end, or its kernel, for a sign of life; stanzas wait for it when hold. */
void lan_link_probe(struct lan_link *link, bool hold);
/* Decides which stream is written to, and writes what waits. Only from the event loop. */
void lan_link_choose(struct lan_link *link);
/* Tells above whether the stream that it writes to has acks. */
void lan_link_settle_acks(struct lan_link *link);
/* That stream does not acknowledge: it is ended, if it is not the only one. */
bool lan_link_give_up(struct lan_link *link, struct lan_stream *ls);

/* lan_close.c */
/* Nothing is left of it that is waited for: the event loop tells. */
void lan_link_become_over(struct lan_link *link);
void lan_link_abandon(struct link *link, int error, const char *text);
/* Tells what became of one that is over, and frees it. Only from the event loop. */
void lan_link_finish(struct lan_link *link);
void lan_link_begin_close(struct lan_link *link);
/* Ends without more patience what is being closed with that peer, if it is much. Only from the
 * event loop. */
void lan_link_end_old(struct lan *lan, const char *address);

/* lan_queue.c */
/* Writes a stanza on the stream of the link. 0: consumed; -EMSGSIZE, -ENOBUFS, -EDQUOT, -ENOTCONN:
 * not. */
int lan_queue_write(struct lan_link *link, xmpp_stanza_t *stanza);
/* Queues a stanza, or not: -EMSGSIZE, -ENOBUFS, -EDQUOT. */
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
/* As link_ops. */
size_t lan_queue_unacked(const struct link *link);

/* lan_dial.c */
void lan_link_dial(struct lan_link *link, const struct dial_target *targets, size_t count);
void lan_link_drop_dial(struct lan_link *link);

/* lan_network.c */
/* Whether that connection's own end is gone. */
bool lan_network_is_lost(const struct lan *lan, const struct io *io);

#endif
