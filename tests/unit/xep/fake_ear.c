/* SPDX-License-Identifier: ISC */
/* fake_ear.c: the contract of <earshot/ear.h> without an engine. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "core/disco.h"
#include "fake_ear.h"
#include "registry.h"
#include "store/db.h"
#include "store/store.h"

struct ear_hold {
	struct ear *ear;
	xmpp_stanza_t *stanza;
	struct ear_hold *next;
};

static struct ear_hold *held; /* of the one engine that a test has */

static void
keep(xmpp_stanza_t **slot, xmpp_stanza_t *stanza)
{
	if (*slot != NULL)
		xmpp_stanza_release(*slot);
	*slot = stanza;
}

static void
answer(struct ear *ear, xmpp_stanza_t *stanza)
{
	ear->answers++;
	keep(&ear->answer, stanza);
}

static xmpp_stanza_t *
result(xmpp_stanza_t *request, xmpp_stanza_t *payload)
{
	xmpp_stanza_t *stanza = ear_answer_to(request, "result");

	if (payload != NULL)
		xmpp_stanza_add_child_ex(stanza, payload, 0);
	return stanza;
}

xmpp_ctx_t *
ear_ctx(struct ear *ear)
{
	return ear->ctx;
}

struct ear_clock *
ear_clock(struct ear *ear)
{
	return ear->clock;
}

struct ear_player *
ear_player(struct ear *ear)
{
	return ear->player;
}

bool
ear_player_takes_words(struct ear *ear)
{
	return ear->player != NULL && !ear->no_words;
}

size_t
ear_nodes_per_owner(struct ear *ear)
{
	return ear->nodes_per_owner;
}

/* As the default configuration has it. */
static bool
may(enum ear_level level, enum ear_verb verb)
{
	static const enum ear_level needed[EAR_VERB_COUNT] = {
		[EAR_VERB_OTHER] = EAR_PROVED,    [EAR_VERB_QUERY] = EAR_PLAIN,
		[EAR_VERB_CHAT] = EAR_PLAIN,      [EAR_VERB_STATE] = EAR_KEYED,
		[EAR_VERB_BUTTONS] = EAR_TRUSTED, [EAR_VERB_SUBSCRIBE] = EAR_PROVED,
		[EAR_VERB_PUBLISH] = EAR_PROVED,  [EAR_VERB_PAIR] = EAR_KEYED,
		[EAR_VERB_ADMIN] = EAR_TRUSTED,
	};

	return level >= needed[verb];
}

bool
ear_may(const struct ear_in *in, enum ear_verb verb)
{
	return may(in->level, verb);
}

bool
ear_may_by_server(struct ear *ear, const char *address, enum ear_verb verb)
{
	return may(ear->by_server, verb);
}

enum ear_level
ear_level_by_server(struct ear *ear, const char *address)
{
	return ear->by_server;
}

int64_t
ear_held_up(const struct ear_in *in)
{
	return in->ear->held_up;
}

char *
ear_metrics(struct ear *ear)
{
	return xstrdup(FAKE_METRICS);
}

const struct ear_xep *const *
ear_xeps(struct ear *ear)
{
	return ear_xeps_all;
}

const char *
ear_self(struct ear *ear, enum ear_link_kind link)
{
	return ear->self[link];
}

static size_t
index_of(const struct ear_xep *xep)
{
	for (size_t i = 0; ear_xeps_all[i] != NULL; i++)
		if (ear_xeps_all[i] == xep)
			return i;
	fail_msg("not in the registry: %s", xep->name);
	return 0;
}

void
ear_set_state(struct ear *ear, const struct ear_xep *xep, void *state)
{
	ear->states[index_of(xep)] = state;
}

void *
ear_state(struct ear *ear, const struct ear_xep *xep)
{
	return ear->states[index_of(xep)];
}

uint64_t
ear_mark(struct ear *ear)
{
	return (uint64_t)ear->sends;
}

bool
ear_has_left(struct ear *ear, const char *to, uint64_t mark)
{
	return !ear->stuck;
}

bool
ear_only_by_server(struct ear *ear, const char *address)
{
	return ear->only_by_server;
}

static bool
has_rendered(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *e = ear_first(stanza);

	while (e != NULL && !ear_is_rendered(e))
		e = ear_next(e);
	return e != NULL;
}

