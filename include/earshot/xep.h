/* SPDX-License-Identifier: ISC */
/*
 * xep.h: what an extension is.
 *
 * An extension is one file under xep/ that exports one const struct ear_xep and takes one
 * line in xep/list.h. The life of a stanza, as an extension sees it:
 *
 *   - A link delivers a whole stanza and says who sent it and how sure that is (level).
 *   - Results and errors go to whoever asked (ear_request), never to rules but those of
 *     EAR_MESSAGE_ERROR.
 *   - For a get, set, message or presence addressed to this engine, the dispatcher walks the
 *     rules of all extensions in the order of xep/list.h. A rule matches by kind and by the
 *     name and namespace of a direct child. Before the handler runs, policy compares the
 *     sender's level with what the rule's verb needs: too low is <not-authorized/>, and the
 *     handler never sees the stanza.
 *   - The handler answers with ear_reply() and returns EAR_DONE; or keeps the request with
 *     ear_hold() and returns EAR_DONE; or returns an error, which the dispatcher sends; or
 *     EAR_PASS. A get or set that nobody takes is answered <service-unavailable/>.
 *   - The stanza is borrowed for the call: copy or clone what must outlive it.
 *
 * What the registered rules handle is what disco#info, the caps hash and the TXT record
 * advertise: `features` belong to the same struct.
 */
#ifndef EARSHOT_XEP_H
#define EARSHOT_XEP_H

#include <earshot/stanza.h>

struct ear;

/* How sure it is who sent a stanza; ordered. */
enum ear_level {
	EAR_PLAIN,   /* unencrypted or unauthenticated */
	EAR_KEYED,   /* has a key, nobody vouches for it */
	EAR_PROVED,  /* the address is vouched for: by a server, or by a proved key */
	EAR_TRUSTED, /* proved, and on our list: the owner of this machine, own account, configured
		      */
	EAR_NOBODY,  /* only as a policy: above every level */
};

/* "plain", "keyed", "proved", "trusted", "nobody". */
const char *ear_level_name(enum ear_level level);

/* What a stanza wants to do here; policy holds the level that each needs. */
enum ear_verb {
	EAR_VERB_OTHER,     /* whatever has no verb of its own: proved */
	EAR_VERB_QUERY,     /* disco, ping, version: anyone */
	EAR_VERB_CHAT,      /* messages for people: anyone */
	EAR_VERB_STATE,     /* read the player's state: keyed */
	EAR_VERB_BUTTONS,   /* press buttons: trusted */
	EAR_VERB_SUBSCRIBE, /* proved */
	EAR_VERB_PUBLISH,   /* proved */
	EAR_VERB_PAIR,      /* ask to be paired: keyed */
	EAR_VERB_ADMIN, /* programs of this machine's owner: trusted, and only on the local link */
	EAR_VERB_COUNT,
};

/* The verb's key in the configuration's [policy] section. */
const char *ear_verb_name(enum ear_verb verb);

enum ear_link_kind {
	EAR_LINK_NONE,
	EAR_LINK_LOCAL,  /* a program on this machine */
	EAR_LINK_LAN,    /* a XEP-0174 peer, directly */
	EAR_LINK_SERVER, /* through the server */
};

/* "none", "local", "lan", "server". */
const char *ear_link_name(enum ear_link_kind kind);

enum ear_stanza_kind {
	EAR_END, /* ends a table of rules */
	EAR_IQ_GET,
	EAR_IQ_SET,
	EAR_MESSAGE,
	EAR_PRESENCE,
	/* A message for people that no rule took and no program wants. */
	EAR_MESSAGE_LEFT,
	/* For a message that this engine itself sent: from whom it was for, or (on EAR_LINK_NONE)
	 * because no path took it; then it may come from inside ear_send(). Policy is not asked,
	 * and everyone but whose message it was passes. */
	EAR_MESSAGE_ERROR,
};

/* One stanza on its way in. Everything is borrowed for the call. */
struct ear_in {
	struct ear *ear;
	xmpp_stanza_t *stanza;
	xmpp_stanza_t *payload; /* the child that the rule matched; NULL for a rule without ns */
	const char *from; /* canonical, as the link vouches for it: never what the sender claims */
	const char *to;   /* as the sender wrote it, or this engine's address on that link */
	const char *id;   /* NULL when there is none */
	enum ear_level level;
	enum ear_link_kind link;
	unsigned long long
		link_serial; /* names the link instance for as long as the process lives */
	bool passed; /* of several engines of a service another one got it, and does what is to be
			done once */
};

typedef enum ear_verdict ear_handler(const struct ear_in *in);

struct ear_rule {
	enum ear_stanza_kind kind;
	const char *ns;   /* of the child element; NULL: every stanza of that kind */
	const char *name; /* of the child element */
	ear_handler *handler;
	enum ear_verb verb;
};

struct ear_xep {
	const char *number; /* "0199"; "-" for our own protocols */
	const char *name;
	const char *const *features; /* NULL-ended; advertised by disco#info; may be NULL */
	const char *identity; /* of the same: what else the engine is, "category/type"; NULL: no
				 more */
	bool needs_store;     /* both only of an engine that has one (ear_store()) */
	const struct ear_rule *rules; /* ended by { 0 }; may be NULL */
	/* Optional. start: 0 or -errno, which keeps the engine from starting. */
	int (*start)(struct ear *ear);
	void (*stop)(struct ear *ear);
	/* Optional: called for every stanza that leaves this engine itself, to stamp it. */
	void (*outgoing)(struct ear *ear, xmpp_stanza_t *stanza);
};

#endif
