/* SPDX-License-Identifier: ISC */
/* lan_stream.c: one XEP-0174 stream: who is at its other end, and whether what it says fits. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event2/buffer.h>

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

void
lan_stream_refuse(struct lan_stream *ls, const char *condition, int error, const char *text)
{
	struct lan_link *l = ls->link;

	ls->refused = true;
	if (l == NULL)
		lan_log_stranger(ls->lan, ls, text);
	else if (lan_log_allows(ls->lan))
		ear_warn("%s: stream ended: %s (%s)", l->link.peer, text, condition);
	stream_fail(ls->stream, condition, error, text);
	if (l != NULL && ls->dialled && !ls->open)
		lan_link_stream_ended(l, ls, error, text);
	else if (l != NULL)
		lan_link_stream_closing(l, ls);
}

static void
refuse(struct lan_stream *ls, const char *condition, const char *text)
{
	lan_stream_refuse(ls, condition, -EPROTO, text);
}

void
lan_stream_send_header(struct lan_stream *ls, const char *to, bool ahead)
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
	if (ahead)
		stream_header_ahead(ls->stream, &header);
	else
		stream_header(ls->stream, &header);
}

static void
add(xmpp_stanza_t *parent, xmpp_stanza_t *child)
{
	if (child == NULL)
		return;
	xmpp_stanza_add_child(parent, child);
	xmpp_stanza_release(child);
}

/* XEP-0174 §10: what we can do comes with the features, for peers that know of features. */
void
lan_stream_send_features(struct lan_stream *ls, xmpp_stanza_t *last, bool query, bool flows)
{
	const struct lan *lan = ls->lan;
	xmpp_stanza_t *features = ear_element(lan->ctx, "stream:features", NULL);

	if (flows)
		ear_child(features, "sm", EAR_NS_SM);
	if (query && lan->hooks.features != NULL)
		add(features, lan->hooks.features(lan->owner));
	add(features, last);
	if (ls->version)
		stream_send(ls->stream, features);
	xmpp_stanza_release(features);
	ls->told = true;
}

void
lan_stream_wait(struct lan_stream *ls, bool pause)
{
	list_del(&ls->wait);
	list_add(&ls->lan->waiting, &ls->wait);
	if (pause && !ls->waiting) {
		ls->waiting = true;
		stream_pause(ls->stream, true);
	}
}

static void deliver(struct lan_stream *ls, xmpp_stanza_t *stanza);

static void
deliver_held(struct lan_stream *ls)
{
	struct outbox_item *item;

	while ((item = outbox_take(&ls->held)) != NULL) {
		ls->lan->held_count--;
		ls->lan->held_bytes -= item->bytes;
		if (!lan_sm_element(ls, item->stanza))
			deliver(ls, item->stanza);
		outbox_item_free(item);
	}
}

static void
go_on(struct lan_stream *ls)
{
	if (!ls->waiting)
		return;
	ls->waiting = false;
	stream_pause(ls->stream, false);
}

void
lan_stream_opened(struct lan_stream *ls)
{
	ls->opening = false;
	ear_timer_stop(&ls->patience);
	if (ls->wants_acks)
		lan_sm_accept(ls);
	lan_link_opened(ls->link, ls);
}

/*
 * Events that run here may close the link or open another, but never free this one: that waits for
 * the end of the turn.
 */
void
lan_stream_admit(struct lan_stream *ls, struct lan_link *l, bool fresh)
{
	l->link.earshot = ls->version;
	stream_known(ls->stream);
	lan_link_adopt(l, ls);
	if (fresh)
		l->link.events->identified(l->link.owner, &l->link);
	/* Its <enable/> is behind its header if it knows us: above is told then that it has. */
	ls->opening = true;
	if (ls->secured)
		ear_timer_set(&ls->patience, 0);
	else
		lan_stream_opened(ls);
	/* Said all that it had to say while it waited. */
	if (!lan_stream_is_usable(ls))
		lan_link_stream_closing(l, ls);
	go_on(ls);
	deliver_held(ls);
}