/* As it is read at the other end. Consumes it. */
static xmpp_stanza_t *
as_read(struct ear *ear, xmpp_stanza_t *stanza)
{
	char *text;
	xmpp_stanza_t *read;

	if (!has_rendered(stanza))
		return stanza;
	text = ear_render(stanza, SIZE_MAX);
	read = ear_parse(ear->ctx, text);
	assert_non_null(read);
	free(text);
	xmpp_stanza_release(stanza);
	return read;
}

int
ear_send(struct ear *ear, xmpp_stanza_t *stanza)
{
	stanza = as_read(ear, stanza);
	ear->sends++;
	if (ear->box_count == FAKE_SENT) {
		xmpp_stanza_release(ear->box[0]);
		memmove(&ear->box[0], &ear->box[1], --ear->box_count * sizeof(ear->box[0]));
	}
	ear->box[ear->box_count++] = xmpp_stanza_clone(stanza);
	keep(&ear->sent, stanza);
	return ear->send_error;
}

enum ear_verdict
ear_reply(const struct ear_in *in, xmpp_stanza_t *payload)
{
	answer(in->ear, result(in->stanza, payload));
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
	answer(in->ear, ear_error_to(in->stanza, condition, text));
	return EAR_DONE;
}

enum ear_verdict
ear_fail_with(const struct ear_in *in, enum ear_verdict condition, const char *type,
	      xmpp_stanza_t *specific, const char *text)
{
	answer(in->ear, ear_error_add(ear_error_to(in->stanza, condition, text), type, specific));
	return EAR_DONE;
}

struct ear_hold *
ear_hold(const struct ear_in *in)
{
	struct ear_hold *hold = xalloc(sizeof(*hold));

	hold->ear = in->ear;
	hold->stanza = xmpp_stanza_clone(in->stanza);
	hold->next = held;
	held = hold;
	in->ear->holds++;
	return hold;
}

static void
hold_end(struct ear_hold *hold, xmpp_stanza_t *stanza)
{
	struct ear_hold **at = &held;

	while (*at != hold)
		at = &(*at)->next;
	*at = hold->next;
	hold->ear->holds--;
	answer(hold->ear, stanza);
	xmpp_stanza_release(hold->stanza);
	free(hold);
}

void
ear_hold_reply(struct ear_hold *hold, xmpp_stanza_t *payload)
{
	hold_end(hold, result(hold->stanza, payload));
}

void
ear_hold_fail(struct ear_hold *hold, enum ear_verdict condition, const char *text)
{
	hold_end(hold, ear_error_to(hold->stanza, condition, text));
}

void
ear_hold_fail_with(struct ear_hold *hold, enum ear_verdict condition, const char *type,
		   xmpp_stanza_t *specific, const char *text)
{
	hold_end(hold, ear_error_add(ear_error_to(hold->stanza, condition, text), type, specific));
}

void
ear_hold_fail_showing(struct ear_hold *hold, enum ear_verdict condition, xmpp_stanza_t *payload,
		      const char *text)
{
	hold_end(hold, ear_error_showing(hold->stanza, condition, payload, text));
}

xmpp_stanza_t *
ear_disco_info(struct ear *ear, const char *node)
{
	return disco_info(ear->ctx, ear_xeps_all, ear->store != NULL, "fake", node);
}

const char *
ear_caps_ver(struct ear *ear)
{
	return "QgayPKawpkPSDYmwT/WM94uAlu0=";
}

void
ear_caps_ver_of(xmpp_stanza_t *query, char *out)
{
	disco_ver(query, out, EAR_CAPS_VER_SIZE);
}

void
ear_each_path(struct ear *ear, const char *to, ear_path_fn *fn, void *arg)
{
	ear->asked = to == NULL ? NULL : "one";
	for (size_t i = 0; i < ear->path_count; i++)
		if (to == NULL || strcmp(to, ear->paths[i].to) == 0)
			fn(arg, &ear->paths[i]);
}

void
ear_each_peer(struct ear *ear, const char *address, ear_peer_fn *fn, void *arg)
{
	ear->asked = address == NULL ? NULL : "one";
	for (size_t i = 0; i < ear->peer_count; i++)
		if (address == NULL || strcmp(address, ear->peers[i].address) == 0)
			fn(arg, &ear->peers[i]);
}

