/* SPDX-License-Identifier: ISC */
/* test_kodi.c: something at Kodi's port that lies, loses what it is told, comes and goes: none of
 * it blocks, grows or crashes us. What a real Kodi does: tests/lan/test_kodi.py. */
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <jansson.h>

#include "player/kodi_cut.h"
#include "player/ops.h"
#include "player_rig.h"

#define MEGABYTE (1024 * 1024)

enum lie {
	HONEST,
	RAW,        /* the test's own bytes instead of an answer to anything but the greeting */
	STRANGER,   /* to the greeting too */
	ENDLESS,    /* 50 MB in one object */
	SILENT,     /* takes calls, and says nothing */
	NOT_DONE,   /* says OK, and does nothing */
	LOSES_SEEK, /* the first one only */
	WRONG_TYPE, /* speed is "fast" */
	WRONG_IDS,  /* answers to nothing, and every answer twice */
	VANISHES,   /* what plays has ended when it is asked about */
	REFUSES,    /* everything but to say how it is */
	OLD,        /* knows no method but those that say how it is */
	LONG,       /* a title of as much as an object can hold */
	HUGE,       /* numbers beyond all times */
	FLOOD,      /* notifications, and then the answer */
	DRIPS,      /* byte by byte */
};

static struct rig rig;
static enum lie lie;
static const char *raw;
static size_t raw_length;
static struct evconnlistener *listener;
static struct bufferevent *client; /* the last one */
static struct evbuffer *drops;
static struct ear_timer drip;
static int port, clients, ended, seeks, calls;
static size_t unsent; /* what the last one to go had not taken */
static char *chunk, shown[512];
static bool playing;
static int speed, volume, position, item;

static void
on_drip(void *arg)
{
	if (client != NULL)
		evbuffer_remove_buffer(drops, bufferevent_get_output(client), 1);
	if (evbuffer_get_length(drops) > 0)
		ear_timer_set(&drip, 0);
}

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (lie == DRIPS) {
		evbuffer_add_vprintf(drops, format, args);
		ear_timer_set(&drip, 0);
	} else {
		evbuffer_add_vprintf(bufferevent_get_output(client), format, args);
	}
	va_end(args);
}

static void
say_chunk(size_t length)
{
	evbuffer_add_reference(bufferevent_get_output(client), chunk, length, NULL, NULL);
}

