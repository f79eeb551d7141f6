/* SPDX-License-Identifier: ISC */
/*
 * roster_move.c: contacts that an engine had to itself before it shared a store (roster.c): they
 * become contacts of all.
 *
 *	roster OURS THEIRS, kept -> contacts moving = MARK, kept
 *	     -> into the store, with the mark, in one transaction -> forgotten here, the mark last
 *
 * By the mark each is moved once, whoever is killed meanwhile: who has left since then does not
 * come back. What the store knows of him already is newer, and stays.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "roster.h"

#define MARK_KEY "contacts moving"
#define AGAIN    (5 * EAR_SEC)

struct roster_move {
	struct ear *ear;
	char *keys[EAR_BRING_MAX]; /* that the store is being asked for */
	size_t count;
	struct ear_timer again; /* the store could not */
};

static void
forget_keys(struct roster_move *move)
{
	while (move->count > 0)
		free(move->keys[--move->count]);
}

static void
add_key(void *arg, const char *key, const char *what)
{
	struct roster_move *move = arg;
	struct roster_pair pair;

	if (move->count < EAR_BRING_MAX && roster_read_key(move->ear, key, &pair))
		move->keys[move->count++] = xep_strdup(key);
}

/* They are in the store. */
static void
drop(struct roster_move *move)
{
	for (size_t i = 0; i < move->count; i++)
		ear_keep(move->ear, move->keys[i], NULL);
	ear_keep(move->ear, MARK_KEY, NULL);
}

static void
on_brought(void *arg, const struct ear_stored_answer *answer)
{
	struct roster_move *move = arg;

	if (answer->error == -EDQUOT) {
		ear_error("%zu contacts that are kept here have no room among those of the store: "
			  "nobody else knows them",
			  move->count);
	} else if (answer->error != 0 && answer->error != -EEXIST) {
		ear_timer_set(&move->again, AGAIN);
	} else {
		if (answer->error == 0)
			ear_info("%zu contacts that were kept here are in the store now, %zu of "
				 "them were not there",
				 move->count, answer->count);
		drop(move);
	}
	forget_keys(move);
}

static void
bring(struct roster_move *move)
{
	struct ear_stored *contacts = xep_alloc(move->count * sizeof(*contacts));
	struct roster_pair *pairs = xep_alloc(move->count * sizeof(*pairs));

	for (size_t i = 0; i < move->count; i++) {
		roster_read_key(move->ear, move->keys[i], &pairs[i]);
		contacts[i].ours = pairs[i].ours;
		contacts[i].jid = pairs[i].theirs;
		contacts[i].contact = roster_of_kept(ear_kept(move->ear, move->keys[i]));
	}
	ear_store_bring(ear_store(move->ear), ear_kept(move->ear, MARK_KEY), contacts, move->count,
			on_brought, move);
	free(pairs);
	free(contacts);
}

/* The mark is on the disk before the store is asked, else nothing is moved. */
static bool
is_marked(struct ear *ear)
{
	char mark[17];

	if (ear_kept(ear, MARK_KEY) != NULL)
		return true;
	ear_new_id(mark);
	return ear_keep(ear, MARK_KEY, mark) == 0;
}

/* A mark without contacts, or of one that is alone again, is for no others. */
void
roster_move_begin(struct roster_move *move)
{
	if (move->count > 0)
		return;
	ear_timer_stop(&move->again);
	if (roster_is_shared(move->ear))
		ear_each_kept(move->ear, "roster ", add_key, move);
	if (move->count == 0)
		ear_keep(move->ear, MARK_KEY, NULL);
	else if (is_marked(move->ear))
		bring(move);
	else
		forget_keys(move);
}

static void
on_again(void *arg)
{
	roster_move_begin(arg);
}

struct roster_move *
roster_move_new(struct ear *ear)
{
	struct roster_move *move = xep_alloc(sizeof(*move));

	move->ear = ear;
	ear_timer_init(&move->again, ear_clock(ear), on_again, move);
	return move;
}

void
roster_move_free(struct roster_move *move)
{
	if (ear_store(move->ear) != NULL)
		ear_store_forget(ear_store(move->ear), move);
	ear_timer_stop(&move->again);
	forget_keys(move);
	free(move);
}
