/* SPDX-License-Identifier: ISC */
/* mpd_plan.c: each button as MPD commands, given the state that MPD is in. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <earshot/timer.h>

#include "player/mpd_view.h"
#include "player/ops.h"

#define SEEK_MAX (INT64_C(1000000) * EAR_SEC) /* what MPD's milliseconds hold */

/* Adds a command; value < 0: without argument. */
static void
add(struct mpd_plan *plan, const char *verb, int value)
{
	struct mpd_command *command = &plan->commands[plan->count++];

	assert(plan->count <= MPD_COMMANDS_MAX);
	command->verb = verb;
	if (value >= 0)
		snprintf(command->arg, sizeof(command->arg), "%d", value);
}

static int
plan_play(struct mpd_plan *plan, const struct mpd_view *view)
{
	if (view->length == 0)
		return -EREMOTEIO;
	if (view->state.playback == EAR_PLAYING)
		return 0;
	plan->playback = EAR_PLAYING;
	plan->loads = true;
	add(plan, "play", -1);
	return 0;
}

static int
plan_pause(struct mpd_plan *plan, const struct mpd_view *view)
{
	if (view->state.playback != EAR_PLAYING)
		return 0;
	plan->playback = EAR_PAUSED;
	add(plan, "pause", 1);
	return 0;
}

static int
plan_stop(struct mpd_plan *plan, const struct mpd_view *view)
{
	if (view->state.playback == EAR_STOPPED)
		return 0;
	plan->playback = EAR_STOPPED;
	add(plan, "stop", -1);
	return 0;
}

/* An MPD that has stopped refuses to skip; there it means to play the one beside. */
static int
plan_skip(struct mpd_plan *plan, const struct mpd_view *view, const char *verb, int beside)
{
	if (beside < 0)
		return -EREMOTEIO;
	plan->loads = true;
	plan->playback = EAR_PLAYING;
	if (view->state.playback == EAR_STOPPED)
		add(plan, "play", beside);
	else
		add(plan, verb, -1);
	return 0;
}

/* At the first, MPD begins it anew. */
static int
plan_previous(struct mpd_plan *plan, const struct mpd_view *view)
{
	if (view->state.playback == EAR_STOPPED)
		return plan_skip(plan, view, "previous", view->song - 1);
	return plan_skip(plan, view, "previous", view->song);
}

/* Forward past the end is the end, as with the MPRIS method Seek. */
static int
plan_seek(struct mpd_plan *plan, const struct mpd_view *view, const struct ear_press *press)
{
	const struct ear_player_state *state = &view->state;
	int64_t by = press->value, magnitude;
	const char *sign = "";

	if (!state->seekable)
		return -EREMOTEIO;
	if (!press->relative && (by < 0 || by > state->duration_us))
		return -ERANGE;
	if (press->relative && by >= state->duration_us - state->position_us)
		by = state->duration_us;
	else if (press->relative)
		sign = by < 0 ? "-" : "+";
	if (by < -SEEK_MAX)
		by = -SEEK_MAX;
	magnitude = (by < 0 ? -by : by) / EAR_MSEC;
	add(plan, "seekcur", -1);
	snprintf(plan->commands[0].arg, sizeof(plan->commands[0].arg), "%s%" PRId64 ".%03" PRId64,
		 sign, magnitude / 1000, magnitude % 1000);
	return 0;
}

static void
set_volume(struct mpd_plan *plan, int to)
{
	plan->volume = to;
	add(plan, "setvol", to);
}

/* As on a television: whoever turns the sound up or down wants to hear it. */
static int
plan_volume(struct mpd_plan *plan, const struct mpd_view *view, const struct ear_press *press)
{
	int64_t to = press->value;

	if (!press->relative && (to < 0 || to > 100))
		return -ERANGE;
	if (view->state.volume < 0)
		return -EOPNOTSUPP;
	if (to > 100 || to < -100)
		to = to < 0 ? -100 : 100;
	if (press->relative)
		to += view->state.volume;
	plan->hushed = -1;
	set_volume(plan, to < 0 ? 0 : to > 100 ? 100 : (int)to);
	return 0;
}

