/* SPDX-License-Identifier: ISC */
/* cmd_remote.c: the full-screen remote control from its start to its end: signals, keys as they are
 * typed, the clock, a daemon that leaves and comes back. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "boxes.h"
#include "remote.h"
#include "screen.h"

#define TICK         (200 * EAR_MSEC) /* how often the clock on the screen is looked at */
#define REOPEN_EVERY (500 * EAR_MSEC)
#define KEYS_MAX     64 /* taken in one turn: a paste must not stop the clock */

static const int signals[] = { SIGWINCH, SIGCONT, SIGTSTP, SIGHUP };

#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

/* What the loop looks at beside the stream to the daemon. */
struct watched {
	struct remote *remote;
	struct event *keys, *signals[SIGNALS];
};

static void
on_keys(evutil_socket_t fd, short what, void *arg)
{
	struct remote *remote = ((struct watched *)arg)->remote;
	unsigned key;

	for (int i = 0; i < KEYS_MAX; i++) {
		key = screen_key();
		if (key == SCREEN_NONE)
			break;
		remote_key(remote, key);
	}
	if (screen_is_gone())
		remote->quit = true;
}

/* The signal has to do what it does by default, so it is not ours for that moment. */
static void
on_stop(struct watched *watched, struct event *event)
{
	event_del(event);
	screen_suspend();
	event_add(event, NULL);
}

static void
on_signal(evutil_socket_t number, short what, void *arg)
{
	struct watched *watched = arg;
	struct remote *remote = watched->remote;

	for (size_t i = 0; i < SIGNALS; i++)
		if (signals[i] == SIGTSTP && number == SIGTSTP)
			on_stop(watched, watched->signals[i]);
	if (number == SIGHUP)
		remote->quit = true;
	else
		screen_renew();
	remote->dirty = true;
}

static void
watch(struct watched *watched)
{
	struct event_base *base = watched->remote->cli->base;

	watched->keys = event_new(base, STDIN_FILENO, EV_READ | EV_PERSIST, on_keys, watched);
	if (watched->keys == NULL)
		abort();
	event_add(watched->keys, NULL);
	for (size_t i = 0; i < SIGNALS; i++) {
		watched->signals[i] = evsignal_new(base, signals[i], on_signal, watched);
		if (watched->signals[i] == NULL)
			abort();
		event_add(watched->signals[i], NULL);
	}
}

static void
unwatch(struct watched *watched)
{
	event_free(watched->keys);
	for (size_t i = 0; i < SIGNALS; i++)
		event_free(watched->signals[i]);
}

static void
on_boxes(void *arg)
{
	((struct remote *)arg)->dirty = true;
}

/* A complaint or a line of the log, which would have spoilt the screen. */
static void
on_error_line(void *arg, const char *line)
{
	static const char prefix[] = "earshot: ";

	if (strncmp(line, prefix, sizeof(prefix) - 1) == 0)
		line += sizeof(prefix) - 1;
	remote_say(arg, true, "%s", line);
}

/* The daemon left: everything under way is over. Then it is tried now and then. */
static void
reopen(struct remote *remote)
{
	struct cli *cli = remote->cli;

	if (cli->down) {
		cli->told = true; /* on the screen */
		remote_end(remote);
		cli_forget(cli);
		remote->reopen_at = 0;
	}
	if (cli->client == NULL && cli_now() >= remote->reopen_at) {
		remote->reopen_at = cli_now() + REOPEN_EVERY;
		cli_reopen(cli);
	}
}

static void
turn(struct remote *remote)
{
	struct cli *cli = remote->cli;
	bool was_up = cli->up;

	if (cli->down || cli->client == NULL)
		reopen(remote);
	cli_turn(cli, cli_now() + TICK);
	if (cli->up && !was_up && !cli->down)
		remote_begin(remote);
	if (remote->message != NULL && cli_now() >= remote->message_until) {
		xreplace(&remote->message, NULL);
		remote->dirty = true;
	}
	remote_look_at_path(remote);
	if (remote->has_view && remote->view.state.playback == EAR_PLAYING)
		remote->dirty = true;
}

static void
run(struct remote *remote)
{
	cli_listen(remote->cli, remote_on_stanza, remote);
	remote_begin(remote);
	while (!remote->quit && !remote->cli->interrupted) {
		if (remote->dirty) {
			remote->dirty = false;
			remote_draw(remote);
		}
		turn(remote);
	}
	cli_listen(remote->cli, NULL, NULL);
}

static int
open_screen(struct remote *remote)
{
	const char *type = getenv("TERM");
	int rc = screen_open(remote->cli, on_error_line, remote);

	if (rc == -ENOTTY)
		complain("remote: needs a terminal; earshot press and earshot status do without");
	else if (rc != 0)
		complain("remote: no full screen on a terminal of the type \"%s\" (TERM)",
			 type == NULL ? "" : type);
	return rc == 0 ? EXIT_DONE : EXIT_USAGE;
}

static void
release(struct remote *remote)
{
	follow_free(remote->follow);
	asks_end(remote->asks);
	boxes_free(remote->boxes);
	asks_free(remote->asks);
	free(remote->address);
	free(remote->name);
	free(remote->trouble);
	free(remote->message);
}

int
cmd_remote(struct cli *cli)
{
	struct remote remote = { .cli = cli, .page = REMOTE_BOXES, .path.rtt_us = -1 };
	struct watched watched = { .remote = &remote };
	int code = EXIT_DONE;

	if (cli->args.json) {
		complain("remote: has no --json; earshot status -w has");
		return EXIT_USAGE;
	}
	if (cli->args.count > 0) {
		remote.address = cli_resolve(cli, cli->args.words[0], &code);
		if (remote.address == NULL)
			return code;
		remote.page = REMOTE_PLAYER;
	}
	remote.asks = asks_new(cli);
	remote.boxes = boxes_new(cli, remote.asks, on_boxes, &remote);
	/* Before the screen: curses leaves signals alone that somebody has already. */
	watch(&watched);
	code = open_screen(&remote);
	if (code == EXIT_DONE) {
		boxes_show(remote.boxes, remote.page == REMOTE_BOXES);
		run(&remote);
		screen_close();
	}
	unwatch(&watched);
	release(&remote);
	return code;
}
