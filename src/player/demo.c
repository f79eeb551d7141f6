/* SPDX-License-Identifier: ISC */
/* demo.c: a player that plays nothing, for demonstrations: it has titles, and the time runs. */
#include <errno.h>
#include <stdlib.h>

#include <earshot/log.h>
#include <earshot/timer.h>

#include "base/alloc.h"
#include "player/demo_list.h"
#include "player/ops.h"

struct demo {
	struct ear_player *player;
	struct ear_clock *clock;
	struct demo_list list;
	enum ear_playback playback;
	int64_t position; /* at the time `since` */
	int64_t since;
	int volume, rate;
	int audio, subtitle; /* tracks of the title, 0: none */
	bool muted;
	struct ear_timer end; /* of the title, while it plays */
};

static int64_t
demo_position(const struct demo *demo)
{
	if (demo->playback != EAR_PLAYING)
		return demo->position;
	return demo->position + (ear_now(demo->clock) - demo->since) * demo->rate / 1000;
}

/* From this position on, in this way. */
static void
demo_enter(struct demo *demo, enum ear_playback playback, int64_t position)
{
	int64_t left = demo_list_item(&demo->list)->duration - position;

	demo->playback = playback;
	demo->position = position;
	demo->since = ear_now(demo->clock);
	if (playback == EAR_PLAYING)
		ear_timer_set(&demo->end, left * 1000 / demo->rate);
	else
		ear_timer_stop(&demo->end);
}

/* This title, from its start. */
static void
demo_enter_title(struct demo *demo, enum ear_playback playback, int index)
{
	demo->list.index = index;
	demo->audio = demo_list_item(&demo->list)->audio_count > 0;
	demo->subtitle = 0;
	demo_enter(demo, playback, 0);
}

static void
demo_end_title(struct demo *demo)
{
	int next = demo->list.repeat == EAR_REPEAT_ONE ? demo->list.index
						       : demo_list_beside(&demo->list, 1);

	if (next >= 0)
		demo_enter_title(demo, demo->playback, next);
	else
		demo_enter_title(demo, EAR_STOPPED, 0);
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
	int index = demo_list_beside(&demo->list, by);

	if (index < 0)
		return -EREMOTEIO;
	demo_enter_title(demo, playback, index);
	return 0;
}

static int
demo_seek(struct demo *demo, const struct ear_press *press)
{
	int64_t duration = demo_list_item(&demo->list)->duration, to = press->value;

	if (demo->playback == EAR_STOPPED)
		return -EREMOTEIO;
	if (!press->relative && (to < 0 || to > duration))
		return -ERANGE;
	if (press->relative)
		to += demo_position(demo);
	if (to >= duration)
		demo_end_title(demo);
	else
		demo_enter(demo, demo->playback, to < 0 ? 0 : to);
	return 0;
}

/* Sets *number to the value of the press; a difference stops at the bounds. */
static int
set_number(int *number, const struct ear_press *press, int min, int max)
{
	int64_t to = press->value;

	if (press->relative)
		to += *number;
	else if (to < min || to > max)
		return -ERANGE;
	*number = to < min ? min : to > max ? max : (int)to;
	return 0;
}

static int
demo_set_rate(struct demo *demo, const struct ear_press *press)
{
	int64_t position = demo_position(demo);
	int error = set_number(&demo->rate, press, EAR_RATE_MIN, EAR_RATE_MAX);

	if (error == 0)
		demo_enter(demo, demo->playback, position);
	return error;
}

static int
demo_set_repeat(struct demo *demo, const struct ear_press *press)
{
	int to = player_repeat_wanted(press, demo->list.repeat);

	if (to < 0)
		return to;
	demo->list.repeat = (enum ear_repeat)to;
	return 0;
}

/* first: what comes after the last one. */
static int
demo_set_track(struct demo *demo, int *track, int count, int first, const struct ear_press *press)
{
	if (demo->playback == EAR_STOPPED || count == 0)
		return -EREMOTEIO;
	if (press->has_value && (press->value < 0 || press->value > count))
		return -ERANGE;
	if (press->has_value)
		*track = (int)press->value;
	else
		*track = *track == count ? first : *track + 1;
	return 0;
}

static int
demo_open_url(struct demo *demo, const struct ear_press *press)
{
	demo_list_replace(&demo->list, press->text);
	demo_enter_title(demo, EAR_PLAYING, 0);
	return 0;
}

