/* SPDX-License-Identifier: ISC */
/* press_past.c: which presses have been before. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "press.h"
#include "press_past.h"

struct past_id {
	char id[PRESS_ID_MAX + 1]; /* "": none */
	int64_t at;
};

/* One who pressed. */
struct presser {
	char *bare;
	int64_t seen;
	struct past_id ids[PRESS_PAST_IDS]; /* a ring */
	size_t next;
	/* The last press that was no repetition by its id, whether it acted or not. */
	struct ear_press last; /* text is ours */
	int64_t came, held;    /* when; how long it was held up, -1: unknown */
	bool any;
};

struct press_past {
	struct ear_clock *clock;
	struct presser *pressers[PRESS_PAST_SENDERS];
	size_t count;
};

struct press_past *
press_past_new(struct ear_clock *clock)
{
	struct press_past *past = xep_alloc(sizeof(*past));

	past->clock = clock;
	return past;
}

static void
presser_free(struct presser *presser)
{
	free((char *)presser->last.text);
	free(presser->bare);
	free(presser);
}

void
press_past_free(struct press_past *past)
{
	for (size_t i = 0; i < past->count; i++)
		presser_free(past->pressers[i]);
	free(past);
}

/* The place of the one who has been silent for longest. */
static size_t
oldest(const struct press_past *past)
{
	size_t found = 0;

	for (size_t i = 1; i < past->count; i++)
		if (past->pressers[i]->seen < past->pressers[found]->seen)
			found = i;
	return found;
}

static struct presser *
presser_find(struct press_past *past, const char *bare)
{
	for (size_t i = 0; i < past->count; i++)
		if (strcmp(past->pressers[i]->bare, bare) == 0)
			return past->pressers[i];
	return NULL;
}

static struct presser *
presser_of(struct press_past *past, const char *bare)
{
	struct presser *presser = presser_find(past, bare);
	size_t i = past->count;

	if (presser != NULL)
		return presser;
	if (past->count == PRESS_PAST_SENDERS) {
		i = oldest(past);
		presser_free(past->pressers[i]);
	} else {
		past->count++;
	}
	presser = xep_alloc(sizeof(*presser));
	presser->bare = xep_strdup(bare);
	past->pressers[i] = presser;
	return presser;
}

static bool
knows_id(const struct presser *presser, const char *id, int64_t now)
{
	for (size_t i = 0; i < PRESS_PAST_IDS; i++)
		if (strcmp(presser->ids[i].id, id) == 0 &&
		    now - presser->ids[i].at < PRESS_PAST_TIME)
			return true;
	return false;
}

static void
add_id(struct presser *presser, const char *id, int64_t now)
{
	struct past_id *slot = &presser->ids[presser->next];

	strncpy(slot->id, id, PRESS_ID_MAX);
	slot->at = now;
	presser->next = (presser->next + 1) % PRESS_PAST_IDS;
}

static bool
same_press(const struct ear_press *a, const struct ear_press *b)
{
	if (a->button != b->button || a->key != b->key || a->motion != b->motion)
		return false;
	if ((a->text == NULL) != (b->text == NULL) ||
	    (a->text != NULL && strcmp(a->text, b->text) != 0))
		return false;
	return a->has_value == b->has_value && a->relative == b->relative && a->value == b->value;
}

/* A key that is held repeats itself: that is what its sender means. */
static bool
is_burst(const struct presser *presser, const struct ear_press *press, int64_t held, int64_t now)
{
	if (!presser->any || !same_press(&presser->last, press) || press->motion == EAR_HELD)
		return false;
	if (held >= 0 && presser->held >= 0)
		return held >= PRESS_PAST_HELD && presser->held >= PRESS_PAST_HELD &&
		       now - presser->came < PRESS_PAST_BURST;
	return held < 0 && presser->held < 0 && now - presser->came < PRESS_PAST_THUMB;
}

static void
remember(struct presser *presser, const struct ear_press *press, int64_t held, int64_t now)
{
	free((char *)presser->last.text);
	presser->last = *press;
	presser->last.text = press->text == NULL ? NULL : xep_strdup(press->text);
	presser->came = now;
	presser->held = held;
	presser->any = true;
}

/* On the way from a program of this machine nothing is held up. */
static int64_t
held_up(const struct ear_in *in)
{
	return in->link == EAR_LINK_LOCAL ? 0 : ear_held_up(in);
}

bool
press_past_repeats(struct press_past *past, const struct ear_in *in, const char *id,
		   const struct ear_press *press)
{
	int64_t now = ear_now(past->clock), held = held_up(in);
	char bare[EAR_JID_SIZE];
	struct presser *presser;
	bool burst;

	if (ear_jid_bare(in->from, bare, sizeof(bare)) != 0)
		return false;
	presser = presser_of(past, bare);
	presser->seen = now;
	if (id != NULL && id[0] != '\0') {
		if (knows_id(presser, id, now))
			return true;
		add_id(presser, id, now);
	}
	burst = is_burst(presser, press, held, now);
	remember(presser, press, held, now);
	return burst;
}

void
press_past_forget(struct press_past *past, const char *from, const char *id)
{
	char bare[EAR_JID_SIZE];
	struct presser *presser;

	if (ear_jid_bare(from, bare, sizeof(bare)) != 0)
		return;
	presser = presser_find(past, bare);
	for (size_t i = 0; presser != NULL && i < PRESS_PAST_IDS; i++)
		if (strcmp(presser->ids[i].id, id) == 0)
			presser->ids[i].id[0] = '\0';
}
