/* SPDX-License-Identifier: ISC */
/*
 * fuzz_lan.c: peers of the LAN that say anything at any time, in plain and in TLS, while we do
 * anything to their links.
 *
 * A line of the input is one event; its first character says which, the rest is its text:
 *     o      a peer connects        d D   we have connected to one; D: known to speak STARTTLS
 *     1 - 4  which peer is meant    h     it hangs up
 *     s      it says that           m     it says what those letters stand for, in one piece
 *     t T    it begins TLS, with one key or another
 *     i k p  what identify, keyed and may_plain say: 0, a for -EAGAIN, anything else: no
 *     g      every key is met       j     every key belongs to a JID
 *     r      lan_recheck            w     so many seconds pass
 *     c R q  the newest link is closed, is refused, gets a stanza
 *     A      it is abandoned
 *     n      we are renamed         u     what the events of a link do to it
 * No stream may stay on its way for ever; none that is refused, or was not judged, may carry
 * stanzas; a link has streams of one key, or of none.
 */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include <earshot/jid.h>
#include <earshot/log.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "link/io.h"
#include "link/lan_impl.h"
#include "link/tls.h"
#include "tests/fuzz/lan_others.h"

#define EVENTS_MAX 96
#define PEERS_MAX  4
#define KEYS       3 /* ours, and two of others */
#define JULIET     "juliet@forza.local"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct event_base *base;
static struct tls_peers *keys[KEYS];

struct world {
	struct ear_clock *clock;
	xmpp_ctx_t *ctx;
	struct lan *lan;
	struct other others[PEERS_MAX], *at;
	struct link *link; /* the newest */
	unsigned long long refused;
	int identify_rc, keyed_rc, plain_rc;
	bool met, jid, was_plain;
	char upset; /* which event does what */
};

static void
must(bool holds)
{
	if (!holds)
		abort();
}

/* --- what lan asks and tells ---------------------------------------------------------------- */

/* One that is not shown yet is refused by what keyed() returns. */
static void
refuse(struct world *w, struct link *link)
{
	if (!list_is_empty(&((struct lan_link *)link)->entry))
		w->refused = link->serial;
	lan_refuse(link, -EKEYREVOKED, "revoked");
}

static void
upset(struct world *w, struct link *link, const char *which)
{
	if (w->upset == which[0])
		link_close(link);
	else if (w->upset == which[1])
		refuse(w, link);
}

static int
on_identify(void *owner, const char *claim, const struct sockaddr *source, char *address,
	    size_t size)
{
	const struct world *w = owner;

	if (w->identify_rc != 0 || claim == NULL)
		return w->identify_rc != 0 ? w->identify_rc : -EAGAIN;
	return ear_jid_from_instance(claim, address, size) == 0 ? 0 : -EACCES;
}

static size_t
on_resolve(void *owner, const char *address, struct dial_target *targets, size_t max)
{
	return 0;
}

static int
on_may_plain(void *owner, const char *address)
{
	return ((struct world *)owner)->plain_rc;
}

static void
digest(const unsigned char *der, size_t length, struct ear_key *key)
{
	EVP_Digest(der, length, key->sha256, NULL, EVP_sha256(), NULL);
}

static int
on_keyed(void *owner, struct link *link, const unsigned char *der, size_t length, const char **text)
{
	struct world *w = owner;

	upset(w, link, "ab");
	*text = "a bad key";
	if (w->keyed_rc != 0)
		return w->keyed_rc;
	digest(der, length, &link->key);
	link->keyed = true;
	link->level = w->jid ? EAR_PROVED : EAR_KEYED;
	if (w->jid)
		xreplace(&link->jid, "juliet@example.org/forza");
	return 0;
}

static bool
on_is_met(void *owner, const struct link *link)
{
	return ((struct world *)owner)->met;
}

static bool
on_is_ours(void *owner, const char *address)
{
	return strcmp(address, "tv@example.org") == 0;
}

static bool
on_is_theirs(void *owner, const struct link *link, const char *address)
{
	return strcmp(address, "juliet@example.org") == 0;
}

static xmpp_stanza_t *
on_features(void *owner)
{
	return NULL;
}

static const struct lan_hooks hooks = {
	.identify = on_identify,
	.resolve = on_resolve,
	.may_plain = on_may_plain,
	.keyed = on_keyed,
	.is_met = on_is_met,
	.is_ours = on_is_ours,
	.is_theirs = on_is_theirs,
	.features = on_features,
};

static void
must_be_of_its_key(const struct link *link, struct lan_stream *ls)
{
	unsigned char *der;
	struct ear_key key;
	size_t length;

	must(ls->secured == link->keyed);
	if (!ls->secured)
		return;
	length = tls_certificate(io_tls(stream_io(ls->stream)), &der);
	digest(der, length, &key);
	must(ear_key_equal(&key, &link->key));
	free(der);
}

static void
must_be_of_one_key(const struct link *link)
{
	struct lan_link *l = (struct lan_link *)link;
	struct list *at, *spare;

	list_each (at, spare, &l->streams) {
		struct lan_stream *ls = container_of(at, struct lan_stream, entry);

		if (ls->open)
			must_be_of_its_key(link, ls);
	}
}

