/* SPDX-License-Identifier: ISC */
/*
 * link.h: a connected neighbour: what core can do with a link, and what a link tells core.
 *
 * The life of a stanza here. Out: core calls send(); the link puts its own address into `from`,
 * translates `to` to the form of its wire, queues, writes. What was not certainly received when
 * the link dies comes back by undelivered(), oldest first, before down(). In: bytes -> reader -> a
 * whole stanza whose `from` the link has made canonical and vouches for, and which holds nothing of
 * the control namespace unless the link is local -> stanza().
 */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include <errno.h>

#include <earshot/trust.h>
#include <earshot/xep.h>
#include <stdint.h>

enum link_state {
	LINK_OPENING, /* connecting or negotiating; send() queues */
	LINK_UP,
	LINK_CLOSING, /* no more send(); what arrives is still delivered */
	LINK_DOWN, /* nothing goes; a server link comes back from here by itself, others are about
		      to be freed */
};

struct link;

/* All run from the event loop, never from inside a call into the link. owner is link->owner. */
struct link_events {
	/* Somebody we did not call is here and known by name: a LAN peer that dialled us, a local
	 * program. peer and self are set. */
	void (*identified)(void *owner, struct link *link);
	/* Stanzas flow. Again after each reconnect of a server link. */
	void (*up)(void *owner, struct link *link);
	/* stanza is borrowed. */
	void (*stanza)(void *owner, struct link *link, xmpp_stanza_t *stanza);
	/*
	 * Not delivered; borrowed for the call; canonical addresses again. maybe: bytes of it may
	 * have reached the other side; otherwise it certainly did not arrive. On a link with `acks`
	 * that is everything which the other end has not acknowledged.
	 */
	void (*undelivered)(void *owner, struct link *link, xmpp_stanza_t *stanza, bool maybe);
	/* Whether one that had to wait in the link is of no use any more: then it is not written,
	 * but comes back. NULL: none ever is. */
	bool (*stale)(void *owner, xmpp_stanza_t *stanza);
	/*
	 * Only on a link with `acks`. It was asked what it has got, and has not answered for longer
	 * than its round trips explain (silent), or has answered after all (not silent). The link
	 * goes on by itself; whether another path takes over is for above to say (abandon).
	 */
	void (*silent)(void *owner, struct link *link, bool silent);
	/* Only on a link with `acks`: an acknowledgement came that was asked for; microseconds. */
	void (*acked)(void *owner, struct link *link, int64_t rtt);
	/* error: -errno; text: for people, names the cause. LAN and local links are freed after
	 * this returns. */
	void (*down)(void *owner, struct link *link, int error, const char *text);
};

struct link_ops {
	/*
	 * Consumes the stanza. 0: taken; -ENOBUFS: this link holds so many stanzas, -EDQUOT: so
	 * many bytes, that no more may come; -EMSGSIZE: too large for the wire; -ENOTCONN: down or
	 * closing. On an error the stanza is NOT consumed, so that core can try elsewhere.
	 */
	int (*send)(struct link *link, xmpp_stanza_t *stanza);
	/* Begins a two-sided close; down() follows (error 0). */
	void (*close)(struct link *link);
	/*
	 * Ends it without waiting for the other side: what is not acknowledged comes back, then
	 * down() with that error and text (static), from the event loop. Links to the LAN only.
	 */
	void (*abandon)(struct link *link, int error, const char *text);
	/* How many of the newest stanzas that it took the other end has not acknowledged; where it
	 * acknowledges none, how many are still in this process. NULL: of no interest. */
	size_t (*unacked)(const struct link *link);
	/* Has the other end asked soon what of that has arrived. NULL: it is, anyway. */
	void (*ask)(struct link *link);
};

struct link {
	const struct link_ops *ops;
	const struct link_events *events;
	void *owner;
	enum ear_link_kind kind;
	enum link_state state;
	enum ear_level level;      /* how sure it is who the other end is */
	unsigned long long serial; /* unique in this process; how others remember a link */
	uint64_t taken;            /* stanzas */
	char *peer; /* lan: "juliet@pronto.local"; local: the program's full address; server: its
		       domain */
	char *self; /* our address on it: "tv@pronto.local", "tv.example.org", "tv@example.org/box"
		     */
	char *jid;  /* lan: the JID that its key is proved to belong to, which its stanzas are from;
		       NULL: they are from peer. Core sets it with the level. */
	struct ear_key key; /* lan: the other end's, while keyed */
	bool acks;          /* lan: both ends acknowledge stanzas (XEP-0198), and so the other end
			       remembers what it got; set before up() */
	bool keyed;         /* encrypted, and the other end has shown that key */
	bool earshot;       /* the other end speaks XMPP 1.0 on a direct stream (version, features):
			       answers IQs */
};

static inline int
link_send(struct link *link, xmpp_stanza_t *stanza)
{
	int error = link->ops->send(link, stanza);

	link->taken += error == 0;
	return error;
}

/* Whether what send() said means that one may be taken when others have left. */
static inline bool
link_is_full(int error)
{
	return error == -ENOBUFS || error == -EDQUOT;
}

/* How many it has taken and not been told of; 0 also of no link, and of one that does not count. */
static inline size_t
link_unacked(const struct link *link)
{
	return link == NULL || link->ops->unacked == NULL ? 0 : link->ops->unacked(link);
}

static inline void
link_close(struct link *link)
{
	link->ops->close(link);
}

/* Fills the common part; serial is fresh, strings are copied (NULL allowed). */
void link_init(struct link *link, const struct link_ops *ops, enum ear_link_kind kind,
	       const struct link_events *events, void *owner);

/* Frees the strings of the common part. */
void link_release(struct link *link);

/* Changes the state and logs "PEER: KIND old -> new". */
void link_enter(struct link *link, enum link_state state);

const char *link_state_name(enum link_state state);

/* Removes every child of EAR_NS_CONTROL from a stanza that came from outside this machine. */
void link_strip_control(xmpp_stanza_t *stanza);

#endif
