/* SPDX-License-Identifier: ISC */
/*
 * fuzz_pairing.c: any peer and any program against pairing, at any point of it.
 *
 * A line of the input is one event; its first character says which, the rest is its text:
 *     p t   an IQ set by one of two peers, with that inside    c g   a set, a get by a program
 *     a e n the oldest of our requests gets that result, that error, no answer
 *     1 2   the first peer goes as far as the digits on the screen; as our nonce
 *     3     a program begins, and the other end goes as far as its digits
 *     x     the stream of the visitor ends
 *     k     time passes      u   a URI      s   a name
 * Nobody sends what only the right digits or the token give: nobody may be paired with.
 */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "pairing_impl.h"
#include "trust/pairing.h"

#define EVENTS_MAX   64
#define REQUESTS_MAX 64
#define PEER         "phone@sofa.local"
#define OTHER        "tv@box.local"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct request {
	ear_answer_fn *fn;
	void *arg;
};

struct ear {
	xmpp_ctx_t *ctx;
	struct ear_clock *clock;
	void *state;
	struct request requests[REQUESTS_MAX];
	size_t request_count;
	int holds, pairings;
	char text[EAR_PAIRING_TEXT]; /* of the last answer, when it was that short */
	struct pairing *peer, *box;
	ear_event_fn *watch;
	void *watch_arg;
	bool gone; /* the stream of the visitor */
};

struct ear_hold {
	struct ear *ear;
};

struct ear_pairing {
	struct ear *ear;
	struct pairing *pairing;
};

static const struct ear_key ours = { { 1 } }, theirs = { { 2 } };
static const unsigned char exporter[PAIRING_EXPORTER_BYTES];

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
note(struct ear *ear, xmpp_stanza_t *payload)
{
	const char *text = payload == NULL ? NULL : ear_text(payload);

	ear->text[0] = '\0';
	if (text != NULL)
		(void)copy_text(ear->text, sizeof(ear->text), text);
	if (payload != NULL)
		xmpp_stanza_release(payload);
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
	return NULL;
}

const char *
ear_self(struct ear *ear, enum ear_link_kind link)
{
	return OTHER;
}

void
ear_set_state(struct ear *ear, const struct ear_xep *xep, void *state)
{
	ear->state = state;
}

void *
ear_state(struct ear *ear, const struct ear_xep *xep)
{
	return ear->state;
}

const struct ear_key *
ear_own_key(struct ear *ear)
{
	return &ours;
}

const char *
ear_device_name(struct ear *ear)
{
	return "box";
}

void
ear_request_by(struct ear *ear, enum ear_link_kind only, xmpp_stanza_t *iq, int64_t usec,
	       ear_answer_fn *fn, void *arg)
{
	must(only == EAR_LINK_LAN && ear->request_count < REQUESTS_MAX);
	ear->requests[ear->request_count++] = (struct request){ fn, arg };
	note(ear, xmpp_stanza_clone(ear_first(iq)));
	xmpp_stanza_release(iq);
}

void
ear_request_forget(struct ear *ear, const void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < ear->request_count; i++)
		if (ear->requests[i].arg != arg)
			ear->requests[kept++] = ear->requests[i];
	ear->request_count = kept;
}

enum ear_verdict
ear_reply(const struct ear_in *in, xmpp_stanza_t *payload)
{
	note(in->ear, payload);
	return EAR_DONE;
}

enum ear_verdict
ear_fail(const struct ear_in *in, enum ear_verdict condition, const char *format, ...)
{
	note(in->ear, NULL);
	return EAR_DONE;
}

struct ear_hold *
ear_hold(const struct ear_in *in)
{
	struct ear_hold *hold = xalloc(sizeof(*hold));

	hold->ear = in->ear;
	hold->ear->holds++;
	return hold;
}

void
ear_hold_reply(struct ear_hold *hold, xmpp_stanza_t *payload)
{
	hold->ear->holds--;
	note(hold->ear, payload);
	free(hold);
}

void
ear_hold_fail(struct ear_hold *hold, enum ear_verdict condition, const char *text)
{
	must(text != NULL);
	ear_hold_reply(hold, NULL);
}

struct ear_pairing *
ear_pairing_new(struct ear *ear, const char *address, bool initiator, int *error)
{
	struct ear_pairing *made = xalloc(sizeof(*made));

	made->ear = ear;
	made->pairing = pairing_new(initiator, initiator ? &ours : &theirs,
				    initiator ? &theirs : &ours, exporter);
	ear->pairings++;
	return made;
}

void
ear_pairing_free(struct ear_pairing *pairing)
{
	if (pairing == NULL)
		return;
	pairing->ear->pairings--;
	pairing_free(pairing->pairing);
	free(pairing);
}

bool
ear_pairing_is_alive(const struct ear_pairing *pairing)
{
	return !pairing->ear->gone;
}

void
ear_watch(struct ear *ear, ear_event_fn *fn, void *arg)
{
	ear->watch = fn;
	ear->watch_arg = arg;
}

