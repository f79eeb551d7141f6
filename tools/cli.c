/* SPDX-License-Identifier: ISC */
/* cli.c: what every command needs: the stream to the engine, questions, answers, exit codes. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "base/conf.h"
#include "cli.h"
#include "client.h"
#include "inside.h"

/* Pages of one listing: more than any engine has. */
#define PAGES_MAX 1000

/* A question under way: the one that the command waits for. */
struct wait {
	const char *id;
	xmpp_stanza_t *stanza; /* the answer, once it is there */
};

int64_t
cli_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void
on_up(void *arg)
{
	struct cli *cli = arg;

	cli->up = true;
}

static bool
is_answer(const struct wait *wait, xmpp_stanza_t *stanza)
{
	const char *id = xmpp_stanza_get_id(stanza), *type = xmpp_stanza_get_type(stanza);

	return id != NULL && type != NULL && strcmp(id, wait->id) == 0 &&
	       (strcmp(type, "result") == 0 || strcmp(type, "error") == 0) &&
	       ear_is(stanza, "iq", EAR_NS_CLIENT);
}

static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct cli *cli = arg;

	if (cli->wait != NULL && cli->wait->stanza == NULL && is_answer(cli->wait, stanza))
		cli->wait->stanza = xmpp_stanza_clone(stanza);
	else if (cli->on_stanza != NULL)
		cli->on_stanza(cli->arg, stanza);
}

static void
on_down(void *arg, bool nonsense, const char *why)
{
	struct cli *cli = arg;

	cli->down = true;
	cli->nonsense = nonsense;
	copy_text(cli->why, sizeof(cli->why), why);
}

static const struct client_events client_events = { on_up, on_stanza, on_down };

static void
on_signal(evutil_socket_t fd, short what, void *arg)
{
	struct cli *cli = arg;

	cli->interrupted = true;
	event_base_loopbreak(cli->base);
}

void
cli_init(struct cli *cli)
{
	static const int signals[] = { SIGINT, SIGTERM };

	signal(SIGPIPE, SIG_IGN);
	xmpp_initialize();
	cli->ctx = xmpp_ctx_new(NULL, NULL);
	cli->base = event_base_new();
	if (cli->ctx == NULL || cli->base == NULL)
		abort();
	for (size_t i = 0; i < 2; i++) {
		cli->signals[i] = evsignal_new(cli->base, signals[i], on_signal, cli);
		event_add(cli->signals[i], NULL);
	}
}

void
cli_release(struct cli *cli)
{
	client_free(cli->client);
	inside_stop(cli);
	for (size_t i = 0; i < 2; i++)
		event_free(cli->signals[i]);
	event_base_free(cli->base);
	xmpp_ctx_free(cli->ctx);
	xmpp_shutdown();
	args_release(&cli->args);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
}

void
cli_turn(struct cli *cli, int64_t deadline)
{
	int64_t left = deadline - cli_now();
	struct timeval tv = { .tv_sec = left / 1000000, .tv_usec = left % 1000000 };
	struct event *timer;

	/* Whoever read our output is gone (`earshot peers -w | head`). */
	if (fflush(stdout) != 0 || ferror(stdout))
		cli->interrupted = true;
	if (cli->interrupted || cli->down || left <= 0)
		return;
	timer = evtimer_new(cli->base, on_deadline, NULL);
	event_add(timer, &tv);
	event_base_loop(cli->base, EVLOOP_ONCE);
	event_free(timer);
}

void
cli_sleep(struct cli *cli, double seconds)
{
	int64_t deadline = cli_now() + (int64_t)(seconds * 1e6);

	while (!cli->interrupted && !cli->down && cli_now() < deadline)
		cli_turn(cli, deadline);
}

/* --- opening ------------------------------------------------------------------------------ */

