/* SPDX-License-Identifier: ISC */
/*
 * auto.c: a kind made of the others: it drives whichever player runs and was used last.
 *
 * Each kind has a player of its own here, with a queue and time-outs of its own, so that one that
 * hangs holds up no other. They tell what they see, and are ranked by it: one that plays before one
 * that is paused before one that is stopped before one that does not answer; of two alike the one
 * that began to play or was paused last. A press goes to the first. While none plays, those that
 * are not there are looked for at each press; otherwise each kind looks by itself, less and less
 * often.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <earshot/log.h>
#include <earshot/timer.h>

#include "base/alloc.h"
#include "player/auto.h"

/* For what may have started just now to answer, while there is another one to drive. */
#define LOOK_MAX (300 * EAR_MSEC)

struct all;

/* One of the players. */
struct sub {
	struct all *all;
	const struct player_kind *kind;
	struct ear_player *player;
	bool is_there, is_hung;
	bool is_asked; /* whether it is there, for no job in particular */
	bool is_slow;  /* in saying whether it is there: not waited for a second time */
	struct ear_player_state state;
	uint64_t used;   /* it began to play, or was paused: higher is later; 0: not yet */
	unsigned looked; /* the job for which it is to say whether it is there; 0: none */
};

enum phase {
	PHASE_REST,
	PHASE_LOOK,    /* those that were not there are asked */
	PHASE_FORWARD, /* the job is the target's */
};

struct all {
	struct ear_player *player;
	struct sub subs[AUTO_MAX];
	size_t count;
	struct sub *active; /* the first in rank, NULL: none is there */
	struct sub *shown;  /* has a line of ours on its screen */
	uint64_t used;
	enum phase phase;
	const struct ear_press *press; /* of the job; NULL: a question */
	unsigned job;                  /* counts, so that late answers are known */
	size_t looks;                  /* answers that are awaited */
	struct sub *target;
	struct ear_timer look;
	bool closing;
};

/* A question or press on its way through a player; it outlives the job when it is late. */
struct ask {
	struct sub *sub;
	unsigned job;
	bool is_spare; /* for no job */
};

static int
sub_rank(const struct sub *sub)
{
	if (!sub->is_there)
		return 0;
	if (sub->is_hung)
		return 1;
	switch (sub->state.playback) {
	case EAR_STOPPED:
		return 2;
	case EAR_PAUSED:
		return 3;
	case EAR_PLAYING:
		return 4;
	}
	return 0;
}

static bool
sub_plays(const struct sub *sub)
{
	return sub_rank(sub) == 4;
}

/* Whether a is perhaps just another way to the program that b drives by its own interface. */
static bool
sub_is_shadow(const struct sub *a, const struct sub *b)
{
	return a->kind->leave_out != NULL && strcasecmp(a->state.name, b->kind->name) == 0;
}

static bool
sub_is_before(const struct sub *a, const struct sub *b)
{
	int rank = sub_rank(a) - sub_rank(b);

	if (rank != 0)
		return rank > 0;
	if (sub_is_shadow(a, b) || sub_is_shadow(b, a))
		return sub_is_shadow(b, a);
	return a->used > b->used;
}

/* The first in rank of those that can do this now; EAR_BUTTON_COUNT: whatever they can. */
static struct sub *
best_for(struct all *all, enum ear_button button)
{
	struct sub *best = NULL;

	for (struct sub *sub = all->subs; sub < all->subs + all->count; sub++)
		if (sub_rank(sub) > 0 &&
		    (button == EAR_BUTTON_COUNT || (sub->state.can & 1u << button) != 0) &&
		    (best == NULL || sub_is_before(sub, best)))
			best = sub;
	return best;
}

static void all_forward(struct all *all);

/* A question on its way to the one before is for this one now, lest a hung one holds it up. */
static void
choose(struct all *all)
{
	struct sub *best = best_for(all, EAR_BUTTON_COUNT);

	if (best == all->active || all->closing)
		return;
	all->active = best;
	if (best == NULL)
		ear_info("player: nothing to drive any more");
	else
		ear_info("player: driving %s", best->kind->name);
	player_tell(all->player, best == NULL ? NULL : &best->state);
	if (all->phase == PHASE_FORWARD && all->press == NULL)
		all_forward(all);
}

static bool
sub_is_busy(const struct sub *sub)
{
	return sub->is_there && sub->state.playback != EAR_STOPPED;
}

/*
 * A player that has an interface of its own may be on D-Bus too: once is enough. While it is
 * stopped, what plays on D-Bus by the same name is another one.
 */
static void
tell_others(struct all *all, const struct sub *changed)
{
	for (struct sub *sub = all->subs; sub < all->subs + all->count; sub++)
		if (sub != changed)
			player_leave_out(sub->player, changed->kind->name, sub_is_busy(changed));
}

