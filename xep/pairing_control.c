/* SPDX-License-Identifier: ISC */
/*
 * pairing_control.c: pairing, for programs of this machine's owner (EAR_NS_CONTROL; see control.c
 * for what is common to all of it).
 *
 * set <pair address='A'/>
 *     -> <pair address='A' key='fingerprint of the other end' name='livingroom'/>, when the other
 *     end shows its digits. They are to come within 60 s:
 * set <pair address='A' code='123456'/>
 *     -> <paired address='A' name='livingroom' key='...'/>
 *     Blanks between the digits are passed over. What is not six digits is bad-request and may be
 *     tried again; wrong digits end the pairing.
 * set <pair address='A' cancel='true'/>
 *     -> empty. Ends what this device asked of A, or what A asked of this device.
 * set <pair uri='xmpp:tv@box.local?pair;key=...;token=...'/>
 *     -> <paired address='...' name='...' key='...'/>
 *     Errors: item-not-found nobody there; not-authorized digits or token wrong, or refused by the
 *     other side; resource-constraint the other side is busy or has seen too many attempts, or too
 *     many are under way here; remote-server-timeout it does not answer; feature-not-implemented it
 *     knows no pairing; unexpected-request no digits are waited for; bad-request; jid-malformed.
 *
 * get <pairings [after='N']/>
 *     -> <pairings serial='N' [self='tv@box.local']>
 *          <pairing address='phone@sofa.local' name='phone' code='123456' expires-us='...'/>?
 *        </pairings>
 *     Who wants to be paired with this device, at self, and the digits to show. With `after` the
 * answer comes when serial is no longer that, or after 20 s.
 *
 * set <pairings reset='true'/>
 *     -> empty. Somebody is at this device: failed attempts count no longer, others may ask again.
 *
 * set <token/>
 *     -> <token uri='xmpp:...' expires-us='600000000'/>
 *     The token serves once; a new one makes the one before void. Resets as above.
 */
#include <errno.h>
#include <inttypes.h>

#include "memory.h"
#include "pairing_impl.h"

/* A program that waits for news. */
struct poll {
	struct ring item; /* first: a ring's item is its poll */
	struct pair_state *state;
	struct ear_hold *hold;
	struct ear_timer timer;
};

/* The digits without blanks; what is longer than a code is none. */
static void
digits_of(const char *text, char out[2 * EAR_CODE_SIZE])
{
	size_t used = 0;

	for (; *text != '\0' && used < 2 * EAR_CODE_SIZE - 1; text++)
		if (*text != ' ')
			out[used++] = *text;
	out[used] = '\0';
}

static enum ear_verdict
pair_by_code(const struct ear_in *in, const char *address, const char *code)
{
	char digits[2 * EAR_CODE_SIZE];
	enum ear_verdict verdict;

	digits_of(code, digits);
	verdict = ask_code(in, address, digits);
	explicit_bzero(digits, sizeof(digits));
	return verdict;
}

static enum ear_verdict
pair_cancelled(const struct ear_in *in, const char *address)
{
	struct pair_state *state = pair_state(in->ear);
	bool asked = ask_give_up(state, address);

	if (!visit_send_away(state, address) && !asked)
		return ear_fail(in, EAR_ITEM_NOT_FOUND, "no pairing with that address");
	return ear_reply(in, NULL);
}

static enum ear_verdict
pair_by_uri(const struct ear_in *in, const char *text)
{
	struct pair_uri uri;
	enum ear_verdict verdict;

	if (pair_uri_parse(text, &uri) != 0)
		return ear_fail(in, EAR_BAD_REQUEST,
				"not a URI like xmpp:tv@box.local?pair;key=...;token=...");
	verdict = ask_token(in, uri.address, &uri.key, uri.token);
	explicit_bzero(&uri, sizeof(uri));
	return verdict;
}

static bool
is_true(const struct ear_in *in, const char *attribute)
{
	const char *value = xmpp_stanza_get_attribute(in->payload, attribute);

	return value != NULL && strcmp(value, "true") == 0;
}

enum ear_verdict
control_on_pair(const struct ear_in *in)
{
	const char *uri = xmpp_stanza_get_attribute(in->payload, "uri");
	const char *code = xmpp_stanza_get_attribute(in->payload, "code");
	const char *to = xmpp_stanza_get_attribute(in->payload, "address");
	const char *self = ear_self(in->ear, EAR_LINK_LAN);
	char address[EAR_JID_SIZE];

	if (uri != NULL)
		return pair_by_uri(in, uri);
	if (to == NULL)
		return ear_fail(in, EAR_BAD_REQUEST, "no address");
	if (ear_jid_bare(to, address, sizeof(address)) != 0)
		return EAR_JID_MALFORMED;
	if (is_true(in, "cancel"))
		return pair_cancelled(in, address);
	if (!ear_jid_is_lan(address))
		return ear_fail(in, EAR_ITEM_NOT_FOUND,
				"pairing needs the other device's address on the LAN, as `earshot "
				"peers` lists it");
	if (self != NULL && strcmp(address, self) == 0)
		return ear_fail(in, EAR_BAD_REQUEST, "that is this device: say which other one");
	return code != NULL ? pair_by_code(in, address, code) : ask_begin(in, address);
}