void
ear_watch(struct ear *ear, ear_event_fn *fn, void *arg)
{
	for (size_t i = 0; i < FAKE_WATCHES; i++)
		if (ear->watches[i].fn == NULL) {
			ear->watches[i] = (struct fake_watch){ fn, arg };
			return;
		}
	fail_msg("more than %d watch", FAKE_WATCHES);
}

void
ear_unwatch(struct ear *ear, ear_event_fn *fn, void *arg)
{
	for (size_t i = 0; i < FAKE_WATCHES; i++)
		if (ear->watches[i].fn == fn && ear->watches[i].arg == arg) {
			ear->watches[i] = (struct fake_watch){ 0 };
			return;
		}
	fail_msg("nobody watches");
}

void
fake_tell(struct ear *ear, enum ear_event_kind kind, const char *address)
{
	struct ear_event event = { kind, address, EAR_LINK_SERVER };

	for (size_t i = 0; i < FAKE_WATCHES; i++)
		if (ear->watches[i].fn != NULL)
			ear->watches[i].fn(ear->watches[i].arg, &event);
}

static struct ear *
new_engine(const struct db_kind *stores)
{
	struct db_config in_memory = { 0 };
	struct ear *ear = xalloc(sizeof(*ear));
	char error[256];

	ear->ctx = xmpp_ctx_new(NULL, NULL);
	ear->clock = clock_new_fake();
	ear->level = EAR_TRUSTED;
	ear->link = EAR_LINK_LOCAL;
	ear->by_server = EAR_PROVED;
	ear->nodes_per_owner = EAR_NODES_MAX;
	ear->trust.device_name = "livingroom";
	if (stores != NULL)
		assert_int_equal(store_new(NULL, ear->clock, stores, &in_memory, &ear->store, error,
					   sizeof(error)),
				 0);
	for (size_t i = 0; ear_xeps_all[i] != NULL; i++)
		if (ear_xeps_all[i]->start != NULL)
			assert_int_equal(ear_xeps_all[i]->start(ear), 0);
	return ear;
}

struct ear *
fake_new(void)
{
	return new_engine(NULL);
}

struct ear *
fake_new_with_store(void)
{
	return new_engine(&db_sqlite);
}

struct ear *
fake_new_with(const struct db_kind *kind)
{
	return new_engine(kind);
}

struct ear_store *
ear_store(struct ear *ear)
{
	return ear->store;
}

void
fake_stop(struct ear *ear)
{
	for (size_t i = 0; ear_xeps_all[i] != NULL; i++) {
		if (ear_xeps_all[i]->stop != NULL)
			ear_xeps_all[i]->stop(ear);
		assert_null(ear->states[i]);
	}
	assert_int_equal(ear->request_count, 0); /* whoever asks, forgets when it stops */
	while (held != NULL)
		ear_hold_fail(held, EAR_RECIPIENT_UNAVAILABLE, "the engine stops");
}

void
fake_clear(struct ear *ear)
{
	while (ear->box_count > 0)
		xmpp_stanza_release(ear->box[--ear->box_count]);
	keep(&ear->sent, NULL);
	ear->sends = 0;
}

void
fake_free(struct ear *ear)
{
	keep(&ear->answer, NULL);
	keep(&ear->sent, NULL);
	fake_forget_kept(ear);
	fake_clear(ear);
	store_free(ear->store);
	clock_free(ear->clock);
	xmpp_ctx_free(ear->ctx);
	free(ear);
}

static bool
rule_takes(const struct ear_rule *rule, struct ear_in *in, enum ear_stanza_kind kind)
{
	if (rule->kind != kind)
		return false;
	in->payload = rule->ns == NULL ? NULL : ear_find(in->stanza, rule->name, rule->ns);
	return rule->ns == NULL || in->payload != NULL;
}

/* The first rule that takes it and does not pass. */
static enum ear_verdict
walk(struct ear *ear, struct ear_in *in, enum ear_stanza_kind kind)
{
	enum ear_verdict verdict = EAR_PASS;

	for (size_t i = 0; ear_xeps_all[i] != NULL; i++)
		for (const struct ear_rule *rule = ear_xeps_all[i]->rules;
		     rule != NULL && rule->kind != EAR_END; rule++) {
			if (!rule_takes(rule, in, kind))
				continue;
			ear->rule = rule;
			verdict = rule->handler(in);
			if (verdict != EAR_PASS)
				return verdict;
		}
	return EAR_SERVICE_UNAVAILABLE;
}

