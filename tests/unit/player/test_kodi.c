/* SPDX-License-Identifier: ISC */
/* test_kodi.c: something at Kodi's port that lies, loses what it is told, comes and goes: none of
 * it blocks, grows or crashes us. What a real Kodi does: tests/lan/test_kodi.py. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <event2/event.h>

#include "kodi_rig.h"
#include "player/ops.h"

#define MEGABYTE (1024 * 1024)

static struct kodi_rig *const kodi = &kodi_rig;

/* Whatever it was told before: an honest Kodi is understood. */
static void
assert_honest_works(void)
{
	kodi->lie = HONEST;
	kodi->speed = 1;
	kodi->position = 1;
	assert_int_equal(rig_press(&kodi->rig, EAR_PAUSE), 0);
	assert_int_equal(kodi->speed, 0);
	assert_int_equal(kodi->rig.state.playback, EAR_PAUSED);
	assert_string_equal(kodi->rig.state.title, "T");
	assert_string_equal(kodi->rig.state.artist, "Ann, Bob");
	assert_int_equal(kodi->rig.state.position_us, 1500 * EAR_MSEC);
	assert_int_equal(kodi->rig.state.volume, kodi->volume);
	assert_int_equal(kodi->rig.state.audio, 1);
}

static void
test_honest(void **state)
{
	assert_honest_works();
	assert_int_equal(kodi->clients, 1);
}

static bool
is_ended(struct rig *r)
{
	return kodi->ended > 0;
}

static void
test_malformed(void **state)
{
	static const struct {
		const char *bytes;
		size_t length;
	} cases[] = {
#define CASE(text) { text, sizeof(text) - 1 }
		CASE("hello"),
		CASE("{\"id\":1,}"),
		CASE("[]"),
		CASE("12 "),
		CASE("null"),
		CASE("{\"a\":\"\0\"}"),
		CASE("{\"a\":\"\\u0000\"}"),
		CASE("\0\0\0\0"),
		CASE("{\"a\":1e999}"),
		CASE("{\"a\":99999999999999999999999}"),
		CASE("{]"),
		CASE("{}}"),
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		kodi->lie = RAW;
		kodi->raw = cases[i].bytes;
		kodi->raw_length = cases[i].length;
		kodi->ended = 0;
		assert_int_equal(rig_press(&kodi->rig, EAR_PAUSE), -EPROTO);
		assert_true(rig_wait(&kodi->rig, is_ended)); /* we hung up */
		assert_honest_works();
	}
}

static void
test_deep(void **state)
{
	static char deep[200001];

	memset(deep, '[', sizeof(deep));
	memcpy(deep, "{\"a\":", 5);
	kodi->lie = RAW;
	kodi->raw = deep;
	kodi->raw_length = sizeof(deep);
	assert_int_equal(rig_press(&kodi->rig, EAR_PAUSE), -EPROTO);
	assert_honest_works();
}

/* Of 50 MB in one object we take no more than the cap and what sockets hold. */
static void
test_endless(void **state)
{
	kodi->lie = ENDLESS;
	assert_int_equal(rig_press(&kodi->rig, EAR_PAUSE), -EPROTO);
	assert_true(rig_wait(&kodi->rig, is_ended));
	assert_true(kodi->unsent > 40 * MEGABYTE);
	assert_honest_works();
}

static void
test_long(void **state)
{
	kodi->lie = LONG;
	assert_int_equal(rig_look(&kodi->rig), 0);
	assert_int_equal(strlen(kodi->rig.state.title), EAR_TITLE_MAX - 1);
	assert_honest_works();
}

static void
test_silent(void **state)
{
	int64_t before;

	assert_int_equal(rig_look(&kodi->rig), 0);
	before = ear_now(kodi->rig.clock);
	kodi->lie = SILENT;
	assert_int_equal(rig_press(&kodi->rig, EAR_PAUSE), -ETIMEDOUT);
	assert_true(ear_now(kodi->rig.clock) - before < 3 * PLAYER_TIMEOUT);
	assert_honest_works();
	assert_int_equal(kodi->clients, 1);
}

/* It accepts, but says nothing: that is no Kodi which is there. */
static void
test_silent_from_the_start(void **state)
{
	kodi->lie = SILENT;
	assert_int_equal(rig_press(&kodi->rig, EAR_PAUSE), -ETIMEDOUT);
	assert_int_equal(kodi->calls, 1);
	assert_string_equal(ear_player_kind(kodi->rig.player), "none");
	assert_honest_works();
	assert_string_equal(ear_player_kind(kodi->rig.player), "kodi");
}

