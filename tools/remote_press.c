/* SPDX-License-Identifier: ISC */
/* remote_press.c: presses on their way: several at once, none for longer than it lives. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "remote.h"

#define SLACK (500 * EAR_MSEC) /* for the answer to a press that came at the last moment */

static void
on_pressed(void *arg, const struct answer *answer)
{
	struct remote_press *press = arg;
	struct remote *remote = press->remote;
	bool is_late = press->box != remote->box;
	xmpp_stanza_t *state = NULL;
	char *label = press->label;

	*press = (struct remote_press){ 0 };
	remote->dirty = true;
	if (answer->code == EXIT_DONE)
		state = ear_find(answer->stanza, "state", EAR_NS_BUTTONS);
	if (is_late)
		; /* of a box that nobody looks at any more */
	else if (answer->code != EXIT_DONE)
		remote_say_refusal(remote, label, answer);
	else if (state != NULL)
		remote_take_state(remote, state);
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

void
remote_press(struct remote *remote, const char *button, const char *value)
{
	struct remote_press *press;
	bool is_open = strcmp(button, ear_button_name(EAR_OPEN)) == 0;
	char *label;

	if (remote->address == NULL)
		return;
	label = value == NULL || is_open ? xstrdup(button) : xasprintf("%s %s", button, value);
	press = take(remote, label);
	if (press == NULL) {
		free(label);
		return;
	}
	*press = (struct remote_press){ remote, remote->box, label };
	if (asks_send(remote->asks, request(remote, button, value), REMOTE_LIFE + SLACK, on_pressed,
		      press) != 0) {
		*press = (struct remote_press){ 0 };
		remote_say(remote, true, "%s: not sent: the daemon of this machine is not there",
			   label);
		free(label);
	}
	remote->dirty = true;
}

size_t
remote_presses(const struct remote *remote)
{
	size_t n = 0;

	for (size_t i = 0; i < REMOTE_PRESSES_MAX; i++)
		n += remote->presses[i].label != NULL;
	return n;
}
