/* SPDX-License-Identifier: ISC */
/*
 * mpv.c: driving mpv over its JSON IPC.
 *
 * A press is three steps: look (read the properties that matter for it: mpv stops its own work for
 * each), act (the commands that the press means in that state), and, when what they cause has
 * settled, read them all. An mpv that hangs is found out by the first step, so that at most a press
 * sent in the very moment of the hang is done late. Nothing that changes by itself is asked for at
 * rest: the position is read when somebody wants it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>
#include <earshot/timer.h>

#include "base/alloc.h"
#include "player/mpv_find.h"
#include "player/mpv_ipc.h"
#include "player/mpv_view.h"
#include "player/ops.h"
#include "player/retry.h"

#define SETTLE_MAX (EAR_SEC) /* a slow network: then the state is told as it is */
/* Everybody has been told by then, or nothing has changed. While mpv is busy reading its state out
 * to us, the others would hear of the change only after that. */
#define TELL_MAX (2 * EAR_MSEC)
#define REFUSED  (EAR_SEC / 10) /* what cannot be opened leaves mpv idle, or the next plays */

#define SHOW_MSEC_MAX 3600000 /* far below what mpv's own integer holds */

enum mpv_phase {
	MPV_REST,    /* no job */
	MPV_LOOK,    /* reading, for a question or before a press */
	MPV_ACT,     /* commands are sent */
	MPV_SETTLE,  /* commands are done; waiting for what they cause */
	MPV_CONFIRM, /* reading back, or that it is so already */
};

struct mpv {
	struct ear_player *player;
	char *socket; /* NULL: the usual places */
	struct mpv_ipc *ipc;
	enum mpv_phase phase;
	bool is_press;
	struct ear_press press;
	struct mpv_plan plan;
	struct mpv_view view;
	int resume;       /* index in the playlist that was playing when we last looked, or -1 */
	bool started;     /* a file began since the commands were done */
	const char *down; /* mpv's name of a key that we told it is down, or NULL */
	/* The requests under way: ids first .. first + count - 1; a bit for each that is missing.
	 */
	json_int_t first, next_id;
	size_t count;
	unsigned missing;
	struct ear_timer settle;
	struct retry retry;
};

/* Observed, so that changes by others are told; cheap, since none of them moves at rest. */
static const char *const observed[] = {
	"idle-active",
	"pause",
	"media-title",
	"volume",
	"mute",
	"seekable",
	"playlist-pos",
	"playlist-count",
	"speed",
	"shuffle",
	"loop-file",
	"loop-playlist",
	"aid",
	"sid",
	"track-list/count",
	"metadata/by-key/artist",
	"metadata/by-key/album",
};

#define OBSERVED (sizeof(observed) / sizeof(observed[0]))

static const char *
mpv_phase_name(enum mpv_phase phase)
{
	switch (phase) {
	case MPV_REST:
		return "rest";
	case MPV_LOOK:
		return "look";
	case MPV_ACT:
		return "act";
	case MPV_SETTLE:
		return "settle";
	case MPV_CONFIRM:
		return "confirm";
	}
	return "?";
}

static void
mpv_enter(struct mpv *mpv, enum mpv_phase phase)
{
	ear_debug("player: mpv %s -> %s", mpv_phase_name(mpv->phase), mpv_phase_name(phase));
	mpv->phase = phase;
	if (phase == MPV_SETTLE)
		ear_timer_set(&mpv->settle,
			      mpv->plan.settle == MPV_AT_ONCE ? TELL_MAX : SETTLE_MAX);
	else
		ear_timer_stop(&mpv->settle);
	if (phase == MPV_REST)
		mpv->count = 0;
}

static void
mpv_end(struct mpv *mpv, int error)
{
	mpv_enter(mpv, MPV_REST);
	if (error == 0)
		retry_reset(&mpv->retry);
	player_done(mpv->player, error, error == 0 ? &mpv->view.state : NULL);
}

/* Begins a batch of requests, whose answers are told apart from late ones by their ids. */
static void
batch_open(struct mpv *mpv)
{
	mpv->first = mpv->next_id;
	mpv->count = 0;
	mpv->missing = 0;
}