static void
on_identified(void *owner, struct link *link)
{
	struct world *w = owner;

	must(link->serial != w->refused);
	w->link = link;
	upset(w, link, "cd");
}

static void
on_up(void *owner, struct link *link)
{
	struct world *w = owner;

	must(link->serial != w->refused);
	must_be_of_one_key(link);
	w->link = link;
	upset(w, link, "ef");
}

static void
on_stanza(void *owner, struct link *link, xmpp_stanza_t *stanza)
{
	struct world *w = owner;
	const char *from = xmpp_stanza_get_attribute(stanza, "from");

	must(link->serial != w->refused);
	must(link->keyed || w->was_plain);
	must(from != NULL && (strcmp(from, link->peer) == 0 ||
			      (link->jid != NULL && strncmp(from, "juliet@example.org", 18) == 0)));
	must_be_of_one_key(link);
	upset(w, link, "gh");
}

/* Nobody can acknowledge more than there was. */
static void
must_count(struct link *link)
{
	struct lan_link *l = (struct lan_link *)link;
	struct list *at, *spare;

	list_each (at, spare, &l->streams) {
		const struct lan_acks *acks = container_of(at, struct lan_stream, entry)->acks;

		must(acks == NULL || (acks->acked <= acks->sent && acks->said <= acks->sent));
	}
}

static void
on_silent(void *owner, struct link *link, bool silent)
{
	must(link->serial != ((struct world *)owner)->refused);
	must_count(link);
	upset(owner, link, "ij");
}

static void
on_acked(void *owner, struct link *link, int64_t rtt)
{
	must(link->serial != ((struct world *)owner)->refused);
	must(rtt >= 0);
	must_count(link);
	upset(owner, link, "kl");
}

static void
on_undelivered(void *owner, struct link *link, xmpp_stanza_t *stanza, bool maybe)
{
	must(strcmp(xmpp_stanza_get_attribute(stanza, "to"), link->peer) == 0);
}

static void
on_down(void *owner, struct link *link, int error, const char *text)
{
	struct world *w = owner;

	must(*text != '\0');
	if (w->link == link)
		w->link = NULL;
}

static const struct link_events events = {
	.identified = on_identified,
	.up = on_up,
	.stanza = on_stanza,
	.undelivered = on_undelivered,
	.silent = on_silent,
	.acked = on_acked,
	.down = on_down,
};

/* --- connections ----------------------------------------------------------------------------- */

/* Until nobody has anything to say. */
static void
run(struct world *w)
{
	/* One turn for what is due, one for the events that it makes, one for what they write. */
	for (int i = 0, quiet = 0; i < 32 && quiet < 3; i++, quiet++) {
		event_base_loop(base, EVLOOP_NONBLOCK);
		clock_advance(w->clock, 10);
		for (int k = 0; k < PEERS_MAX; k++)
			if (pull(&w->others[k]))
				quiet = -1;
	}
}

static void
stranger_comes(struct world *w, struct io *io)
{
	static const union lan_source nowhere = { .v4 = { .sin_family = AF_INET } };
	struct lan_stream *ls = lan_stream_new(w->lan, io, false, &nowhere);

	list_add(&w->lan->strangers, &ls->entry);
	w->lan->stranger_count++;
}

static void
we_dial(struct world *w, struct io *io, bool secure)
{
	struct lan_link *l = lan_link_find(w->lan, JULIET);

	if (l == NULL) {
		l = lan_link_new(w->lan, JULIET);
		lan_link_show(l);
	}
	w->link = &l->link;
	lan_link_dialled(l, io, secure);
}

static void
connect_one(struct world *w, char how)
{
	struct other *o = w->others;
	int fds[2];

	while (o < w->others + PEERS_MAX && o->fd >= 0)
		o++;
	if (o == w->others + PEERS_MAX || socketpair(AF_UNIX, SOCK_STREAM, 0, fds) != 0)
		return;
	evutil_make_socket_nonblocking(fds[1]);
	*o = (struct other){ .fd = fds[1],
			     .dialled = how != 'o',
			     .wire = evbuffer_new(),
			     .plain = evbuffer_new(),
			     .out = evbuffer_new() };
	w->at = o;
	if (how == 'o')
		stranger_comes(w, io_new_fd(base, fds[0], NULL, NULL));
	else
		we_dial(w, io_new_fd(base, fds[0], NULL, NULL), how == 'D');
}

/* --- what happens ---------------------------------------------------------------------------- */

static int
rc_of(char c)
{
	return c == '0' ? 0 : c == 'a' ? -EAGAIN : -EKEYREJECTED;
}

static void
set_plain(struct world *w, char c)
{
	w->plain_rc = c == '0' ? 0 : -EKEYREJECTED;
	w->was_plain |= w->plain_rc == 0;
}

static void
send_one(struct world *w)
{
	xmpp_stanza_t *stanza;

	if (w->link == NULL)
		return;
	stanza = ear_stanza(w->ctx, "message", NULL, w->link->peer, NULL);
	if (link_send(w->link, stanza) != 0)
		xmpp_stanza_release(stanza);
}

