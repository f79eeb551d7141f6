/* SPDX-License-Identifier: ISC */
/* mpris_plan.c: presses as calls of MPRIS 2.2, and how they are seen to be done. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/timer.h>

#include "base/alloc.h"
#include "player/mpris_view.h"
#include "player/ops.h"

#define NEAR       (EAR_SEC / 5) /* of where a seek should come to, as time goes by */
#define FAR        (2 * EAR_SEC) /* where pictures let it come no nearer */
#define BY_MAX     (INT64_C(1000000000) * EAR_SEC)
#define SAME_TITLE (3 * EAR_SEC / 10) /* after which no other one is waited for */

/* A difference beyond any place or volume is as good as this one. */
static int64_t
bounded(int64_t by, int64_t most)
{
	return by > most ? most : by < -most ? -most : by;
}

static void
plan_call(struct mpris_plan *plan, const char *method)
{
	plan->act = MPRIS_CALL;
	plan->member = method;
}

static int
plan_playback(struct mpris_plan *plan, const char *method, bool can, enum ear_playback wanted)
{
	if (plan->before.playback == wanted)
		return 0;
	if (!can)
		return -EREMOTEIO;
	plan_call(plan, method);
	plan->playback = wanted;
	return 0;
}

/* Pausing what is stopped has no effect (MPRIS, Player.Pause): it does not play already. */
static int
plan_pause(struct mpris_plan *plan)
{
	if (plan->before.playback == EAR_STOPPED)
		return 0;
	return plan_playback(plan, "Pause", plan->before.can_pause, EAR_PAUSED);
}

static int
plan_toggle(struct mpris_plan *plan)
{
	bool playing = plan->before.playback == EAR_PLAYING;

	return plan_playback(plan, "PlayPause",
			     playing ? plan->before.can_pause : plan->before.can_play,
			     playing ? EAR_PAUSED : EAR_PLAYING);
}

/* Many begin the title again when previous is pressed in the midst of it. */
static int
plan_skip(struct mpris_plan *plan, const char *method, bool can)
{
	if (!can)
		return -EREMOTEIO;
	plan_call(plan, method);
	plan->skips = true;
	return 0;
}

/* Beyond the end, Seek goes to the next title (MPRIS, Player.Seek). */
static int
plan_seek_by(struct mpris_plan *plan, int64_t by)
{
	const struct mpris_view *view = &plan->before;
	int64_t to = view->position < 0 ? -1 : view->position + by;

	plan->act = MPRIS_SEEK;
	plan->member = "Seek";
	plan->time = by;
	if (view->length >= 0 && to >= view->length)
		plan->skips = true;
	else if (view->position >= 0)
		plan->position = to < 0 ? 0 : to;
	return 0;
}

static int
plan_seek(struct mpris_plan *plan, const struct ear_press *press)
{
	const struct mpris_view *view = &plan->before;

	if (!press->relative &&
	    (press->value < 0 || (view->length >= 0 && press->value > view->length)))
		return -ERANGE;
	if (!view->can_seek || view->playback == EAR_STOPPED)
		return -EREMOTEIO;
	if (press->relative)
		return plan_seek_by(plan, bounded(press->value, BY_MAX));
	if (view->track[0] != '\0') {
		plan->act = MPRIS_GOTO;
		plan->member = "SetPosition";
		plan->time = plan->position = press->value;
		(void)copy_text(plan->track, sizeof(plan->track), view->track);
		return 0;
	}
	/* Without the name of a track there is no absolute way. */
	if (view->position < 0)
		return -EOPNOTSUPP;
	return plan_seek_by(plan, press->value - view->position);
}

static int
plan_real(struct mpris_plan *plan, const char *property, double value)
{
	plan->act = MPRIS_SET_REAL;
	plan->member = property;
	plan->real = value;
	return 0;
}

static int
plan_set_volume(struct mpris_plan *plan, int percent)
{
	if (percent == mpris_view_volume(&plan->before))
		return 0;
	plan->volume = percent;
	return plan_real(plan, "Volume", percent / 100.0);
}

static int
plan_volume(struct mpris_plan *plan, const struct ear_press *press)
{
	int64_t to = press->value;

	if (plan->before.volume < 0)
		return -EOPNOTSUPP;
	if (press->relative)
		to = bounded(to, 1000) + mpris_view_volume(&plan->before);
	else if (to < 0 || to > 100)
		return -ERANGE;
	return plan_set_volume(plan, to < 0 ? 0 : to > 100 ? 100 : (int)to);
}

