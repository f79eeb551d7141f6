/* SPDX-License-Identifier: ISC */
/* endpoint.c: a numeric address with a port, as a configuration writes it. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/endpoint.h"

static int
port_of(const char *text)
{
	unsigned long port;
	char *end;

	if (!isdigit((unsigned char)text[0]) || strlen(text) > 5)
		return -1;
	port = strtoul(text, &end, 10);
	return *end == '\0' && port <= 65535 ? (int)port : -1;
}

static int
fill(const char *host, bool six, int port, struct sockaddr_storage *address, socklen_t *length)
{
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)address;
	struct sockaddr_in *in4 = (struct sockaddr_in *)address;

	memset(address, 0, sizeof(*address));
	address->ss_family = six ? AF_INET6 : AF_INET;
	if (six)
		in6->sin6_port = htons(port);
	else
		in4->sin_port = htons(port);
	*length = six ? sizeof(*in6) : sizeof(*in4);
	if (inet_pton(address->ss_family, host,
		      six ? (void *)&in6->sin6_addr : (void *)&in4->sin_addr) != 1)
		return -EINVAL;
	return 0;
}

int
endpoint_parse(const char *text, struct sockaddr_storage *address, socklen_t *length)
{
	const char *colon = strrchr(text, ':');
	bool six = text[0] == '[';
	char host[INET6_ADDRSTRLEN];
	int port = colon == NULL ? -1 : port_of(colon + 1);
	size_t n;

	if (port < 0 || (six && (colon == text || colon[-1] != ']')))
		return -EINVAL;
	n = colon - text - (six ? 2 : 0);
	if (n >= sizeof(host))
		return -EINVAL;
	copy_text(host, n + 1, text + six);
	return fill(host, six, port, address, length);
}

bool
endpoint_is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)address;

	if (address->ss_family == AF_INET6)
		return IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
	return address->ss_family == AF_INET && ntohl(in4->sin_addr.s_addr) >> 24 == 127;
}
