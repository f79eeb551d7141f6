/* SPDX-License-Identifier: ISC */
/* pins_table.c: the records in memory, in the order of the puts, with an index by address and JID.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/jid.h>

#include "base/alloc.h"
#include "base/map.h"
#include "trust/pins_impl.h"

/* Who has an address, or a bare JID. */
struct holders {
	struct record **at;
	size_t count, room;
};

struct table {
	struct record **at;
	size_t count, room;
	unsigned long long serial;
	struct map *by_key;  /* hexadecimal: record */
	struct map *by_text; /* LAN address or bare JID: holders */
};

struct table *
table_new(void)
{
	struct table *table = xalloc(sizeof(*table));

	table->by_key = map_new();
	table->by_text = map_new();
	return table;
}

static void
record_free(struct record *record)
{
	pin_free(record->pin);
	free(record->line);
	free(record);
}

static void
holders_free(struct holders *holders)
{
	free(holders->at);
	free(holders);
}

void
table_free(struct table *table)
{
	if (table == NULL)
		return;
	for (size_t i = 0; i < map_count(table->by_text); i++)
		holders_free(map_at(table->by_text, i, NULL));
	for (size_t i = 0; i < table->count; i++)
		record_free(table->at[i]);
	map_free(table->by_text);
	map_free(table->by_key);
	free(table->at);
	free(table);
}

static void
append(struct record ***at, size_t *count, size_t *room, struct record *record)
{
	if (*count == *room) {
		*room = *room > 0 ? 2 * *room : 4;
		*at = xrealloc(*at, *room * sizeof(**at));
	}
	(*at)[(*count)++] = record;
}

static void
take_out(struct record **at, size_t *count, const struct record *record)
{
	size_t i = 0;

	while (i < *count && at[i] != record)
		i++;
	if (i == *count)
		return;
	*count -= 1;
	memmove(at + i, at + i + 1, (*count - i) * sizeof(at[0]));
}

typedef void index_fn(struct table *table, const char *text, struct record *record);

static void
index_add(struct table *table, const char *text, struct record *record)
{
	struct holders *holders = map_get(table->by_text, text);

	if (holders == NULL) {
		holders = xalloc(sizeof(*holders));
		map_set(table->by_text, text, holders);
	}
	append(&holders->at, &holders->count, &holders->room, record);
}

static void
index_drop(struct table *table, const char *text, struct record *record)
{
	struct holders *holders = map_get(table->by_text, text);

	if (holders == NULL)
		return;
	take_out(holders->at, &holders->count, record);
	if (holders->count == 0) {
		map_del(table->by_text, text);
		holders_free(holders);
	}
}

/* Length of the bare part of a canonical address. */
static size_t
bare_length(const char *jid)
{
	return strcspn(jid, "/");
}

static bool
is_same_bare(const char *a, const char *b)
{
	size_t length = bare_length(a);

	return bare_length(b) == length && memcmp(a, b, length) == 0;
}

/* Once for each bare JID. */
static void
index_jid(struct table *table, struct record *record, size_t i, index_fn *fn)
{
	const struct pin *pin = record->pin;
	char *bare;

	for (size_t k = 0; k < i; k++)
		if (is_same_bare(pin->jids[k], pin->jids[i]))
			return;
	bare = xstrndup(pin->jids[i], bare_length(pin->jids[i]));
	fn(table, bare, record);
	free(bare);
}

static void
index_each(struct table *table, struct record *record, index_fn *fn)
{
	const struct pin *pin = record->pin;

	for (size_t i = 0; i < pin->address_count; i++)
		fn(table, pin->addresses[i], record);
	for (size_t i = 0; i < pin->jid_count; i++)
		index_jid(table, record, i, fn);
}

size_t
table_count(const struct table *table)
{
	return table->count;
}

struct record *
table_at(const struct table *table, size_t i)
{
	return i < table->count ? table->at[i] : NULL;
}

struct record *
table_find(const struct table *table, const struct ear_key *key)
{
	char text[EAR_KEY_SIZE];

	ear_key_format(key, text);
	return map_get(table->by_key, text);
}

/* How long ago it had that address: 0 is now. */
static size_t
address_age(const struct pin *pin, const char *address)
{
	size_t i = 0;

	while (i < pin->address_count && strcmp(pin->addresses[i], address) != 0)
		i++;
	return i < pin->address_count ? i : PIN_ADDRESSES_MAX;
}

