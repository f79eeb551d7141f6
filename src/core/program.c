/* SPDX-License-Identifier: ISC */
/* program.c: the programs of this machine: their requests and messages out, answers and messages
 * in. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/delivery.h"
#include "core/hold.h"
#include "core/post.h"
#include "core/program.h"
#include "core/request.h"
#include "core/route.h"
#include "core/sent.h"

#define DESTS_PER_FLUSH 64

struct program {
	struct ear *ear;
	char *address;
	bool available;                 /* wants messages */
	bool follows;                   /* wants what others publish (XEP-0060 §7.1.2) */
	char *sent_to[DESTS_PER_FLUSH]; /* since the last flush; the oldest is overwritten */
	unsigned sent_count;
	xmpp_stanza_t *flush; /* the request that waits, or NULL */
};

/* A request of a program that is under way. */
struct ask {
	struct ear *ear;
	char *program;
	xmpp_stanza_t *iq; /* as the program sent it */
};

static struct program *
program_find(struct ear *ear, const char *address)
{
	return map_get(ear->programs, address);
}

static void
mark(xmpp_stanza_t *stanza, enum ear_link_kind link, int64_t rtt, const char *level)
{
	xmpp_stanza_t *via = ear_child(stanza, "via", EAR_NS_CONTROL);

	ear_set(via, "link", "%s", ear_link_name(link));
	if (rtt >= 0)
		ear_set(via, "rtt-us", "%lld", (long long)rtt);
	if (level != NULL)
		ear_set(via, "level", "%s", level);
}

/* Consumes the stanza. */
static bool
hand_over(struct ear *ear, const char *address, xmpp_stanza_t *stanza)
{
	struct link *link = ear->reach->local_find(ear->reach_arg, address);

	xmpp_stanza_set_to(stanza, address);
	if (link != NULL && core_send(ear, link, stanza) == 0)
		return true;
	xmpp_stanza_release(stanza);
	return false;
}

void
program_add(struct ear *ear, struct link *link)
{
	struct program *program = xalloc(sizeof(*program));

	program->ear = ear;
	program->address = xstrdup(link->peer);
	map_set(ear->programs, program->address, program);
}

static void
forget_sent(struct program *program)
{
	for (unsigned i = 0; i < DESTS_PER_FLUSH; i++) {
		free(program->sent_to[i]);
		program->sent_to[i] = NULL;
	}
	program->sent_count = 0;
}

void
program_remove(struct ear *ear, struct link *link)
{
	struct program *program = map_del(ear->programs, link->peer);

	if (program == NULL)
		return;
	forget_sent(program);
	if (program->flush != NULL)
		xmpp_stanza_release(program->flush);
	free(program->address);
	free(program);
}

/* --- out ---------------------------------------------------------------------------------- */

/* The path that the program asks for; EAR_LINK_NONE: the shortest. */
static enum ear_link_kind
wanted_path(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *route = ear_find(stanza, "route", EAR_NS_CONTROL);
	const char *path = route == NULL ? NULL : xmpp_stanza_get_attribute(route, "path");

	if (path != NULL && strcmp(path, "lan") == 0)
		return EAR_LINK_LAN;
	return path != NULL && strcmp(path, "server") == 0 ? EAR_LINK_SERVER : EAR_LINK_NONE;
}

static void
ask_free(struct ask *ask)
{
	xmpp_stanza_release(ask->iq);
	free(ask->program);
	free(ask);
}

static xmpp_stanza_t *
failure_of(const struct ask *ask, int error)
{
	const char *text;
	enum ear_verdict condition = route_condition(error, &text);
	xmpp_stanza_t *stanza = ear_error_to(ask->iq, condition, text);

	if (error == -ETIME)
		expires_tell(stanza);
	return stanza;
}

