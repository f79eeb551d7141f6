/* SPDX-License-Identifier: ISC */
/* receive.c: what has come before. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/answers.h"
#include "core/delivery.h"
#include "core/hold.h"
#include "core/receive.h"
#include "store/seen.h"

#define REFUSED_USEC (1500 * EAR_MSEC) /* for copies that other paths still carry */
#define ID_MAX       270 /* bytes of what a stanza is noted under: none of ours is longer */
#define ID_SIZE      (ID_MAX + 3 + EAR_JID_SIZE)

/* Under whose name that is noted: one for all addresses of a device. dest NULL: it is none. */
static const char *
name_of(const struct dest *dest, const char *from)
{
	if (dest == NULL)
		return from;
	return dest->jid != NULL ? dest->jid : dest->lan;
}

static const char *
sender_of(struct ear *ear, const char *from)
{
	return name_of(dest_find(ear, from), from);
}

/* Strangers can be as many as they like: they share a memory of their own. */
static struct seen *
seen_of(struct ear *ear, const struct ear_in *in)
{
	return in->level >= EAR_PROVED ? ear->seen : ear->seen_strangers;
}

/* Who has proved nothing on the LAN may have come by a server before. */
static bool
has_come_from(const struct ear *ear, const char *sender, const char *id)
{
	return seen_has(ear->seen, sender, id) || seen_has(ear->seen_strangers, sender, id);
}

/* It was with an earlier process when that was killed. */
static bool
was_in_hand_from(const struct ear *ear, const char *sender, const char *id)
{
	return seen_is_unsure(ear->seen, sender, id);
}

typedef bool known_fn(const struct ear *ear, const char *sender, const char *id);

/* The name under which it is known: before its key was known to be a JID's, he was known by the
 * one that he has on the LAN. NULL: it is not. */
static const char *
known_as(struct ear *ear, const char *from, const char *id, known_fn *known)
{
	const struct dest *dest = dest_find(ear, from);
	const char *sender = name_of(dest, from);

	if (known(ear, sender, id))
		return sender;
	return dest != NULL && dest->lan != NULL && dest->lan != sender && known(ear, dest->lan, id)
		       ? dest->lan
		       : NULL;
}

/* Whether it was told by its link or its words that we remember. */
static bool
counts_on_us(struct ear *ear, const struct link *link, const struct ear_in *in)
{
	const struct dest *dest;

	if (link->acks)
		return true;
	dest = dest_find(ear, in->from);
	return (dest != NULL && dest->remembers) || seen_knows(ear->seen, name_of(dest, in->from));
}

/* It may be one that will meet us on the LAN in a moment, and then send again what is under way. */
static bool
may_come_again(const struct ear_in *in)
{
	return in->level >= EAR_PROVED && !ear_is(in->stanza, "iq", EAR_NS_CLIENT) &&
	       ear_find(in->stanza, "request", EAR_NS_RECEIPTS) != NULL;
}

static bool
is_set(const struct ear_in *in)
{
	const char *type = xmpp_stanza_get_type(in->stanza);

	return strcmp(xmpp_stanza_get_name(in->stanza), "iq") == 0 && type != NULL &&
	       strcmp(type, "set") == 0;
}

static bool
is_domain(const struct ear *ear)
{
	return ear->self_server != NULL && ear->conf->server_kind == CONF_SERVER_COMPONENT;
}

/* Whether it is for one of those of our domain, who may all be told with one origin-id. */
static bool
is_user_of_ours(const struct ear *ear, const char *to, char user[EAR_JID_SIZE])
{
	const char *at;

	if (!is_domain(ear) || to == NULL || strchr(to, '@') == NULL ||
	    ear_jid_bare(to, user, EAR_JID_SIZE) != 0)
		return false;
	at = strchr(user, '@');
	return at != NULL && strcmp(at + 1, ear->self_server) == 0;
}

/* What it is noted under; NULL: it is none that is noted. */
static const char *
id_of(const struct ear_in *in, bool set, char out[ID_SIZE])
{
	const char *id = set ? in->id : NULL;
	char user[EAR_JID_SIZE];
	size_t length;

	if (!set && strcmp(xmpp_stanza_get_name(in->stanza), "message") == 0)
		id = delivery_origin(in->stanza);
	length = id == NULL ? 0 : strlen(id);
	if (length == 0 || length > ID_MAX)
		return NULL;
	out[0] = set ? 'i' : 'm';
	memcpy(out + 1, id, length + 1);
	if (!set && is_user_of_ours(in->ear, in->to, user))
		snprintf(out + 1 + length, ID_SIZE - 1 - length, "\n%s", user);
	return out;
}

/* A user may be the device itself, which has other names by another path. So what is for a user is
 * also noted as for any, and this is what else one that came before may be noted under: what is
 * for a user as for the device, and the other way round as for any user. NULL: nothing. */
