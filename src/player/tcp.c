/* SPDX-License-Identifier: ISC */
/* tcp.c: the way to a player over TCP. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/endpoint.h"
#include "player/tcp.h"

#define SCHEME  "tcp://"
#define LOCAL   "localhost"
#define SILENCE 20000 /* ms that a peer may leave what we sent unacknowledged */

/* Whether what follows the scheme ends in ":port". The colons of IPv6 are within brackets. */
static bool
has_port(const char *host)
{
	const char *close = strchr(host, ']');

	return strchr(close == NULL ? host : close, ':') != NULL;
}

int
tcp_address(const char *url, const char *port, struct sockaddr_storage *address, socklen_t *length)
{
	char text[80];
	const char *host = url + strlen(SCHEME);
	bool local;

	if (strncmp(url, SCHEME, strlen(SCHEME)) != 0)
		return -EINVAL;
	local = strncmp(host, LOCAL, strlen(LOCAL)) == 0;
	if (local)
		host += strlen(LOCAL);
	if ((size_t)snprintf(text, sizeof(text), "%s%s%s%s", local ? "127.0.0.1" : "", host,
			     has_port(host) ? "" : ":", has_port(host) ? "" : port) >= sizeof(text))
		return -EINVAL;
	memset(address, 0, sizeof(*address));
	return endpoint_parse(text, address, length);
}

void
tcp_watch(int fd)
{
	static const int options[][3] = {
		{ SOL_SOCKET, SO_KEEPALIVE, 1 },    { IPPROTO_TCP, TCP_KEEPIDLE, 30 },
		{ IPPROTO_TCP, TCP_KEEPINTVL, 10 }, { IPPROTO_TCP, TCP_KEEPCNT, 3 },
		{ IPPROTO_TCP, TCP_NODELAY, 1 },    { IPPROTO_TCP, TCP_USER_TIMEOUT, SILENCE },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		(void)setsockopt(fd, options[i][0], options[i][1], &options[i][2], sizeof(int));
}
