/* SPDX-License-Identifier: ISC */
/*
 * seen.c: which sender has which slot of the file, and what was looked up last: has and note come
 * in pairs, and a sender's stanzas in rows.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/map.h"
#include "store/seen_digest.h"
#include "store/seen_table.h"

#define MEMO          64 /* bytes of an id that is remembered with its digest */
#define NO_SLOT       SEEN_SENDERS_MAX
#define STRANGERS_MAX 64 /* a digest of theirs costs as much as handling a stanza */

/* A sender that this process has met. */
struct known {
	size_t slot;  /* NO_SLOT: nothing of it is noted */
	size_t place; /* without a slot: in strangers */
	struct seen_who who;
	char sender[];
};

/* The id that was looked at last: it is noted next. */
struct memo {
	const struct known *known;
	uint64_t digest;
	bool absent; /* it is in no table */
	char id[MEMO];
};

/* What a look-up may change too: it is not what the caller sees. */
struct names {
	struct map *by_sender;
	struct known *by_slot[SEEN_SENDERS_MAX];
	struct known *strangers[STRANGERS_MAX]; /* the last ones without a slot */
	size_t next;                            /* place in strangers */
	struct known *last;
	struct memo memo;
};

struct seen {
	struct seen_file *file;
	struct names *names;
	uint64_t notes;              /* as noted_at */
	size_t newest;               /* the slot that was noted last, or NO_SLOT */
	uint32_t hand;               /* ours */
	uint64_t unsure[SEEN_HANDS]; /* what was in the others when we began */
};

/* --- one sender ------------------------------------------------------------------------------ */

static struct seen_sender *
sender_at(const struct seen *seen, size_t slot)
{
	return &seen->file->map->front.senders[slot];
}

static struct seen_tables *
tables_at(const struct seen *seen, size_t slot)
{
	return &seen->file->map->tables[slot];
}

/* The order of senders changes only where they alternate. */
static void
stamp(struct seen *seen, size_t slot)
{
	if (seen->newest == slot)
		return;
	atomic_store_explicit(&sender_at(seen, slot)->noted_at, ++seen->notes,
			      memory_order_release);
	seen->newest = slot;
}

/* --- who has which slot ---------------------------------------------------------------------- */

static void
known_free(struct names *names, struct known *known)
{
	if (known == NULL)
		return;
	map_del(names->by_sender, known->sender);
	if (names->last == known)
		names->last = NULL;
	if (names->memo.known == known)
		names->memo.known = NULL;
	free(known);
}

static void
give_slot(const struct seen *seen, struct known *known, size_t slot)
{
	struct names *names = seen->names;

	names->strangers[known->place] = NULL;
	known->slot = slot;
	names->by_slot[slot] = known;
	seen_file_prepare(seen->file, slot);
}

/* A stranger, who takes the place of the one before. */
static struct known *
known_new(const struct seen *seen, const char *sender)
{
	struct names *names = seen->names;
	size_t length = strlen(sender) + 1;
	struct known *known = xalloc(sizeof(*known) + length);

	known->slot = NO_SLOT;
	known->place = names->next;
	names->next = (names->next + 1) % STRANGERS_MAX;
	known_free(names, names->strangers[known->place]);
	names->strangers[known->place] = known;
	memcpy(known->sender, sender, length);
	seen_digest_who(seen->file->map->front.head.key, sender, &known->who);
	map_set(names->by_sender, sender, known);
	return known;
}

/* The slot that an earlier process gave it, or NO_SLOT. */
static size_t
slot_of(const struct seen *seen, const struct seen_who *who)
{
	size_t slot = 0;

	while (slot < SEEN_SENDERS_MAX &&
	       (sender_at(seen, slot)->noted_at == 0 ||
		memcmp(sender_at(seen, slot)->name, who->name, SEEN_NAME) != 0))
		slot++;
	return slot;
}

static struct known *
known_find(const struct seen *seen, const char *sender)
{
	struct names *names = seen->names;
	struct known *known = names->last;
	size_t slot;

	if (known != NULL && strcmp(known->sender, sender) == 0)
		return known;
	known = map_get(names->by_sender, sender);
	if (known == NULL) {
		known = known_new(seen, sender);
		slot = slot_of(seen, &known->who);
		if (slot != NO_SLOT)
			give_slot(seen, known, slot);
	}
	names->last = known;
	return known;
}

/* A free one, or that of the sender that was noted least recently. */
static size_t
slot_oldest(const struct seen *seen)
{
	size_t oldest = 0;

	for (size_t i = 1; i < SEEN_SENDERS_MAX; i++)
		if (sender_at(seen, i)->noted_at < sender_at(seen, oldest)->noted_at)
			oldest = i;
	return oldest;
}

/* It becomes the sender's when it is stamped. */
static void
take_slot(struct seen *seen, struct known *known)
{
	size_t slot = slot_oldest(seen);
	struct seen_sender *entry = sender_at(seen, slot);

	known_free(seen->names, seen->names->by_slot[slot]);
	if (seen->newest == slot)
		seen->newest = NO_SLOT;
	atomic_store_explicit(&entry->noted_at, 0, memory_order_release);
	atomic_signal_fence(memory_order_seq_cst);
	memcpy(entry->name, known->who.name, SEEN_NAME);
	give_slot(seen, known, slot);
	seen_table_clear(entry, tables_at(seen, slot));
}