static int
wait_up(struct cli *cli, const char *path)
{
	int64_t deadline = cli_now() + (int64_t)(cli->args.timeout * 1e6);

	while (!cli->up && !cli->down && !cli->interrupted && cli_now() < deadline)
		cli_turn(cli, deadline);
	if (cli->up)
		return EXIT_DONE;
	if (cli->down)
		complain("%s: %s", path, cli->why);
	else if (!cli->interrupted)
		complain("%s: the daemon does not answer; is it stopped? earshot --no-daemon "
			 "does without it",
			 path);
	return EXIT_CONFIG;
}

/* Reads the configuration for the socket's place and for an engine inside. */
static int
read_conf(struct cli *cli)
{
	char error[CONF_ERROR_SIZE], *found = conf_find_file();
	const char *path = cli->args.config != NULL ? cli->args.config : found;
	int rc = 0;

	cli->conf = conf_new();
	if (path != NULL)
		rc = conf_read(cli->conf, path, error, sizeof(error));
	/* A daemon's file that only the daemon may read says nothing to us. */
	if (rc == -EACCES && cli->args.config == NULL)
		rc = 0;
	if (rc != 0)
		complain("%s", error);
	free(found);
	return rc == 0 ? EXIT_DONE : EXIT_CONFIG;
}

/* -errno: there is no daemon at that place, or it may not be used. */
static int
try_socket(const char *path)
{
	int fd = client_connect(path);

	if (fd == -EACCES || fd == -EPERM)
		complain("%s: %s: this user may not speak to the daemon; become its user or join "
			 "the group of [local] group",
			 path, strerror(-fd));
	return fd;
}

static bool
is_absent(int error)
{
	return error == -ENOENT || error == -ECONNREFUSED || error == -ENOTDIR;
}

static int
open_daemon(struct cli *cli, bool *absent)
{
	const char *places[] = { cli->args.socket, cli->conf->local_socket,
				 "/run/earshot/earshot.sock" };
	size_t first = cli->args.socket != NULL ? 0 : 1;
	size_t end = cli->args.socket != NULL ? 1 : 3;
	int fd = -ENOENT;

	for (size_t i = first; i < end && is_absent(fd); i++) {
		fd = try_socket(places[i]);
		if (fd >= 0) {
			cli->client = client_new(cli->base, cli->ctx, fd, &client_events, cli);
			return wait_up(cli, places[i]);
		}
	}
	*absent = is_absent(fd) && cli->args.socket == NULL;
	if (cli->args.socket != NULL && fd != -EACCES && fd != -EPERM)
		complain("%s: %s: no daemon there", cli->args.socket, strerror(-fd));
	return EXIT_CONFIG;
}

static int
open_inside(struct cli *cli)
{
	int fd, code = inside_start(cli, &fd);

	if (code != EXIT_DONE)
		return code;
	cli->client = client_new(cli->base, cli->ctx, fd, &client_events, cli);
	return wait_up(cli, "engine");
}

int
cli_open(struct cli *cli)
{
	bool absent = false;
	int code = read_conf(cli);

	if (code != EXIT_DONE)
		return code;
	if (!cli->args.no_daemon)
		code = open_daemon(cli, &absent);
	if (cli->args.no_daemon || absent) {
		if (cli->args.verbose > 0 && absent)
			complain("no daemon runs here: using an engine of our own");
		code = open_inside(cli);
	}
	return code;
}

int
cli_is_down(struct cli *cli)
{
	if (cli->down && !cli->told)
		complain("daemon: %s", cli->why);
	cli->told = cli->told || cli->down;
	return cli->down ? EXIT_CONFIG : EXIT_DONE;
}

/* --- asking ------------------------------------------------------------------------------- */

