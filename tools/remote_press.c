/* SPDX-License-Identifier: ISC */
/* remote_press.c: presses on their way: several at once, none for longer than it lives. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "remote.h"

#define SLACK (500 * EAR_MSEC) /* for the answer to a press that came at the last moment */

static void press(struct remote *remote, const char *button, const char *value,
		  struct remote_press instead);

/* Whether it is a key that this kind of player does not know: then it will not know the others. */
static bool
is_unknown_key(struct remote *remote, const struct remote_press *instead,
	       const struct answer *answer)
{
	if (instead->button == NULL || answer->stanza == NULL || answer->code == EXIT_DONE ||
	    ear_condition_of(answer->stanza) != EAR_FEATURE_NOT_IMPLEMENTED)
		return false;
	copy_text(remote->verbs_for, sizeof(remote->verbs_for), remote->view.kind);
	return true;
}

bool
remote_takes_keys(const struct remote *remote)
{
	return remote->has_view && (remote->view.state.can & 1u << EAR_KEY) != 0 &&
	       strcmp(remote->verbs_for, remote->view.kind) != 0;
}

static void
on_pressed(void *arg, const struct answer *answer)
{
	struct remote_press *slot = arg, done = *slot;
	struct remote *remote = done.remote;
	bool is_late = done.box != remote->box;
	xmpp_stanza_t *state = NULL;
	char *label = done.label;

	*slot = (struct remote_press){ 0 };
	remote->dirty = true;
	if (answer->code == EXIT_DONE)
		state = ear_find(answer->stanza, "state", EAR_NS_BUTTONS);
	if (is_late)
		; /* of a box that nobody looks at any more */
	else if (is_unknown_key(remote, &done, answer))
		press(remote, done.button, done.value, (struct remote_press){ 0 });
	else if (answer->code != EXIT_DONE)
		remote_say_refusal(remote, label, answer);
	else if (state != NULL)
		remote_take_state(remote, state, answer->link);
	else
		remote_say(remote, true, "%s: its answer tells no player's state", label);
	free(label);
}

/* A free one; NULL: too many are under way, or too many of the same. */
static struct remote_press *
take(struct remote *remote, const char *label)
{
	struct remote_press *found = NULL;
	unsigned same = 0;

	for (size_t i = 0; i < REMOTE_PRESSES_MAX; i++) {
		struct remote_press *press = &remote->presses[i];

		if (press->label == NULL)
			found = press;
		else if (strcmp(press->label, label) == 0)
			same++;
	}
	return same < REMOTE_SAME_MAX ? found : NULL;
}

static xmpp_stanza_t *
request(const struct remote *remote, const char *button, const char *value)
{
	xmpp_stanza_t *iq = ear_stanza(remote->cli->ctx, "iq", "set", remote->address, NULL);
	bool is_key = strcmp(button, ear_button_name(EAR_KEY)) == 0;
	xmpp_stanza_t *press = ear_child(iq, is_key ? "key" : "press", EAR_NS_BUTTONS);

	ear_set(press, is_key ? "name" : "button", "%s", is_key ? value : button);
	if (!is_key && value != NULL)
		ear_set(press, "value", "%s", value);
	ear_set(ear_child(iq, "expires", EAR_NS_DELIVERY), "ms", "%" PRId64,
		REMOTE_LIFE / EAR_MSEC);
	return iq;
}

static void
press(struct remote *remote, const char *button, const char *value, struct remote_press instead)
{
	struct remote_press *slot;
	bool is_open = strcmp(button, ear_button_name(EAR_OPEN)) == 0;
	char *label;

	if (remote->address == NULL)
		return;
	label = value == NULL || is_open ? xstrdup(button) : xasprintf("%s %s", button, value);
	slot = take(remote, label);
	if (slot == NULL) {
		free(label);
		return;
	}
	*slot = instead;
	slot->remote = remote;
	slot->box = remote->box;
	slot->label = label;
	if (asks_send(remote->asks, request(remote, button, value), REMOTE_LIFE + SLACK, on_pressed,
		      slot) != 0) {
		*slot = (struct remote_press){ 0 };
		remote_say(remote, true, "%s: not sent: the daemon of this machine is not there",
			   label);
		free(label);
	}
	remote->dirty = true;
}

void
remote_press(struct remote *remote, const char *button, const char *value)
{
	press(remote, button, value, (struct remote_press){ 0 });
}

void
remote_press_key(struct remote *remote, const char *key, const char *button, const char *value)
{
	press(remote, ear_button_name(EAR_KEY), key,
	      (struct remote_press){ .button = button, .value = value });
}

size_t
remote_presses(const struct remote *remote)
{
	size_t n = 0;

	for (size_t i = 0; i < REMOTE_PRESSES_MAX; i++)
		n += remote->presses[i].label != NULL;
	return n;
}
