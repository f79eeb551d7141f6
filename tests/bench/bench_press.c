/* SPDX-License-Identifier: ISC */
/*
 * bench_press.c: from a press to its effect, as the player's own event tells it, by four ways in
 * turns: straight into mpv's JSON IPC; through two daemons over the direct stream of a LAN; through
 * the same two daemons and a server; through an MQTT broker, at QoS 1, and a bridge that does
 * nothing but write to mpv what it gets. All processes share one core.
 *
 *	bench_press MPV-SOCKET ENGINE-SOCKET BOX BROKER PORT NAMESPACE
 *
 * ENGINE-SOCKET is the daemon's beside us, BOX the address of mpv's daemon, NAMESPACE the network
 * of the machine where mpv and the bridge are.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <mosquitto.h>

#include "bench.h"

#define PRESSES  100 /* of one run, by each way */
#define WARM     50
#define PATIENCE 5000  /* ms for one press */
#define REST     10000 /* us after it: what it caused besides is over */

#define TOPIC "box/pause"

enum way { WAY_MPV, WAY_LAN, WAY_SERVER, WAY_BROKER, WAYS };

/* What comes from a socket, looked through for a word. */
struct intake {
	int fd;
	size_t used;
	char text[64 * 1024];
};

struct bench_press {
	struct intake watch, mpv, engine;
	struct mosquitto *broker;
	bool connected, published; /* the broker has acknowledged that */
	const char *box;
	bool paused;
	unsigned id;
};

static int
connect_path(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (snprintf(to.sun_path, sizeof(to.sun_path), "%s", path) >= (int)sizeof(to.sun_path))
		bench_die("%s: too long", path);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		bench_die("%s: %s", path, strerror(errno));
	return fd;
}

/* Until the word was read; what came before it is forgotten. When that was. */
static int64_t
intake_wait(struct intake *in, const char *word)
{
	struct pollfd ready = { in->fd, POLLIN, 0 };
	int64_t now = 0;
	char *hit;

	while ((hit = strstr(in->text, word)) == NULL) {
		ssize_t n;

		if (in->used == sizeof(in->text) - 1)
			in->used = 0;
		if (poll(&ready, 1, PATIENCE) != 1)
			bench_die("no %s in %.500s", word, in->text);
		n = read(in->fd, in->text + in->used, sizeof(in->text) - 1 - in->used);
		now = bench_now();
		if (n <= 0)
			bench_die("gone before %s", word);
		in->used += (size_t)n;
		in->text[in->used] = '\0';
	}
	hit += strlen(word);
	in->used -= (size_t)(hit - in->text);
	memmove(in->text, hit, in->used + 1);
	return now;
}

/* What was not read in time to be told apart from what comes. */
static void
intake_empty(struct intake *in)
{
	while (recv(in->fd, in->text, sizeof(in->text), MSG_DONTWAIT) > 0)
		;
	in->used = 0;
	in->text[0] = '\0';
}

static void
write_text(int fd, const char *text)
{
	bench_write(fd, text, strlen(text));
}

/* As the bridge does it, too. */
static void
write_pause(int fd, bool pause)
{
	write_text(fd, pause ? "{\"command\":[\"set_property\",\"pause\",true],\"request_id\":1}\n"
			     : "{\"command\":[\"set_property\",\"pause\",false],"
			       "\"request_id\":1}\n");
}

/* The bridge: subscribes, and never returns. */

struct bridge {
	const char *mpv_path, *host, *space;
	int port, mpv;
};

static void
on_message(struct mosquitto *broker, void *arg, const struct mosquitto_message *message)
{
	const struct bridge *bridge = arg;

	write_pause(bridge->mpv, message->payloadlen == 1 && *(char *)message->payload == '1');
}

