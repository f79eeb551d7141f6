/* SPDX-License-Identifier: ISC */
/* ear.h: the engine, as extensions and programs see it. */
#ifndef EARSHOT_EAR_H
#define EARSHOT_EAR_H

#include <earshot/jid.h>
#include <earshot/log.h>
#include <earshot/ns.h>
#include <earshot/player.h>
#include <earshot/stanza.h>
#include <earshot/timer.h>
#include <earshot/trust.h>
#include <earshot/xep.h>

#define EAR_VERSION "0.1"

/* What the engine is made of; borrowed, alive as long as the engine. */
xmpp_ctx_t *ear_ctx(struct ear *ear);
struct ear_clock *ear_clock(struct ear *ear);
struct ear_player *ear_player(struct ear *ear);         /* NULL when there is none */
bool ear_player_takes_words(struct ear *ear);           /* typed to it in a chat: player.chat */
const struct ear_xep *const *ear_xeps(struct ear *ear); /* NULL-ended */

/* How many nodes somebody may create who is not trusted: store.nodes-per-owner. */
size_t ear_nodes_per_owner(struct ear *ear);

/* This engine's address on that kind of link ("tv@pronto.local", "tv.example.org"); NULL: none. */
const char *ear_self(struct ear *ear, enum ear_link_kind link);

/* Room for one pointer per extension, NULL until set; for state between start and stop. */
void ear_set_state(struct ear *ear, const struct ear_xep *xep, void *state);
void *ear_state(struct ear *ear, const struct ear_xep *xep);

/*
 * Sends a stanza over the shortest path to its `to`. Consumes the stanza, also on failure.
 * `from` is stamped by the link. 0: accepted by a link, -EHOSTUNREACH: no path, -EACCES: none that
 * policy.plaintext allows, -EINVAL: `to` is no address, -ENOBUFS: the queue is full of stanzas,
 * -EDQUOT: of bytes. No error stanza comes back from here.
 */
int ear_send(struct ear *ear, xmpp_stanza_t *stanza);

/*
 * Whether everything that was sent to that address, up to when mark was taken, has arrived at the
 * next hop: its server, or the peer, has acknowledged it, or the kernel has it for a peer that
 * acknowledges nothing, or no path took it. From a server it may still come back. The server is
 * asked for its word, so that it comes soon.
 */
uint64_t ear_mark(struct ear *ear);
bool ear_has_left(struct ear *ear, const char *to, uint64_t mark);

/* Whether the server is the only way to that address, now and as far as is known: it is not known
 * on the LAN, nor to be an engine that remembers what it got, and nothing for it is under way. */
bool ear_only_by_server(struct ear *ear, const char *address);

/* What became of a request. */
struct ear_answer {
	int error; /* 0: result; -EREMOTEIO: an error stanza; -ETIMEDOUT; -EHOSTUNREACH: no path;
		      -EACCES: none allowed; -ECONNRESET: the link died with the request on it, done
		      or not is unknown; -ECANCELED: the engine stops */
	xmpp_stanza_t *stanza;   /* borrowed; NULL when no answer came */
	enum ear_link_kind link; /* on which the answer came */
	enum ear_level level;    /* how sure it is who answered */
	int64_t rtt_us;          /* from this request to its answer; -1 without one */
};

typedef void ear_answer_fn(void *arg, const struct ear_answer *answer);

/*
 * Sends an IQ get or set and waits for its answer, which is matched by sender and id. Consumes
 * the IQ; its id is replaced by a fresh one. fn runs exactly once, from the event loop.
 * usec 0 = the default of 30 s.
 */
void ear_request(struct ear *ear, xmpp_stanza_t *iq, int64_t usec, ear_answer_fn *fn, void *arg);

/* The same by one kind of link only, whatever is shorter. */
void ear_request_by(struct ear *ear, enum ear_link_kind only, xmpp_stanza_t *iq, int64_t usec,
		    ear_answer_fn *fn, void *arg);

/* Forgets every request of that arg: its fn will not run. */
void ear_request_forget(struct ear *ear, const void *arg);

