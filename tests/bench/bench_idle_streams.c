/* SPDX-License-Identifier: ISC */
/*
 * bench_idle_streams.c: resident memory of each of 10,000 idle plain streams in the process that
 * accepted them, each from another address and by another name. Beside it what no way of doing it
 * can save: one expat parser that has read the same header and one bufferevent for each.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <expat.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>

#include "base/alloc.h"
#include "bench.h"
#include "link/stream.h"
#include "pair.h"

#define STREAMS     10000
#define DESCRIPTORS (STREAMS + 100)
/* The second time that a stream looks, it has been silent. */
#define SILENCE_USEC (2 * STREAM_REST_USEC + EAR_SEC)
#define ANSWER       512 /* bytes that the floor answers with: about a header with features */

/* --- the accepting process ---------------------------------------------------------------- */

static void
ours_main(void *arg, int fd)
{
	struct pair pair = { 0 };
	unsigned port;

	pair_open(&pair, "bench@beta", PAIR_PORT_ANY);
	port = lan_port(pair.lan);
	bench_write(fd, &port, sizeof(port));
	event_base_dispatch(pair.base);
}

static void
on_element(void *arg, const char *name, const char **attributes)
{
}

static void
on_readable(struct bufferevent *io, void *arg)
{
	static const char answer[ANSWER];
	char bytes[ANSWER];
	size_t n = bufferevent_read(io, bytes, sizeof(bytes));

	if (XML_Parse(arg, bytes, (int)n, 0) != XML_STATUS_OK)
		bench_die("expat does not like the header");
	bufferevent_write(io, answer, sizeof(answer));
}

static void
on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *source, int length,
	  void *arg)
{
	struct bufferevent *io = bufferevent_socket_new(arg, fd, BEV_OPT_CLOSE_ON_FREE);
	XML_Parser parser = XML_ParserCreateNS(NULL, '\xff');

	XML_SetElementHandler(parser, on_element, NULL);
	bufferevent_setcb(io, on_readable, NULL, NULL, parser);
	bufferevent_enable(io, EV_READ | EV_WRITE);
}

static void
floor_main(void *arg, int fd)
{
	struct event_base *base = event_base_new();
	unsigned port;
	int listener = bench_listen(&port);

	evutil_make_socket_nonblocking(listener);
	if (evconnlistener_new(base, on_accept, base, LEV_OPT_CLOSE_ON_FREE, 0, listener) == NULL)
		bench_die("evconnlistener_new");
	bench_write(fd, &port, sizeof(port));
	event_base_dispatch(base);
}

/* --- the dialling process ----------------------------------------------------------------- */

/* The nth of them has an address of its own in 127.0.0.0/8. */
static int
dial(unsigned n, unsigned port)
{
	struct sockaddr_in from = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 65536 + n) };
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		bench_die("stream %u: %s", n, strerror(errno));
	return fd;
}

/* Opens a stream and waits until the other end has accepted it: it has answered. */
static int
open_stream(unsigned n, unsigned port)
{
	char bytes[4096];
	int fd = dial(n, port);
	int length = snprintf(bytes, sizeof(bytes),
			      "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
			      "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' "
			      "from='user%u@machine%u' to='bench@beta'>",
			      n, n);

	bench_write(fd, bytes, (size_t)length);
	length = 0;
	while (length < ANSWER && strstr(bytes, "</stream:features>") == NULL) {
		ssize_t got = read(fd, bytes + length, sizeof(bytes) - 1 - (size_t)length);

		if (got <= 0)
			bench_die("stream %u was refused", n);
		length += (int)got;
		bytes[length] = '\0';
	}
	return fd;
}

/* KiB of each stream, usec after the last was opened; none may have been ended meanwhile. */
static double
measure(void (*main)(void *arg, int fd), int64_t usec)
{
	int *fds = xalloc(STREAMS * sizeof(fds[0])), fd;
	pid_t pid = bench_fork(main, NULL, &fd);
	double before, after;
	unsigned port;
	char byte;

	bench_read(fd, &port, sizeof(port));
	before = bench_resident(pid);
	for (unsigned i = 0; i < STREAMS; i++)
		fds[i] = open_stream(i, port);
	usleep((useconds_t)usec);
	after = bench_resident(pid);
	for (unsigned i = 0; i < STREAMS; i++)
		while (recv(fds[i], &byte, 1, MSG_DONTWAIT) == 0)
			bench_die("stream %u was ended", i);
	bench_end(pid, fd);
	for (unsigned i = 0; i < STREAMS; i++)
		close(fds[i]);
	free(fds);
	return (after - before) / STREAMS;
}

int
main(void)
{
	struct bench bench = {
		.name = "idle-streams", .unit = "KiB", .kind = BENCH_OURS_MOST, .bar = 12
	};

	bench_descriptors(DESCRIPTORS);
	for (int i = 0; i < BENCH_RUNS; i++) {
		bench.ours[i] = measure(ours_main, SILENCE_USEC);
		bench.floor[i] = measure(floor_main, 0);
	}
	bench_report(&bench);
	return 0;
}