static void
enter(const char *space)
{
	int fd = open(space, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
		bench_die("%s: %s", space, strerror(errno));
	close(fd);
}

static void
on_subscribed(struct mosquitto *broker, void *arg, int mid, int count, const int *granted)
{
	*(bool *)arg = count == 1 && granted[0] == 1;
}

static struct mosquitto *
broker_new(const char *id, const char *host, int port, void *arg)
{
	struct mosquitto *broker = mosquitto_new(id, true, arg);

	mosquitto_int_option(broker, MOSQ_OPT_TCP_NODELAY, 1);
	if (mosquitto_connect(broker, host, port, 60) != MOSQ_ERR_SUCCESS)
		bench_die("no broker at %s:%d", host, port);
	return broker;
}

static void
bridge_main(void *arg, int fd)
{
	struct bridge *bridge = arg;
	struct mosquitto *broker;
	bool subscribed = false;

	enter(bridge->space);
	bridge->mpv = connect_path(bridge->mpv_path);
	broker = broker_new("bridge", bridge->host, bridge->port, &subscribed);
	mosquitto_subscribe_callback_set(broker, on_subscribed);
	mosquitto_subscribe(broker, NULL, TOPIC, 1);
	while (!subscribed)
		if (mosquitto_loop(broker, -1, 1) != MOSQ_ERR_SUCCESS)
			bench_die("the broker has gone");
	mosquitto_user_data_set(broker, bridge);
	mosquitto_message_callback_set(broker, on_message);
	write_text(fd, "!");
	while (mosquitto_loop(broker, -1, 1) == MOSQ_ERR_SUCCESS) {
		char answer[4096];

		while (recv(bridge->mpv, answer, sizeof(answer), MSG_DONTWAIT) > 0)
			;
	}
	bench_die("the broker has gone");
}

/* A press by each way: sent, and when its effect was there, all that it was answered. */

static void
on_connected(struct mosquitto *broker, void *arg, int refused)
{
	((struct bench_press *)arg)->connected = refused == 0;
}

static void
on_published(struct mosquitto *broker, void *arg, int mid)
{
	((struct bench_press *)arg)->published = true;
}

static void
send_by_broker(struct bench_press *press, bool pause)
{
	press->published = false;
	if (mosquitto_publish(press->broker, NULL, TOPIC, 1, pause ? "1" : "0", 1, false) !=
	    MOSQ_ERR_SUCCESS)
		bench_die("the broker has gone");
}

static void
send_by_engine(struct bench_press *press, bool pause, const char *path)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "<iq type='set' to='%s' id='p%u'><press xmlns='urn:earshot:buttons:0' "
		 "button='%s'/><route xmlns='urn:earshot:control:0' path='%s'/></iq>",
		 press->box, ++press->id, pause ? "pause" : "play", path);
	write_text(press->engine.fd, text);
}

/* It was done, and by the way that was asked for. */
static void
answer_of_engine(struct bench_press *press, const char *path)
{
	char word[64];

	snprintf(word, sizeof(word), "id=\"p%u\"", press->id);
	intake_wait(&press->engine, word);
	snprintf(word, sizeof(word), "link=\"%s\"", path);
	intake_wait(&press->engine, word);
	intake_wait(&press->engine, "</iq>");
}

static void
press_send(struct bench_press *press, enum way way, bool pause)
{
	switch (way) {
	case WAY_MPV:
		write_pause(press->mpv.fd, pause);
		break;
	case WAY_LAN:
		send_by_engine(press, pause, "lan");
		break;
	case WAY_SERVER:
		send_by_engine(press, pause, "server");
		break;
	case WAY_BROKER:
		send_by_broker(press, pause);
		break;
	case WAYS:
		break;
	}
}

static void
press_answer(struct bench_press *press, enum way way)
{
	switch (way) {
	case WAY_MPV:
		intake_wait(&press->mpv, "\"success\"");
		break;
	case WAY_LAN:
		answer_of_engine(press, "lan");
		break;
	case WAY_SERVER:
		answer_of_engine(press, "server");
		break;
	case WAY_BROKER:
		while (!press->published)
			if (mosquitto_loop(press->broker, PATIENCE, 1) != MOSQ_ERR_SUCCESS)
				bench_die("the broker has gone");
		break;
	case WAYS:
		break;
	}
}

