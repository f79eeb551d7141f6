/* SPDX-License-Identifier: ISC */
/*
 * pubsub_tell_person.c: which users of a server are there (XEP-0060 §12.7), as far as their
 * presence comes to us: a component's contacts. Of anybody else it is not known, and what is sent
 * to him is his server's business.
 */
#include "memory.h"
#include "presence.h"
#include "pubsub_tell_impl.h"

#define RESOURCES_MAX 16
#define UNSURE        (10 * EAR_SEC) /* for the answers to probes, after the server is up */

struct person {
	struct person *next;
	char *bare;
	char *resources[RESOURCES_MAX]; /* those that are there */
	size_t count;
	int64_t unsure_until; /* not 0: nothing was heard of him yet */
};

static struct person *
person_find(const struct pubsub_teller *teller, const char *address)
{
	struct person *person = teller->persons;

	while (person != NULL && !ear_jid_bare_equal(person->bare, address))
		person = person->next;
	return person;
}

static void
forget_resources(struct person *person)
{
	while (person->count > 0)
		free(person->resources[--person->count]);
}

static void
person_free(struct pubsub_teller *teller, struct person *person)
{
	struct person **place = &teller->persons;

	while (*place != person)
		place = &(*place)->next;
	*place = person->next;
	teller->person_count--;
	forget_resources(person);
	free(person->bare);
	free(person);
}

/* NULL: too many are known. */
static struct person *
person_get(struct pubsub_teller *teller, const char *address)
{
	struct person *person = person_find(teller, address);
	char bare[EAR_JID_SIZE];

	if (person != NULL || teller->person_count >= PRESENCE_ROSTER_MAX ||
	    ear_jid_bare(address, bare, sizeof(bare)) != 0)
		return person;
	person = xep_alloc(sizeof(*person));
	person->bare = xep_strdup(bare);
	person->next = teller->persons;
	teller->persons = person;
	teller->person_count++;
	return person;
}

static size_t
find_resource(const struct person *person, const char *full)
{
	size_t i = 0;

	while (i < person->count && strcmp(person->resources[i], full) != 0)
		i++;
	return i;
}

bool
person_is_away(struct pubsub_teller *teller, const char *address)
{
	const struct person *person = person_find(teller, address);

	if (person == NULL)
		return false;
	if (person->unsure_until != 0)
		return ear_now(ear_clock(teller->ear)) < person->unsure_until;
	return ear_jid_resource(address) == NULL ? person->count == 0
						 : find_resource(person, address) == person->count;
}

void
pubsub_teller_there(struct pubsub_teller *teller, const struct ear_in *in, bool there)
{
	struct person *person = person_get(teller, in->from);
	size_t i;

	if (person == NULL)
		return;
	person->unsure_until = 0;
	i = find_resource(person, in->from);
	if (!there) {
		if (i < person->count) {
			free(person->resources[i]);
			person->resources[i] = person->resources[--person->count];
		} else if (ear_jid_resource(in->from) == NULL) {
			forget_resources(person);
		}
		return;
	}
	if (i < person->count)
		return;
	if (person->count < RESOURCES_MAX)
		person->resources[person->count++] = xep_strdup(in->from);
	late_look(teller, in->from);
	late_look(teller, person->bare);
}

/* --- the server is there again ------------------------------------------------------------ */

/* "roster OURS THEIRS": whose presence we get has been asked for it. */
static void
expect(void *arg, const char *key, const char *what)
{
	struct pubsub_teller *teller = arg;
	const char *ours = strchr(key, ' '), *theirs = ours == NULL ? NULL : strchr(ours + 1, ' ');
	struct person *person =
		theirs == NULL || strcmp(what, "both") != 0 ? NULL : person_get(teller, theirs + 1);

	if (person != NULL)
		person->unsure_until = ear_now(ear_clock(teller->ear)) + UNSURE;
}

void
person_nobody(struct pubsub_teller *teller, const char *bare)
{
	struct person *person;

	if (bare != NULL) {
		person = person_find(teller, bare);
		if (person != NULL)
			person_free(teller, person);
		return;
	}
	while (teller->persons != NULL)
		person_free(teller, teller->persons);
	if (presence_is_component(teller->ear))
		ear_each_kept(teller->ear, "roster ", expect, teller);
}

void
person_release(struct pubsub_teller *teller)
{
	while (teller->persons != NULL)
		person_free(teller, teller->persons);
}