static void
on_ask_answer(void *arg, const struct ear_answer *answer)
{
	struct ask *ask = arg;
	xmpp_stanza_t *stanza;

	if (answer->stanza != NULL) {
		stanza = ear_copy_without(answer->stanza, EAR_NS_CONTROL);
		xmpp_stanza_set_id(stanza, xmpp_stanza_get_id(ask->iq));
		xmpp_stanza_set_from(stanza, xmpp_stanza_get_to(ask->iq));
		mark(stanza, answer->link, answer->rtt_us, ear_level_name(answer->level));
	} else {
		stanza = failure_of(ask, answer->error);
		mark(stanza, EAR_LINK_NONE, -1, NULL);
	}
	hand_over(ask->ear, ask->program, stanza);
	ask_free(ask);
}

static void
ask_out(struct ear *ear, struct link *link, xmpp_stanza_t *iq, enum ear_link_kind only)
{
	struct ask *ask = xalloc(sizeof(*ask));

	ask->ear = ear;
	ask->program = xstrdup(link->peer);
	ask->iq = xmpp_stanza_copy(iq);
	request_send(ear, expires_stamp(ear, iq), only, 0, on_ask_answer, ask);
}

enum ear_link_kind
program_only(struct ear *ear, xmpp_stanza_t *stanza)
{
	const struct note *note = sent_of(ear, stanza);

	return note == NULL ? EAR_LINK_NONE : note->only;
}

static bool
wants_store(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *route = ear_find(stanza, "route", EAR_NS_CONTROL);
	const char *queue = route == NULL ? NULL : xmpp_stanza_get_attribute(route, "queue");

	return queue != NULL && strcmp(queue, "true") == 0;
}

/* It leaves when it can, and the program waits for no path. Consumes the stanza. */
static void
store(struct ear *ear, struct link *link, xmpp_stanza_t *stanza, enum ear_link_kind only)
{
	char id[17];

	if (xmpp_stanza_get_id(stanza) == NULL) {
		ear_new_id(id);
		xmpp_stanza_set_id(stanza, id);
	}
	post_take(ear, link->peer, stanza, only);
	xmpp_stanza_release(stanza);
}

static void
remember_dest(struct program *program, const char *to)
{
	if (program != NULL)
		xreplace(&program->sent_to[program->sent_count++ % DESTS_PER_FLUSH], to);
}

void
program_out(struct ear *ear, struct link *link, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *copy = ear_copy_without(stanza, EAR_NS_CONTROL);
	enum ear_link_kind only = wanted_path(stanza);
	char id[17];
	int error;

	if (wants_store(stanza)) {
		store(ear, link, copy, only);
		return;
	}
	remember_dest(program_find(ear, link->peer), xmpp_stanza_get_to(copy));
	if (ear_is_request(copy)) {
		ask_out(ear, link, copy, only);
		return;
	}
	if (xmpp_stanza_get_id(copy) == NULL) {
		ear_new_id(id);
		xmpp_stanza_set_id(copy, id);
	}
	copy = delivery_accept(ear, copy);
	sent_note(ear, copy, link->peer, only);
	error = route_out(ear, copy, only);
	if (error != 0)
		route_bounce(ear, copy, error);
}

/* --- in ----------------------------------------------------------------------------------- */

void
program_presence(struct ear *ear, struct link *link, xmpp_stanza_t *stanza)
{
	struct program *program = program_find(ear, link->peer);
	const char *type = xmpp_stanza_get_type(stanza);

	if (program == NULL || (type != NULL && strcmp(type, "unavailable") != 0))
		return;
	if (ear_find(stanza, "events", EAR_NS_CONTROL) != NULL)
		program->follows = type == NULL;
	else
		program->available = type == NULL;
}

static bool
wants(const struct program *program, xmpp_stanza_t *stanza)
{
	return program->available ||
	       (program->follows && ear_find(stanza, "event", EAR_NS_PUBSUB_EVENT) != NULL);
}

bool
program_deliver_to(struct ear *ear, const char *address, const struct ear_in *in, int64_t rtt)
{
	xmpp_stanza_t *copy = ear_copy_without(in->stanza, EAR_NS_CONTROL);

	xmpp_stanza_set_from(copy, in->from);
	mark(copy, in->link, rtt, ear_level_name(in->level));
	return hand_over(ear, address, copy);
}

