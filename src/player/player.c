/* SPDX-License-Identifier: ISC */
/* player.c: the queue before every kind of player: order, time-outs, callbacks exactly once. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/timer.h>

#include "base/alloc.h"
#include "base/list.h"
#include "player/ops.h"
#include "player/url.h"

/* A key that is down, and that nobody holds or lets go, is let go after that. */
#define HOLD_MAX (EAR_SEC)

/* One press or question on its way. */
struct job {
	struct list item;
	bool is_press;
	bool is_poke, is_release; /* our own: after player_poke(), and for a key that is down */
	struct ear_press press;   /* its text is ours */
	ear_player_fn *fn;        /* NULL: it is our own */
	void *arg;
	int64_t deadline;
	int error; /* once it is done */
	struct ear_player_state state;
};

struct ear_player {
	struct event_base *base;
	struct ear_clock *clock;
	const struct player_kind *kind;
	void *self;
	player_changed_fn *changed;
	void *arg;
	struct list waiting; /* oldest first */
	struct list done;    /* their callbacks run in the next turn */
	size_t pending;      /* waiting and active ones */
	struct job *active;
	bool poked;       /* a question of our own waits */
	bool known, news; /* last is filled; that, or that nothing is known now, is to be told */
	struct ear_player_state last;
	struct ear_timer turn, expiry;
	enum ear_remote_key down; /* the key that went down last, while hold is set */
	struct ear_timer hold;
};

static const struct {
	const char *name;
	const struct player_kind *kind;
} kinds[] = {
	{ "auto", &player_auto }, { "mpv", &player_mpv },     { "kodi", &player_kodi },
	{ "mpd", &player_mpd },   { "mpris", &player_mpris }, { "demo", &player_demo },
};

static void
note_state(struct ear_player *player, const struct ear_player_state *state)
{
	if (!player->known || !player_state_same(&player->last, state))
		player->news = true;
	player->known = true;
	player->last = *state;
}

static void
note_gone(struct ear_player *player)
{
	if (player->known)
		player->news = true;
	player->known = false;
}

/* The oldest job that has a time-out to meet. All have the same, so it is the first to meet it. */
static struct job *
oldest(const struct ear_player *player)
{
	if (player->active != NULL)
		return player->active;
	if (list_is_empty(&player->waiting))
		return NULL;
	return container_of(player->waiting.next, struct job, item);
}

static void
arm_expiry(struct ear_player *player)
{
	const struct job *job = oldest(player);

	if (job == NULL)
		ear_timer_stop(&player->expiry);
	else
		ear_timer_set(&player->expiry, job->deadline - ear_now(player->clock));
}

/* Whoever holds a key may vanish at any time: the key must not stay down. */
static void
note_down(struct ear_player *player, const struct ear_press *press)
{
	if (press->button != EAR_KEY || press->motion == EAR_PRESSED || press->motion == EAR_UP)
		return;
	player->down = press->key;
	ear_timer_set(&player->hold, HOLD_MAX);
}

/* A player that did not hear of it has to be told again. */
static void
note_up(struct ear_player *player, const struct job *job)
{
	bool unheard = job->error == -ETIMEDOUT || job->error == -ENOBUFS;

	if (!job->is_press || job->press.button != EAR_KEY || job->press.motion != EAR_UP ||
	    job->press.key != player->down)
		return;
	if (!job->is_release && !unheard)
		ear_timer_stop(&player->hold);
	else if (job->is_release && unheard && !ear_timer_is_set(&player->hold))
		ear_timer_set(&player->hold, HOLD_MAX);
}

/* The job, in no list now, goes to those whose callbacks are due. */
static void
job_end(struct ear_player *player, struct job *job, int error)
{
	job->error = error;
	note_up(player, job);
	list_add(&player->done, &job->item);
	player->pending--;
	ear_timer_set(&player->turn, 0);
}

