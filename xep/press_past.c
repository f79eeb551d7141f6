/* SPDX-License-Identifier: ISC */
/* press_past.c: which presses have been before. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "memory.h"
#include "press.h"
#include "press_past.h"

#define IDS_FIRST 16

/* Ids by their hash: who finds two that are alike has pressed one of them for nothing. */
struct past_id {
	uint64_t hash;
	int64_t at; /* NEVER: none */
};

#define NEVER INT64_MIN

/* One who pressed. */
struct presser {
	char *bare;
	int64_t seen;
	struct past_id *ids; /* a ring, which grows while its oldest is not old */
	size_t size, next;
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
	free(presser->ids);
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

/* That id, if it is remembered; NULL: it is not. */
static struct past_id *
id_find(struct presser *presser, uint64_t hash)
{
	for (size_t i = 0; i < presser->size; i++)
		if (presser->ids[i].at != NEVER && presser->ids[i].hash == hash)
			return &presser->ids[i];
	return NULL;
}

static bool
is_old(const struct past_id *slot, int64_t now)
{
	return slot->at == NEVER || now - slot->at >= PRESS_PAST_TIME;
}

/* Twice the room, from the oldest on, and the next one is the first of the new places. */
static void
ids_grow(struct presser *presser)
{
	size_t size = presser->size == 0 ? IDS_FIRST : 2 * presser->size;
	struct past_id *ids = xep_alloc(size * sizeof(*ids));

	for (size_t i = 0; i < size; i++)
		ids[i] = i < presser->size ? presser->ids[(presser->next + i) % presser->size]
					   : (struct past_id){ .at = NEVER };
	free(presser->ids);
	presser->ids = ids;
	presser->next = presser->size;
	presser->size = size;
}

static void
id_add(struct presser *presser, uint64_t hash, int64_t now)
{
	if (presser->size == 0 ||
	    (presser->size < PRESS_PAST_IDS && !is_old(&presser->ids[presser->next], now)))
		ids_grow(presser);
	presser->ids[presser->next] = (struct past_id){ hash, now };
	presser->next = (presser->next + 1) % presser->size;
}

/* Whether it has come before; it is remembered now. */
static bool
id_repeats(struct presser *presser, const char *id, int64_t now)
{
	uint64_t hash = hash_text(HASH_BEGIN, id);
	struct past_id *slot = id_find(presser, hash);

	if (slot != NULL && !is_old(slot, now))
		return true;
	if (slot != NULL)
		slot->at = NEVER;
	id_add(presser, hash, now);
	return false;
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
	if (id != NULL && id[0] != '\0' && id_repeats(presser, id, now))
		return true;
	burst = is_burst(presser, press, held, now);
	remember(presser, press, held, now);
	return burst;
}

void
press_past_forget(struct press_past *past, const char *from, const char *id)
{
	char bare[EAR_JID_SIZE];
	struct presser *presser;
	struct past_id *slot;

	if (ear_jid_bare(from, bare, sizeof(bare)) != 0)
		return;
	presser = presser_find(past, bare);
	slot = presser == NULL ? NULL : id_find(presser, hash_text(HASH_BEGIN, id));
	if (slot != NULL)
		slot->at = NEVER;
}
