/* SPDX-License-Identifier: ISC */
/* press_value.c: parsing of presses; pure, and fuzzed. */
#include <errno.h>
#include <string.h>

#include <earshot/timer.h>

#include "press_value.h"

#define DECIMALS    6                  /* microseconds */
#define SECONDS_MAX INT64_C(100000000) /* three years: more is no position in a title */
#define PERCENT_MAX 100

/* Takes a sign off the text; a number with one is a difference. */
static const char *
take_sign(const char *text, struct ear_press *press, int *sign)
{
	*sign = *text == '-' ? -1 : 1;
	press->relative = *text == '+' || *text == '-';
	return press->relative ? text + 1 : text;
}

/* Digits to *out, which stops growing past max. Returns what follows, NULL when there is none. */
static const char *
take_digits(const char *text, int64_t max, int64_t *out)
{
	const char *start = text;

	for (*out = 0; *text >= '0' && *text <= '9'; text++)
		if (*out <= max)
			*out = *out * 10 + (*text - '0');
	return text == start ? NULL : text;
}

/* The decimals behind a point, as microseconds. */
static const char *
take_fraction(const char *text, int64_t *out)
{
	const char *end = take_digits(text, EAR_SEC, out);

	if (end == NULL || end - text > DECIMALS)
		return NULL;
	for (size_t i = end - text; i < DECIMALS; i++)
		*out *= 10;
	return end;
}

static int
parse_seconds(const char *text, struct ear_press *press)
{
	int64_t seconds, fraction = 0;
	int sign;

	text = take_digits(take_sign(text, press, &sign), SECONDS_MAX, &seconds);
	if (text != NULL && *text == '.')
		text = take_fraction(text + 1, &fraction);
	if (text == NULL || *text != '\0')
		return -EINVAL;
	if (seconds > SECONDS_MAX)
		return -ERANGE;
	press->value = sign * (seconds * EAR_SEC + fraction);
	return 0;
}

static int
parse_percent(const char *text, struct ear_press *press)
{
	int64_t percent;
	int sign;

	text = take_digits(take_sign(text, press, &sign), PERCENT_MAX, &percent);
	if (text == NULL || *text != '\0')
		return -EINVAL;
	if (percent > PERCENT_MAX)
		return -ERANGE;
	press->value = sign * percent;
	return 0;
}

static int
parse_switch(const char *text, struct ear_press *press)
{
	if (strcmp(text, "toggle") == 0) {
		press->has_value = false;
		return 0;
	}
	if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
		return -EINVAL;
	press->value = strcmp(text, "on") == 0;
	return 0;
}

static int
parse_value(const char *text, struct ear_press *press)
{
	switch (press->button) {
	case EAR_SEEK:
		return parse_seconds(text, press);
	case EAR_VOLUME:
		return parse_percent(text, press);
	case EAR_MUTE:
		return parse_switch(text, press);
	case EAR_PLAY:
	case EAR_PAUSE:
	case EAR_PLAYPAUSE:
	case EAR_STOP:
	case EAR_NEXT:
	case EAR_PREVIOUS:
	case EAR_BUTTON_COUNT:
		break;
	}
	return -EINVAL;
}

int
press_parse(const char *button, const char *value, struct ear_press *press)
{
	int found = ear_button_find(button);

	*press = (struct ear_press){ 0 };
	if (found < 0)
		return -ENOENT;
	press->button = found;
	press->has_value = value != NULL;
	if (value != NULL)
		return parse_value(value, press);
	return press->button == EAR_SEEK || press->button == EAR_VOLUME ? -EINVAL : 0;
}
