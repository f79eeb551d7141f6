/* SPDX-License-Identifier: ISC */
/* dispatch.c: the IN door: who sent it, who takes it, and the one error when nobody does. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/delivery.h"
#include "core/dispatch.h"
#include "core/hold.h"
#include "core/meet.h"
#include "core/policy.h"
#include "core/post.h"
#include "core/program.h"
#include "core/receive.h"
#include "core/request.h"
#include "core/sent.h"
#include "core/several.h"

static bool
is_type(xmpp_stanza_t *stanza, const char *type)
{
	const char *is = xmpp_stanza_get_type(stanza);

	return is != NULL && strcmp(is, type) == 0;
}

static bool
is_answer(xmpp_stanza_t *stanza)
{
	const char *type = xmpp_stanza_get_type(stanza);

	return type != NULL &&
	       (strcmp(type, "error") == 0 ||
		(strcmp(type, "result") == 0 && strcmp(xmpp_stanza_get_name(stanza), "iq") == 0));
}

static enum ear_stanza_kind
kind_of(xmpp_stanza_t *stanza)
{
	const char *name = xmpp_stanza_get_name(stanza);

	if (strcmp(name, "message") == 0)
		return EAR_MESSAGE;
	if (strcmp(name, "presence") == 0)
		return EAR_PRESENCE;
	if (strcmp(name, "iq") != 0)
		return EAR_END;
	return is_type(stanza, "get") ? EAR_IQ_GET : is_type(stanza, "set") ? EAR_IQ_SET : EAR_END;
}

enum ear_level
dispatch_level(struct ear *ear, const struct link *link, const char *from)
{
	return link->kind == EAR_LINK_SERVER && meet_trusts_jid(ear, from) ? EAR_TRUSTED
									   : link->level;
}

/* RFC 6120 §8.2.3: an IQ has an id, and a get or set one child. What a program of ours tells the
 * engine about the way, or about its life, does not count. */
static bool
is_bad_iq(xmpp_stanza_t *iq, enum ear_stanza_kind kind)
{
	size_t n = 0;

	for (xmpp_stanza_t *child = ear_first(iq); child != NULL; child = ear_next(child))
		if (!ear_is(child, "route", EAR_NS_CONTROL) &&
		    !ear_is(child, "expires", EAR_NS_DELIVERY))
			n++;
	return kind == EAR_END || xmpp_stanza_get_id(iq) == NULL || n != 1;
}

static bool
is_bad(xmpp_stanza_t *stanza, enum ear_stanza_kind kind)
{
	return strcmp(xmpp_stanza_get_name(stanza), "iq") == 0 && is_bad_iq(stanza, kind);
}

static void
send_error(const struct ear_in *in, enum ear_verdict condition, const char *text)
{
	xmpp_stanza_t *error = ear_error_to(in->stanza, condition, text);

	receive_doubt(in, error);
	hold_reply(in, error);
}

/* Consumes the error, which may be NULL. */
static void
send_refusal(const struct ear_in *in, xmpp_stanza_t *error)
{
	receive_doubt(in, error);
	receive_refused(in, error);
	hold_reply(in, error);
}

static void
refuse(const struct ear_in *in, enum ear_verb verb)
{
	char text[160];

	snprintf(text, sizeof(text), "policy.%s wants a %s sender, this one is %s",
		 ear_verb_name(verb), ear_level_name(policy_level(in->ear->conf, verb)),
		 ear_level_name(in->level));
	ear_warn("%s: refused (not-authorized): %s", in->from, text);
	metrics_add(&in->ear->metrics, METRIC_REFUSED, in->link);
	send_refusal(in, ear_error_to(in->stanza, EAR_NOT_AUTHORIZED, text));
}

/* Whether its sender is told when nobody reads it (RFC 6121 §8.5.2.2.1): not of what is no word
 * from one to another. */
static bool
wants_error(xmpp_stanza_t *message)
{
	/* Who publishes does so in vain. */
	if (is_type(message, "headline") && ear_find(message, "event", EAR_NS_PUBSUB_EVENT) != NULL)
		return true;
	return !is_type(message, "headline") && !is_type(message, "groupchat") &&
	       ear_find(message, "body", NULL) != NULL;
}

