/* SPDX-License-Identifier: ISC */
/*
 * bench_rtt_plain.c: request and answer on a direct stream without TLS, from lan link to lan link
 * without the rest of the engine, beside a bare TCP ping-pong of the same bytes; all on one core.
 */
#include <event2/event.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <earshot/ear.h>

#include "base/alloc.h"
#include "bench.h"
#include "node.h"
#include "pair.h"

#define PINGS  4000 /* of one run */
#define WARM   500
#define TARGET "bench@beta.local"

/* --- ours ----------------------------------------------------------------------------------- */

static void
answer(struct pair *pair, struct link *link, xmpp_stanza_t *iq)
{
	if (link_send(link, ear_answer_to(iq, "result")) != 0)
		bench_die("an answer cannot be sent");
}

static void
beta_main(void *arg, int fd)
{
	struct pair pair = { .on_stanza = answer };
	unsigned port;

	pair_open(&pair, "bench@beta", PAIR_PORT_ANY);
	port = lan_port(pair.lan);
	bench_write(fd, &port, sizeof(port));
	event_base_dispatch(pair.base);
}

static void
on_result(struct pair *pair, struct link *link, xmpp_stanza_t *iq)
{
	event_base_loopbreak(pair->base);
}

static double
ours(struct pair *pair, struct link *link, size_t count)
{
	double *samples = xalloc(count * sizeof(samples[0])), median;

	for (size_t i = 0; i < count; i++) {
		int64_t start = bench_now();
		xmpp_stanza_t *iq = ear_stanza(pair->ctx, "iq", "get", TARGET, "ping");

		ear_child(iq, "ping", EAR_NS_PING);
		if (link_send(link, iq) != 0)
			bench_die("a request cannot be sent");
		event_base_dispatch(pair->base);
		samples[i] = (double)(bench_now() - start) / 1000;
	}
	median = bench_median(samples, count);
	free(samples);
	return median;
}

/* --- the floor -------------------------------------------------------------------------------- */

struct pong {
	int listener;
	size_t request, answer;
};

static void
pong_main(void *arg, int unused)
{
	const struct pong *pong = arg;
	int fd = accept(pong->listener, NULL, NULL);
	char *bytes = xalloc(pong->request + pong->answer);

	for (;;) {
		bench_read(fd, bytes, pong->request);
		bench_write(fd, bytes, pong->answer);
	}
}

static double
tcp_rtt(int fd, const struct pong *pong, size_t count)
{
	double *samples = xalloc(count * sizeof(samples[0])), median;
	char *bytes = xalloc(pong->request + pong->answer);

	for (size_t i = 0; i < count; i++) {
		int64_t start = bench_now();

		bench_write(fd, bytes, pong->request);
		bench_read(fd, bytes, pong->answer);
		samples[i] = (double)(bench_now() - start) / 1000;
	}
	median = bench_median(samples, count);
	free(samples);
	free(bytes);
	return median;
}

/* --- both ------------------------------------------------------------------------------------- */

static struct link *
dial(struct pair *pair)
{
	struct link *link = lan_open(pair->lan, TARGET);

	if (link == NULL)
		bench_die("nowhere to dial");
	while (pair->up == 0)
		if (event_base_loop(pair->base, EVLOOP_ONCE) != 0 || pair->down > 0)
			bench_die("the stream died");
	if (link->keyed)
		bench_die("this stream is not plain");
	return link;
}

int
main(void)
{
	struct bench bench = {
		.name = "rtt-plain", .unit = "us", .kind = BENCH_RATIO_MOST, .bar = 1.5
	};
	struct pair pair = { .on_stanza = on_result };
	struct pong pong;
	int beta_fd, echo_fd, tcp;
	pid_t beta, echo;
	struct link *link;
	unsigned port;

	bench_pin(0);
	beta = bench_fork(beta_main, NULL, &beta_fd);
	bench_read(beta_fd, &pair.peer_port, sizeof(pair.peer_port));
	node_ping_bytes("bench@alpha", "bench@beta", &pong.request, &pong.answer);
	pong.listener = bench_listen(&port);
	echo = bench_fork(pong_main, &pong, &echo_fd);
	tcp = bench_connect(port);
	pair_open(&pair, "bench@alpha", PAIR_PORT_ANY);
	link = dial(&pair);
	ours(&pair, link, WARM);
	for (int i = 0; i < BENCH_RUNS; i++) {
		bench.ours[i] = ours(&pair, link, PINGS);
		bench.floor[i] = tcp_rtt(tcp, &pong, PINGS);
	}
	pair_close(&pair);
	bench_end(beta, beta_fd);
	bench_end(echo, echo_fd);
	close(tcp);
	close(pong.listener);
	bench_report(&bench);
	return 0;
}