xmpp_stanza_t *
fake_ask_to(struct ear *ear, const char *type, const char *from, const char *to, const char *xml)
{
	char *text = xasprintf("<iq xmlns='jabber:client' type='%s' id='%d' from='%s'>%s</iq>",
			       type, ++ear->asks, from, xml);
	xmpp_stanza_t *stanza = xmpp_stanza_new_from_string(ear->ctx, text);
	struct ear_in in = { .ear = ear, .stanza = stanza, .from = from, .to = to };
	enum ear_verdict verdict;

	free(text);
	assert_non_null(stanza);
	in.id = xmpp_stanza_get_id(stanza);
	keep(&ear->answer, NULL);
	ear->rule = NULL;
	in.level = ear->level;
	in.link = ear->link;
	in.link_serial = ear->link_serial;
	verdict = walk(ear, &in, strcmp(type, "set") == 0 ? EAR_IQ_SET : EAR_IQ_GET);
	if (verdict != EAR_DONE)
		answer(ear, ear_error_to(stanza, verdict, NULL));
	xmpp_stanza_release(stanza);
	return ear->answer;
}

xmpp_stanza_t *
fake_ask(struct ear *ear, const char *type, const char *from, const char *xml)
{
	return fake_ask_to(ear, type, from, NULL, xml);
}

static bool
is_error(xmpp_stanza_t *stanza)
{
	const char *type = xmpp_stanza_get_type(stanza);

	return type != NULL && strcmp(type, "error") == 0;
}

static enum ear_verdict
give_message(struct ear *ear, enum ear_stanza_kind kind, const char *from, const char *xml)
{
	xmpp_stanza_t *stanza = xmpp_stanza_new_from_string(ear->ctx, xml);
	struct ear_in in = { .ear = ear, .stanza = stanza, .from = from };
	enum ear_verdict verdict;

	assert_non_null(stanza);
	in.to = xmpp_stanza_get_to(stanza);
	in.id = xmpp_stanza_get_id(stanza);
	in.level = ear->level;
	in.link = ear->link;
	verdict = walk(ear, &in, kind);
	xmpp_stanza_release(stanza);
	return verdict == EAR_SERVICE_UNAVAILABLE ? EAR_PASS : verdict;
}

static enum ear_stanza_kind
kind_of(xmpp_stanza_t *stanza)
{
	if (strcmp(xmpp_stanza_get_name(stanza), "presence") == 0)
		return EAR_PRESENCE;
	return is_error(stanza) ? EAR_MESSAGE_ERROR : EAR_MESSAGE;
}

enum ear_verdict
fake_message(struct ear *ear, const char *from, const char *xml)
{
	xmpp_stanza_t *stanza = xmpp_stanza_new_from_string(ear->ctx, xml);
	enum ear_stanza_kind kind;

	assert_non_null(stanza);
	kind = kind_of(stanza);
	xmpp_stanza_release(stanza);
	return give_message(ear, kind, from, xml);
}

enum ear_verdict
fake_message_left(struct ear *ear, const char *from, const char *xml)
{
	return give_message(ear, EAR_MESSAGE_LEFT, from, xml);
}

bool
fake_refused(struct ear *ear, enum ear_verdict condition)
{
	return ear->answer != NULL && strcmp(fake_attribute(ear->answer, "type"), "error") == 0 &&
	       ear_condition_of(ear->answer) == condition;
}

xmpp_stanza_t *
fake_result(struct ear *ear)
{
	assert_non_null(ear->answer);
	assert_string_equal(fake_attribute(ear->answer, "type"), "result");
	assert_in_range(atoi(fake_attribute(ear->answer, "id")), 1, ear->asks);
	return ear_first(ear->answer);
}

const char *
fake_attribute(xmpp_stanza_t *element, const char *name)
{
	const char *value;

	assert_non_null(element);
	value = xmpp_stanza_get_attribute(element, name);
	return value == NULL ? "" : value;
}

size_t
fake_children(xmpp_stanza_t *element)
{
	size_t count = 0;

	for (xmpp_stanza_t *e = ear_first(element); e != NULL; e = ear_next(e))
		count++;
	return count;
}
