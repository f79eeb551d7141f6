/* SPDX-License-Identifier: ISC */
/*
 * mpd.c: driving MPD.
 *
 * A press is three steps: look (status and current song), act (the commands that the press means in
 * that state), and look again. What begins to play takes MPD a moment, and may turn out not to be
 * there: that is waited for. One connection does it all; between the jobs it waits in `idle`, so
 * that nothing is asked for at rest. An MPD that hangs loses its connection: what was asked on it
 * is not to be answered to somebody else, nor to stand before the next press.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>
#include <earshot/timer.h>

#include "base/alloc.h"
#include "player/mpd_dial.h"
#include "player/mpd_link.h"
#include "player/mpd_view.h"
#include "player/ops.h"
#include "player/retry.h"

#define SETTLE_MAX (EAR_SEC) /* a slow network: then the state is told as it is */

enum mpd_phase {
	MPD_REST,    /* no job */
	MPD_GREET,   /* a job waits for the connection */
	MPD_LOOK,    /* reading, for a question or before a press */
	MPD_ACT,     /* commands are sent */
	MPD_CONFIRM, /* reading back */
	MPD_SETTLE,  /* something is being loaded: reads again when MPD tells a change */
	MPD_UNDO,    /* what could not be played is taken out of the queue */
};

struct mpd {
	struct ear_player *player;
	struct mpd_place place;
	bool usual; /* no place is configured */
	char *password;
	struct mpd_link *link;
	enum mpd_phase phase;
	bool is_press;
	struct ear_press press; /* a verb */
	struct mpd_plan plan;
	struct mpd_view view;
	int bad;    /* what is wrong with the answer that comes now */
	int added;  /* the id that it gives, or -1 */
	int hushed; /* see mpd_view_finish() */
	struct ear_timer settle;
	struct retry retry;
};

static const char *
mpd_phase_name(enum mpd_phase phase)
{
	switch (phase) {
	case MPD_REST:
		return "rest";
	case MPD_GREET:
		return "greet";
	case MPD_LOOK:
		return "look";
	case MPD_ACT:
		return "act";
	case MPD_CONFIRM:
		return "confirm";
	case MPD_SETTLE:
		return "settle";
	case MPD_UNDO:
		return "undo";
	}
	return "?";
}

static void
mpd_enter(struct mpd *mpd, enum mpd_phase phase)
{
	ear_debug("player: mpd %s -> %s", mpd_phase_name(mpd->phase), mpd_phase_name(phase));
	mpd->phase = phase;
	if (phase == MPD_REST || phase == MPD_UNDO)
		ear_timer_stop(&mpd->settle);
	if (mpd->link != NULL && (phase == MPD_REST || phase == MPD_SETTLE))
		mpd_link_rest(mpd->link);
}

static void
mpd_end(struct mpd *mpd, int error)
{
	mpd_enter(mpd, MPD_REST);
	player_done(mpd->player, error, error == 0 ? &mpd->view.state : NULL);
}

static void
mpd_drop(struct mpd *mpd)
{
	mpd_link_free(mpd->link);
	mpd->link = NULL;
	retry_later(&mpd->retry);
}

/* What does not fit means an MPD that does not read. */
static void
mpd_send(struct mpd *mpd, enum mpd_phase phase, const struct mpd_command *commands, size_t count)
{
	mpd_enter(mpd, phase);
	mpd->bad = 0;
	mpd->added = -1;
	if (mpd_link_send(mpd->link, commands, count) == 0)
		return;
	mpd_drop(mpd);
	mpd_end(mpd, -ETIMEDOUT);
}

static void
mpd_read(struct mpd *mpd, enum mpd_phase phase)
{
	static const struct mpd_command questions[] = { { .verb = "status" },
							{ .verb = "currentsong" } };

	mpd_view_init(&mpd->view);
	mpd_send(mpd, phase, questions, sizeof(questions) / sizeof(questions[0]));
}

static void
mpd_act(struct mpd *mpd)
{
	int error = mpd_plan_press(&mpd->plan, &mpd->view, mpd->hushed, &mpd->press);

	if (error != 0 || mpd->plan.count == 0)
		mpd_end(mpd, error);
	else
		mpd_send(mpd, MPD_ACT, mpd->plan.commands, mpd->plan.count);
}

