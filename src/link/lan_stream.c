/* SPDX-License-Identifier: ISC */
/* lan_stream.c: one XEP-0174 stream: who is at its other end, and whether what it says fits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <earshot/jid.h>
#include <earshot/log.h>
#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "link/io.h"
#include "link/lan_impl.h"

/* libpurple's and iChat's headers have no version; iChat's has from=''. */
static const char *
said(const char *attribute)
{
	return attribute != NULL && *attribute != '\0' ? attribute : NULL;
}

/* Whether a name that came over the wire means that address: "user@machine", or as ours, with or
 * without a resource. */
static bool
names(const char *name, const char *wire, const char *address)
{
	char text[EAR_JID_SIZE], canonical[LAN_ADDRESS_SIZE];

	if (strcmp(name, wire) == 0 || ear_jid_bare_equal(name, address))
		return true;
	if (copy_text(text, sizeof(text), name) != 0)
		return false;
	text[strcspn(text, "/")] = '\0';
	return ear_jid_from_instance(text, canonical, sizeof(canonical)) == 0 &&
	       strcasecmp(canonical, address) == 0;
}

static void
refuse(struct lan_stream *ls, const char *condition, const char *text)
{
	const struct lan_link *l = ls->link;

	ls->refused = true;
	if (l == NULL)
		lan_log_stranger(ls->lan, ls, text);
	else if (lan_log_allows(ls->lan))
		ear_warn("%s: stream ended: %s (%s)", l->link.peer, text, condition);
	stream_fail(ls->stream, condition, -EPROTO, text);
	if (l != NULL)
		lan_link_stream_closing(ls->link, ls);
}

static void
send_header(struct lan_stream *ls, const char *to)
{
	char id[17];
	struct writer_header header = {
		.from = ls->lan->self,
		.to = to,
		.version = "1.0",
	};

	if (!ls->dialled) {
		ear_new_id(id);
		header.id = id;
	}
	stream_header(ls->stream, &header);
}

/* XEP-0174 §10: what we can do comes with the features, for peers that know of features. */
static void
send_features(struct lan_stream *ls)
{
	if (ls->version)
		stream_features(ls->stream, ls->lan->hooks.features == NULL
						    ? NULL
						    : ls->lan->hooks.features(ls->lan->owner));
}

static void deliver(struct lan_stream *ls, xmpp_stanza_t *stanza);

static void
deliver_held(struct lan_stream *ls)
{
	struct outbox_item *item;

	while ((item = outbox_take(&ls->held)) != NULL) {
		ls->lan->held_count--;
		if (!ls->refused)
			deliver(ls, item->stanza);
		outbox_item_free(item);
	}
}

/*
 * The hooks say who it is. Events that run here may close the link or open another, but never free
 * this one: that waits for the end of the turn.
 */
static void
become_known(struct lan_stream *ls, const char *address)
{
	struct lan_link *l = lan_link_find(ls->lan, address);
	bool new = l == NULL;

	if (new) {
		lan_link_end_old(ls->lan, address);
		l = lan_link_new(ls->lan, address);
	}
	if (l == NULL) {
		refuse(ls, "invalid-from", "an address that is no XEP-0174 name");
		return;
	}
	l->link.earshot = ls->version;
	stream_known(ls->stream);
	lan_link_adopt(l, ls);
	send_header(ls, l->wire);
	send_features(ls);
	if (new)
		l->link.events->identified(l->link.owner, &l->link);
	lan_link_opened(l, ls);
	/* Said all that it had to say while it waited. */
	if (!lan_stream_is_usable(ls))
		lan_link_stream_closing(l, ls);
	if (ls->waiting) {
		ls->waiting = false;
		stream_pause(ls->stream, false);
	}
	deliver_held(ls);
}

