/* SPDX-License-Identifier: ISC */
/*
 * bench_rtt_direct.c: request and answer between two engines that trust each other, on their direct
 * stream, beside a bare TLS 1.3 ping-pong of the same bytes. First all processes share one core,
 * which shows what the programs cost; then each end has a core of its own, as on two machines,
 * where the wake-up of an idle core is most of what is measured.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bare.h"
#include "base/alloc.h"
#include "bench.h"
#include "node.h"

#define PINGS  4000 /* of one run */
#define WARM   500
#define TARGET "bench@beta.local"

struct pong {
	struct bare_id id;
	int listener;
	size_t request, answer;
};

static void
pong_main(void *arg, int unused)
{
	const struct pong *pong = arg;
	SSL *ssl = bare_accept(bare_context(&pong->id), accept(pong->listener, NULL, NULL));
	char *bytes = xalloc(pong->request + pong->answer);

	for (;;) {
		bare_read(ssl, bytes, pong->request);
		bare_write(ssl, bytes, pong->answer);
	}
}

static double
bare_rtt(SSL *ssl, const struct pong *pong, size_t count)
{
	double *samples = xalloc(count * sizeof(samples[0])), median;
	char *bytes = xalloc(pong->request + pong->answer);

	for (size_t i = 0; i < count; i++) {
		int64_t start = bench_now();

		bare_write(ssl, bytes, pong->request);
		bare_read(ssl, bytes, pong->answer);
		samples[i] = (double)(bench_now() - start) / 1000;
	}
	median = bench_median(samples, count);
	free(samples);
	free(bytes);
	return median;
}

/* The two engines: beta in a process of its own on the first core, alpha here. */
static struct node *
start_nodes(const struct node_states *states, unsigned cores, pid_t *beta, int *fd)
{
	struct node_conf alpha_conf = { .machine = "alpha", .port = bench_free_port() };
	struct node_conf beta_conf = { .machine = "beta", .port = bench_free_port() };
	char conf[NODE_CONF_SIZE];
	struct node *node;

	node_introduce(&alpha_conf, &beta_conf, states);
	bench_pin(0);
	node_conf(conf, &beta_conf);
	*beta = node_fork(conf, fd);
	bench_pin(cores - 1);
	node_conf(conf, &alpha_conf);
	node = node_new(conf);
	node_wait(node, TARGET, EAR_LINK_LAN);
	node_link(node, TARGET);
	node_rtt(node, TARGET, EAR_LINK_LAN, WARM);
	return node;
}

/* The same for the floor. */
static SSL *
start_bare(struct pong *pong, unsigned cores, pid_t *echo, int *fd, int *tcp)
{
	unsigned port;

	bare_id_make(&pong->id);
	node_ping_bytes("bench@alpha", "bench@beta", &pong->request, &pong->answer);
	pong->listener = bench_listen(&port);
	bench_pin(0);
	*echo = bench_fork(pong_main, pong, fd);
	bench_pin(cores - 1);
	*tcp = bench_connect(port);
	return bare_connect(bare_context(&pong->id), *tcp, NULL);
}

/* cores: how many the two ends have. */
static void
measure(const char *name, const struct node_states *states, unsigned cores)
{
	struct bench bench = { .name = name, .unit = "us", .kind = BENCH_RATIO_MOST, .bar = 1.5 };
	struct pong pong;
	int echo_fd, tcp, beta_fd;
	pid_t beta, echo;
	struct node *node = start_nodes(states, cores, &beta, &beta_fd);
	SSL *ssl = start_bare(&pong, cores, &echo, &echo_fd, &tcp);

	for (int i = 0; i < BENCH_RUNS; i++) {
		bench.ours[i] = node_rtt(node, TARGET, EAR_LINK_LAN, PINGS);
		bench.floor[i] = bare_rtt(ssl, &pong, PINGS);
	}
	node_free(node);
	bench_end(beta, beta_fd);
	bench_end(echo, echo_fd);
	bare_free(ssl);
	close(tcp);
	close(pong.listener);
	bench_report(&bench);
}

int
main(void)
{
	struct node_states states;

	node_states_make(&states, "alpha", "beta");
	measure("rtt-direct", &states, 1);
	measure("rtt-direct-apart", &states, 2);
	return 0;
}