static int
batch_add(struct mpv *mpv, json_t *command)
{
	mpv->missing |= 1u << mpv->count++;
	return mpv_ipc_send(mpv->ipc, mpv->next_id++, command);
}

static void
batch_skip(struct mpv *mpv)
{
	mpv->count++;
	mpv->next_id++;
}

/* wanted: a bit for each property. Where in its playlist mpv is stays known. */
static void
mpv_read(struct mpv *mpv, enum mpv_phase phase, unsigned wanted)
{
	int error = 0;

	mpv_view_init(&mpv->view);
	if ((wanted & 1u << MPV_PLAYLIST_POS) == 0)
		mpv->view.playlist_index = mpv->resume;
	mpv_enter(mpv, phase);
	batch_open(mpv);
	for (size_t i = 0; i < MPV_PROPERTIES && error == 0; i++)
		if ((wanted & 1u << i) == 0)
			batch_skip(mpv);
		else
			error = batch_add(mpv,
					  json_pack("[s,s]", "get_property", mpv_properties[i]));
	if (error != 0)
		mpv_end(mpv, -ETIMEDOUT);
}

static void
mpv_confirm(struct mpv *mpv)
{
	mpv_read(mpv, MPV_CONFIRM, MPV_ALL);
}

static void
on_settle(void *arg)
{
	mpv_confirm(arg);
}

static void
note_key(struct mpv *mpv)
{
	const struct ear_press *press = &mpv->press;

	if (press->button != EAR_KEY)
		return;
	if (press->motion == EAR_DOWN || press->motion == EAR_HELD)
		mpv->down = mpv_key_name(press->key);
	else if (press->motion == EAR_UP)
		mpv->down = NULL;
}

/* When mpv outlives the one who can let go. */
static void
let_go(struct mpv *mpv)
{
	if (mpv->down == NULL)
		return;
	(void)mpv_ipc_send(mpv->ipc, mpv->next_id++, json_pack("[s,s]", "keyup", mpv->down));
	mpv->down = NULL;
}

static void
mpv_act(struct mpv *mpv)
{
	int error = mpv_plan_press(&mpv->plan, &mpv->view, &mpv->press);

	if (error != 0) {
		mpv_end(mpv, error);
		return;
	}
	if (mpv->plan.count == 0) {
		mpv_confirm(mpv);
		return;
	}
	mpv_enter(mpv, MPV_ACT);
	note_key(mpv);
	mpv->started = false;
	batch_open(mpv);
	for (size_t i = 0; i < mpv->plan.count; i++) {
		int full = batch_add(mpv, mpv->plan.commands[i]);

		error = error == 0 ? full : error;
	}
	if (error != 0)
		mpv_end(mpv, -ETIMEDOUT);
}

/* Every request of the phase was answered well. */
static void
mpv_advance(struct mpv *mpv)
{
	switch (mpv->phase) {
	case MPV_LOOK:
	case MPV_CONFIRM:
		mpv_view_finish(&mpv->view, mpv->resume);
		mpv->resume = mpv->view.resume;
		if (mpv->phase == MPV_LOOK && mpv->is_press)
			mpv_act(mpv);
		else if (mpv->phase == MPV_CONFIRM && !mpv_plan_holds(&mpv->plan, &mpv->view))
			mpv_end(mpv, -EREMOTEIO);
		else
			mpv_end(mpv, 0);
		break;
	case MPV_ACT:
		mpv_enter(mpv, MPV_SETTLE);
		break;
	case MPV_REST:
	case MPV_SETTLE:
		break;
	}
}

/* The answer to request i of the batch. */
static int
mpv_take(struct mpv *mpv, size_t i, const char *error, json_t *data)
{
	bool good = strcmp(error, "success") == 0;

	if (mpv->phase == MPV_ACT)
		return good ? 0 : -EREMOTEIO;
	return mpv_view_set(&mpv->view, i, good ? data : NULL);
}

