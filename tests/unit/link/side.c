/* SPDX-License-Identifier: ISC */
/* side.c: one end of a LAN, and raw peers. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>
#include <openssl/evp.h>

#include <earshot/jid.h>
#include <earshot/log.h>
#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "link/tls.h"
#include "tests/unit/link/side.h"

#define PATIENCE 10000 /* ms */

static int64_t
wall(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

void
net_init(struct net *net, bool fake_clock)
{
	ear_log_set_level(getenv("V") != NULL ? EAR_LOG_DEBUG : EAR_LOG_ERROR);
	net->base = event_base_new();
	net->fake = fake_clock;
	net->clock = fake_clock ? clock_new_fake() : clock_new(net->base);
	net->ctx = xmpp_ctx_new(NULL, NULL);
}

void
net_release(struct net *net)
{
	clock_free(net->clock);
	event_base_free(net->base);
	xmpp_ctx_free(net->ctx);
}

void
net_turn(struct net *net)
{
	event_base_loop(net->base, EVLOOP_NONBLOCK);
	if (net->fake)
		clock_advance(net->clock, 10);
}

bool
net_until(struct net *net, bool (*condition)(void *arg), void *arg)
{
	int64_t end = wall() + PATIENCE;

	while (!condition(arg)) {
		if (wall() > end)
			return false;
		net_turn(net);
	}
	return true;
}

void
net_for(struct net *net, int msec)
{
	int64_t end = wall() + msec;

	while (wall() < end)
		net_turn(net);
}

static int
on_identify(void *owner, const char *claim, const struct sockaddr *source, char *address,
	    size_t size)
{
	struct side *side = owner;

	if (side->identify_rc != 0)
		return side->identify_rc;
	if (claim != NULL)
		return ear_jid_from_instance(claim, address, size) == 0 ? 0 : -EACCES;
	return side->by_source != NULL ? copy_text(address, size, side->by_source) : -EAGAIN;
}

static size_t
on_resolve(void *owner, const char *address, struct lan_target *targets, size_t max)
{
	struct side *side = owner;

	memcpy(targets, side->targets, side->target_count * sizeof(targets[0]));
	for (size_t i = 0; i < side->target_count; i++)
		targets[i].secure = side->secure;
	return side->target_count;
}

static xmpp_stanza_t *
on_features(void *owner)
{
	struct side *side = owner;

	return side->features ? ear_element(side->net->ctx, "query", EAR_NS_DISCO_INFO) : NULL;
}

static int
on_may_plain(void *owner, const char *address)
{
	return ((struct side *)owner)->plain_rc;
}

/* The certificate's hash will do for the key's. */
static int
on_keyed(void *owner, struct link *link, const unsigned char *der, size_t length, const char **text)
{
	struct side *side = owner;

	side->keys++;
	if (side->keyed_rc != 0) {
		*text = "a bad key";
		return side->keyed_rc;
	}
	EVP_Digest(der, length, link->key.sha256, NULL, EVP_sha256(), NULL);
	link->keyed = true;
	link->level = side->jid != NULL ? EAR_PROVED : EAR_KEYED;
	if (side->jid != NULL)
		xreplace(&link->jid, side->jid);
	return 0;
}

static bool
on_is_met(void *owner, const struct link *link)
{
	return ((struct side *)owner)->met;
}

static bool
on_is_ours(void *owner, const char *address)
{
	const struct side *side = owner;

	return side->ours != NULL && strcmp(side->ours, address) == 0;
}

static bool
on_is_theirs(void *owner, const struct link *link, const char *address)
{
	const struct side *side = owner;

	return side->theirs != NULL && strcmp(side->theirs, address) == 0;
}

static void
on_identified(void *owner, struct link *link)
{
	struct side *side = owner;

	side->identified++;
	side->link = link;
}

static void
on_up(void *owner, struct link *link)
{
	struct side *side = owner;

	side->up++;
	side->link = link;
	if (side->refuse_up != 0)
		lan_refuse(link, side->refuse_up, "refused when up");
}

static char *
body_of(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *body = xmpp_stanza_get_child_by_name(stanza, "body");
	char *text = body != NULL ? xmpp_stanza_get_text(body) : NULL;
	char *copy = xstrdup(text != NULL ? text : "");

	if (text != NULL)
		xmpp_free(xmpp_stanza_get_context(stanza), text);
	return copy;
}

static void
on_stanza(void *owner, struct link *link, xmpp_stanza_t *stanza)
{
	struct side *side = owner;
	char *text;
	size_t length;

	if (side->body_count < SIDE_MAX)
		side->bodies[side->body_count++] = body_of(stanza);
	if (xmpp_stanza_to_text(stanza, &text, &length) == 0) {
		xreplace(&side->last, text);
		xmpp_free(xmpp_stanza_get_context(stanza), text);
	}
	if (side->answers != NULL)
		side_send(side, link, link->peer, side->answers);
}

static void
on_undelivered(void *owner, struct link *link, xmpp_stanza_t *stanza, bool maybe)
{
	struct side *side = owner;
	struct link *other;

	if (side->resend && !maybe) {
		other = lan_open(side->lan, link->peer);
		if (other != NULL && link_send(other, xmpp_stanza_clone(stanza)) == 0)
			return;
	}
	if (side->back_count == SIDE_MAX)
		return;
	side->back[side->back_count++] = (struct given_back){
		.body = body_of(stanza),
		.to = xstrdup(xmpp_stanza_get_attribute(stanza, "to")),
		.from = xstrdup(xmpp_stanza_get_attribute(stanza, "from")),
		.maybe = maybe,
	};
}

static void
on_down(void *owner, struct link *link, int error, const char *text)
{
	struct side *side = owner;

	side->down++;
	side->error = error;
	xreplace(&side->text, text);
	if (side->link == link)
		side->link = NULL;
}

static const struct link_events events = {
	.identified = on_identified,
	.up = on_up,
	.stanza = on_stanza,
	.undelivered = on_undelivered,
	.down = on_down,
};

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
start(struct side *side, int64_t idle_usec)
{
	struct lan_config config = { .interfaces = "all",
				     .idle_usec = idle_usec,
				     .tls = side->tls };
	int error;

	side->lan = lan_new(side->net->base, side->net->clock, side->net->ctx, &config, &hooks,
			    &events, side, &error);
	if (side->lan == NULL)
		abort();
	lan_set_self(side->lan, side->self);
}

void
side_init(struct side *side, struct net *net, const char *self, int64_t idle_usec)
{
	*side = (struct side){ .net = net, .self = self };
	start(side, idle_usec);
}

void
side_init_tls(struct side *side, struct net *net, const char *self)
{
	*side = (struct side){ .net = net, .self = self };
	tls_id_init(&side->id, self, 0);
	side->tls = tls_peers_new(side->id.key, side->id.certificate);
	start(side, 0);
}

void
side_release(struct side *side)
{
	lan_free(side->lan);
	for (size_t i = 0; i < side->body_count; i++)
		free(side->bodies[i]);
	for (size_t i = 0; i < side->back_count; i++) {
		free(side->back[i].body);
		free(side->back[i].to);
		free(side->back[i].from);
	}
	free(side->text);
	free(side->last);
	if (side->tls == NULL)
		return;
	tls_peers_free(side->tls);
	tls_id_release(&side->id);
}

void
side_add_target(struct side *side, const char *host, unsigned port)
{
	struct lan_target *target = &side->targets[side->target_count++];
	struct sockaddr_in *v4 = (struct sockaddr_in *)&target->address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&target->address;

	if (inet_pton(AF_INET, host, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(port);
		target->length = sizeof(*v4);
	} else {
		inet_pton(AF_INET6, host, &v6->sin6_addr);
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(port);
		target->length = sizeof(*v6);
	}
}

int
side_send(struct side *side, struct link *link, const char *to, const char *body)
{
	xmpp_stanza_t *stanza = ear_stanza(side->net->ctx, "message", "chat", to, NULL);
	int rc;

	ear_child_text(stanza, "body", NULL, body);
	rc = link_send(link, stanza);
	if (rc != 0)
		xmpp_stanza_release(stanza);
	return rc;
}

static void
raw_init(struct raw *raw, struct net *net)
{
	*raw = (struct raw){ .net = net, .fd = -1, .listener = -1 };
	raw->got = xstrdup("");
}

static void
be_quick(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

void
raw_connect(struct raw *raw, struct net *net, unsigned port)
{
	raw_connect_from(raw, net, "127.0.0.1", port);
}

void
raw_connect_from(struct raw *raw, struct net *net, const char *host, unsigned port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in from = { .sin_family = AF_INET };

	raw_init(raw, net);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	inet_pton(AF_INET, host, &from.sin_addr);
	raw->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(raw->fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
	    connect(raw->fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		abort();
	be_quick(raw->fd);
}

static int
listen_somewhere(unsigned *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t length = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 16) != 0 ||
	    getsockname(fd, (struct sockaddr *)&at, &length) != 0)
		abort();
	*port = ntohs(at.sin_port);
	return fd;
}

void
raw_listen(struct raw *raw, struct net *net)
{
	raw_init(raw, net);
	raw->listener = listen_somewhere(&raw->port);
}

static bool
has_come(void *arg)
{
	struct raw *raw = arg;

	raw->fd = accept4(raw->listener, NULL, NULL, SOCK_CLOEXEC);
	return raw->fd >= 0;
}

bool
raw_accept(struct raw *raw)
{
	if (raw->fd >= 0)
		close(raw->fd);
	raw_forget(raw);
	raw->eof = raw->reset = false;
	if (!net_until(raw->net, has_come, raw))
		return false;
	be_quick(raw->fd);
	return true;
}

static void
raw_send(struct raw *raw, const char *bytes, size_t length)
{
	while (length > 0) {
		ssize_t n = send(raw->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);

		net_turn(raw->net);
		if (n < 0 && errno != EAGAIN)
			return;
		if (n > 0) {
			bytes += n;
			length -= (size_t)n;
		}
	}
}

/* What TLS has to say. */
static void
raw_push(struct raw *raw)
{
	size_t length = evbuffer_get_length(raw->wire);

	raw_send(raw, (const char *)evbuffer_pullup(raw->wire, -1), length);
	evbuffer_drain(raw->wire, length);
}

static void
raw_seal(struct raw *raw, const char *text, size_t length)
{
	struct evbuffer *plain = evbuffer_new();

	evbuffer_add(plain, text, length);
	tls_seal(raw->tls, plain, raw->wire);
	evbuffer_free(plain);
	raw_push(raw);
}

void
raw_say(struct raw *raw, const char *text)
{
	if (raw->tls != NULL) {
		raw_seal(raw, text, strlen(text));
		return;
	}
	for (; *text != '\0'; text++) {
		if (send(raw->fd, text, 1, MSG_NOSIGNAL) != 1)
			return;
		net_turn(raw->net);
	}
}

void
raw_say_all(struct raw *raw, const char *text, size_t length)
{
	if (raw->tls != NULL)
		raw_seal(raw, text, length);
	else
		raw_send(raw, text, length);
}

static void
raw_got(struct raw *raw, const char *bytes, size_t length)
{
	raw->got = xrealloc(raw->got, raw->length + length + 1);
	memcpy(raw->got + raw->length, bytes, length);
	raw->length += length;
	raw->got[raw->length] = '\0';
}

static void
raw_open(struct raw *raw, const char *bytes, size_t length)
{
	struct evbuffer *wire = evbuffer_new();
	size_t n;

	evbuffer_add(wire, bytes, length);
	if (tls_feed(raw->tls, wire, raw->plain, raw->wire) != 0)
		raw->eof = true;
	evbuffer_free(wire);
	raw_push(raw);
	n = evbuffer_get_length(raw->plain);
	if (n > 0)
		raw_got(raw, (const char *)evbuffer_pullup(raw->plain, -1), n);
	evbuffer_drain(raw->plain, n);
}

static void
raw_read(struct raw *raw)
{
	char buffer[4096];
	ssize_t n = recv(raw->fd, buffer, sizeof(buffer), MSG_DONTWAIT);

	if (n == 0)
		raw->eof = true;
	if (n < 0 && errno != EAGAIN)
		raw->eof = raw->reset = true;
	if (n > 0 && raw->tls != NULL)
		raw_open(raw, buffer, (size_t)n);
	else if (n > 0)
		raw_got(raw, buffer, (size_t)n);
}

static bool
is_secured(void *arg)
{
	struct raw *raw = arg;

	raw_read(raw);
	return raw->eof || tls_is_ready(raw->tls);
}

bool
raw_secure(struct raw *raw, struct tls_peers *peers, bool client)
{
	struct evbuffer *nothing = evbuffer_new();

	raw_forget(raw);
	raw->wire = evbuffer_new();
	raw->plain = evbuffer_new();
	raw->tls = tls_peer_new(peers, client, NULL);
	tls_feed(raw->tls, nothing, raw->plain, raw->wire);
	evbuffer_free(nothing);
	raw_push(raw);
	return net_until(raw->net, is_secured, raw) && tls_is_ready(raw->tls);
}

struct wanted {
	struct raw *raw;
	const char *text;
};

static bool
is_there(void *arg)
{
	struct wanted *wanted = arg;

	if (!wanted->raw->eof)
		raw_read(wanted->raw);
	if (wanted->text != NULL && strstr(wanted->raw->got, wanted->text) != NULL)
		return true;
	return wanted->raw->eof;
}

bool
raw_expect(struct raw *raw, const char *text)
{
	struct wanted wanted = { raw, text };

	if (net_until(raw->net, is_there, &wanted) && raw_has(raw, text))
		return true;
	fprintf(stderr, "wanted %s, got %s%s\n", text, raw->got, raw->eof ? " [end]" : "");
	return false;
}

bool
raw_expect_end(struct raw *raw)
{
	struct wanted wanted = { raw, NULL };

	return net_until(raw->net, is_there, &wanted);
}

bool
raw_has(const struct raw *raw, const char *text)
{
	return strstr(raw->got, text) != NULL;
}

void
raw_forget(struct raw *raw)
{
	raw->length = 0;
	raw->got[0] = '\0';
}

void
raw_hang_up(struct raw *raw, bool reset)
{
	struct linger now = { .l_onoff = 1 };

	if (reset)
		setsockopt(raw->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(raw->fd);
	raw->fd = -1;
}

void
raw_release(struct raw *raw)
{
	if (raw->fd >= 0)
		close(raw->fd);
	if (raw->listener >= 0)
		close(raw->listener);
	free(raw->got);
	if (raw->tls == NULL)
		return;
	tls_free(raw->tls);
	evbuffer_free(raw->wire);
	evbuffer_free(raw->plain);
}

void
relay_init(struct relay *relay, struct net *net, unsigned to, unsigned seed)
{
	memset(relay, 0, sizeof(*relay));
	relay->net = net;
	relay->to = to;
	relay->seed = seed;
	relay->listener = listen_somewhere(&relay->port);
}

static void
relay_take(struct relay *relay)
{
	struct raw out;
	int fd = relay->count + 2 > 16 ? -1 : accept4(relay->listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	raw_connect(&out, relay->net, relay->to);
	free(out.got);
	be_quick(fd);
	relay->ways[relay->count].from = relay->ways[relay->count + 1].to = fd;
	relay->ways[relay->count].to = relay->ways[relay->count + 1].from = out.fd;
	relay->count += 2;
}

static unsigned
relay_dice(struct relay *relay, unsigned sides)
{
	relay->seed = relay->seed * 1103515245 + 12345;
	return relay->seed / 65536 % sides;
}

static void
relay_move(struct relay *relay, struct relay_way *way)
{
	ssize_t n;
	size_t part;

	if (!way->done && way->length < sizeof(way->held) && relay_dice(relay, 4) == 0) {
		n = recv(way->from, way->held + way->length, sizeof(way->held) - way->length,
			 MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EAGAIN))
			way->done = true;
		else if (n > 0)
			way->length += (size_t)n;
	}
	if (relay_dice(relay, 8) == 0 && way->length > 0) {
		part = 1 + relay_dice(relay, (unsigned)way->length);
		n = send(way->to, way->held, part, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (n > 0) {
			way->length -= (size_t)n;
			memmove(way->held, way->held + n, way->length);
		}
	}
	if (way->done && way->length == 0)
		shutdown(way->to, SHUT_WR);
}

void
relay_turn(struct relay *relay)
{
	relay_take(relay);
	for (size_t i = 0; i < relay->count; i++)
		relay_move(relay, &relay->ways[i]);
}

void
relay_release(struct relay *relay)
{
	for (size_t i = 0; i < relay->count; i++)
		close(relay->ways[i].from);
	close(relay->listener);
}