/* --- ids ------------------------------------------------------------------------------------- */

static struct memo *
look_at(const struct seen *seen, const struct known *known, const char *id)
{
	struct memo *memo = &seen->names->memo;
	size_t length;

	if (memo->known == known && strcmp(memo->id, id) == 0)
		return memo;
	length = strlen(id);
	memo->known = length < MEMO ? known : NULL;
	memo->absent = false;
	memo->digest = seen_digest_id(&known->who, id, length);
	if (length < MEMO)
		memcpy(memo->id, id, length + 1);
	return memo;
}

/* Counts anew, in the order that there is: whatever numbers were found, there are always more. */
static void
renumber(struct seen *seen)
{
	uint64_t numbers[SEEN_SENDERS_MAX] = { 0 };

	for (size_t i = 0; i < SEEN_SENDERS_MAX; i++)
		for (size_t j = 0; j < SEEN_SENDERS_MAX; j++)
			numbers[i] += sender_at(seen, j)->noted_at <= sender_at(seen, i)->noted_at;
	for (size_t i = 0; i < SEEN_SENDERS_MAX; i++)
		if (sender_at(seen, i)->noted_at != 0)
			sender_at(seen, i)->noted_at = numbers[i];
	seen->notes = SEEN_SENDERS_MAX;
}

static struct seen_hands *
hands_of(const struct seen *seen)
{
	return &seen->file->map->front.hands;
}

/* The place of the process before us, if it left nothing there, or that of the oldest one. */
static void
take_hand(struct seen *seen)
{
	struct seen_hands *hands = hands_of(seen);

	for (size_t i = 0; i < SEEN_HANDS; i++)
		seen->unsure[i] = hands->id[i];
	seen->hand = hands->newest % SEEN_HANDS;
	if (seen->unsure[seen->hand] != SEEN_EMPTY)
		seen->hand = (seen->hand + 1) % SEEN_HANDS;
	hands->newest = seen->hand;
}

struct seen *
seen_open(const char *dir, int *rc, char *error, size_t size)
{
	struct seen *seen = xalloc(sizeof(*seen));

	seen->file = xalloc(sizeof(*seen->file));
	*rc = seen_file_open(seen->file, dir, error, size);
	if (*rc != 0) {
		free(seen->file);
		free(seen);
		return NULL;
	}
	seen->names = xalloc(sizeof(*seen->names));
	seen->names->by_sender = map_new();
	seen->newest = NO_SLOT;
	renumber(seen);
	take_hand(seen);
	return seen;
}

void
seen_close(struct seen *seen)
{
	if (seen == NULL)
		return;
	seen_file_close(seen->file);
	free(seen->file);
	for (size_t i = 0; i < SEEN_SENDERS_MAX; i++)
		free(seen->names->by_slot[i]);
	for (size_t i = 0; i < STRANGERS_MAX; i++)
		free(seen->names->strangers[i]);
	map_free(seen->names->by_sender);
	free(seen->names);
	free(seen);
}

bool
seen_has(const struct seen *seen, const char *sender, const char *id)
{
	const struct known *known = known_find(seen, sender);
	struct memo *memo;

	if (known->slot == NO_SLOT)
		return false;
	memo = look_at(seen, known, id);
	memo->absent = !seen_table_has(sender_at(seen, known->slot), tables_at(seen, known->slot),
				       memo->digest);
	return !memo->absent;
}

bool
seen_knows(const struct seen *seen, const char *sender)
{
	return known_find(seen, sender)->slot != NO_SLOT;
}

void
seen_note(struct seen *seen, const char *sender, const char *id)
{
	struct known *known = known_find(seen, sender);
	struct seen_sender *entry;
	struct seen_tables *tables;
	struct memo *memo;

	if (known->slot == NO_SLOT)
		take_slot(seen, known);
	entry = sender_at(seen, known->slot);
	tables = tables_at(seen, known->slot);
	memo = look_at(seen, known, id);
	if (memo->absent || !seen_table_has_newly(entry, tables, memo->digest))
		seen_table_add(entry, tables, memo->digest);
	memo->absent = false;
	stamp(seen, known->slot);
}

void
seen_begin(struct seen *seen, const char *sender, const char *id)
{
	atomic_store_explicit(&hands_of(seen)->id[seen->hand],
			      look_at(seen, known_find(seen, sender), id)->digest,
			      memory_order_seq_cst);
}

void
seen_end(struct seen *seen)
{
	atomic_store_explicit(&hands_of(seen)->id[seen->hand], SEEN_EMPTY, memory_order_release);
}

bool
seen_is_unsure(const struct seen *seen, const char *sender, const char *id)
{
	uint64_t digest = look_at(seen, known_find(seen, sender), id)->digest;

	for (size_t i = 0; i < SEEN_HANDS; i++)
		if (seen->unsure[i] == digest)
			return true;
	return false;
}

void
seen_forget(struct seen *seen, const char *sender, const char *id)
{
	const struct known *known = known_find(seen, sender);

	if (known->slot == NO_SLOT)
		return;
	seen_table_remove(sender_at(seen, known->slot), tables_at(seen, known->slot),
			  look_at(seen, known, id)->digest);
}
