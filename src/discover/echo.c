/* SPDX-License-Identifier: ISC */
/* echo.c: a question by mDNS on one interface, and who hears it. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "discover/echo.h"

#define MDNS_PORT     5353
#define MDNS_HOPS     255 /* RFC 6762 §11 */
#define PACKETS_MAX   32  /* read in one turn */
#define DATAGRAM_SIZE 9000

#ifndef IPV6_MULTICAST_ALL
#define IPV6_MULTICAST_ALL 29
#endif

struct echo {
	struct net net;
	struct sockaddr_storage source; /* of the question, with its port */
	int ask, hear;                  /* sockets, -1: none */
	struct event *on_ask, *on_hear;
	struct echo_heard heard;
};

/* --- addresses ---------------------------------------------------------------------------- */

/* IPv4 where there is any: what mDNS stacks have in common. */
static const struct sockaddr_storage *
source_of(const struct net *net)
{
	const struct sockaddr_storage *six = NULL;

	for (size_t i = 0; i < net->count; i++) {
		if (net->addresses[i].ss_family == AF_INET)
			return &net->addresses[i];
		if (six == NULL || net_is_link_local(&net->addresses[i]))
			six = &net->addresses[i];
	}
	return six;
}

static socklen_t
length_of(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET ? sizeof(struct sockaddr_in)
					     : sizeof(struct sockaddr_in6);
}

static struct sockaddr_storage
group_of(const struct echo *echo)
{
	struct sockaddr_storage group = { .ss_family = echo->source.ss_family };
	struct sockaddr_in *four = (struct sockaddr_in *)&group;
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)&group;

	if (group.ss_family == AF_INET) {
		four->sin_port = htons(MDNS_PORT);
		inet_pton(AF_INET, "224.0.0.251", &four->sin_addr);
	} else {
		six->sin6_port = htons(MDNS_PORT);
		six->sin6_scope_id = (uint32_t)echo->net.index;
		inet_pton(AF_INET6, "ff02::fb", &six->sin6_addr);
	}
	return group;
}

static bool
same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return memcmp(&((const struct sockaddr_in *)a)->sin_addr,
			      &((const struct sockaddr_in *)b)->sin_addr,
			      sizeof(struct in_addr)) == 0;
	return memcmp(&((const struct sockaddr_in6 *)a)->sin6_addr,
		      &((const struct sockaddr_in6 *)b)->sin6_addr, sizeof(struct in6_addr)) == 0;
}

static unsigned
port_of(const struct sockaddr_storage *address)
{
	struct sockaddr_in four;

	/* In both families it stands at the same place. */
	memcpy(&four, address, sizeof(four));
	return ntohs(four.sin_port);
}

static bool
is_ours(const struct echo *echo, const struct sockaddr_storage *address)
{
	for (size_t i = 0; i < echo->net.count; i++)
		if (same_address(&echo->net.addresses[i], address))
			return true;
	return false;
}

/* --- what is heard ------------------------------------------------------------------------ */

/* From whom is all that counts. */
static bool
receive(int fd, struct sockaddr_storage *from)
{
	unsigned char packet[DATAGRAM_SIZE];
	socklen_t length = sizeof(*from);

	return recvfrom(fd, packet, sizeof(packet), MSG_DONTWAIT, (struct sockaddr *)from,
			&length) >= 0;
}

static void
on_answer(evutil_socket_t fd, short what, void *arg)
{
	struct echo *echo = arg;

	for (int i = 0; i < PACKETS_MAX; i++) {
		struct sockaddr_storage from = { 0 };

		if (!receive(fd, &from))
			return;
		if (is_ours(echo, &from)) {
			echo->heard.answered = true;
			continue;
		}
		echo->heard.others++;
		net_format(&from, echo->heard.other, sizeof(echo->heard.other));
	}
}

static void
on_question(evutil_socket_t fd, short what, void *arg)
{
	struct echo *echo = arg;

	for (int i = 0; i < PACKETS_MAX; i++) {
		struct sockaddr_storage from = { 0 };

		if (!receive(fd, &from))
			return;
		if (same_address(&from, &echo->source) && port_of(&from) == port_of(&echo->source))
			echo->heard.own = true;
	}
}