/*
 * MPRIS knows no mute. A remote control without it would be no use when the telephone rings, and
 * every player has a volume: so it is volume 0, and back to what it was.
 */
static int
plan_mute(struct mpris_plan *plan, const struct ear_press *press)
{
	int volume = mpris_view_volume(&plan->before);
	bool muted = volume == 0, on = press->has_value ? press->value != 0 : !muted;

	if (volume < 0)
		return -EOPNOTSUPP;
	if (on == muted)
		return 0;
	if (on)
		plan->loudness = volume;
	return plan_set_volume(plan, on ? 0 : plan->before.loudness);
}

/* A rate of 0 would pause (MPRIS, Player.Rate); below EAR_RATE_MIN nobody asks for it. */
static int
plan_rate(struct mpris_plan *plan, const struct ear_press *press)
{
	const struct mpris_view *view = &plan->before;
	double rate = (double)press->value / 1000;

	if (view->rate <= 0)
		return -EOPNOTSUPP;
	if (press->value < EAR_RATE_MIN || press->value > EAR_RATE_MAX ||
	    (view->min_rate > 0 && rate < view->min_rate) ||
	    (view->max_rate > 0 && rate > view->max_rate))
		return -ERANGE;
	if (press->value == mpris_view_rate(view))
		return 0;
	plan->rate = (int)press->value;
	return plan_real(plan, "Rate", rate);
}

static int
plan_shuffle(struct mpris_plan *plan, const struct ear_press *press)
{
	const struct mpris_view *view = &plan->before;
	bool on = press->has_value ? press->value != 0 : view->shuffle == 0;

	if (view->shuffle < 0)
		return -EOPNOTSUPP;
	if (on == view->shuffle)
		return 0;
	plan->act = MPRIS_SET_SWITCH;
	plan->member = "Shuffle";
	plan->is = on;
	plan->shuffle = on;
	return 0;
}

static int
plan_repeat(struct mpris_plan *plan, const struct ear_press *press)
{
	static const char *const names[] = {
		[EAR_REPEAT_OFF] = "None", [EAR_REPEAT_ALL] = "Playlist", [EAR_REPEAT_ONE] = "Track"
	};
	const struct mpris_view *view = &plan->before;
	int to = player_repeat_wanted(press, view->repeat);

	if (view->repeat < 0)
		return -EOPNOTSUPP;
	if (to < 0)
		return to;
	if (to == view->repeat)
		return 0;
	plan->act = MPRIS_SET_TEXT;
	plan->member = "LoopStatus";
	plan->text = names[to];
	plan->repeat = to;
	return 0;
}

static int
plan_open(struct mpris_plan *plan, const struct ear_press *press)
{
	plan->act = MPRIS_OPEN;
	plan->member = "OpenUri";
	plan->text = press->text;
	plan->skips = true;
	plan->playback = EAR_PLAYING;
	return press->text == NULL ? -ERANGE : 0;
}

static int
plan_verb(struct mpris_plan *plan, const struct ear_press *press)
{
	const struct mpris_view *view = &plan->before;

	switch (press->button) {
	case EAR_PLAY:
		return plan_playback(plan, "Play", view->can_play, EAR_PLAYING);
	case EAR_PAUSE:
		return plan_pause(plan);
	case EAR_PLAYPAUSE:
		return plan_toggle(plan);
	case EAR_STOP:
		return plan_playback(plan, "Stop", true, EAR_STOPPED);
	case EAR_NEXT:
		return plan_skip(plan, "Next", view->can_next);
	case EAR_PREVIOUS:
		return plan_skip(plan, "Previous", view->can_previous);
	case EAR_SEEK:
		return plan_seek(plan, press);
	case EAR_VOLUME:
		return plan_volume(plan, press);
	case EAR_MUTE:
		return plan_mute(plan, press);
	case EAR_RATE:
		return plan_rate(plan, press);
	case EAR_SHUFFLE:
		return plan_shuffle(plan, press);
	case EAR_REPEAT:
		return plan_repeat(plan, press);
	case EAR_OPEN:
		return plan_open(plan, press);
	case EAR_QUEUE: /* TrackList.AddTrack: hardly any player has it */
	case EAR_AUDIO:
	case EAR_SUBTITLE:
	case EAR_KEY:
	case EAR_BUTTON_COUNT:
		break;
	}
	return -EOPNOTSUPP;
}

