/* SPDX-License-Identifier: ISC */
/*
 * roster.h: who is in the roster of a component: who gets our presence, and whose we get. It is the
 * engine's own and survives a restart; where the store is shared it is there, one of all engines.
 */
#ifndef XEP_ROSTER_H
#define XEP_ROSTER_H

#include <earshot/ear.h>
#include <earshot/store.h>

struct roster;

/* Both bare. */
struct roster_pair {
	char ours[EAR_JID_SIZE], theirs[EAR_JID_SIZE];
};

struct roster *roster_new(struct ear *ear);
/* Nobody is told any more. */
void roster_free(struct roster *roster);

/* Whether other engines have the same one. */
bool roster_is_shared(struct ear *ear);

struct roster_answer {
	const struct roster_pair *pair;
	const char *from;     /* as it was given */
	enum ear_contact was; /* before */
	int error;            /* -EDQUOT: there are too many; or the store's */
};

typedef void roster_fn(void *arg, const struct roster_answer *answer);

/* Changes what he is: fn is told at once, or, of a shared one, from the event loop. */
void roster_change(struct roster *roster, const struct roster_pair *pair, const char *from,
		   enum ear_contact_change change, roster_fn *fn, void *arg);

/* Calls fn for each pair of the component that we are now; of a shared roster from the event loop,
 * for those of a moment ago. Who asks again meanwhile begins anew. */
typedef void roster_each_fn(void *arg, const struct roster_pair *pair);
void roster_each(struct roster *roster, roster_each_fn *fn, void *arg);
/* Not all of them were told yet. */
bool roster_is_walking(const struct roster *roster);

/* --- roster.c and roster_move.c ------------------------------------------------------------ */

/* The pair that a key of those kept names; false: none of the component that we are now. */
bool roster_read_key(struct ear *ear, const char *key, struct roster_pair *pair);
/* What is kept there; NULL: nothing. */
enum ear_contact roster_of_kept(const char *what);

struct roster_move;
struct roster_move *roster_move_new(struct ear *ear);
void roster_move_free(struct roster_move *move);

/* The server is there. Where the store is shared, what is kept here is brought there before
 * anything that is asked of it from now on. */
void roster_move_begin(struct roster_move *move);

#endif
