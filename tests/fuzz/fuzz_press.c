/* SPDX-License-Identifier: ISC */
/* fuzz_press.c: any bytes as button or key (first line) and value or motion (the rest) of a press.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/timer.h>

#include "press_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int64_t
bound_of(enum ear_value takes)
{
	switch (takes) {
	case EAR_VALUE_TIME:
		return 100000001 * EAR_SEC;
	case EAR_VALUE_PERCENT:
		return 100;
	case EAR_VALUE_SWITCH:
		return 1;
	case EAR_VALUE_RATE:
		return EAR_RATE_MAX;
	case EAR_VALUE_REPEAT:
		return EAR_REPEAT_ONE;
	case EAR_VALUE_TRACK:
		return 999;
	case EAR_VALUE_NONE:
	case EAR_VALUE_URL:
	case EAR_VALUE_KEY:
		break;
	}
	return 0;
}

static void
check(const struct ear_press *press, const char *value)
{
	enum ear_value takes = ear_button_takes(press->button);
	int64_t bound = bound_of(takes);

	if (press->value > bound || press->value < -bound)
		abort();
	if ((press->has_value || press->relative) && (value == NULL || takes == EAR_VALUE_NONE))
		abort();
	if (press->relative && value != NULL && *value != '+' && *value != '-')
		abort();
	if (press->relative && takes != EAR_VALUE_TIME && takes != EAR_VALUE_PERCENT)
		abort();
	if ((press->text != NULL) != (takes == EAR_VALUE_URL))
		abort();
	if (press->button == EAR_KEY)
		abort();
}

static void
check_key(const struct ear_press *press)
{
	if (press->button != EAR_KEY || press->has_value || press->key >= EAR_KEY_COUNT ||
	    press->motion > EAR_UP)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *value;
	struct ear_press press;

	memcpy(text, data, size);
	text[size] = '\0';
	value = strchr(text, '\n');
	if (value != NULL)
		*value++ = '\0';
	if (press_parse(text, value, &press) == 0)
		check(&press, value);
	if (press_parse_key(text, value, &press) == 0)
		check_key(&press);
	free(text);
	return 0;
}