int
mpris_plan_press(struct mpris_plan *plan, const struct mpris_view *view,
		 const struct ear_press *press)
{
	int error;

	*plan = (struct mpris_plan){
		.playback = -1,
		.volume = -1,
		.rate = -1,
		.shuffle = -1,
		.repeat = -1,
		.position = -1,
		.loudness = -1,
		.before = *view,
	};
	error = plan_verb(plan, press);
	/* Whoever lets nobody control him says so of each button (MPRIS, Player.CanControl). */
	if (error == 0 && plan->act != MPRIS_NOTHING && !view->can_control)
		return -EREMOTEIO;
	return error;
}

static int
append_set(const struct mpris_plan *plan, sd_bus_message *message)
{
	int error = sd_bus_message_append(message, "ss", MPRIS_PLAYER, plan->member);

	if (error < 0)
		return error;
	if (plan->act == MPRIS_SET_REAL)
		return sd_bus_message_append(message, "v", "d", plan->real);
	if (plan->act == MPRIS_SET_SWITCH)
		return sd_bus_message_append(message, "v", "b", (int)plan->is);
	return sd_bus_message_append(message, "v", "s", plan->text);
}

static int
append_arguments(const struct mpris_plan *plan, sd_bus_message *message)
{
	switch (plan->act) {
	case MPRIS_SEEK:
		return sd_bus_message_append(message, "x", plan->time);
	case MPRIS_GOTO:
		return sd_bus_message_append(message, "ox", plan->track, plan->time);
	case MPRIS_OPEN:
		return sd_bus_message_append(message, "s", plan->text);
	case MPRIS_SET_REAL:
	case MPRIS_SET_SWITCH:
	case MPRIS_SET_TEXT:
		return append_set(plan, message);
	case MPRIS_NOTHING:
	case MPRIS_CALL:
		break;
	}
	return 0;
}

sd_bus_message *
mpris_plan_message(const struct mpris_plan *plan, sd_bus *bus, const char *destination)
{
	bool sets = plan->act >= MPRIS_SET_REAL;
	sd_bus_message *message = NULL;

	if (sd_bus_message_new_method_call(bus, &message, destination, MPRIS_PATH,
					   sets ? MPRIS_PROPERTIES : MPRIS_PLAYER,
					   sets ? "Set" : plan->member) >= 0 &&
	    append_arguments(plan, message) >= 0)
		return message;
	sd_bus_message_unref(message);
	return NULL;
}

/* A length that is only found out now is no other title. */
static bool
is_other_title(const struct mpris_view *a, const struct mpris_view *b)
{
	return strcmp(a->track, b->track) != 0 || strcmp(a->title, b->title) != 0 ||
	       (a->length >= 0 && b->length >= 0 && a->length != b->length);
}

/*
 * Between two titles VLC says that it is stopped, and that it plays when the next one has begun;
 * mpv is at the start before it says of what. So the same title from an earlier place counts when
 * no other one has come for a while. A player that stops for good after the last title is told of
 * when the time is over.
 */
static bool
has_skipped(const struct mpris_plan *plan, const struct mpris_view *view, int64_t waited)
{
	const struct mpris_view *before = &plan->before;

	if (view->playback == EAR_STOPPED && before->playback != EAR_STOPPED)
		return false;
	return is_other_title(before, view) ||
	       (view->position < before->position && waited > SAME_TITLE);
}

static int64_t
distance(int64_t a, int64_t b)
{
	return a < b ? b - a : a - b;
}

/* Players answer before they have sought: nearer to where it should be than to where it was. */
static bool
has_come_to(const struct mpris_plan *plan, const struct mpris_view *view)
{
	int64_t about = distance(plan->position, plan->before.position) / 2;

	if (view->position < 0)
		return true;
	about = about < NEAR ? NEAR : about > FAR ? FAR : about;
	return distance(view->position, plan->position) < about;
}

/* VLC keeps the inverse, in thousandths. */
static bool
is_about(int wanted, int rate)
{
	return abs(wanted - rate) <= wanted / 100;
}

bool
mpris_plan_holds(const struct mpris_plan *plan, const struct mpris_view *view, int64_t waited)
{
	return (plan->playback < 0 || plan->playback == (int)view->playback) &&
	       (plan->volume < 0 || plan->volume == mpris_view_volume(view)) &&
	       (plan->rate < 0 || is_about(plan->rate, mpris_view_rate(view))) &&
	       (plan->shuffle < 0 || plan->shuffle == view->shuffle) &&
	       (plan->repeat < 0 || plan->repeat == view->repeat) &&
	       (plan->position < 0 || has_come_to(plan, view)) &&
	       (!plan->skips || has_skipped(plan, view, waited));
}
