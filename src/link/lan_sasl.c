/* SPDX-License-Identifier: ISC */
/*
 * lan_sasl.c: whose key it is that the other end of an encrypted stream has shown, and SASL
 * EXTERNAL (RFC 6120 §6, XEP-0178), by which both ends say that they take it.
 *
 * One that we have accepted belongs to no link before its other end has proved a key, or may go
 * without: nobody can end another's stream, or take its place, by claiming its name. The hook that
 * judges a key sees the link that the stream is going to belong to: the one there is, or one that
 * is made for it and shown only when all is well.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/jid.h>
#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "link/io.h"
#include "link/lan_impl.h"
#include "link/tls.h"

/* --- the key --- */

static bool
shows_another(struct lan_stream *ls, struct lan_stream *other)
{
	unsigned char *a = NULL, *b = NULL;
	size_t n = tls_certificate(io_tls(stream_io(ls->stream)), &a);
	size_t m = tls_certificate(io_tls(stream_io(other->stream)), &b);
	bool another = n != m || n == 0 || memcmp(a, b, n) != 0;

	free(a);
	free(b);
	return another;
}

/* Whether that link may get this stream beside those that it has. */
static bool
fits(struct lan_link *l, struct lan_stream *ls)
{
	struct list *at, *spare;

	list_each (at, spare, &l->streams) {
		struct lan_stream *other = container_of(at, struct lan_stream, entry);

		if (other != ls && other->secured ? shows_another(ls, other) : other->open)
			return false;
	}
	return true;
}

/*
 * The link that the stream belongs to, or is going to. Who is at the other end of a link does not
 * change under its stanzas: for one that does not encrypt, or shows another certificate, there is
 * another link in its place.
 */
static struct lan_link *
home(struct lan_stream *ls)
{
	struct lan_link *l = ls->dialled ? ls->link : lan_link_find(ls->lan, ls->address);

	if (l != NULL && fits(l, ls))
		return l;
	if (ls->own == NULL)
		ls->own = lan_link_new(ls->lan, lan_secure_address(ls));
	return ls->own;
}

/* It is made known in the place of what there was. */
static void
show_own(struct lan_stream *ls)
{
	struct lan_link *l = ls->own, *old = lan_link_find(ls->lan, l->link.peer);

	ls->own = NULL;
	if (old != NULL && old != ls->link)
		lan_link_begin_close(old);
	lan_link_end_old(ls->lan, l->link.peer);
	lan_link_show(l);
}

static int
ask_hook(struct lan_stream *ls, struct lan_link *l)
{
	const struct lan *lan = ls->lan;
	unsigned char *der = NULL;
	size_t length = tls_certificate(io_tls(stream_io(ls->stream)), &der);
	int rc = -EACCES;

	ls->text = "it shows no certificate";
	if (length > 0)
		rc = lan->hooks.keyed(lan->owner, &l->link, der, length, &ls->text);
	free(der);
	return rc;
}

/* What was good when TLS was done may have been revoked before the stream opens. */
static bool
is_still_good(const struct lan_stream *ls, const struct lan_link *l)
{
	return ls->verdict == LAN_GOOD && ls->judged == l->link.serial &&
	       ls->words == ls->lan->words;
}

static void
ask_key(struct lan_stream *ls)
{
	struct lan_link *l = home(ls);

	if (ls->verdict == LAN_BAD || is_still_good(ls, l))
		return;
	ls->judged = l->link.serial;
	ls->words = ls->lan->words;
	ls->error = ask_hook(ls, l);
	ls->verdict = ls->error == 0 ? LAN_GOOD : ls->error == -EAGAIN ? LAN_PENDING : LAN_BAD;
	if (ls->verdict == LAN_BAD && ls->text == NULL)
		ls->text = "its key is not accepted";
}

/* --- SASL EXTERNAL, as the one that dialled --- */