static const char *
other_id(const struct ear_in *in, const char *id, char out[ID_SIZE])
{
	bool user = strchr(id, '\n') != NULL;

	if (id[0] != 'm' || !is_domain(in->ear))
		return NULL;
	snprintf(out, ID_SIZE, "%.*s%s", (int)strcspn(id, "\n"), id, user ? "" : "\n");
	return out;
}

static void
note(const struct ear_in *in, struct seen *seen, const char *id)
{
	const char *sender = sender_of(in->ear, in->from);
	char any[ID_SIZE];

	seen_note(seen, sender, id);
	if (strchr(id, '\n') == NULL)
		return;
	snprintf(any, sizeof(any), "%.*s\n", (int)strcspn(id, "\n"), id);
	seen_note(seen, sender, any);
}

/* Where it is noted; NULL: nowhere, nobody will send it again. */
static struct seen *
notes_for(struct ear *ear, const struct link *link, const struct ear_in *in)
{
	if (counts_on_us(ear, link, in))
		return seen_of(ear, in);
	return may_come_again(in) ? ear->seen_strangers : NULL;
}

static void
send_receipt(const struct ear_in *in)
{
	xmpp_stanza_t *receipt;

	if (in->id == NULL || ear_find(in->stanza, "request", EAR_NS_RECEIPTS) == NULL)
		return;
	receipt = ear_stanza(in->ear->ctx, "message", NULL, in->from, NULL);
	ear_set(ear_child(receipt, "received", EAR_NS_RECEIPTS), "id", "%s", in->id);
	xmpp_stanza_set_from(receipt, in->to);
	hold_reply(in, receipt);
}

/* It is answered as it was, or when it will be. */
static void
answer_again(const struct ear_in *in, const char *sender, const char *id)
{
	struct ear *ear = in->ear;
	xmpp_stanza_t *answer = NULL;

	switch (answers_find(ear->answers, sender, id, &answer)) {
	case ANSWERS_KNOWN:
		hold_reply(in, answer);
		return;
	case ANSWERS_PENDING:
		hold_move(in);
		return;
	case ANSWERS_LOST:
	case ANSWERS_UNKNOWN:
		ear_fail(in, EAR_RESOURCE_CONSTRAINT,
			 "it came before; what it was answered is not remembered");
	}
}

static void
repeat(const struct ear_in *in, bool set, const char *sender)
{
	metrics_add(&in->ear->metrics, METRIC_REPEATED, in->link);
	ear_debug("%s: %s has come before", in->from, in->id == NULL ? "" : in->id);
	if (set)
		answer_again(in, sender, in->id);
	else
		send_receipt(in);
}

/* A copy of a message that was refused a moment ago is refused in the same words: its sender has
 * given it up. Later it is another try of his. */
static bool
refuse_again(const struct ear_in *in, const char *sender, const char *id)
{
	xmpp_stanza_t *error = NULL;

	if (!answers_is_fresh(in->ear->answers, sender, id, REFUSED_USEC) ||
	    answers_find(in->ear->answers, sender, id, &error) != ANSWERS_KNOWN)
		return false;
	hold_reply(in, error);
	return true;
}

/* A request may act at any time from now on, and is noted before. */
bool
receive_is_repeat(struct ear *ear, const struct link *link, const struct ear_in *in)
{
	bool set = is_set(in);
	char buffer[ID_SIZE], more[ID_SIZE];
	const char *id = id_of(in, set, buffer), *other, *sender;
	struct seen *seen = id == NULL ? NULL : notes_for(ear, link, in);

	if (seen == NULL)
		return false;
	sender = known_as(ear, in->from, id, has_come_from);
	if (sender == NULL && (other = other_id(in, id, more)) != NULL)
		sender = known_as(ear, in->from, other, has_come_from);
	if (sender != NULL) {
		repeat(in, set, sender);
		return true;
	}
	sender = sender_of(ear, in->from);
	if (!set) {
		seen_begin(seen, sender, id);
		return refuse_again(in, sender, id);
	}
	seen_note(seen, sender, id);
	answers_begin(ear->answers, sender, in->id);
	return false;
}

/* Its number; 0: it has none. */
static int64_t
number_of(xmpp_stanza_t *message, const char **id)
{
	xmpp_stanza_t *order = ear_is(message, "message", EAR_NS_CLIENT)
				       ? ear_find(message, "order", EAR_NS_DELIVERY)
				       : NULL;
	const char *n = order == NULL ? NULL : xmpp_stanza_get_attribute(order, "n");

	*id = order == NULL ? NULL : xmpp_stanza_get_attribute(order, "id");
	if (n == NULL || *id == NULL || strlen(*id) >= sizeof(((struct order *)0)->id))
		return 0;
	return strspn(n, "0123456789") == strlen(n) ? strtoll(n, NULL, 10) : 0;
}

