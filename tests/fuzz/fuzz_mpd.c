/* SPDX-License-Identifier: ISC */
/* fuzz_mpd.c: any bytes as MPD's answer to the questions for its state, and presses after it. */
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <mpd/parser.h>
#include "tests/fuzz/check_text.h"
#include "player/mpd_dial.h"
#include "player/mpd_view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(const struct ear_player_state *state)
{
	check_texts(state);
	if (state->position_us < -1 || state->duration_us < -1 || state->volume < -1 ||
	    state->volume > 100)
		abort();
	if (state->duration_us >= 0 && state->position_us > state->duration_us)
		abort();
}

static void
press_all(const struct mpd_view *view, int hushed)
{
	static const int64_t values[] = { 0, 1, -5, 70, 5000000, INT64_MAX, INT64_MIN };

	for (int button = 0; button < EAR_BUTTON_COUNT; button++)
		for (size_t i = 0; i < 2 * sizeof(values) / sizeof(values[0]); i++) {
			struct ear_press press = { .button = button,
						   .has_value = true,
						   .relative = i % 2,
						   .value = values[i / 2],
						   .text = "http://192.0.2.7/" };
			struct mpd_plan plan;

			if (mpd_plan_press(&plan, view, hushed, &press) != 0 && plan.count != 0)
				abort();
			(void)mpd_plan_holds(&plan, view);
		}
}

/* Whether it is no nonsense, after which mpd.c believes nothing of the answer. */
static bool
take_line(struct mpd_view *view, struct mpd_parser *parser, char *line)
{
	int id, error;

	/* As mpd_link.c: of what is shorter, libmpdclient reads beyond the end. */
	if (strlen(line) < 2 || mpd_parser_feed(parser, line) != MPD_PARSER_PAIR)
		return true;
	error = mpd_view_set(view, mpd_parser_get_name(parser), mpd_parser_get_value(parser));
	(void)mpd_view_take_id(&id, mpd_parser_get_value(parser));
	return error == 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mpd_parser *parser = mpd_parser_new();
	struct mpd_view view;
	struct mpd_place place;
	char *text = malloc(size + 1), *rest = text, *line;
	bool good = true;
	int hushed = size > 0 ? data[0] % 102 - 1 : -1;

	memcpy(text, data, size);
	text[size] = '\0';
	(void)mpd_place_of_url(&place, text);
	(void)mpd_place_of_socket(&place, text);
	mpd_view_init(&view);
	while ((line = strsep(&rest, "\n")) != NULL)
		good &= take_line(&view, parser, line);
	if (mpd_view_finish(&view, &hushed) == 0 && good) {
		check(&view.state);
		(void)mpd_view_is_loading(&view);
		press_all(&view, hushed);
	}
	mpd_parser_free(parser);
	free(text);
	return 0;
}