/*
 * Answers the request being handled with a result that holds payload (consumed; NULL: an
 * empty result). Returns EAR_DONE, so that a handler can end with it.
 */
enum ear_verdict ear_reply(const struct ear_in *in, xmpp_stanza_t *payload);

/*
 * Keeps a request to be answered after the handler returned EAR_DONE. Answer it exactly once
 * with one of the functions below, which free it; text may be NULL. When the engine stops
 * first, it is answered and freed by the engine: do not use it after the extension's stop().
 */
struct ear_hold *ear_hold(const struct ear_in *in);
void ear_hold_reply(struct ear_hold *hold, xmpp_stanza_t *payload);
void ear_hold_fail(struct ear_hold *hold, enum ear_verdict condition, const char *text);
/* As ear_fail_with. */
void ear_hold_fail_with(struct ear_hold *hold, enum ear_verdict condition, const char *type,
			xmpp_stanza_t *specific, const char *text);
/* As ear_error_showing. */
void ear_hold_fail_showing(struct ear_hold *hold, enum ear_verdict condition,
			   xmpp_stanza_t *payload, const char *text);

/* As returning the condition, with a text for people. Returns EAR_DONE. */
enum ear_verdict ear_fail(const struct ear_in *in, enum ear_verdict condition, const char *format,
			  ...) __attribute__((format(printf, 3, 4)));

/* The same with a condition of the application's own beside the defined one (RFC 6120 §8.3.4):
 * specific is consumed; text may be NULL. type: of the error, or NULL: the one that RFC 6120
 * recommends for the condition. */
enum ear_verdict ear_fail_with(const struct ear_in *in, enum ear_verdict condition,
			       const char *type, xmpp_stanza_t *specific, const char *text);

/* Whether the sender of this stanza may do that, for a handler that finds out only by looking
 * inside what the stanza wants. */
bool ear_may(const struct ear_in *in, enum ear_verb verb);

/* Whether somebody may do that whom our server vouches for by that address; false: we have none. */
bool ear_may_by_server(struct ear *ear, const char *address, enum ear_verb verb);

/* How sure it is who somebody is whom our server vouches for by that address; EAR_PLAIN: we have
 * none. */
enum ear_level ear_level_by_server(struct ear *ear, const char *address);

/* How long this stanza was held up on its way, beyond what the quickest one from there took
 * (urn:earshot:delivery:0, microseconds); -1: it does not say when it was sent. */
int64_t ear_held_up(const struct ear_in *in);

/* disco#info of this engine (identity and the features of all rules): a new <query/>. node may be
 * NULL. */
xmpp_stanza_t *ear_disco_info(struct ear *ear, const char *node);

/* XEP-0115 verification string of the above ("sha-1", base64); borrowed. Never NULL. */
const char *ear_caps_ver(struct ear *ear);
#define EAR_CAPS_NODE "https://earshot.example/"

/* The same of any disco#info <query/>, of EAR_CAPS_VER_SIZE bytes; what §5.4 calls ill-formed is
 * not looked for. */
#define EAR_CAPS_VER_SIZE 29
void ear_caps_ver_of(xmpp_stanza_t *query, char *out);

/* --- looking at the engine, for `earshot peers` and `earshot paths` --- */

enum ear_path_state {
	EAR_PATH_IDLE, /* not opened; can be */
	EAR_PATH_OPENING,
	EAR_PATH_UP,
	EAR_PATH_FAILED, /* see failure; tried again later or when the peer shows a sign of life */
};

const char *ear_path_state_name(enum ear_path_state state);

struct ear_path_info {
	const char *to;      /* the destination: bare address */
	const char *address; /* what the destination is called on that link */
	enum ear_link_kind link;
	enum ear_path_state state;
	enum ear_level level;
	int64_t rtt_us; /* smoothed; -1 before the first measurement */
	int64_t rttvar_us;
	unsigned samples;
	int64_t alive_us;    /* age of the last proof of life, -1: never */
	const char *failure; /* last failure, "" when none */
	bool chosen;
	const char *why;   /* why it is chosen or not, for people */
	const char *found; /* of a LAN path: as of a peer; "" */
};

