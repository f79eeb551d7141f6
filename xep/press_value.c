/* SPDX-License-Identifier: ISC */
/* press_value.c: parsing of presses; pure, and fuzzed. */
#include <errno.h>
#include <string.h>

#include <earshot/timer.h>

#include "press_value.h"

#define DECIMALS    6                  /* microseconds */
#define SECONDS_MAX INT64_C(100000000) /* three years: more is no position in a title */
#define PERCENT_MAX 100
#define TRACK_MAX   999

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

/* "1", "1.25": at most three decimals. */
static int
parse_rate(const char *text, struct ear_press *press)
{
	int64_t whole, fraction = 0;

	text = take_digits(text, EAR_RATE_MAX, &whole);
	if (text != NULL && *text == '.')
		text = take_fraction(text + 1, &fraction);
	if (text == NULL || *text != '\0' || fraction % EAR_MSEC != 0)
		return -EINVAL;
	press->value = whole * 1000 + fraction / EAR_MSEC;
	return press->value < EAR_RATE_MIN || press->value > EAR_RATE_MAX ? -ERANGE : 0;
}

static int
parse_repeat(const char *text, struct ear_press *press)
{
	press->value = ear_repeat_find(text);
	return press->value < 0 ? -EINVAL : 0;
}

static int
parse_track(const char *text, struct ear_press *press)
{
	if (strcmp(text, "off") == 0)
		return 0;
	text = take_digits(text, TRACK_MAX, &press->value);
	if (text == NULL || *text != '\0')
		return -EINVAL;
	return press->value > TRACK_MAX ? -ERANGE : 0;
}

/* RFC 3986 §3.1: a scheme and a colon, then no blanks or controls. Which schemes it plays is the
 * player's word. */
static int
parse_url(const char *text, struct ear_press *press)
{
	size_t scheme = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789+.-");

	if (strlen(text) >= EAR_URL_MAX)
		return -ERANGE;
	if (scheme == 0 || text[scheme] != ':' || text[scheme + 1] == '\0')
		return -EINVAL;
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
		if (*c <= ' ' || *c == 0x7f)
			return -EINVAL;
	press->text = text;
	return 0;
}

static int
parse_value(const char *text, struct ear_press *press)
{
	switch (ear_button_takes(press->button)) {
	case EAR_VALUE_TIME:
		return parse_seconds(text, press);
	case EAR_VALUE_PERCENT:
		return parse_percent(text, press);
	case EAR_VALUE_SWITCH:
		return parse_switch(text, press);
	case EAR_VALUE_RATE:
		return parse_rate(text, press);
	case EAR_VALUE_REPEAT:
		return parse_repeat(text, press);
	case EAR_VALUE_URL:
		return parse_url(text, press);
	case EAR_VALUE_TRACK:
		return parse_track(text, press);
	case EAR_VALUE_NONE:
	case EAR_VALUE_KEY:
		break;
	}
	return -EINVAL;
}

bool
press_needs_value(enum ear_button button)
{
	switch (ear_button_takes(button)) {
	case EAR_VALUE_TIME:
	case EAR_VALUE_PERCENT:
	case EAR_VALUE_RATE:
	case EAR_VALUE_URL:
		return true;
	case EAR_VALUE_NONE:
	case EAR_VALUE_SWITCH:
	case EAR_VALUE_REPEAT:
	case EAR_VALUE_TRACK:
	case EAR_VALUE_KEY:
		break;
	}
	return false;
}

int
press_parse(const char *button, const char *value, struct ear_press *press)
{
	int found = ear_button_find(button);

	*press = (struct ear_press){ 0 };
	if (found < 0 || found == EAR_KEY)
		return -ENOENT;
	press->button = found;
	press->has_value = value != NULL;
	if (value != NULL)
		return parse_value(value, press);
	return press_needs_value(press->button) ? -EINVAL : 0;
}

int
press_parse_key(const char *name, const char *motion, struct ear_press *press)
{
	int key = ear_remote_key_find(name);
	int how = motion == NULL ? EAR_PRESSED : ear_motion_find(motion);

	*press = (struct ear_press){ .button = EAR_KEY };
	if (key < 0)
		return -ENOENT;
	if (how < 0)
		return -EINVAL;
	press->key = key;
	press->motion = how;
	return 0;
}