static void
on_reply(struct mpv *mpv, json_t *object)
{
	json_int_t id = json_integer_value(json_object_get(object, "request_id"));
	const char *text = json_string_value(json_object_get(object, "error"));
	size_t i;
	int error;

	if (id < mpv->first || id - mpv->first >= (json_int_t)mpv->count)
		return; /* late, from a job that was given up */
	i = id - mpv->first;
	if ((mpv->missing & 1u << i) == 0)
		return;
	mpv->missing &= ~(1u << i);
	error = text == NULL ? -EPROTO : mpv_take(mpv, i, text, json_object_get(object, "data"));
	if (error != 0)
		mpv_end(mpv, error);
	else if (mpv->missing == 0)
		mpv_advance(mpv);
}

static bool
is_settled(const struct mpv *mpv, bool change, bool idle, bool restart)
{
	switch (mpv->plan.settle) {
	case MPV_AT_ONCE:
		return change;
	case MPV_SOUGHT:
		return idle || restart;
	case MPV_LOADED:
		return (idle || restart) && mpv->started;
	case MPV_STOPPED:
		return idle;
	}
	return false;
}

static bool
is_idle_event(json_t *object)
{
	const char *name = json_string_value(json_object_get(object, "name"));

	return name != NULL && strcmp(name, "idle-active") == 0 &&
	       json_is_true(json_object_get(object, "data"));
}

/* An mpv that was idle before does not tell that it is so again. */
static bool
is_refusal(const struct mpv *mpv, const char *event, json_t *object)
{
	const char *reason = json_string_value(json_object_get(object, "reason"));

	return mpv->phase == MPV_SETTLE && mpv->plan.must_play && mpv->started &&
	       strcmp(event, "end-file") == 0 && reason != NULL && strcmp(reason, "error") == 0;
}

static void
on_mpv_event(struct mpv *mpv, const char *event, json_t *object)
{
	bool change = strcmp(event, "property-change") == 0;
	bool restart = strcmp(event, "playback-restart") == 0;
	bool idle = change && is_idle_event(object);

	if (strcmp(event, "start-file") == 0)
		mpv->started = true;
	if (is_refusal(mpv, event, object))
		ear_timer_set(&mpv->settle, REFUSED);
	if (mpv->phase == MPV_SETTLE && is_settled(mpv, change, idle, restart))
		mpv_confirm(mpv);
	/* After a restart it is somewhere else. */
	if (change || restart || strcmp(event, "file-loaded") == 0)
		player_poke(mpv->player);
}

static void
on_object(void *arg, json_t *object)
{
	const char *event = json_string_value(json_object_get(object, "event"));

	if (event != NULL)
		on_mpv_event(arg, event, object);
	else if (json_is_integer(json_object_get(object, "request_id")))
		on_reply(arg, object);
}

static void
on_gone(void *arg, int error)
{
	struct mpv *mpv = arg;

	if (error == -EPROTO)
		ear_warn("player: mpv sent something that is not its protocol; disconnected");
	else
		ear_info("player: mpv is gone");
	mpv_ipc_free(mpv->ipc);
	mpv->ipc = NULL;
	if (mpv->phase != MPV_REST)
		mpv_end(mpv, error);
	player_tell(mpv->player, NULL);
	retry_later(&mpv->retry);
}

static const struct mpv_ipc_events ipc_events = { on_object, on_gone };

/* idle-active is needed to see presses through; the others only for whoever wants to be told. */
static void
mpv_observe(struct mpv *mpv)
{
	size_t count = player_is_watched(mpv->player) ? OBSERVED : 1;

	batch_open(mpv);
	for (size_t i = 0; i < count; i++)
		(void)mpv_ipc_send(
			mpv->ipc, mpv->next_id++,
			json_pack("[s,i,s]", "observe_property", (int)i + 1, observed[i]));
}

static int
mpv_try(struct mpv *mpv, const char *path)
{
	int error = 0;

	mpv->ipc = mpv_ipc_new(player_base(mpv->player), path, &ipc_events, mpv, &error);
	if (mpv->ipc == NULL)
		return error;
	ear_info("player: mpv at %s", path);
	retry_stop(&mpv->retry);
	let_go(mpv);
	mpv_observe(mpv);
	return 0;
}