/* 0: known now; -EAGAIN: it waits; -EACCES: refused, which has been told; -ENOENT: says nothing. */
static int
identify(struct lan_stream *ls)
{
	char address[LAN_ADDRESS_SIZE];
	int rc;

	if (ls->claim != NULL && names(ls->claim, ls->lan->self, ls->lan->self_address)) {
		refuse(ls, "invalid-from", "claims to be us");
		return -EACCES;
	}
	rc = ls->lan->hooks.identify(ls->lan->owner, ls->claim, &ls->source.any, address,
				     sizeof(address));
	if (rc == 0) {
		become_known(ls, address);
		return 0;
	}
	if (rc == -EAGAIN && ls->claim != NULL) {
		ls->waiting = true;
		stream_pause(ls->stream, true);
		return rc;
	}
	if (ls->claim == NULL)
		return -ENOENT;
	refuse(ls, "invalid-from", "claims an address that is not its own");
	return -EACCES;
}

static bool
is_version_1(const char *version)
{
	return version != NULL && atoi(version) >= 1;
}

static void
on_answer(struct lan_stream *ls, const struct reader_header *header)
{
	struct lan_link *l = ls->link;
	const char *from = said(header->from);

	if (from != NULL && !names(from, l->wire, l->link.peer)) {
		ear_warn("%s: somebody else answers at its address", l->link.peer);
		stream_fail(ls->stream, "invalid-from", -EPROTO, "");
		lan_link_stream_ended(l, ls, -EPROTO, "somebody else answers at its address");
		return;
	}
	stream_known(ls->stream);
	lan_link_opened(l, ls);
}

static void
on_header(void *arg, const struct reader_header *header)
{
	struct lan_stream *ls = arg;
	const char *to = said(header->to), *from = said(header->from);

	ls->version = is_version_1(header->version);
	if (ls->dialled) {
		on_answer(ls, header);
		return;
	}
	if (to != NULL && !names(to, ls->lan->self, ls->lan->self_address)) {
		send_header(ls, from);
		refuse(ls, "host-unknown", "looks for somebody else");
		return;
	}
	if (from != NULL)
		ls->claim = xstrdup(from);
	/* One that does not say who it is may do so in its first stanza, for which it waits for our
	 * header. */
	if (identify(ls) == -ENOENT) {
		send_header(ls, NULL);
		send_features(ls);
	}
}

static bool
is_stanza(xmpp_stanza_t *stanza)
{
	const char *name = xmpp_stanza_get_name(stanza), *ns = xmpp_stanza_get_ns(stanza);

	return ns != NULL && strcmp(ns, EAR_NS_CLIENT) == 0 &&
	       (strcmp(name, "message") == 0 || strcmp(name, "iq") == 0 ||
		strcmp(name, "presence") == 0);
}

/* The link says who it is and who we are, whatever the stanza says. */
static void
deliver(struct lan_stream *ls, xmpp_stanza_t *stanza)
{
	struct lan_link *l = ls->link;
	const char *from = said(xmpp_stanza_get_attribute(stanza, "from"));
	const char *to = said(xmpp_stanza_get_attribute(stanza, "to"));

	if (from != NULL && !names(from, l->wire, l->link.peer)) {
		refuse(ls, "invalid-from", "a stanza with somebody else's from");
		return;
	}
	if (to != NULL && !names(to, ls->lan->self, l->link.self)) {
		refuse(ls, "improper-addressing", "a stanza for somebody else");
		return;
	}
	xmpp_stanza_set_attribute(stanza, "from", l->link.peer);
	xmpp_stanza_set_attribute(stanza, "to", l->link.self);
	link_strip_control(stanza);
	l->active_at = ear_now(ls->lan->clock);
	l->link.events->stanza(l->link.owner, &l->link, stanza);
}

static void
hold(struct lan_stream *ls, xmpp_stanza_t *stanza)
{
	if (ls->held.count == LAN_HELD_MAX || ls->lan->held_count == LAN_HELD_ALL_MAX) {
		refuse(ls, "policy-violation", "too many stanzas before it was identified");
		return;
	}
	ls->lan->held_count++;
	outbox_add(&ls->held, xmpp_stanza_clone(stanza), 0, 0, 0);
}

