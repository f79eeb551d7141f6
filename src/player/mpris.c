/* SPDX-License-Identifier: ISC */
/*
 * mpris.c: driving whatever plays on this desktop, over MPRIS 2 on the session bus.
 *
 * A press is: look (read the properties of the player that is to be driven), act (one call), and
 * read again until the player says that it is so, or a second is over. A player that hangs is found
 * out by the first step, since a call that waits in its socket would be done when it wakes up; and
 * it is the last to be chosen then, until it says something.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "player/mpris_impl.h"
#include "player/ops.h"

#define FIND_MAX     (EAR_SEC / 2)   /* for players that have just been found to answer */
#define SILENT_AFTER (EAR_SEC / 2)   /* of a player that does not answer */
#define SETTLE_MAX   (EAR_SEC)       /* for a press to show */
#define SETTLE_STEP  (20 * EAR_MSEC) /* the first wait, doubled each time */

static const char *
phase_name(enum mpris_phase phase)
{
	switch (phase) {
	case MPRIS_REST:
		return "rest";
	case MPRIS_FIND:
		return "find";
	case MPRIS_LOOK:
		return "look";
	case MPRIS_ACT:
		return "act";
	case MPRIS_SETTLE:
		return "settle";
	case MPRIS_CONFIRM:
		return "confirm";
	}
	return "?";
}

/* The one to drive now; NULL: none. */
static struct mpris_player *
mpris_best(const struct mpris *mpris)
{
	return mpris_players_best(&mpris->players, ear_now(player_clock(mpris->player)));
}

/* A call that belonged to the phase before is not waited for any more. */
static void
mpris_enter(struct mpris *mpris, enum mpris_phase phase)
{
	ear_debug("player: mpris %s -> %s", phase_name(mpris->phase), phase_name(phase));
	mpris->phase = phase;
	mpris->since = ear_now(player_clock(mpris->player));
	mpris->call = sd_bus_slot_unref(mpris->call);
	ear_timer_stop(&mpris->wait);
	if (phase == MPRIS_REST)
		mpris->target = NULL;
}

static void
mpris_end(struct mpris *mpris, int error)
{
	struct ear_player_state state;

	if (error == 0)
		mpris_view_state(&mpris->target->view, mpris_player_name(mpris->target), &state);
	mpris_enter(mpris, MPRIS_REST);
	player_done(mpris->player, error, error == 0 ? &state : NULL);
}

/* No reply: that is what the bus says when it has left; there is no time-out. */
static const struct {
	const char *name;
	int error;
} errors[] = {
	{ SD_BUS_ERROR_SERVICE_UNKNOWN, -ENODEV },
	{ SD_BUS_ERROR_NAME_HAS_NO_OWNER, -ENODEV },
	{ SD_BUS_ERROR_NO_REPLY, -ENODEV },
	{ SD_BUS_ERROR_DISCONNECTED, -ENODEV },
	{ SD_BUS_ERROR_UNKNOWN_METHOD, -EOPNOTSUPP },
	{ SD_BUS_ERROR_UNKNOWN_INTERFACE, -EOPNOTSUPP },
	{ SD_BUS_ERROR_UNKNOWN_OBJECT, -EOPNOTSUPP },
	{ SD_BUS_ERROR_UNKNOWN_PROPERTY, -EOPNOTSUPP },
	{ SD_BUS_ERROR_PROPERTY_READ_ONLY, -EOPNOTSUPP },
	{ SD_BUS_ERROR_NOT_SUPPORTED, -EOPNOTSUPP },
};

/* 0, or what an answer that is an error means for the press. */
static int
error_of(sd_bus_message *answer)
{
	if (sd_bus_message_is_method_error(answer, NULL) <= 0)
		return 0;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (sd_bus_message_is_method_error(answer, errors[i].name) > 0)
			return errors[i].error;
	return -EREMOTEIO;
}

static int on_read(sd_bus_message *answer, void *arg, sd_bus_error *failed);

static void
mpris_read(struct mpris *mpris, enum mpris_phase phase)
{
	int error;

	mpris_enter(mpris, phase);
	error = mpris_ask(mpris, mpris->target, on_read, mpris, &mpris->call);
	if (error != 0)
		mpris_end(mpris, -ETIMEDOUT);
}

static int
on_acted(sd_bus_message *answer, void *arg, sd_bus_error *failed)
{
	struct mpris *mpris = arg;
	int error = error_of(answer);

	if (error != 0) {
		mpris_end(mpris, error);
		return 0;
	}
	mpris->step = SETTLE_STEP;
	mpris->until = ear_now(player_clock(mpris->player)) + SETTLE_MAX;
	mpris_read(mpris, MPRIS_CONFIRM);
	return 0;
}

static void
mpris_act(struct mpris *mpris)
{
	int error = mpris_plan_press(&mpris->plan, &mpris->target->view, &mpris->press);
	sd_bus_message *message;

	if (error != 0 || mpris->plan.act == MPRIS_NOTHING) {
		mpris_end(mpris, error);
		return;
	}
	if (mpris->plan.loudness >= 0)
		mpris->target->view.loudness = mpris->plan.loudness;
	mpris_enter(mpris, MPRIS_ACT);
	message = mpris_plan_message(&mpris->plan, mpris_bus_of(mpris->bus), mpris->target->owner);
	if (message == NULL)
		mpris_end(mpris, -ERANGE); /* a track or URL that cannot be sent */
	else if (mpris_bus_call(mpris->bus, message, on_acted, mpris, &mpris->call) != 0)
		mpris_end(mpris, -ETIMEDOUT);
}

