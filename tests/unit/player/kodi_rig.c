/* SPDX-License-Identifier: ISC */
/* kodi_rig.c: a fake Kodi, for faults only. */
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
#include "kodi_rig.h"
#include "player/kind.h"

#define MEGABYTE (1024 * 1024)

struct kodi_rig kodi_rig;

static struct kodi_rig *const kodi = &kodi_rig;

static void
on_drip(void *arg)
{
	if (kodi->client != NULL)
		evbuffer_remove_buffer(kodi->drops, bufferevent_get_output(kodi->client), 1);
	if (evbuffer_get_length(kodi->drops) > 0)
		ear_timer_set(&kodi->drip, 0);
}

void
kodi_rig_say(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (kodi->lie == DRIPS) {
		evbuffer_add_vprintf(kodi->drops, format, args);
		ear_timer_set(&kodi->drip, 0);
	} else {
		evbuffer_add_vprintf(bufferevent_get_output(kodi->client), format, args);
	}
	va_end(args);
}

static void
say_chunk(size_t length)
{
	evbuffer_add_reference(bufferevent_get_output(kodi->client), kodi->chunk, length, NULL,
			       NULL);
}

void
kodi_rig_notify(const char *method)
{
	kodi_rig_say("{\"jsonrpc\":\"2.0\",\"method\":\"%s\",\"params\":{\"data\":null}}", method);
}

static void __attribute__((format(printf, 2, 3))) result(json_int_t id, const char *format, ...)
{
	char text[2048];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (kodi->lie == WRONG_IDS) {
		kodi_rig_say("{\"jsonrpc\":\"2.0\",\"id\":-9223372036854775808,\"result\":%s}",
			     text);
		kodi_rig_say("{\"jsonrpc\":\"2.0\",\"id\":9223372036854775807,\"result\":%s}",
			     text);
		kodi_rig_say("{\"jsonrpc\":\"2.0\",\"id\":\"%lld\",\"result\":[]}{}",
			     (long long)id);
		kodi_rig_say("{\"jsonrpc\":\"2.0\",\"id\":null,\"error\":{\"code\":-32700}}");
		kodi_rig_say("{\"id\":%lld,\"jsonrpc\":\"2.0\",\"result\":%s}", (long long)id,
			     text);
	}
	kodi_rig_say("{\"id\":%lld,\"jsonrpc\":\"2.0\",\"result\":%s}", (long long)id, text);
}

static void
refuse(json_int_t id, int code)
{
	kodi_rig_say("{\"error\":{\"code\":%d,\"message\":\"no\"},\"id\":%lld,\"jsonrpc\":\"2.0\"}",
		     code, (long long)id);
}

static void
answer_item(json_int_t id)
{
	if (kodi->lie != LONG) {
		result(id, "{\"item\":{\"label\":\"L\",\"title\":\"T\",\"album\":\"\","
			   "\"artist\":[\"Ann\",\"Bob\"],\"type\":\"song\"}}");
		return;
	}
	kodi_rig_say("{\"id\":%lld,\"result\":{\"item\":{\"label\":\"", (long long)id);
	say_chunk(KODI_OBJECT_MAX - 1000);
	kodi_rig_say("\",\"title\":\"\"}}}");
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
	       kodi->lie == WRONG_TYPE ? "\"fast\""
	       : kodi->speed == 0      ? "0"
				       : "1",
	       kodi->position, kodi->lie == HUGE ? "99999999999" : "0", kodi->item);
}

/* What says how it is. Returns false when it is none of these. */
static bool
answer_question(const char *method, json_int_t id)
{
	if (strcmp(method, "JSONRPC.Ping") == 0)
		result(id, "\"pong\"");
	else if (strcmp(method, "Player.GetActivePlayers") == 0)
		result(id, kodi->playing ? "[{\"playerid\":1,\"type\":\"video\"}]" : "[]");
	else if (strcmp(method, "Application.GetProperties") == 0)
		result(id, "{\"volume\":%d,\"muted\":false}", kodi->volume);
	else if (strcmp(method, "Playlist.GetProperties") == 0)
		result(id, "{\"size\":3}");
	else if (strncmp(method, "Player.Get", 10) != 0)
		return false;
	else if (kodi->lie == VANISHES)
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

	if (kodi->seeks++ > 0 || kodi->lie != LOSES_SEEK)
		kodi->position = (int)json_integer_value(json_object_get(to, "seconds"));
}

static void
open_item(json_t *what)
{
	kodi->playing = true;
	kodi->item = (int)json_integer_value(json_object_get(what, "position"));
	kodi_rig_notify("Player.OnPlay");
	kodi_rig_notify("Player.OnAVStart");
}

