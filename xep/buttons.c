/* SPDX-License-Identifier: ISC */
/*
 * buttons.c: the media player's remote control (EAR_NS_BUTTONS).
 *
 * set <press xmlns='urn:earshot:buttons:0' button='B' [value='V']/>
 * get <state xmlns='urn:earshot:buttons:0'/>
 *     -> <state xmlns='urn:earshot:buttons:0' player='mpv' playback='stopped|playing|paused'
 *               [title='...'] [position='12.345'] [duration='634.571'] [volume='70']
 *               muted='true|false' seekable='true|false'/>
 *
 * Both are answered with the player's state, a press after the player has confirmed it. Position
 * and duration are seconds with three decimals, volume is per cent; an attribute whose value is
 * unknown is absent. Other attributes and children may come: pass over them.
 *
 *     button                                    value
 *     play pause playpause stop next previous   none
 *     seek                                      "90", "90.5": seconds from the start;
 *                                               "+10", "-10.25": from where it is
 *     volume                                    "70": per cent; "+5", "-5": from where it is
 *     mute                                      "on", "off", "toggle"; none is toggle
 *
 * Errors, each with a text for people:
 *     bad-request               no button; a value that is none, missing, or not wanted
 *     item-not-found            no such button; no player there
 *     not-acceptable            value out of range; a press in a delayed, forwarded or
 * carbon-copied stanza (who pressed and when is then hearsay) feature-not-implemented   this player
 * has no such button unexpected-request        the player refused: nothing to play, no next item,
 * cannot seek remote-server-timeout     the player does not answer internal-server-error     the
 * player answered nonsense resource-constraint       too many presses are waiting
 *     recipient-unavailable     this engine stops
 */
#include <errno.h>
#include <inttypes.h>

#include <earshot/ear.h>

#include "delay.h"
#include "memory.h"
#include "press_value.h"

/* A request that waits for the player. The player calls back in any case, maybe after stop(). */
struct waiting {
	struct buttons *buttons;
	struct ear_hold *hold;
	struct waiting *next, *prev;
};

extern const struct ear_xep ear_xep_buttons;

struct buttons {
	struct ear *ear;
	struct waiting all; /* head of a ring */
};

/* What an error of the player becomes on the wire. */
static const struct fault {
	int error;
	enum ear_verdict condition;
	const char *text;
} faults[] = {
	{ -ENODEV, EAR_ITEM_NOT_FOUND, "no player" },
	{ -ETIMEDOUT, EAR_REMOTE_SERVER_TIMEOUT, "the player does not answer" },
	{ -EOPNOTSUPP, EAR_FEATURE_NOT_IMPLEMENTED, "this player has no such button" },
	{ -ERANGE, EAR_NOT_ACCEPTABLE, "value out of range" },
	{ -EREMOTEIO, EAR_UNEXPECTED_REQUEST, "the player refused" },
	{ -ENOBUFS, EAR_RESOURCE_CONSTRAINT, "too many presses are waiting for the player" },
	{ -ECANCELED, EAR_RECIPIENT_UNAVAILABLE, "stopping" },
	{ -EPROTO, EAR_INTERNAL_SERVER_ERROR, "the player answered nonsense" },
};

static const struct fault *
fault_of(int error)
{
	const size_t count = sizeof(faults) / sizeof(faults[0]);
	size_t i;

	for (i = 0; i < count - 1; i++)
		if (faults[i].error == error)
			break;
	return &faults[i];
}

static void
set_seconds(xmpp_stanza_t *element, const char *name, int64_t usec)
{
	if (usec >= 0)
		ear_set(element, name, "%" PRId64 ".%03" PRId64, usec / EAR_SEC,
			usec % EAR_SEC / EAR_MSEC);
}

static xmpp_stanza_t *
state_element(struct ear *ear, const struct ear_player_state *state)
{
	xmpp_stanza_t *element = ear_element(ear_ctx(ear), "state", EAR_NS_BUTTONS);

	ear_set(element, "player", "%s", ear_player_kind(ear_player(ear)));
	ear_set(element, "playback", "%s", ear_playback_name(state->playback));
	if (state->title[0] != '\0')
		ear_set(element, "title", "%s", state->title);
	set_seconds(element, "position", state->position_us);
	set_seconds(element, "duration", state->duration_us);
	if (state->volume >= 0)
		ear_set(element, "volume", "%d", state->volume);
	ear_set_flag(element, "muted", state->muted);
	ear_set_flag(element, "seekable", state->seekable);
	return element;
}

