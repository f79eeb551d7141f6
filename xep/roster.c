/* SPDX-License-Identifier: ISC */
/*
 * roster.c: contacts of a component (RFC 6121 §3), which no server keeps for it. Of one engine:
 *
 *	roster OURS THEIRS = from   he gets our presence
 *	                     both   and we his
 *
 * Of several they are in the store: a stanza comes to one of these, the next one to another. What
 * one of them had to itself before is brought there (roster_move.c).
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "presence.h"
#include "roster.h"

#define ASKS_MAX 1000 /* that the store has not answered: what comes then is not heard */
#define AGAIN    (5 * EAR_SEC)

/* A change that the store is asked for. */
struct asked {
	struct asked *next;
	struct roster *roster;
	struct roster_pair pair;
	char *from;
	roster_fn *fn;
	void *arg;
};

struct roster {
	struct ear *ear;
	struct asked *asked;
	size_t count;
	/* Through all of a shared one: */
	roster_each_fn *each;
	void *arg;
	struct roster_pair after;
	bool walking;
	struct roster_move *move;
	struct ear_timer again; /* the store could not */
};

bool
roster_is_shared(struct ear *ear)
{
	return ear_store_is_shared(ear_store(ear));
}

static bool
is_ours(struct ear *ear, const char *bare)
{
	const char *at = strchr(bare, '@'), *self = ear_self(ear, EAR_LINK_SERVER);

	return self != NULL && strcmp(at == NULL ? bare : at + 1, self) == 0;
}

/* --- of one engine ------------------------------------------------------------------------ */

struct key {
	char text[2 * EAR_JID_SIZE + 16];
};

static struct key
key_of(const struct roster_pair *pair)
{
	struct key key;

	snprintf(key.text, sizeof(key.text), "roster %s %s", pair->ours, pair->theirs);
	return key;
}

bool
roster_read_key(struct ear *ear, const char *key, struct roster_pair *pair)
{
	const char *ours = strchr(key, ' '), *theirs = ours == NULL ? NULL : strchr(ours + 1, ' ');

	if (theirs == NULL)
		return false;
	snprintf(pair->ours, sizeof(pair->ours), "%.*s", (int)(theirs - ours - 1), ours + 1);
	snprintf(pair->theirs, sizeof(pair->theirs), "%s", theirs + 1);
	return is_ours(ear, pair->ours);
}

enum ear_contact
roster_of_kept(const char *what)
{
	if (what == NULL)
		return EAR_CONTACT_NONE;
	return strcmp(what, "both") == 0 ? EAR_CONTACT_BOTH : EAR_CONTACT_FROM;
}

static void
count_one(void *arg, const char *key, const char *what)
{
	++*(size_t *)arg;
}

static bool
is_full(struct ear *ear)
{
	size_t count = 0;

	ear_each_kept(ear, "roster ", count_one, &count);
	return count >= PRESENCE_ROSTER_MAX;
}

/* What cannot be written is remembered until we end. */
static int
add_kept(struct ear *ear, const char *key)
{
	if (!is_full(ear))
		ear_keep(ear, key, "from");
	return ear_kept(ear, key) == NULL ? -EDQUOT : 0;
}

static int
change_kept(struct ear *ear, const char *key, enum ear_contact was, enum ear_contact_change change)
{
	switch (change) {
	case EAR_CONTACT_LOOK:
		break;
	case EAR_CONTACT_ADD:
		return was == EAR_CONTACT_NONE ? add_kept(ear, key) : 0;
	case EAR_CONTACT_GAIN:
	case EAR_CONTACT_LOSE:
		if (was != EAR_CONTACT_NONE)
			ear_keep(ear, key, change == EAR_CONTACT_GAIN ? "both" : "from");
		break;
	case EAR_CONTACT_REMOVE:
		ear_keep(ear, key, NULL);
		break;
	}
	return 0;
}

static void
change_own(struct ear *ear, const char *key, enum ear_contact_change change,
	   struct roster_answer *answer)
{
	answer->was = roster_of_kept(ear_kept(ear, key));
	answer->error = change_kept(ear, key, answer->was, change);
}

static void
each_kept(void *arg, const char *key, const char *what)
{
	struct roster *roster = arg;
	struct roster_pair pair;

	if (roster_read_key(roster->ear, key, &pair))
		roster->each(roster->arg, &pair);
}

struct search {
	struct ear *ear;
	const char *theirs;
	size_t length;
	bool found;
};

/* Most are told apart without being read. */
static void
compare_one(void *arg, const char *key, const char *what)
{
	struct search *search = arg;
	size_t length = strlen(key);
	struct roster_pair pair;

	if (search->found || length < search->length ||
	    strcmp(key + length - search->length, search->theirs) != 0)
		return;
	search->found = roster_read_key(search->ear, key, &pair) &&
			strcmp(pair.theirs, search->theirs) == 0;
}