static void
do_method(const char *method, json_t *params)
{
	if (strcmp(method, "Player.PlayPause") == 0)
		kodi->speed = json_is_true(json_object_get(params, "play"));
	else if (strcmp(method, "Application.SetVolume") == 0)
		kodi->volume = (int)json_integer_value(json_object_get(params, "volume"));
	else if (strcmp(method, "Player.Seek") == 0)
		seek(params);
	else if (strcmp(method, "Player.Open") == 0)
		open_item(json_object_get(params, "item"));
	else if (strcmp(method, "GUI.ShowNotification") == 0)
		snprintf(kodi->shown, sizeof(kodi->shown), "%s %lld",
			 json_string_value(json_object_get(params, "message")),
			 (long long)json_integer_value(json_object_get(params, "displaytime")));
}

static void
answer(json_t *request)
{
	const char *method = json_string_value(json_object_get(request, "method"));
	json_int_t id = json_integer_value(json_object_get(request, "id"));
	bool greeting = strcmp(method, "JSONRPC.Ping") == 0;

	kodi->calls++;
	if (kodi->lie == SILENT)
		return;
	if (kodi->lie == STRANGER || (kodi->lie == RAW && !greeting)) {
		bufferevent_write(kodi->client, kodi->raw, kodi->raw_length);
		return;
	}
	if (kodi->lie == ENDLESS && !greeting) {
		kodi_rig_say("{\"a\":\"");
		for (int i = 0; i < 50; i++)
			say_chunk(MEGABYTE);
		return;
	}
	for (int i = 0; kodi->lie == FLOOD && i < 300; i++)
		kodi_rig_notify("Player.OnPropertyChanged");
	if (answer_question(method, id))
		return;
	if (kodi->lie == REFUSES || kodi->lie == OLD) {
		refuse(id, kodi->lie == OLD ? -32601 : -32602);
		return;
	}
	if (kodi->lie != NOT_DONE)
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
	kodi->ended++;
	kodi->unsent = evbuffer_get_length(bufferevent_get_output(stream));
	if (stream == kodi->client)
		kodi->client = NULL;
	bufferevent_free(stream);
}

void
kodi_rig_stop_reading(void)
{
	bufferevent_disable(kodi->client, EV_READ);
}

void
kodi_rig_hang_up(void)
{
	if (kodi->client != NULL)
		bufferevent_free(kodi->client);
	kodi->client = NULL;
}

static void
on_client(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *address, int length,
	  void *arg)
{
	kodi_rig_hang_up();
	kodi->client = bufferevent_socket_new(kodi->rig.base, fd, BEV_OPT_CLOSE_ON_FREE);
	kodi->clients++;
	bufferevent_setcb(kodi->client, on_request, NULL, on_end, NULL);
	bufferevent_enable(kodi->client, EV_READ | EV_WRITE);
}

/* On the port that it had, when it had one. */
void
kodi_rig_start(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr = { htonl(INADDR_LOOPBACK) },
				       .sin_port = htons(kodi->port) };
	socklen_t length = sizeof(address);

	kodi->listener = evconnlistener_new_bind(kodi->rig.base, on_client, NULL,
						 LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 16,
						 (struct sockaddr *)&address, sizeof(address));
	assert_non_null(kodi->listener);
	getsockname(evconnlistener_get_fd(kodi->listener), (struct sockaddr *)&address, &length);
	kodi->port = ntohs(address.sin_port);
}

void
kodi_rig_stop(void)
{
	evconnlistener_free(kodi->listener);
	kodi->listener = NULL;
	kodi_rig_hang_up();
}

static void
on_changed(void *arg, const struct ear_player_state *state)
{
	kodi->rig.changes++;
	kodi->rig.is_there = state != NULL;
	if (state != NULL)
		kodi->rig.told = *state;
}

void
kodi_rig_open(bool watched)
{
	char url[64];
	struct player_config config = { .kind = "kodi", .url = url };

	player_free(kodi->rig.player);
	snprintf(url, sizeof(url), "tcp://127.0.0.1:%d", kodi->port);
	assert_int_equal(player_new(kodi->rig.base, kodi->rig.clock, &config,
				    watched ? on_changed : NULL, NULL, &kodi->rig.player),
			 0);
}

int
kodi_rig_setup(void **state)
{
	rig_init(&kodi->rig);
	kodi->lie = HONEST;
	kodi->playing = true;
	kodi->speed = 1;
	kodi->volume = 50;
	kodi->position = 1;
	kodi->item = 0;
	kodi->port = kodi->clients = kodi->ended = kodi->seeks = kodi->calls = 0;
	kodi->client = NULL;
	kodi->shown[0] = '\0';
	kodi->drops = evbuffer_new();
	ear_timer_init(&kodi->drip, kodi->rig.clock, on_drip, NULL);
	kodi->chunk = malloc(MEGABYTE);
	memset(kodi->chunk, 'x', MEGABYTE);
	kodi_rig_start();
	kodi_rig_open(false);
	return 0;
}

int
kodi_rig_teardown(void **state)
{
	ear_timer_stop(&kodi->drip);
	if (kodi->listener != NULL)
		kodi_rig_stop();
	rig_release(&kodi->rig);
	evbuffer_free(kodi->drops);
	free(kodi->chunk);
	return 0;
}
