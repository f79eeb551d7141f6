/* SPDX-License-Identifier: ISC */
/* examine.c: tries what ear_examine() tells of: asks by multicast, connects, pings. */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/diagnose.h"
#include "core/request.h"
#include "core/route.h"

#define TICK       (50 * EAR_MSEC)
#define ECHO_WAIT  (1 * EAR_SEC)     /* RFC 6762 §6: answers take 20 to 120 ms, some 500 */
#define KNOCK_WAIT (2500 * EAR_MSEC) /* a second SYN leaves after a second */

struct ear_examination {
	struct ear *ear;
	char *address; /* NULL: only this engine */
	ear_check_fn *fn;
	ear_examined_fn *done;
	void *arg;
	struct ear_timer tick;
	int64_t begun, until;
	struct event_base *base;
	struct findings found;
};

/* --- trying ------------------------------------------------------------------------------- */

static void
try_multicast(struct ear_examination *e, const struct net *nets, size_t count)
{
	struct findings *found = &e->found;

	for (size_t i = 0; i < count; i++) {
		if (net_state(&nets[i]) != NET_WORKS)
			continue;
		copy_text(found->net_names[found->echo_count], IF_NAMESIZE, nets[i].name);
		found->echoes[found->echo_count++] = echo_new(e->base, &nets[i]);
	}
}

