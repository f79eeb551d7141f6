/* SPDX-License-Identifier: ISC */
/*
 * seen_table.c: digests in two generations of hash tables, of which the full one replaces the older
 * one.
 *
 * A generation is a small table, a page, and a large one for what comes after: a sender of few ids
 * costs one page of memory and not sixteen. What makes an id known is one store; everything that
 * follows it only keeps count, so that a process may be killed between any two.
 */
#include <string.h>

#include "store/seen_table.h"

#define SMALL_LINES ((uint32_t)64)
#define SMALL_IDS   (SMALL_LINES * SEEN_LINE / 2)

struct table {
	uint64_t (*lines)[SEEN_LINE];
	uint32_t count; /* of lines */
};

/* The table that takes the next one of so many ids. */
static unsigned
part_of(uint32_t count)
{
	return count < SMALL_IDS ? 0 : 1;
}

static struct table
table_at(struct seen_tables *tables, unsigned generation, unsigned part)
{
	uint64_t(*lines)[SEEN_LINE] = tables->lines[generation];

	return part == 0 ? (struct table){ lines, SMALL_LINES }
			 : (struct table){ lines + SMALL_LINES, SEEN_LINES - SMALL_LINES };
}

static uint32_t
line_of(const struct table *table, uint64_t digest)
{
	return (uint32_t)((digest >> 32) * table->count >> 32);
}

_Static_assert(SEEN_LINE == 8, "line_has looks at so many");

/* Without a branch for each place: where a digest lies cannot be foretold. */
static bool
line_has(const uint64_t *line, uint64_t digest)
{
	return (line[0] == digest) | (line[1] == digest) | (line[2] == digest) |
	       (line[3] == digest) | (line[4] == digest) | (line[5] == digest) |
	       (line[6] == digest) | (line[7] == digest);
}

static uint64_t *
line_find(uint64_t *line, uint64_t what)
{
	for (unsigned i = 0; i < SEEN_LINE; i++)
		if (line[i] == what)
			return &line[i];
	return NULL;
}

/* A line is filled from its start: one that is full is gone on with in the next one. */
static bool
line_is_full(const uint64_t *line)
{
	return line[SEEN_LINE - 1] != SEEN_EMPTY;
}

/* The line that has the digest, or NULL. */
static uint64_t *
table_find(const struct table *table, uint64_t digest)
{
	uint32_t at = line_of(table, digest);

	for (uint32_t i = 0; i < table->count; i++) {
		uint64_t *line = table->lines[at];

		if (line_has(line, digest))
			return line;
		if (!line_is_full(line))
			break;
		at = at + 1 < table->count ? at + 1 : 0;
	}
	return NULL;
}

/* A place for it. NULL: it is full, which only somebody else's hand can make it. */
static uint64_t *
table_room(const struct table *table, uint64_t digest)
{
	uint32_t at = line_of(table, digest);
	uint64_t *room = NULL;

	for (uint32_t i = 0; i < table->count && room == NULL; i++) {
		room = line_find(table->lines[at], SEEN_GONE);
		if (room == NULL)
			room = line_find(table->lines[at], SEEN_EMPTY);
		at = at + 1 < table->count ? at + 1 : 0;
	}
	return room;
}

static uint64_t *
generation_find(const struct seen_sender *sender, struct seen_tables *tables, unsigned generation,
		uint64_t digest)
{
	unsigned part = part_of(sender->count[generation]) + 1;
	uint64_t *line = NULL;

	/* From the end: what comes twice comes soon. */
	while (part-- > 0 && line == NULL) {
		struct table table = table_at(tables, generation, part);

		line = table_find(&table, digest);
	}
	return line;
}

/* One store: the id is known, or it is not. Whatever comes before it is done before. */
static void
place_set(uint64_t *place, uint64_t digest)
{
	atomic_signal_fence(memory_order_seq_cst);
	*(volatile uint64_t *)place = digest;
	atomic_signal_fence(memory_order_seq_cst);
}

static void
count_set(struct seen_sender *sender, unsigned generation, uint32_t count)
{
	atomic_store_explicit(&sender->count[generation], count, memory_order_release);
}

static void
generation_clear(struct seen_sender *sender, struct seen_tables *tables, unsigned generation)
{
	if (sender->count[generation] == 0)
		return; /* not even to look: it may have no page of memory yet */
	for (unsigned part = 0; part <= part_of(sender->count[generation]); part++) {
		struct table table = table_at(tables, generation, part);

		memset(table.lines, 0, table.count * sizeof(table.lines[0]));
	}
	count_set(sender, generation, 0);
}

static unsigned
current_of(const struct seen_sender *sender)
{
	return sender->current & 1;
}

/* The generation that takes another id. */
static unsigned
current_with_room(struct seen_sender *sender, struct seen_tables *tables)
{
	unsigned current = current_of(sender);

	if (sender->count[current] < SEEN_IDS)
		return current;
	generation_clear(sender, tables, !current);
	atomic_store_explicit(&sender->current, !current, memory_order_release);
	return !current;
}

bool
seen_table_has_newly(const struct seen_sender *sender, struct seen_tables *tables, uint64_t digest)
{
	return generation_find(sender, tables, current_of(sender), digest) != NULL;
}

bool
seen_table_has(const struct seen_sender *sender, struct seen_tables *tables, uint64_t digest)
{
	unsigned current = current_of(sender);

	return generation_find(sender, tables, current, digest) != NULL ||
	       (sender->count[!current] > 0 &&
		generation_find(sender, tables, !current, digest) != NULL);
}

void
seen_table_add(struct seen_sender *sender, struct seen_tables *tables, uint64_t digest)
{
	unsigned current;
	struct table table;
	uint64_t *room;
	uint32_t count;

	do {
		current = current_with_room(sender, tables);
		count = sender->count[current];
		table = table_at(tables, current, part_of(count));
		room = table_room(&table, digest);
		if (room == NULL)
			count_set(sender, current, part_of(count) == 0 ? SMALL_IDS : SEEN_IDS);
	} while (room == NULL);
	place_set(room, digest);
	count_set(sender, current, count + 1);
}

void
seen_table_remove(struct seen_sender *sender, struct seen_tables *tables, uint64_t digest)
{
	unsigned current = current_of(sender);

	for (unsigned i = 0; i < 2; i++) {
		uint64_t *line = i == current || sender->count[i] > 0
					 ? generation_find(sender, tables, i, digest)
					 : NULL;

		if (line != NULL)
			place_set(line_find(line, digest), SEEN_GONE);
	}
}

void
seen_table_clear(struct seen_sender *sender, struct seen_tables *tables)
{
	generation_clear(sender, tables, 0);
	generation_clear(sender, tables, 1);
	sender->current = 0;
}