void
cli_via(xmpp_stanza_t *stanza, enum ear_link_kind *link, int64_t *rtt_us, const char **level)
{
	xmpp_stanza_t *via = stanza == NULL ? NULL : ear_find(stanza, "via", EAR_NS_CONTROL);
	const char *name = via == NULL ? NULL : xmpp_stanza_get_attribute(via, "link");
	const char *rtt = via == NULL ? NULL : xmpp_stanza_get_attribute(via, "rtt-us");

	if (level != NULL)
		*level = via == NULL ? NULL : xmpp_stanza_get_attribute(via, "level");
	if (rtt_us != NULL)
		*rtt_us = rtt == NULL ? -1 : strtoll(rtt, NULL, 10);
	if (link == NULL)
		return;
	*link = EAR_LINK_NONE;
	for (int kind = EAR_LINK_LOCAL; name != NULL && kind <= EAR_LINK_SERVER; kind++) {
		if (strcmp(name, ear_link_name(kind)) == 0)
			*link = kind;
	}
}

enum exit_code
cli_code_of(xmpp_stanza_t *stanza)
{
	enum ear_verdict condition = ear_condition_of(stanza);
	enum ear_link_kind link;

	cli_via(stanza, &link, NULL, NULL);
	/* The server says so of a domain that it cannot find: no path, too. */
	if (condition == EAR_REMOTE_SERVER_NOT_FOUND)
		return EXIT_NOBODY;
	if (link != EAR_LINK_NONE)
		return EXIT_REFUSED;
	if (condition == EAR_RECIPIENT_UNAVAILABLE)
		return EXIT_NOBODY;
	if (condition == EAR_REMOTE_SERVER_TIMEOUT)
		return EXIT_TIMEOUT;
	if (condition == EAR_JID_MALFORMED)
		return EXIT_USAGE;
	if (condition == EAR_NOT_AUTHORIZED && ear_find(stanza, "via", EAR_NS_CONTROL) != NULL)
		return EXIT_TRUST;
	return EXIT_CONFIG;
}

/* --path: which way the daemon must take. */
static void
add_route(struct cli *cli, xmpp_stanza_t *stanza)
{
	if (strcmp(cli->args.path, "auto") != 0 && xmpp_stanza_get_to(stanza) != NULL)
		ear_set(ear_child(stanza, "route", EAR_NS_CONTROL), "path", "%s", cli->args.path);
}

int
cli_send(struct cli *cli, xmpp_stanza_t *stanza)
{
	int rc;

	add_route(cli, stanza);
	rc = client_send(cli->client, stanza);
	if (rc == -EMSGSIZE)
		complain("the stanza is too large");
	else if (rc != 0)
		cli_is_down(cli);
	return rc == 0 ? EXIT_DONE : rc == -EMSGSIZE ? EXIT_USAGE : EXIT_CONFIG;
}

static void
answer_take(struct answer *answer, xmpp_stanza_t *stanza)
{
	answer->stanza = stanza;
	cli_via(stanza, &answer->link, &answer->rtt_us, NULL);
	answer->code = strcmp(xmpp_stanza_get_type(stanza), "error") == 0 ? cli_code_of(stanza)
									  : EXIT_DONE;
}

void
cli_ask(struct cli *cli, xmpp_stanza_t *iq, double seconds, struct answer *answer)
{
	int64_t deadline = cli_now() + (int64_t)(seconds * 1e6);
	char *id = xstrdup(xmpp_stanza_get_id(iq));
	struct wait wait = { .id = id };

	*answer = (struct answer){ .code = EXIT_CONFIG, .rtt_us = -1 };
	cli->wait = &wait;
	if (cli_send(cli, iq) == EXIT_DONE) {
		while (wait.stanza == NULL && !cli->down && !cli->interrupted &&
		       cli_now() < deadline)
			cli_turn(cli, deadline);
		if (wait.stanza != NULL)
			answer_take(answer, wait.stanza);
		else if (cli_is_down(cli) == EXIT_DONE)
			answer->code = EXIT_TIMEOUT;
	}
	cli->wait = NULL;
	free(id);
}

void
answer_release(struct answer *answer)
{
	if (answer->stanza != NULL)
		xmpp_stanza_release(answer->stanza);
	answer->stanza = NULL;
}

xmpp_stanza_t *
cli_control(struct cli *cli, const char *type, const char *name)
{
	xmpp_stanza_t *iq = ear_stanza(cli->ctx, "iq", type, NULL, NULL);

	ear_child(iq, name, EAR_NS_CONTROL);
	return iq;
}

