/* SPDX-License-Identifier: ISC */
/* fuzz_press.c: any bytes as button (first line) and value (the rest) of a press. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/timer.h>

#include "press_value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct ear_press *press, const char *value)
{
	int64_t bound = press->button == EAR_SEEK ? 100000001 * EAR_SEC : 100;
	bool takes = press->button == EAR_SEEK || press->button == EAR_VOLUME ||
		     press->button == EAR_MUTE;

	if (press->value > bound || press->value < -bound)
		abort();
	if ((press->has_value || press->relative) && (value == NULL || !takes))
		abort();
	if (press->relative && value != NULL && *value != '+' && *value != '-')
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
	free(text);
	return 0;
}