/* Runs one rule if it matches. *refused: its policy wants another sender, who has been told. */
static enum ear_verdict
try_rule(const struct ear_rule *rule, struct ear_in *in, enum ear_stanza_kind kind, bool *refused)
{
	if (rule->kind != kind)
		return EAR_PASS;
	in->payload = rule->ns == NULL ? NULL : ear_find(in->stanza, rule->name, rule->ns);
	if (rule->ns != NULL && in->payload == NULL)
		return EAR_PASS;
	if (kind != EAR_MESSAGE_ERROR &&
	    !policy_allows(in->ear->conf, rule->verb, in->level, in->link)) {
		/* Who got it refuses what another engine has passed to us. */
		if (in->passed || (kind == EAR_MESSAGE && rule->verb == EAR_VERB_CHAT &&
				   !wants_error(in->stanza)))
			return EAR_PASS;
		refuse(in, rule->verb);
		*refused = true;
		return EAR_DONE;
	}
	return rule->handler(in);
}

static enum ear_verdict
try_rules(struct ear_in *in, enum ear_stanza_kind kind, bool *refused)
{
	const struct ear_xep *const *xep = in->ear->xeps;
	enum ear_verdict verdict;

	for (; *xep != NULL; xep++) {
		const struct ear_rule *rule = (*xep)->rules;

		for (; rule != NULL && rule->kind != EAR_END; rule++) {
			verdict = try_rule(rule, in, kind, refused);
			if (verdict != EAR_PASS)
				return verdict;
		}
	}
	return EAR_PASS;
}

/* Whether an extension had sent that. */
static bool
take_error(struct ear_in *in)
{
	bool refused;

	return strcmp(xmpp_stanza_get_name(in->stanza), "message") == 0 &&
	       try_rules(in, EAR_MESSAGE_ERROR, &refused) != EAR_PASS;
}

static bool
may_chat(const struct ear_in *in)
{
	return policy_allows(in->ear->conf, EAR_VERB_CHAT, in->level, in->link);
}

static void
refuse_message(struct ear_in *in, bool may)
{
	if (!wants_error(in->stanza))
		return;
	if (!may) {
		refuse(in, EAR_VERB_CHAT);
		return;
	}
	ear_info("%s: message not delivered: no program here is listening", in->from);
	send_refusal(in,
		     ear_error_to(in->stanza, EAR_SERVICE_UNAVAILABLE, "nobody is listening here"));
}

/* Whether an extension answers a message that no program wants. */
static bool
is_left_to_rules(struct ear_in *in)
{
	bool refused = false;

	return wants_error(in->stanza) && try_rules(in, EAR_MESSAGE_LEFT, &refused) == EAR_DONE &&
	       !refused;
}

/* A message for people: to the programs that want messages. */
static void
take_message(const struct link *link, struct ear_in *in)
{
	bool may = may_chat(in);

	if (may && (program_deliver(in->ear, in) > 0 || is_left_to_rules(in)))
		receive_done(in->ear, link, in);
	else
		refuse_message(in, may);
}

static void
take(const struct link *link, struct ear_in *in)
{
	enum ear_stanza_kind kind = kind_of(in->stanza);
	enum ear_verdict verdict;
	bool refused = false;

	if (kind == EAR_PRESENCE)
		several_pass_presence(in);
	verdict = is_bad(in->stanza, kind) ? EAR_BAD_REQUEST : try_rules(in, kind, &refused);
	if (verdict == EAR_DONE) {
		if (kind == EAR_MESSAGE && !refused)
			receive_done(in->ear, link, in);
		return;
	}
	if (verdict != EAR_PASS)
		send_error(in, verdict, NULL);
	else if (kind == EAR_MESSAGE)
		take_message(link, in);
	else if (kind != EAR_PRESENCE)
		send_error(in, EAR_SERVICE_UNAVAILABLE, NULL);
	else if (may_chat(in) && !in->passed)
		program_deliver(in->ear, in);
}

