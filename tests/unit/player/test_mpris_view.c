/* SPDX-License-Identifier: ISC */
/* test_mpris_view.c: the properties of a player as a state, when they are right, wrong, missing. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <earshot/timer.h>

#include <cmocka.h>

#include "mpris_message.h"
#include "player/mpris_view.h"

static sd_bus *bus;
static sd_bus_message *message;
static struct mpris_view view;
static struct ear_player_state now;

static int
set_up(void **state)
{
	bus = messages_open();
	message = message_new(bus);
	mpris_view_init(&view);
	return 0;
}

static int
tear_down(void **state)
{
	sd_bus_message_unref(message);
	messages_close(bus);
	return 0;
}

static int
read_view(void)
{
	struct mpris_reader reader;
	int error;

	message_seal(message);
	reader = mpris_reader(message);
	error = mpris_view_read(&view, &reader);
	mpris_view_state(&view, "Some player", &now);
	sd_bus_message_unref(message);
	message = message_new(bus);
	return error;
}

static bool
can(enum ear_button button)
{
	return (now.can & 1u << button) != 0;
}

static void
test_whole(void **state)
{
	assert_true(sd_bus_message_append(
			    message, "a{sv}", 9, "PlaybackStatus", "s", "Playing", "LoopStatus",
			    "s", "Track", "Shuffle", "b", 1, "Rate", "d", 1.25, "Volume", "d", 0.7,
			    "Position", "x", INT64_C(5000000), "CanGoNext", "b", 0, "CanSeek", "b",
			    1, "Metadata", "a{sv}", 5, "xesam:title", "s", "Sintel", "xesam:artist",
			    "as", 2, "One", "Two", "xesam:album", "s", "Open", "mpris:length", "x",
			    INT64_C(888000000), "mpris:trackid", "o", "/track/1") >= 0);
	assert_int_equal(read_view(), 0);
	assert_int_equal(now.playback, EAR_PLAYING);
	assert_string_equal(now.name, "Some player");
	assert_string_equal(now.title, "Sintel");
	assert_string_equal(now.artist, "One, Two");
	assert_string_equal(now.album, "Open");
	assert_int_equal(now.position_us, 5 * EAR_SEC);
	assert_int_equal(now.duration_us, 888 * EAR_SEC);
	assert_int_equal(now.volume, 70);
	assert_int_equal(now.rate, 1250);
	assert_int_equal(now.repeat, EAR_REPEAT_ONE);
	assert_int_equal(now.shuffle, 1);
	assert_int_equal(now.audio_count, -1);
	assert_true(now.seekable);
	assert_false(now.muted);
	assert_string_equal(view.track, "/track/1");
	assert_true(can(EAR_PAUSE) && can(EAR_SEEK) && can(EAR_VOLUME) && can(EAR_OPEN));
	assert_true(can(EAR_RATE) && can(EAR_SHUFFLE) && can(EAR_REPEAT) && can(EAR_KEY));
	assert_false(can(EAR_NEXT) || can(EAR_QUEUE) || can(EAR_AUDIO) || can(EAR_SUBTITLE));
}

static void
test_nothing(void **state)
{
	assert_true(sd_bus_message_append(message, "a{sv}", 0) >= 0);
	assert_int_equal(read_view(), 0);
	assert_int_equal(now.playback, EAR_STOPPED);
	assert_int_equal(now.volume, -1);
	assert_int_equal(now.rate, 1000);
	assert_int_equal(now.shuffle, -1);
	assert_int_equal(now.repeat, -1);
	assert_int_equal(now.position_us, -1);
	assert_int_equal(now.duration_us, -1);
	assert_false(now.muted);
	assert_true(can(EAR_PLAY) && can(EAR_NEXT));
	assert_false(can(EAR_PAUSE) || can(EAR_SEEK) || can(EAR_VOLUME) || can(EAR_RATE));
}

/* Others write what they mean by other types: a length of any integer, an artist alone. */
static void
test_other_types(void **state)
{
	assert_true(sd_bus_message_append(message, "a{sv}", 5, "PlaybackStatus", "s", "Paused",
					  "Volume", "i", 1, "Rate", "x", INT64_C(1), "Position",
					  "u", 7, "Metadata", "a{sv}", 3, "mpris:length", "t",
					  UINT64_C(9000000), "xesam:artist", "s", "One",
					  "mpris:trackid", "s", "/as/text") >= 0);
	assert_int_equal(read_view(), 0);
	assert_int_equal(now.volume, 100);
	assert_int_equal(now.position_us, 7);
	assert_int_equal(now.duration_us, 9 * EAR_SEC);
	assert_string_equal(now.artist, "One");
	assert_string_equal(view.track, "/as/text");
}