struct record *
table_at_address(const struct table *table, const char *address)
{
	struct holders *holders = map_get(table->by_text, address);
	size_t best = PIN_ADDRESSES_MAX;
	struct record *found = NULL;

	for (size_t i = 0; holders != NULL && i < holders->count; i++) {
		struct record *record = holders->at[i];
		size_t age = address_age(record->pin, address);

		if (age < best ||
		    (found != NULL && age == best && record->serial > found->serial)) {
			found = record;
			best = age;
		}
	}
	return found;
}

static bool
fits(const struct pin *pin, const char *jid)
{
	if (jid[bare_length(jid)] == '/')
		return pin_has_jid(pin, jid);
	for (size_t i = 0; i < pin->jid_count; i++)
		if (is_same_bare(pin->jids[i], jid))
			return true;
	return false;
}

size_t
table_of(const struct table *table, const char *jid, const struct pin **out, size_t max)
{
	char *bare = xstrndup(jid, bare_length(jid));
	struct holders *holders = map_get(table->by_text, bare);
	size_t n = 0;

	for (size_t i = holders != NULL ? holders->count : 0; i > 0 && n < max; i--)
		if (fits(holders->at[i - 1]->pin, jid))
			out[n++] = holders->at[i - 1]->pin;
	free(bare);
	return n;
}

void
table_remove(struct table *table, struct record *record)
{
	char text[EAR_KEY_SIZE];

	ear_key_format(&record->pin->key, text);
	map_del(table->by_key, text);
	index_each(table, record, index_drop);
	take_out(table->at, &table->count, record);
	record_free(record);
}

struct record *
table_put(struct table *table, struct pin *pin, char *line)
{
	struct record *record = xalloc(sizeof(*record)), *old = table_find(table, &pin->key);
	char text[EAR_KEY_SIZE];

	record->pin = pin;
	record->line = line;
	record->serial = ++table->serial;
	if (old != NULL) {
		record->filed = old->filed;
		record->urgent = old->urgent;
		table_remove(table, old);
	}
	ear_key_format(&pin->key, text);
	map_set(table->by_key, text, record);
	append(&table->at, &table->count, &table->room, record);
	index_each(table, record, index_add);
	return record;
}

void
table_number(struct table *table, const struct table *old)
{
	for (size_t i = 0; i < table->count; i++)
		table->at[i]->serial += old->serial;
	table->serial += old->serial;
}

static bool
is_published(const struct pin *pin)
{
	return pin->voucher == EAR_BY_SERVER && !pin->trusted;
}

static const char *
domain_of(const struct pin *pin, char *out, size_t size)
{
	const char *jid = pin->jid_count > 0 ? pin->jids[0] : "";
	const char *at = strchr(jid, '@');

	copy_text(out, size, at != NULL ? at + 1 : jid);
	out[strcspn(out, "/")] = '\0';
	return out;
}

/* The longest unseen one of the domain that has most: whoever has a server of his own displaces
 * himself. A revoked one would be forgotten to be revoked: only when there is nothing else. */
static struct record *
published_victim(const struct table *table)
{
	struct map *counts = map_new();
	struct record *victim = NULL;
	char domain[EAR_JID_SIZE];
	uintptr_t count, most = 0;

	for (size_t i = 0; i < table->count; i++) {
		const struct pin *pin = table->at[i]->pin;

		if (!is_published(pin) || pin->revoked)
			continue;
		domain_of(pin, domain, sizeof(domain));
		count = (uintptr_t)map_get(counts, domain) + 1;
		map_set(counts, domain, (void *)count);
		most = count > most ? count : most;
	}
	for (size_t i = 0; i < table->count && victim == NULL; i++) {
		struct record *record = table->at[i];

		if (is_published(record->pin) &&
		    (most == 0 || (!record->pin->revoked &&
				   (uintptr_t)map_get(counts, domain_of(record->pin, domain,
									sizeof(domain))) == most)))
			victim = record;
	}
	map_free(counts);
	return victim;
}

struct record *
table_victim(const struct table *table, const struct pin *pin)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct pin *old = table->at[i]->pin;

		if (old->voucher == EAR_BY_NOBODY && !old->trusted && !old->revoked)
			return table->at[i];
	}
	return pin->voucher == EAR_BY_NOBODY && !pin->trusted ? NULL : published_victim(table);
}