/* Begins with it when nothing plays. */
static int
demo_queue_url(struct demo *demo, const struct ear_press *press)
{
	int error = demo_list_append(&demo->list, press->text);

	if (error == 0 && demo->playback == EAR_STOPPED)
		demo_enter_title(demo, EAR_PLAYING, demo->list.count - 1);
	return error == 0 ? 0 : -EREMOTEIO;
}

static void
toggle(bool *what, const struct ear_press *press)
{
	*what = press->has_value ? press->value != 0 : !*what;
}

static int
demo_press(struct demo *demo, const struct ear_press *press)
{
	const struct demo_item *item = demo_list_item(&demo->list);

	switch (press->button) {
	case EAR_PLAYPAUSE:
		demo_enter(demo, demo->playback == EAR_PLAYING ? EAR_PAUSED : EAR_PLAYING,
			   demo_position(demo));
		return 0;
	case EAR_PLAY:
		demo_enter(demo, EAR_PLAYING, demo_position(demo));
		return 0;
	case EAR_PAUSE:
		if (demo->playback == EAR_PLAYING)
			demo_enter(demo, EAR_PAUSED, demo_position(demo));
		return 0;
	case EAR_STOP:
		demo_enter(demo, EAR_STOPPED, 0);
		return 0;
	case EAR_NEXT:
		return demo_skip(demo, 1);
	case EAR_PREVIOUS:
		return demo_skip(demo, -1);
	case EAR_SEEK:
		return demo_seek(demo, press);
	case EAR_VOLUME:
		return set_number(&demo->volume, press, 0, 100);
	case EAR_MUTE:
		toggle(&demo->muted, press);
		return 0;
	case EAR_RATE:
		return demo_set_rate(demo, press);
	case EAR_SHUFFLE:
		toggle(&demo->list.shuffled, press);
		return 0;
	case EAR_REPEAT:
		return demo_set_repeat(demo, press);
	case EAR_OPEN:
		return demo_open_url(demo, press);
	case EAR_QUEUE:
		return demo_queue_url(demo, press);
	case EAR_AUDIO:
		return demo_set_track(demo, &demo->audio, item->audio_count, 1, press);
	case EAR_SUBTITLE:
		return demo_set_track(demo, &demo->subtitle, item->subtitle_count, 0, press);
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

static uint32_t
demo_can(const struct demo *demo)
{
	uint32_t can = (1u << EAR_BUTTON_COUNT) - 1;

	if (demo->playback == EAR_STOPPED)
		can &= ~(1u << EAR_PAUSE | 1u << EAR_STOP | 1u << EAR_SEEK | 1u << EAR_AUDIO |
			 1u << EAR_SUBTITLE);
	if (demo_list_item(&demo->list)->subtitle_count == 0)
		can &= ~(1u << EAR_SUBTITLE);
	if (demo_list_beside(&demo->list, 1) < 0)
		can &= ~(1u << EAR_NEXT);
	if (demo_list_beside(&demo->list, -1) < 0)
		can &= ~(1u << EAR_PREVIOUS);
	return can;
}

static void
demo_tell_title(const struct demo *demo, struct ear_player_state *state)
{
	const struct demo_item *item = demo_list_item(&demo->list);

	(void)copy_text(state->title, sizeof(state->title), item->title);
	(void)copy_text(state->artist, sizeof(state->artist), item->artist);
	state->position_us = demo_position(demo);
	state->duration_us = item->duration;
	state->seekable = true;
	state->audio = demo->audio;
	state->audio_count = item->audio_count;
	state->subtitle = demo->subtitle;
	state->subtitle_count = item->subtitle_count;
}

static void
demo_begin(void *self, const struct ear_press *press)
{
	struct demo *demo = self;
	struct ear_player_state state;
	int error = 0;

	if (press != NULL)
		error = press->button == EAR_KEY ? demo_key(demo, press) : demo_press(demo, press);
	if (error != 0) {
		player_done(demo->player, error, NULL);
		return;
	}
	player_state_init(&state);
	(void)copy_text(state.name, sizeof(state.name), "demo");
	state.playback = demo->playback;
	state.can = demo_can(demo);
	state.volume = demo->volume;
	state.muted = demo->muted;
	state.rate = demo->rate;
	state.shuffle = demo->list.shuffled;
	state.repeat = demo->list.repeat;
	if (demo->playback != EAR_STOPPED)
		demo_tell_title(demo, &state);
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
	demo->rate = 1000;
	demo_list_init(&demo->list);
	ear_timer_init(&demo->end, demo->clock, on_end, demo);
	demo_enter_title(demo, EAR_PLAYING, 0);
	player_poke(player); /* it is there, as others appear */
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
