/* SPDX-License-Identifier: ISC */
/* map.h: a hash table from text to pointer; keyed with a per-process secret so that peers cannot
 * make it slow. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stddef.h>

struct map;

struct map *map_new(void);

/* Frees the table; the values are the caller's. */
void map_free(struct map *map);

void *map_get(const struct map *map, const char *key);

/* Sets key (copied) to value, which is not NULL. Returns the value that was there, or NULL. */
void *map_set(struct map *map, const char *key, void *value);

/* Removes the key. Returns the value that was there, or NULL. */
void *map_del(struct map *map, const char *key);

size_t map_count(const struct map *map);

/*
 * The i-th entry of the table as it stands, 0 <= i < map_count(): value, and its key through
 * *key when not NULL. Any map_set or map_del may change the order; map_del of entry i only moves
 * the last entry into its place, so walking downwards while deleting is safe.
 */
void *map_at(const struct map *map, size_t i, const char **key);

#endif