/* A press that is said to be done, and is not. */
static void
test_not_done(void **state)
{
	kodi->lie = NOT_DONE;
	assert_int_equal(rig_press(&kodi->rig, EAR_PAUSE), -EREMOTEIO);
	assert_int_equal(rig_press_value(&kodi->rig, EAR_VOLUME, false, 40), -EREMOTEIO);
	/* That may take long: the state is told as it is. */
	assert_int_equal(rig_press_value(&kodi->rig, EAR_SEEK, false, 30 * EAR_SEC), 0);
	assert_int_equal(kodi->rig.state.position_us, 1500 * EAR_MSEC);
	assert_honest_works();
}

static void
test_lost_seek(void **state)
{
	kodi->lie = LOSES_SEEK;
	assert_int_equal(rig_press_value(&kodi->rig, EAR_SEEK, true, 30 * EAR_SEC), 0);
	assert_int_equal(kodi->seeks, 2);
	assert_int_equal(kodi->rig.state.position_us, 31500 * EAR_MSEC);
	kodi->lie = HONEST;
	assert_int_equal(rig_press_value(&kodi->rig, EAR_SEEK, false, 10 * EAR_SEC), 0);
	assert_int_equal(kodi->seeks, 3);
	assert_honest_works();
}

/* From a film that begins until there is a picture: a question waits, but not for ever. */
static void
test_starting(void **state)
{
	int64_t before;

	assert_int_equal(rig_look(&kodi->rig), 0);
	kodi_rig_notify("Player.OnPlay");
	rig_run(&kodi->rig, 50 * EAR_MSEC);
	before = ear_now(kodi->rig.clock);
	assert_int_equal(rig_press_value(&kodi->rig, EAR_SEEK, false, 10 * EAR_SEC), 0);
	assert_true(ear_now(kodi->rig.clock) - before > 700 * EAR_MSEC);
	kodi_rig_notify("Player.OnPlay");
	kodi_rig_notify("Player.OnAVStart");
	rig_run(&kodi->rig, 50 * EAR_MSEC);
	before = ear_now(kodi->rig.clock);
	assert_int_equal(rig_look(&kodi->rig), 0);
	assert_true(ear_now(kodi->rig.clock) - before < 900 * EAR_MSEC);
}

/* Between what plays and nothing there is a moment in which it is in no list. */
static void
test_resume(void **state)
{
	kodi->item = 2;
	assert_int_equal(rig_look(&kodi->rig), 0);
	kodi->item = -1;
	assert_int_equal(rig_look(&kodi->rig), 0);
	kodi->playing = false;
	assert_int_equal(rig_press(&kodi->rig, EAR_PLAY), 0);
	assert_int_equal(kodi->rig.state.playback, EAR_PLAYING);
	assert_int_equal(kodi->item, 2);
}

static void
test_wrong_values(void **state)
{
	kodi->lie = WRONG_TYPE;
	assert_int_equal(rig_press(&kodi->rig, EAR_PAUSE), -EPROTO);
	kodi->lie = HUGE;
	assert_int_equal(rig_look(&kodi->rig), -EPROTO);
	kodi->lie = HONEST;
	kodi->volume = 101;
	assert_int_equal(rig_look(&kodi->rig), -EPROTO);
	kodi->volume = 0;
	assert_honest_works();
}

static void
test_wrong_ids(void **state)
{
	kodi->lie = WRONG_IDS;
	assert_int_equal(rig_press(&kodi->rig, EAR_PAUSE), 0);
	assert_int_equal(kodi->rig.state.playback, EAR_PAUSED);
	assert_honest_works();
}

static void
test_vanishes(void **state)
{
	kodi->lie = VANISHES;
	assert_int_equal(rig_look(&kodi->rig), 0);
	assert_int_equal(kodi->rig.state.playback, EAR_STOPPED);
	assert_int_equal(kodi->rig.state.volume, 50);
	assert_string_equal(kodi->rig.state.title, "");
	assert_int_equal(kodi->rig.state.position_us, -1);
	assert_honest_works();
}

static void
test_refuses(void **state)
{
	struct ear_press key = { .button = EAR_KEY, .key = EAR_KEY_OK };

	kodi->lie = REFUSES;
	assert_int_equal(rig_press(&kodi->rig, EAR_PAUSE), -EREMOTEIO);
	kodi->lie = OLD;
	assert_int_equal(rig_press_this(&kodi->rig, &key), -EOPNOTSUPP);
	assert_int_equal(rig_look(&kodi->rig), 0);
	assert_honest_works();
}