void
ear_unwatch(struct ear *ear, ear_event_fn *fn, void *arg)
{
	must(ear->watch == fn && ear->watch_arg == arg);
	ear->watch = NULL;
}

const struct ear_key *
ear_pairing_key(const struct ear_pairing *pairing)
{
	return &theirs;
}

int
ear_pairing_commit(struct ear_pairing *p, char out[EAR_PAIRING_TEXT])
{
	return pairing_commit(p->pairing, out);
}

int
ear_pairing_take_commit(struct ear_pairing *p, const char *commit)
{
	return pairing_take_commit(p->pairing, commit);
}

int
ear_pairing_nonce(struct ear_pairing *p, char out[EAR_PAIRING_TEXT])
{
	return pairing_nonce(p->pairing, out);
}

int
ear_pairing_code(struct ear_pairing *p, const char *nonce, char out[EAR_CODE_SIZE])
{
	return pairing_code(p->pairing, nonce, out);
}

int
ear_pairing_proof(struct ear_pairing *p, const char *code, char out[EAR_PAIRING_TEXT])
{
	return pairing_proof(p->pairing, code, out);
}

int
ear_pairing_take_proof(struct ear_pairing *p, const char *proof)
{
	return pairing_take_proof(p->pairing, proof);
}

int
ear_pairing_take_nonce(struct ear_pairing *p, const char *nonce, char out[EAR_PAIRING_TEXT])
{
	return pairing_take_nonce(p->pairing, nonce, out);
}

int
ear_pairing_take_salt(struct ear_pairing *p, const char *salt)
{
	return pairing_take_salt(p->pairing, salt);
}

int
ear_pairing_token_proof(struct ear_pairing *p, const struct ear_key *key, const char *token,
			char out[EAR_PAIRING_TEXT])
{
	return pairing_token_proof(p->pairing, key, token, out);
}

int
ear_pairing_take_token(struct ear_pairing *p, const char *token, const char *proof)
{
	return pairing_take_token(p->pairing, token, proof);
}

/* Reached by nobody but an initiator whose token its URI names, which no input is to be given. */
int
ear_pairing_done(struct ear_pairing *p, const char *name)
{
	must(strlen(name) < PAIRING_NAME_SIZE);
	abort();
}

/* --- events --------------------------------------------------------------------------------- */

static void
handle(struct ear *ear, struct ear_in *in, enum ear_stanza_kind kind)
{
	const struct ear_rule *rule = ear_xep_pairing.rules;

	for (; rule->kind != EAR_END; rule++) {
		in->payload = ear_find(in->stanza, rule->name, rule->ns);
		/* As policy has it: programs of this machine, or peers. */
		if (rule->kind == kind && in->payload != NULL &&
		    (rule->verb == EAR_VERB_ADMIN) == (in->link == EAR_LINK_LOCAL)) {
			(void)rule->handler(in);
			return;
		}
	}
}

static xmpp_stanza_t *
stanza_of(struct ear *ear, const char *type, const char *from, const char *xml)
{
	char *text =
		xasprintf("<iq xmlns='jabber:client' type='%s' from='%s'>%s</iq>", type, from, xml);
	xmpp_stanza_t *stanza = xmpp_stanza_new_from_string(ear->ctx, text);

	free(text);
	return stanza;
}

static void
request(struct ear *ear, enum ear_link_kind link, const char *from, const char *type,
	const char *xml)
{
	xmpp_stanza_t *stanza = stanza_of(ear, type, from, xml);
	struct ear_in in = { .ear = ear, .stanza = stanza, .from = from, .link = link };

	if (stanza == NULL)
		return;
	handle(ear, &in, strcmp(type, "set") == 0 ? EAR_IQ_SET : EAR_IQ_GET);
	xmpp_stanza_release(stanza);
}

static void
answer(struct ear *ear, const char *type, int error, const char *xml)
{
	xmpp_stanza_t *stanza = stanza_of(ear, type, OTHER, xml);
	struct ear_answer got = { .error = error, .stanza = stanza, .link = EAR_LINK_LAN };
	struct request request;

	if (stanza != NULL && ear->request_count > 0) {
		request = ear->requests[0];
		memmove(ear->requests, ear->requests + 1,
			--ear->request_count * sizeof(ear->requests[0]));
		if (error != 0 && error != -EREMOTEIO)
			got.stanza = NULL;
		request.fn(request.arg, &got);
	}
	if (stanza != NULL)
		xmpp_stanza_release(stanza);
}

/* A text in an element of pairing. */
static void
say(char *out, size_t size, const char *name, const char *text)
{
	snprintf(out, size, "<%s xmlns='" EAR_NS_PAIRING "'>%s</%s>", name, text, name);
}

