/* SPDX-License-Identifier: ISC */
/* press_value.h: a button and its value, from text as peers send it. */
#ifndef XEP_PRESS_VALUE_H
#define XEP_PRESS_VALUE_H

#include <earshot/player.h>

/*
 * Fills press from the names on the wire; value NULL = none given (see buttons.c for what each
 * button takes). -ENOENT: no such button; -EINVAL: the value is none, missing or not wanted;
 * -ERANGE: a number outside of what the button takes.
 */
int press_parse(const char *button, const char *value, struct ear_press *press);

#endif