static void
notify(const char *method)
{
	say("{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":{\"data\":null}}", method);
}

static void __attribute__((format(printf, 2, 3))) result(json_int_t id, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (lie == WRONG_IDS) {
		say("{\"jsonrpc\":\"2.0\",\"id\":-9223372036854775808,\"result\":%s}", text);
		say("{\"jsonrpc\":\"2.0\",\"id\":9223372036854775807,\"result\":%s}", text);
		say("{\"jsonrpc\":\"2.0\",\"id\":\"%lld\",\"result\":[]}{}", (long long)id);
		say("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700}}");
		say("{\"id\":%lld,\"jsonrpc\":\"2.0\",\"result\":%s}", (long long)id, text);
	}
	say("{\"id\":%lld,\"jsonrpc\":\"2.0\",\"result\":%s}", (long long)id, text);
}

static void
refuse(json_int_t id, int code)
{
	say("{\"error\":{\"code\":%d,\"message\":\"no\"},\"id\":%lld,\"jsonrpc\":\"2.0\"}", code,
	    (long long)id);
}

static void
answer_item(json_int_t id)
{
	if (lie != LONG) {
		result(id, "{\"item\":{\"label\":\"L\",\"title\":\"T\",\"album\":\"\","
			   "\"artist\":[\"Ann\",\"Bob\"],\"type\":\"song\"}}");
		return;
	}
	say("{\"id\":%lld,\"result\":{\"item\":{\"label\":\"", (long long)id);
	say_chunk(KODI_OBJECT_MAX - 1000);
	say("\",\"title\":\"\"}}}");
}

static void
answer_properties(json_int_t id)
{
	result(id,
	       "{\"speed\":%s,\"time\":{\"hours\":0,\"minutes\":0,\"seconds\":%d,\"milliseconds\":"
	       "500},\"totaltime\":{\"hours\":%s,\"minutes\":1,\"seconds\":0,\"milliseconds\":0},"
	       "\"playlistid\":1,\"position\":%d,\"shuffled\":false,\"repeat\":\"off\",\"canseek\":"
	       "true,\"canchangespeed\":true,\"canshuffle\":true,\"canrepeat\":true,"
	       "\"audiostreams\":[{\"index\":0}],\"subtitles\":[],\"currentaudiostream\":{"
	       "\"index\":0},\"currentsubtitle\":null,\"subtitleenabled\":false}",
	       lie == WRONG_TYPE ? "\"fast\""
	       : speed == 0      ? "0"
				 : "1",
	       position, lie == HUGE ? "99999999999" : "0", item);
}

/* What says how it is. Returns false when it is none of these. */
static bool
answer_question(const char *method, json_int_t id)
{
	if (strcmp(method, "JSONRPC.Ping") == 0)
		result(id, "\"pong\"");
	else if (strcmp(method, "Player.GetActivePlayers") == 0)
		result(id, playing ? "[{\"playerid\":1,\"type\":\"video\"}]" : "[]");
	else if (strcmp(method, "Application.GetProperties") == 0)
		result(id, "{\"volume\":%d,\"muted\":false}", volume);
	else if (strcmp(method, "Playlist.GetProperties") == 0)
		result(id, "{\"size\":3}");
	else if (strncmp(method, "Player.Get", 10) != 0)
		return false;
	else if (lie == VANISHES)
		refuse(id, -32100);
	else if (strcmp(method, "Player.GetItem") == 0)
		answer_item(id);
	else
		answer_properties(id);
	return true;
}

static void
seek(json_t *params)
{
	json_t *to = json_object_get(json_object_get(params, "value"), "time");

	if (seeks++ > 0 || lie != LOSES_SEEK)
		position = (int)json_integer_value(json_object_get(to, "seconds"));
}

static void
open_item(json_t *what)
{
	playing = true;
	item = (int)json_integer_value(json_object_get(what, "position"));
	notify("Player.OnPlay");
	notify("Player.OnAVStart");
}

static void
do_method(const char *method, json_t *params)
{
	if (strcmp(method, "Player.PlayPause") == 0)
		speed = json_is_true(json_object_get(params, "play"));
	else if (strcmp(method, "Application.SetVolume") == 0)
		volume = (int)json_integer_value(json_object_get(params, "volume"));
	else if (strcmp(method, "Player.Seek") == 0)
		seek(params);
	else if (strcmp(method, "Player.Open") == 0)
		open_item(json_object_get(params, "item"));
	else if (strcmp(method, "GUI.ShowNotification") == 0)
		snprintf(shown, sizeof(shown), "%s %lld",
			 json_string_value(json_object_get(params, "message")),
			 (long long)json_integer_value(json_object_get(params, "displaytime")));
}

static void
answer(json_t *request)
{
	const char *method = json_string_value(json_object_get(request, "method"));
	json_int_t id = json_integer_value(json_object_get(request, "id"));
	bool greeting = strcmp(method, "JSONRPC.Ping") == 0;

	calls++;
	if (lie == SILENT)
		return;
	if (lie == STRANGER || (lie == RAW && !greeting)) {
		bufferevent_write(client, raw, raw_length);
		return;
	}
	if (lie == ENDLESS && !greeting) {
		say("{\"a\":\"");
		for (int i = 0; i < 50; i++)
			say_chunk(MEGABYTE);
		return;
	}
	for (int i = 0; lie == FLOOD && i < 300; i++)
		notify("Player.OnPropertyChanged");
	if (answer_question(method, id))
		return;
	if (lie == REFUSES || lie == OLD) {
		refuse(id, lie == OLD ? -32601 : -32602);
		return;
	}
	if (lie != NOT_DONE)
		do_method(method, json_object_get(request, "params"));
	result(id, "\"OK\"");
}

static void
on_request(struct bufferevent *stream, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(stream);
	json_t *request;
	json_error_t error;

	while ((request = json_loadb((char *)evbuffer_pullup(in, -1), evbuffer_get_length(in),
				     JSON_DISABLE_EOF_CHECK, &error)) != NULL) {
		assert_true(json_is_object(request));
		evbuffer_drain(in, (size_t)error.position);
		answer(request);
		json_decref(request);
	}
}

static void
on_end(struct bufferevent *stream, short what, void *arg)
{
	ended++;
	unsent = evbuffer_get_length(bufferevent_get_output(stream));
	if (stream == client)
		client = NULL;
	bufferevent_free(stream);
}

static void
hang_up(void)
{
	if (client != NULL)
		bufferevent_free(client);
	client = NULL;
}

static void
on_client(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *address, int length,
	  void *arg)
{
	hang_up();
	client = bufferevent_socket_new(rig.base, fd, BEV_OPT_CLOSE_ON_FREE);
	clients++;
	bufferevent_setcb(client, on_request, NULL, on_end, NULL);
	bufferevent_enable(client, EV_READ | EV_WRITE);
}

/* On the port that it had, when it had one. */
static void
start_listening(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) },
				       .sin_port = htons(port) };
	socklen_t length = sizeof(address);

	listener = evconnlistener_new_bind(rig.base, on_client, NULL,
					   LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 16,
					   (struct sockaddr *)&address, sizeof(address));
	assert_non_null(listener);
	getsockname(evconnlistener_get_fd(listener), (struct sockaddr *)&address, &length);
	port = ntohs(address.sin_port);
}