/* What no kind has to look at. */
static int
job_check(const struct ear_player *player, const struct job *job)
{
	if (player->pending > PLAYER_PENDING_MAX)
		return -ENOBUFS;
	if (job->is_press && ear_button_takes(job->press.button) == EAR_VALUE_URL &&
	    (job->press.text == NULL || !player_url_is_playable(job->press.text)))
		return -ERANGE;
	return 0;
}

static void
job_add(struct ear_player *player, const struct ear_press *press, ear_player_fn *fn, void *arg)
{
	struct job *job = xalloc(sizeof(*job));
	int error;

	list_init(&job->item);
	job->is_press = press != NULL;
	job->is_poke = press == NULL && fn == NULL;
	job->is_release = press != NULL && fn == NULL;
	if (press != NULL) {
		job->press = *press;
		job->press.text = xstrdup(press->text);
	}
	job->fn = fn;
	job->arg = arg;
	job->deadline = ear_now(player->clock) + PLAYER_TIMEOUT;
	player->pending++;
	error = job_check(player, job);
	if (error != 0) {
		if (job->is_poke)
			player->poked = false;
		job_end(player, job, error);
		return;
	}
	list_add(&player->waiting, &job->item);
	ear_timer_set(&player->turn, 0);
	if (!ear_timer_is_set(&player->expiry))
		arm_expiry(player);
}

static void
job_deliver(struct job *job)
{
	if (job->fn != NULL)
		job->fn(job->arg, job->error, job->error == 0 ? &job->state : NULL);
	free((char *)job->press.text);
	free(job);
}

/* Only those that are due now: a callback that asks again has its answer in the next turn. */
static void
deliver(struct ear_player *player)
{
	struct list *last = player->done.prev, *item;

	if (list_is_empty(&player->done))
		return;
	do {
		item = player->done.next;
		list_del(item);
		job_deliver(container_of(item, struct job, item));
	} while (item != last);
}

static void
on_hold(void *arg)
{
	struct ear_player *player = arg;
	struct ear_press up = { .button = EAR_KEY, .key = player->down, .motion = EAR_UP };

	job_add(player, &up, NULL, NULL);
}

static void
begin_next(struct ear_player *player)
{
	struct job *job;

	if (player->active != NULL || list_is_empty(&player->waiting))
		return;
	job = container_of(player->waiting.next, struct job, item);
	list_del(&job->item);
	if (job->is_release && ear_timer_is_set(&player->hold)) {
		job_end(player, job, 0); /* held again meanwhile */
		return;
	}
	player->active = job;
	if (job->is_poke)
		player->poked = false;
	if (job->is_press)
		note_down(player, &job->press);
	player->kind->begin(player->self, job->is_press ? &job->press : NULL);
}

static void
on_turn(void *arg)
{
	struct ear_player *player = arg;

	deliver(player);
	if (player->news && player->changed != NULL) {
		player->news = false;
		player->changed(player->arg, player->known ? &player->last : NULL);
	}
	begin_next(player);
	if (!list_is_empty(&player->done))
		ear_timer_set(&player->turn, 0);
}

static void
on_expiry(void *arg)
{
	struct ear_player *player = arg;
	struct job *job;

	while ((job = oldest(player)) != NULL && job->deadline <= ear_now(player->clock)) {
		if (job == player->active) {
			player->kind->abandon(player->self);
			player->active = NULL;
		} else {
			list_del(&job->item);
			if (job->is_poke)
				player->poked = false;
		}
		job_end(player, job, -ETIMEDOUT);
	}
	arm_expiry(player);
}

void
player_done(struct ear_player *player, int error, const struct ear_player_state *state)
{
	struct job *job = player->active;

	assert(job != NULL && (error == 0) == (state != NULL));
	player->active = NULL;
	if (state != NULL) {
		job->state = *state;
		if (job->state.at == 0)
			job->state.at = ear_now(player->clock);
		note_state(player, &job->state);
	} else if (error == -ENODEV) {
		note_gone(player);
	}
	job_end(player, job, error);
	arm_expiry(player);
}

