/* SPDX-License-Identifier: ISC */
/* test_mpv_ipc.c: something at mpv's socket that lies: none of it blocks, grows or crashes us. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "player/mpv_ipc.h"
#include "player/ops.h"
#include "player_rig.h"

#define MEGABYTE (1024 * 1024)

enum lie {
	HONEST,
	RAW,        /* the test's own bytes instead of an answer */
	ENDLESS,    /* 50 MB without a line end */
	SILENT,     /* reads, and says nothing */
	NOT_DONE,   /* says success, and does nothing */
	WRONG_TYPE, /* pause is "yes" */
	TWICE,      /* every answer two times, and answers to nothing */
	NOTHING,    /* every property is unavailable */
	LONG_TITLE, /* one that a line just holds */
	HUGE,       /* numbers beyond all times */
	FLOOD,      /* events, and then the answer */
};

static struct rig rig;
static enum lie lie;
static const char *raw;
static size_t raw_length;
static bool paused;
static struct evconnlistener *listener;
static struct bufferevent *client; /* the last one */
static int clients, ended;
static size_t unsent; /* what the last one to go had not taken */
static char *chunk;

static void
say(struct bufferevent *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	evbuffer_add_vprintf(bufferevent_get_output(out), format, args);
	va_end(args);
}

static void
say_chunk(struct bufferevent *out, size_t length)
{
	evbuffer_add_reference(bufferevent_get_output(out), chunk, length, NULL, NULL);
}

/* What an mpv that plays one title would say. */
static const char *
value_of(const char *property)
{
	static const char *const values[][2] = {
		{ "idle-active", "false" }, { "media-title", "\"T\"" }, { "time-pos", "1.5" },
		{ "duration", "20" },       { "volume", "50.0" },       { "mute", "false" },
		{ "seekable", "true" },     { "playlist-count", "1" },  { "playlist-pos", "0" },
	};

	if (strcmp(property, "pause") == 0)
		return lie == WRONG_TYPE ? "\"yes\"" : paused ? "true" : "false";
	if (lie == HUGE && (strcmp(property, "time-pos") == 0 || strcmp(property, "volume") == 0))
		return "1e300";
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		if (strcmp(values[i][0], property) == 0)
			return values[i][1];
	return NULL;
}

static void
answer_get(struct bufferevent *out, const char *property, json_int_t id)
{
	const char *value = value_of(property);

	if (lie == NOTHING || value == NULL) {
		say(out, "{\"request_id\":%lld,\"error\":\"property unavailable\"}\n",
		    (long long)id);
		return;
	}
	if (lie == LONG_TITLE && strcmp(property, "media-title") == 0) {
		say(out, "{\"request_id\":%lld,\"error\":\"success\",\"data\":\"", (long long)id);
		say_chunk(out, MPV_LINE_MAX - 1000);
		say(out, "\"}\n");
		return;
	}
	say(out, "{\"request_id\":%lld,\"error\":\"success\",\"data\":%s}\n", (long long)id, value);
}

static void
answer_command(struct bufferevent *out, json_t *command, json_int_t id)
{
	const char *verb = json_string_value(json_array_get(command, 0));
	const char *property = json_string_value(json_array_get(command, 1));

	if (strcmp(verb, "get_property") == 0) {
		answer_get(out, property, id);
		return;
	}
	if (strcmp(verb, "set_property") == 0 && strcmp(property, "pause") == 0 && lie != NOT_DONE)
		paused = json_is_true(json_array_get(command, 2));
	say(out, "{\"request_id\":%lld,\"error\":\"success\"}\n", (long long)id);
}

static void
answer(struct bufferevent *out, json_t *request)
{
	json_t *command = json_object_get(request, "command");
	json_int_t id = json_integer_value(json_object_get(request, "request_id"));

	switch (lie) {
	case SILENT:
		return;
	case RAW:
		bufferevent_write(out, raw, raw_length);
		return;
	case ENDLESS:
		for (int i = 0; i < 50; i++)
			say_chunk(out, MEGABYTE);
		return;
	case FLOOD:
		for (int i = 0; i < 300; i++)
			say(out, "{\"event\":\"property-change\",\"id\":9,\"name\":\"x\"}\n");
		break;
	case TWICE:
		say(out, "{\"request_id\":-9223372036854775808,\"error\":\"success\"}\n");
		say(out, "{\"request_id\":9223372036854775807,\"error\":\"success\"}\n");
		say(out, "{\"request_id\":\"%lld\",\"error\":\"success\"}\n{}\n", (long long)id);
		answer_command(out, command, id);
		break;
	case HONEST:
	case NOT_DONE:
	case WRONG_TYPE:
	case NOTHING:
	case LONG_TITLE:
	case HUGE:
		break;
	}
	answer_command(out, command, id);
}

