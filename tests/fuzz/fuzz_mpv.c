/* SPDX-License-Identifier: ISC */
/* fuzz_mpv.c: any line as mpv's answer to the reading of every property, and presses after it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/check_text.h"
#include "player/mpv_ipc.h"
#include "player/mpv_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct ear_player_state *state)
{
	check_texts(state);
	if (state->audio < 0 || state->audio > state->audio_count || state->subtitle < 0 ||
	    state->subtitle > state->subtitle_count || state->rate < 0)
		abort();
	if (state->position_us < -1 || state->duration_us < -1 || state->volume < -1)
		abort();
}

static void
press_all(const struct mpv_view *view)
{
	for (int i = 0; i < 2 * EAR_BUTTON_COUNT; i++) {
		struct ear_press press = { .button = i / 2,
					   .has_value = i % 2 != 0,
					   .relative = true,
					   .value = -5,
					   .text = "http://example.org/" };
		struct mpv_plan plan;

		(void)mpv_plan_press(&plan, view, &press);
		(void)mpv_plan_holds(&plan, view);
		while (plan.count > 0)
			json_decref(plan.commands[--plan.count]);
	}
}

/* An array holds the values of the properties in their order; anything else is that of each. */
static void
take(json_t *data)
{
	struct mpv_view view;
	bool good = true;

	mpv_view_init(&view);
	for (size_t i = 0; i < MPV_PROPERTIES; i++)
		if (mpv_view_set(&view, i, json_is_array(data) ? json_array_get(data, i) : data) !=
		    0)
			good = false;
	mpv_view_finish(&view, -1);
	check(&view.state);
	if (good)
		press_all(&view);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *line = malloc(size + 1);
	json_t *object;

	memcpy(line, data, size);
	mpv_ipc_repair(line, size);
	object = json_loadb(line, size, 0, NULL);
	if (object != NULL)
		take(json_object_get(object, "data"));
	json_decref(object);
	free(line);
	return 0;
}
