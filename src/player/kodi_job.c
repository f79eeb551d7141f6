/* SPDX-License-Identifier: ISC */
/*
 * kodi_job.c: one press or question, from its beginning to its end.
 *
 * A press is three steps: look (ask for the state), act (the one method that the press means in
 * that state), and look again until the state bears the press out. Kodi answers before what it was
 * told has come about, and sometimes loses it: so it is looked at again whenever Kodi announces
 * something, and after a while anyway; a seek that did nothing is done once more. A Kodi that hangs
 * is found out by the first step, so that at most a press sent in the very moment of the hang is
 * done late.
 */
#include <errno.h>
#include <string.h>

#include <earshot/log.h>

#include "player/kodi_impl.h"

#define START_MAX  (EAR_SEC)         /* an item that starts is waited for so long */
#define SETTLE_MAX (1500 * EAR_MSEC) /* a slow network: then the state is told as it is */
#define SEEK_AGAIN (400 * EAR_MSEC)  /* without effect by then, it is lost */
#define LOOK_AGAIN (100 * EAR_MSEC)

static const char *
kodi_phase_name(enum kodi_phase phase)
{
	switch (phase) {
	case KODI_REST:
		return "rest";
	case KODI_CONNECT:
		return "connect";
	case KODI_START:
		return "start";
	case KODI_LOOK:
		return "look";
	case KODI_ACT:
		return "act";
	case KODI_CONFIRM:
		return "confirm";
	case KODI_SETTLE:
		return "settle";
	}
	return "?";
}

int64_t
kodi_now(const struct kodi *kodi)
{
	return ear_now(player_clock(kodi->player));
}

void
kodi_enter(struct kodi *kodi, enum kodi_phase phase)
{
	ear_debug("player: kodi %s -> %s", kodi_phase_name(kodi->phase), kodi_phase_name(phase));
	kodi->phase = phase;
	kodi->count = 0;
	kodi->missing = 0;
	if (phase == KODI_START)
		ear_timer_set(&kodi->wait, kodi->starting - kodi_now(kodi));
	else if (phase == KODI_SETTLE)
		ear_timer_set(&kodi->wait, LOOK_AGAIN);
	else
		ear_timer_stop(&kodi->wait);
	if (phase == KODI_REST)
		kodi_plan_release(&kodi->plan);
}

void
kodi_end(struct kodi *kodi, int error)
{
	kodi_enter(kodi, KODI_REST);
	player_done(kodi->player, error, error == 0 ? &kodi->view.state : NULL);
}

/* Answers that come later than their job are told by their ids. */
static int
kodi_call(struct kodi *kodi, const char *method, json_t *params)
{
	if (kodi->count == 0)
		kodi->first = kodi->next_id;
	kodi->missing |= 1u << kodi->count++;
	return kodi_rpc_call(kodi->rpc, kodi->next_id++, method, params);
}

/* Asks the questions from .. to - 1 of a view. */
static void
kodi_ask(struct kodi *kodi, enum kodi_ask from, enum kodi_ask to)
{
	int error = 0;

	kodi->count = 0;
	kodi->asked = from;
	for (enum kodi_ask ask = from; ask < to && error == 0; ask++) {
		json_t *params;
		const char *method = kodi_view_question(&kodi->view, ask, &params);

		error = kodi_call(kodi, method, params);
	}
	if (error != 0)
		kodi_end(kodi, -ETIMEDOUT);
}

static void
kodi_look(struct kodi *kodi, enum kodi_phase phase)
{
	kodi_view_init(&kodi->view);
	kodi_enter(kodi, phase);
	kodi_ask(kodi, KODI_PLAYERS, KODI_PROPERTIES);
}

static void
kodi_act(struct kodi *kodi)
{
	kodi_enter(kodi, KODI_ACT);
	kodi->started = false;
	if (kodi_call(kodi, kodi->plan.method, json_incref(kodi->plan.params)) != 0)
		kodi_end(kodi, -ETIMEDOUT);
}

/* A media key is the verb that it stands for; the others are Kodi's own business. */
static int
kodi_plan(struct kodi *kodi)
{
	struct ear_press verb = kodi->press;
	bool nothing = false;
	int error;

	if (verb.button == EAR_KEY) {
		error = kodi_plan_key(&kodi->plan, &kodi->press);
		if (error != -EOPNOTSUPP)
			return error;
		error = player_key_verb(&kodi->press, &verb, &nothing);
		if (error != 0 || nothing)
			return error;
	}
	return kodi_plan_press(&kodi->plan, &kodi->view, kodi->resume_list, kodi->resume_index,
			       &verb);
}

static void
kodi_looked(struct kodi *kodi)
{
	int error = kodi->is_press ? kodi_plan(kodi) : 0;

	if (error != 0 || kodi->plan.method == NULL)
		kodi_end(kodi, error);
	else
		kodi_act(kodi);
}

/* What takes its time on a slow network is no refusal; that a switch did not move is one. */
static bool
may_take_long(enum kodi_goal goal)
{
	return goal == KODI_STARTED || goal == KODI_INDEX || goal == KODI_POSITION;
}

