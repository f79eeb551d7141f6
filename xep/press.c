/* SPDX-License-Identifier: ISC */
/* press.c: the rules of every press, and its way to the player and back. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "delay.h"
#include "memory.h"
#include "press.h"
#include "press_past.h"

/* One that waits for the player, who calls back in any case, maybe after stop(). */
struct waiting {
	struct presses *presses; /* NULL: stopped in the meantime */
	press_fn *fn;
	void *arg;
	bool acted;
	bool opens;      /* a URL: what is out of range is then none that is played here */
	char *from, *id; /* of the press; NULL: a question, or it has no id */
	struct waiting *next, *prev;
};

extern const struct ear_xep ear_xep_press;

struct presses {
	struct press_past *past;
	struct waiting all; /* head of a ring */
};

/* What an error of the player becomes on the wire. */
static const struct fault {
	int error;
	enum ear_verdict condition;
	const char *text;
} faults[] = {
	{ -ENODEV, EAR_ITEM_NOT_FOUND, "no player" },
	{ -ETIMEDOUT, EAR_REMOTE_SERVER_TIMEOUT, "the player does not answer" },
	{ -EOPNOTSUPP, EAR_FEATURE_NOT_IMPLEMENTED, "this player has no such button" },
	{ -ERANGE, EAR_NOT_ACCEPTABLE, "value out of range" },
	{ -EREMOTEIO, EAR_UNEXPECTED_REQUEST, "the player refused" },
	{ -ENOBUFS, EAR_RESOURCE_CONSTRAINT, "too many presses are waiting for the player" },
	{ -ECANCELED, EAR_RECIPIENT_UNAVAILABLE, "stopping" },
	{ -EPROTO, EAR_INTERNAL_SERVER_ERROR, "the player answered nonsense" },
};

static const struct fault *
fault_of(int error)
{
	const size_t count = sizeof(faults) / sizeof(faults[0]);
	size_t i;

	for (i = 0; i < count - 1; i++)
		if (faults[i].error == error)
			break;
	return &faults[i];
}

static void
tell_error(press_fn *fn, void *arg, int error)
{
	const struct fault *fault = fault_of(error);

	fn(arg, fault->condition, fault->text, NULL, false);
}

static void
waiting_unlink(struct waiting *waiting)
{
	waiting->next->prev = waiting->prev;
	waiting->prev->next = waiting->next;
}

static void
waiting_free(struct waiting *waiting)
{
	free(waiting->from);
	free(waiting->id);
	free(waiting);
}

/* Whether a press that ended so may yet have done what it should. */
static bool
may_have_acted(int error)
{
	return error == 0 || error == -ETIMEDOUT || error == -EPROTO || error == -ECANCELED;
}

static void
on_player(void *arg, int error, const struct ear_player_state *state)
{
	struct waiting *waiting = arg;

	if (waiting->presses == NULL) { /* told already, when we stopped */
		waiting_free(waiting);
		return;
	}
	waiting_unlink(waiting);
	if (waiting->id != NULL && !may_have_acted(error))
		press_past_forget(waiting->presses->past, waiting->from, waiting->id);
	if (error == 0)
		waiting->fn(waiting->arg, EAR_DONE, NULL, state, waiting->acted);
	else if (error == -ERANGE && waiting->opens)
		waiting->fn(waiting->arg, EAR_NOT_ACCEPTABLE, "such a URL is not opened here", NULL,
			    false);
	else
		tell_error(waiting->fn, waiting->arg, error);
	waiting_free(waiting);
}

static struct waiting *
waiting_new(struct presses *presses, press_fn *fn, void *arg)
{
	struct waiting *waiting = xep_alloc(sizeof(*waiting));

	waiting->presses = presses;
	waiting->fn = fn;
	waiting->arg = arg;
	waiting->next = &presses->all;
	waiting->prev = presses->all.prev;
	waiting->prev->next = waiting;
	presses->all.prev = waiting;
	return waiting;
}

static struct waiting *
acting_new(struct presses *presses, const struct ear_in *in, const char *id,
	   const struct ear_press *press, press_fn *fn, void *arg)
{
	struct waiting *waiting = waiting_new(presses, fn, arg);

	waiting->acted = true;
	waiting->opens = ear_button_takes(press->button) == EAR_VALUE_URL;
	if (id != NULL) {
		waiting->from = xep_strdup(in->from);
		waiting->id = xep_strdup(id);
	}
	return waiting;
}

void
press_do(const struct ear_in *in, const char *id, const struct ear_press *press, press_fn *fn,
	 void *arg)
{
	struct presses *presses = ear_state(in->ear, &ear_xep_press);
	struct ear_player *player = ear_player(in->ear);

	if (delay_is_hearsay(in))
		fn(arg, EAR_NOT_ACCEPTABLE,
		   "a press must not be delayed, forwarded or a carbon copy", NULL, false);
	else if (!ear_may(in, EAR_VERB_BUTTONS))
		fn(arg, EAR_NOT_AUTHORIZED, "only who is trusted may press buttons here", NULL,
		   false);
	else if (id != NULL && strlen(id) > PRESS_ID_MAX)
		fn(arg, EAR_BAD_REQUEST, "the id of the press is too long", NULL, false);
	else if (player == NULL)
		tell_error(fn, arg, -ENODEV);
	else if (press_past_repeats(presses->past, in, id, press))
		ear_player_state(player, on_player, waiting_new(presses, fn, arg));
	else
		ear_player_press(player, press, on_player,
				 acting_new(presses, in, id, press, fn, arg));
}

void
press_look(const struct ear_in *in, press_fn *fn, void *arg)
{
	struct presses *presses = ear_state(in->ear, &ear_xep_press);

	if (!ear_may(in, EAR_VERB_STATE))
		fn(arg, EAR_NOT_AUTHORIZED, "only who is known may see what is played here", NULL,
		   false);
	else if (ear_player(in->ear) == NULL)
		tell_error(fn, arg, -ENODEV);
	else
		ear_player_state(ear_player(in->ear), on_player, waiting_new(presses, fn, arg));
}

static int
start(struct ear *ear)
{
	struct presses *presses = xep_alloc(sizeof(*presses));

	presses->past = press_past_new(ear_clock(ear));
	presses->all.next = presses->all.prev = &presses->all;
	ear_set_state(ear, &ear_xep_press, presses);
	return 0;
}

static void
stop(struct ear *ear)
{
	struct presses *presses = ear_state(ear, &ear_xep_press);

	while (presses->all.next != &presses->all) {
		struct waiting *waiting = presses->all.next;

		waiting_unlink(waiting);
		waiting->presses = NULL;
		waiting->fn(waiting->arg, EAR_PASS, NULL, NULL, false);
	}
	ear_set_state(ear, &ear_xep_press, NULL);
	press_past_free(presses->past);
	free(presses);
}

const struct ear_xep ear_xep_press = {
	.number = "-",
	.name = "presses",
	.start = start,
	.stop = stop,
};
