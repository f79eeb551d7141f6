/* SPDX-License-Identifier: ISC */
/* kodi_plan.c: each button as a method of Kodi, given the state that Kodi is in. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/timer.h>
#include <unistr.h>

#include "player/kodi_view.h"

#define NEAR      (2 * EAR_SEC) /* a seek ends at a key frame, and takes its time */
#define NEAR_END  (3 * EAR_SEC) /* so near, the item may be over when one looks again */
#define TIME_MAX  (INT64_C(360000000) * EAR_SEC) /* 100,000 hours */
#define FILE_PART "file://"

/* The reference to params is taken. */
static int
call(struct kodi_plan *plan, const char *method, json_t *params)
{
	if (params == NULL)
		abort();
	assert(plan->method == NULL);
	plan->method = method;
	plan->params = params;
	return 0;
}

static void
aim(struct kodi_plan *plan, enum kodi_goal goal, int64_t value)
{
	plan->goal = goal;
	plan->value = value;
}

/* Starts an item of a playlist while nothing plays. */
static int
plan_start(struct kodi_plan *plan, const struct kodi_view *view, int list, int index)
{
	if (index < 0 || index >= kodi_view_size(view, list))
		return -EREMOTEIO;
	aim(plan, KODI_INDEX, index);
	return call(plan, "Player.Open",
		    json_pack("{s:{s:i, s:i}}", "item", "playlistid", list, "position", index));
}

static int
plan_resume(struct kodi_plan *plan, const struct kodi_view *view, int resume_list, int resume_index,
	    int by)
{
	int list = kodi_view_list(view, resume_list);
	int index = list == resume_list && resume_index >= 0 ? resume_index : 0;

	/* What was played last may have been taken out of the list. */
	if (by == 0 && index >= kodi_view_size(view, list))
		index = 0;
	return plan_start(plan, view, list, index + by);
}

static int
plan_pause(struct kodi_plan *plan, const struct kodi_view *view, bool play)
{
	if (play ? view->speed == 1 : view->speed == 0)
		return 0;
	aim(plan, KODI_PLAYBACK, play ? EAR_PLAYING : EAR_PAUSED);
	return call(plan, "Player.PlayPause",
		    json_pack("{s:i, s:b}", "playerid", view->player, "play", play));
}

static int
plan_stop(struct kodi_plan *plan, const struct kodi_view *view)
{
	aim(plan, KODI_PLAYBACK, EAR_STOPPED);
	return call(plan, "Player.Stop", json_pack("{s:i}", "playerid", view->player));
}

/*
 * By number where there is a playlist: what Kodi does past its ends is to begin anew, and
 * `previous` may only mean the start of the same item.
 */
static int
plan_skip(struct kodi_plan *plan, const struct kodi_view *view, int by)
{
	int size = kodi_view_size(view, view->list), to = view->index + by;

	if (size == 0 || view->index < 0) {
		aim(plan, KODI_STARTED, 0);
		return call(plan, "Player.GoTo",
			    json_pack("{s:i, s:s}", "playerid", view->player, "to",
				      by < 0 ? "previous" : "next"));
	}
	if (view->state.repeat == EAR_REPEAT_ALL)
		to = (to + size) % size;
	if (to < 0 || to >= size)
		return -EREMOTEIO;
	aim(plan, KODI_INDEX, to);
	return call(plan, "Player.GoTo",
		    json_pack("{s:i, s:i}", "playerid", view->player, "to", to));
}

static json_t *
time_of(int64_t usec)
{
	int64_t msec = usec / EAR_MSEC;

	return json_pack("{s:i, s:i, s:i, s:i}", "hours", (int)(msec / 3600000), "minutes",
			 (int)(msec / 60000 % 60), "seconds", (int)(msec / 1000 % 60),
			 "milliseconds", (int)(msec % 1000));
}

/* now + by, between min and max. */
static int64_t
shifted(int64_t now, int64_t by, int64_t min, int64_t max)
{
	if (by > max - now)
		return max;
	return by < min - now ? min : now + by;
}

