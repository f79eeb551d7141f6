/* SPDX-License-Identifier: ISC */
/*
 * kodi.c: driving Kodi over its JSON-RPC.
 *
 * A press is three steps: look (ask for the state), act (the one method that the press means in
 * that state), and look again until the state bears the press out. Kodi answers before what it was
 * told has come about, and sometimes loses it: so it is looked at again whenever Kodi announces
 * something, and after a while anyway; a seek that did nothing is done once more. A Kodi that hangs
 * is found out by the first step, so that at most a press sent in the very moment of the hang is
 * done late. Nothing is asked for at rest.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>
#include <earshot/timer.h>

#include "base/alloc.h"
#include "player/kodi_rpc.h"
#include "player/kodi_view.h"
#include "player/ops.h"
#include "player/tcp.h"

#define START_MAX  (EAR_SEC)         /* an item that starts is waited for so long */
#define SETTLE_MAX (1500 * EAR_MSEC) /* a slow network: then the state is told as it is */
#define SEEK_AGAIN (400 * EAR_MSEC)  /* without effect by then, it is lost */
#define LOOK_AGAIN (100 * EAR_MSEC)
#define RETRY_MIN  (EAR_SEC)
#define RETRY_MAX  (30 * EAR_SEC)

#define SHOW_MSEC_MIN 1500 /* what Kodi takes */
#define SHOW_MSEC_MAX 3600000

enum kodi_phase {
	KODI_REST,    /* no job */
	KODI_CONNECT, /* waiting for the connection */
	KODI_START,   /* waiting for an item that starts: what is asked or done now gets lost */
	KODI_LOOK,    /* asking, for a question or before a press */
	KODI_ACT,     /* the method is called */
	KODI_CONFIRM, /* asking whether it has come about */
	KODI_SETTLE,  /* not yet: waiting for a moment */
};

struct kodi {
	struct ear_player *player;
	struct sockaddr_storage address;
	socklen_t length;
	char *url;
	bool is_default; /* nobody said that Kodi is there */
	struct kodi_rpc *rpc;
	bool up;       /* it answers: there is a Kodi */
	bool stranger; /* what is there has sent nonsense, and not a whole view since */
	enum kodi_phase phase;
	bool is_press;
	struct ear_press press;
	struct kodi_plan plan;
	struct kodi_view view;
	int resume_list, resume_index; /* what was playing when we last looked, or -1 */
	int64_t starting;              /* until then an item starts; 0: none does */
	bool started;                  /* one has since the method was called */
	int64_t begun, acted;          /* when the job was, and when Kodi answered to the method */
	bool repeated;
	/* The calls under way: ids first .. first + count - 1, a bit for each that is missing. When
	 * a view is asked for, they are its questions from `asked` on. */
	json_int_t first, next_id;
	size_t count;
	unsigned missing;
	enum kodi_ask asked;
	struct ear_timer wait, retry;
	int64_t retry_after;
	int64_t shown_until; /* a line of ours is on the screen */
};

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

static int64_t
kodi_now(const struct kodi *kodi)
{
	return ear_now(player_clock(kodi->player));
}

static void
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

