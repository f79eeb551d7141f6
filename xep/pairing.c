/* SPDX-License-Identifier: ISC */
/*
 * pairing.c: two devices, one code, no server (EAR_NS_PAIRING): the rules, and what its parts
 * share.
 *
 * All steps are IQ sets by the encrypted direct stream of the two devices, each a child of
 * EAR_NS_PAIRING; texts are base64 as <earshot/trust.h> says, names are for people.
 *
 *     initiator -> responder       answer
 *     <pair name='phone'/>         <commit name='livingroom'>commit</commit>
 *     <nonce>nonce</nonce>         empty, and the responder shows six digits
 *     <proof>proof</proof>         <nonce>nonce</nonce>
 *     <salt>salt</salt>            <paired name='livingroom'/>
 *
 *     <token proof='proof' name='phone'/>     <paired name='livingroom'/>
 *
 * Either may end it by set <cancel/>, which is answered empty. Errors, each with a text for people:
 *     resource-constraint   somebody else is being paired, or too many attempts failed; the text
 *                           says how long that lasts
 *     unexpected-request    not a step that is due, or not from who began on that stream
 *     not-authorized        wrong digits, wrong token; it has ended
 *     bad-request           not base64 of the right length; it has ended
 *     item-not-found        no token is valid
 *     policy-violation      the stream is not encrypted
 *     not-allowed           not a direct stream, or a delayed, forwarded or carbon-copied step
 */
#include "memory.h"
#include "pairing_impl.h"

xmpp_stanza_t *
pair_element(struct ear *ear, const char *element, const char *name, const char *text)
{
	xmpp_stanza_t *made = ear_element(ear_ctx(ear), element, EAR_NS_PAIRING);
	xmpp_stanza_t *data;

	if (name != NULL)
		ear_set(made, "name", "%s", name);
	if (text == NULL)
		return made;
	data = xep_check(xmpp_stanza_new(ear_ctx(ear)));
	if (xmpp_stanza_set_text(data, text) != XMPP_EOK ||
	    xmpp_stanza_add_child_ex(made, data, 0) != XMPP_EOK)
		(void)xep_check(NULL);
	return made;
}

const char *
pair_text(xmpp_stanza_t *element)
{
	const char *text = ear_text(element);

	return text == NULL ? "" : text;
}

static void
on_cancelled(void *arg, const struct ear_answer *answer)
{
}

void
pair_cancel(struct ear *ear, const char *address)
{
	xmpp_stanza_t *iq = ear_stanza(ear_ctx(ear), "iq", "set", address, NULL);

	ear_child(iq, "cancel", EAR_NS_PAIRING);
	ear_request_by(ear, EAR_LINK_LAN, iq, 0, on_cancelled, pair_state(ear));
}

static enum ear_verdict
on_cancel(const struct ear_in *in)
{
	bool visited = visit_take_cancel(in);

	if (!ask_take_cancel(in) && !visited)
		return ear_fail(in, EAR_UNEXPECTED_REQUEST, "no pairing with you is under way");
	return ear_reply(in, NULL);
}

static int
start(struct ear *ear)
{
	struct pair_state *state = xep_alloc(sizeof(*state));

	state->ear = ear;
	ring_init(&state->asks);
	ring_init(&state->polls);
	ear_set_state(ear, &ear_xep_pairing, state);
	visit_init(state);
	return 0;
}

static void
stop(struct ear *ear)
{
	struct pair_state *state = pair_state(ear);

	control_release(state);
	ask_release_all(state);
	visit_release(state);
	token_wipe(state);
	ear_request_forget(ear, state);
	ear_set_state(ear, &ear_xep_pairing, NULL);
	free(state);
}

static const char *const features[] = { EAR_NS_PAIRING, NULL };

static const struct ear_rule rules[] = {
	{ EAR_IQ_SET, EAR_NS_PAIRING, "pair", visit_on_pair, EAR_VERB_PAIR },
	{ EAR_IQ_SET, EAR_NS_PAIRING, "nonce", visit_on_nonce, EAR_VERB_PAIR },
	{ EAR_IQ_SET, EAR_NS_PAIRING, "proof", visit_on_proof, EAR_VERB_PAIR },
	{ EAR_IQ_SET, EAR_NS_PAIRING, "salt", visit_on_salt, EAR_VERB_PAIR },
	{ EAR_IQ_SET, EAR_NS_PAIRING, "cancel", on_cancel, EAR_VERB_PAIR },
	{ EAR_IQ_SET, EAR_NS_PAIRING, "token", token_on_proof, EAR_VERB_PAIR },
	{ EAR_IQ_SET, EAR_NS_CONTROL, "pair", control_on_pair, EAR_VERB_ADMIN },
	{ EAR_IQ_GET, EAR_NS_CONTROL, "pairings", control_on_pairings, EAR_VERB_ADMIN },
	{ EAR_IQ_SET, EAR_NS_CONTROL, "pairings", control_on_reset, EAR_VERB_ADMIN },
	{ EAR_IQ_SET, EAR_NS_CONTROL, "token", control_on_token, EAR_VERB_ADMIN },
	{ 0 },
};

const struct ear_xep ear_xep_pairing = {
	.number = "-",
	.name = "pairing",
	.features = features,
	.rules = rules,
	.start = start,
	.stop = stop,
};