static void
try_own_port(struct ear_examination *e, const struct net *net, unsigned port)
{
	struct findings *found = &e->found;

	for (size_t i = 0; i < net->count && found->own_count < FINDINGS_KNOCKS; i++) {
		struct sockaddr_storage to = net->addresses[i];
		bool four = to.ss_family == AF_INET;

		if (four)
			((struct sockaddr_in *)&to)->sin_port = htons((uint16_t)port);
		else
			((struct sockaddr_in6 *)&to)->sin6_port = htons((uint16_t)port);
		found->own[found->own_count++] =
			knock_new(e->base, (struct sockaddr *)&to,
				  four ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
	}
}

static void
try_engine(struct ear_examination *e)
{
	struct diagnosis look;

	diagnosis_init(&look, e->ear, e->fn, e->arg);
	e->base = look.facts.base;
	if (e->base != NULL) {
		try_multicast(e, look.nets, look.net_count);
		for (size_t i = 0; i < look.net_count && look.facts.port != 0; i++)
			if (net_state(&look.nets[i]) == NET_WORKS ||
			    net_state(&look.nets[i]) == NET_NO_MULTICAST)
				try_own_port(e, &look.nets[i], look.facts.port);
	}
}

/* As soon as it is there. */
static void
try_server(struct ear_examination *e)
{
	const struct ear *ear = e->ear;

	if (e->found.server_asked || ear->server == NULL || ear->server->state != LINK_UP ||
	    ear->reach->server_ask == NULL)
		return;
	e->found.server_asked = true;
	ear->reach->server_ask(ear->reach_arg);
}

/* A host's name may have to be looked up first. */
static void
try_their_port(struct ear_examination *e)
{
	const struct dest *dest = e->address == NULL ? NULL : dest_find(e->ear, e->address);
	struct sockaddr_storage targets[FINDINGS_KNOCKS];
	socklen_t lengths[FINDINGS_KNOCKS];
	size_t n;

	if (dest == NULL || dest->lan == NULL || e->found.their_count > 0)
		return;
	n = route_targets(e->ear, dest->lan, targets, lengths, FINDINGS_KNOCKS);
	for (size_t i = 0; i < n && e->base != NULL; i++)
		e->found.theirs[e->found.their_count++] =
			knock_new(e->base, (struct sockaddr *)&targets[i], lengths[i]);
}

/* --- asking ------------------------------------------------------------------------------- */

static void
take_answer(struct asked *asked, const struct ear_answer *answer)
{
	const char *text = NULL;

	asked->done = true;
	asked->error = answer->error;
	asked->rtt = answer->rtt_us;
	asked->link = answer->link;
	if (answer->error == -EREMOTEIO) {
		asked->condition = ear_condition_of(answer->stanza);
		text = ear_error_text_of(answer->stanza);
		if (text == NULL)
			text = ear_condition_name(asked->condition);
	} else if (answer->error == -ETIMEDOUT) {
		text = "no answer in time";
	} else if (answer->error != 0) {
		route_condition(answer->error, &text);
	}
	copy_text(asked->text, sizeof(asked->text), text == NULL ? "" : text);
}

static void
on_lan(void *arg, const struct ear_answer *answer)
{
	struct ear_examination *e = arg;

	take_answer(&e->found.by_lan, answer);
}

static void
on_server(void *arg, const struct ear_answer *answer)
{
	struct ear_examination *e = arg;

	take_answer(&e->found.by_server, answer);
}

static void
on_press(void *arg, const struct ear_answer *answer)
{
	struct ear_examination *e = arg;

	take_answer(&e->found.press, answer);
}

static int64_t
time_left(const struct ear_examination *e)
{
	int64_t left = e->until - ear_now(e->ear->clock) - TICK;

	return left > EAR_MSEC ? left : EAR_MSEC;
}

static void
ask(struct ear_examination *e, struct asked *asked, const char *type, const char *name,
    const char *ns, enum ear_link_kind only, ear_answer_fn *fn)
{
	xmpp_stanza_t *iq = ear_stanza(e->ear->ctx, "iq", type, e->address, NULL);

	ear_child(iq, name, ns);
	asked->asked = true;
	request_send(e->ear, iq, only, time_left(e), fn, e);
}

static void
try_address(struct ear_examination *e)
{
	struct dest *dest = dest_get(e->ear, e->address);
	bool server = dest != NULL && dest->jid != NULL && e->ear->server != NULL;

	if (dest != NULL && dest->lan != NULL) {
		try_their_port(e);
		ask(e, &e->found.by_lan, "get", "ping", EAR_NS_PING, EAR_LINK_LAN, on_lan);
	}
	if (server)
		ask(e, &e->found.by_server, "get", "ping", EAR_NS_PING, EAR_LINK_SERVER, on_server);
}

/* A press of no button does nothing; but who may not press is told so first. */
static void
try_press(struct ear_examination *e)
{
	if (!e->found.press.asked &&
	    (asked_is_answered(&e->found.by_lan) || asked_is_answered(&e->found.by_server)))
		ask(e, &e->found.press, "set", "press", EAR_NS_BUTTONS, EAR_LINK_NONE, on_press);
}

/* --- waiting ------------------------------------------------------------------------------ */

static bool
is_answered(const struct asked *asked)
{
	return !asked->asked || asked->done;
}

static bool
echoes_wait(const struct ear_examination *e, int64_t age)
{
	for (size_t i = 0; age < ECHO_WAIT && i < e->found.echo_count; i++) {
		const struct echo_heard *heard = echo_heard(e->found.echoes[i]);

		if (heard->error == 0 && (!heard->own || heard->others == 0))
			return true;
	}
	return false;
}

static bool
knocks_wait(struct knock *const *knocks, size_t count, int64_t age)
{
	for (size_t i = 0; age < KNOCK_WAIT && i < count; i++)
		if (knock_result(knocks[i]) == -EINPROGRESS)
			return true;
	return false;
}

/* What has just begun to start is given its time. */
static bool
engine_waits(const struct ear_examination *e)
{
	struct core_facts facts = { 0 };
	struct ear *ear = e->ear;

	if (ear->reach->describe != NULL)
		ear->reach->describe(ear->reach_arg, &facts);
	if (ear->conf->lan_enabled && facts.mdns_trouble == MDNS_STARTING)
		return true;
	if (ear->server == NULL)
		return false;
	if (ear->server->state == LINK_UP)
		return e->found.server_asked && ear->reach->server_owes(ear->reach_arg);
	return ear->reach->server_failure(ear->reach_arg)[0] == '\0';
}

static bool
waits(const struct ear_examination *e)
{
	const struct findings *found = &e->found;
	int64_t age = ear_now(e->ear->clock) - e->begun;

	return echoes_wait(e, age) || knocks_wait(found->own, found->own_count, age) ||
	       knocks_wait(found->theirs, found->their_count, age) ||
	       !is_answered(&found->by_lan) || !is_answered(&found->by_server) ||
	       !is_answered(&found->press) || engine_waits(e);
}

static void
release(struct ear_examination *e)
{
	struct findings *found = &e->found;

	ear_timer_stop(&e->tick);
	ear_request_forget(e->ear, e);
	for (size_t i = 0; i < found->echo_count; i++)
		echo_free(found->echoes[i]);
	for (size_t i = 0; i < found->own_count; i++)
		knock_free(found->own[i]);
	for (size_t i = 0; i < found->their_count; i++)
		knock_free(found->theirs[i]);
	free(e->address);
	free(e);
}

static void
tell(struct ear_examination *e)
{
	struct diagnosis diagnosis;

	diagnosis_init(&diagnosis, e->ear, e->fn, e->arg);
	diagnosis.found = &e->found;
	diagnose_engine(&diagnosis);
	if (e->address != NULL)
		diagnose_address(&diagnosis, e->address);
}

static void
on_tick(void *arg)
{
	struct ear_examination *e = arg;

	try_server(e);
	try_their_port(e);
	try_press(e);
	if (ear_now(e->ear->clock) < e->until && waits(e)) {
		ear_timer_set(&e->tick, TICK);
		return;
	}
	tell(e);
	e->done(e->arg);
	release(e);
}

struct ear_examination *
ear_examine(struct ear *ear, const char *address, int64_t usec, ear_check_fn *fn,
	    ear_examined_fn *done, void *arg)
{
	struct ear_examination *e = xalloc(sizeof(*e));

	e->ear = ear;
	e->address = xstrdup(address);
	e->fn = fn;
	e->done = done;
	e->arg = arg;
	e->begun = ear_now(ear->clock);
	e->until = e->begun + usec;
	ear_timer_init(&e->tick, ear->clock, on_tick, e);
	ear_timer_set(&e->tick, TICK);
	try_engine(e);
	try_server(e);
	if (address != NULL)
		try_address(e);
	return e;
}

void
ear_examination_drop(struct ear_examination *examination)
{
	release(examination);
}
