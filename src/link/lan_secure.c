/* SPDX-License-Identifier: ISC */
/*
 * lan_secure.c: the way of one stream to TLS (RFC 6120 §5), pipelined (XEP-0305) with peers that
 * are known to speak it; or to the decision to go without.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/jid.h>
#include <earshot/log.h>
#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "link/io.h"
#include "link/lan_impl.h"
#include "link/tls.h"

const char *
lan_secure_address(const struct lan_stream *ls)
{
	return ls->link != NULL ? ls->link->link.peer : ls->address;
}

static const char *
phase_name(enum lan_phase phase)
{
	switch (phase) {
	case LAN_NEW:
		return "new";
	case LAN_OFFERED:
		return "offered";
	case LAN_ASKED:
		return "asked";
	case LAN_SHAKING:
		return "shaking";
	case LAN_PROVING:
		return "proving";
	case LAN_PROVED:
		return "proved";
	case LAN_READY:
		return "ready";
	}
	return "?";
}

void
lan_secure_enter(struct lan_stream *ls, enum lan_phase phase)
{
	ear_debug("%s: stream %s -> %s",
		  lan_secure_address(ls) != NULL ? lan_secure_address(ls) : "stranger",
		  phase_name(ls->phase), phase_name(phase));
	ls->phase = phase;
	if (phase == LAN_OFFERED)
		ear_timer_set(&ls->patience, LAN_FEATURES_USEC);
	else
		ear_timer_stop(&ls->patience);
}

void
lan_secure_say(struct lan_stream *ls, const char *name, const char *ns, const char *child)
{
	xmpp_stanza_t *element = ear_element(ls->lan->ctx, name, ns);

	if (child != NULL)
		ear_child(element, child, NULL);
	stream_send(ls->stream, element);
	xmpp_stanza_release(element);
}

/* --- without TLS --- */

static int
may_plain(struct lan_stream *ls)
{
	struct lan *lan = ls->lan;
	struct lan_link *l = ls->link != NULL ? ls->link : lan_link_find(lan, ls->address);

	if (lan->tls == NULL)
		return 0;
	if (l != NULL && l->link.keyed)
		return -EKEYREJECTED;
	return lan->hooks.may_plain(lan->owner, lan_secure_address(ls));
}

static void
admit_plain(struct lan_stream *ls)
{
	struct lan_link *l = lan_link_find(ls->lan, ls->address);
	bool fresh = l == NULL;

	if (fresh) {
		lan_link_end_old(ls->lan, ls->address);
		l = lan_link_new(ls->lan, ls->address);
		lan_link_show(l);
	}
	lan_stream_admit(ls, l, fresh);
}

/* False: refused; one that we dialled is gone. */
static bool
go_plain(struct lan_stream *ls)
{
	int rc = may_plain(ls);

	if (rc != 0) {
		lan_stream_refuse(ls, "policy-violation", rc,
				  rc == -EKEYREJECTED
					  ? "it had a key before, and now comes without encryption"
					  : "it does not encrypt, and may not go without");
		return false;
	}
	lan_secure_enter(ls, LAN_READY);
	if (ls->dialled) {
		stream_known(ls->stream);
		lan_sm_begin(ls);
		lan_link_opened(ls->link, ls);
	} else {
		admit_plain(ls);
	}
	return true;
}

void
lan_secure_patience(void *arg)
{
	struct lan_stream *ls = arg;

	if (!lan_stream_is_usable(ls))
		return;
	if (ls->opening) {
		lan_stream_opened(ls);
		return;
	}
	/* One that has to encrypt gets the time that all streams get. */
	if (ls->dialled || may_plain(ls) == 0)
		go_plain(ls);
}

/* --- STARTTLS --- */

/* Handshakes cost, those too that are begun and not gone on with. */
static void
make_room(struct lan_stream *ls)
{
	struct lan_stream *out =
		lan_crowded_out(ls->lan, &ls->source, LAN_SHAKING, LAN_HANDSHAKES_MAX);

	if (out != NULL)
		lan_stream_refuse(out, "resource-constraint", -EBUSY,
				  "too many TLS handshakes at once");
}

static void
start_tls(struct lan_stream *ls)
{
	struct lan *lan = ls->lan;
	struct tls_session *session = NULL;

	if (ls->dialled) {
		ls->offers_acks = lan_ticket_has_acks(lan, lan_secure_address(ls));
		session = lan_ticket_take(lan, lan_secure_address(ls));
	} else {
		make_room(ls);
	}
	lan_secure_enter(ls, LAN_SHAKING);
	stream_start_tls(ls->stream, tls_peer_new(lan->tls, ls->dialled, session));
	if (session != NULL)
		tls_session_free(session);
}

void
lan_secure_ask(struct lan_stream *ls)
{
	if (ls->lan->tls == NULL)
		return;
	lan_secure_enter(ls, LAN_ASKED);
	lan_secure_say(ls, "starttls", EAR_NS_TLS, NULL);
}