static void
send_auth(struct lan_stream *ls)
{
	const struct lan *lan = ls->lan;
	xmpp_stanza_t *auth = ear_element(lan->ctx, "auth", EAR_NS_SASL);
	xmpp_stanza_t *nothing = xmpp_stanza_new(lan->ctx);
	bool met = lan->hooks.is_met(lan->owner, &ls->link->link);

	xmpp_stanza_set_attribute(auth, "mechanism", "EXTERNAL");
	xmpp_stanza_set_text(nothing, "=");
	xmpp_stanza_add_child(auth, nothing);
	xmpp_stanza_release(nothing);
	stream_send(ls->stream, auth);
	xmpp_stanza_release(auth);
	ls->authed = true;
	if (ls->secure || met)
		lan_stream_send_header(ls, ls->link->wire, true);
	if (met) {
		ls->unconfirmed = true;
		lan_sm_begin(ls);
		lan_link_opened(ls->link, ls);
	}
}

/* It gets a link of its own. */
static void
leave_link(struct lan_stream *ls)
{
	struct lan_link *l = ls->own;

	show_own(ls);
	lan_link_move(l, ls);
	l->link.events->identified(l->link.owner, &l->link);
}

static void
go_on_dialled(struct lan_stream *ls)
{
	if (ls->verdict == LAN_BAD) {
		lan_stream_refuse(ls, "not-authorized", ls->error, ls->text);
		return;
	}
	if (ls->authed || !ls->external)
		return;
	if (ls->own != NULL)
		leave_link(ls);
	send_auth(ls);
}

static void
take_success(struct lan_stream *ls)
{
	lan_secure_enter(ls, LAN_PROVED);
	ls->unconfirmed = false;
	stream_restart(ls->stream);
	lan_stream_send_header(ls, ls->link->wire, false);
	if (!ls->open)
		lan_link_opened(ls->link, ls);
	lan_ticket_keep(ls);
}

static void
take_failure(struct lan_stream *ls)
{
	ls->rejected = true;
	lan_stream_refuse(ls, "not-authorized", -EACCES, "the other side does not accept our key");
}

/* --- SASL EXTERNAL, as the one that accepted --- */

static void
fail_auth(struct lan_stream *ls, const char *condition, int error, const char *text)
{
	lan_secure_say(ls, "failure", EAR_NS_SASL, condition);
	lan_stream_refuse(ls, "not-authorized", error, text);
}

/* Its last header has come: stanzas flow from now on. */
static void
open_accepted(struct lan_stream *ls)
{
	struct lan_link *l = home(ls);
	bool fresh = l == ls->own;

	lan_secure_enter(ls, LAN_READY);
	lan_stream_send_header(ls, l->wire, false);
	lan_stream_send_features(ls, NULL, true, true);
	if (fresh)
		show_own(ls);
	lan_stream_admit(ls, l, fresh);
}

static void
go_on_accepted(struct lan_stream *ls)
{
	if (!ls->authed)
		return;
	if (ls->verdict == LAN_BAD) {
		if (ls->phase == LAN_PROVING)
			lan_secure_say(ls, "failure", EAR_NS_SASL, "not-authorized");
		lan_stream_refuse(ls, "not-authorized", ls->error, ls->text);
		return;
	}
	if (ls->phase == LAN_PROVING) {
		lan_secure_enter(ls, LAN_PROVED);
		lan_secure_say(ls, "success", EAR_NS_SASL, NULL);
		stream_renew(ls->stream);
	}
	if (ls->greeted)
		open_accepted(ls);
}

void
lan_sasl_judge(struct lan_stream *ls)
{
	ask_key(ls);
	if (ls->verdict == LAN_PENDING) {
		lan_stream_wait(ls, !ls->dialled);
		return;
	}
	list_del(&ls->wait);
	if (ls->waiting) {
		ls->waiting = false;
		stream_pause(ls->stream, false);
	}
	if (ls->dialled)
		go_on_dialled(ls);
	else
		go_on_accepted(ls);
}

/* RFC 6120 §6.4.2, XEP-0178: "=" is all that one needs to say whose address we know. */
static bool
names_nobody(xmpp_stanza_t *auth)
{
	char *text = xmpp_stanza_get_text(auth);
	bool nobody = text == NULL || strcmp(text, "=") == 0 || *text == '\0';

	if (text != NULL)
		xmpp_free(xmpp_stanza_get_context(auth), text);
	return nobody;
}

