/* SPDX-License-Identifier: ISC */
/*
 * lan_sm.c: the words of XEP-0198 on a direct stream: acknowledgements and nothing else. There is
 * nothing to resume: what a stream has lost leaves again by the next path.
 *
 * Whoever dialled asks for them, and neither end waits for that: its stanzas count from its
 * <enable/> on, and the <enabled/> of the other end says that all before have arrived, as does the
 * first <a/> for what the other end has sent before <enabled/>.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "link/io.h"
#include "link/lan_impl.h"

#define ASK "<r xmlns='" EAR_NS_SM "'/>"

static void
say(struct lan_stream *ls, const char *text)
{
	stream_write(ls->stream, text, strlen(text));
}

/* <enable/> or <enabled/>; where it is asked for, with our time in it (core/expires.h). */
static void
say_begin(struct lan_stream *ls, const char *name)
{
	const struct lan_hooks *hooks = &ls->lan->hooks;
	char clock[160] = "", text[256];

	if (hooks->tell_clock != NULL)
		hooks->tell_clock(ls->lan->owner, clock, sizeof(clock));
	if (clock[0] == '\0')
		snprintf(text, sizeof(text), "<%s xmlns='" EAR_NS_SM "'/>", name);
	else
		snprintf(text, sizeof(text), "<%s xmlns='" EAR_NS_SM "'>%s</%s>", name, clock,
			 name);
	say(ls, text);
}

static void
hear_begin(struct lan_stream *ls, xmpp_stanza_t *element)
{
	const struct lan_hooks *hooks = &ls->lan->hooks;

	if (hooks->hear_clock != NULL && ls->link != NULL)
		hooks->hear_clock(ls->lan->owner, &ls->link->link, element);
}

/* §5: what went wrong with a request. */
static void
say_failed(struct lan_stream *ls, const char *condition)
{
	char text[160];

	snprintf(text, sizeof(text),
		 "<failed xmlns='" EAR_NS_SM "'><%s xmlns='" EAR_NS_STANZA_ERR "'/></failed>",
		 condition);
	say(ls, text);
}

void
lan_sm_tell(struct lan_stream *ls)
{
	char text[64];

	assert(ls->acks != NULL);
	ls->acks->told = ls->acks->got;
	ls->acks->owes = false;
	snprintf(text, sizeof(text), "<a xmlns='" EAR_NS_SM "' h='%u'/>",
		 (unsigned)(uint32_t)ls->acks->got);
	say(ls, text);
}

static bool
is_read(struct lan_stream *ls)
{
	const struct io *io = stream_io(ls->stream);

	return io_written(io) - io_sent(io) < LAN_UNREAD_MAX;
}

/* What is said is longer than the question: to one that reads nothing, all answers become one. */
void
lan_sm_answer(struct lan_stream *ls)
{
	if (is_read(ls))
		lan_sm_tell(ls);
	else
		ls->acks->owes = true;
}

void
lan_sm_drained(struct lan_stream *ls)
{
	if (lan_acks_are_on(ls) && ls->acks->owes)
		lan_sm_tell(ls);
}

void
lan_sm_ask(struct lan_stream *ls)
{
	say(ls, ASK);
}

void
lan_sm_end(struct lan_stream *ls)
{
	if (!lan_acks_are_on(ls))
		return;
	if (lan_acks_are_due(ls))
		lan_sm_ask(ls);
	if (ls->acks->told != ls->acks->got)
		lan_sm_tell(ls);
}

/* --- beginning ------------------------------------------------------------------------------- */

void
lan_sm_begin(struct lan_stream *ls)
{
	if (!ls->offers_acks || ls->acks != NULL)
		return;
	say_begin(ls, "enable");
	lan_acks_begin(ls);
}

void
lan_sm_features(struct lan_stream *ls, xmpp_stanza_t *features)
{
	if (!ls->dialled || ls->acks != NULL || ls->phase == LAN_PROVING ||
	    !lan_stream_is_usable(ls))
		return;
	ls->offers_acks = ear_find(features, "sm", EAR_NS_SM) != NULL;
	if (ls->phase != LAN_READY)
		return;
	lan_sm_begin(ls);
	lan_link_settle_acks(ls->link);
}

void
lan_sm_accept(struct lan_stream *ls)
{
	ls->wants_acks = false;
	say_begin(ls, "enabled");
	lan_acks_begin(ls);
	lan_acks_turn_on(ls);
}

/* --- what comes ------------------------------------------------------------------------------ */

static void
refuse(struct lan_stream *ls, const char *text)
{
	lan_stream_refuse(ls, "policy-violation", -EPROTO, text);
}

/* §3: once, by the one that dialled. */
static void
take_enable(struct lan_stream *ls, xmpp_stanza_t *element)
{
	if (ls->dialled || ls->acks != NULL) {
		say_failed(ls, "unexpected-request");
		refuse(ls, ls->dialled ? "asks for acknowledgements, which is for us to do"
				       : "asks for acknowledgements twice");
		return;
	}
	hear_begin(ls, element);
	ls->wants_acks = true;
	if (ls->opening) {
		lan_stream_opened(ls);
	} else {
		lan_sm_accept(ls);
		lan_link_settle_acks(ls->link);
	}
}