/* A property that has turned into nonsense is unknown, not what it was. */
static void
test_wrong(void **state)
{
	test_whole(state);
	assert_true(sd_bus_message_append(message, "a{sv}", 8, "PlaybackStatus", "s", "Dancing",
					  "LoopStatus", "i", 1, "Shuffle", "s", "yes", "Rate", "d",
					  (double)INFINITY, "Volume", "d", (double)NAN, "Position",
					  "s", "far", "CanSeek", "s", "no", "Metadata", "a{sv}", 5,
					  "xesam:title", "i", 3, "xesam:artist", "a(s)", 1, "x",
					  "xesam:album", "d", 0.5, "mpris:length", "t", UINT64_MAX,
					  "mpris:trackid", "s", "here") >= 0);
	assert_int_equal(read_view(), 0);
	assert_int_equal(now.playback, EAR_STOPPED);
	assert_int_equal(now.volume, -1);
	assert_int_equal(now.rate, 1000);
	assert_int_equal(now.shuffle, -1);
	assert_int_equal(now.repeat, -1);
	assert_int_equal(view.position, -1);
	assert_int_equal(view.length, -1);
	assert_string_equal(view.title, "");
	assert_string_equal(view.artist, "");
	assert_string_equal(view.album, "");
	assert_string_equal(view.track, "");
	assert_true(sd_bus_message_append(message, "a{sv}", 3, "Volume", "d", -0.5, "Position", "x",
					  INT64_MAX, "Rate", "d", 1e300) >= 0);
	assert_int_equal(read_view(), 0);
	assert_int_equal(now.volume, -1);
	assert_int_equal(view.position, -1);
	assert_int_equal(now.rate, 1000);
}

/* What does not come stays; metadata come as a whole. */
static void
test_change(void **state)
{
	test_whole(state);
	assert_true(sd_bus_message_append(message, "a{sv}", 2, "Volume", "d", 0.0, "Metadata",
					  "a{sv}", 1, "xesam:url", "s",
					  "file:///home/a%20b/Caf%C3%A9%2g.ogg") >= 0);
	assert_int_equal(read_view(), 0);
	assert_int_equal(now.playback, EAR_PLAYING);
	assert_true(now.muted);
	assert_string_equal(now.title, "Caf\xc3\xa9%2g.ogg");
	assert_string_equal(now.artist, "");
	assert_int_equal(now.duration_us, -1);
	assert_string_equal(view.track, "");
}

static void
test_no_dictionary(void **state)
{
	assert_true(sd_bus_message_append(message, "s", "hello") >= 0);
	assert_int_equal(read_view(), -EPROTO);
	assert_true(sd_bus_message_append(message, "a{ss}", 1, "a", "b") >= 0);
	assert_int_equal(read_view(), -EPROTO);
	assert_int_equal(read_view(), -EPROTO); /* empty */
}

/* What comes before the end of our patience holds. */
static void
test_ten_thousand(void **state)
{
	sd_bus_message_open_container(message, 'a', "{sv}");
	sd_bus_message_append(message, "{sv}", "Volume", "d", 0.5);
	for (int i = 0; i < MPRIS_VALUES_MAX; i++)
		sd_bus_message_append(message, "{sv}", "x", "i", i);
	sd_bus_message_append(message, "{sv}", "Rate", "d", 2.0);
	sd_bus_message_close_container(message);
	assert_int_equal(read_view(), 0);
	assert_int_equal(now.volume, 50);
	assert_int_equal(now.rate, 1000);
}

/* Ends of texts are cut between characters, and nothing in them moves a cursor. */
static void
test_text(void **state)
{
	static char big[100000];

	for (size_t i = 0; i + 2 < sizeof(big); i += 2)
		memcpy(big + i, "\xc3\xa9", 2);
	assert_true(sd_bus_message_append(message, "a{sv}", 2, "PlaybackStatus", "s", "Playing",
					  "Metadata", "a{sv}", 2, "xesam:title", "s", big,
					  "xesam:album", "s", "a\x1b[2J\nb") >= 0);
	assert_int_equal(read_view(), 0);
	assert_int_equal(strlen(now.title), EAR_TITLE_MAX - 2);
	assert_string_equal(now.album, "a [2J b");
}

static void
test_nobody_controls(void **state)
{
	assert_true(sd_bus_message_append(message, "a{sv}", 2, "PlaybackStatus", "s", "Playing",
					  "CanControl", "b", 0) >= 0);
	assert_int_equal(read_view(), 0);
	assert_int_equal(now.can, 0);
	assert_false(now.seekable);
}

int
main(void)
{
#define MESSAGE_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		MESSAGE_TEST(test_whole),           MESSAGE_TEST(test_nothing),
		MESSAGE_TEST(test_other_types),     MESSAGE_TEST(test_wrong),
		MESSAGE_TEST(test_change),          MESSAGE_TEST(test_no_dictionary),
		MESSAGE_TEST(test_ten_thousand),    MESSAGE_TEST(test_text),
		MESSAGE_TEST(test_nobody_controls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