static int
plan_mute(struct mpd_plan *plan, const struct mpd_view *view, const struct ear_press *press)
{
	bool on = press->has_value ? press->value != 0 : !view->state.muted;

	if (view->state.volume < 0)
		return -EOPNOTSUPP;
	if (on == view->state.muted)
		return 0;
	plan->hushed = on ? view->state.volume : -1;
	set_volume(plan, on ? 0 : view->state.volume);
	return 0;
}

static int
plan_shuffle(struct mpd_plan *plan, const struct mpd_view *view, const struct ear_press *press)
{
	add(plan, "random", press->has_value ? press->value != 0 : !view->random);
	return 0;
}

static int
plan_repeat(struct mpd_plan *plan, const struct mpd_view *view, const struct ear_press *press)
{
	int to = player_repeat_wanted(press, view->state.repeat);

	if (to < 0)
		return to;
	add(plan, "repeat", to != EAR_REPEAT_OFF);
	add(plan, "single", to == EAR_REPEAT_ONE);
	return 0;
}

static int
plan_add(struct mpd_plan *plan, const struct ear_press *press, bool opens)
{
	if (press->text == NULL || *press->text == '\0')
		return -ERANGE;
	plan->opens = opens;
	add(plan, opens ? "addid" : "add", -1);
	plan->commands[0].text = press->text;
	return 0;
}

int
mpd_plan_press(struct mpd_plan *plan, const struct mpd_view *view, int hushed,
	       const struct ear_press *press)
{
	*plan = (struct mpd_plan){ .hushed = hushed, .playback = -1, .volume = -1, .song_id = -1 };
	switch (press->button) {
	case EAR_PLAY:
		return plan_play(plan, view);
	case EAR_PAUSE:
		return plan_pause(plan, view);
	case EAR_PLAYPAUSE:
		return view->state.playback == EAR_PLAYING ? plan_pause(plan, view)
							   : plan_play(plan, view);
	case EAR_STOP:
		return plan_stop(plan, view);
	case EAR_NEXT:
		return plan_skip(plan, view, "next", view->next);
	case EAR_PREVIOUS:
		return plan_previous(plan, view);
	case EAR_SEEK:
		return plan_seek(plan, view, press);
	case EAR_VOLUME:
		return plan_volume(plan, view, press);
	case EAR_MUTE:
		return plan_mute(plan, view, press);
	case EAR_SHUFFLE:
		return plan_shuffle(plan, view, press);
	case EAR_REPEAT:
		return plan_repeat(plan, view, press);
	case EAR_OPEN:
	case EAR_QUEUE:
		return plan_add(plan, press, press->button == EAR_OPEN);
	case EAR_RATE:
	case EAR_AUDIO:
	case EAR_SUBTITLE:
	case EAR_KEY:
	case EAR_BUTTON_COUNT:
		break;
	}
	return -EOPNOTSUPP;
}

void
mpd_plan_open(struct mpd_plan *plan, int song_id)
{
	plan->commands[0] = (struct mpd_command){ 0 };
	plan->count = 0;
	plan->opens = false;
	plan->loads = true;
	plan->playback = EAR_PLAYING;
	plan->song_id = song_id;
	add(plan, "playid", song_id);
}

void
mpd_plan_remove(struct mpd_plan *plan, int song_id)
{
	*plan = (struct mpd_plan){ 0 };
	add(plan, "deleteid", song_id);
}

/* A mixer may have coarser steps than per cent, but none that make nothing of something. */
static bool
volume_holds(const struct mpd_plan *plan, const struct mpd_view *view)
{
	int heard = view->state.muted ? 0 : view->state.volume;

	return plan->volume < 0 || (heard >= 0 && abs(heard - plan->volume) <= 5);
}

bool
mpd_plan_holds(const struct mpd_plan *plan, const struct mpd_view *view)
{
	enum ear_playback now = view->state.playback;

	if (plan->song_id >= 0 && view->song_id != plan->song_id)
		return false;
	/* What was paused may have come to its end in that very moment. */
	if (plan->playback == EAR_PAUSED && now == EAR_STOPPED)
		return true;
	return (plan->playback < 0 || plan->playback == (int)now) && volume_holds(plan, view);
}