/* The hooks say who it is. */
static void
become_known(struct lan_stream *ls, const char *address)
{
	char wire[EAR_INSTANCE_MAX + 1];

	if (ear_jid_to_instance(address, wire, sizeof(wire)) != 0) {
		refuse(ls, "invalid-from", "an address that is no XEP-0174 name");
		return;
	}
	ls->address = xstrdup(address);
	lan_stream_send_header(ls, wire, false);
	lan_secure_identified(ls);
	go_on(ls);
}

/* 0: known now; -EAGAIN: it waits; -EACCES: refused, which has been told; -ENOENT: says nothing. */
static int
identify(struct lan_stream *ls)
{
	char address[LAN_ADDRESS_SIZE];
	int rc;

	if (ls->claim != NULL &&
	    lan_address_names(ls->claim, ls->lan->self, ls->lan->self_address)) {
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
		lan_stream_wait(ls, true);
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

	if (from != NULL && !lan_address_names(from, l->wire, l->link.peer))
		refuse(ls, "invalid-from", "somebody else answers at its address");
	else
		lan_secure_answered(ls);
}

static void
on_header(void *arg, const struct reader_header *header)
{
	struct lan_stream *ls = arg;
	const char *to = said(header->to), *from = said(header->from);

	if (ls->secured) {
		lan_sasl_header(ls, header);
		return;
	}
	ls->version = is_version_1(header->version);
	if (ls->dialled) {
		on_answer(ls, header);
		return;
	}
	if (to != NULL && !lan_address_names(to, ls->lan->self, ls->lan->self_address)) {
		lan_stream_send_header(ls, from, false);
		refuse(ls, "host-unknown", "looks for somebody else");
		return;
	}
	if (from != NULL)
		ls->claim = xstrdup(from);
	/* One that does not say who it is may do so in its first stanza, for which it waits for our
	 * header. */
	if (identify(ls) == -ENOENT) {
		lan_stream_send_header(ls, NULL, false);
		lan_stream_send_features(ls, NULL, true, true);
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

/* The link says who it is and who we are, whatever the stanza says. It may have been refused since
 * the stanza was read: when it was told of, or by what came before. */
static void
deliver(struct lan_stream *ls, xmpp_stanza_t *stanza)
{
	struct lan_link *l = ls->link;
	const char *condition;

	if (ls->opening)
		lan_stream_opened(ls);
	if (ls->refused)
		return;
	condition = lan_address_take(ls, stanza);
	if (condition != NULL) {
		refuse(ls, condition,
		       strcmp(condition, "invalid-from") == 0 ? "a stanza with somebody else's from"
							      : "a stanza for somebody else");
		return;
	}
	link_strip_control(stanza);
	l->active_at = stream_read_at(ls->stream);
	if (ls->acks != NULL)
		lan_acks_got(ls, stanza);
	l->link.events->stanza(l->link.owner, &l->link, stanza);
}

static size_t
written_size(struct evbuffer *scratch, xmpp_stanza_t *stanza)
{
	int rc = writer_stanza(scratch, stanza, STREAM_STANZA_MAX);
	size_t size = rc == 0 ? evbuffer_get_length(scratch) : STREAM_STANZA_MAX;

	evbuffer_drain(scratch, evbuffer_get_length(scratch));
	return size;
}

void
lan_stream_hold(struct lan_stream *ls, xmpp_stanza_t *stanza)
{
	struct lan *lan = ls->lan;
	size_t bytes = written_size(lan->scratch, stanza);

	if (ls->held.count == LAN_HELD_MAX || lan->held_count == LAN_HELD_ALL_MAX ||
	    lan->held_bytes + bytes > LAN_HELD_BYTES_MAX) {
		refuse(ls, "policy-violation", "too many stanzas before it was identified");
		return;
	}
	lan->held_count++;
	lan->held_bytes += bytes;
	outbox_add(&ls->held, xmpp_stanza_clone(stanza), bytes, 0, 0);
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
		if (ls->link != NULL)
			deliver(ls, stanza);
		break;
	case -EAGAIN:
		lan_stream_hold(ls, stanza);
		break;
	case -ENOENT:
		refuse(ls, "not-authorized", "does not say who it is");
		break;
	}
}

/* One that is refused may be gone when this returns. */
static void
take_stanza(struct lan_stream *ls, xmpp_stanza_t *stanza)
{
	switch (lan_secure_stanza(ls)) {
	case 0:
		deliver(ls, stanza);
		break;
	case -EAGAIN:
		lan_stream_hold(ls, stanza);
		break;
	default:
		break;
	}
}

static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct lan_stream *ls = arg;

	if (ls->refused)
		return;
	if (!is_stanza(stanza)) {
		if (!lan_secure_element(ls, stanza) && !lan_sm_element(ls, stanza))
			refuse(ls, "unsupported-stanza-type", "sent something that is no stanza");
	} else if (!ls->dialled && ls->address == NULL) {
		ask_by_stanza(ls, stanza);
	} else {
		take_stanza(ls, stanza);
	}
}

static void
on_features(void *arg, xmpp_stanza_t *features)
{
	lan_sm_features(arg, features);
	lan_secure_features(arg, features);
}

static void
on_secured(void *arg)
{
	lan_secure_begun(arg);
}

static void
on_drained(void *arg)
{
	struct lan_stream *ls = arg;

	lan_sm_drained(ls);
	if (ls->link != NULL)
		lan_link_drained(ls->link, ls);
}

static void
on_ending(void *arg)
{
	lan_sm_end(arg);
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
	/* Who only looks whether the port is open (`earshot doctor`) has lost nothing. */
	if (error == -ECONNRESET && ls->phase == LAN_NEW && ls->claim == NULL)
		ear_debug("lan: a connection ended before anybody said who he is");
	else if (error != 0 && !ls->refused)
		lan_log_stranger(ls->lan, ls, text);
	lan_stream_free(ls, NULL);
}

static const struct stream_events events = {
	.header = on_header,
	.features = on_features,
	.secured = on_secured,
	.stanza = on_stanza,
	.drained = on_drained,
	.ending = on_ending,
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
	list_init(&ls->wait);
	ear_timer_init(&ls->patience, lan->clock, lan_secure_patience, ls);
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
	lan_stream_send_header(ls, l->wire, false);
	if (ls->secure)
		lan_secure_ask(ls);
}

void
lan_stream_recheck(struct lan_stream *ls)
{
	if (ls->refused)
		return;
	if (ls->secured)
		lan_sasl_judge(ls);
	else
		identify(ls);
	/* It may be gone. */
}

void
lan_stream_free(struct lan_stream *ls, const char *condition)
{
	if (ls->link == NULL && !ls->dialled)
		ls->lan->stranger_count--;
	ls->lan->stream_count--;
	ls->lan->held_count -= ls->held.count;
	ls->lan->held_bytes -= ls->held.bytes;
	lan_ticket_keep(ls);
	ear_timer_stop(&ls->patience);
	list_del(&ls->entry);
	list_del(&ls->wait);
	if (ls->own != NULL)
		lan_link_free(ls->own);
	stream_free(ls->stream, condition);
	lan_acks_free(ls);
	outbox_release(&ls->sent);
	outbox_release(&ls->held);
	free(ls->claim);
	free(ls->address);
	free(ls->ours);
	free(ls);
}

void
lan_stream_close(struct lan_stream *ls)
{
	list_del(&ls->wait);
	ear_timer_stop(&ls->patience);
	stream_close(ls->stream);
}

bool
lan_stream_is_usable(const struct lan_stream *ls)
{
	enum stream_state state = stream_state(ls->stream);

	return state == STREAM_HEADER || state == STREAM_OPEN;
}
