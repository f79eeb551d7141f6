/* SPDX-License-Identifier: ISC */
/* demo.c: a player that plays nothing, for demonstrations: three titles, and the time runs. */
#include <errno.h>
#include <stdlib.h>

#include <earshot/log.h>
#include <earshot/timer.h>

#include "base/alloc.h"
#include "player/ops.h"

static const struct {
	const char *title;
	int64_t duration;
} playlist[] = {
	{ "Big Buck Bunny", 596 * EAR_SEC },
	{ "Sintel", 888 * EAR_SEC },
	{ "Tears of Steel", 734 * EAR_SEC },
};

#define PLAYLIST_COUNT (sizeof(playlist) / sizeof(playlist[0]))

#define DEMO_CAN (((1u << (EAR_MUTE + 1)) - 1) | 1u << EAR_KEY)

struct demo {
	struct ear_player *player;
	struct ear_clock *clock;
	size_t index;
	enum ear_playback playback;
	int64_t position; /* at the time `since` */
	int64_t since;
	int volume;
	bool muted;
	struct ear_timer end; /* of the title, while it plays */
};

static int64_t
demo_position(const struct demo *demo)
{
	if (demo->playback != EAR_PLAYING)
		return demo->position;
	return demo->position + ear_now(demo->clock) - demo->since;
}

/* From this position, in this way, of this title. */
static void
demo_enter(struct demo *demo, enum ear_playback playback, size_t index, int64_t position)
{
	demo->playback = playback;
	demo->index = index;
	demo->position = position;
	demo->since = ear_now(demo->clock);
	if (playback == EAR_PLAYING)
		ear_timer_set(&demo->end, playlist[index].duration - position);
	else
		ear_timer_stop(&demo->end);
}

static void
demo_end_title(struct demo *demo)
{
	if (demo->index + 1 < PLAYLIST_COUNT)
		demo_enter(demo, demo->playback, demo->index + 1, 0);
	else
		demo_enter(demo, EAR_STOPPED, 0, 0);
}

static void
on_end(void *arg)
{
	struct demo *demo = arg;

	demo_end_title(demo);
	player_poke(demo->player);
}

static int
demo_skip(struct demo *demo, int by)
{
	enum ear_playback playback = demo->playback == EAR_STOPPED ? EAR_PLAYING : demo->playback;

	if (by < 0 ? demo->index == 0 : demo->index + 1 == PLAYLIST_COUNT)
		return -EREMOTEIO;
	demo_enter(demo, playback, demo->index + by, 0);
	return 0;
}

static int
demo_seek(struct demo *demo, const struct ear_press *press)
{
	int64_t duration = playlist[demo->index].duration, to = press->value;

	if (demo->playback == EAR_STOPPED)
		return -EREMOTEIO;
	if (!press->relative && (to < 0 || to > duration))
		return -ERANGE;
	if (press->relative)
		to += demo_position(demo);
	if (to >= duration)
		demo_end_title(demo);
	else
		demo_enter(demo, demo->playback, demo->index, to < 0 ? 0 : to);
	return 0;
}

static int
demo_set_volume(struct demo *demo, const struct ear_press *press)
{
	int64_t to = press->value;

	if (press->relative)
		to += demo->volume;
	else if (to < 0 || to > 100)
		return -ERANGE;
	demo->volume = to < 0 ? 0 : to > 100 ? 100 : (int)to;
	return 0;
}

static int
demo_press(struct demo *demo, const struct ear_press *press)
{
	switch (press->button) {
	case EAR_PLAYPAUSE:
		demo_enter(demo, demo->playback == EAR_PLAYING ? EAR_PAUSED : EAR_PLAYING,
			   demo->index, demo_position(demo));
		return 0;
	case EAR_PLAY:
		demo_enter(demo, EAR_PLAYING, demo->index, demo_position(demo));
		return 0;
	case EAR_PAUSE:
		if (demo->playback == EAR_PLAYING)
			demo_enter(demo, EAR_PAUSED, demo->index, demo_position(demo));
		return 0;
	case EAR_STOP:
		demo_enter(demo, EAR_STOPPED, demo->index, 0);
		return 0;
	case EAR_NEXT:
		return demo_skip(demo, 1);
	case EAR_PREVIOUS:
		return demo_skip(demo, -1);
	case EAR_SEEK:
		return demo_seek(demo, press);
	case EAR_VOLUME:
		return demo_set_volume(demo, press);
	case EAR_MUTE:
		demo->muted = press->has_value ? press->value != 0 : !demo->muted;
		return 0;
	case EAR_RATE:
	case EAR_SHUFFLE:
	case EAR_REPEAT:
	case EAR_OPEN:
	case EAR_QUEUE:
	case EAR_AUDIO:
	case EAR_SUBTITLE:
	case EAR_KEY:
	case EAR_BUTTON_COUNT:
		break;
	}
	return -EOPNOTSUPP;
}

/* It has no keys: what they stand for. */
static int
demo_key(struct demo *demo, const struct ear_press *press)
{
	struct ear_press verb;
	bool nothing;
	int error = player_key_verb(press, &verb, &nothing);

	return error != 0 || nothing ? error : demo_press(demo, &verb);
}

static void
demo_begin(void *self, const struct ear_press *press)
{
	struct demo *demo = self;
	int error = press == NULL              ? 0
		    : press->button == EAR_KEY ? demo_key(demo, press)
					       : demo_press(demo, press);
	struct ear_player_state state;

	if (error != 0) {
		player_done(demo->player, error, NULL);
		return;
	}
	player_state_init(&state);
	(void)copy_text(state.name, sizeof(state.name), "demo");
	state.playback = demo->playback;
	state.can = DEMO_CAN;
	state.volume = demo->volume;
	state.muted = demo->muted;
	if (demo->playback != EAR_STOPPED) {
		(void)copy_text(state.title, sizeof(state.title), playlist[demo->index].title);
		state.position_us = demo_position(demo);
		state.duration_us = playlist[demo->index].duration;
		state.seekable = true;
	}
	player_done(demo->player, 0, &state);
}

/* Never called while a job is open: every job ends inside begin(). */
static void
demo_abandon(void *self)
{
}

/* Its screen is the log. */
static int
demo_show(void *self, const char *text, int64_t usec)
{
	if (*text == '\0')
		ear_info("player: the demo's screen is empty");
	else
		ear_info("player: the demo's screen shows: %s", text);
	return 0;
}

static int
demo_open(struct ear_player *player, const struct player_config *config, void **self)
{
	struct demo *demo = xalloc(sizeof(*demo));

	demo->player = player;
	demo->clock = player_clock(player);
	demo->volume = 70;
	ear_timer_init(&demo->end, demo->clock, on_end, demo);
	demo_enter(demo, EAR_PLAYING, 0, 0);
	*self = demo;
	return 0;
}

static void
demo_close(void *self)
{
	struct demo *demo = self;

	ear_timer_stop(&demo->end);
	free(demo);
}

const struct player_kind player_demo = {
	.name = "demo",
	.open = demo_open,
	.close = demo_close,
	.begin = demo_begin,
	.abandon = demo_abandon,
	.show = demo_show,
};
