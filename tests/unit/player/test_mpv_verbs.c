/* SPDX-License-Identifier: ISC */
/* test_mpv_verbs.c: rate, order, URLs, tracks and keys on a real mpv, and that each change of them
 * is told, whoever makes it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "player/mpv_view.h"
#include "player/ops.h"
#include "player_rig.h"

static struct rig rig;
static char one[128], two[128], three[128], clip[128];

static int
setup(void **state)
{
	rig_init(&rig);
	rig_wav(&rig, "one.wav", one, sizeof(one));
	rig_wav(&rig, "two.wav", two, sizeof(two));
	rig_wav(&rig, "three.wav", three, sizeof(three));
	return 0;
}

static int
teardown(void **state)
{
	rig_release(&rig);
	return 0;
}

static void
start(bool watched)
{
	rig_mpv_start(&rig, "yes", (const char *[]){ one, two, three, NULL });
	rig_open(&rig, watched);
	assert_int_equal(rig_look(&rig), 0);
}

static void
start_clip(void)
{
	rig_clip(&rig, "clip.mkv", clip, sizeof(clip));
	rig_mpv_start(&rig, "yes", (const char *[]){ clip, NULL });
	rig_open(&rig, true);
	assert_int_equal(rig_look(&rig), 0);
}

static bool
can(enum ear_button button)
{
	return (rig.state.can & 1u << button) != 0;
}

static int
press_url(enum ear_button button, const char *path)
{
	char url[256];
	struct ear_press press = { .button = button, .text = url };

	snprintf(url, sizeof(url), "file://%s", path);
	return rig_press_this(&rig, &press);
}

static void
test_rate(void **state)
{
	start(false);
	assert_int_equal(rig.state.rate, 1000);
	assert_int_equal(rig_press_value(&rig, EAR_RATE, false, 1500), 0);
	assert_int_equal(rig.state.rate, 1500);
	assert_int_equal(rig_press_value(&rig, EAR_RATE, true, -1000), 0);
	assert_int_equal(rig.state.rate, 500);
	assert_int_equal(rig_press_value(&rig, EAR_RATE, false, 50), -ERANGE);
	assert_int_equal(rig_look(&rig), 0);
	assert_int_equal(rig.state.rate, 500);
}

static void
test_repeat(void **state)
{
	start(false);
	assert_int_equal(rig.state.repeat, EAR_REPEAT_OFF);
	assert_false(can(EAR_PREVIOUS));
	assert_int_equal(rig_press(&rig, EAR_REPEAT), 0);
	assert_int_equal(rig.state.repeat, EAR_REPEAT_ALL);
	assert_true(can(EAR_PREVIOUS));
	assert_int_equal(rig_press(&rig, EAR_PREVIOUS), 0);
	assert_string_equal(rig.state.title, "three.wav");
	assert_int_equal(rig_press(&rig, EAR_NEXT), 0);
	assert_string_equal(rig.state.title, "one.wav");
	assert_int_equal(rig_press(&rig, EAR_REPEAT), 0);
	assert_int_equal(rig.state.repeat, EAR_REPEAT_ONE);
	assert_int_equal(rig_press(&rig, EAR_REPEAT), 0);
	assert_int_equal(rig.state.repeat, EAR_REPEAT_OFF);
	assert_int_equal(rig_press_value(&rig, EAR_REPEAT, false, EAR_REPEAT_ONE), 0);
	assert_int_equal(rig.state.repeat, EAR_REPEAT_ONE);
}

static void
test_shuffle(void **state)
{
	start(false);
	assert_int_equal(rig.state.shuffle, 0);
	assert_int_equal(rig_press(&rig, EAR_SHUFFLE), 0);
	assert_int_equal(rig.state.shuffle, 1);
	assert_int_equal(rig_press_value(&rig, EAR_SHUFFLE, false, 1), 0);
	assert_int_equal(rig.state.shuffle, 1);
	assert_string_equal(rig.state.title, "one.wav"); /* what plays goes on */
	assert_int_equal(rig_press_value(&rig, EAR_SHUFFLE, false, 0), 0);
	assert_int_equal(rig.state.shuffle, 0);
	assert_int_equal(rig_press(&rig, EAR_NEXT), 0);
	assert_string_equal(rig.state.title, "two.wav"); /* the old order */
}