static void
to_us(struct world *w, char what, char c)
{
	static const char *const names[] = { "tv@pronto", "tv-2@pronto" };

	switch (what) {
	case 'r':
		lan_recheck(w->lan, c == '0' ? JULIET : NULL);
		break;
	case 'w':
		clock_advance(w->clock, (c >= '0' && c <= '9' ? c - '0' : 1) * EAR_SEC);
		break;
	case 'c':
		if (w->link != NULL)
			link_close(w->link);
		break;
	case 'R':
		if (w->link != NULL)
			refuse(w, w->link);
		break;
	case 'A':
		if (w->link != NULL)
			w->link->ops->abandon(w->link, -ETIMEDOUT, "abandoned");
		break;
	case 'q':
		send_one(w);
		break;
	case 'n':
		lan_set_self(w->lan, names[c == '0']);
		break;
	}
}

static void
happen(struct world *w, const char *line, size_t length)
{
	char c = length > 1 ? line[1] : '\0';

	if (strchr("rwcRAqn", line[0]) != NULL)
		to_us(w, line[0], c);
	else if (line[0] == 'o' || line[0] == 'd' || line[0] == 'D')
		connect_one(w, line[0]);
	else if (line[0] >= '1' && line[0] <= '4')
		w->at = &w->others[line[0] - '1'];
	else if (line[0] == 'h')
		hang_up(w->at);
	else if (line[0] == 's')
		say(w->at, line + 1, length - 1);
	else if (line[0] == 'm')
		say_letters(w->at, line + 1, length - 1);
	else if (line[0] == 't' || line[0] == 'T')
		begin_tls(w->at, keys[line[0] == 't' ? 1 : 2]);
	else if (line[0] == 'i')
		w->identify_rc = rc_of(c);
	else if (line[0] == 'k')
		w->keyed_rc = rc_of(c);
	else if (line[0] == 'p')
		set_plain(w, c);
	else if (line[0] == 'g')
		w->met = !w->met;
	else if (line[0] == 'j')
		w->jid = !w->jid;
	else if (line[0] == 'u')
		w->upset = c;
}

/* Everybody falls silent: who is not through with everything by then goes. */
static void
must_settle(struct world *w)
{
	struct list *at, *spare;

	w->upset = '\0';
	run(w);
	for (int i = 0; i < 30; i++) {
		clock_advance(w->clock, EAR_SEC);
		run(w);
	}
	must(w->lan->stranger_count == 0);
	must(w->lan->held_count == 0 && w->lan->held_bytes == 0);
	must(list_is_empty(&w->lan->waiting));
	list_each (at, spare, &w->lan->all) {
		struct lan_link *l = container_of(at, struct lan_link, entry);

		must(l->link.state == LINK_UP && l->out != NULL);
	}
}

static struct tls_peers *
make_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *made = X509_new();
	struct tls_peers *peers;

	X509_set_version(made, 2);
	X509_gmtime_adj(X509_getm_notBefore(made), 0);
	X509_gmtime_adj(X509_getm_notAfter(made), 3600);
	X509_set_pubkey(made, key);
	must(X509_sign(made, key, EVP_sha256()) > 0);
	peers = tls_peers_new(key, made);
	X509_free(made);
	EVP_PKEY_free(key);
	return peers;
}

static void
prepare(void)
{
	if (base != NULL)
		return;
	signal(SIGPIPE, SIG_IGN);
	ear_log_set_level(getenv("V") != NULL ? EAR_LOG_DEBUG : EAR_LOG_ERROR);
	base = event_base_new();
	for (int i = 0; i < KEYS; i++)
		keys[i] = make_key();
}

static void
begin(struct world *w)
{
	struct lan_config config = { .interfaces = "all", .tls = keys[0], .idle_usec = 0 };
	int error;

	*w = (struct world){ .plain_rc = -EACCES, .at = w->others };
	for (int i = 0; i < PEERS_MAX; i++)
		w->others[i].fd = -1;
	w->clock = clock_new_fake();
	w->ctx = xmpp_ctx_new(NULL, NULL);
	w->lan = lan_new(base, w->clock, w->ctx, &config, &hooks, &events, w, &error);
	must(w->lan != NULL);
	lan_set_self(w->lan, "tv@pronto");
}

static void
end(struct world *w)
{
	lan_free(w->lan);
	for (int i = 0; i < PEERS_MAX; i++)
		hang_up(&w->others[i]);
	xmpp_ctx_free(w->ctx);
	clock_free(w->clock);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *at = (const char *)data, *stop = at + size;
	struct world w;

	prepare();
	begin(&w);
	for (int i = 0; i < EVENTS_MAX && at < stop; i++) {
		const char *line = at;

		while (at < stop && *at != '\n')
			at++;
		if (at > line)
			happen(&w, line, (size_t)(at - line));
		run(&w);
		at += at < stop;
	}
	must_settle(&w);
	end(&w);
	return 0;
}
