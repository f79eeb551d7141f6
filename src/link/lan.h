/* SPDX-License-Identifier: ISC */
/*
 * lan.h: XEP-0174 streams with the peers of the LAN, either side may have opened. A link is the
 * conversation with one peer; it has one stream, two for a moment after a simultaneous open.
 */
#ifndef LINK_LAN_H
#define LINK_LAN_H

#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>

#include "link/dial.h"
#include "link/link.h"

struct event_base;
struct ear_clock;
struct lan;
struct netwatch;
struct tls_peers;

#define LAN_STREAMS_MAX 20000 /* all */
/* Streams whose other end is not known yet; the oldest goes first, that of a host with many before
 * that of another. */
#define LAN_UNKNOWN_MAX 256

/* What lan must ask: it knows neither mDNS nor the configuration. */
struct lan_hooks {
	/*
	 * Who is that? claim: the `from` of its header or first stanza in wire form
	 * ("juliet@pronto"), NULL when it says nothing. 0 with address filled
	 * ("juliet@pronto.local"); -EAGAIN: not known yet (the stream waits, unread, for
	 * lan_recheck); -EACCES: known, but not from there, or nobody may.
	 */
	int (*identify)(void *owner, const char *claim, const struct sockaddr *source,
			char *address, size_t size);
	/* Where is it? Fills targets in the order to try; returns how many, 0: nowhere. */
	size_t (*resolve)(void *owner, const char *address, struct dial_target *targets,
			  size_t max);
	/*
	 * Whether a stream with that peer may be used without TLS. 0; -EACCES: policy;
	 * -EKEYREJECTED: it has had a key, so that this is an attack or a device that was reset.
	 */
	int (*may_plain)(void *owner, const char *address);
	/*
	 * The other end of the link has shown this certificate (DER); called for each stream that
	 * comes to this point. 0: go on, link->level, key and jid are set; -EAGAIN: not known yet,
	 * asked again by lan_recheck; else refused: -EKEYREJECTED not the key it had, -EKEYREVOKED,
	 * -EPERM a claim that is false; text (static) says why.
	 */
	int (*keyed)(void *owner, struct link *link, const unsigned char *der, size_t length,
		     const char **text);
	/* Whether the stream may carry stanzas before the other end has confirmed it: it has done
	 * so before. */
	bool (*is_met)(void *owner, const struct link *link);
	/* Whether that address is ours, or the link's peer has proved that it is its own. */
	bool (*is_ours)(void *owner, const char *address);
	bool (*is_theirs)(void *owner, const struct link *link, const char *address);
	/* What we say of ourselves where acknowledgements begin, as XML; what the other end says
	 * there (<enable/> or <enabled/>, whole). NULL: nothing. */
	void (*tell_clock)(void *owner, char *out, size_t size);
	void (*hear_clock)(void *owner, const struct link *link, xmpp_stanza_t *element);
	/* XEP-0174 §10: the disco#info <query/> for stream features; the caller frees. May return
	 * NULL. */
	xmpp_stanza_t *(*features)(void *owner);
};

struct lan_config {
	unsigned port;          /* 0: any */
	const char *interfaces; /* listens on all addresses; connections over other interfaces are
				   refused. "all" */
	struct tls_peers *tls;  /* borrowed; NULL: no TLS, for tests of peers without */
	int64_t idle_usec; /* a stream without stanzas is closed after that; 0: the default of 10
			      min */
};

/* Listens on IPv4 and IPv6. NULL with *error = -errno when no socket can be had. */
struct lan *lan_new(struct event_base *base, struct ear_clock *clock, xmpp_ctx_t *ctx,
		    const struct lan_config *config, const struct lan_hooks *hooks,
		    const struct link_events *events, void *owner, int *error);

/* The port that it listens on. */
unsigned lan_port(const struct lan *lan);

/* How many streams there are: opened by us or by others, identified or not. */
size_t lan_stream_count(const struct lan *lan);

/* Our instance ("tv@pronto"), known once mDNS has established it; before that nothing is dialled or
 * accepted. */
void lan_set_self(struct lan *lan, const char *instance);

/* The link to that peer: the one there is, or a new one that dials. NULL: nowhere to dial
 * (-EHOSTUNREACH). */
struct link *lan_open(struct lan *lan, const char *address);

/* The link there is, or NULL. */
struct link *lan_find(struct lan *lan, const char *address);

/* Keying material of the stream that the link writes to (RFC 8446 §7.5). -ENOTCONN, -EACCES: not
 * encrypted. */
int lan_export(struct link *link, const char *label, unsigned char *out, size_t length);

/* Ends every stream of that link now, with <not-authorized/>: its key is no longer good. What was
 * not delivered comes back, then down() with that error and text. */
void lan_refuse(struct link *link, int error, const char *text);

/* The table of peers changed: streams that wait to be identified are asked again; those to a peer
 * of that address are checked for life at once (a goodbye closes idle ones). address NULL: anything
 * changed. */
void lan_recheck(struct lan *lan, const char *address);

/* Who knows whether an address of ours is still there; borrowed. NULL, as at first: nobody. */
void lan_watch_network(struct lan *lan, const struct netwatch *net);

/* Something of our network went: the streams that nothing can come by any more end at once, dials
 * go on to the next address. What was not delivered comes back, then down() with -ENETDOWN. Only
 * from the event loop. */
void lan_network_changed(struct lan *lan);

/* The other end of each stream is asked for a sign of life at once. */
void lan_ask_life(struct lan *lan);

/* Closes every stream (</stream:stream>, then the socket; no waiting) and frees. No event runs. */
void lan_free(struct lan *lan);

#endif
