/* SPDX-License-Identifier: ISC */
/* test_map.c: the hash table against a plain array, through growth and deletion. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"

#define KEYS 500

static int values[KEYS];

static const char *
key_of(int i, char *room, size_t size)
{
	snprintf(room, size, "key-%d@example.org", i);
	return room;
}

static void
test_set_and_get(void **state)
{
	struct map *map = map_new();
	int a, b;

	assert_null(map_get(map, "x"));
	assert_null(map_set(map, "x", &a));
	assert_ptr_equal(map_get(map, "x"), &a);
	assert_ptr_equal(map_set(map, "x", &b), &a);
	assert_ptr_equal(map_get(map, "x"), &b);
	assert_int_equal(map_count(map), 1);
	assert_null(map_get(map, ""));
	assert_null(map_set(map, "", &a));
	assert_ptr_equal(map_del(map, ""), &a);
	assert_null(map_del(map, ""));
	assert_ptr_equal(map_del(map, "x"), &b);
	assert_int_equal(map_count(map), 0);
	map_free(map);
	map_free(NULL);
}

/* Keys of every length that differ in one byte, wherever it is. */
static void
test_every_byte_counts(void **state)
{
	struct map *map = map_new();
	char key[64] = "", other[64];

	for (size_t length = 1; length < 40; length++) {
		key[length - 1] = 'a';
		assert_null(map_set(map, key, map));
		for (size_t i = 0; i < length; i++) {
			memcpy(other, key, sizeof(other));
			other[i] = 'b';
			assert_null(map_get(map, other));
			assert_null(map_set(map, other, key));
			assert_ptr_equal(map_get(map, key), map);
			assert_ptr_equal(map_del(map, other), key);
		}
	}
	assert_int_equal(map_count(map), 39);
	map_free(map);
}

static void
must_hold(const struct map *map, const int *held)
{
	char room[64];
	size_t count = 0;

	for (int i = 0; i < KEYS; i++) {
		void *value = map_get(map, key_of(i, room, sizeof(room)));

		assert_ptr_equal(value, held[i] ? &values[i] : NULL);
		count += held[i] ? 1 : 0;
	}
	assert_int_equal(map_count(map), count);
}

/* Every key comes and goes many times, in an order that has nothing to do with the table's. */
static void
test_against_array(void **state)
{
	struct map *map = map_new();
	int held[KEYS] = { 0 };
	unsigned random = 1;
	char room[64];

	for (int round = 0; round < 20 * KEYS; round++) {
		int i;

		random = random * 1103515245 + 12345;
		i = (int)(random >> 16) % KEYS;
		key_of(i, room, sizeof(room));
		if (held[i])
			assert_ptr_equal(map_del(map, room), &values[i]);
		else
			assert_null(map_set(map, room, &values[i]));
		held[i] = !held[i];
		if (round % KEYS == 0)
			must_hold(map, held);
	}
	must_hold(map, held);
	map_free(map);
}

static void
test_walk_down_deleting(void **state)
{
	struct map *map = map_new();
	int held[KEYS], seen[KEYS] = { 0 };
	char room[64];

	for (int i = 0; i < KEYS; i++) {
		map_set(map, key_of(i, room, sizeof(room)), &values[i]);
		held[i] = i % 3 != 0;
	}
	for (size_t i = map_count(map); i-- > 0;) {
		const char *key;
		int which = (int)((int *)map_at(map, i, &key) - values);

		seen[which]++;
		assert_string_equal(key, key_of(which, room, sizeof(room)));
		if (which % 3 == 0)
			assert_ptr_equal(map_del(map, key), &values[which]);
	}
	for (int i = 0; i < KEYS; i++)
		assert_int_equal(seen[i], 1);
	must_hold(map, held);
	map_free(map);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set_and_get),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_against_array),
		cmocka_unit_test(test_walk_down_deleting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