static void
mpd_acted(struct mpd *mpd)
{
	mpd->hushed = mpd->plan.hushed;
	if (mpd->plan.opens) {
		if (mpd->added < 0) {
			mpd_end(mpd, -EPROTO);
			return;
		}
		mpd_plan_open(&mpd->plan, mpd->added);
		mpd_send(mpd, MPD_ACT, mpd->plan.commands, mpd->plan.count);
		return;
	}
	if (mpd->plan.loads)
		ear_timer_set(&mpd->settle, SETTLE_MAX);
	mpd_read(mpd, MPD_CONFIRM);
}

/* An address that could not be played is not left in the queue, where it would fail again. */
static void
mpd_undo(struct mpd *mpd)
{
	struct mpd_plan undo;

	mpd_plan_remove(&undo, mpd->plan.song_id);
	mpd_send(mpd, MPD_UNDO, undo.commands, undo.count);
}

static void
mpd_confirm(struct mpd *mpd)
{
	bool holds = mpd_plan_holds(&mpd->plan, &mpd->view);

	if (holds && mpd->plan.loads && mpd_view_is_loading(&mpd->view) &&
	    ear_timer_is_set(&mpd->settle))
		mpd_enter(mpd, MPD_SETTLE);
	else if (!holds && mpd->plan.song_id >= 0)
		mpd_undo(mpd);
	else
		mpd_end(mpd, holds ? 0 : -EREMOTEIO);
}

static void
mpd_looked(struct mpd *mpd)
{
	int error = mpd_view_finish(&mpd->view, &mpd->hushed);

	if (error != 0)
		mpd_end(mpd, error);
	else if (mpd->phase == MPD_CONFIRM)
		mpd_confirm(mpd);
	else if (mpd->is_press)
		mpd_act(mpd);
	else
		mpd_end(mpd, 0);
}

static void
on_settle(void *arg)
{
	struct mpd *mpd = arg;

	if (mpd->phase == MPD_SETTLE)
		mpd_read(mpd, MPD_CONFIRM);
}

static void
on_ready(void *arg)
{
	struct mpd *mpd = arg;

	ear_info("player: connected to mpd");
	retry_reset(&mpd->retry);
	retry_stop(&mpd->retry);
	if (mpd->phase == MPD_GREET) {
		mpd_read(mpd, MPD_LOOK);
		return;
	}
	mpd_link_rest(mpd->link);
	player_poke(mpd->player);
}

static void
on_pair(void *arg, const char *name, const char *value)
{
	struct mpd *mpd = arg;
	int error = 0;

	if (mpd->phase == MPD_LOOK || mpd->phase == MPD_CONFIRM)
		error = mpd_view_set(&mpd->view, name, value);
	else if (mpd->phase == MPD_ACT && strcmp(name, "Id") == 0)
		error = mpd_view_take_id(&mpd->added, value);
	if (mpd->bad == 0)
		mpd->bad = error;
}

static void
on_answered(void *arg, int error)
{
	struct mpd *mpd = arg;

	error = error == 0 ? mpd->bad : error;
	switch (mpd->phase) {
	case MPD_LOOK:
	case MPD_CONFIRM:
		if (error == 0)
			mpd_looked(mpd);
		else
			mpd_end(mpd, error);
		break;
	case MPD_ACT:
		if (error == 0)
			mpd_acted(mpd);
		else
			mpd_end(mpd, error);
		break;
	case MPD_UNDO:
		mpd_end(mpd, -EREMOTEIO);
		break;
	case MPD_REST:
	case MPD_GREET:
	case MPD_SETTLE:
		break;
	}
}

static void
on_changed(void *arg)
{
	struct mpd *mpd = arg;

	if (mpd->phase == MPD_SETTLE)
		mpd_read(mpd, MPD_CONFIRM);
	player_poke(mpd->player);
}

static void
on_gone(void *arg, int error)
{
	struct mpd *mpd = arg;

	if (error == -EPROTO)
		ear_warn("player: mpd sent something that is not its protocol; disconnected");
	else
		ear_info("player: mpd is gone");
	mpd_drop(mpd);
	if (mpd->phase != MPD_REST)
		mpd_end(mpd, error == -EPROTO ? error : -ENODEV);
	player_tell(mpd->player, NULL);
}

static const struct mpd_link_events link_events = { on_ready, on_pair, on_answered, on_changed,
						    on_gone };

static int
mpd_try(struct mpd *mpd, const struct mpd_place *place)
{
	int error;

	mpd->link = mpd_link_new(player_base(mpd->player), place, mpd->password, &link_events, mpd,
				 &error);
	return error;
}