/* Its sender knows that newer ones have arrived. */
static bool
says_overtaken(xmpp_stanza_t *message)
{
	const char *flag =
		xmpp_stanza_get_attribute(ear_find(message, "order", EAR_NS_DELIVERY), "overtaken");

	return flag != NULL && strcmp(flag, "true") == 0;
}

bool
receive_is_overtaken(const struct ear_in *in)
{
	const char *id;
	int64_t n = number_of(in->stanza, &id);
	const struct dest *dest = n > 0 ? dest_find(in->ear, in->from) : NULL;
	xmpp_stanza_t *error;

	if (dest == NULL || (!says_overtaken(in->stanza) &&
			     (strcmp(dest->handled.id, id) != 0 || n > dest->handled.last)))
		return false;
	ear_info("%s: a message was overtaken on its way: refused", in->from);
	error = ear_error_to(in->stanza, EAR_REMOTE_SERVER_TIMEOUT,
			     "newer ones were here before it: it is not delivered");
	if (error == NULL)
		return true;
	ear_child(ear_find(error, "error", NULL), "overtaken", EAR_NS_DELIVERY);
	receive_doubt(in, error);
	hold_reply(in, error);
	return true;
}

void
receive_end(struct ear *ear)
{
	seen_end(ear->seen);
	seen_end(ear->seen_strangers);
}

void
receive_doubt(const struct ear_in *in, xmpp_stanza_t *error)
{
	char buffer[ID_SIZE], text[256];
	const char *id = id_of(in, false, buffer), *why;

	if (error == NULL || id == NULL ||
	    known_as(in->ear, in->from, id, was_in_hand_from) == NULL)
		return;
	why = ear_error_text_of(error);
	snprintf(text, sizeof(text), "%s%sit may have arrived before a restart",
		 why == NULL ? "" : why, why == NULL ? "" : "; ");
	ear_error_say(error, text);
	ear_child(ear_find(error, "error", NULL), "unknown", EAR_NS_DELIVERY);
}

static void
count_on(const struct ear_in *in)
{
	const char *id;
	int64_t n = number_of(in->stanza, &id);
	struct dest *dest = n > 0 ? dest_find(in->ear, in->from) : NULL;

	if (dest == NULL)
		return;
	copy_text(dest->handled.id, sizeof(dest->handled.id), id);
	dest->handled.last = n;
}

void
receive_refused(const struct ear_in *in, xmpp_stanza_t *error)
{
	struct ear *ear = in->ear;
	bool set = is_set(in);
	char buffer[ID_SIZE];
	const char *id = id_of(in, set, buffer), *sender = sender_of(ear, in->from);

	if (id == NULL || in->link == EAR_LINK_LOCAL)
		return;
	if (set) {
		seen_forget(ear->seen, sender, id);
		seen_forget(ear->seen_strangers, sender, id);
	} else if (error != NULL) {
		answers_begin(ear->answers, sender, id);
		answers_end(ear->answers, sender, id, error);
	}
}

/* The programs have it, or their sockets: should this process be killed now, it is not lost. */
void
receive_done(struct ear *ear, const struct link *link, const struct ear_in *in)
{
	char buffer[ID_SIZE];
	const char *id = id_of(in, false, buffer);
	struct seen *seen;

	if (link->kind == EAR_LINK_LOCAL)
		return;
	seen = id == NULL ? NULL : notes_for(ear, link, in);
	if (seen != NULL)
		note(in, seen, id);
	count_on(in);
	send_receipt(in);
}

void
receive_answered(struct ear *ear, const char *peer, xmpp_stanza_t *answer)
{
	const char *id = xmpp_stanza_get_id(answer);

	if (answers_pending(ear->answers) == 0 || id == NULL ||
	    strcmp(xmpp_stanza_get_name(answer), "iq") != 0)
		return;
	answers_end(ear->answers, sender_of(ear, peer), id, answer);
}

int
receive_open(struct ear *ear, const char *dir, char *error, size_t size)
{
	struct seen *seen;
	int rc = 0;

	seen = seen_open(dir, &rc, error, size);
	if (seen == NULL)
		return rc;
	if (ear->seen != NULL)
		seen_close(ear->seen);
	ear->seen = seen;
	return 0;
}

void
receive_init(struct ear *ear)
{
	char error[160];
	int rc;

	ear_new_id(ear->clock_id);
	ear->seen = seen_open(NULL, &rc, error, sizeof(error));
	ear->seen_strangers = seen_open(NULL, &rc, error, sizeof(error));
	ear->answers = answers_new(ear->clock, ear->ctx);
}

void
receive_release(struct ear *ear)
{
	seen_close(ear->seen);
	seen_close(ear->seen_strangers);
	answers_free(ear->answers);
}