typedef void ear_path_fn(void *arg, const struct ear_path_info *path);

/* Calls fn for each path, those of one destination together; to NULL = all destinations. */
void ear_each_path(struct ear *ear, const char *to, ear_path_fn *fn, void *arg);

struct ear_peer_info {
	const char
		*address;   /* "juliet@pronto.local", or the JID of a configured peer without one */
	const char *jid;    /* the JID that configuration binds to it, or NULL */
	const char *name;   /* nick from TXT or name of its [peer] section; "" when none */
	const char *status; /* "avail", "away", "dnd"; "" unknown */
	const char *message; /* status text, "" */
	bool in_earshot;     /* announced on the LAN now */
	enum ear_level level;
	enum ear_link_kind link; /* of the chosen path; EAR_LINK_NONE: unreachable */
	int64_t rtt_us;          /* of the chosen path; -1 unknown */
	const char *refused; /* why who answers at its LAN address is not let in: another key than
				before, a revoked one, a false claim; NULL: it is */
	const char *found;   /* what says where it can be dialled: "mdns", "config", "told" (by it,
				over its server); "" nothing */
	const char *caps_node, *caps_hash, *caps_ver; /* XEP-0115, as announced on the LAN; "" */
};

typedef void ear_peer_fn(void *arg, const struct ear_peer_info *peer);

/* Calls fn for each known peer, sorted by address; address NULL = all. */
void ear_each_peer(struct ear *ear, const char *address, ear_peer_fn *fn, void *arg);

/* --- being found where multicast does not reach (urn:earshot:addresses:0) --- */

typedef void ear_address_fn(void *arg, const char *ip);

/* Calls fn for each address of this machine at which direct streams can be dialled now
 * ("192.0.2.7", "2001:db8::7"): none of loopback, link-local or a down interface, at most 16.
 * Returns the port; 0: nobody listens. */
unsigned ear_each_own_address(struct ear *ear, ear_address_fn *fn, void *arg);

#define EAR_TOLD_MAX 16 /* addresses of one engine */

struct ear_told {
	const char *jid;       /* who says so, as the server stamped it */
	const char *address;   /* what it is called on the LAN: "tv@pronto.local" */
	struct ear_key key;    /* the only one that may be shown there */
	const char *const *ip; /* numeric, without scope */
	size_t count;          /* 0: nowhere (any more) */
	unsigned port;
	int64_t usec; /* how long that may be believed */
};

/*
 * A trusted engine has told over its server where it can be dialled: from now on these are ways to
 * it beside those of mDNS; who answers there still has to prove the key. 0; -EINVAL: not an
 * address, a port or a LAN name; -EACCES: not one on our list, or not its key; -EAGAIN: its keys
 * are being asked for; -EEXIST: its LAN name is ours, or that of another who told so; -ENOBUFS: too
 * many are known.
 */
int ear_tell_ways(struct ear *ear, const struct ear_told *told);

/* That address belongs to an engine that remembers what it got: what may not have arrived may be
 * sent again. */
void ear_set_remembers(struct ear *ear, const char *address);

/* --- messages that outlive the engine (`earshot send --queue`) --- */

enum ear_queued_state {
	EAR_QUEUED_WAITING,
	EAR_QUEUED_SENT,   /* to somebody who may not confirm it: forgotten soon */
	EAR_QUEUED_FAILED, /* for good */
};

/* "waiting", "sent", "failed". */
const char *ear_queued_state_name(enum ear_queued_state state);

struct ear_queued {
	const char *id; /* unique here, and of the message that leaves */
	const char *to;
	enum ear_queued_state state;
	size_t bytes;
	int64_t taken_at;            /* seconds since 1970 */
	unsigned tries;              /* that came to nothing */
	const char *condition, *why; /* of the last one; "" none */
};

typedef void ear_queued_fn(void *arg, const struct ear_queued *queued);

/* Calls fn for each that is stored, in their order; to NULL = for everybody. 0, or -errno with the
 * reason for people in *error. */
int ear_each_queued(struct ear *ear, const char *to, ear_queued_fn *fn, void *arg,
		    const char **error);