static void
on_request(struct bufferevent *stream, void *arg)
{
	struct evbuffer *in = bufferevent_get_input(stream);
	char *line;

	while ((line = evbuffer_readln(in, NULL, EVBUFFER_EOL_LF)) != NULL) {
		json_t *request = json_loads(line, 0, NULL);

		assert_true(json_is_object(request));
		answer(stream, request);
		json_decref(request);
		free(line);
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
on_client(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *address, int length,
	  void *arg)
{
	if (client != NULL)
		bufferevent_free(client);
	client = bufferevent_socket_new(rig.base, fd, BEV_OPT_CLOSE_ON_FREE);
	clients++;
	bufferevent_setcb(client, on_request, NULL, on_end, NULL);
	bufferevent_enable(client, EV_READ | EV_WRITE);
}

static struct sockaddr_un
address_of(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	return address;
}

static int
setup(void **state)
{
	struct sockaddr_un address;

	rig_init(&rig);
	address = address_of(rig.socket);
	listener = evconnlistener_new_bind(rig.base, on_client, NULL, LEV_OPT_CLOSE_ON_FREE, 16,
					   (struct sockaddr *)&address, sizeof(address));
	assert_non_null(listener);
	lie = HONEST;
	paused = false;
	clients = ended = 0;
	client = NULL;
	chunk = malloc(MEGABYTE);
	memset(chunk, 'x', MEGABYTE);
	rig_open(&rig, false);
	return 0;
}

static int
teardown(void **state)
{
	if (client != NULL)
		bufferevent_free(client);
	evconnlistener_free(listener);
	rig_release(&rig);
	free(chunk);
	return 0;
}

/* Whatever it was told before: an honest mpv is understood. */
static void
assert_honest_works(void)
{
	lie = HONEST;
	paused = false;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_int_equal(rig.state.playback, EAR_PAUSED);
	assert_string_equal(rig.state.title, "T");
	assert_int_equal(rig.state.position_us, 1500 * EAR_MSEC);
	assert_int_equal(rig.state.volume, 50);
}

static void
test_honest(void **state)
{
	assert_honest_works();
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
		CASE("hello\n"),
		CASE("\n"),
		CASE("{\"request_id\":1,\n"),
		CASE("[]\n"),
		CASE("12\n"),
		CASE("null\n"),
		CASE("{\"a\":\"\0\"}\n"),
		CASE("{\"a\":\"\\u0000\"}\n"),
		CASE("\0\0\0\0\n"),
		CASE("{\"a\":1e999}\n"),
		CASE("{\"a\":99999999999999999999999}\n"),
		CASE("{\"event\":\"x\"}trailing\n"),
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

	memset(deep, '[', sizeof(deep) - 1);
	memcpy(deep, "{\"a\":", 5);
	deep[sizeof(deep) - 1] = '\n';
	lie = RAW;
	raw = deep;
	raw_length = sizeof(deep);
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -EPROTO);
	assert_honest_works();
}

/* Of 50 MB in one line we take no more than the cap and what sockets hold. */
static void
test_endless(void **state)
{
	lie = ENDLESS;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -EPROTO);
	assert_true(rig_wait(&rig, is_ended));
	assert_true(unsent > 45 * MEGABYTE);
	assert_honest_works();
}

static void
test_long_title(void **state)
{
	lie = LONG_TITLE;
	assert_int_equal(rig_look(&rig), 0);
	assert_int_equal(strlen(rig.state.title), EAR_TITLE_MAX - 1);
}

static void
test_silent(void **state)
{
	int64_t before = ear_now(rig.clock);

	lie = SILENT;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -ETIMEDOUT);
	assert_true(ear_now(rig.clock) - before < 3 * PLAYER_TIMEOUT);
	assert_honest_works();
	assert_int_equal(clients, 1);
}