static void
stop_listening(void)
{
	evconnlistener_free(listener);
	listener = NULL;
	hang_up();
}

static void
on_changed(void *arg, const struct ear_player_state *state)
{
	rig.changes++;
	rig.is_there = state != NULL;
	if (state != NULL)
		rig.told = *state;
}

static void
open_player(bool watched)
{
	char url[64];
	struct player_config config = { .kind = "kodi", .url = url };

	player_free(rig.player);
	snprintf(url, sizeof(url), "tcp://127.0.0.1:%d", port);
	assert_int_equal(player_new(rig.base, rig.clock, &config, watched ? on_changed : NULL, NULL,
				    &rig.player),
			 0);
}

static int
setup(void **state)
{
	rig_init(&rig);
	lie = HONEST;
	playing = true;
	speed = 1;
	volume = 50;
	position = 1;
	item = 0;
	port = clients = ended = seeks = calls = 0;
	client = NULL;
	shown[0] = '\0';
	drops = evbuffer_new();
	ear_timer_init(&drip, rig.clock, on_drip, NULL);
	chunk = malloc(MEGABYTE);
	memset(chunk, 'x', MEGABYTE);
	start_listening();
	open_player(false);
	return 0;
}

static int
teardown(void **state)
{
	ear_timer_stop(&drip);
	if (listener != NULL)
		stop_listening();
	rig_release(&rig);
	evbuffer_free(drops);
	free(chunk);
	return 0;
}

/* Whatever it was told before: an honest Kodi is understood. */
static void
assert_honest_works(void)
{
	lie = HONEST;
	speed = 1;
	position = 1;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_int_equal(speed, 0);
	assert_int_equal(rig.state.playback, EAR_PAUSED);
	assert_string_equal(rig.state.title, "T");
	assert_string_equal(rig.state.artist, "Ann, Bob");
	assert_int_equal(rig.state.position_us, 1500 * EAR_MSEC);
	assert_int_equal(rig.state.volume, volume);
	assert_int_equal(rig.state.audio, 1);
}

static void
test_honest(void **state)
{
	assert_honest_works();
	assert_int_equal(clients, 1);
}

static bool
is_ended(struct rig *r)
{
	return ended > 0;
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
		lie = RAW;
		raw = cases[i].bytes;
		raw_length = cases[i].length;
		ended = 0;
		assert_int_equal(rig_press(&rig, EAR_PAUSE), -EPROTO);
		assert_true(rig_wait(&rig, is_ended)); /* we hung up */
		assert_honest_works();
	}
}

static void
test_deep(void **state)
{
	static char deep[200001];

	memset(deep, '[', sizeof(deep));
	memcpy(deep, "{\"a\":", 5);
	lie = RAW;
	raw = deep;
	raw_length = sizeof(deep);
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -EPROTO);
	assert_honest_works();
}

/* Of 50 MB in one object we take no more than the cap and what sockets hold. */
static void
test_endless(void **state)
{
	lie = ENDLESS;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -EPROTO);
	assert_true(rig_wait(&rig, is_ended));
	assert_true(unsent > 40 * MEGABYTE);
	assert_honest_works();
}

static void
test_long(void **state)
{
	lie = LONG;
	assert_int_equal(rig_look(&rig), 0);
	assert_int_equal(strlen(rig.state.title), EAR_TITLE_MAX - 1);
	assert_honest_works();
}

static void
test_silent(void **state)
{
	int64_t before;

	assert_int_equal(rig_look(&rig), 0);
	before = ear_now(rig.clock);
	lie = SILENT;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -ETIMEDOUT);
	assert_true(ear_now(rig.clock) - before < 3 * EAR_SEC);
	assert_honest_works();
	assert_int_equal(clients, 1);
}

/* It accepts, but says nothing: that is no Kodi which is there. */
static void
test_silent_from_the_start(void **state)
{
	lie = SILENT;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -ETIMEDOUT);
	assert_int_equal(calls, 1);
	assert_string_equal(ear_player_kind(rig.player), "none");
	assert_honest_works();
	assert_string_equal(ear_player_kind(rig.player), "kodi");
}

