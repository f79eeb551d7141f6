/* SPDX-License-Identifier: ISC */
/*
 * buttons_foaf.c: the Buttons of NoTube (2009), for remotes that still speak it: <query> with a
 * <button/> that holds a code, answered with <nowp-result/>, which holds words for people.
 */
#include <stdio.h>
#include <string.h>

#include <earshot/ear.h>

#include "asked.h"
#include "memory.h"
#include "player_state.h"
#include "press.h"
#include "press_words.h"

#define NS_FOAF   "http://buttons.foaf.tv/"
#define CODE_SIZE 8
#define WORDS_MAX 1024

static xmpp_stanza_t *
result_new(struct ear *ear, const char *words)
{
	xmpp_stanza_t *result = ear_element(ear_ctx(ear), "nowp-result", NS_FOAF);
	xmpp_stanza_t *text = xmpp_stanza_new(ear_ctx(ear));

	xmpp_stanza_set_text(xep_check(text), words);
	xmpp_stanza_add_child_ex(result, text, 0);
	return result;
}

static void
on_player(void *arg, enum ear_verdict condition, const char *text,
	  const struct ear_player_state *state, bool acted)
{
	struct asked *asked = arg;
	char words[WORDS_MAX];

	if (condition == EAR_DONE) {
		player_state_words(state, ear_now(ear_clock(asked->ear)), words, sizeof(words));
		ear_hold_reply(asked->hold, result_new(asked->ear, words));
	} else if (condition != EAR_PASS) {
		ear_hold_fail(asked->hold, condition, text);
	}
	free(asked);
}

/* Case did not matter. */
static const char *
code_of(const struct ear_in *in, char *out, size_t size)
{
	xmpp_stanza_t *button = ear_find(in->payload, "button", NS_FOAF);
	const char *text = button == NULL ? NULL : ear_text(button);
	size_t length = text == NULL ? 0 : strlen(text);

	if (length == 0 || length >= size)
		return NULL;
	for (size_t i = 0; i <= length; i++)
		out[i] = text[i] >= 'a' && text[i] <= 'z' ? text[i] - ('a' - 'A') : text[i];
	return out;
}

static enum ear_verdict
on_query(const struct ear_in *in)
{
	struct press_words words;
	char buffer[CODE_SIZE];
	const char *code = code_of(in, buffer, sizeof(buffer));

	if (code == NULL)
		return ear_fail(in, EAR_BAD_REQUEST, "no button");
	if (press_code_parse(code, &words) != 0)
		return ear_fail(in, EAR_ITEM_NOT_FOUND, "no such button");
	switch (words.kind) {
	case WORDS_PRESS:
		press_do(in, NULL, &words.press, on_player, asked_new(in));
		break;
	case WORDS_NOW:
		press_look(in, on_player, asked_new(in));
		break;
	case WORDS_HELP:
		return ear_reply(in, result_new(in->ear, press_help()));
	}
	return EAR_DONE;
}

static const char *const features[] = { NS_FOAF, NULL };

/* A press needs more than this verb, which is press_do()'s affair. */
static const struct ear_rule rules[] = {
	{ EAR_IQ_SET, NS_FOAF, "query", on_query, EAR_VERB_STATE },
	{ 0 },
};

const struct ear_xep ear_xep_buttons_foaf = {
	.number = "-",
	.name = "buttons of NoTube",
	.features = features,
	.rules = rules,
};
