/* SPDX-License-Identifier: ISC */
/* mpv_plan.c: each button as mpv commands, given the state that mpv is in. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include <earshot/timer.h>

#include "player/mpv_view.h"

/* Adds a command (the reference is taken). */
static void
add(struct mpv_plan *plan, json_t *command)
{
	if (command == NULL)
		abort();
	assert(plan->count < MPV_COMMANDS_MAX);
	plan->commands[plan->count++] = command;
}

static int
plan_pause(struct mpv_plan *plan, bool pause)
{
	plan->paused = pause;
	add(plan, json_pack("[s,s,b]", "set_property", "pause", pause));
	return 0;
}

/* Starts an item of the playlist of an mpv that is idle. */
static int
plan_start(struct mpv_plan *plan, const struct mpv_view *view, int index)
{
	if (index < 0 || index >= view->playlist_count)
		return -EREMOTEIO;
	plan->settle = MPV_LOADED;
	plan_pause(plan, false);
	add(plan, json_pack("[s,i]", "playlist-play-index", index));
	return 0;
}

static int
plan_play(struct mpv_plan *plan, const struct mpv_view *view, int resume)
{
	if (view->idle)
		return plan_start(plan, view,
				  resume >= 0 && resume < view->playlist_count ? resume : 0);
	if (view->ended) { /* unpausing alone would stay at the end */
		plan->settle = MPV_SOUGHT;
		add(plan, json_pack("[s,i,s]", "seek", 0, "absolute+exact"));
	}
	return plan_pause(plan, false);
}

/*
 * mpv may have been started so that it quits when nothing is left to play; a remote control that
 * stops must not take the player away, nor its playlist.
 */
static int
plan_stop(struct mpv_plan *plan, const struct mpv_view *view)
{
	if (view->idle)
		return 0;
	plan->settle = MPV_STOPPED;
	add(plan, json_pack("[s,s,b]", "set_property", "idle", true));
	add(plan, json_pack("[s,s]", "stop", "keep-playlist"));
	return 0;
}

static int
plan_skip(struct mpv_plan *plan, const struct mpv_view *view, int resume, int by)
{
	if (view->idle)
		return plan_start(plan, view, (resume < 0 ? 0 : resume) + by);
	plan->settle = MPV_LOADED;
	add(plan, json_pack("[s]", by < 0 ? "playlist-prev" : "playlist-next"));
	return 0;
}

/* Forward past the end is the end, as with the MPRIS method Seek. */
static int
plan_seek(struct mpv_plan *plan, const struct mpv_view *view, const struct ear_press *press)
{
	if (view->idle || !view->state.seekable)
		return -EREMOTEIO;
	if (!press->relative && press->value < 0)
		return -ERANGE;
	if (!press->relative && view->state.duration_us >= 0 &&
	    press->value > view->state.duration_us)
		return -ERANGE;
	plan->settle = MPV_SOUGHT;
	add(plan, json_pack("[s,f,s]", "seek", (double)press->value / EAR_SEC,
			    press->relative ? "relative+exact" : "absolute+exact"));
	return 0;
}

/* mpv goes above 100 per cent, by distorting; a remote control does not. */
static int
plan_volume(struct mpv_plan *plan, const struct mpv_view *view, const struct ear_press *press)
{
	int64_t to = press->value;

	if (!press->relative && (to < 0 || to > 100))
		return -ERANGE;
	if (view->state.volume < 0)
		return -EOPNOTSUPP;
	if (press->relative)
		to += view->state.volume;
	plan->volume = to < 0 ? 0 : to > 100 ? 100 : (int)to;
	add(plan, json_pack("[s,s,i]", "set_property", "volume", plan->volume));
	return 0;
}

static int
plan_mute(struct mpv_plan *plan, const struct mpv_view *view, const struct ear_press *press)
{
	plan->muted = press->has_value ? press->value != 0 : !view->state.muted;
	add(plan, json_pack("[s,s,b]", "set_property", "mute", plan->muted));
	return 0;
}

int
mpv_plan_press(struct mpv_plan *plan, const struct mpv_view *view, int resume,
	       const struct ear_press *press)
{
	*plan = (struct mpv_plan){ .paused = -1, .volume = -1, .muted = -1 };
	switch (press->button) {
	case EAR_PLAY:
		return plan_play(plan, view, resume);
	case EAR_PAUSE:
		return view->idle ? 0 : plan_pause(plan, true);
	case EAR_PLAYPAUSE:
		if (view->idle || view->paused)
			return plan_play(plan, view, resume);
		return plan_pause(plan, true);
	case EAR_STOP:
		return plan_stop(plan, view);
	case EAR_NEXT:
		return plan_skip(plan, view, resume, 1);
	case EAR_PREVIOUS:
		return plan_skip(plan, view, resume, -1);
	case EAR_SEEK:
		return plan_seek(plan, view, press);
	case EAR_VOLUME:
		return plan_volume(plan, view, press);
	case EAR_MUTE:
		return plan_mute(plan, view, press);
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

bool
mpv_plan_holds(const struct mpv_plan *plan, const struct mpv_view *view)
{
	/* A file that has come to its end meanwhile is neither paused nor played. */
	if (plan->paused >= 0 && !view->idle && !view->ended && view->paused != plan->paused)
		return false;
	if (plan->volume >= 0 && view->state.volume != plan->volume)
		return false;
	return plan->muted < 0 || view->state.muted == plan->muted;
}
