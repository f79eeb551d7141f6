/* SPDX-License-Identifier: ISC */
/* press_words.c: a press as people write it. */
#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "press_value.h"
#include "press_words.h"

static bool
is_key(char *const *words)
{
	return strcmp(words[0], ear_button_name(EAR_KEY)) == 0;
}

static char *
check_key(char *const *words)
{
	struct ear_press press;

	if (words[1] == NULL)
		return xstrdup("key: which? earshot press -h tells");
	switch (press_parse_key(words[1], words[2], &press)) {
	case 0:
		return NULL;
	case -ENOENT:
		return xasprintf("no key \"%s\"; earshot press -h lists them", words[1]);
	}
	return xasprintf("key: no motion \"%s\": it is down, held, up or press", words[2]);
}

char *
press_words_check(char *const *words)
{
	struct ear_press press;

	if (is_key(words))
		return check_key(words);
	if (words[1] != NULL && words[2] != NULL)
		return xasprintf("%s: one value at most", words[0]);
	switch (press_parse(words[0], words[1], &press)) {
	case 0:
		return NULL;
	case -ENOENT:
		return xasprintf("no button \"%s\"; earshot press -h lists them", words[0]);
	case -ERANGE:
		return xasprintf("%s: \"%s\" is out of range", words[0], words[1]);
	}
	if (words[1] == NULL)
		return xasprintf("%s: needs a value; earshot press -h tells which", words[0]);
	return xasprintf("%s: does not take \"%s\"; earshot press -h tells what", words[0],
			 words[1]);
}

xmpp_stanza_t *
press_words_request(struct cli *cli, const char *address, char *const *words)
{
	xmpp_stanza_t *iq = ear_stanza(cli->ctx, "iq", "set", address, NULL);
	xmpp_stanza_t *press;

	if (is_key(words)) {
		press = ear_child(iq, "key", EAR_NS_BUTTONS);
		ear_set(press, "name", "%s", words[1]);
		if (words[2] != NULL)
			ear_set(press, "motion", "%s", words[2]);
	} else {
		press = ear_child(iq, "press", EAR_NS_BUTTONS);
		ear_set(press, "button", "%s", words[0]);
		if (words[1] != NULL)
			ear_set(press, "value", "%s", words[1]);
	}
	if (!cli->args.has_expires)
		cli->args.expires = PRESS_LIFE;
	cli_expires(cli, iq);
	return iq;
}

static const char *
value_candidate(enum ear_value value, size_t i)
{
	static const char *const switches[] = { "on", "off", "toggle" };

	switch (value) {
	case EAR_VALUE_SWITCH:
		return i < 3 ? switches[i] : NULL;
	case EAR_VALUE_REPEAT:
		return i <= EAR_REPEAT_ONE ? ear_repeat_name(i) : NULL;
	case EAR_VALUE_KEY:
		return i < EAR_KEY_COUNT ? ear_remote_key_name(i) : NULL;
	case EAR_VALUE_TRACK:
		return i == 0 ? "off" : NULL;
	case EAR_VALUE_NONE:
	case EAR_VALUE_TIME:
	case EAR_VALUE_PERCENT:
	case EAR_VALUE_RATE:
	case EAR_VALUE_URL:
		break;
	}
	return NULL;
}

const char *
press_words_candidate(size_t place, const char *button, size_t i)
{
	int found = place == 0 ? -1 : ear_button_find(button);

	if (place == 0)
		return i < EAR_BUTTON_COUNT ? ear_button_name(i) : NULL;
	if (found < 0)
		return NULL;
	if (place == 1)
		return value_candidate(ear_button_takes(found), i);
	return place == 2 && found == EAR_KEY && i <= EAR_UP ? ear_motion_name(i) : NULL;
}
