/* SPDX-License-Identifier: ISC */
/* test_player_view.c: what is read of a <state/> that somebody else has written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "player_view.h"

static xmpp_ctx_t *ctx;

static int
read_view(struct player_view *view, const char *attributes)
{
	char text[4096];
	xmpp_stanza_t *state;
	int rc;

	snprintf(text, sizeof(text), "<state xmlns='" EAR_NS_BUTTONS "' %s/>", attributes);
	state = xmpp_stanza_new_from_string(ctx, text);
	assert_non_null(state);
	rc = player_view_read(view, state);
	xmpp_stanza_release(state);
	return rc;
}

static void
says(const struct player_view *view, const char *want)
{
	char *text = player_view_text(view);

	assert_string_equal(text, want);
	free(text);
}

static void
test_everything(void **state)
{
	struct player_view view;

	assert_int_equal(
		read_view(
			&view,
			"player='mpv' name='mpv media player' playback='paused' title='Some Song' "
			"artist='Somebody' album='Something' position='12.345' duration='634.571' "
			"volume='70' muted='true' seekable='true' rate='1.5' shuffle='true' "
			"repeat='all' audio='1' audios='2' subtitle='0' subtitles='3' "
			"can='play pause  seek teleport key'"),
		0);
	assert_true(view.is_player && view.has_can && view.state.seekable);
	assert_int_equal(view.state.position_us, 12345000);
	assert_int_equal(view.state.rate, 1500);
	assert_int_equal(view.state.can,
			 1u << EAR_PLAY | 1u << EAR_PAUSE | 1u << EAR_SEEK | 1u << EAR_KEY);
	says(&view, "paused  0:12 / 10:34  volume 70 %  muted  rate 1.5  shuffle  repeat all  "
		    "audio 1 of 2  subtitle off  Some Song, by Somebody  (Something)");
}

static void
test_nothing_is_known(void **state)
{
	struct player_view view;
	json_t *object = json_object();

	assert_int_equal(read_view(&view, "playback='stopped'"), 0);
	assert_false(view.has_can);
	assert_int_equal(view.state.rate, 1000);
	assert_int_equal(view.state.shuffle, -1);
	assert_int_equal(view.state.repeat, -1);
	says(&view, "stopped  - / -");
	assert_int_equal(read_view(&view, "player='none'"), 0);
	says(&view, "no player");
	player_view_json(&view, object);
	assert_true(json_is_null(json_object_get(object, "volume")));
	assert_true(json_is_null(json_object_get(object, "playback")));
	assert_int_equal(json_array_size(json_object_get(object, "can")), 0);
	assert_int_equal(json_object_size(object), 19);
	json_decref(object);
}

static void
test_nonsense(void **state)
{
	static const char *const numbers[] = { "-1", "1e99", "nan", "inf", "12x", "", " ", "0x" };
	struct player_view view;
	char text[256];

	assert_int_equal(read_view(&view, ""), -EPROTO);
	assert_int_equal(read_view(&view, "player='mpv'"), -EPROTO);
	assert_int_equal(read_view(&view, "player='mpv' playback='dancing'"), -EPROTO);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		const char *n = numbers[i];

		snprintf(text, sizeof(text),
			 "playback='playing' position='%s' duration='%s' volume='%s' rate='%s' "
			 "audio='%s' audios='%s' repeat='%s'",
			 n, n, n, n, n, n, n);
		assert_int_equal(read_view(&view, text), 0);
		says(&view, "playing  - / -");
		assert_int_equal(view.state.rate, 1000);
	}
}

/* A title that ends in the middle of a character where it is cut, and one that moves the cursor. */
static void
test_text(void **state)
{
	struct player_view view;
	char text[2048] = "playback='playing' title='x";
	size_t length = strlen(text);

	for (int i = 0; i < 400; i++) {
		memcpy(text + length, "\u00e4", 2);
		length += 2;
	}
	memcpy(text + length, "'", 2);
	assert_int_equal(read_view(&view, text), 0);
	assert_int_equal(strlen(view.state.title), EAR_TITLE_MAX - 1);
	assert_int_equal((unsigned char)view.state.title[EAR_TITLE_MAX - 2], 0xa4);
	assert_int_equal(read_view(&view, "playback='playing' title='a&#x9b;31m\u202eb'"), 0);
	says(&view, "playing  - / -  a\\u{9b}31m\\u{202e}b");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_nothing_is_known),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_text),
	};
	int rc;

	xmpp_initialize();
	ctx = xmpp_ctx_new(NULL, NULL);
	rc = cmocka_run_group_tests(tests, NULL, NULL);
	xmpp_ctx_free(ctx);
	xmpp_shutdown();
	return rc;
}