static void ask_state(struct sub *sub, bool is_spare);

/* What comes is often seen in two ways, by one of which it is driven better. */
static void
look_for_others(struct all *all)
{
	for (struct sub *sub = all->subs; sub < all->subs + all->count; sub++)
		if (!sub->is_there)
			ask_state(sub, true);
}

/* state NULL: it is not there. */
static void
sub_note(struct sub *sub, const struct ear_player_state *state)
{
	bool was_there = sub->is_there, was_busy = sub_is_busy(sub);
	bool played = was_there && sub->state.playback == EAR_PLAYING;
	bool pauses = state != NULL && state->playback == EAR_PAUSED;

	sub->is_there = state != NULL;
	sub->is_hung = false;
	if (state != NULL) {
		sub->state = *state;
		sub->is_slow = false;
	}
	if (played ? pauses : sub_plays(sub))
		sub->used = ++sub->all->used;
	if (was_busy != sub_is_busy(sub))
		tell_others(sub->all, sub);
	if (sub->is_there && !was_there)
		look_for_others(sub->all);
	choose(sub->all);
}

static void
on_changed(void *arg, const struct ear_player_state *state)
{
	struct sub *sub = arg;

	sub_note(sub, state);
	if (sub == sub->all->active)
		player_tell(sub->all->player, state);
}

/* What an answer says of the player that gave it, whatever it was asked. */
static void
note_answer(struct sub *sub, int error, const struct ear_player_state *state)
{
	if (error == 0 || error == -ENODEV) {
		sub_note(sub, state);
	} else if (error == -ETIMEDOUT && !sub->is_hung) {
		sub->is_hung = true;
		choose(sub->all);
	}
}

static void
all_end(struct all *all, int error, const struct ear_player_state *state)
{
	all->phase = PHASE_REST;
	all->target = NULL;
	ear_timer_stop(&all->look);
	player_done(all->player, error, state);
}

static void
on_forwarded(void *arg, int error, const struct ear_player_state *state)
{
	struct ask ask = *(struct ask *)arg;
	struct all *all = ask.sub->all;

	free(arg);
	if (all->closing)
		return;
	note_answer(ask.sub, error, state);
	if (ask.job != all->job || all->phase != PHASE_FORWARD)
		return;
	all_end(all, error, state);
}

static struct ask *
ask_new(struct sub *sub)
{
	struct ask *ask = xalloc(sizeof(*ask));

	ask->sub = sub;
	ask->job = sub->all->job;
	return ask;
}

/* The first in rank; what is to be opened goes to one that opens something. */
static struct sub *
find_target(struct all *all)
{
	struct sub *sub = NULL;

	if (all->press != NULL && ear_button_takes(all->press->button) == EAR_VALUE_URL)
		sub = best_for(all, all->press->button);
	return sub == NULL || sub->is_hung ? all->active : sub;
}

static void
all_forward(struct all *all)
{
	all->phase = PHASE_FORWARD;
	all->job++;
	all->target = find_target(all);
	ear_timer_stop(&all->look);
	if (all->target == NULL)
		all_end(all, -ENODEV, NULL);
	else if (all->press == NULL)
		ear_player_state(all->target->player, on_forwarded, ask_new(all->target));
	else
		ear_player_press(all->target->player, all->press, on_forwarded,
				 ask_new(all->target));
}

static void
on_looked(void *arg, int error, const struct ear_player_state *state)
{
	struct ask ask = *(struct ask *)arg;
	struct all *all = ask.sub->all;

	free(arg);
	if (all->closing)
		return;
	if (ask.is_spare)
		ask.sub->is_asked = false;
	else if (ask.sub->looked == ask.job)
		ask.sub->looked = 0;
	note_answer(ask.sub, error, state);
	if (ask.is_spare || ask.job != all->job || all->phase != PHASE_LOOK)
		return;
	if (--all->looks == 0 || sub_plays(ask.sub))
		all_forward(all);
}

static void
ask_state(struct sub *sub, bool is_spare)
{
	struct ask *ask;

	if (is_spare && sub->is_asked)
		return;
	ask = ask_new(sub);
	ask->is_spare = is_spare;
	if (is_spare)
		sub->is_asked = true;
	ear_player_state(sub->player, on_looked, ask);
}

/* Those that do not answer now are not waited for when there is another one. */
static void
on_look(void *arg)
{
	struct all *all = arg;

	if (all->active == NULL)
		return;
	for (struct sub *sub = all->subs; sub < all->subs + all->count; sub++)
		if (sub->looked == all->job)
			sub->is_slow = true;
	all_forward(all);
}