/* --- sockets ------------------------------------------------------------------------------ */

static int
set(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value));
}

/* Bound to the group itself: what is sent to this machine alone stays with its mDNS stack. */
static int
listen_for(struct echo *echo)
{
	struct sockaddr_storage group = group_of(echo);
	struct group_req join = { .gr_interface = (uint32_t)echo->net.index, .gr_group = group };
	bool four = group.ss_family == AF_INET;

	echo->hear = socket(group.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (echo->hear == -1)
		return -errno;
	set(echo->hear, SOL_SOCKET, SO_REUSEADDR, 1);
	if (four)
		set(echo->hear, IPPROTO_IP, IP_MULTICAST_ALL, 0);
	else
		set(echo->hear, IPPROTO_IPV6, IPV6_MULTICAST_ALL, 0);
	if (bind(echo->hear, (struct sockaddr *)&group, length_of(&group)) != 0) {
		echo->heard.port_taken = errno == EADDRINUSE;
		return -errno;
	}
	if (setsockopt(echo->hear, four ? IPPROTO_IP : IPPROTO_IPV6, MCAST_JOIN_GROUP, &join,
		       sizeof(join)) != 0)
		return -errno;
	return 0;
}

static int
open_question(struct echo *echo)
{
	struct ip_mreqn by = { .imr_ifindex = echo->net.index };
	socklen_t length = length_of(&echo->source);
	int fd = socket(echo->source.ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	echo->ask = fd;
	if (fd == -1)
		return -errno;
	if (echo->source.ss_family == AF_INET) {
		set(fd, IPPROTO_IP, IP_MULTICAST_TTL, MDNS_HOPS);
		setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by));
	} else {
		set(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, MDNS_HOPS);
		set(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, echo->net.index);
	}
	if (bind(fd, (struct sockaddr *)&echo->source, length) != 0 ||
	    getsockname(fd, (struct sockaddr *)&echo->source, &length) != 0)
		return -errno;
	return 0;
}

static int
ask(struct echo *echo)
{
	/* RFC 6763 §9, in the form of RFC 1035 §4.1: one question, PTR, IN. */
	static const unsigned char question[] = "\0\0\0\0\0\1\0\0\0\0\0\0"
						"\011_services\007_dns-sd\004_udp\005local\0"
						"\0\014\0\001";
	struct sockaddr_storage group = group_of(echo);
	int error = open_question(echo);

	if (error != 0)
		return error;
	if (sendto(echo->ask, question, sizeof(question) - 1, 0, (struct sockaddr *)&group,
		   length_of(&group)) < 0)
		return -errno;
	return 0;
}

static struct event *
watch(struct event_base *base, int fd, event_callback_fn fn, struct echo *echo)
{
	struct event *event = fd == -1 ? NULL : event_new(base, fd, EV_READ | EV_PERSIST, fn, echo);

	if (event != NULL)
		event_add(event, NULL);
	return event;
}

struct echo *
echo_new(struct event_base *base, const struct net *net)
{
	struct echo *echo = xalloc(sizeof(*echo));
	const struct sockaddr_storage *source = source_of(net);
	int error;

	echo->net = *net;
	echo->ask = echo->hear = -1;
	if (source == NULL) {
		echo->heard.error = -EADDRNOTAVAIL;
		return echo;
	}
	echo->source = *source;
	error = listen_for(echo);
	echo->heard.error = ask(echo);
	if (echo->heard.error == 0)
		echo->heard.error = error;
	echo->on_hear = watch(base, error == 0 ? echo->hear : -1, on_question, echo);
	echo->on_ask = watch(base, echo->ask, on_answer, echo);
	return echo;
}

const struct echo_heard *
echo_heard(const struct echo *echo)
{
	return &echo->heard;
}

void
echo_free(struct echo *echo)
{
	if (echo == NULL)
		return;
	if (echo->on_hear != NULL)
		event_free(echo->on_hear);
	if (echo->on_ask != NULL)
		event_free(echo->on_ask);
	if (echo->hear != -1)
		close(echo->hear);
	if (echo->ask != -1)
		close(echo->ask);
	free(echo);
}