static void
mpris_settle(struct mpris *mpris)
{
	int64_t left = mpris->until - ear_now(player_clock(mpris->player));

	if (left <= 0 || mpris_plan_holds(&mpris->plan, &mpris->target->view, SETTLE_MAX - left)) {
		mpris_end(mpris, 0);
		return;
	}
	mpris_enter(mpris, MPRIS_SETTLE);
	ear_timer_set(&mpris->wait, mpris->step < left ? mpris->step : left);
	mpris->step *= 2;
}

static int
on_read(sd_bus_message *answer, void *arg, sd_bus_error *failed)
{
	struct mpris *mpris = arg;
	int error = error_of(answer);

	if (error != -ENODEV)
		error = mpris_take(mpris, mpris->target, answer);
	if (error != 0)
		mpris_end(mpris, error);
	else if (mpris->phase == MPRIS_CONFIRM)
		mpris_settle(mpris);
	else if (mpris->is_press)
		mpris_act(mpris);
	else
		mpris_end(mpris, 0);
	return 0;
}

static void
mpris_look(struct mpris *mpris)
{
	mpris->target = mpris_best(mpris);
	if (mpris->target == NULL) /* while it is being found out, the bus hangs */
		mpris_end(mpris, mpris_watch_is_finding(mpris) ? -ETIMEDOUT : -ENODEV);
	else
		mpris_read(mpris, MPRIS_LOOK);
}

static void
on_wait(void *arg)
{
	struct mpris *mpris = arg;

	if (mpris->phase == MPRIS_FIND) {
		mpris_watch_hurry(mpris);
		mpris_look(mpris);
	} else {
		mpris_read(mpris, MPRIS_CONFIRM);
	}
}

void
mpris_on_found(struct mpris *mpris)
{
	if (mpris->phase == MPRIS_FIND && !mpris_watch_is_finding(mpris))
		mpris_look(mpris);
}

void
mpris_on_changed(struct mpris *mpris, struct mpris_player *player)
{
	if (mpris->phase == MPRIS_SETTLE && mpris->target == player)
		mpris_read(mpris, MPRIS_CONFIRM);
	player_poke(mpris->player);
}

/* Some players quit when they are stopped: that is what was wanted. */
void
mpris_on_leaving(struct mpris *mpris, struct mpris_player *player)
{
	if (mpris->target != player)
		return;
	if (mpris->phase != MPRIS_LOOK && mpris->plan.playback == EAR_STOPPED) {
		player->view.playback = EAR_STOPPED;
		mpris_end(mpris, 0);
	} else {
		mpris_end(mpris, -ENODEV);
	}
}

void
mpris_on_bus_gone(struct mpris *mpris)
{
	if (mpris->phase != MPRIS_REST)
		mpris_end(mpris, -ENODEV);
	player_poke(mpris->player);
}

static void
mpris_begin(void *self, const struct ear_press *press)
{
	struct mpris *mpris = self;
	bool nothing = press == NULL;
	int error = 0;

	if (press != NULL && press->button == EAR_KEY)
		error = player_key_verb(press, &mpris->press, &nothing);
	else if (press != NULL)
		mpris->press = *press;
	mpris->is_press = !nothing;
	if (error == 0)
		error = mpris_watch_open(mpris);
	if (error != 0) {
		player_done(mpris->player, error, NULL);
		return;
	}
	if (mpris_watch_is_finding(mpris)) {
		mpris_enter(mpris, MPRIS_FIND);
		ear_timer_set(&mpris->wait, FIND_MAX);
	} else {
		mpris_look(mpris);
	}
}

/* A player that has let the job down has the next ones only if there is no other. */
static void
mpris_abandon(void *self)
{
	struct mpris *mpris = self;
	struct mpris_player *target = mpris->target;
	bool in_time = ear_now(player_clock(mpris->player)) - mpris->since < SILENT_AFTER;

	mpris_enter(mpris, MPRIS_REST);
	if (target == NULL || target->silent || in_time)
		return;
	ear_warn("player: %s does not answer", mpris_player_name(target));
	target->silent = true;
	mpris_watch_read(mpris, target);
	if (mpris_best(mpris) != target)
		player_poke(mpris->player);
}

static int
mpris_open(struct ear_player *player, const struct player_config *config, void **self)
{
	struct mpris *mpris = xalloc(sizeof(*mpris));

	mpris->player = player;
	if (config->name != NULL && *config->name != '\0')
		mpris->only = xstrdup(config->name);
	ear_timer_init(&mpris->wait, player_clock(player), on_wait, mpris);
	mpris_watch_init(mpris);
	*self = mpris;
	return 0;
}

static void
mpris_close(void *self)
{
	struct mpris *mpris = self;

	ear_timer_stop(&mpris->wait);
	mpris_watch_release(mpris);
	free(mpris->only);
	free(mpris);
}

static bool
mpris_is_there(void *self)
{
	struct mpris *mpris = self;

	(void)mpris_watch_open(mpris);
	return mpris_best(mpris) != NULL;
}

static void
mpris_leave_out(void *self, const char *name, bool out)
{
	struct mpris *mpris = self;
	struct mpris_player *before = mpris_best(mpris);

	mpris_players_leave_out(&mpris->players, name, out);
	if (mpris_best(mpris) != before)
		player_poke(mpris->player);
}

const struct player_kind player_mpris = {
	.name = "mpris",
	.open = mpris_open,
	.close = mpris_close,
	.begin = mpris_begin,
	.abandon = mpris_abandon,
	.is_there = mpris_is_there,
	.leave_out = mpris_leave_out,
};
