/* SPDX-License-Identifier: ISC */
/*
 * bench_idle_tls.c: resident memory of each of 2,000 idle streams with TLS, at the end that has
 * accepted them and at the end that has dialled them, each by another name. Beside it what no way
 * of doing it can save: a bare TLS connection that has given its buffers back, one expat parser
 * that has read a header, and one bufferevent for each.
 */
#include <expat.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/bufferevent.h>
#include <event2/event.h>

#include "bare.h"
#include "base/alloc.h"
#include "bench.h"
#include "link/stream.h"
#include "link/tls.h"
#include "pair.h"

#define STREAMS     2000
#define DESCRIPTORS (4 * STREAMS + 100)
#define AT_ONCE     16 /* handshakes: a stranger may not begin many more */
#define TARGET      "bench@beta.local"
/* The second time that a stream looks, it has been silent. */
#define SILENCE_USEC (2 * STREAM_REST_USEC + EAR_SEC)

static struct tls_peers *
new_peers(void)
{
	struct bare_id id;

	bare_id_make(&id);
	return tls_peers_new(id.key, id.certificate);
}

/* --- ours ----------------------------------------------------------------------------------- */

static void
accept_main(void *arg, int fd)
{
	struct pair pair = { .tls = new_peers() };
	unsigned port;

	pair_open(&pair, "bench@beta", PAIR_PORT_ANY);
	port = lan_port(pair.lan);
	bench_write(fd, &port, sizeof(port));
	event_base_dispatch(pair.base);
}

static void
dial_one(struct pair *pairs, size_t i)
{
	if (lan_open(pairs[i].lan, TARGET) == NULL)
		bench_die("nowhere to dial");
	while (i >= AT_ONCE - 1 && pairs[i + 1 - AT_ONCE].up == 0)
		if (event_base_loop(pairs[0].base, EVLOOP_ONCE) != 0)
			bench_die("no event loop");
}

/* Tells when it has all it needs but the streams, and, told to go on, when these are up. */
static void
dial_main(void *arg, int fd)
{
	struct pair *pairs = xalloc(STREAMS * sizeof(pairs[0]));
	char name[32], byte = 0;

	pairs[0].tls = new_peers();
	bench_read(fd, &pairs[0].peer_port, sizeof(pairs[0].peer_port));
	for (size_t i = 0; i < STREAMS; i++) {
		snprintf(name, sizeof(name), "user%zu@machine%zu", i, i);
		if (i == 0)
			pair_open(&pairs[0], name, PAIR_PORT_ANY);
		else
			pair_open_beside(&pairs[i], &pairs[0], name);
	}
	bench_write(fd, &byte, 1);
	bench_read(fd, &byte, 1);
	for (size_t i = 0; i < STREAMS; i++)
		dial_one(pairs, i);
	for (size_t i = 0; i < STREAMS; i++)
		while (pairs[i].up == 0)
			event_base_loop(pairs[0].base, EVLOOP_ONCE);
	bench_write(fd, &byte, 1);
	event_base_loopexit(pairs[0].base, &(struct timeval){ SILENCE_USEC / EAR_SEC + 1, 0 });
	event_base_dispatch(pairs[0].base);
	for (size_t i = 0; i < STREAMS; i++)
		if (pairs[i].up != 1 || pairs[i].down != 0)
			bench_die("stream %zu was ended", i);
	bench_write(fd, &byte, 1);
	pause();
}

/* KiB of each stream: out[0] at the end that has accepted, out[1] at the one that has dialled. */
static void
ours(double out[2])
{
	double before[2];
	pid_t pids[2];
	unsigned port;
	int fds[2];
	char byte;

	pids[0] = bench_fork(accept_main, NULL, &fds[0]);
	bench_read(fds[0], &port, sizeof(port));
	pids[1] = bench_fork(dial_main, NULL, &fds[1]);
	bench_write(fds[1], &port, sizeof(port));
	bench_read(fds[1], &byte, 1);
	for (int i = 0; i < 2; i++)
		before[i] = bench_resident(pids[i]);
	bench_write(fds[1], &byte, 1);
	bench_read(fds[1], &byte, 1);
	bench_read(fds[1], &byte, 1);
	for (int i = 0; i < 2; i++)
		out[i] = (bench_resident(pids[i]) - before[i]) / STREAMS;
	for (int i = 0; i < 2; i++)
		bench_end(pids[i], fds[i]);
}

/* --- the floor ------------------------------------------------------------------------------ */

static void
on_element(void *arg, const char *name, const char **attributes)
{
}

/* What a connection needs. */
static void
keep(struct event_base *base, SSL *ssl, int fd)
{
	static const char header[] = "<s:stream xmlns='jabber:client' from='user@machine' "
				     "xmlns:s='http://etherx.jabber.org/streams'>";
	XML_Parser parser = XML_ParserCreateNS(NULL, '\xff');

	XML_SetElementHandler(parser, on_element, NULL);
	if (XML_Parse(parser, header, sizeof(header) - 1, 0) != XML_STATUS_OK ||
	    bufferevent_socket_new(base, fd, 0) == NULL || SSL_free_buffers(ssl) != 1)
		bench_die("the floor does not hold");
}

static void
floor_main(void *arg, int fd)
{
	struct event_base *base = event_base_new();
	struct bare_id id;
	SSL_CTX *ctx;
	unsigned port;
	int listener = bench_listen(&port);
	char byte = 0;

	bare_id_make(&id);
	ctx = bare_context(&id);
	bench_write(fd, &port, sizeof(port));
	for (;;) {
		int client = accept(listener, NULL, NULL);

		keep(base, bare_accept(ctx, client), client);
		bench_write(fd, &byte, 1);
	}
}

static double
bare(void)
{
	int *sockets = xalloc(STREAMS * sizeof(sockets[0])), fd;
	pid_t pid = bench_fork(floor_main, NULL, &fd);
	struct bare_id id;
	SSL_CTX *ctx;
	unsigned port;
	double before, after;
	char byte;

	bare_id_make(&id);
	ctx = bare_context(&id);
	bench_read(fd, &port, sizeof(port));
	before = bench_resident(pid);
	for (int i = 0; i < STREAMS; i++) {
		sockets[i] = bench_connect(port);
		bare_free(bare_connect(ctx, sockets[i], NULL));
		bench_read(fd, &byte, 1);
	}
	after = bench_resident(pid);
	bench_end(pid, fd);
	for (int i = 0; i < STREAMS; i++)
		close(sockets[i]);
	free(sockets);
	SSL_CTX_free(ctx);
	return (after - before) / STREAMS;
}

int
main(void)
{
	struct bench ends[2] = {
		{ .name = "idle-tls-accepted", .unit = "KiB", .kind = BENCH_OURS_MOST, .bar = 60 },
		{ .name = "idle-tls-dialled", .unit = "KiB", .kind = BENCH_OURS_MOST, .bar = 60 },
	};

	bench_descriptors(DESCRIPTORS);
	for (int i = 0; i < BENCH_RUNS; i++) {
		double kib[2];

		ours(kib);
		for (int k = 0; k < 2; k++)
			ends[k].ours[i] = kib[k];
		ends[0].floor[i] = ends[1].floor[i] = bare();
	}
	bench_report(&ends[0]);
	bench_report(&ends[1]);
	return 0;
}
