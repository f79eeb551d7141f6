/* SPDX-License-Identifier: ISC */
/*
 * player.c: a player for scenarios, the built-in demo:
 *
 *   player   BUTTON [VALUE]      pressed at the box; the first one switches it on
 */
#include <stdlib.h>

#include "player/kind.h"
#include "scenario.h"

static void
on_changed(void *arg, const struct ear_player_state *state)
{
	core_tell(arg, EAR_PLAYER_CHANGED, NULL, EAR_LINK_NONE);
}

static void
on_done(void *arg, int error, const struct ear_player_state *state)
{
}

bool
player_step(struct world *world, const char *button, const char *value)
{
	struct player_config config = { .kind = "demo" };
	struct ear_press press = { .has_value = *value != '\0', .value = atoll(value) };
	int found = ear_button_find(button);

	if (found < 0)
		return fail(world, "no button '%s'", button);
	if (world->ear->player == NULL &&
	    player_new(NULL, world->clock, &config, on_changed, world->ear, &world->ear->player))
		return fail(world, "no player");
	press.button = found;
	ear_player_press(world->ear->player, &press, on_done, NULL);
	clock_advance(world->clock, 0);
	return true;
}

/* As the engine: before its extensions stop. */
void
player_end(struct world *world)
{
	player_free(world->ear->player);
	world->ear->player = NULL;
}