void
player_poke(struct ear_player *player)
{
	if (player->changed == NULL || player->poked)
		return;
	player->poked = true;
	job_add(player, NULL, NULL, NULL);
}

void
player_tell(struct ear_player *player, const struct ear_player_state *state)
{
	if (state == NULL)
		note_gone(player);
	else
		note_state(player, state);
	if (player->news)
		ear_timer_set(&player->turn, 0);
}

void
player_leave_out(struct ear_player *player, const char *name, bool out)
{
	if (player->kind->leave_out != NULL)
		player->kind->leave_out(player->self, name, out);
}

bool
player_is_watched(const struct ear_player *player)
{
	return player->changed != NULL;
}

struct event_base *
player_base(const struct ear_player *player)
{
	return player->base;
}

struct ear_clock *
player_clock(const struct ear_player *player)
{
	return player->clock;
}

void
ear_player_press(struct ear_player *player, const struct ear_press *press, ear_player_fn *fn,
		 void *arg)
{
	job_add(player, press, fn, arg);
}

void
ear_player_state(struct ear_player *player, ear_player_fn *fn, void *arg)
{
	job_add(player, NULL, fn, arg);
}

const struct ear_player_state *
ear_player_last(const struct ear_player *player)
{
	return player->known ? &player->last : NULL;
}

int
ear_player_show(struct ear_player *player, const char *text, int64_t usec)
{
	char line[PLAYER_TEXT_SIZE];

	if (player->kind->show == NULL)
		return -EOPNOTSUPP;
	player_state_text(line, sizeof(line), text == NULL ? "" : text);
	return player->kind->show(player->self, line, usec);
}

const char *
ear_player_kind(const struct ear_player *player)
{
	if (player->kind->is_there != NULL && !player->kind->is_there(player->self))
		return "none";
	return player->kind->driven == NULL ? player->kind->name
					    : player->kind->driven(player->self);
}

int
player_new_of(struct event_base *base, struct ear_clock *clock, const struct player_kind *kind,
	      const struct player_config *config, player_changed_fn *changed, void *arg,
	      struct ear_player **out)
{
	struct ear_player *player = xalloc(sizeof(*player));
	int error;

	player->base = base;
	player->clock = clock;
	player->kind = kind;
	player->changed = changed;
	player->arg = arg;
	list_init(&player->waiting);
	list_init(&player->done);
	ear_timer_init(&player->turn, clock, on_turn, player);
	ear_timer_init(&player->expiry, clock, on_expiry, player);
	ear_timer_init(&player->hold, clock, on_hold, player);
	error = kind->open(player, config, &player->self);
	if (error != 0) {
		free(player);
		player = NULL;
	}
	*out = player;
	return error;
}

int
player_new(struct event_base *base, struct ear_clock *clock, const struct player_config *config,
	   player_changed_fn *changed, void *arg, struct ear_player **player)
{
	*player = NULL;
	if (strcmp(config->kind, "none") == 0)
		return 0;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(config->kind, kinds[i].name) == 0)
			return player_new_of(base, clock, kinds[i].kind, config, changed, arg,
					     player);
	return -EINVAL;
}

void
player_free(struct ear_player *player)
{
	if (player == NULL)
		return;
	if (player->active != NULL) {
		player->kind->abandon(player->self);
		list_add(player->waiting.next, &player->active->item);
		player->active = NULL;
	}
	/* Callbacks may ask again, so the lists are looked at until both are empty. */
	while (!list_is_empty(&player->waiting) || !list_is_empty(&player->done)) {
		deliver(player);
		if (!list_is_empty(&player->waiting)) {
			struct job *job = container_of(player->waiting.next, struct job, item);

			list_del(&job->item);
			job_end(player, job, -ECANCELED);
		}
	}
	player->kind->close(player->self);
	ear_timer_stop(&player->turn);
	ear_timer_stop(&player->expiry);
	ear_timer_stop(&player->hold);
	free(player);
}