/* What may help, where the other side gave no reason. */
static const char *
hint_of(enum ear_verdict condition)
{
	switch ((int)condition) {
	case EAR_NOT_AUTHORIZED:
	case EAR_FORBIDDEN:
		return "its owner decides: [policy] in its earshotd.conf";
	case EAR_SERVICE_UNAVAILABLE:
		return "it does not offer this, or it is offline";
	case EAR_FEATURE_NOT_IMPLEMENTED:
		return "it does not offer this";
	default:
		return "it gave no reason";
	}
}

int
cli_refused(const char *subject, const struct answer *answer)
{
	enum ear_verdict condition;
	const char *text, *name;

	if (answer->stanza == NULL) {
		if (answer->code == EXIT_TIMEOUT)
			complain("%s: no answer in time; --timeout waits longer", subject);
		return answer->code;
	}
	condition = ear_condition_of(answer->stanza);
	name = ear_condition_name(condition);
	text = ear_error_text_of(answer->stanza);
	switch (answer->code) {
	case EXIT_NOBODY:
		complain("%s: nobody there (%s)%s%s; earshot peers lists who is", subject, name,
			 text == NULL ? "" : ": ", text == NULL ? "" : text);
		break;
	case EXIT_TIMEOUT:
		complain("%s: no answer (%s)%s%s", subject, name, text == NULL ? "" : ": ",
			 text == NULL ? "" : text);
		break;
	case EXIT_USAGE:
		complain("%s: is no address (%s)", subject, name);
		break;
	case EXIT_CONFIG:
		complain("%s: the daemon refused (%s): %s", subject, name,
			 text == NULL ? "it gave no reason" : text);
		break;
	default:
		complain("%s: refused (%s): %s", subject, name,
			 text == NULL ? hint_of(condition) : text);
		break;
	}
	return answer->code;
}

/* One page from number first on. Returns an exit code; *next is where to go on, 0: at the end. */
static int
list_page(struct cli *cli, xmpp_stanza_t *iq, const char *list, const char *item,
	  unsigned long *next, void (*fn)(void *arg, xmpp_stanza_t *element), void *arg)
{
	unsigned long first = *next, count = 0;
	xmpp_stanza_t *all;
	struct answer answer;
	const char *total;
	int code;

	*next = 0;
	cli_ask(cli, iq, cli->args.timeout, &answer);
	code = answer.code;
	all = code == EXIT_DONE ? ear_find(answer.stanza, list, EAR_NS_CONTROL) : NULL;
	if (code == EXIT_DONE && all == NULL) {
		complain("daemon: its answer holds no <%s/>", list);
		code = EXIT_CONFIG;
	}
	for (xmpp_stanza_t *e = all == NULL ? NULL : ear_first(all); e != NULL; e = ear_next(e)) {
		if (!ear_is(e, item, EAR_NS_CONTROL))
			continue;
		fn(arg, e);
		count++;
	}
	total = all == NULL ? NULL : xmpp_stanza_get_attribute(all, "total");
	if (count > 0 && total != NULL && first + count < strtoul(total, NULL, 10))
		*next = first + count;
	if (code != EXIT_DONE && answer.stanza != NULL &&
	    ear_condition_of(answer.stanza) == EAR_ITEM_NOT_FOUND)
		code = EXIT_NOBODY;
	else if (code != EXIT_DONE && all == NULL)
		cli_refused(list, &answer);
	answer_release(&answer);
	return code;
}

int
cli_list(struct cli *cli, const char *list, const char *item, const char *key, const char *value,
	 void (*fn)(void *arg, xmpp_stanza_t *element), void *arg)
{
	unsigned long next = 0;
	int code, pages = 0;

	do {
		xmpp_stanza_t *iq = cli_control(cli, "get", list);
		xmpp_stanza_t *query = ear_first(iq);

		if (value != NULL)
			ear_set(query, key, "%s", value);
		if (next > 0)
			ear_set(query, "first", "%lu", next);
		code = list_page(cli, iq, list, item, &next, fn, arg);
	} while (code == EXIT_DONE && next > 0 && ++pages < PAGES_MAX);
	return code;
}