static void
visit(struct ear *ear, bool further)
{
	char text[EAR_PAIRING_TEXT], xml[256];

	pairing_free(ear->peer);
	ear->peer = pairing_new(true, &theirs, &ours, exporter);
	request(ear, EAR_LINK_LAN, PEER, "set", "<pair xmlns='" EAR_NS_PAIRING "'/>");
	if (pairing_take_commit(ear->peer, ear->text) != 0 || pairing_nonce(ear->peer, text) != 0)
		return;
	say(xml, sizeof(xml), "nonce", text);
	request(ear, EAR_LINK_LAN, PEER, "set", xml);
	if (!further || pairing_proof(ear->peer, "000000", text) != 0)
		return;
	say(xml, sizeof(xml), "proof", text);
	request(ear, EAR_LINK_LAN, PEER, "set", xml);
}

static void
ask(struct ear *ear)
{
	char text[EAR_PAIRING_TEXT], code[EAR_CODE_SIZE], xml[256];

	while (ear->request_count > 0)
		answer(ear, "result", -ETIMEDOUT, "");
	pairing_free(ear->box);
	ear->box = pairing_new(false, &ours, &theirs, exporter);
	request(ear, EAR_LINK_LOCAL, PEER, "set",
		"<pair xmlns='" EAR_NS_CONTROL "' address='" OTHER "'/>");
	if (pairing_commit(ear->box, text) != 0)
		return;
	say(xml, sizeof(xml), "commit", text);
	answer(ear, "result", 0, xml);
	if (pairing_code(ear->box, ear->text, code) == 0)
		answer(ear, "result", 0, "");
}

static void
read_uri(const char *text)
{
	struct pair_uri uri, again;
	char out[4 * PAIRING_URI_MAX];

	if (pair_uri_parse(text, &uri) != 0)
		return;
	must(pair_uri_format(uri.address, &uri.key, uri.token, out, sizeof(out)) == 0);
	if (strlen(out) > PAIRING_URI_MAX)
		return;
	must(pair_uri_parse(out, &again) == 0 && strcmp(uri.address, again.address) == 0 &&
	     ear_key_equal(&uri.key, &again.key) && strcmp(uri.token, again.token) == 0);
}

static void
read_name(const char *text)
{
	char once[PAIRING_NAME_SIZE], twice[PAIRING_NAME_SIZE];

	pair_clean(text, PAIRING_NAME_MAX, once, sizeof(once));
	pair_clean(once, PAIRING_NAME_MAX, twice, sizeof(twice));
	must(strcmp(once, twice) == 0);
}

static void
end_stream(struct ear *ear)
{
	const struct ear_event event = { .kind = EAR_STREAM_ENDED, .address = PEER };

	ear->gone = true;
	ear->watch(ear->watch_arg, &event);
	ear->gone = false;
}

static void
event(struct ear *ear, char what, const char *text)
{
	switch (what) {
	case 'p':
	case 't':
		request(ear, EAR_LINK_LAN, what == 'p' ? PEER : OTHER, "set", text);
		break;
	case 'c':
	case 'g':
		request(ear, EAR_LINK_LOCAL, PEER, what == 'c' ? "set" : "get", text);
		break;
	case 'a':
		answer(ear, "result", 0, text);
		break;
	case 'e':
		answer(ear, "error", -EREMOTEIO, text);
		break;
	case 'n':
		answer(ear, "result", -ETIMEDOUT, "");
		break;
	case '1':
	case '2':
		visit(ear, what == '2');
		break;
	case '3':
		ask(ear);
		break;
	case 'x':
		end_stream(ear);
		break;
	case 'k':
		clock_advance(ear->clock, atoi(text) % 1000 * EAR_SEC);
		break;
	case 'u':
		read_uri(text);
		break;
	case 's':
		read_name(text);
		break;
	}
	must(ear->pairings <= 1 + PAIRING_ASKS_MAX);
	must(ear->holds <= PAIRING_POLLS_MAX + PAIRING_ASKS_MAX);
}

static void
run(struct ear *ear, char *text)
{
	char *next;

	for (int i = 0; text != NULL && i < EVENTS_MAX; i++, text = next) {
		next = strchr(text, '\n');
		if (next != NULL)
			*next++ = '\0';
		if (*text != '\0')
			event(ear, *text, text + 1);
		if (ear->request_count > REQUESTS_MAX / 2)
			answer(ear, "result", -ETIMEDOUT, "");
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct ear ear = { .ctx = xmpp_ctx_new(NULL, NULL), .clock = clock_new_fake() };

	ear_log_set_level(EAR_LOG_ERROR);
	memcpy(text, data, size);
	text[size] = '\0';
	must(ear_xep_pairing.start(&ear) == 0);
	run(&ear, text);
	clock_advance(ear.clock, 3600 * EAR_SEC);
	while (ear.request_count > 0)
		answer(&ear, "result", -ETIMEDOUT, "");
	must(ear.holds == 0 && ear.pairings == 0); /* nothing waits for ever */
	ear_xep_pairing.stop(&ear);
	pairing_free(ear.peer);
	pairing_free(ear.box);
	clock_free(ear.clock);
	xmpp_ctx_free(ear.ctx);
	free(text);
	return 0;
}