size_t
program_deliver(struct ear *ear, const struct ear_in *in)
{
	size_t count = 0;

	for (size_t i = map_count(ear->programs); i-- > 0;) {
		struct program *program = map_at(ear->programs, i, NULL);

		if (wants(program, in->stanza) && program_deliver_to(ear, program->address, in, -1))
			count++;
	}
	return count;
}

bool
program_error(struct ear *ear, const struct ear_in *in)
{
	struct note *note = sent_find(ear, in->id, in->from);

	if (note == NULL || note->told)
		return note != NULL;
	note->told = true;
	return program_deliver_to(ear, note->program, in, -1);
}

void
program_maybe(struct ear *ear, xmpp_stanza_t *stanza)
{
	struct note *note = sent_of(ear, stanza);

	if (note != NULL)
		note->maybe = true;
}

bool
program_is_maybe(struct ear *ear, xmpp_stanza_t *stanza)
{
	const struct note *note = sent_of(ear, stanza);

	return note != NULL && note->maybe;
}

bool
program_bounce(struct ear *ear, xmpp_stanza_t *stanza, int reason)
{
	struct note *note = sent_of(ear, stanza);
	enum ear_verdict condition;
	xmpp_stanza_t *error;
	const char *text;

	if (note == NULL || note->told)
		return note != NULL;
	reason = note->maybe ? -ECONNRESET : reason;
	condition = route_condition(reason, &text);
	error = ear_error_to(stanza, condition, text);
	if (error == NULL)
		return false;
	note->told = true;
	if (reason == -ETIME)
		expires_tell(error);
	mark(error, EAR_LINK_NONE, -1, NULL);
	xmpp_stanza_set_from(error, note->to);
	return hand_over(ear, note->program, error);
}

/* --- flush -------------------------------------------------------------------------------- */

static bool
is_under_way(struct ear *ear, const char *address)
{
	struct dest *dest = dest_find(ear, address);
	struct link *link;

	if (dest == NULL)
		return false;
	if (dest_is_waiting(dest) ||
	    (dest->by_server.state == EAR_PATH_OPENING && ear->server->state == LINK_OPENING))
		return true;
	link = dest->lan == NULL ? NULL : ear->reach->lan_find(ear->reach_arg, dest->lan);
	return link != NULL && link->state == LINK_OPENING;
}

/* Answers the <flush/> that waits: with an error unless it is EAR_DONE. */
static void
end_flush(struct program *program, enum ear_verdict verdict, const char *text)
{
	struct ear_in in = { .ear = program->ear,
			     .stanza = program->flush,
			     .from = program->address,
			     .link = EAR_LINK_LOCAL };
	struct link *link =
		program->ear->reach->local_find(program->ear->reach_arg, program->address);

	in.link_serial = link == NULL ? 0 : link->serial;
	program->flush = NULL;
	if (verdict == EAR_DONE)
		ear_reply(&in, NULL);
	else
		ear_fail(&in, verdict, "%s", text);
	xmpp_stanza_release(in.stanza);
}

static void
try_flush(struct program *program)
{
	for (unsigned i = 0; i < DESTS_PER_FLUSH; i++)
		if (program->sent_to[i] != NULL && is_under_way(program->ear, program->sent_to[i]))
			return;
	forget_sent(program);
	end_flush(program, EAR_DONE, NULL);
}

void
program_flush(struct ear *ear, struct link *link, xmpp_stanza_t *iq)
{
	struct program *program = program_find(ear, link->peer);

	if (program == NULL)
		return;
	if (program->flush != NULL)
		end_flush(program, EAR_CONFLICT, "asked again");
	program->flush = xmpp_stanza_copy(iq);
	post_commit(ear);
	try_flush(program);
}

void
program_on_link(struct ear *ear)
{
	for (size_t i = map_count(ear->programs); i-- > 0;) {
		struct program *program = map_at(ear->programs, i, NULL);

		if (program->flush != NULL)
			try_flush(program);
	}
}

void
program_release_all(struct ear *ear)
{
	sent_release(ear);
	while (map_count(ear->programs) > 0) {
		struct program *program = map_at(ear->programs, 0, NULL);
		struct link gone = { .peer = program->address };

		program_remove(ear, &gone);
	}
}