/* Always to a position, never by a difference: so it can be done again when Kodi has lost it. */
static int
plan_seek(struct kodi_plan *plan, const struct kodi_view *view, const struct ear_press *press)
{
	int64_t to = press->value, end = view->state.duration_us, now = view->state.position_us;
	int64_t max = end < 0 ? TIME_MAX : end;

	if (!view->state.seekable || now < 0)
		return -EREMOTEIO;
	if (!press->relative && (to < 0 || to > max))
		return -ERANGE;
	if (press->relative)
		to = shifted(now, to, 0, max);
	if (end < 0 || end - to > NEAR_END)
		aim(plan, KODI_POSITION, to);
	return call(plan, "Player.Seek",
		    json_pack("{s:i, s:{s:o}}", "playerid", view->player, "value", "time",
			      time_of(to)));
}

static int
plan_volume(struct kodi_plan *plan, const struct kodi_view *view, const struct ear_press *press)
{
	int64_t to = press->value;

	if (!press->relative && (to < 0 || to > 100))
		return -ERANGE;
	if (press->relative)
		to = shifted(view->state.volume, to, 0, 100);
	aim(plan, KODI_VOLUME, to);
	return call(plan, "Application.SetVolume", json_pack("{s:i}", "volume", (int)to));
}

static bool
switched(const struct ear_press *press, bool now)
{
	return press->has_value ? press->value != 0 : !now;
}

static int
plan_mute(struct kodi_plan *plan, const struct kodi_view *view, const struct ear_press *press)
{
	bool muted = switched(press, view->state.muted);

	aim(plan, KODI_MUTED, muted);
	return call(plan, "Application.SetMute", json_pack("{s:b}", "mute", muted));
}

/* Kodi 20 winds at two and four times the speed; its tempo cannot be set from outside. */
static int
plan_rate(struct kodi_plan *plan, const struct kodi_view *view, const struct ear_press *press)
{
	int speed = (int)(press->value / 1000);

	if (press->value % 1000 != 0 || (speed != 1 && speed != 2 && speed != 4))
		return -ERANGE;
	if (!view->can_change_speed || view->speed == 0) /* it would go on playing */
		return -EREMOTEIO;
	aim(plan, KODI_SPEED, speed);
	return call(plan, "Player.SetSpeed",
		    json_pack("{s:i, s:i}", "playerid", view->player, "speed", speed));
}

static int
plan_shuffle(struct kodi_plan *plan, const struct kodi_view *view, const struct ear_press *press)
{
	bool shuffle = switched(press, view->state.shuffle == 1);

	if (!view->can_shuffle)
		return -EREMOTEIO;
	aim(plan, KODI_SHUFFLE, shuffle);
	return call(plan, "Player.SetShuffle",
		    json_pack("{s:i, s:b}", "playerid", view->player, "shuffle", shuffle));
}

static int
plan_repeat(struct kodi_plan *plan, const struct kodi_view *view, const struct ear_press *press)
{
	int repeat = view->state.repeat;

	if (!view->can_repeat || repeat < 0)
		return -EREMOTEIO;
	repeat = press->has_value ? (int)press->value : (repeat + 1) % (EAR_REPEAT_ONE + 1);
	aim(plan, KODI_REPEAT, repeat);
	return call(plan, "Player.SetRepeat",
		    json_pack("{s:i, s:s}", "playerid", view->player, "repeat",
			      ear_repeat_name((enum ear_repeat)repeat)));
}

static int
hex_digit(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *digit = c == '\0' ? NULL : strchr(digits, c);

	return digit == NULL ? -1 : (int)(digit - digits) % 16;
}

/* RFC 3986 section 2.1, in place. */
static void
percent_decode(char *text)
{
	char *out = text;

	for (; *text != '\0'; text++) {
		int high = *text == '%' ? hex_digit(text[1]) : -1;
		int low = high < 0 ? -1 : hex_digit(text[2]);

		if (low >= 0)
			text += 2;
		*out++ = low < 0 ? *text : (char)(high << 4 | low);
	}
	*out = '\0';
}