static void
take_auth(struct lan_stream *ls, xmpp_stanza_t *auth)
{
	const char *mechanism = xmpp_stanza_get_attribute(auth, "mechanism");

	if (!ls->secured) {
		lan_secure_say(ls, "failure", EAR_NS_SASL, "encryption-required");
		lan_stream_refuse(ls, "policy-violation", -EPROTO, "authenticates before TLS");
	} else if (ls->phase != LAN_PROVING || ls->authed || ls->dialled) {
		lan_stream_refuse(ls, "policy-violation", -EPROTO, "authenticates twice");
	} else if (mechanism == NULL || strcmp(mechanism, "EXTERNAL") != 0) {
		fail_auth(ls, "invalid-mechanism", -EPROTO, "wants an unknown SASL mechanism");
	} else if (!names_nobody(auth)) {
		fail_auth(ls, "invalid-authzid", -EPROTO, "wants to be authorized as another");
	} else {
		ls->authed = true;
		stream_restart(ls->stream);
		lan_sasl_judge(ls);
	}
}

void
lan_sasl_element(struct lan_stream *ls, xmpp_stanza_t *element)
{
	const char *name = xmpp_stanza_get_name(element);
	bool asked = ls->dialled && ls->phase == LAN_PROVING && ls->authed;

	if (strcmp(name, "auth") == 0)
		take_auth(ls, element);
	else if (asked && strcmp(name, "success") == 0)
		take_success(ls);
	else if (asked && strcmp(name, "failure") == 0)
		take_failure(ls);
	else
		lan_stream_refuse(ls, "policy-violation", -EPROTO,
				  "speaks of SASL at a wrong time");
}

/* --- what comes --- */

static bool
is_same_peer(const struct lan_stream *ls, const struct reader_header *header)
{
	const char *address = lan_secure_address(ls), *from = header->from, *to = header->to;
	char wire[EAR_INSTANCE_MAX + 1];

	if (from != NULL && *from != '\0' &&
	    (ear_jid_to_instance(address, wire, sizeof(wire)) != 0 ||
	     !lan_address_names(from, wire, address)))
		return false;
	return to == NULL || *to == '\0' ||
	       lan_address_names(to, ls->lan->self, ls->lan->self_address);
}

static void
offer_external(struct lan_stream *ls)
{
	xmpp_stanza_t *mechanisms = ear_element(ls->lan->ctx, "mechanisms", EAR_NS_SASL);
	char wire[EAR_INSTANCE_MAX + 1];

	ear_child_text(mechanisms, "mechanism", NULL, "EXTERNAL");
	ear_jid_to_instance(ls->address, wire, sizeof(wire));
	lan_stream_send_header(ls, wire, false);
	lan_stream_send_features(ls, mechanisms, false, false);
}

void
lan_sasl_header(struct lan_stream *ls, const struct reader_header *header)
{
	if (!is_same_peer(ls, header)) {
		lan_stream_refuse(ls, "invalid-from", -EPROTO,
				  "is somebody else after TLS than before");
	} else if (ls->dialled && ls->phase == LAN_PROVED) {
		lan_secure_enter(ls, LAN_READY);
		stream_known(ls->stream);
	} else if (!ls->dialled && ls->authed) {
		ls->greeted = true;
		if (ls->verdict == LAN_GOOD)
			lan_sasl_judge(ls);
	} else if (!ls->dialled) {
		offer_external(ls);
	}
}

static bool
offers_external(xmpp_stanza_t *features)
{
	xmpp_stanza_t *mechanisms = ear_find(features, "mechanisms", EAR_NS_SASL);
	bool found = false;

	if (mechanisms == NULL)
		return false;
	for (xmpp_stanza_t *m = ear_first(mechanisms); m != NULL && !found; m = ear_next(m)) {
		char *text = xmpp_stanza_get_text(m);

		found = text != NULL && strcmp(text, "EXTERNAL") == 0;
		if (text != NULL)
			xmpp_free(xmpp_stanza_get_context(m), text);
	}
	return found;
}

void
lan_sasl_features(struct lan_stream *ls, xmpp_stanza_t *features)
{
	ls->external = offers_external(features);
	if (!ls->external)
		lan_stream_refuse(ls, "not-authorized", -EACCES,
				  "it takes no key of ours (no SASL EXTERNAL)");
	else if (ls->verdict == LAN_GOOD)
		lan_sasl_judge(ls);
}