/* A press that is said to be done, and is not. */
static void
test_not_done(void **state)
{
	lie = NOT_DONE;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -EREMOTEIO);
	assert_int_equal(rig_press_value(&rig, EAR_VOLUME, false, 40), -EREMOTEIO);
	/* That may take long: the state is told as it is. */
	assert_int_equal(rig_press_value(&rig, EAR_SEEK, false, 30 * EAR_SEC), 0);
	assert_int_equal(rig.state.position_us, 1500 * EAR_MSEC);
	assert_honest_works();
}

static void
test_lost_seek(void **state)
{
	lie = LOSES_SEEK;
	assert_int_equal(rig_press_value(&rig, EAR_SEEK, true, 30 * EAR_SEC), 0);
	assert_int_equal(seeks, 2);
	assert_int_equal(rig.state.position_us, 31500 * EAR_MSEC);
	lie = HONEST;
	assert_int_equal(rig_press_value(&rig, EAR_SEEK, false, 10 * EAR_SEC), 0);
	assert_int_equal(seeks, 3);
	assert_honest_works();
}

/* From a film that begins until there is a picture: a question waits, but not for ever. */
static void
test_starting(void **state)
{
	int64_t before;

	assert_int_equal(rig_look(&rig), 0);
	notify("Player.OnPlay");
	rig_run(&rig, 50 * EAR_MSEC);
	before = ear_now(rig.clock);
	assert_int_equal(rig_press_value(&rig, EAR_SEEK, false, 10 * EAR_SEC), 0);
	assert_true(ear_now(rig.clock) - before > 700 * EAR_MSEC);
	notify("Player.OnPlay");
	notify("Player.OnAVStart");
	rig_run(&rig, 50 * EAR_MSEC);
	before = ear_now(rig.clock);
	assert_int_equal(rig_look(&rig), 0);
	assert_true(ear_now(rig.clock) - before < 500 * EAR_MSEC);
}

/* Between what plays and nothing there is a moment in which it is in no list. */
static void
test_resume(void **state)
{
	item = 2;
	assert_int_equal(rig_look(&rig), 0);
	item = -1;
	assert_int_equal(rig_look(&rig), 0);
	playing = false;
	assert_int_equal(rig_press(&rig, EAR_PLAY), 0);
	assert_int_equal(rig.state.playback, EAR_PLAYING);
	assert_int_equal(item, 2);
}

static void
test_wrong_values(void **state)
{
	lie = WRONG_TYPE;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -EPROTO);
	lie = HUGE;
	assert_int_equal(rig_look(&rig), -EPROTO);
	lie = HONEST;
	volume = 101;
	assert_int_equal(rig_look(&rig), -EPROTO);
	volume = 0;
	assert_honest_works();
}

static void
test_wrong_ids(void **state)
{
	lie = WRONG_IDS;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_int_equal(rig.state.playback, EAR_PAUSED);
	assert_honest_works();
}

static void
test_vanishes(void **state)
{
	lie = VANISHES;
	assert_int_equal(rig_look(&rig), 0);
	assert_int_equal(rig.state.playback, EAR_STOPPED);
	assert_int_equal(rig.state.volume, 50);
	assert_string_equal(rig.state.title, "");
	assert_int_equal(rig.state.position_us, -1);
	assert_honest_works();
}

static void
test_refuses(void **state)
{
	struct ear_press key = { .button = EAR_KEY, .key = EAR_KEY_OK };

	lie = REFUSES;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -EREMOTEIO);
	lie = OLD;
	assert_int_equal(rig_press_this(&rig, &key), -EOPNOTSUPP);
	assert_int_equal(rig_look(&rig), 0);
	assert_honest_works();
}

static void
test_flood(void **state)
{
	open_player(true);
	lie = FLOOD;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_int_equal(rig.state.playback, EAR_PAUSED);
}

static void
test_drips(void **state)
{
	lie = DRIPS;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_int_equal(rig.state.playback, EAR_PAUSED);
	assert_int_equal(clients, 1);
}

/* Half an object, and the end. */
static void
test_half(void **state)
{
	assert_int_equal(rig_look(&rig), 0);
	say("{\"jsonrpc\":\"2.0\",\"meth");
	rig_run(&rig, 20 * EAR_MSEC);
	hang_up();
	rig_run(&rig, 20 * EAR_MSEC);
	assert_honest_works();
	assert_int_equal(clients, 2);
}