static int
mpd_connect(struct mpd *mpd)
{
	struct mpd_place place;
	int error = -ENODEV;

	if (!mpd->usual)
		return mpd_try(mpd, &mpd->place);
	for (size_t i = 0; i < MPD_PLACES && error == -ENODEV; i++) {
		mpd_place_usual(&place, i);
		error = mpd_try(mpd, &place);
	}
	return error;
}

/* Only with somebody to tell: an MPD that appears is a change. One whose greeting has not come
 * until the next time is asked anew. */
static void
on_retry(void *arg)
{
	struct mpd *mpd = arg;

	if (mpd->link != NULL && mpd_link_is_ready(mpd->link))
		return;
	if (mpd->phase == MPD_REST) {
		mpd_link_free(mpd->link);
		mpd->link = NULL;
		(void)mpd_connect(mpd);
	}
	retry_later(&mpd->retry);
}

/* Whether there is something to be pressed; otherwise it is a question, or an error. */
static int
mpd_translate(struct mpd *mpd, const struct ear_press *press)
{
	bool nothing = false;
	int error = 0;

	mpd->is_press = press != NULL;
	if (press == NULL)
		return 0;
	mpd->press = *press;
	if (press->button == EAR_KEY)
		error = player_key_verb(press, &mpd->press, &nothing);
	if (nothing)
		mpd->is_press = false;
	return error;
}

static void
mpd_begin(void *self, const struct ear_press *press)
{
	struct mpd *mpd = self;
	int error = mpd_translate(mpd, press);

	if (error != 0) {
		player_done(mpd->player, error, NULL);
		return;
	}
	error = mpd->link == NULL ? mpd_connect(mpd) : 0;
	if (error != 0) {
		if (error != -ENODEV && error != -ETIMEDOUT)
			ear_warn("player: cannot connect to mpd: %s", strerror(-error));
		player_done(mpd->player, error == -ETIMEDOUT ? error : -ENODEV, NULL);
		return;
	}
	if (mpd_link_is_ready(mpd->link))
		mpd_read(mpd, MPD_LOOK);
	else
		mpd_enter(mpd, MPD_GREET);
}

static void
mpd_abandon(void *self)
{
	struct mpd *mpd = self;

	if (!mpd_link_is_ready(mpd->link))
		mpd_drop(mpd);
	mpd_enter(mpd, MPD_REST);
}

/* 0, or what is wrong with the configuration. */
static int
mpd_find(struct mpd *mpd, const struct player_config *config)
{
	if (config->socket != NULL)
		return mpd_place_of_socket(&mpd->place, config->socket);
	if (config->url != NULL)
		return mpd_place_of_url(&mpd->place, config->url);
	mpd->usual = true;
	return 0;
}

static void
mpd_close(void *self)
{
	struct mpd *mpd = self;

	ear_timer_stop(&mpd->settle);
	retry_stop(&mpd->retry);
	mpd_link_free(mpd->link);
	if (mpd->password != NULL)
		explicit_bzero(mpd->password, strlen(mpd->password));
	free(mpd->password);
	free(mpd);
}

static int
mpd_open(struct ear_player *player, const struct player_config *config, void **self)
{
	struct mpd *mpd = xalloc(sizeof(*mpd));
	int error = mpd_find(mpd, config);

	mpd->player = player;
	mpd->hushed = -1;
	mpd->password = xstrdup(config->secret);
	ear_timer_init(&mpd->settle, player_clock(player), on_settle, mpd);
	/* In MPD's protocol a line end would end the command. */
	if (error == 0 && config->secret != NULL && strpbrk(config->secret, "\r\n") != NULL)
		error = -EINVAL;
	if (error != 0) {
		mpd_close(mpd);
		return error;
	}
	retry_init(&mpd->retry, player, on_retry, mpd);
	*self = mpd;
	return 0;
}

/* What accepts a connection there is MPD, until it says otherwise. */
static bool
mpd_is_there(void *self)
{
	struct mpd *mpd = self;

	return mpd->link != NULL || mpd_connect(mpd) == 0;
}

const struct player_kind player_mpd = {
	.name = "mpd",
	.open = mpd_open,
	.close = mpd_close,
	.begin = mpd_begin,
	.abandon = mpd_abandon,
	.is_there = mpd_is_there,
};