static void
kodi_confirmed(struct kodi *kodi)
{
	int64_t now = kodi_now(kodi), elapsed = now - kodi->begun;
	enum kodi_goal goal = kodi->plan.goal;

	if (kodi_plan_holds(&kodi->plan, &kodi->view, kodi->started, elapsed)) {
		kodi_end(kodi, 0);
	} else if (elapsed >= SETTLE_MAX) {
		kodi_end(kodi, may_take_long(goal) ? 0 : -EREMOTEIO);
	} else if (goal == KODI_POSITION && !kodi->repeated && now - kodi->acted >= SEEK_AGAIN) {
		kodi->repeated = true;
		kodi_act(kodi);
	} else {
		kodi_enter(kodi, KODI_SETTLE);
	}
}

/* A view is complete. */
static void
kodi_viewed(struct kodi *kodi)
{
	kodi_view_finish(&kodi->view, kodi->resume_list);
	kodi->stranger = false;
	retry_reset(&kodi->retry);
	/* What is just being stopped is no longer in a list, and pictures are in none of ours. */
	if (kodi->view.index >= 0 && kodi_view_size(&kodi->view, kodi->view.list) > 0) {
		kodi->resume_list = kodi->view.list;
		kodi->resume_index = kodi->view.index;
	}
	if (kodi->phase == KODI_LOOK)
		kodi_looked(kodi);
	else
		kodi_confirmed(kodi);
}

/* Every call of the phase was answered well. */
static void
kodi_advance(struct kodi *kodi)
{
	switch (kodi->phase) {
	case KODI_LOOK:
	case KODI_CONFIRM:
		if (kodi->asked == KODI_PLAYERS && kodi->view.player >= 0)
			kodi_ask(kodi, KODI_PROPERTIES, KODI_ASKS);
		else
			kodi_viewed(kodi);
		break;
	case KODI_ACT:
		kodi->acted = kodi_now(kodi);
		kodi_look(kodi, KODI_CONFIRM);
		break;
	case KODI_REST:
	case KODI_CONNECT:
	case KODI_START:
	case KODI_SETTLE:
		break;
	}
}

/* The answer to call i of the batch. */
static int
kodi_take(struct kodi *kodi, size_t i, int error, json_t *result)
{
	enum kodi_ask ask = kodi->asked + i;

	if (kodi->phase == KODI_ACT)
		return error;
	if (error == 0)
		return kodi_view_set(&kodi->view, ask, result);
	if (ask < KODI_PROPERTIES)
		return -EPROTO;
	kodi_view_nothing(&kodi->view); /* it has ended since we asked what plays */
	kodi->missing = 0;
	return 0;
}

void
kodi_on_answer(void *arg, json_int_t id, int error, json_t *result)
{
	struct kodi *kodi = arg;
	size_t i;

	if (id < kodi->first || id - kodi->first >= (json_int_t)kodi->count)
		return; /* late, from a job that was given up, or of a line on the screen */
	i = (size_t)(id - kodi->first);
	if ((kodi->missing & 1u << i) == 0)
		return;
	kodi->missing &= ~(1u << i);
	error = kodi_take(kodi, i, error, result);
	if (error != 0)
		kodi_end(kodi, error);
	else if (kodi->missing == 0)
		kodi_advance(kodi);
}

static bool
is_picture(json_t *data)
{
	const char *type =
		json_string_value(json_object_get(json_object_get(data, "item"), "type"));

	return type != NULL && strcmp(type, "picture") == 0;
}

/* Playing begins with OnPlay; from OnAVStart on there is something to see and to seek in. A picture
 * is there at once. */
static void
note_start(struct kodi *kodi, const char *method, json_t *data)
{
	bool begins = strcmp(method, "Player.OnPlay") == 0;

	if (begins && !is_picture(data)) {
		kodi->starting = kodi_now(kodi) + START_MAX;
	} else if (begins || strcmp(method, "Player.OnAVStart") == 0) {
		kodi->starting = 0;
		kodi->started = true;
	} else if (strcmp(method, "Player.OnStop") == 0) {
		kodi->starting = 0;
	}
}

static bool
is_change(const char *method)
{
	static const char *const about[] = { "Player.", "Playlist.", "Application.", "System." };

	for (size_t i = 0; i < sizeof(about) / sizeof(about[0]); i++)
		if (strncmp(method, about[i], strlen(about[i])) == 0)
			return true;
	return false;
}

void
kodi_on_notice(void *arg, const char *method, json_t *data)
{
	struct kodi *kodi = arg;

	if (!is_change(method))
		return;
	note_start(kodi, method, data);
	if (kodi->phase == KODI_START && kodi->starting == 0)
		kodi_look(kodi, KODI_LOOK);
	else if (kodi->phase == KODI_SETTLE)
		kodi_look(kodi, KODI_CONFIRM);
	player_poke(kodi->player);
}

void
kodi_on_wait(void *arg)
{
	struct kodi *kodi = arg;

	kodi_look(kodi, kodi->phase == KODI_START ? KODI_LOOK : KODI_CONFIRM);
}

void
kodi_start(struct kodi *kodi)
{
	if (kodi->starting > kodi_now(kodi))
		kodi_enter(kodi, KODI_START);
	else
		kodi_look(kodi, KODI_LOOK);
}