static int
mpv_connect(struct mpv *mpv)
{
	char path[108];
	int error = -ENODEV;

	if (mpv->socket != NULL)
		return mpv_try(mpv, mpv->socket);
	for (size_t i = 0; i < MPV_PLACES && error == -ENODEV; i++)
		if (mpv_find_place(i, path, sizeof(path)))
			error = mpv_try(mpv, path);
	return error;
}

/* Only with somebody to tell: an mpv that appears is a change. */
static void
on_retry(void *arg)
{
	struct mpv *mpv = arg;

	if (mpv->ipc != NULL)
		return;
	if (mpv_connect(mpv) != 0)
		retry_later(&mpv->retry);
	else
		player_poke(mpv->player);
}

static void
mpv_begin(void *self, const struct ear_press *press)
{
	struct mpv *mpv = self;
	int error = mpv->ipc == NULL ? mpv_connect(mpv) : 0;

	if (error != 0) {
		if (error != -ENODEV && error != -ETIMEDOUT)
			ear_warn("player: cannot connect to mpv: %s", strerror(-error));
		player_done(mpv->player, error == -ETIMEDOUT ? error : -ENODEV, NULL);
		return;
	}
	mpv->is_press = press != NULL;
	if (press != NULL)
		mpv->press = *press;
	mpv_read(mpv, MPV_LOOK, press == NULL ? MPV_ALL : mpv_plan_needs(press));
}

static void
mpv_abandon(void *self)
{
	mpv_enter(self, MPV_REST);
}

static int
mpv_open(struct ear_player *player, const struct player_config *config, void **self)
{
	struct mpv *mpv;

	if (config->socket != NULL && mpv_ipc_check_path(config->socket) != 0)
		return -ENAMETOOLONG;
	mpv = xalloc(sizeof(*mpv));
	mpv->player = player;
	mpv->socket = xstrdup(config->socket);
	mpv->resume = -1;
	mpv->next_id = 1;
	ear_timer_init(&mpv->settle, player_clock(player), on_settle, mpv);
	retry_init(&mpv->retry, player, on_retry, mpv);
	*self = mpv;
	return 0;
}

static void
mpv_close(void *self)
{
	struct mpv *mpv = self;

	ear_timer_stop(&mpv->settle);
	retry_stop(&mpv->retry);
	if (mpv->ipc != NULL)
		let_go(mpv);
	mpv_ipc_free(mpv->ipc);
	free(mpv->socket);
	free(mpv);
}

static bool
mpv_is_there(void *self)
{
	struct mpv *mpv = self;

	return mpv->ipc != NULL || mpv_connect(mpv) == 0;
}

/*
 * Commands that come as arrays are not expanded (mpv(1), "Property Expansion"), and `raw` says so
 * again, whatever becomes of that default. What OSD text could mean to libass, mpv escapes itself.
 * The answer is not waited for: it is no answer to any batch.
 */
static int
mpv_show(void *self, const char *text, int64_t usec)
{
	struct mpv *mpv = self;
	json_int_t msec = usec / EAR_MSEC;

	if (mpv->ipc == NULL && mpv_connect(mpv) != 0)
		return -ENODEV;
	if (*text == '\0' || msec < 1)
		msec = 1;
	if (msec > SHOW_MSEC_MAX)
		msec = SHOW_MSEC_MAX;
	/* One that does not even read is as good as gone. */
	return mpv_ipc_send(mpv->ipc, mpv->next_id++,
			    json_pack("[s,s,s,I]", "raw", "show-text", text, msec)) == 0
		       ? 0
		       : -ENODEV;
}

const struct player_kind player_mpv = {
	.name = "mpv",
	.open = mpv_open,
	.close = mpv_close,
	.begin = mpv_begin,
	.abandon = mpv_abandon,
	.is_there = mpv_is_there,
	.show = mpv_show,
};
