/* SPDX-License-Identifier: ISC */
/* buttons.c: the remote control of a media player (EAR_NS_BUTTONS, xep/buttons.md). */
#include <errno.h>

#include <earshot/ear.h>

#include "asked.h"
#include "player_state.h"
#include "press.h"
#include "press_value.h"

static void
on_pressed(void *arg, enum ear_verdict condition, const char *text,
	   const struct ear_player_state *state, bool acted)
{
	struct asked *asked = arg;

	if (condition == EAR_DONE)
		ear_hold_reply(asked->hold, player_state_element(asked->ear, state));
	else if (condition != EAR_PASS)
		ear_hold_fail(asked->hold, condition, text);
	free(asked);
}

static enum ear_verdict
press(const struct ear_in *in, const struct ear_press *press)
{
	press_do(in, xmpp_stanza_get_id(in->payload), press, on_pressed, asked_new(in));
	return EAR_DONE;
}

static enum ear_verdict
on_press(const struct ear_in *in)
{
	const char *button = xmpp_stanza_get_attribute(in->payload, "button");
	const char *value = xmpp_stanza_get_attribute(in->payload, "value");
	struct ear_press parsed;

	if (button == NULL)
		return ear_fail(in, EAR_BAD_REQUEST, "no button");
	switch (press_parse(button, value, &parsed)) {
	case 0:
		return press(in, &parsed);
	case -ENOENT:
		return ear_fail(in, EAR_ITEM_NOT_FOUND, "no such button");
	case -ERANGE:
		return ear_fail(in, EAR_NOT_ACCEPTABLE, "value out of range");
	}
	return ear_fail(in, EAR_BAD_REQUEST, "%s: %s", ear_button_name(parsed.button),
			value == NULL ? "needs a value" : "does not take this value");
}

static enum ear_verdict
on_key(const struct ear_in *in)
{
	const char *name = xmpp_stanza_get_attribute(in->payload, "name");
	const char *motion = xmpp_stanza_get_attribute(in->payload, "motion");
	struct ear_press parsed;

	if (name == NULL)
		return ear_fail(in, EAR_BAD_REQUEST, "no name of a key");
	switch (press_parse_key(name, motion, &parsed)) {
	case 0:
		return press(in, &parsed);
	case -ENOENT:
		return ear_fail(in, EAR_ITEM_NOT_FOUND, "no such key");
	}
	return ear_fail(in, EAR_BAD_REQUEST, "no such motion");
}

static enum ear_verdict
on_state(const struct ear_in *in)
{
	press_look(in, on_pressed, asked_new(in));
	return EAR_DONE;
}

static const char *const features[] = { EAR_NS_BUTTONS, NULL };

static const struct ear_rule rules[] = {
	{ EAR_IQ_SET, EAR_NS_BUTTONS, "press", on_press, EAR_VERB_BUTTONS },
	{ EAR_IQ_SET, EAR_NS_BUTTONS, "key", on_key, EAR_VERB_BUTTONS },
	{ EAR_IQ_GET, EAR_NS_BUTTONS, "state", on_state, EAR_VERB_STATE },
	{ 0 },
};

const struct ear_xep ear_xep_buttons = {
	.number = "-",
	.name = "buttons",
	.features = features,
	.rules = rules,
};
