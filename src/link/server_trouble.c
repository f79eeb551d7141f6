/* SPDX-License-Identifier: ISC */
/* server_trouble.c: why there is no server, for people, and what they may do about it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "link/server_impl.h"

#define FROZEN                                                                                     \
	"look at the server's process: it takes connections and says nothing (stopped? its disk "  \
	"full?)"

static const char *
remedy_of_connecting(int error)
{
	switch (error) {
	case -ECONNREFUSED:
		return "nothing listens there: start the server, or correct [server] host and port";
	case -ETIMEDOUT:
		return "the server's machine is off, or a firewall drops connections to that port";
	default:
		return "is there a way to that address? ip route get it";
	}
}

static const char *
remedy_of_login(int error)
{
	switch (error) {
	case -EACCES:
		return "[server] secret-file must hold what the server's configuration has for it";
	case -ENOENT:
		return "[server] jid must be one that the server's configuration names";
	case -EADDRINUSE:
		return "stop the other one, or give this one another [server] jid";
	case -ETIMEDOUT:
		return FROZEN;
	default:
		return "the server's log says why; is that the port for components, or accounts?";
	}
}

static const char *
remedy_of(enum server_phase phase, int error)
{
	switch (phase) {
	case SERVER_RESOLVING:
		return "the name server in /etc/resolv.conf must answer for that name; or [server] "
		       "host = its address";
	case SERVER_CONNECTING:
		return remedy_of_connecting(error);
	case SERVER_STARTTLS:
		return error == -ETIMEDOUT
			       ? FROZEN
			       : "the server must offer STARTTLS on that port to accounts";
	case SERVER_TLS:
		return error == -ETIMEDOUT
			       ? FROZEN
			       : "its certificate must be valid, for that domain, and of "
				 "an authority in [server] ca-file";
	case SERVER_LOGIN:
		return remedy_of_login(error);
	case SERVER_UP:
	case SERVER_CLOSING:
		return error == -ETIMEDOUT ? FROZEN : "is the server running? Its log says why";
	case SERVER_WAITING:
	case SERVER_CLOSED:
		break;
	}
	return "look at [server] in the configuration and at the server's log";
}

const char *
server_trouble(const struct link *link, char *out, size_t size)
{
	const struct server *server = container_of(link, const struct server, link);
	const char *name = server->host != NULL ? server->host : server->domain;

	if (server->failure[0] != '\0') {
		snprintf(out, size, "%s", server->failure);
		return remedy_of(server->failed_in, server->error);
	}
	if (server->phase == SERVER_RESOLVING)
		snprintf(out, size, "%s: the name server has not answered yet", name);
	else if (server->phase == SERVER_CONNECTING)
		snprintf(out, size, "%s has not answered yet", server->where);
	else
		snprintf(out, size, "%s has taken the connection, and not answered yet",
			 server->where);
	return remedy_of(server->phase, -ETIMEDOUT);
}

bool
server_owes(const struct link *link)
{
	const struct server *server = container_of(link, const struct server, link);

	return server->phase == SERVER_UP && server->ping[0] != '\0';
}
