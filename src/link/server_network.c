/* SPDX-License-Identifier: ISC */
/* server_network.c: our own network changed: what that means for the connection to the server. */
#include <errno.h>

#include <earshot/log.h>

#include "link/netwatch.h"
#include "link/server_impl.h"

#define HURRY_EVERY EAR_SEC

/* Whether the connection's own end is gone. */
static bool
is_lost(const struct server *server)
{
	return server->net != NULL && server->io != NULL &&
	       netwatch_is_lost(server->net, io_fd(server->io));
}

void
server_watch_network(struct link *link, const struct netwatch *net)
{
	container_of(link, struct server, link)->net = net;
}

/* What is waited for may be possible now. */
static void
hurry(struct server *server)
{
	int64_t now = ear_now(server->clock), at = server->tried_at + HURRY_EVERY;

	if (at < now)
		at = now;
	if (server->phase == SERVER_WAITING && at < server->retry_at) {
		server_retry_in(server, at - now);
	} else if (server->phase == SERVER_RESOLVING && at == now) {
		/* There may be other name servers than before. */
		server_net_close(server);
		server_net_open(server);
	}
}

void
server_network_changed(struct link *link, bool better)
{
	struct server *server = container_of(link, struct server, link);
	bool lost = server->phase == SERVER_CONNECTING ? dial_network_changed(server->dial)
						       : is_lost(server);

	if (lost)
		server_net_failed(server, -ENETDOWN);
	if (better)
		server->failures = 0;
	if (better || lost)
		hurry(server);
}

void
server_ask_life(struct link *link)
{
	server_queue_ask(container_of(link, struct server, link));
}