static xmpp_stanza_t *
pairings_element(struct pair_state *state)
{
	xmpp_stanza_t *list = ear_element(ear_ctx(state->ear), "pairings", EAR_NS_CONTROL);
	const char *self = ear_self(state->ear, EAR_LINK_LAN);
	const struct visit *visit = &state->visit;
	xmpp_stanza_t *one;

	ear_set(list, "serial", "%lu", state->serial);
	if (self != NULL)
		ear_set(list, "self", "%s", self);
	if (visit->code[0] == '\0')
		return list;
	one = ear_child(list, "pairing", EAR_NS_CONTROL);
	ear_set(one, "address", "%s", visit->peer);
	ear_set(one, "name", "%s", visit->name);
	ear_set(one, "code", "%s", visit->code);
	ear_set(one, "expires-us", "%" PRId64, visit->ends_at - ear_now(ear_clock(state->ear)));
	return list;
}

static void
poll_free(struct poll *poll)
{
	ring_del(&poll->item);
	poll->state->poll_count--;
	ear_timer_stop(&poll->timer);
	free(poll);
}

static void
poll_end(void *arg)
{
	struct poll *poll = arg;
	struct pair_state *state = poll->state;
	struct ear_hold *hold = poll->hold;

	poll_free(poll);
	ear_hold_reply(hold, pairings_element(state));
}

static enum ear_verdict
poll_begin(const struct ear_in *in)
{
	struct pair_state *state = pair_state(in->ear);
	struct poll *poll;

	if (state->poll_count == PAIRING_POLLS_MAX)
		return ear_fail(in, EAR_RESOURCE_CONSTRAINT, "%d programs wait already",
				PAIRING_POLLS_MAX);
	poll = xep_alloc(sizeof(*poll));
	poll->state = state;
	poll->hold = ear_hold(in);
	ear_timer_init(&poll->timer, ear_clock(in->ear), poll_end, poll);
	ear_timer_set(&poll->timer, PAIRING_POLL_TIME);
	ring_add(&state->polls, &poll->item);
	state->poll_count++;
	return EAR_DONE;
}

enum ear_verdict
control_on_pairings(const struct ear_in *in)
{
	struct pair_state *state = pair_state(in->ear);
	const char *after = xmpp_stanza_get_attribute(in->payload, "after");
	unsigned long serial = 0;
	char *end = NULL;

	if (after != NULL) {
		errno = 0;
		serial = strtoul(after, &end, 10);
		if (*after < '0' || *after > '9' || *end != '\0' || errno != 0)
			return ear_fail(in, EAR_BAD_REQUEST, "after is no number");
	}
	if (after != NULL && serial == state->serial)
		return poll_begin(in);
	return ear_reply(in, pairings_element(state));
}

enum ear_verdict
control_on_reset(const struct ear_in *in)
{
	if (!is_true(in, "reset"))
		return ear_fail(in, EAR_BAD_REQUEST, "reset is not true");
	visit_forgive(pair_state(in->ear));
	return ear_reply(in, NULL);
}

enum ear_verdict
control_on_token(const struct ear_in *in)
{
	struct pair_state *state = pair_state(in->ear);
	const char *self = ear_self(in->ear, EAR_LINK_LAN);
	char uri[PAIRING_URI_MAX + 1];
	xmpp_stanza_t *element;

	if (self == NULL)
		return ear_fail(in, EAR_ITEM_NOT_FOUND, "this device has no address on the LAN");
	visit_forgive(state);
	token_make(state);
	if (pair_uri_format(self, ear_own_key(in->ear), state->token.text, uri, sizeof(uri)) != 0) {
		token_wipe(state);
		return ear_fail(in, EAR_INTERNAL_SERVER_ERROR, "our address is too long");
	}
	element = ear_element(ear_ctx(in->ear), "token", EAR_NS_CONTROL);
	ear_set(element, "uri", "%s", uri);
	ear_set(element, "expires-us", "%" PRId64, PAIRING_TOKEN_TIME);
	explicit_bzero(uri, sizeof(uri));
	return ear_reply(in, element);
}

/* Those who wait are answered from the next turn of the loop, with what is true then. */
void
control_news(struct pair_state *state)
{
	state->serial++;
	for (struct ring *r = state->polls.next; r != &state->polls; r = r->next)
		ear_timer_set(&((struct poll *)r)->timer, 0);
}

/* What is kept is answered by the engine, which stops. */
void
control_release(struct pair_state *state)
{
	while (state->polls.next != &state->polls)
		poll_free((struct poll *)state->polls.next);
}
