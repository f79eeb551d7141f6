/* SPDX-License-Identifier: ISC */
/*
 * bench_connect.c: NAMESPACE ADDRESS DELAY [OWN-ADDRESS] are its arguments: another network
 * namespace, its address, and the milliseconds that everything takes to it, and back; with our own
 * address both ends know the other's by configuration, otherwise by mDNS or the one's. From the
 * decision to connect to the answer of the first request, between two engines that trust each other
 * and have met before; beside it TCP, a bare TLS 1.3 handshake and one request on the same way. In
 * milliseconds, and in round trips. Cold: with a full handshake; resumed: with the ticket of the
 * stream before.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <earshot/timer.h>

#include "bare.h"
#include "base/alloc.h"
#include "bench.h"
#include "link/io.h"
#include "link/lan_impl.h"
#include "link/tls.h"
#include "node.h"

#define TARGET "bench@beta.local"
#define PORT   5298
#define ECHO   5299
#define TRIES  10 /* a peer may dial by itself just then, which is another thing */
#define FEW    5  /* connections of one run */

struct way {
	const char *space, *address;
	const char *own; /* NULL: found by mDNS */
	double trip;     /* milliseconds */
};

struct far {
	const char *space, *conf;
	struct bare_id id;
	size_t request, answer;
};

/* --- the other end -------------------------------------------------------------------------- */

static void
enter(const char *space)
{
	int fd = open(space, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNET) != 0)
		bench_die("%s: %s", space, strerror(errno));
	close(fd);
}

static int
listen_anywhere(unsigned port)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) != 0 || listen(fd, 8) != 0)
		bench_die("port %u: %s", port, strerror(errno));
	return fd;
}

static void
no_delay(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void
echo_main(void *arg, int fd)
{
	const struct far *far = arg;
	char *bytes = xalloc(far->request + far->answer);
	SSL_CTX *ctx = bare_context(&far->id);
	int listener;

	enter(far->space);
	listener = listen_anywhere(ECHO);
	bench_write(fd, "r", 1);
	for (;;) {
		int client = accept(listener, NULL, NULL);
		SSL *ssl;

		no_delay(client);
		ssl = bare_accept(ctx, client);
		bare_read(ssl, bytes, far->request);
		bare_write(ssl, bytes, far->answer);
		bench_read(fd, bytes, 1);
		bare_free(ssl);
		close(client);
	}
}

static void
beta_main(void *arg, int fd)
{
	const struct far *far = arg;

	enter(far->space);
	node_run(far->conf);
}

/* --- one connection ------------------------------------------------------------------------- */

static double
bare_once(const struct way *way, const struct far *far, SSL_CTX *ctx, int control, bool resume)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(ECHO),
				  .sin_addr.s_addr = inet_addr(way->address) };
	char *bytes = xalloc(far->request + far->answer);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int64_t start = bench_now();
	SSL *ssl;

	no_delay(fd);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		bench_die("%s: %s", way->address, strerror(errno));
	ssl = bare_connect(ctx, fd, resume ? bare_ticket() : NULL);
	bare_write(ssl, bytes, far->request);
	bare_read(ssl, bytes, far->answer);
	start = bench_now() - start;
	if (SSL_session_reused(ssl) != resume)
		bench_die("this was another kind of bare handshake");
	bench_write(control, "x", 1);
	bare_free(ssl);
	close(fd);
	free(bytes);
	return (double)start / 1e6;
}

static bool
is_resumed(const struct link *link)
{
	const struct lan_link *l = (const struct lan_link *)link;

	return l->out != NULL && tls_is_resumed(io_tls(stream_io(l->out->stream)));
}

static bool
is_ours(const struct link *link)
{
	const struct lan_link *l = (const struct lan_link *)link;

	return l->out != NULL && l->out->dialled;
}