/* It said nothing in its header: its first stanza has to. */
static void
ask_by_stanza(struct lan_stream *ls, xmpp_stanza_t *stanza)
{
	const char *from = said(xmpp_stanza_get_attribute(stanza, "from"));

	if (from != NULL && !ls->waiting) {
		ls->claim = xstrdup(from);
		ls->claim[strcspn(ls->claim, "/")] = '\0';
	}
	switch (ls->waiting ? -EAGAIN : identify(ls)) {
	case 0:
		deliver(ls, stanza);
		break;
	case -EAGAIN:
		hold(ls, stanza);
		break;
	case -ENOENT:
		refuse(ls, "not-authorized", "does not say who it is");
		break;
	}
}

static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct lan_stream *ls = arg;

	if (!is_stanza(stanza))
		refuse(ls, "unsupported-stanza-type", "sent something that is no stanza");
	else if (ls->link == NULL)
		ask_by_stanza(ls, stanza);
	else
		deliver(ls, stanza);
}

static void
on_drained(void *arg)
{
	struct lan_stream *ls = arg;

	if (ls->link != NULL)
		lan_link_drained(ls->link, ls);
}

/* The stream itself found a reason: the other end's wish, bad XML, time. */
static void
on_closing(void *arg)
{
	struct lan_stream *ls = arg;

	if (ls->link != NULL)
		lan_link_stream_closing(ls->link, ls);
}

static void
on_ended(void *arg, int error, const char *text)
{
	struct lan_stream *ls = arg;

	if (ls->link != NULL) {
		lan_link_stream_ended(ls->link, ls, error, text);
		return;
	}
	/* refuse() has told its own. */
	if (error != 0 && error != -EPROTO)
		lan_log_stranger(ls->lan, ls, text);
	lan_stream_free(ls, NULL);
}

static const struct stream_events events = {
	.header = on_header,
	.stanza = on_stanza,
	.drained = on_drained,
	.closing = on_closing,
	.ended = on_ended,
};

struct lan_stream *
lan_stream_new(struct lan *lan, struct io *io, bool dialled, const union lan_source *source)
{
	struct lan_stream *ls = xalloc(sizeof(*ls));

	ls->lan = lan;
	ls->dialled = dialled;
	ls->source = *source;
	list_init(&ls->entry);
	outbox_init(&ls->sent);
	outbox_init(&ls->held);
	io_watch_life(io, LAN_KEEPALIVE_MS, LAN_DEAD_MS);
	ls->stream = stream_new(lan->clock, lan->ctx, io,
				dialled ? LAN_ANSWER_USEC : STREAM_HEADER_USEC, &events, ls);
	lan->stream_count++;
	return ls;
}

void
lan_stream_greet(struct lan_stream *ls, struct lan_link *l)
{
	ls->link = l;
	send_header(ls, l->wire);
}

void
lan_stream_recheck(struct lan_stream *ls)
{
	if (ls->waiting && !ls->refused)
		identify(ls);
}

void
lan_stream_free(struct lan_stream *ls, const char *condition)
{
	if (ls->link == NULL && !ls->dialled)
		ls->lan->stranger_count--;
	ls->lan->stream_count--;
	ls->lan->held_count -= ls->held.count;
	list_del(&ls->entry);
	stream_free(ls->stream, condition);
	outbox_release(&ls->sent);
	outbox_release(&ls->held);
	free(ls->claim);
	free(ls);
}

void
lan_stream_close(struct lan_stream *ls)
{
	stream_close(ls->stream);
}

bool
lan_stream_is_usable(const struct lan_stream *ls)
{
	enum stream_state state = stream_state(ls->stream);

	return state == STREAM_HEADER || state == STREAM_OPEN;
}
