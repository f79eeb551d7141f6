/* SPDX-License-Identifier: ISC */
/* fuzz_kodi.c: any stream as Kodi's: cut into the same objects however it arrives, each object
 * taken as the answer to every question, and presses after it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/check_text.h"
#include "player/kodi_cut.h"
#include "player/kodi_view.h"
#include "player/mpv_ipc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct ear_player_state *state)
{
	check_texts(state);
	if (state->position_us < -1 || state->duration_us < -1 || state->volume > 100 ||
	    state->audio > state->audio_count || state->subtitle > state->subtitle_count ||
	    state->repeat > EAR_REPEAT_ONE || state->rate < 1)
		abort();
}

static void
press_all(const struct kodi_view *view)
{
	for (int button = 0; button < EAR_KEY; button++)
		for (int i = 0; i < 3; i++) {
			struct ear_press press = { .button = button,
						   .has_value = i > 0,
						   .relative = i == 2,
						   .value = i == 2 ? INT64_MAX : 2,
						   .text = "file:///a%20b" };
			struct kodi_plan plan;

			if (ear_button_takes(button) == EAR_VALUE_SWITCH ||
			    ear_button_takes(button) == EAR_VALUE_REPEAT)
				press.value = i;
			if (kodi_plan_press(&plan, view, view->list, view->index, &press) != 0 &&
			    plan.method != NULL)
				abort();
			(void)kodi_plan_holds(&plan, view, true, 1000000);
			kodi_plan_release(&plan);
		}
}

/* An object holds answers by the numbers of their questions, as a whole it is that to each. */
static void
take(json_t *object)
{
	static const char *const keys[KODI_ASKS] = { "0", "1", "2", "3", "4", "5" };
	struct kodi_view view;
	bool good = true;

	kodi_view_init(&view);
	for (enum kodi_ask ask = 0; ask < KODI_ASKS; ask++) {
		json_t *answer = json_object_get(object, keys[ask]);

		if (kodi_view_set(&view, ask, answer == NULL ? object : answer) != 0)
			good = false;
	}
	kodi_view_finish(&view, 1);
	check(&view.state);
	if (good || view.player < 0)
		press_all(&view);
	kodi_view_nothing(&view);
	kodi_view_finish(&view, 0);
	check(&view.state);
	press_all(&view);
}

/* Returns the length of the first object, 0: none. */
static size_t
cut(const uint8_t *data, size_t size, size_t step)
{
	struct kodi_cut state = { 0 };
	int error = 0;

	for (size_t have = 0; have < size && error == 0;) {
		have = size - have < step ? size : have + step;
		if (kodi_cut_object(&state, (const char *)data, have, &error))
			return state.seen;
	}
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t length;

	while (size > 0 && (length = cut(data, size, size)) > 0) {
		char *text = malloc(length);
		json_t *object;

		if (length > size || cut(data, size, 1) != length || cut(data, size, 7) != length)
			abort();
		memcpy(text, data, length);
		mpv_ipc_repair(text, length);
		object = json_loadb(text, length, 0, NULL);
		if (json_is_object(object))
			take(object);
		json_decref(object);
		free(text);
		data += length;
		size -= length;
	}
	return 0;
}
