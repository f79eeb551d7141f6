/* SPDX-License-Identifier: ISC */
/* cli.c: the stream to the engine, the daemon's or one inside, and the loop that waits on it. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "base/conf.h"
#include "cli.h"
#include "client.h"
#include "inside.h"

#define RESTART_MS       1000 /* for a daemon that takes the place of one that died */
#define RESTART_EVERY_MS 20

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
cli_listen(struct cli *cli, cli_stanza_fn *fn, void *arg)
{
	cli->on_stanza = fn;
	cli->arg = arg;
}

/* Commands read standard input outside of the loop: a signal ends that, too. */
static void
let_interrupt(int signal_number)
{
	struct sigaction action;

	sigaction(signal_number, NULL, &action);
	action.sa_flags &= ~SA_RESTART;
	sigaction(signal_number, &action, NULL);
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
		let_interrupt(signals[i]);
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

FILE *
cli_open_file(const char *name, const char **called)
{
	FILE *file;

	if (strcmp(name, "-") == 0) {
		*called = "standard input";
		return stdin;
	}
	file = fopen(name, "re");
	if (file == NULL)
		complain("%s: %s", name, strerror(errno));
	*called = name;
	return file;
}

void
cli_close_file(FILE *file)
{
	if (file != stdin)
		fclose(file);
}

bool
cli_was_interrupted(struct cli *cli, FILE *file)
{
	if (ferror(file) && errno == EINTR)
		cli->interrupted = true;
	return cli->interrupted;
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
	static const struct timespec moment = { .tv_nsec = RESTART_EVERY_MS * 1000000 };
	int fd = client_connect(path);

	/* What is left of a daemon that was killed: the one in its place is there in a moment, and
	 * must not find us connected to its server as what it is there. */
	for (int ms = 0; fd == -ECONNREFUSED && ms < RESTART_MS; ms += RESTART_EVERY_MS) {
		nanosleep(&moment, NULL);
		fd = client_connect(path);
	}
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

void
cli_forget(struct cli *cli)
{
	client_free(cli->client);
	cli->client = NULL;
	cli->up = cli->down = cli->told = false;
}

int
cli_reopen(struct cli *cli)
{
	const char *places[] = { cli->args.socket, cli->conf->local_socket,
				 "/run/earshot/earshot.sock" };
	size_t end = cli->args.socket != NULL ? 1 : 3;
	int fd = -ENOENT;

	for (size_t i = 0; i < end && is_absent(fd); i++)
		fd = places[i] == NULL ? -ENOENT : client_connect(places[i]);
	if (fd < 0)
		return fd;
	cli->client = client_new(cli->base, cli->ctx, fd, &client_events, cli);
	return 0;
}

int
cli_is_down(struct cli *cli)
{
	if (cli->down && !cli->told)
		complain("daemon: %s", cli->why);
	cli->told = cli->told || cli->down;
	return cli->down ? EXIT_CONFIG : EXIT_DONE;
}