/* --- addresses ---------------------------------------------------------------------------- */

struct lookup {
	const char *name;
	char *found;
	unsigned matches;
};

static void
on_peer(void *arg, xmpp_stanza_t *element)
{
	struct lookup *lookup = arg;
	const char *name = xmpp_stanza_get_attribute(element, "name");
	const char *address = xmpp_stanza_get_attribute(element, "address");

	if (name == NULL || address == NULL || strcmp(name, lookup->name) != 0)
		return;
	lookup->matches++;
	xreplace(&lookup->found, address);
}

static char *
find_by_name(struct cli *cli, const char *name, int *code)
{
	int64_t deadline = cli_now() + (int64_t)(cli->args.timeout * 1e6);
	struct lookup lookup = { .name = name };

	do {
		*code = cli_list(cli, "peers", "peer", NULL, NULL, on_peer, &lookup);
		if (*code != EXIT_DONE || lookup.matches > 0 || cli->ear == NULL)
			break;
		cli_sleep(cli, 0.1);
	} while (!cli->interrupted && cli_now() < deadline);
	if (*code == EXIT_DONE && lookup.matches > 1) {
		complain("%s: %u peers are called so: give an address (earshot peers)", name,
			 lookup.matches);
		*code = EXIT_USAGE;
		xreplace(&lookup.found, NULL);
	}
	return lookup.found;
}

char *
cli_resolve(struct cli *cli, const char *name, int *code)
{
	char canonical[EAR_JID_SIZE], *found = NULL;

	*code = EXIT_DONE;
	if (strchr(name, '@') == NULL && strchr(name, '/') == NULL)
		found = find_by_name(cli, name, code);
	if (*code != EXIT_DONE)
		return NULL;
	if (found == NULL && strpbrk(name, "@./") == NULL) {
		complain("%s: no peer is called so: earshot peers lists who is there", name);
		*code = EXIT_NOBODY;
		return NULL;
	}
	if (found == NULL)
		found = xstrdup(name);
	if (ear_jid_prep(found, canonical, sizeof(canonical)) != 0) {
		complain("%s: is no address; write user@machine.local or user@domain", name);
		free(found);
		*code = EXIT_USAGE;
		return NULL;
	}
	xreplace(&found, canonical);
	inside_await(cli, found);
	return found;
}

/* --- small things ------------------------------------------------------------------------- */

static json_t *
json_of(const char *value)
{
	char *end;
	long long number;

	if (value == NULL)
		return json_null();
	if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
		return json_boolean(value[0] == 't');
	number = strtoll(value, &end, 10);
	return *value != '\0' && *end == '\0' ? json_integer(number) : json_null();
}

void
cli_put_attribute(json_t *object, xmpp_stanza_t *element, const char *name)
{
	static const char *const typed[] = { "in-earshot", "rtt-us",   "rttvar-us",
					     "samples",    "alive-us", "chosen" };
	const char *value = xmpp_stanza_get_attribute(element, name);
	char key[32];

	copy_text(key, sizeof(key), name);
	for (char *p = key; *p != '\0'; p++) {
		if (*p == '-')
			*p = '_';
	}
	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
		if (strcmp(typed[i], name) == 0) {
			json_object_set_new(object, key, json_of(value));
			return;
		}
	}
	json_put_text(object, key, value);
}

char *
cli_join(const struct cli *cli, int first)
{
	size_t size = 1, n = 0;
	char *out;

	for (int i = first; i < cli->args.count; i++)
		size += strlen(cli->args.words[i]) + 1;
	out = xalloc(size);
	for (int i = first; i < cli->args.count; i++)
		n += snprintf(out + n, size - n, "%s%s", i == first ? "" : " ", cli->args.words[i]);
	return out;
}