/* XEP-0184 §5.4: for something that the engine, or a program, asked to be told of. Whatever a
 * program did not ask for is the engine's own. */
static bool
take_receipt(const struct ear_in *in)
{
	xmpp_stanza_t *received = ear_find(in->stanza, "received", EAR_NS_RECEIPTS);
	const char *id = received == NULL ? NULL : xmpp_stanza_get_attribute(received, "id");
	const struct note *note;
	bool matched;

	if (id == NULL || !ear_is(in->stanza, "message", EAR_NS_CLIENT))
		return false;
	/* What is stored and went by a server is owed there, too; who has proved nothing on the LAN
	 * does not say that it arrived. */
	matched = (in->link == EAR_LINK_SERVER || in->level >= EAR_PROVED) &&
		  delivery_receipt(in->ear, in->from, id);
	matched = post_receipt(in->ear, in->from, id) || matched;
	note = sent_find(in->ear, id, in->from);
	return note != NULL ? !note->asked : matched;
}

static void
tell_late(const struct ear_in *in)
{
	xmpp_stanza_t *error = ear_error_to(in->stanza, EAR_REMOTE_SERVER_TIMEOUT,
					    "it came too late to be of use, and was dropped");

	metrics_add(&in->ear->metrics, METRIC_EXPIRED, in->link);
	ear_info("%s: a %s came too late: dropped", in->from, xmpp_stanza_get_name(in->stanza));
	expires_tell(error);
	send_refusal(in, error);
}

static void
dispatch_to_us(const struct link *link, struct ear_in *in)
{
	struct ear *ear = in->ear;

	if (link->kind == EAR_LINK_LOCAL) {
		take(link, in);
		return;
	}
	if (receive_is_repeat(ear, link, in) || take_receipt(in))
		;
	else if (expires_is_late(ear, in->from, in->stanza))
		tell_late(in);
	else if (!receive_is_overtaken(in))
		take(link, in);
	receive_end(ear);
}

static void
dispatch_answer(struct ear *ear, struct link *link, struct ear_in *in)
{
	if (strcmp(xmpp_stanza_get_name(in->stanza), "iq") != 0) {
		if (delivery_error(ear, in) || post_error(ear, in))
			return;
		if (!program_error(ear, in) && !take_error(in) && !several_pass_answer(in))
			ear_info("%s: error for a stanza that nobody here waits for", in->from);
		return;
	}
	if (!request_answer(ear, link, in->stanza, in->from) && !several_pass_answer(in))
		ear_warn("%s: answer to a question that was not asked there: dropped", in->from);
}

/* Whether a stanza of a program is meant for this engine itself. */
static bool
is_for_us(struct ear *ear, const struct link *link, const char *to)
{
	if (link->kind != EAR_LINK_LOCAL || to == NULL)
		return true;
	if (!core_is_self(ear, to))
		return false;
	return ear_jid_resource(to) == NULL ||
	       (ear->self_server != NULL && ear_jid_equal(to, ear->self_server));
}

static void
dispatch_of_program(struct ear *ear, struct link *link, struct ear_in *in)
{
	if (kind_of(in->stanza) == EAR_PRESENCE && in->to == NULL)
		program_presence(ear, link, in->stanza);
	else if (in->to == NULL && kind_of(in->stanza) == EAR_IQ_SET &&
		 !is_bad(in->stanza, EAR_IQ_SET) &&
		 ear_find(in->stanza, "flush", EAR_NS_CONTROL) != NULL)
		program_flush(ear, link, in->stanza);
	else if (is_for_us(ear, link, in->to))
		dispatch_to_us(link, in);
	else if (strcmp(xmpp_stanza_get_name(in->stanza), "iq") == 0 && !is_answer(in->stanza) &&
		 is_bad(in->stanza, kind_of(in->stanza)))
		send_error(in, EAR_BAD_REQUEST, NULL);
	else
		program_out(ear, link, in->stanza);
}

