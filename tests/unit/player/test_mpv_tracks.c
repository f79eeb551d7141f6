/* SPDX-License-Identifier: ISC */
/* test_mpv_tracks.c: mpv's tracks by our numbers. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "player/mpv_view.h"

static struct mpv_tracks audio, subtitle;

static int
read_tracks(const char *json)
{
	json_t *list = json_loads(json, JSON_DECODE_ANY, NULL);
	int error;

	assert_non_null(list);
	error = mpv_tracks_read(&audio, &subtitle, list);
	json_decref(list);
	return error;
}

/* Ids have gaps where a track was removed. */
static void
test_numbers(void **state)
{
	assert_int_equal(
		read_tracks("[{\"type\":\"video\",\"id\":1,\"selected\":true},"
			    "{\"type\":\"audio\",\"id\":1},"
			    "{\"type\":\"audio\",\"id\":3,\"selected\":true},"
			    "{\"type\":\"sub\",\"id\":5,\"selected\":true,\"main-selection\":1},"
			    "{\"type\":\"sub\",\"id\":7,\"selected\":true,\"main-selection\":0}]"),
		0);
	assert_int_equal(audio.count, 2);
	assert_int_equal(audio.selected, 2);
	assert_int_equal(audio.ids[1], 3);
	assert_int_equal(subtitle.count, 2);
	assert_int_equal(subtitle.selected, 2); /* the other one is beside it */
	assert_int_equal(read_tracks("[]"), 0);
	assert_int_equal(audio.count + audio.selected + subtitle.count + subtitle.selected, 0);
}

static void
test_nonsense(void **state)
{
	assert_int_equal(read_tracks("{}"), -EPROTO);
	assert_int_equal(read_tracks("null"), -EPROTO);
	assert_int_equal(read_tracks("\"audio\""), -EPROTO);
	assert_int_equal(read_tracks("[1,null,[],{},{\"type\":1},{\"type\":\"audio\"},"
				     "{\"type\":\"audio\",\"id\":0},{\"type\":\"audio\",\"id\":-1},"
				     "{\"type\":\"audio\",\"id\":4294967297},"
				     "{\"type\":\"audio\",\"id\":\"1\"}]"),
			 0);
	assert_int_equal(audio.count, 0);
}

static void
test_many(void **state)
{
	json_t *list = json_array();

	for (int i = 1; i <= 10000; i++)
		json_array_append_new(list, json_pack("{s:s,s:i,s:b}", "type", "audio", "id", i,
						      "selected", i == 10000));
	assert_int_equal(mpv_tracks_read(&audio, &subtitle, list), 0);
	json_decref(list);
	assert_int_equal(audio.count, MPV_TRACKS_MAX);
	assert_int_equal(audio.selected, 0);
	assert_int_equal(audio.ids[MPV_TRACKS_MAX - 1], MPV_TRACKS_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
