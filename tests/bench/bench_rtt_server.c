/* SPDX-License-Identifier: ISC */
/*
 * bench_rtt_server.c: PORT SECRET-FILE are its arguments: the same request between the same two
 * engines through a server that knows both as components, alpha.example.test and beta.example.test,
 * beside the direct stream. All processes, the server too, share one core.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "node.h"

#define PINGS      2000 /* of one run */
#define WARM       1000 /* the server compiles and grows what it needs */
#define BY_LAN     "bench@beta.local"
#define BY_SERVER  "beta.example.test"
#define LINES_SIZE 1024

static void
conf_of(char *out, const char *machine, unsigned port, const char *peer, unsigned peer_port,
	char **args)
{
	char lines[LINES_SIZE];
	int n = snprintf(lines, sizeof(lines),
			 "[server]\nkind = component\njid = %s.example.test\nhost = 127.0.0.1\n"
			 "port = %s\nsecret-file = %s\n",
			 machine, args[1], args[2]);

	if (n < 0 || (size_t)n >= sizeof(lines))
		bench_die("%s: too long", args[2]);
	node_conf(out, NODE_CONF_SIZE, machine, port, peer, peer_port, lines);
}

int
main(int argc, char **argv)
{
	struct bench bench = {
		.name = "rtt-server", .unit = "us", .kind = BENCH_RATIO_LEAST, .bar = 2
	};
	unsigned a = bench_free_port(), b = bench_free_port();
	char conf[NODE_CONF_SIZE];
	struct node *node;
	int fd;
	pid_t beta;

	if (argc != 3)
		bench_die("usage: bench_rtt_server PORT SECRET-FILE");
	bench_pin(0);
	conf_of(conf, "beta", b, "alpha", a, argv);
	beta = node_fork(conf, &fd);
	conf_of(conf, "alpha", a, "beta", b, argv);
	node = node_new(conf);
	node_wait(node, BY_LAN);
	node_wait(node, BY_SERVER);
	node_rtt(node, BY_LAN, WARM);
	node_rtt(node, BY_SERVER, WARM);
	for (int i = 0; i < BENCH_RUNS; i++) {
		bench.ours[i] = node_rtt(node, BY_SERVER, PINGS);
		bench.floor[i] = node_rtt(node, BY_LAN, PINGS);
	}
	node_free(node);
	bench_end(beta, fd);
	bench_report(&bench);
	return 0;
}
