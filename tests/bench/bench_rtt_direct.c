/* SPDX-License-Identifier: ISC */
/*
 * bench_rtt_direct.c: request and answer between two engines on a plain direct stream, beside a
 * bare TCP ping-pong of the same bytes. First all processes share one core, which shows what the
 * programs cost; then each end has a core of its own, as on two machines, where the wake-up of an
 * idle core is most of what is measured.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "bench.h"
#include "node.h"

#define PINGS  4000 /* of one run */
#define WARM   500
#define TARGET "bench@beta.local"

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

/* cores: how many the two ends have. */
static void
measure(const char *name, unsigned cores)
{
	struct bench bench = { .name = name, .unit = "us", .kind = BENCH_RATIO_MOST, .bar = 1.5 };
	unsigned a = bench_free_port(), b = bench_free_port(), port;
	char conf[NODE_CONF_SIZE];
	struct pong pong;
	struct node *node;
	int fd, tcp, beta_fd;
	pid_t beta, echo;

	bench_pin(0);
	node_conf(conf, sizeof(conf), "beta", b, "alpha", a, "");
	beta = node_fork(conf, &beta_fd);
	node_ping_bytes("bench@alpha", "bench@beta", &pong.request, &pong.answer);
	pong.listener = bench_listen(&port);
	echo = bench_fork(pong_main, &pong, &fd);
	bench_pin(cores - 1);
	tcp = bench_connect(port);
	node_conf(conf, sizeof(conf), "alpha", a, "beta", b, "");
	node = node_new(conf);
	node_wait(node, TARGET);
	node_rtt(node, TARGET, WARM);
	for (int i = 0; i < BENCH_RUNS; i++) {
		bench.ours[i] = node_rtt(node, TARGET, PINGS);
		bench.floor[i] = tcp_rtt(tcp, &pong, PINGS);
	}
	node_free(node);
	bench_end(beta, beta_fd);
	bench_end(echo, fd);
	close(tcp);
	close(pong.listener);
	bench_report(&bench);
}

int
main(void)
{
	measure("rtt-direct", 1);
	measure("rtt-direct-apart", 2);
	return 0;
}