/* Opens at once, also in an mpv that is idle and would quit when there is nothing to play. */
static void
test_open(void **state)
{
	rig_mpv_start(&rig, "once", (const char *[]){ NULL });
	rig_open(&rig, false);
	assert_int_equal(press_url(EAR_OPEN, one), 0);
	assert_int_equal(rig.state.playback, EAR_PLAYING);
	assert_string_equal(rig.state.title, "one.wav");
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_int_equal(press_url(EAR_OPEN, two), 0);
	assert_int_equal(rig.state.playback, EAR_PLAYING);
	assert_string_equal(rig.state.title, "two.wav");
	assert_false(can(EAR_PREVIOUS)); /* the old playlist is gone */
	assert_int_equal(press_url(EAR_OPEN, "/srv/no/such/file.mkv"), -EREMOTEIO);
	assert_int_equal(rig_look(&rig), 0); /* and mpv is still there */
	assert_int_equal(rig.state.playback, EAR_STOPPED);
	assert_int_equal(press_url(EAR_OPEN, "/srv/no/such/file.mkv"), -EREMOTEIO);
	assert_int_equal(press_url(EAR_QUEUE, "/srv/no/such/file.mkv"), -EREMOTEIO);
	assert_int_equal(press_url(EAR_OPEN, one), 0);
	assert_string_equal(rig.state.title, "one.wav");
}

static int
press_text(enum ear_button button, const char *text)
{
	return rig_press_this(&rig, &(struct ear_press){ .button = button, .text = text });
}

/* mpv would play each of these; whoever presses a button is not to. */
static void
test_open_refused(void **state)
{
	char edl[256];

	start(false);
	snprintf(edl, sizeof(edl), "edl://%s", two);
	assert_int_equal(press_text(EAR_OPEN, edl), -ERANGE);
	assert_int_equal(press_text(EAR_OPEN, two), -ERANGE);
	assert_int_equal(press_text(EAR_OPEN, "av://lavfi:sine"), -ERANGE);
	assert_int_equal(press_text(EAR_QUEUE, "memory://a"), -ERANGE);
	assert_int_equal(press_text(EAR_OPEN, NULL), -ERANGE);
	assert_int_equal(rig_look(&rig), 0);
	assert_string_equal(rig.state.title, "one.wav");
}

static void
test_queue(void **state)
{
	rig_mpv_start(&rig, "yes", (const char *[]){ NULL });
	rig_open(&rig, false);
	assert_int_equal(press_url(EAR_QUEUE, one), 0); /* nothing plays: it begins */
	assert_int_equal(rig.state.playback, EAR_PLAYING);
	assert_string_equal(rig.state.title, "one.wav");
	assert_false(can(EAR_NEXT));
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_int_equal(press_url(EAR_QUEUE, two), 0);
	assert_int_equal(rig.state.playback, EAR_PAUSED);
	assert_string_equal(rig.state.title, "one.wav");
	assert_true(can(EAR_NEXT));
	assert_int_equal(rig_press(&rig, EAR_NEXT), 0);
	assert_string_equal(rig.state.title, "two.wav");
}

