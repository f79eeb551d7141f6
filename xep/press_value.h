/* SPDX-License-Identifier: ISC */
/* press_value.h: a button and its value, from text as peers and people send it. */
#ifndef XEP_PRESS_VALUE_H
#define XEP_PRESS_VALUE_H

#include <earshot/player.h>

/*
 * Fills press from the names on the wire (buttons.md §5); value NULL = none given. A URL is
 * borrowed from value. -ENOENT: no such button; -EINVAL: the value is none, missing or not wanted;
 * -ERANGE: a number outside of what the button takes, a URL that is too long.
 */
int press_parse(const char *button, const char *value, struct ear_press *press);

/* The same for a key; motion NULL: pressed. -ENOENT: no such key; -EINVAL: no such motion. */
int press_parse_key(const char *name, const char *motion, struct ear_press *press);

/* Whether that button means nothing without a value. */
bool press_needs_value(enum ear_button button);

#endif