void
lan_secure_answered(struct lan_stream *ls)
{
	if (ls->lan->tls == NULL || !ls->version)
		go_plain(ls);
	else if (ls->phase == LAN_NEW)
		lan_secure_enter(ls, LAN_OFFERED);
}

static void
offer_tls(struct lan_stream *ls)
{
	xmpp_stanza_t *starttls = ear_element(ls->lan->ctx, "starttls", EAR_NS_TLS);
	bool may = may_plain(ls) == 0;

	if (!may)
		ear_child(starttls, "required", NULL);
	lan_stream_send_features(ls, starttls, true, may);
}

static void
accept_tls(struct lan_stream *ls)
{
	lan_secure_say(ls, "proceed", EAR_NS_TLS, NULL);
	start_tls(ls);
}

void
lan_secure_identified(struct lan_stream *ls)
{
	bool offer = ls->lan->tls != NULL && ls->version && !ls->told;

	if (offer)
		offer_tls(ls);
	else if (!ls->told)
		lan_stream_send_features(ls, NULL, true, true);
	if (offer && ls->phase == LAN_ASKED)
		accept_tls(ls);
	else if (offer && ls->held.count == 0)
		lan_secure_enter(ls, LAN_OFFERED);
	else
		go_plain(ls);
}

/* RFC 6120 §5.4.2: before anything else, and once. */
static void
take_starttls(struct lan_stream *ls)
{
	if (ls->dialled || ls->lan->tls == NULL)
		lan_stream_refuse(ls, "unsupported-stanza-type", -EPROTO,
				  "asks for TLS, which was not offered");
	else if (ls->secured)
		lan_stream_refuse(ls, "policy-violation", -EPROTO, "asks for TLS twice");
	else if (ls->phase == LAN_OFFERED)
		accept_tls(ls);
	else if (ls->phase == LAN_NEW && ls->version && ls->claim != NULL && ls->held.count == 0) {
		lan_secure_enter(ls, LAN_ASKED);
		stream_expect_tls(ls->stream);
	} else {
		lan_secure_say(ls, "failure", EAR_NS_TLS, NULL);
		lan_stream_refuse(ls, "policy-violation", -EPROTO, "asks for TLS at a wrong time");
	}
}

static void
take_tls(struct lan_stream *ls, const char *name)
{
	if (strcmp(name, "starttls") == 0)
		take_starttls(ls);
	else if (ls->dialled && ls->phase == LAN_ASKED && strcmp(name, "proceed") == 0)
		start_tls(ls);
	else if (ls->dialled && ls->phase == LAN_ASKED && strcmp(name, "failure") == 0)
		go_plain(ls);
	else
		lan_stream_refuse(ls, "policy-violation", -EPROTO, "speaks of TLS at a wrong time");
}

/* --- what comes --- */

bool
lan_secure_element(struct lan_stream *ls, xmpp_stanza_t *element)
{
	const char *ns = xmpp_stanza_get_ns(element), *name = xmpp_stanza_get_name(element);

	if (ns != NULL && strcmp(ns, EAR_NS_TLS) == 0)
		take_tls(ls, name);
	else if (ns != NULL && strcmp(ns, EAR_NS_SASL) == 0)
		lan_sasl_element(ls, element);
	else
		return false;
	return true;
}

void
lan_secure_begun(struct lan_stream *ls)
{
	ls->secured = true;
	ls->external = ls->secure;
	lan_secure_enter(ls, LAN_PROVING);
	if (ls->dialled)
		lan_stream_send_header(ls, ls->link->wire, false);
	lan_sasl_judge(ls);
}

void
lan_secure_features(struct lan_stream *ls, xmpp_stanza_t *features)
{
	if (!ls->dialled || ls->lan->tls == NULL || !lan_stream_is_usable(ls))
		return;
	if (ls->phase == LAN_OFFERED || ls->phase == LAN_ASKED) {
		if (ear_find(features, "starttls", EAR_NS_TLS) == NULL)
			go_plain(ls);
		else if (ls->phase == LAN_OFFERED)
			lan_secure_ask(ls);
	} else if (ls->phase == LAN_PROVING && !ls->authed) {
		lan_sasl_features(ls, features);
	}
}

int
lan_secure_stanza(struct lan_stream *ls)
{
	switch (ls->phase) {
	case LAN_READY:
		return 0;
	case LAN_NEW:
	case LAN_OFFERED:
	case LAN_ASKED:
		return go_plain(ls) ? 0 : -EACCES;
	case LAN_PROVED:
		return -EAGAIN;
	case LAN_SHAKING:
	case LAN_PROVING:
		break;
	}
	if (ls->authed && !ls->dialled && ls->verdict == LAN_PENDING)
		return -EAGAIN;
	lan_stream_refuse(ls, "not-authorized", -EPROTO,
			  "sends stanzas before it has proved its key");
	return -EACCES;
}