static void
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
	kodi->retry_after = RETRY_MIN;
	if (kodi->view.player >= 0) {
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

static void
on_answer(void *arg, json_int_t id, int error, json_t *result)
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

/* Playing begins with OnPlay; from OnAVStart on there is something to see and to seek in. */
static void
note_start(struct kodi *kodi, const char *method)
{
	if (strcmp(method, "Player.OnPlay") == 0) {
		kodi->starting = kodi_now(kodi) + START_MAX;
	} else if (strcmp(method, "Player.OnAVStart") == 0) {
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

static void
on_notice(void *arg, const char *method)
{
	struct kodi *kodi = arg;

	if (!is_change(method))
		return;
	note_start(kodi, method);
	if (kodi->phase == KODI_START && kodi->starting == 0)
		kodi_look(kodi, KODI_LOOK);
	else if (kodi->phase == KODI_SETTLE)
		kodi_look(kodi, KODI_CONFIRM);
	player_poke(kodi->player);
}

static void
on_wait(void *arg)
{
	struct kodi *kodi = arg;

	kodi_look(kodi, kodi->phase == KODI_START ? KODI_LOOK : KODI_CONFIRM);
}

/* Connected: the job that waits for it begins. */
static void
kodi_start(struct kodi *kodi)
{
	if (kodi->starting > kodi_now(kodi))
		kodi_enter(kodi, KODI_START);
	else
		kodi_look(kodi, KODI_LOOK);
}

static void
on_up(void *arg)
{
	struct kodi *kodi = arg;

	ear_info("player: Kodi at %s", kodi->url);
	kodi->up = true;
	ear_timer_stop(&kodi->retry);
	player_poke(kodi->player);
	if (kodi->phase == KODI_CONNECT)
		kodi_start(kodi);
}

static void
kodi_retry(struct kodi *kodi)
{
	if (!player_is_watched(kodi->player))
		return;
	ear_timer_set(&kodi->retry, kodi->retry_after);
	kodi->retry_after = kodi->retry_after * 2 > RETRY_MAX ? RETRY_MAX : kodi->retry_after * 2;
}

/*
 * Port 9090 is many a program's: that it is not Kodi which is there is said once, not each time,
 * and is the operator's business only when he has sent us there.
 */
static void
say_gone(struct kodi *kodi, int error)
{
	static const char nonsense[] = "player: what is at %s does not speak Kodi's JSON-RPC";

	if (error != -EPROTO && kodi->up)
		ear_info("player: Kodi is gone");
	if (error != -EPROTO || kodi->stranger)
		return;
	kodi->stranger = true;
	if (kodi->is_default)
		ear_debug(nonsense, kodi->url);
	else
		ear_warn(nonsense, kodi->url);
}

static void
on_gone(void *arg, int error)
{
	struct kodi *kodi = arg;

	say_gone(kodi, error);
	kodi_rpc_free(kodi->rpc);
	kodi->rpc = NULL;
	if (kodi->up)
		player_poke(kodi->player);
	kodi->up = false;
	kodi->starting = 0;
	if (kodi->phase != KODI_REST)
		kodi_end(kodi, error);
	kodi_retry(kodi);
}

static void
kodi_connect(struct kodi *kodi)
{
	static const struct kodi_rpc_events events = { on_up, on_answer, on_notice, on_gone };

	if (kodi->rpc == NULL)
		kodi->rpc = kodi_rpc_new(player_base(kodi->player), player_clock(kodi->player),
					 (const struct sockaddr *)&kodi->address, kodi->length,
					 &events, kodi);
}

/* Only with somebody to tell: a Kodi that appears is a change. */
static void
on_retry(void *arg)
{
	kodi_connect(arg);
}

static void
kodi_begin(void *self, const struct ear_press *press)
{
	struct kodi *kodi = self;

	kodi->is_press = press != NULL;
	if (press != NULL)
		kodi->press = *press;
	kodi->repeated = false;
	kodi->begun = kodi_now(kodi);
	if (kodi->up) {
		kodi_start(kodi);
	} else if (press == NULL && kodi->stranger && ear_timer_is_set(&kodi->retry)) {
		player_done(kodi->player, -ENODEV, NULL); /* not time and again for the asking */
	} else {
		kodi_enter(kodi, KODI_CONNECT);
		kodi_connect(kodi);
	}
}

static void
kodi_abandon(void *self)
{
	kodi_enter(self, KODI_REST);
}

static int
kodi_open(struct ear_player *player, const struct player_config *config, void **self)
{
	const char *url = config->url == NULL ? "tcp://127.0.0.1" : config->url;
	struct sockaddr_storage address;
	socklen_t length;
	struct kodi *kodi;

	if (tcp_address(url, "9090", &address, &length) != 0)
		return -EINVAL;
	kodi = xalloc(sizeof(*kodi));
	kodi->player = player;
	kodi->address = address;
	kodi->length = length;
	kodi->url = xstrdup(url);
	kodi->is_default = config->url == NULL;
	kodi->resume_list = kodi->resume_index = -1;
	kodi->next_id = 1;
	kodi->retry_after = RETRY_MIN;
	ear_timer_init(&kodi->wait, player_clock(player), on_wait, kodi);
	ear_timer_init(&kodi->retry, player_clock(player), on_retry, kodi);
	if (player_is_watched(player))
		ear_timer_set(&kodi->retry, 0);
	*self = kodi;
	return 0;
}

static void
kodi_close(void *self)
{
	struct kodi *kodi = self;

	ear_timer_stop(&kodi->wait);
	ear_timer_stop(&kodi->retry);
	kodi_rpc_free(kodi->rpc);
	free(kodi->url);
	free(kodi);
}

/* Who asks for the first time is told so when Kodi has answered: player_poke(). */
static bool
kodi_is_there(void *self)
{
	struct kodi *kodi = self;

	if (!player_is_watched(kodi->player))
		kodi_connect(kodi);
	return kodi->up;
}

/*
 * Kodi's labels expand $INFO[...] and take [B], [COLOR ...] and [CR] for what they are; nothing
 * escapes a bracket, so there is none. The answer is not waited for: it is no answer to any batch.
 */
static int
kodi_notify(struct kodi *kodi, const char *text, json_int_t msec)
{
	char *line = xstrdup(text);
	json_t *params;

	for (char *c = line; *c != '\0'; c++)
		*c = *c == '[' ? '(' : *c == ']' ? ')' : *c;
	params = json_pack("{s:s, s:s, s:I}", "title", "Earshot", "message", line, "displaytime",
			   msec);
	free(line);
	/* One that does not even read is as good as gone. */
	return kodi_rpc_call(kodi->rpc, kodi->next_id++, "GUI.ShowNotification", params) == 0
		       ? 0
		       : -ENODEV;
}

/* What is shown cannot be taken away, but another takes its place: an empty one, for a moment. */
static int
kodi_show(void *self, const char *text, int64_t usec)
{
	struct kodi *kodi = self;
	bool shows = kodi_now(kodi) < kodi->shown_until;
	json_int_t msec = usec / EAR_MSEC;

	if (!kodi->up)
		return -ENODEV;
	if (*text == '\0' && !shows)
		return 0;
	if (*text == '\0' || msec < SHOW_MSEC_MIN)
		msec = SHOW_MSEC_MIN;
	if (msec > SHOW_MSEC_MAX)
		msec = SHOW_MSEC_MAX;
	kodi->shown_until = *text == '\0' ? 0 : kodi_now(kodi) + msec * EAR_MSEC;
	return kodi_notify(kodi, text, msec);
}

const struct player_kind player_kodi = {
	.name = "kodi",
	.open = kodi_open,
	.close = kodi_close,
	.begin = kodi_begin,
	.abandon = kodi_abandon,
	.is_there = kodi_is_there,
	.show = kodi_show,
};