/* Port 9090 is many a program's. It is told nothing but the greeting, and not asked all the time.
 */
static void
test_stranger(void **state)
{
	static const char http[] = "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";

	lie = STRANGER;
	raw = http;
	raw_length = sizeof(http) - 1;
	open_player(true);
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -EPROTO);
	assert_int_equal(rig_look(&rig), -ENODEV);
	assert_string_equal(ear_player_kind(rig.player), "none");
	rig_run(&rig, 2500 * EAR_MSEC);
	assert_in_range(clients, 2, 4);
	assert_int_equal(calls, clients);
	assert_honest_works();
}

/* One that greets well and then talks nonsense is not connected to without end either. */
static void
test_nonsense_while_watched(void **state)
{
	lie = RAW;
	raw = "nonsense";
	raw_length = 8;
	open_player(true);
	rig_run(&rig, 2500 * EAR_MSEC);
	assert_in_range(clients, 2, 4);
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

	open_player(true);
	assert_true(rig_wait(&rig, is_told_there));
	for (size_t i = 0; i < 2; i++) {
		rig.changes = 0;
		rig.told.playback = EAR_STOPPED;
		speed = 0;
		volume = 20 + (int)i;
		notify(notices[i]);
		assert_true(rig_wait(&rig, is_quiet));
		assert_int_equal(rig.told.volume, volume);
	}
	/* At rest nothing is asked. */
	calls = 0;
	notify("GUI.OnScreensaverActivated");
	rig_run(&rig, 300 * EAR_MSEC);
	assert_int_equal(calls, 0);
}

static void
test_comes_and_goes(void **state)
{
	open_player(true);
	assert_true(rig_wait(&rig, is_told_there));
	rig.changes = 0;
	stop_listening();
	assert_true(rig_wait(&rig, is_told_gone));
	assert_string_equal(ear_player_kind(rig.player), "none");
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -ENODEV);
	start_listening();
	assert_true(rig_wait(&rig, is_told_there)); /* without being asked */
	assert_string_equal(ear_player_kind(rig.player), "kodi");
	stop_listening();
	assert_true(rig_wait(&rig, is_told_gone));
	start_listening();
	assert_honest_works(); /* a press connects at once */
}

/* Nobody who wants to be told: nothing is connected to before a press. */
static void
test_unwatched(void **state)
{
	rig_run(&rig, 100 * EAR_MSEC);
	assert_int_equal(clients, 0);
	stop_listening();
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -ENODEV);
	start_listening();
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
		ear_player_press(rig.player, &press, on_cancelled, &answers);
		lie = turns < 3 ? SILENT : HONEST;
		for (int i = 0; i < turns / 3; i++)
			event_base_loop(rig.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
		open_player(turns % 2 == 0); /* frees the one before */
		assert_int_equal(answers, 1);
	}
}

static bool
is_shown(struct rig *r)
{
	return shown[0] != '\0';
}

static bool
is_cleared(struct rig *r)
{
	return strcmp(shown, " 1500") == 0;
}

static void
test_show(void **state)
{
	assert_int_equal(ear_player_show(rig.player, "too early", EAR_SEC), -ENODEV);
	assert_int_equal(rig_look(&rig), 0);
	assert_int_equal(ear_player_show(rig.player, NULL, 0), 0); /* there is nothing */
	assert_int_equal(rig_look(&rig), 0);
	assert_string_equal(shown, "");
	assert_int_equal(ear_player_show(rig.player, "$INFO[System.Time] [B]x[/B]\n\"", EAR_SEC),
			 0);
	assert_true(rig_wait(&rig, is_shown));
	assert_string_equal(shown, "$INFO(System.Time) (B)x(/B) \" 1500");
	shown[0] = '\0';
	assert_int_equal(ear_player_show(rig.player, "123456", INT64_MAX), 0);
	assert_true(rig_wait(&rig, is_shown));
	assert_string_equal(shown, "123456 3600000");
	assert_int_equal(ear_player_show(rig.player, NULL, 0), 0);
	assert_true(rig_wait(&rig, is_cleared));
	assert_honest_works();
}

static void
test_configuration(void **state)
{
	struct player_config config = { .kind = "kodi", .url = "tcp://kodi.example:9090" };
	struct ear_player *player;

	assert_int_equal(player_new(rig.base, rig.clock, &config, NULL, NULL, &player), -EINVAL);
	assert_null(player);
	config.url = NULL;
	assert_int_equal(player_new(rig.base, rig.clock, &config, NULL, NULL, &player), 0);
	player_free(player);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

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
		TEST(test_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
