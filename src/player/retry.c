/* SPDX-License-Identifier: ISC */
/* retry.c: when a player that is not there is looked for again. */
#include "player/ops.h"
#include "player/retry.h"

void
retry_init(struct retry *retry, struct ear_player *player, ear_timer_fn *fn, void *arg)
{
	retry->player = player;
	retry->after = RETRY_MIN;
	ear_timer_init(&retry->timer, player_clock(player), fn, arg);
	if (player_is_watched(player))
		ear_timer_set(&retry->timer, 0);
}

void
retry_later(struct retry *retry)
{
	if (!player_is_watched(retry->player))
		return;
	ear_timer_set(&retry->timer, retry->after);
	retry->after = retry->after * 2 > RETRY_MAX ? RETRY_MAX : retry->after * 2;
}

void
retry_reset(struct retry *retry)
{
	retry->after = RETRY_MIN;
}

void
retry_stop(struct retry *retry)
{
	ear_timer_stop(&retry->timer);
}