/* Asks those that are not there whether they are by now. */
static void
all_look(struct all *all)
{
	all->phase = PHASE_LOOK;
	all->looks = 0;
	for (struct sub *sub = all->subs; sub < all->subs + all->count; sub++) {
		bool is_spare = sub->is_slow && all->active != NULL;

		if (sub->is_there)
			continue;
		ask_state(sub, is_spare);
		if (is_spare)
			continue;
		sub->looked = all->job;
		all->looks++;
	}
	if (all->looks == 0)
		all_forward(all);
	else
		ear_timer_set(&all->look, LOOK_MAX);
}

static void
auto_begin(void *self, const struct ear_press *press)
{
	struct all *all = self;

	all->job++;
	all->press = press;
	for (struct sub *sub = all->subs; sub < all->subs + all->count; sub++)
		if (sub->is_there && sub->is_hung)
			ask_state(sub, true);
	if (all->active != NULL && (press == NULL || sub_plays(all->active)))
		all_forward(all);
	else
		all_look(all);
}

static void
auto_abandon(void *self)
{
	struct all *all = self;
	struct sub *target = all->target;

	all->job++;
	all->phase = PHASE_REST;
	all->target = NULL;
	ear_timer_stop(&all->look);
	if (target != NULL)
		note_answer(target, -ETIMEDOUT, NULL);
}

/* What is said of one kind is for that one. */
static struct player_config
sub_config(const struct player_kind *kind, const struct player_config *config)
{
	struct player_config own = { .kind = kind->name };

	if (strcmp(kind->name, "mpv") == 0)
		own.socket = config->socket;
	else if (strcmp(kind->name, "kodi") == 0)
		own.url = config->url;
	else if (strcmp(kind->name, "mpris") == 0)
		own.name = config->name;
	else if (strcmp(kind->name, "mpd") == 0)
		own.secret = config->secret;
	return own;
}

static void
auto_close(void *self)
{
	struct all *all = self;

	all->closing = true;
	ear_timer_stop(&all->look);
	for (size_t i = 0; i < all->count; i++)
		player_free(all->subs[i].player);
	free(all);
}

static int
add_kind(struct all *all, const struct player_kind *kind, const struct player_config *config)
{
	struct player_config own = sub_config(kind, config);
	struct sub *sub = &all->subs[all->count];

	sub->all = all;
	sub->kind = kind;
	player_state_init(&sub->state);
	all->count++;
	return player_new_of(player_base(all->player), player_clock(all->player), kind, &own,
			     on_changed, sub, &sub->player);
}

int
auto_open_of(struct ear_player *player, const struct player_config *config,
	     const struct player_kind *const kinds[], size_t count, void **self)
{
	struct all *all = xalloc(sizeof(*all));
	int error = 0;

	all->player = player;
	ear_timer_init(&all->look, player_clock(player), on_look, all);
	for (size_t i = 0; i < count && i < AUTO_MAX && error == 0; i++)
		error = add_kind(all, kinds[i], config);
	if (error != 0)
		auto_close(all);
	else
		*self = all;
	return error;
}

/* Of two that are alike in all, the one that is driven best comes first. */
static int
auto_open(struct ear_player *player, const struct player_config *config, void **self)
{
	static const struct player_kind *const kinds[] = { &player_mpv, &player_kodi, &player_mpd,
							   &player_mpris };

	return auto_open_of(player, config, kinds, sizeof(kinds) / sizeof(kinds[0]), self);
}

static bool
auto_is_there(void *self)
{
	return ((struct all *)self)->active != NULL;
}

static const char *
auto_driven(void *self)
{
	struct all *all = self;

	return all->active == NULL ? "none" : all->active->kind->name;
}

static bool
show_on(struct all *all, struct sub *sub, const char *text, int64_t usec)
{
	if (sub == NULL || ear_player_show(sub->player, text, usec) != 0)
		return false;
	all->shown = sub;
	return true;
}

/* On the first in rank, or another one when that has no screen; taken away where it was shown. */
static int
auto_show(void *self, const char *text, int64_t usec)
{
	struct all *all = self;
	struct sub *before = all->shown;

	all->shown = NULL;
	if (*text != '\0' && !show_on(all, all->active, text, usec))
		for (size_t i = 0; i < all->count && all->shown == NULL; i++)
			(void)show_on(all, &all->subs[i], text, usec);
	if (before != NULL && before != all->shown)
		(void)ear_player_show(before->player, NULL, 0);
	if (*text == '\0' ? all->active != NULL : all->shown != NULL)
		return 0;
	return all->active == NULL ? -ENODEV : -EOPNOTSUPP;
}

const struct player_kind player_auto = {
	.name = "auto",
	.open = auto_open,
	.close = auto_close,
	.begin = auto_begin,
	.abandon = auto_abandon,
	.is_there = auto_is_there,
	.driven = auto_driven,
	.show = auto_show,
};