/* Kodi takes a URL, but a file only by its path. -ERANGE: one that JSON cannot hold. */
static int
file_of(const char *url, json_t **out)
{
	char text[EAR_URL_MAX];
	size_t length = strnlen(url, sizeof(text));

	if (length == sizeof(text))
		return -ERANGE;
	memcpy(text, url, length + 1);
	if (strncasecmp(url, FILE_PART, sizeof(FILE_PART) - 1) == 0) {
		memmove(text, text + sizeof(FILE_PART) - 1, length + 2 - sizeof(FILE_PART));
		percent_decode(text);
	}
	*out = json_string(text);
	return *out == NULL ? -ERANGE : 0;
}

static int
plan_open(struct kodi_plan *plan, const struct ear_press *press)
{
	json_t *file;
	int error = file_of(press->text, &file);

	if (error != 0)
		return error;
	aim(plan, KODI_STARTED, 0);
	return call(plan, "Player.Open", json_pack("{s:{s:o}}", "item", "file", file));
}

/* Where nothing plays and nothing waits, videos are what Kodi is for. */
static int
plan_queue(struct kodi_plan *plan, const struct kodi_view *view, int resume_list,
	   const struct ear_press *press)
{
	int list = kodi_view_list(view, resume_list), error;
	json_t *file;

	if (list < 0 || list >= KODI_LISTS)
		list = KODI_LISTS - 1;
	error = file_of(press->text, &file);
	if (error != 0)
		return error;
	plan->list = list;
	aim(plan, KODI_QUEUED, kodi_view_size(view, list) + 1);
	return call(plan, "Playlist.Add",
		    json_pack("{s:i, s:{s:o}}", "playlistid", list, "item", "file", file));
}

static int
plan_audio(struct kodi_plan *plan, const struct kodi_view *view, const struct ear_press *press)
{
	int count = view->state.audio_count, now = view->state.audio < 0 ? 0 : view->state.audio;
	int64_t to = press->has_value ? press->value : now % (count > 0 ? count : 1) + 1;

	if (count <= 0)
		return -EREMOTEIO;
	if (to < 1 || to > count)
		return -ERANGE;
	aim(plan, KODI_AUDIO, to);
	return call(plan, "Player.SetAudioStream",
		    json_pack("{s:i, s:i}", "playerid", view->player, "stream", (int)to - 1));
}

static int
plan_subtitle(struct kodi_plan *plan, const struct kodi_view *view, const struct ear_press *press)
{
	int count = view->state.subtitle_count;
	int now = view->state.subtitle < 0 ? 0 : view->state.subtitle;
	int64_t to = press->has_value ? press->value : (now + 1) % (count + 1);

	if (count <= 0)
		return -EREMOTEIO;
	if (to < 0 || to > count)
		return -ERANGE;
	aim(plan, KODI_SUBTITLE, to);
	if (to == 0)
		return call(plan, "Player.SetSubtitle",
			    json_pack("{s:i, s:s}", "playerid", view->player, "subtitle", "off"));
	return call(plan, "Player.SetSubtitle",
		    json_pack("{s:i, s:i, s:b}", "playerid", view->player, "subtitle", (int)to - 1,
			      "enable", true));
}

