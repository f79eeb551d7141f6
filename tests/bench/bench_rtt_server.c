/* SPDX-License-Identifier: ISC */
/*
 * bench_rtt_server.c: PORT SECRET-FILE are its arguments: the same request between the same two
 * engines through a server that knows both as components, alpha.example.test and beta.example.test,
 * beside the trusted direct stream. All processes, the server too, share one core.
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
conf_of(char *out, const struct node_conf *conf, char **args)
{
	struct node_conf whole = *conf;
	char lines[LINES_SIZE];
	int n = snprintf(lines, sizeof(lines),
			 "[server]\nkind = component\njid = %s.example.test\nhost = 127.0.0.1\n"
			 "port = %s\nsecret-file = %s\n",
			 conf->machine, args[1], args[2]);

	if (n < 0 || (size_t)n >= sizeof(lines))
		bench_die("%s: too long", args[2]);
	whole.more = lines;
	node_conf(out, &whole);
}

int
main(int argc, char **argv)
{
	struct bench bench = {
		.name = "rtt-server", .unit = "us", .kind = BENCH_RATIO_LEAST, .bar = 2
	};
	struct node_conf alpha_conf = { .machine = "alpha", .port = bench_free_port() };
	struct node_conf beta_conf = { .machine = "beta", .port = bench_free_port() };
	struct node_states states;
	char conf[NODE_CONF_SIZE];
	struct node *node;
	int fd;
	pid_t beta;

	if (argc != 3)
		bench_die("usage: bench_rtt_server PORT SECRET-FILE");
	bench_pin(0);
	node_states_make(&states, "alpha", "beta");
	node_introduce(&alpha_conf, &beta_conf, &states);
	conf_of(conf, &beta_conf, argv);
	beta = node_fork(conf, &fd);
	conf_of(conf, &alpha_conf, argv);
	node = node_new(conf);
	node_wait(node, BY_LAN, EAR_LINK_LAN);
	node_wait(node, BY_SERVER, EAR_LINK_SERVER);
	node_rtt(node, BY_LAN, EAR_LINK_LAN, WARM);
	node_rtt(node, BY_SERVER, EAR_LINK_SERVER, WARM);
	for (int i = 0; i < BENCH_RUNS; i++) {
		bench.ours[i] = node_rtt(node, BY_SERVER, EAR_LINK_SERVER, PINGS);
		bench.floor[i] = node_rtt(node, BY_LAN, EAR_LINK_LAN, PINGS);
	}
	node_free(node);
	bench_end(beta, fd);
	bench_report(&bench);
	return 0;
}
