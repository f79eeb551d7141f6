/* SPDX-License-Identifier: ISC */
/* fuzz_player_view.c: a state that a box sends, one attribute a line: what a terminal gets of it.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/ear.h>

#include "cli.h"
#include "player_view.h"

#define LINES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "title=..." */
static void
set_line(xmpp_stanza_t *state, char *line)
{
	char *value = strchr(line, '=');

	if (value == NULL || value == line)
		return;
	*value++ = '\0';
	ear_set(state, line, "%s", value);
}

static void
check(const struct player_view *view)
{
	const struct ear_player_state *s = &view->state;
	char *text = player_view_text(view), *json;
	json_t *object = json_object();

	if (text[strcspn(text, "\033\n\r\b\177")] != '\0')
		abort();
	if (view->is_player && (s->rate < 1 || s->rate > EAR_RATE_MAX || s->position_us < -1 ||
				s->volume < -1 || s->repeat > EAR_REPEAT_ONE))
		abort();
	player_view_json(view, object);
	json = json_dumps(object, JSON_COMPACT);
	if (json == NULL || json_object_size(object) != 19)
		abort();
	free(json);
	json_decref(object);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static xmpp_ctx_t *ctx;
	char *text = malloc(size + 1), *rest = text, *line;
	struct player_view view;
	xmpp_stanza_t *state;

	if (ctx == NULL)
		ctx = xmpp_ctx_new(NULL, NULL);
	memcpy(text, data, size);
	text[size] = '\0';
	state = ear_element(ctx, "state", EAR_NS_BUTTONS);
	for (int i = 0; i < LINES_MAX && (line = strsep(&rest, "\n")) != NULL; i++)
		set_line(state, line);
	if (player_view_read(&view, state) == 0)
		check(&view);
	xmpp_stanza_release(state);
	free(text);
	return 0;
}
