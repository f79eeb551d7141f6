/* SPDX-License-Identifier: ISC */
/*
 * map.c: open hashing over a dense array of entries. A key is hashed eight bytes at a time, each
 * folded into the next by a multiplication of 64 by 64 bits, under two random secrets.
 */
#include <openssl/rand.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "base/map.h"

struct entry {
	char *key;
	void *value;
	uint64_t hash;
	size_t next; /* index + 1 of the next entry in the same bucket, 0 ends */
};

struct map {
	struct entry *entries;
	size_t *buckets; /* index + 1 of the first entry; as many as there is room for entries, a
			    power of two */
	size_t count, room;
	uint64_t secrets[2];
};

/* Both halves of the product; not every machine has a type for the whole. */
static uint64_t
fold(uint64_t a, uint64_t b)
{
	uint64_t a_low = (uint32_t)a, a_high = a >> 32, b_low = (uint32_t)b, b_high = b >> 32;
	uint64_t left = a_high * b_low + (a_low * b_low >> 32);
	uint64_t right = a_low * b_high + (uint32_t)left;

	return a * b ^ (a_high * b_high + (left >> 32) + (right >> 32));
}

static uint64_t
word_at(const char *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

/* The last word of a short key: its bytes one by one. */
static uint64_t
short_word(const char *key, size_t length)
{
	uint64_t word = 0;

	for (size_t i = 0; i < length; i++)
		word = word << 8 | (unsigned char)key[i];
	return word;
}

static uint64_t
hash_of(const struct map *map, const char *key)
{
	size_t length = strlen(key);
	uint64_t hash = map->secrets[0] ^ length, last;

	for (size_t i = 0; i + 8 < length; i += 8)
		hash = fold(hash ^ word_at(key + i), map->secrets[1]);
	/* The last eight, some of which may have been there already. */
	last = length < 8 ? short_word(key, length) : word_at(key + length - 8);
	return fold(hash ^ last, map->secrets[1]);
}

/* The place that holds index + 1 of the key's entry, or the 0 at the end of its chain. */
static size_t *
place_of(const struct map *map, const char *key, uint64_t hash)
{
	size_t *place = &map->buckets[hash & (map->room - 1)];

	while (*place != 0) {
		struct entry *entry = &map->entries[*place - 1];

		if (entry->hash == hash && strcmp(entry->key, key) == 0)
			break;
		place = &entry->next;
	}
	return place;
}

static void
map_grow(struct map *map)
{
	map->room = map->room == 0 ? 16 : map->room * 2;
	map->entries = xrealloc(map->entries, map->room * sizeof(map->entries[0]));
	free(map->buckets);
	map->buckets = xalloc(map->room * sizeof(map->buckets[0]));
	for (size_t i = 0; i < map->count; i++) {
		size_t *bucket = &map->buckets[map->entries[i].hash & (map->room - 1)];

		map->entries[i].next = *bucket;
		*bucket = i + 1;
	}
}

struct map *
map_new(void)
{
	struct map *map = xalloc(sizeof(*map));

	if (RAND_bytes((unsigned char *)map->secrets, sizeof(map->secrets)) != 1) {
		ear_error("no randomness from OpenSSL");
		abort();
	}
	map->secrets[1] |= 1;
	map_grow(map);
	return map;
}

void
map_free(struct map *map)
{
	if (map == NULL)
		return;
	for (size_t i = 0; i < map->count; i++)
		free(map->entries[i].key);
	free(map->entries);
	free(map->buckets);
	free(map);
}

void *
map_get(const struct map *map, const char *key)
{
	size_t at = map->count == 0 ? 0 : *place_of(map, key, hash_of(map, key));

	return at == 0 ? NULL : map->entries[at - 1].value;
}

void *
map_set(struct map *map, const char *key, void *value)
{
	uint64_t hash = hash_of(map, key);
	size_t at = *place_of(map, key, hash);

	if (at != 0) {
		void *old = map->entries[at - 1].value;

		map->entries[at - 1].value = value;
		return old;
	}
	if (map->count == map->room)
		map_grow(map);
	map->entries[map->count] =
		(struct entry){ .key = xstrdup(key), .value = value, .hash = hash };
	*place_of(map, key, hash) = ++map->count;
	return NULL;
}

void *
map_del(struct map *map, const char *key)
{
	size_t *place = place_of(map, key, hash_of(map, key));
	size_t at = *place, last = map->count;
	void *value;

	if (at == 0)
		return NULL;
	value = map->entries[at - 1].value;
	*place = map->entries[at - 1].next;
	free(map->entries[at - 1].key);
	if (at != last) {
		/* The last entry moves into the gap, and whoever points at it follows. */
		struct entry *moved = &map->entries[last - 1];

		*place_of(map, moved->key, moved->hash) = at;
		map->entries[at - 1] = *moved;
	}
	map->count--;
	return value;
}

size_t
map_count(const struct map *map)
{
	return map->count;
}

void *
map_at(const struct map *map, size_t i, const char **key)
{
	if (key != NULL)
		*key = map->entries[i].key;
	return map->entries[i].value;
}
