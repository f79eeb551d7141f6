/* SPDX-License-Identifier: ISC */
/* node.c: whole engines for benchmarks, and the request that they measure. */
#include <fcntl.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/event.h>

#include <earshot/ear.h>

#include "base/alloc.h"
#include "base/conf.h"
#include "base/timer.h"
#include "bench.h"
#include "core/core.h"
#include "core/engine.h"
#include "link/lan_impl.h"
#include "node.h"
#include "registry.h"
#include "trust/identity.h"
#include "trust/pins.h"
#include "wire/writer.h"

#define WAIT_USEC  (30 * EAR_SEC) /* for mDNS, a server and a stream */
#define RETRY_USEC (100 * EAR_MSEC)
#define STANZA_MAX 4096

#define NODE_STATES_MAX 4

struct node {
	struct event_base *base;
	struct ear_clock *clock;
	struct conf *conf;
	struct ear *ear;
	struct ear_timer retry;
	const char *to;
	enum ear_link_kind by;
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
check_answer(const struct node *node, const struct ear_answer *answer)
{
	if (answer->link != node->by)
		bench_die("%s answers by %s", node->to, ear_link_name(answer->link));
	if (node->by == EAR_LINK_LAN && answer->level != EAR_TRUSTED)
		bench_die("%s is %s", node->to, ear_level_name(answer->level));
}

static void
on_answer(void *arg, const struct ear_answer *answer)
{
	struct node *node = arg;

	if (answer->error != 0) {
		take_failure(node, answer->error);
		return;
	}
	check_answer(node, answer);
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
	ear_request_by(node->ear, node->by, iq, 2 * EAR_SEC, on_answer, node);
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

void
node_run(const char *conf)
{
	struct node *node;

	alloc_for_many(); /* as the daemon does */
	node = node_new(conf);
	event_base_dispatch(node->base);
	exit(0);
}

static void
child_main(void *arg, int fd)
{
	node_run(arg);
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
node_introduce(struct node_conf *one, struct node_conf *other, const struct node_states *states)
{
	one->state = states->dirs[0];
	one->peer = other->machine;
	one->peer_port = other->port;
	other->state = states->dirs[1];
	other->peer = one->machine;
	other->peer_port = one->port;
}

void
node_conf(char out[NODE_CONF_SIZE], const struct node_conf *conf)
{
	int n = snprintf(out, NODE_CONF_SIZE,
			 "[engine]\nname = %s\nstate = %s\n"
			 "[lan]\nuser = bench\nport = %u\ninterfaces = %s\nmdns = embedded\n"
			 "[player]\nkind = none\n%s",
			 conf->machine, conf->state, conf->port,
			 conf->peer_host == NULL ? "lo" : "all",
			 conf->more == NULL ? "" : conf->more);

	if (n >= 0 && n < NODE_CONF_SIZE && conf->peer != NULL)
		n += snprintf(out + n, NODE_CONF_SIZE - (size_t)n,
			      "[peer \"other\"]\naddress = bench@%s.local\nhost = %s\nport = %u\n",
			      conf->peer, conf->peer_host == NULL ? "127.0.0.1" : conf->peer_host,
			      conf->peer_port);
	if (n < 0 || n >= NODE_CONF_SIZE)
		bench_die("the configuration is too long");
}

void
node_wait(struct node *node, const char *to, enum ear_link_kind by)
{
	node->to = to;
	node->by = by;
	node->samples = NULL;
	node->until = ear_now(node->clock) + WAIT_USEC;
	ask(node);
	event_base_dispatch(node->base);
}

double
node_rtt(struct node *node, const char *to, enum ear_link_kind by, size_t count)
{
	double median;

	node->to = to;
	node->by = by;
	node->count = node->left = count;
	node->samples = xalloc(count * sizeof(node->samples[0]));
	ask(node);
	event_base_dispatch(node->base);
	median = bench_median(node->samples, count);
	free(node->samples);
	node->samples = NULL;
	return median;
}

/* --- streams ------------------------------------------------------------------------------ */

static struct link *
find_link(struct node *node, const char *to)
{
	return node->ear->reach->lan_find(node->ear->reach_arg, to);
}

struct link *
node_link(struct node *node, const char *to)
{
	struct link *link = find_link(node, to);

	if (link == NULL || link->state != LINK_UP || !link->keyed)
		bench_die("%s: no encrypted stream", to);
	return link;
}

static bool
is_there(const struct lan *lan, const struct lan_link *wanted)
{
	struct list *at, *spare;

	list_each (at, spare, &lan->all)
		if (container_of(at, struct lan_link, entry) == wanted)
			return true;
	return false;
}

void
node_hang_up(struct node *node, const char *to, bool forget)
{
	struct link *link = node_link(node, to);
	struct lan *lan = ((struct lan_link *)link)->lan;
	int64_t until = ear_now(node->clock) + WAIT_USEC;

	link_close(link);
	/* It keeps its ticket when it closes, and the next one would use it. */
	while (is_there(lan, (struct lan_link *)link)) {
		if (event_base_loop(node->base, EVLOOP_ONCE) != 0 || ear_now(node->clock) > until)
			bench_die("%s: the stream does not end", to);
		if (forget)
			lan_ticket_drop(lan, to);
	}
}

/* --- what nodes know ------------------------------------------------------------------------ */

static struct node_states made[NODE_STATES_MAX];
static size_t made_count;
static pid_t maker;

/* Also from a handler of signals. */
static void
remove_dir(const char *path)
{
	static const char *const files[] = { "device.key", "pins", "pins.lock", "seen" };
	int dir = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);

	for (size_t i = 0; dir >= 0 && i < sizeof(files) / sizeof(files[0]); i++)
		unlinkat(dir, files[i], 0);
	if (dir >= 0)
		close(dir);
	rmdir(path);
}

/* Other processes of the benchmark end with a copy of this. */
static void
remove_states(void)
{
	if (getpid() != maker)
		return;
	for (size_t i = 0; i < made_count; i++)
		for (int k = 0; k < 2; k++)
			remove_dir(made[i].dirs[k]);
}

static void
on_signal(int number)
{
	remove_states();
	signal(number, SIG_DFL);
	raise(number);
}

static void
make_dir(char *path)
{
	const char *where = getenv("TMPDIR");
	int n = snprintf(path, NODE_STATE_SIZE, "%s/earshot-XXXXXX", where ? where : "/tmp");

	if (n < 0 || n >= NODE_STATE_SIZE || mkdtemp(path) == NULL)
		bench_die("%s: %s", path, strerror(errno));
}

static struct ear_key
make_key(const char *dir)
{
	char error[CONF_ERROR_SIZE];
	struct identity *identity = identity_open(dir, error, sizeof(error));
	struct ear_key key;

	if (identity == NULL)
		bench_die("%s", error);
	key = *identity_key(identity);
	identity_free(identity);
	return key;
}

static void
trust_in(const char *dir, const struct ear_key *key, const char *machine)
{
	char error[CONF_ERROR_SIZE], *address = xasprintf("bench@%s.local", machine);
	struct pins *pins = pins_open(dir, error, sizeof(error));
	struct pin *pin = pin_new(key);

	if (pins == NULL)
		bench_die("%s", error);
	pin->voucher = EAR_BY_USER;
	pin->trusted = true;
	pin_add_address(pin, address);
	if (pins_put(pins, pin) != 0)
		bench_die("%s: cannot be written", dir);
	pin_free(pin);
	pins_free(pins);
	free(address);
}

void
node_states_make(struct node_states *states, const char *one, const char *other)
{
	const char *machines[2] = { one, other };
	struct ear_key keys[2];

	if (made_count == NODE_STATES_MAX)
		bench_die("too many nodes");
	if (made_count == 0) {
		maker = getpid();
		atexit(remove_states);
		signal(SIGHUP, on_signal);
		signal(SIGINT, on_signal);
		signal(SIGTERM, on_signal);
	}
	for (int i = 0; i < 2; i++)
		make_dir(states->dirs[i]);
	made[made_count++] = *states;
	for (int i = 0; i < 2; i++)
		keys[i] = make_key(states->dirs[i]);
	for (int i = 0; i < 2; i++)
		trust_in(states->dirs[i], &keys[1 - i], machines[1 - i]);
}

/* --- bytes -------------------------------------------------------------------------------- */

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