static void
test_flood(void **state)
{
	kodi_rig_open(true);
	kodi->lie = FLOOD;
	assert_int_equal(rig_press(&kodi->rig, EAR_PAUSE), 0);
	assert_int_equal(kodi->rig.state.playback, EAR_PAUSED);
}

static void
test_drips(void **state)
{
	kodi->lie = DRIPS;
	assert_int_equal(rig_press(&kodi->rig, EAR_PAUSE), 0);
	assert_int_equal(kodi->rig.state.playback, EAR_PAUSED);
	assert_int_equal(kodi->clients, 1);
}

/* Half an object, and the end. */
static void
test_half(void **state)
{
	assert_int_equal(rig_look(&kodi->rig), 0);
	kodi_rig_say("{\"jsonrpc\":\"2.0\",\"meth");
	rig_run(&kodi->rig, 20 * EAR_MSEC);
	kodi_rig_hang_up();
	rig_run(&kodi->rig, 20 * EAR_MSEC);
	assert_honest_works();
	assert_int_equal(kodi->clients, 2);
}

/* Port 9090 is many a program's. It is told nothing but the greeting, and not asked all the time.
 */
static void
test_stranger(void **state)
{
	static const char http[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

	kodi->lie = STRANGER;
	kodi->raw = http;
	kodi->raw_length = sizeof(http) - 1;
	kodi_rig_open(true);
	assert_int_equal(rig_press(&kodi->rig, EAR_PAUSE), -EPROTO);
	assert_int_equal(rig_look(&kodi->rig), -ENODEV);
	assert_string_equal(ear_player_kind(kodi->rig.player), "none");
	rig_run(&kodi->rig, 2500 * EAR_MSEC);
	assert_in_range(kodi->clients, 2, 4);
	assert_int_equal(kodi->calls, kodi->clients);
	assert_honest_works();
}

/* One that greets well and then talks nonsense is not connected to without end either. */
static void
test_nonsense_while_watched(void **state)
{
	kodi->lie = RAW;
	kodi->raw = "nonsense";
	kodi->raw_length = 8;
	kodi_rig_open(true);
	rig_run(&kodi->rig, 2500 * EAR_MSEC);
	assert_in_range(kodi->clients, 2, 4);
	assert_honest_works();
}

static bool
is_quiet(struct rig *r)
{
	return r->changes > 0 && r->told.playback == EAR_PAUSED;
}

static bool
is_told_gone(struct rig *r)
{
	return r->changes > 0 && !r->is_there;
}

static bool
is_told_there(struct rig *r)
{
	return r->is_there;
}

static void
test_changes_are_told(void **state)
{
	static const char *const notices[] = { "Player.OnPause", "Application.OnVolumeChanged" };

	kodi_rig_open(true);
	assert_true(rig_wait(&kodi->rig, is_told_there));
	for (size_t i = 0; i < 2; i++) {
		kodi->rig.changes = 0;
		kodi->rig.told.playback = EAR_STOPPED;
		kodi->speed = 0;
		kodi->volume = 20 + (int)i;
		kodi_rig_notify(notices[i]);
		assert_true(rig_wait(&kodi->rig, is_quiet));
		assert_int_equal(kodi->rig.told.volume, kodi->volume);
	}
	/* At rest nothing is asked. */
	kodi->calls = 0;
	kodi_rig_notify("GUI.OnScreensaverActivated");
	rig_run(&kodi->rig, 300 * EAR_MSEC);
	assert_int_equal(kodi->calls, 0);
}

static void
test_comes_and_goes(void **state)
{
	kodi_rig_open(true);
	assert_true(rig_wait(&kodi->rig, is_told_there));
	kodi->rig.changes = 0;
	kodi_rig_stop();
	assert_true(rig_wait(&kodi->rig, is_told_gone));
	assert_string_equal(ear_player_kind(kodi->rig.player), "none");
	assert_int_equal(rig_press(&kodi->rig, EAR_PAUSE), -ENODEV);
	kodi_rig_start();
	assert_true(rig_wait(&kodi->rig, is_told_there)); /* without being asked */
	assert_string_equal(ear_player_kind(kodi->rig.player), "kodi");
	kodi_rig_stop();
	assert_true(rig_wait(&kodi->rig, is_told_gone));
	kodi_rig_start();
	assert_honest_works(); /* a press connects at once */
}

/* Nobody who wants to be told: nothing is connected to before a press. */
static void
test_unwatched(void **state)
{
	rig_run(&kodi->rig, 100 * EAR_MSEC);
	assert_int_equal(kodi->clients, 0);
	kodi_rig_stop();
	assert_int_equal(rig_press(&kodi->rig, EAR_PAUSE), -ENODEV);
	kodi_rig_start();
	assert_honest_works();
}

/* The engine may stop at any moment: callbacks run all the same, once. */
static void
on_cancelled(void *arg, int error, const struct ear_player_state *state)
{
	(*(int *)arg)++;
	assert_int_equal(error, -ECANCELED);
}

static void
test_freed_meanwhile(void **state)
{
	struct ear_press press = { .button = EAR_PAUSE };
	int answers = 0;

	for (int turns = 0; turns < 12; turns++) {
		answers = 0;
		ear_player_press(kodi->rig.player, &press, on_cancelled, &answers);
		kodi->lie = turns < 3 ? SILENT : HONEST;
		for (int i = 0; i < turns / 3; i++)
			event_base_loop(kodi->rig.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		kodi_rig_open(turns % 2 == 0); /* frees the one before */
		assert_int_equal(answers, 1);
	}
}

static bool
is_shown(struct rig *r)
{
	return kodi->shown[0] != '\0';
}

static bool
is_cleared(struct rig *r)
{
	return strcmp(kodi->shown, " 1500") == 0;
}

static void
test_show(void **state)
{
	assert_int_equal(ear_player_show(kodi->rig.player, "too early", EAR_SEC), -ENODEV);
	assert_int_equal(rig_look(&kodi->rig), 0);
	assert_int_equal(ear_player_show(kodi->rig.player, NULL, 0), 0); /* there is nothing */
	assert_int_equal(rig_look(&kodi->rig), 0);
	assert_string_equal(kodi->shown, "");
	assert_int_equal(
		ear_player_show(kodi->rig.player, "$INFO[System.Time] [B]x[/B]\n\"", EAR_SEC), 0);
	assert_true(rig_wait(&kodi->rig, is_shown));
	assert_string_equal(kodi->shown, "$INFO(System.Time) (B)x(/B) \" 1500");
	kodi->shown[0] = '\0';
	assert_int_equal(ear_player_show(kodi->rig.player, "123456", INT64_MAX), 0);
	assert_true(rig_wait(&kodi->rig, is_shown));
	assert_string_equal(kodi->shown, "123456 3600000");
	assert_int_equal(ear_player_show(kodi->rig.player, NULL, 0), 0);
	assert_true(rig_wait(&kodi->rig, is_cleared));
	assert_honest_works();
}

/* What waits for a Kodi that does not read is bounded. */
static void
test_unread(void **state)
{
	int shows = 0;

	assert_int_equal(rig_look(&kodi->rig), 0);
	kodi_rig_stop_reading();
	while (shows < 100000 && ear_player_show(kodi->rig.player, "123456", EAR_SEC) == 0)
		shows++;
	assert_in_range(shows, 100, 10000);
	assert_int_equal(rig_press(&kodi->rig, EAR_PAUSE), -ETIMEDOUT);
}

static void
test_configuration(void **state)
{
	struct player_config config = { .kind = "kodi", .url = "tcp://kodi.example:9090" };
	struct ear_player *player;

	assert_int_equal(player_new(kodi->rig.base, kodi->rig.clock, &config, NULL, NULL, &player),
			 -EINVAL);
	assert_null(player);
	config.url = NULL;
	assert_int_equal(player_new(kodi->rig.base, kodi->rig.clock, &config, NULL, NULL, &player),
			 0);
	player_free(player);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, kodi_rig_setup, kodi_rig_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_honest),
		TEST(test_malformed),
		TEST(test_deep),
		TEST(test_endless),
		TEST(test_long),
		TEST(test_silent),
		TEST(test_silent_from_the_start),
		TEST(test_not_done),
		TEST(test_lost_seek),
		TEST(test_starting),
		TEST(test_resume),
		TEST(test_wrong_values),
		TEST(test_wrong_ids),
		TEST(test_vanishes),
		TEST(test_refuses),
		TEST(test_flood),
		TEST(test_drips),
		TEST(test_half),
		TEST(test_stranger),
		TEST(test_nonsense_while_watched),
		TEST(test_changes_are_told),
		TEST(test_comes_and_goes),
		TEST(test_unwatched),
		TEST(test_freed_meanwhile),
		TEST(test_show),
		TEST(test_unread),
		TEST(test_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