bool
presence_is_contact(struct ear *ear, const char *bare)
{
	struct search search = { ear, bare, strlen(bare), false };

	if (presence_is_component(ear) && !roster_is_shared(ear))
		ear_each_kept(ear, "roster ", compare_one, &search);
	return search.found;
}

/* --- of several --------------------------------------------------------------------------- */

static void
asked_free(struct asked *asked)
{
	struct asked **place = &asked->roster->asked;

	while (*place != asked)
		place = &(*place)->next;
	*place = asked->next;
	asked->roster->count--;
	ear_store_forget(ear_store(asked->roster->ear), asked);
	free(asked->from);
	free(asked);
}

static void
on_changed(void *arg, const struct ear_stored_answer *stored)
{
	struct asked *asked = arg;
	const struct roster_answer answer = {
		.pair = &asked->pair,
		.from = asked->from,
		.was = stored->count > 0 ? stored->rows[0].contact : EAR_CONTACT_NONE,
		.error = stored->error,
	};

	asked->fn(asked->arg, &answer);
	asked_free(asked);
}

static void
ask(struct roster *roster, const struct roster_answer *about, enum ear_contact_change change,
    roster_fn *fn, void *arg)
{
	struct asked *asked;

	if (roster->count >= ASKS_MAX) {
		ear_debug("%s: the store has too much to do: not heard", about->from);
		return;
	}
	asked = xep_alloc(sizeof(*asked));
	asked->roster = roster;
	asked->pair = *about->pair;
	asked->from = xep_strdup(about->from);
	asked->fn = fn;
	asked->arg = arg;
	asked->next = roster->asked;
	roster->asked = asked;
	roster->count++;
	ear_store_contact(ear_store(roster->ear), asked->pair.ours, asked->pair.theirs, change,
			  on_changed, asked);
}

static void ask_page(void *arg);

static void
on_page(void *arg, const struct ear_stored_answer *page)
{
	struct roster *roster = arg;
	const struct ear_stored *row = page->rows;

	if (page->error != 0) {
		ear_timer_set(&roster->again, AGAIN);
		return;
	}
	for (size_t i = 0; i < page->count; i++, row++) {
		snprintf(roster->after.ours, sizeof(roster->after.ours), "%s", row->ours);
		snprintf(roster->after.theirs, sizeof(roster->after.theirs), "%s", row->jid);
		if (is_ours(roster->ear, row->ours))
			roster->each(roster->arg, &roster->after);
	}
	roster->walking = page->count > 0;
	if (roster->walking)
		ask_page(roster);
}

static void
ask_page(void *arg)
{
	struct roster *roster = arg;

	ear_store_contacts(ear_store(roster->ear), roster->after.ours, roster->after.theirs,
			   on_page, roster);
}

/* --- both --------------------------------------------------------------------------------- */

void
roster_change(struct roster *roster, const struct roster_pair *pair, const char *from,
	      enum ear_contact_change change, roster_fn *fn, void *arg)
{
	struct roster_answer answer = { .pair = pair, .from = from };

	if (roster_is_shared(roster->ear)) {
		ask(roster, &answer, change, fn, arg);
		return;
	}
	change_own(roster->ear, key_of(pair).text, change, &answer);
	fn(arg, &answer);
}

void
roster_each(struct roster *roster, roster_each_fn *fn, void *arg)
{
	roster->each = fn;
	roster->arg = arg;
	roster_move_begin(roster->move);
	if (!roster_is_shared(roster->ear)) {
		ear_each_kept(roster->ear, "roster ", each_kept, roster);
		return;
	}
	ear_store_forget(ear_store(roster->ear), roster);
	ear_timer_stop(&roster->again);
	roster->after.ours[0] = roster->after.theirs[0] = '\0';
	roster->walking = true;
	ask_page(roster);
}

bool
roster_is_walking(const struct roster *roster)
{
	return roster->walking;
}

struct roster *
roster_new(struct ear *ear)
{
	struct roster *roster = xep_alloc(sizeof(*roster));

	roster->ear = ear;
	roster->move = roster_move_new(ear);
	ear_timer_init(&roster->again, ear_clock(ear), ask_page, roster);
	return roster;
}

void
roster_free(struct roster *roster)
{
	while (roster->asked != NULL)
		asked_free(roster->asked);
	roster_move_free(roster->move);
	if (ear_store(roster->ear) != NULL)
		ear_store_forget(ear_store(roster->ear), roster);
	ear_timer_stop(&roster->again);
	free(roster);
}