static void
take_enabled(struct lan_stream *ls, xmpp_stanza_t *element)
{
	if (ls->secured)
		lan_ticket_set_acks(ls->lan, ls->link->link.peer);
	hear_begin(ls, element);
	lan_acks_confirm(ls);
}

/* What was sent meanwhile is as it is without XEP-0198. */
static void
take_failed(struct lan_stream *ls)
{
	ls->offers_acks = false;
	lan_acks_free(ls);
	lan_link_settle_acks(ls->link);
}

/* xs:unsignedInt, as it is usually written. False: it is not. */
static bool
read_count(const char *text, uint32_t *count)
{
	uint64_t value = 0;
	size_t n = text != NULL ? strspn(text, "0123456789") : 0;

	if (n == 0 || n > 10 || text[n] != '\0')
		return false;
	for (size_t i = 0; i < n; i++)
		value = value * 10 + (uint64_t)(text[i] - '0');
	*count = (uint32_t)value;
	return value <= UINT32_MAX;
}

/* §5. The count says nothing then, and nothing is forgotten. */
static void
refuse_count(struct lan_stream *ls, uint32_t h)
{
	char more[128];

	snprintf(more, sizeof(more),
		 "<handled-count-too-high xmlns='" EAR_NS_SM "' h='%u' send-count='%u'/>",
		 (unsigned)h, (unsigned)(uint32_t)ls->acks->sent);
	stream_fail_more(ls->stream, "undefined-condition", more, -EPROTO,
			 "acknowledges more stanzas than it was sent");
	lan_stream_refuse(ls, "undefined-condition", -EPROTO,
			  "acknowledges more stanzas than it was sent");
}

/* §4: modulo 2^32; one that goes back would be as far ahead. */
static void
take_count(struct lan_stream *ls, xmpp_stanza_t *element)
{
	const struct lan_acks *acks = ls->acks;
	uint32_t h, more;

	assert(acks != NULL);
	if (!read_count(xmpp_stanza_get_attribute(element, "h"), &h)) {
		lan_stream_refuse(ls, "bad-format", -EPROTO, "acknowledges without a number");
		return;
	}
	more = h - (uint32_t)acks->said;
	if (more > acks->sent - acks->said)
		refuse_count(ls, h);
	else
		lan_acks_take(ls, more);
}

static void
take_resume(struct lan_stream *ls)
{
	if (is_read(ls))
		say_failed(ls, "feature-not-implemented");
	else
		refuse(ls, "asks and does not read the answers");
}

static void
take(struct lan_stream *ls, xmpp_stanza_t *element)
{
	const char *name = xmpp_stanza_get_name(element);
	bool on = lan_acks_are_on(ls), asked = ls->dialled && ls->acks != NULL && !on;

	if (strcmp(name, "r") == 0 && on)
		lan_sm_answer(ls);
	else if (strcmp(name, "a") == 0 && on)
		take_count(ls, element);
	else if (strcmp(name, "enable") == 0)
		take_enable(ls, element);
	else if (strcmp(name, "enabled") == 0 && asked)
		take_enabled(ls, element);
	else if (strcmp(name, "failed") == 0 && asked)
		take_failed(ls);
	else if (strcmp(name, "resume") == 0 && !ls->dialled)
		take_resume(ls);
	else
		refuse(ls, "speaks of acknowledgements at a wrong time");
}

/* §3: not before it is known who it is. */
static void
refuse_early(struct lan_stream *ls)
{
	say_failed(ls, "unexpected-request");
	lan_stream_refuse(ls, "not-authorized", -EPROTO,
			  "speaks of acknowledgements before stanzas may flow");
}

static bool
is_early(const struct lan_stream *ls)
{
	if (ls->phase == LAN_READY)
		return false;
	if (ls->dialled || ls->phase == LAN_SHAKING)
		return true;
	if (ls->phase == LAN_PROVING)
		return !ls->authed || ls->verdict != LAN_PENDING;
	return ls->address == NULL && !ls->waiting;
}

/* One that we have accepted says that it goes without TLS by these words, as it does by a stanza;
 * or it has to wait, as that would. */
static void
take_early(struct lan_stream *ls, xmpp_stanza_t *element)
{
	int rc = ls->address == NULL ? -EAGAIN : lan_secure_stanza(ls);

	if (rc == -EAGAIN)
		lan_stream_hold(ls, element);
	else if (rc == 0)
		take(ls, element);
}

bool
lan_sm_element(struct lan_stream *ls, xmpp_stanza_t *element)
{
	const char *ns = xmpp_stanza_get_ns(element);

	if (ns == NULL || strcmp(ns, EAR_NS_SM) != 0)
		return false;
	if (is_early(ls))
		refuse_early(ls);
	else if (ls->link == NULL)
		take_early(ls, element);
	else
		take(ls, element);
	return true;
}