/* A press that is said to be done, and is not. */
static void
test_not_done(void **state)
{
	lie = NOT_DONE;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -EREMOTEIO);
	assert_honest_works();
}

static void
test_wrong_values(void **state)
{
	lie = WRONG_TYPE;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -EPROTO);
	lie = HUGE;
	assert_int_equal(rig_look(&rig), -EPROTO);
	lie = NOTHING; /* an mpv without `pause` is none */
	assert_int_equal(rig_look(&rig), -EPROTO);
	assert_honest_works();
}

/* One that never speaks its protocol is tried again now and then, less and less often. */
static void
test_tried_again_at_leisure(void **state)
{
	lie = RAW;
	raw = "no\n";
	raw_length = strlen(raw);
	player_free(rig.player);
	rig_open(&rig, true);
	rig_run(&rig, 5 * EAR_SEC);
	assert_in_range(clients, 2, 4); /* at once, and after 1 and 2 s more */
	assert_honest_works();
}

static void
test_twice(void **state)
{
	lie = TWICE;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_int_equal(rig.state.playback, EAR_PAUSED);
	assert_honest_works();
}

static void
test_flood(void **state)
{
	lie = FLOOD;
	assert_int_equal(rig_press(&rig, EAR_PAUSE), 0);
	assert_int_equal(rig.state.playback, EAR_PAUSED);
}

/* Nobody accepts, and the kernel's queue for it is full: we are told at once, and do not block. */
static void
test_backlog_full(void **state)
{
	char path[100];
	struct sockaddr_un address;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), fds[8], n = 0;
	struct player_config config = { .kind = "mpv", .socket = path };

	snprintf(path, sizeof(path), "%s/full", rig.dir);
	address = address_of(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 0), 0);
	for (int error = 0; n < 8 && error == 0; n++) {
		fds[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		error = connect(fds[n], (struct sockaddr *)&address, sizeof(address));
	}
	player_free(rig.player);
	assert_int_equal(player_new(rig.base, rig.clock, &config, NULL, NULL, &rig.player), 0);
	assert_int_equal(rig_press(&rig, EAR_PAUSE), -ETIMEDOUT);
	while (n > 0)
		close(fds[--n]);
	close(fd);
}

static void
on_nothing(void *arg, json_t *object)
{
}

static void
on_gone(void *arg, int error)
{
}

/* What waits for an mpv that does not read is bounded. */
static void
test_unread(void **state)
{
	static const struct mpv_ipc_events events = { on_nothing, on_gone };
	int error = 0, sent = 0;
	struct mpv_ipc *ipc = mpv_ipc_new(rig.base, rig.socket, &events, NULL, &error);

	assert_non_null(ipc);
	for (; error == 0 && sent < 100000; sent++)
		error = mpv_ipc_send(ipc, sent, json_pack("[s]", "command"));
	assert_int_equal(error, -ENOBUFS);
	assert_true(sent > 100 && sent < 10000);
	mpv_ipc_free(ipc);
}

static void
assert_repaired(const char *before, const char *after)
{
	char text[64];

	snprintf(text, sizeof(text), "%s", before);
	mpv_ipc_repair(text, strlen(text));
	assert_string_equal(text, after);
}

static void
test_repair(void **state)
{
	assert_repaired("", "");
	assert_repaired("plain", "plain");
	assert_repaired("Bj\xc3\xb6rk", "Bj\xc3\xb6rk");
	assert_repaired("Bj\xf6rk", "Bj?rk");
	assert_repaired("\xff\xfe", "??");
	assert_repaired("end\xe2\x82", "end??");
	assert_repaired("\xc0\xaf \xed\xa0\x80", "?? ???"); /* overlong, surrogate */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_honest),       TEST(test_tried_again_at_leisure),
		TEST(test_malformed),    TEST(test_deep),
		TEST(test_endless),      TEST(test_long_title),
		TEST(test_silent),       TEST(test_not_done),
		TEST(test_wrong_values), TEST(test_twice),
		TEST(test_flood),        TEST(test_backlog_full),
		TEST(test_unread),       cmocka_unit_test(test_repair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
