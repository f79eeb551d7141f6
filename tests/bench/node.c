/* SPDX-License-Identifier: ISC */
/* node.c: whole engines for benchmarks, and the request that they measure. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include <earshot/ear.h>

#include "base/alloc.h"
#include "base/conf.h"
#include "base/timer.h"
#include "bench.h"
#include "core/engine.h"
#include "node.h"
#include "registry.h"
#include "wire/writer.h"

#define WAIT_USEC  (30 * EAR_SEC) /* for mDNS, a server and a stream */
#define RETRY_USEC (100 * EAR_MSEC)
#define STANZA_MAX 4096

struct node {
	struct event_base *base;
	struct ear_clock *clock;
	struct conf *conf;
	struct ear *ear;
	struct ear_timer retry;
	const char *to;
	double *samples; /* microseconds; NULL: the first answer is all that is wanted */
	size_t count, left;
	int64_t asked_at, until;
};

static void ask(struct node *node);

static void
on_retry(void *arg)
{
	ask(arg);
}

static void
take_failure(struct node *node, int error)
{
	if (node->samples != NULL || ear_now(node->clock) > node->until)
		bench_die("%s does not answer: %s", node->to, strerror(-error));
	ear_timer_set(&node->retry, RETRY_USEC);
}

static void
on_answer(void *arg, const struct ear_answer *answer)
{
	struct node *node = arg;

	if (answer->error != 0) {
		take_failure(node, answer->error);
		return;
	}
	if (node->samples != NULL)
		node->samples[--node->left] = (double)(bench_now() - node->asked_at) / 1000;
	if (node->samples == NULL || node->left == 0)
		event_base_loopbreak(node->base);
	else
		ask(node);
}

static void
ask(struct node *node)
{
	xmpp_stanza_t *iq;

	node->asked_at = bench_now();
	iq = ear_stanza(ear_ctx(node->ear), "iq", "get", node->to,
			"ping"); /* gets an id of its own */
	ear_child(iq, "ping", EAR_NS_PING);
	ear_request(node->ear, iq, 2 * EAR_SEC, on_answer, node);
}

struct node *
node_new(const char *conf)
{
	struct node *node = xalloc(sizeof(*node));
	char error[CONF_ERROR_SIZE + ENGINE_ERROR_SIZE];
	struct engine_config config = { .xeps = ear_xeps_all, .no_socket = true };

	ear_log_set_level(EAR_LOG_ERROR);
	node->base = config.base = event_base_new();
	node->clock = config.clock = clock_new(node->base);
	node->conf = conf_new();
	config.conf = node->conf;
	ear_timer_init(&node->retry, node->clock, on_retry, node);
	if (conf_parse(node->conf, conf, "bench", error, sizeof(error)) != 0 ||
	    conf_check(node->conf, error, sizeof(error)) != 0)
		bench_die("%s", error);
	node->ear = engine_new(&config, error, sizeof(error));
	if (node->ear == NULL)
		bench_die("%s", error);
	return node;
}

void
node_free(struct node *node)
{
	ear_timer_stop(&node->retry);
	engine_free(node->ear);
	conf_free(node->conf);
	clock_free(node->clock);
	event_base_free(node->base);
	free(node);
}

static void
child_main(void *arg, int fd)
{
	struct node *node = node_new(arg);

	event_base_dispatch(node->base);
}

pid_t
node_fork(const char *conf, int *fd)
{
	char *copy = xstrdup(conf);
	pid_t pid = bench_fork(child_main, copy, fd);

	free(copy);
	return pid;
}

void
node_conf(char *out, size_t size, const char *machine, unsigned port, const char *peer,
	  unsigned peer_port, const char *more)
{
	int n = snprintf(
		out, size,
		"[engine]\nname = %s\n"
		"[lan]\nuser = bench\nport = %u\ninterfaces = lo\nmdns = embedded\n"
		"[player]\nkind = none\n[policy]\nplaintext = allow\n%s"
		"[peer \"other\"]\naddress = bench@%s.local\nhost = 127.0.0.1\nport = %u\n",
		machine, port, more, peer, peer_port);

	if (n < 0 || (size_t)n >= size)
		bench_die("the configuration is too long");
}

void
node_wait(struct node *node, const char *to)
{
	node->to = to;
	node->samples = NULL;
	node->until = ear_now(node->clock) + WAIT_USEC;
	ask(node);
	event_base_dispatch(node->base);
}

double
node_rtt(struct node *node, const char *to, size_t count)
{
	double median;

	node->to = to;
	node->count = node->left = count;
	node->samples = xalloc(count * sizeof(node->samples[0]));
	ask(node);
	event_base_dispatch(node->base);
	median = bench_median(node->samples, count);
	free(node->samples);
	node->samples = NULL;
	return median;
}

static size_t
wire_bytes(xmpp_stanza_t *stanza)
{
	struct evbuffer *out = evbuffer_new();
	size_t length;

	if (writer_stanza(out, stanza, STANZA_MAX) != 0)
		bench_die("a ping does not fit");
	length = evbuffer_get_length(out);
	evbuffer_free(out);
	xmpp_stanza_release(stanza);
	return length;
}

void
node_ping_bytes(const char *from, const char *to, size_t *request, size_t *answer)
{
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	xmpp_stanza_t *iq = ear_stanza(ctx, "iq", "get", to, NULL), *result;

	xmpp_stanza_set_from(iq, from);
	ear_child(iq, "ping", EAR_NS_PING);
	result = ear_answer_to(iq, "result");
	*request = wire_bytes(iq);
	*answer = wire_bytes(result);
	xmpp_ctx_free(ctx);
}
