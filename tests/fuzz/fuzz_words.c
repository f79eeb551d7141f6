/* SPDX-License-Identifier: ISC */
/* fuzz_words.c: any bytes as what somebody types to a player, and as a code of the first Buttons.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/timer.h>

#include "press_value.h"
#include "press_words.h"
#include "tests/fuzz/must.h"

static void
check_press(const struct press_words *words)
{
	const struct ear_press *press = &words->press;

	MUST(press->button >= 0 && press->button < EAR_BUTTON_COUNT);
	MUST(press->value <= 100000001 * EAR_SEC && press->value >= -100000001 * EAR_SEC);
	MUST(press->has_value || !press_needs_value(press->button));
	MUST(press->text == NULL || press->text == words->text);
	if (press->button == EAR_OPEN || press->button == EAR_QUEUE)
		MUST(press->text != NULL && strlen(press->text) < EAR_URL_MAX);
	if (press->button == EAR_KEY)
		MUST(press->key >= 0 && press->key < EAR_KEY_COUNT);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), seconds[32];
	struct press_words *words = malloc(sizeof(*words));
	struct ear_press press;

	memcpy(text, data, size);
	text[size] = '\0';
	if (press_words_parse(text, words) != 0)
		MUST(words->why != NULL);
	else if (words->kind == WORDS_PRESS)
		check_press(words);
	press_code_parse(text, words);
	if (press_time(text, seconds, sizeof(seconds)) == 0)
		press_parse("seek", seconds, &press);
	free(words);
	free(text);
	return 0;
}
