/* SPDX-License-Identifier: ISC */
/* lan_others.h: the other ends of the streams in fuzz_lan.c: what they say, and how. */
#ifndef FUZZ_LAN_OTHERS_H
#define FUZZ_LAN_OTHERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>

#include "link/tls.h"

/* The other end of one connection. */
struct other {
	int fd; /* -1: none */
	bool dialled;
	struct tls *tls;
	struct evbuffer *wire, *plain, *out;
};

static inline void
push(struct other *o)
{
	while (o->fd >= 0 && evbuffer_get_length(o->out) > 0)
		if (evbuffer_write(o->out, o->fd) <= 0)
			break;
}

static inline bool
pull(struct other *o)
{
	char bytes[4096];
	ssize_t n = o->fd < 0 ? 0 : recv(o->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n <= 0)
		return false;
	evbuffer_add(o->wire, bytes, (size_t)n);
	if (o->tls != NULL) {
		tls_feed(o->tls, o->wire, o->plain, o->out);
		evbuffer_drain(o->plain, evbuffer_get_length(o->plain));
		push(o);
	}
	return true;
}

static inline void
hang_up(struct other *o)
{
	if (o->fd < 0)
		return;
	close(o->fd);
	tls_free(o->tls);
	evbuffer_free(o->wire);
	evbuffer_free(o->plain);
	evbuffer_free(o->out);
	*o = (struct other){ .fd = -1 };
}

static inline void
say(struct other *o, const char *text, size_t length)
{
	struct evbuffer *plain;

	if (o->fd < 0)
		return;
	if (o->tls == NULL || !tls_is_ready(o->tls)) {
		evbuffer_add(o->out, text, length);
	} else {
		plain = evbuffer_new();
		evbuffer_add(plain, text, length);
		tls_seal(o->tls, plain, o->out);
		evbuffer_free(plain);
	}
	push(o);
}

#define STREAM                                                                                     \
	"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
#define TLS  " xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
#define SM   " xmlns='urn:xmpp:sm:3'"
#define SASL " xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"

static const char *const meanings[128] = {
	['H'] = STREAM " from='juliet@forza' to='tv@pronto' version='1.0'>",
	['L'] = STREAM " from='juliet@forza' to='tv@pronto'>",
	['N'] = STREAM " version='1.0'>",
	['S'] = "<starttls" TLS,
	['P'] = "<proceed" TLS,
	['X'] = "<failure" TLS,
	['A'] = "<auth" SASL " mechanism='EXTERNAL'>=</auth>",
	['Y'] = "<success" SASL "/>",
	['Z'] = "<failure" SASL "><not-authorized/></failure>",
	['O'] = "<stream:features><starttls" TLS "</stream:features>",
	['E'] = "<stream:features><mechanisms" SASL "><mechanism>EXTERNAL</mechanism></mechanisms>"
		"</stream:features>",
	['F'] = "<stream:features/>",
	['M'] = "<message><body>x</body></message>",
	['J'] = "<message from='juliet@example.org' to='tv@example.org'/>",
	['C'] = "</stream:stream>",
	['I'] = "<stream:features><sm" SM "/></stream:features>",
	['B'] = "<enable" SM "/>",
	['K'] = "<enabled" SM "/>",
	['W'] = "<failed" SM "/>",
	['Q'] = "<r" SM "/>",
	['0'] = "<a" SM " h='0'/>",
	['1'] = "<a" SM " h='1'/>",
	['2'] = "<a" SM " h='2'/>",
	['9'] = "<a" SM " h='4294967295'/>",
};

static inline void
say_letters(struct other *o, const char *letters, size_t length)
{
	struct evbuffer *all = evbuffer_new();

	for (size_t i = 0; i < length && i < 64; i++)
		if ((letters[i] & 0x80) == 0 && meanings[(int)letters[i]] != NULL)
			evbuffer_add_printf(all, "%s", meanings[(int)letters[i]]);
	if (evbuffer_get_length(all) > 0)
		say(o, (char *)evbuffer_pullup(all, -1), evbuffer_get_length(all));
	evbuffer_free(all);
}

/* What has come in plain is not looked at, but for a handshake at its end. */
static inline void
begin_tls(struct other *o, struct tls_peers *key)
{
	struct evbuffer_ptr hello;

	if (o->fd < 0 || o->tls != NULL)
		return;
	hello = evbuffer_search(o->wire, "\x16\x03\x01", 3, NULL);
	evbuffer_drain(o->wire, hello.pos < 0 ? evbuffer_get_length(o->wire) : (size_t)hello.pos);
	o->tls = tls_peer_new(key, !o->dialled, NULL);
	tls_feed(o->tls, o->wire, o->plain, o->out);
	push(o);
}

#endif