static void
test_tracks(void **state)
{
	start_clip();
	assert_int_equal(rig.state.audio_count, 2);
	assert_int_equal(rig.state.audio, 1);
	assert_int_equal(rig.state.subtitle_count, 2);
	assert_string_equal(rig.state.title, "Two households");
	assert_string_equal(rig.state.artist, "Escalus");
	assert_string_equal(rig.state.album, "Verona");
	assert_int_equal(rig_press(&rig, EAR_AUDIO), 0);
	assert_int_equal(rig.state.audio, 2);
	assert_int_equal(rig_press(&rig, EAR_AUDIO), 0);
	assert_int_equal(rig.state.audio, 1);
	assert_int_equal(rig_press_value(&rig, EAR_AUDIO, false, 2), 0);
	assert_int_equal(rig.state.audio, 2);
	assert_int_equal(rig_press_value(&rig, EAR_AUDIO, false, 3), -ERANGE);
	assert_int_equal(rig_press_value(&rig, EAR_SUBTITLE, false, 0), 0);
	assert_int_equal(rig.state.subtitle, 0);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(rig_press(&rig, EAR_SUBTITLE), 0);
		assert_int_equal(rig.state.subtitle, i % 3);
	}
	assert_int_equal(rig_press(&rig, EAR_STOP), 0);
	assert_int_equal(rig.state.audio_count, 0);
	assert_string_equal(rig.state.artist, "");
	assert_int_equal(rig_press(&rig, EAR_SUBTITLE), -EREMOTEIO);
}

static bool (*told)(const struct ear_player_state *state);

static bool
is_told(struct rig *r)
{
	return r->changes > 0 && r->is_there && told(&r->told);
}

/* Somebody else does this to mpv: we are told that state. */
static void
assert_told(const char *command, bool (*what)(const struct ear_player_state *state))
{
	char line[256];

	rig_run(&rig, EAR_SEC / 5);
	rig.changes = 0;
	told = what;
	snprintf(line, sizeof(line), "{\"command\":[%s]}\n", command);
	rig_mpv_say(&rig, line);
	if (!rig_wait(&rig, is_told))
		fail_msg("not told of %s", command);
}

static bool
is_fast(const struct ear_player_state *state)
{
	return state->rate == 2000;
}

static bool
is_shuffled(const struct ear_player_state *state)
{
	return state->shuffle == 1;
}

static bool
is_repeating(const struct ear_player_state *state)
{
	return state->repeat == EAR_REPEAT_ALL;
}

static bool
is_repeating_one(const struct ear_player_state *state)
{
	return state->repeat == EAR_REPEAT_ONE;
}

static bool
is_far(const struct ear_player_state *state)
{
	return state->position_us > 7 * EAR_SEC;
}

static bool
is_without_sound(const struct ear_player_state *state)
{
	return state->audio == 0;
}

static bool
is_without_words(const struct ear_player_state *state)
{
	return state->subtitle == 0;
}

static bool
is_not_last(const struct ear_player_state *state)
{
	return (state->can & 1u << EAR_NEXT) != 0;
}

static bool
is_muted(const struct ear_player_state *state)
{
	return state->muted && state->volume == 33;
}

static bool
is_stopped(const struct ear_player_state *state)
{
	return state->playback == EAR_STOPPED && state->title[0] == '\0';
}

static void
test_told(void **state)
{
	char append[256];

	start_clip();
	assert_told("\"set_property\",\"speed\",2", is_fast);
	assert_told("\"set_property\",\"shuffle\",true", is_shuffled);
	assert_told("\"set_property\",\"loop-playlist\",\"inf\"", is_repeating);
	assert_told("\"set_property\",\"loop-file\",\"inf\"", is_repeating_one);
	assert_told("\"set_property\",\"aid\",\"no\"", is_without_sound);
	assert_told("\"set_property\",\"sid\",1", is_repeating_one);
	assert_told("\"set_property\",\"sid\",\"no\"", is_without_words);
	rig_mpv_say(&rig, "{\"command\":[\"set_property\",\"pause\",true]}\n");
	rig_mpv_say(&rig, "{\"command\":[\"seek\",0,\"absolute\"]}\n");
	assert_told("\"seek\",8,\"absolute\"", is_far);
	rig_mpv_say(&rig, "{\"command\":[\"set_property\",\"mute\",true]}\n");
	assert_told("\"set_property\",\"volume\",33", is_muted);
	rig_mpv_say(&rig, "{\"command\":[\"set_property\",\"loop-playlist\",\"no\"]}\n");
	snprintf(append, sizeof(append), "\"loadfile\",\"%s\",\"append\"", one);
	assert_told(append, is_not_last);
	assert_told("\"stop\"", is_stopped);
}

