/* SPDX-License-Identifier: ISC */
/*
 * server_in.h: the server's side of the stream as whole stanzas.
 *
 * libstrophe's own stanzas are not used: its parser has no limits, and it drops the namespace of
 * attributes, so that `x:from`, which a server passes on, would take the place of the `from` that
 * the server stamped. Each child of the stream is cut out by its tags and read by wire/reader on
 * its own. One that is refused there is dropped and the stream goes on: otherwise anybody could end
 * our connection by sending us one.
 */
#ifndef LINK_SERVER_IN_H
#define LINK_SERVER_IN_H

#include <stddef.h>
#include <strophe.h>

#define SERVER_STANZA_MAX (512 * 1024) /* bytes of a child of the stream */
#define SERVER_DEPTH_MAX  64

struct server_in;

/* stanza is borrowed; every element of jabber:component:accept has become jabber:client. */
typedef void server_in_fn(void *arg, xmpp_stanza_t *stanza);

struct server_in *server_in_new(xmpp_ctx_t *ctx, const char *subject, server_in_fn *fn, void *arg);
void server_in_free(struct server_in *in);

/* A new stream begins (RFC 6120 §6.4.6). */
void server_in_reset(struct server_in *in);

/*
 * 0; -EMSGSIZE: a child of more than SERVER_STANZA_MAX; -EPROTO: no XML as RFC 6120 §11 has it.
 * fn runs inside and may not free or feed.
 */
int server_in_feed(struct server_in *in, const char *bytes, size_t length);

#endif
