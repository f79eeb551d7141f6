/* SPDX-License-Identifier: ISC */
/* inside.c: an engine inside the command line, for machines without a daemon. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "base/conf.h"
#include "base/timer.h"
#include "client.h"
#include "core/engine.h"
#include "inside.h"
#include "registry.h"

#define LOOK_SECONDS    0.02 /* between two looks at whether it is ready */
#define GOODBYE_SECONDS 1

static bool
daemon_runs(const struct conf *conf)
{
	int fd = client_connect(conf->local_socket);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || fd == -EACCES;
}

/*
 * What a program that runs for a moment does not do: offer a player, hold the daemon's port, take
 * from a running daemon what is for its component.
 */
static void
suit_conf(struct conf *conf)
{
	if (conf->server_kind == CONF_SERVER_COMPONENT && daemon_runs(conf)) {
		complain("the daemon is connected as %s: going on without a server",
			 conf->server_jid);
		conf->server_kind = CONF_SERVER_NONE;
	}
	conf->lan_port = 0;
	xreplace(&conf->engine_metrics, NULL);
	xreplace(&conf->player_kind, "none");
}

/* What goes wrong comes back as an answer, and the command says it. */
static enum ear_log_level
log_level(const struct args *args)
{
	int level = EAR_LOG_ERROR + args->verbose;

	return level > EAR_LOG_DEBUG ? EAR_LOG_DEBUG : (enum ear_log_level)level;
}

static int
wait_ready(struct cli *cli)
{
	int64_t deadline = cli_now() + (int64_t)(cli->args.timeout * 1e6);

	while (!engine_is_ready(cli->ear) && !cli->interrupted && cli_now() < deadline)
		cli_sleep(cli, LOOK_SECONDS);
	if (engine_is_ready(cli->ear))
		return EXIT_DONE;
	if (!cli->interrupted)
		complain(
			"no name on the LAN in time: is multicast allowed here? [lan] enabled = no "
			"does without");
	return EXIT_CONFIG;
}

int
inside_start(struct cli *cli, int *fd)
{
	struct engine_config config = {
		.base = cli->base, .conf = cli->conf, .xeps = ear_xeps_all, .no_socket = true
	};
	char error[ENGINE_ERROR_SIZE];
	int fds[2], code;

	ear_log_set_level(log_level(&cli->args));
	if (conf_check(cli->conf, error, sizeof(error)) != 0) {
		complain("%s", error);
		return EXIT_CONFIG;
	}
	suit_conf(cli->conf);
	cli->clock = config.clock = clock_new(cli->base);
	cli->ear = engine_new(&config, error, sizeof(error));
	if (cli->ear == NULL) {
		complain("%s", error);
		return EXIT_CONFIG;
	}
	code = wait_ready(cli);
	if (code != EXIT_DONE)
		return code;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
		complain("socketpair: %s", strerror(errno));
		return EXIT_CONFIG;
	}
	engine_attach(cli->ear, fds[0]);
	*fd = fds[1];
	return EXIT_DONE;
}

struct look {
	const char *wanted; /* --path */
	bool usable;
};

static void
on_path(void *arg, const struct ear_path_info *path)
{
	struct look *look = arg;

	if (strcmp(look->wanted, "auto") != 0 &&
	    strcmp(look->wanted, ear_link_name(path->link)) != 0)
		return;
	if (path->state == EAR_PATH_UP)
		look->usable = true;
	if (path->link == EAR_LINK_LAN &&
	    (path->state == EAR_PATH_IDLE || path->state == EAR_PATH_OPENING))
		look->usable = true;
}

void
inside_await(struct cli *cli, const char *address)
{
	int64_t deadline = cli_now() + (int64_t)(cli->args.timeout * 1e6);
	struct look look = { .wanted = cli->args.path };

	if (cli->ear == NULL)
		return;
	for (;;) {
		ear_each_path(cli->ear, address, on_path, &look);
		if (look.usable || cli->interrupted || cli_now() >= deadline)
			return;
		cli_sleep(cli, LOOK_SECONDS);
	}
}

void
inside_stop(struct cli *cli)
{
	struct timeval patience = { .tv_sec = GOODBYE_SECONDS };

	if (cli->ear != NULL) {
		engine_free(cli->ear);
		for (size_t i = 0; i < 2; i++)
			event_del(cli->signals[i]);
		event_base_loopexit(cli->base, &patience);
		event_base_dispatch(cli->base);
	}
	if (cli->clock != NULL)
		clock_free(cli->clock);
	conf_free(cli->conf);
}