/* What a press does is told too, once, to whoever follows the player. */
static void
test_press_is_told(void **state)
{
	start(true);
	rig_run(&rig, EAR_SEC / 5);
	rig.changes = 0;
	told = is_fast;
	assert_int_equal(rig_press_value(&rig, EAR_RATE, false, 2000), 0);
	assert_true(rig_wait(&rig, is_told));
	rig_run(&rig, EAR_SEC / 2);
	assert_int_equal(rig.changes, 1);
}

static bool
is_told_gone(struct rig *r)
{
	return r->changes > 0 && !r->is_there;
}

static void
test_gone_is_told(void **state)
{
	start(true);
	rig_run(&rig, EAR_SEC / 5);
	rig.changes = 0;
	rig_mpv_kill(&rig);
	assert_true(rig_wait(&rig, is_told_gone));
	assert_null(ear_player_last(rig.player));
}

static int
press_key(enum ear_remote_key key, enum ear_motion motion)
{
	struct ear_press press = { .button = EAR_KEY, .key = key, .motion = motion };

	return rig_press_this(&rig, &press);
}

/* Binds mpv's key to a step of a property that counts how often it was hit. */
static void
bind_key(const char *key)
{
	char line[128];

	snprintf(line, sizeof(line),
		 "{\"command\":[\"keybind\",\"%s\",\"add sub-delay 1; add contrast 1\"]}\n", key);
	rig_mpv_say(&rig, line);
	rig_mpv_say(&rig, "{\"command\":[\"set_property\",\"contrast\",0]}\n");
}

static int
count(void)
{
	char answer[256];
	const char *at;

	rig_mpv_ask(&rig, "{\"command\":[\"get_property\",\"contrast\"]}\n", answer,
		    sizeof(answer));
	at = strstr(answer, "\"data\":");
	assert_non_null(at);
	return atoi(at + 7);
}

static bool
is_hit(struct rig *r)
{
	return count() > 0;
}

static void
test_keys(void **state)
{
	static const struct {
		enum ear_remote_key key;
		const char *name;
	} keys[] = {
		{ EAR_KEY_UP, "UP" },         { EAR_KEY_OK, "KP_ENTER" },
		{ EAR_KEY_BACK, "ESC" },      { EAR_KEY_HOME, "HOMEPAGE" },
		{ EAR_KEY_MENU, "MENU" },     { EAR_KEY_CHANNELDOWN, "CHANNEL_DOWN" },
		{ EAR_KEY_PAGEUP, "PGUP" },   { EAR_KEY_NUMERIC_0, "KP0" },
		{ EAR_KEY_NUMERIC_9, "KP9" }, { EAR_KEY_EPG, "F8" },
	};

	start(false);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		bind_key(keys[i].name);
		assert_int_equal(press_key(keys[i].key, EAR_PRESSED), 0);
		/* mpv's answer says that it has the key, not that it has acted on it. */
		assert_true(rig_wait(&rig, is_hit));
		assert_int_equal(count(), 1);
	}
	assert_int_equal(press_key(EAR_KEY_GREEN, EAR_PRESSED), -EOPNOTSUPP);
	/* All that we have a name for is a key to mpv. */
	for (int key = 0; key < EAR_KEY_COUNT; key++)
		if (mpv_key_name(key) != NULL)
			assert_int_equal(press_key(key, EAR_PRESSED), 0);
}