static struct ear_in
in_of(struct ear *ear, const struct link *link, xmpp_stanza_t *stanza)
{
	const char *from = xmpp_stanza_get_from(stanza);

	return (struct ear_in){
		.ear = ear,
		.stanza = stanza,
		.from = from == NULL ? link->peer : from,
		.to = xmpp_stanza_get_to(stanza),
		.id = xmpp_stanza_get_id(stanza),
		.link = link->kind,
		.link_serial = link->serial,
	};
}

void
dispatch_heard(struct ear *ear, struct link *link, xmpp_stanza_t *stanza)
{
	struct ear_in in = in_of(ear, link, stanza);

	if (xmpp_stanza_get_from(stanza) == NULL || ear_jid_is_lan(in.from))
		return;
	in.passed = true;
	in.level = dispatch_level(ear, link, in.from);
	ear_debug("in  another %s type=%s from=%s id=%s", xmpp_stanza_get_name(stanza),
		  xmpp_stanza_get_type(stanza) ? xmpp_stanza_get_type(stanza) : "", in.from,
		  in.id ? in.id : "");
	if (is_answer(stanza))
		dispatch_answer(ear, link, &in);
	else if (kind_of(stanza) == EAR_PRESENCE &&
		 (xmpp_stanza_get_type(stanza) == NULL || is_type(stanza, "unavailable")))
		take(link, &in);
}

void
dispatch_in(struct ear *ear, struct link *link, xmpp_stanza_t *stanza)
{
	struct ear_in in = in_of(ear, link, stanza);

	/* No server has a LAN address (RFC 6762 §3): one that stamps it speaks for somebody else.
	 */
	if (link->kind == EAR_LINK_SERVER && ear_jid_is_lan(in.from)) {
		ear_warn("%s: dropped a %s from %s: a server cannot speak for the LAN", link->peer,
			 xmpp_stanza_get_name(stanza), in.from);
		return;
	}
	in.level = dispatch_level(ear, link, in.from);
	metrics_add(&ear->metrics, METRIC_IN, link->kind);
	ear_debug("in  %s %s type=%s from=%s id=%s", ear_link_name(link->kind),
		  xmpp_stanza_get_name(stanza),
		  xmpp_stanza_get_type(stanza) ? xmpp_stanza_get_type(stanza) : "", in.from,
		  in.id ? in.id : "");
	if (is_answer(stanza) && is_for_us(ear, link, in.to))
		dispatch_answer(ear, link, &in);
	else if (link->kind == EAR_LINK_LOCAL)
		dispatch_of_program(ear, link, &in);
	else
		dispatch_to_us(link, &in);
}

bool
dispatch_bounce(struct ear *ear, xmpp_stanza_t *stanza, enum ear_verdict condition,
		const char *text, bool late)
{
	xmpp_stanza_t *error = ear_error_to(stanza, condition, text);
	struct ear_in in = { .ear = ear,
			     .stanza = error,
			     .from = xmpp_stanza_get_to(stanza),
			     .id = xmpp_stanza_get_id(stanza) };
	bool taken;

	if (error == NULL)
		return false;
	if (late)
		expires_tell(error);
	taken = in.from != NULL && take_error(&in);
	xmpp_stanza_release(error);
	return taken;
}

enum ear_verdict
ear_reply(const struct ear_in *in, xmpp_stanza_t *payload)
{
	xmpp_stanza_t *answer = ear_answer_to(in->stanza, "result");

	if (payload != NULL) {
		xmpp_stanza_add_child(answer, payload);
		xmpp_stanza_release(payload);
	}
	hold_reply(in, answer);
	return EAR_DONE;
}

enum ear_verdict
ear_fail(const struct ear_in *in, enum ear_verdict condition, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	send_error(in, condition, text);
	return EAR_DONE;
}

enum ear_verdict
ear_fail_with(const struct ear_in *in, enum ear_verdict condition, const char *type,
	      xmpp_stanza_t *specific, const char *text)
{
	hold_reply(in, ear_error_add(ear_error_to(in->stanza, condition, text), type, specific));
	return EAR_DONE;
}