/* Drops the one of that id, or all for that address (canonical; on the LAN bare); what has left
 * already may arrive. *count: how many. Errors as above. */
int ear_drop_queued(struct ear *ear, const char *who, size_t *count, const char **error);

/* --- what an extension remembers across a restart --- */

#define EAR_KEPT_ONE_MAX 4096 /* bytes of a key and its text */

/*
 * Remembers that text under that key, which begins with the extension's name and a blank; NULL:
 * forgets it. It is on the disk when this returns, or, where something was written just before, a
 * tenth of a second later. 0; -EINVAL: no UTF-8, or a control character; -EMSGSIZE; -ENOBUFS: too
 * much is remembered already. Another -errno is the disk's: it is remembered until we end.
 */
int ear_keep(struct ear *ear, const char *key, const char *text);

/* Borrowed until it is set; NULL: nothing. */
const char *ear_kept(struct ear *ear, const char *key);

/* Calls fn, which must not call ear_keep, for each key that begins so. */
typedef void ear_kept_fn(void *arg, const char *key, const char *text);
void ear_each_kept(struct ear *ear, const char *prefix, ear_kept_fn *fn, void *arg);

/* --- figures for operators --- */

/* Prometheus text format 0.0.4; the caller frees. */
char *ear_metrics(struct ear *ear);

/* --- why something does not work, for `earshot doctor` --- */

enum ear_check_state { EAR_CHECK_OK, EAR_CHECK_WARN, EAR_CHECK_FAIL };

/* "ok", "warn", "fail". */
const char *ear_check_state_name(enum ear_check_state state);

struct ear_check {
	const char *name; /* "mdns", "own key": one word or two, the same for each run */
	enum ear_check_state state;
	const char *text;   /* what was found */
	const char *remedy; /* what to do about it; "" when nothing is to be done */
};

typedef void ear_check_fn(void *arg, const struct ear_check *check);

/*
 * Looks at this engine (address NULL), or at what it knows about that address, and tells fn in the
 * order in which one thing needs the other. Looks only: sends nothing.
 */
void ear_diagnose(struct ear *ear, const char *address, ear_check_fn *fn, void *arg);

typedef void ear_examined_fn(void *arg);

struct ear_examination;

/*
 * Looks and tries: asks by multicast, connects, pings; at this engine, and then, address not NULL,
 * at that one. When all has answered, or usec is over, tells fn as ear_diagnose does, then done,
 * once. Both run from the event loop. To be dropped before the engine stops.
 */
struct ear_examination *ear_examine(struct ear *ear, const char *address, int64_t usec,
				    ear_check_fn *fn, ear_examined_fn *done, void *arg);

/* Nobody wants to know any more: nothing is told. Not once done() has run. */
void ear_examination_drop(struct ear_examination *examination);

enum ear_event_kind {
	EAR_PEER_CHANGED, /* appeared, changed: look it up by address */
	EAR_PEER_GONE,
	EAR_PATH_CHANGED,  /* another path was chosen for address */
	EAR_SERVER_UP,     /* address: ours there; whatever the server forgets, it has forgotten */
	EAR_TRUST_CHANGED, /* what is known about the keys of that address */
	EAR_TRUST_ENDED,   /* a key of that address is accepted no more: by the user's word, or its
			      server's */
	EAR_STREAM_ENDED,  /* a direct stream with that LAN address; there may be another one */
	EAR_OWN_KEY_CHANGED,
	EAR_NETWORK_CHANGED, /* addresses of this machine came or went, or it has slept */
	EAR_PLAYER_CHANGED,  /* its state, or whether there is one: see ear_player_last() */
};

struct ear_event {
	enum ear_event_kind kind;
	const char *address;
	enum ear_link_kind link; /* the path now chosen, for EAR_PATH_CHANGED */
};

typedef void ear_event_fn(void *arg, const struct ear_event *event);

/* Tells fn about every event until ear_unwatch with the same pair. */
void ear_watch(struct ear *ear, ear_event_fn *fn, void *arg);
void ear_unwatch(struct ear *ear, ear_event_fn *fn, void *arg);

#endif