/* The stream that there is ends first. */
static double
ours_once(struct node *node, bool resume)
{
	for (int i = 0; i < TRIES; i++) {
		double ms;

		node_hang_up(node, TARGET, !resume);
		ms = node_rtt(node, TARGET, EAR_LINK_LAN, 1) / 1000;
		if (is_ours(node_link(node, TARGET)) &&
		    is_resumed(node_link(node, TARGET)) == resume)
			return ms;
	}
	bench_die("no stream was %s", resume ? "resumed" : "opened with a full handshake");
}

/* --- all of them ---------------------------------------------------------------------------- */

static double
median_of(double (*once)(void *arg), void *arg)
{
	double ms[FEW];

	for (int i = 0; i < FEW; i++)
		ms[i] = once(arg);
	return bench_median(ms, FEW);
}

struct measured {
	const struct way *way;
	const struct far *far;
	struct node *node;
	SSL_CTX *ctx;
	int control;
	bool resume;
};

static double
bare_of(void *arg)
{
	const struct measured *m = arg;

	return bare_once(m->way, m->far, m->ctx, m->control, m->resume);
}

static double
ours_of(void *arg)
{
	const struct measured *m = arg;

	return ours_once(m->node, m->resume);
}

/* TCP, header and STARTTLS, TLS, and then the request: one more than with bare TLS. */
static void
measure(const char *name, struct measured *m)
{
	char *trips_name = xasprintf("%s-trips", name);
	struct bench ms = { .name = name, .unit = "ms", .kind = BENCH_RATIO_MOST, .bar = 1.5 };
	struct bench trips = {
		.name = trips_name, .unit = "trips", .kind = BENCH_OURS_MOST, .bar = 4
	};

	for (int i = 0; i < BENCH_RUNS; i++) {
		ms.ours[i] = median_of(ours_of, m);
		ms.floor[i] = median_of(bare_of, m);
		trips.ours[i] = round(ms.ours[i] / m->way->trip);
		trips.floor[i] = round(ms.floor[i] / m->way->trip);
	}
	bench_report(&ms);
	bench_report(&trips);
	free(trips_name);
}

/* Both know each other, and have met. */
static struct node *
start_nodes(const struct way *way, struct far *far, pid_t *beta, int *beta_fd)
{
	struct node_conf alpha_conf = { .machine = "alpha",
					.port = PORT,
					.peer_host = way->address };
	struct node_conf beta_conf = { .machine = "beta", .port = PORT };
	struct node_states states;
	char conf[NODE_CONF_SIZE];
	struct node *node;

	node_states_make(&states, "alpha", "beta");
	node_introduce(&alpha_conf, &beta_conf, &states);
	beta_conf.peer_host = way->own != NULL ? way->own : "";
	if (way->own == NULL)
		beta_conf.peer = NULL;
	node_conf(conf, &beta_conf);
	far->conf = conf;
	*beta = bench_fork(beta_main, far, beta_fd);
	far->conf = NULL;
	node_conf(conf, &alpha_conf);
	node = node_new(conf);
	node_wait(node, TARGET, EAR_LINK_LAN);
	return node;
}

int
main(int argc, char **argv)
{
	struct measured m = { 0 };
	struct far far = { 0 };
	struct way way;
	pid_t beta, echo;
	int beta_fd;
	char byte;

	if (argc != 4 && argc != 5)
		bench_die("usage: bench_connect NAMESPACE ADDRESS DELAY [OWN-ADDRESS]");
	way = (struct way){ argv[1], argv[2], argv[4], 2 * atof(argv[3]) };
	far.space = way.space;
	bare_id_make(&far.id);
	node_ping_bytes("bench@alpha", "bench@beta", &far.request, &far.answer);
	m = (struct measured){ .way = &way, .far = &far, .ctx = bare_context(&far.id) };
	echo = bench_fork(echo_main, &far, &m.control);
	bench_read(m.control, &byte, 1);
	m.node = start_nodes(&way, &far, &beta, &beta_fd);
	measure(way.own == NULL ? "connect-cold" : "connect-static-cold", &m);
	m.resume = true;
	measure(way.own == NULL ? "connect-resumed" : "connect-static-resumed", &m);
	node_free(m.node);
	bench_end(beta, beta_fd);
	bench_end(echo, m.control);
	return 0;
}