/* What makes sense while something plays only. */
static int
plan_playing(struct kodi_plan *plan, const struct kodi_view *view, const struct ear_press *press)
{
	switch (press->button) {
	case EAR_PLAY:
		return plan_pause(plan, view, true);
	case EAR_PAUSE:
		return plan_pause(plan, view, false);
	case EAR_PLAYPAUSE:
		return plan_pause(plan, view, view->speed == 0);
	case EAR_STOP:
		return plan_stop(plan, view);
	case EAR_NEXT:
		return plan_skip(plan, view, 1);
	case EAR_PREVIOUS:
		return plan_skip(plan, view, -1);
	case EAR_SEEK:
		return plan_seek(plan, view, press);
	case EAR_RATE:
		return plan_rate(plan, view, press);
	case EAR_SHUFFLE:
		return plan_shuffle(plan, view, press);
	case EAR_REPEAT:
		return plan_repeat(plan, view, press);
	case EAR_AUDIO:
		return plan_audio(plan, view, press);
	case EAR_SUBTITLE:
		return plan_subtitle(plan, view, press);
	case EAR_VOLUME:
	case EAR_MUTE:
	case EAR_OPEN:
	case EAR_QUEUE:
	case EAR_KEY:
	case EAR_BUTTON_COUNT:
		break;
	}
	return -EOPNOTSUPP;
}

int
kodi_plan_press(struct kodi_plan *plan, const struct kodi_view *view, int resume_list,
		int resume_index, const struct ear_press *press)
{
	bool idle = view->player < 0;

	*plan = (struct kodi_plan){ 0 };
	switch (press->button) {
	case EAR_PLAY:
	case EAR_PLAYPAUSE:
		if (idle)
			return plan_resume(plan, view, resume_list, resume_index, 0);
		break;
	case EAR_NEXT:
	case EAR_PREVIOUS:
		if (idle)
			return plan_resume(plan, view, resume_list, resume_index,
					   press->button == EAR_NEXT ? 1 : -1);
		break;
	case EAR_PAUSE:
	case EAR_STOP:
		if (idle)
			return 0;
		break;
	case EAR_VOLUME:
		return plan_volume(plan, view, press);
	case EAR_MUTE:
		return plan_mute(plan, view, press);
	case EAR_OPEN:
		return plan_open(plan, press);
	case EAR_QUEUE:
		return plan_queue(plan, view, resume_list, press);
	case EAR_SEEK:
	case EAR_RATE:
	case EAR_SHUFFLE:
	case EAR_REPEAT:
	case EAR_AUDIO:
	case EAR_SUBTITLE:
	case EAR_KEY:
	case EAR_BUTTON_COUNT:
		break;
	}
	return idle ? -EREMOTEIO : plan_playing(plan, view, press);
}

void
kodi_plan_release(struct kodi_plan *plan)
{
	json_decref(plan->params);
	*plan = (struct kodi_plan){ 0 };
}

static bool
is_near(const struct kodi_plan *plan, const struct kodi_view *view, int64_t elapsed)
{
	int64_t beyond = view->state.position_us - plan->value;

	return beyond >= -NEAR && beyond <= NEAR + elapsed / 1000 * view->state.rate;
}

bool
kodi_plan_holds(const struct kodi_plan *plan, const struct kodi_view *view, bool started,
		int64_t elapsed)
{
	const struct ear_player_state *state = &view->state;

	switch (plan->goal) {
	case KODI_NO_GOAL:
		return true;
	case KODI_PLAYBACK:
		/* What has come to its end meanwhile is neither paused nor played. */
		return state->playback == (enum ear_playback)plan->value || view->player < 0;
	case KODI_INDEX:
		return started && view->player >= 0 && view->index == plan->value;
	case KODI_STARTED:
		return started && view->player >= 0;
	case KODI_POSITION:
		return is_near(plan, view, elapsed);
	case KODI_QUEUED:
		return kodi_view_size(view, plan->list) >= plan->value;
	case KODI_VOLUME:
		return state->volume == plan->value;
	case KODI_MUTED:
		return state->muted == (plan->value != 0);
	case KODI_SPEED:
		return view->speed == plan->value;
	case KODI_SHUFFLE:
		return state->shuffle == plan->value;
	case KODI_REPEAT:
		return state->repeat == plan->value;
	case KODI_AUDIO:
		return state->audio == plan->value;
	case KODI_SUBTITLE:
		return state->subtitle == plan->value;
	}
	return false;
}
