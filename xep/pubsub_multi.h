/* SPDX-License-Identifier: ISC */
/*
 * pubsub_multi.h: one message for many behind one server (XEP-0033): most of what a notification
 * costs a server is to read it, a thousand times the same.
 *
 * The life of a domain, whose users are among those that are told:
 *
 *	UNKNOWN -> LOOKING (an event went to some of its users: does it, or one of its services,
 *	say that it can?) -> TRIED (one message that harms nobody) -> SERVED -> REFUSED
 *
 *	pubsub_multi.c      the table, and what a domain can
 *	pubsub_tell_multi.c telling that way
 *
 * Only who has no other way than the server is told so. In the server the service stands beside
 * the way of single messages: what is sent singly after it may come first. So whoever is of a
 * domain that is served gets everything by it, and who no longer does (he turns out to be on the
 * LAN) nothing until the service has answered something: it answers in order, and what was before
 * that has passed it.
 */
#ifndef XEP_PUBSUB_MULTI_H
#define XEP_PUBSUB_MULTI_H

#include <earshot/ear.h>

#define MULTI_DOMAINS_MAX  64
#define MULTI_ENOUGH       8   /* of one event, to look whether a domain can */
#define MULTI_LIMIT        20  /* addresses of a message: what ejabberd takes unless it says more */
#define MULTI_LIMIT_MAX    100 /* more gains nothing */
#define MULTI_BYTES_MAX    (64 * 1024)    /* of a message with its addresses */
#define MULTI_ITEMS_MAX    16             /* services of a domain that are asked */
#define MULTI_ELEMENTS_MAX 256            /* of an answer that are looked at */
#define MULTI_LOOK_USEC    (10 * EAR_SEC) /* for an answer, before anything depends on it, */
#define MULTI_ASK_USEC     (3 * EAR_SEC)  /* and while something waits for it */
#define MULTI_LIFE_USEC    (24 * 3600 * (int64_t)EAR_SEC) /* what is known is looked at again then */
#define MULTI_SOON_USEC    (EAR_SEC)                      /* where nothing could be asked */
#define MULTI_AGAIN_USEC   (600 * EAR_SEC)                /* where nobody answered */
#define MULTI_SINGLES      1024

enum multi_state {
	MULTI_UNKNOWN,
	MULTI_LOOKING, /* it and its services are being asked */
	MULTI_TRIED,   /* the one that said so was given one message to pass on */
	MULTI_SERVED,
	MULTI_REFUSED, /* there is none, or it does not do it for us */
};

/* Who is told singly though his domain is served. */
struct multi_single {
	uint64_t hash;  /* of his address; 0: nobody */
	unsigned after; /* once that question was answered */
};

struct multi_domain {
	struct multi_domain *next; /* used longer ago */
	struct multi *multi;
	char *name;
	size_t length; /* of that */
	enum multi_state state;
	int64_t until;
	/* UNKNOWN: */
	int64_t event;  /* the last one that went there, */
	unsigned count; /* to so many of its users */
	/* LOOKING: */
	char *items[MULTI_ITEMS_MAX];
	size_t item_count, item_at;
	struct ear_timer look; /* once more from the beginning */
	/* From TRIED on: */
	char *service;
	unsigned limit;
	char trial[17];
	bool asking, again;           /* it, what it can; once more after that */
	unsigned asked, answered;     /* how often */
	bool used;                    /* since it was found */
	bool settling;                /* it refuses: nothing passes what it still gives back */
	struct multi_single *singles; /* MULTI_SINGLES, by hash; NULL: none */
	/* What waits to be sent: one event, as one moment tells it, for those of one page. */
	void *tale; /* a struct tale; NULL: nothing */
	int64_t stamp;
	char *to, *xml; /* each with its NUL; as <address/>es */
	size_t to_size, xml_size, to_count;
	size_t to_room, xml_room;
};

struct multi {
	struct ear *ear;
	struct multi_domain *domains; /* used last first */
	size_t count;
	void (*drop)(struct multi_domain *domain, void *arg); /* what waits is to be told singly */
	void *arg;
};

struct multi *multi_new(struct ear *ear, void (*drop)(struct multi_domain *domain, void *arg),
			void *arg);
void multi_free(struct multi *multi);
/* There is another stream to the server: all that is known is forgotten. */
void multi_forget(struct multi *multi);

/* The domain of that user, made when add is true; NULL: it is nobody's, or too many are known. */
struct multi_domain *multi_domain_of(struct multi *multi, const char *address, bool add);
/* The one that this service is for. */
struct multi_domain *multi_domain_by(struct multi *multi, const char *service);

/* Another one of its users is told of that event, singly. */
void multi_count(struct multi_domain *domain, int64_t event);
/* Asks its service, which answers in order: what it can. Not twice at a time. */
void multi_ask(struct multi_domain *domain);
/* The same, behind all that was sent to it. */
void multi_settle(struct multi_domain *domain);
/* It does not do it (any more). */
void multi_refuse(struct multi_domain *domain, const char *why);

#endif