static void
waiting_free(struct waiting *waiting)
{
	waiting->next->prev = waiting->prev;
	waiting->prev->next = waiting->next;
	free(waiting);
}

static void
on_player(void *arg, int error, const struct ear_player_state *state)
{
	struct waiting *waiting = arg;
	const struct fault *fault;

	if (waiting->buttons == NULL) { /* stopped in the meantime: the hold is gone */
		free(waiting);
		return;
	}
	if (error == 0) {
		ear_hold_reply(waiting->hold, state_element(waiting->buttons->ear, state));
	} else {
		fault = fault_of(error);
		ear_hold_fail(waiting->hold, fault->condition, fault->text);
	}
	waiting_free(waiting);
}

static struct waiting *
waiting_new(const struct ear_in *in)
{
	struct buttons *buttons = ear_state(in->ear, &ear_xep_buttons);
	struct waiting *waiting = xep_alloc(sizeof(*waiting));

	waiting->buttons = buttons;
	waiting->hold = ear_hold(in);
	waiting->next = &buttons->all;
	waiting->prev = buttons->all.prev;
	waiting->prev->next = waiting;
	buttons->all.prev = waiting;
	return waiting;
}

static enum ear_verdict
refuse(const struct ear_in *in, int error)
{
	const struct fault *fault = fault_of(error);

	return ear_fail(in, fault->condition, "%s", fault->text);
}

static enum ear_verdict
on_press(const struct ear_in *in)
{
	const char *button = xmpp_stanza_get_attribute(in->payload, "button");
	const char *value = xmpp_stanza_get_attribute(in->payload, "value");
	struct ear_press press;

	if (delay_is_hearsay(in))
		return ear_fail(in, EAR_NOT_ACCEPTABLE,
				"a press must not be delayed, forwarded or a carbon copy");
	if (button == NULL)
		return ear_fail(in, EAR_BAD_REQUEST, "no button");
	switch (press_parse(button, value, &press)) {
	case 0:
		break;
	case -ENOENT:
		return ear_fail(in, EAR_ITEM_NOT_FOUND, "no such button");
	case -ERANGE:
		return refuse(in, -ERANGE);
	default:
		return ear_fail(in, EAR_BAD_REQUEST, "%s: %s", ear_button_name(press.button),
				value == NULL ? "needs a value" : "does not take this value");
	}
	if (ear_player(in->ear) == NULL)
		return refuse(in, -ENODEV);
	ear_player_press(ear_player(in->ear), &press, on_player, waiting_new(in));
	return EAR_DONE;
}

static enum ear_verdict
on_state(const struct ear_in *in)
{
	if (ear_player(in->ear) == NULL)
		return refuse(in, -ENODEV);
	ear_player_state(ear_player(in->ear), on_player, waiting_new(in));
	return EAR_DONE;
}

static int
start(struct ear *ear)
{
	struct buttons *buttons = xep_alloc(sizeof(*buttons));

	buttons->ear = ear;
	buttons->all.next = buttons->all.prev = &buttons->all;
	ear_set_state(ear, &ear_xep_buttons, buttons);
	return 0;
}

static void
stop(struct ear *ear)
{
	struct buttons *buttons = ear_state(ear, &ear_xep_buttons);

	for (struct waiting *w = buttons->all.next; w != &buttons->all; w = w->next)
		w->buttons = NULL;
	ear_set_state(ear, &ear_xep_buttons, NULL);
	free(buttons);
}

static const char *const features[] = { EAR_NS_BUTTONS, NULL };

static const struct ear_rule rules[] = {
	{ EAR_IQ_SET, EAR_NS_BUTTONS, "press", on_press, EAR_VERB_BUTTONS },
	{ EAR_IQ_GET, EAR_NS_BUTTONS, "state", on_state, EAR_VERB_STATE },
	{ 0 },
};

const struct ear_xep ear_xep_buttons = {
	.number = "-",
	.name = "buttons",
	.features = features,
	.rules = rules,
	.start = start,
	.stop = stop,
};