/* Microseconds from just before it is sent to mpv's own event. */
static double
press_once(struct bench_press *press, enum way way)
{
	bool pause = !press->paused;
	int64_t start, effect;

	intake_empty(&press->watch);
	start = bench_now();
	press_send(press, way, pause);
	effect = intake_wait(&press->watch, pause ? "\"name\":\"pause\",\"data\":true"
						  : "\"name\":\"pause\",\"data\":false");
	press_answer(press, way);
	press->paused = pause;
	usleep(REST);
	return (double)(effect - start) / 1e3;
}

/* The medians of a run, in which the ways take turns. */
static void
press_run(struct bench_press *press, int count, double medians[WAYS])
{
	static double took[WAYS][PRESSES];

	for (int i = 0; i < count; i++)
		for (int way = 0; way < WAYS; way++)
			took[way][i] = press_once(press, way);
	for (int way = 0; way < WAYS; way++)
		medians[way] = bench_median(took[way], (size_t)count);
}

static void
press_open(struct bench_press *press, char **argv)
{
	press->watch.fd = connect_path(argv[1]);
	press->mpv.fd = connect_path(argv[1]);
	write_pause(press->mpv.fd, false);
	intake_wait(&press->mpv, "\"success\"");
	write_text(press->watch.fd, "{\"command\":[\"observe_property\",1,\"pause\"]}\n");
	intake_wait(&press->watch, "\"name\":\"pause\",\"data\":false");
	press->engine.fd = connect_path(argv[2]);
	write_text(press->engine.fd,
		   "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
		   "xmlns:stream='http://etherx.jabber.org/streams' version='1.0'>");
	press->box = argv[3];
	press->broker = broker_new("remote", argv[4], atoi(argv[5]), press);
	mosquitto_connect_callback_set(press->broker, on_connected);
	mosquitto_publish_callback_set(press->broker, on_published);
	while (!press->connected)
		if (mosquitto_loop(press->broker, PATIENCE, 1) != MOSQ_ERR_SUCCESS)
			bench_die("the broker has gone");
}

int
main(int argc, char **argv)
{
	struct bench lan = { "press-lan", "us", BENCH_EXTRA_MOST, 1000, { 0 }, { 0 } };
	struct bench server = { "press-ejabberd", "us", BENCH_RATIO_MOST, 1, { 0 }, { 0 } };
	struct bench broker = { "press-mosquitto", "us", BENCH_RATIO_MOST, 1, { 0 }, { 0 } };
	struct bridge bridge;
	static struct bench_press press;
	double took[WAYS];
	char ready;
	int fd;
	pid_t pid;

	if (argc != 7)
		bench_die("usage: bench_press MPV-SOCKET ENGINE-SOCKET BOX BROKER PORT NAMESPACE");
	bench_pin(0);
	mosquitto_lib_init();
	bridge = (struct bridge){ argv[1], argv[4], argv[6], atoi(argv[5]), -1 };
	pid = bench_fork(bridge_main, &bridge, &fd);
	bench_read(fd, &ready, 1);
	press_open(&press, argv);
	press_run(&press, WARM, took);
	for (int i = 0; i < BENCH_RUNS; i++) {
		press_run(&press, PRESSES, took);
		lan.ours[i] = server.ours[i] = broker.ours[i] = took[WAY_LAN];
		lan.floor[i] = took[WAY_MPV];
		server.floor[i] = took[WAY_SERVER];
		broker.floor[i] = took[WAY_BROKER];
	}
	bench_end(pid, fd);
	mosquitto_destroy(press.broker);
	mosquitto_lib_cleanup();
	bench_report(&lan);
	bench_report(&server);
	bench_report(&broker);
	return 0;
}