/* Stop does not make mpv quit, and loud is not distorted, as its own keys would do. */
static void
test_media_keys(void **state)
{
	start(false);
	assert_int_equal(press_key(EAR_KEY_VOLUMEUP, EAR_PRESSED), 0);
	assert_int_equal(rig.state.volume, 100);
	assert_int_equal(press_key(EAR_KEY_VOLUMEDOWN, EAR_DOWN), 0);
	assert_int_equal(press_key(EAR_KEY_VOLUMEDOWN, EAR_HELD), 0);
	assert_int_equal(press_key(EAR_KEY_VOLUMEDOWN, EAR_UP), 0);
	assert_int_equal(rig.state.volume, 90);
	assert_int_equal(press_key(EAR_KEY_PAUSE, EAR_PRESSED), 0);
	assert_int_equal(rig.state.playback, EAR_PAUSED);
	assert_int_equal(press_key(EAR_KEY_NEXTSONG, EAR_PRESSED), 0);
	assert_string_equal(rig.state.title, "two.wav");
	assert_int_equal(press_key(EAR_KEY_STOP, EAR_PRESSED), 0);
	assert_int_equal(rig.state.playback, EAR_STOPPED);
	assert_int_equal(press_key(EAR_KEY_PLAY, EAR_PRESSED), 0);
	assert_string_equal(rig.state.title, "two.wav");
}

/* How often the key works from now on, in half a second. */
static int
repeats(void)
{
	int before = count();

	rig_run(&rig, EAR_SEC / 2);
	return count() - before;
}

/* mpv repeats what is down, until it is let go. */
static void
test_held(void **state)
{
	start(false);
	bind_key("UP");
	assert_int_equal(press_key(EAR_KEY_UP, EAR_DOWN), 0);
	rig_run(&rig, EAR_SEC / 2);
	assert_true(repeats() > 3);
	assert_int_equal(press_key(EAR_KEY_UP, EAR_UP), 0);
	assert_int_equal(repeats(), 0);
}

/* Whoever held it has vanished: it is let go. As long as he says that he holds it, it is not. */
static void
test_not_stuck(void **state)
{
	start(false);
	bind_key("UP");
	assert_int_equal(press_key(EAR_KEY_UP, EAR_DOWN), 0);
	for (int i = 0; i < 3; i++) {
		rig_run(&rig, EAR_SEC / 2);
		assert_int_equal(press_key(EAR_KEY_UP, EAR_HELD), 0);
	}
	assert_true(repeats() > 3);
	rig_run(&rig, EAR_SEC);
	assert_int_equal(repeats(), 0);
}

/* Neither is it stuck in an mpv that hung when it should have been let go. */
static void
test_not_stuck_in_hung(void **state)
{
	start(false);
	bind_key("UP");
	assert_int_equal(press_key(EAR_KEY_UP, EAR_DOWN), 0);
	rig_mpv_pause(&rig, true);
	assert_int_equal(press_key(EAR_KEY_UP, EAR_UP), -ETIMEDOUT);
	rig_mpv_pause(&rig, false);
	rig_run(&rig, 4 * EAR_SEC);
	assert_int_equal(repeats(), 0);
}

/* Nor when the daemon ends. */
static void
test_not_stuck_without_us(void **state)
{
	start(false);
	bind_key("UP");
	assert_int_equal(press_key(EAR_KEY_UP, EAR_DOWN), 0);
	player_free(rig.player);
	rig.player = NULL;
	rig_run(&rig, EAR_SEC / 5);
	assert_int_equal(repeats(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_rate),
		TEST(test_repeat),
		TEST(test_shuffle),
		TEST(test_open),
		TEST(test_open_refused),
		TEST(test_queue),
		TEST(test_tracks),
		TEST(test_told),
		TEST(test_press_is_told),
		TEST(test_gone_is_told),
		TEST(test_keys),
		TEST(test_media_keys),
		TEST(test_held),
		TEST(test_not_stuck),
		TEST(test_not_stuck_in_hung),
		TEST(test_not_stuck_without_us),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
