/* SPDX-License-Identifier: ISC */
/* netwatch.c: the rtnetlink socket: listening, asking for everything, and asking again when
 * something was lost. */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <event2/event.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "link/netwatch.h"

#define READ_SIZE   32768 /* as much as the kernel puts into one message of a dump */
#define READS_MAX   64    /* in one turn of the loop */
#define BUFFER_SIZE (1024 * 1024)
#define GROUPS                                                                                     \
	(RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR | RTMGRP_IPV4_ROUTE |               \
	 RTMGRP_IPV6_ROUTE)

/* The kernel answers one such question at a time. */
enum asked {
	ASKED_NOTHING,
	ASKED_LINKS,
	ASKED_ADDRESSES,
};

struct netwatch {
	struct nettable table;
	struct ear_clock *clock;
	struct ear_timer gather; /* good news is told then */
	struct ear_timer settle; /* bad news is told again then */
	struct ear_timer ask;    /* everything is asked then */
	netwatch_fn *fn;
	void *arg;
	enum asked asked;
	int64_t rested_at; /* no good news is told before */
	int64_t wait;      /* before the next question */
	bool broken;       /* the dump under way has to be done again */
	bool known;
	int fd; /* -1: deaf */
	struct event *event;
	uint32_t serial;
	char *room; /* for one read */
};

/* --- asking ------------------------------------------------------------------------------- */

static bool
ask_for(struct netwatch *watch, int type, enum asked asked)
{
	struct {
		struct nlmsghdr header;
		struct rtgenmsg body;
	} request = {
		.header = { .nlmsg_len = NLMSG_LENGTH(sizeof(request.body)),
			    .nlmsg_type = (uint16_t)type,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP,
			    .nlmsg_seq = ++watch->serial },
		.body = { .rtgen_family = AF_UNSPEC },
	};
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	watch->asked = asked;
	if (watch->fd < 0 || sendto(watch->fd, &request, request.header.nlmsg_len, 0,
				    (struct sockaddr *)&kernel, sizeof(kernel)) > 0)
		return true;
	ear_debug("network: cannot ask the kernel: %m");
	return false;
}

static void
ask_later(struct netwatch *watch)
{
	watch->asked = ASKED_NOTHING;
	if (ear_timer_is_set(&watch->ask))
		return;
	ear_timer_set(&watch->ask, watch->wait);
	watch->wait = watch->wait * 2 > NETWATCH_ASK_MAX ? NETWATCH_ASK_MAX : watch->wait * 2;
}

static void
on_ask(void *arg)
{
	struct netwatch *watch = arg;

	watch->broken = false;
	nettable_begin(&watch->table);
	if (!ask_for(watch, RTM_GETLINK, ASKED_LINKS))
		ask_later(watch);
}

/* One dump is complete. Returns what that changes. */
static unsigned
go_on(struct netwatch *watch)
{
	switch (watch->asked) {
	case ASKED_NOTHING:
		return 0;
	case ASKED_LINKS:
		if (watch->broken || !ask_for(watch, RTM_GETADDR, ASKED_ADDRESSES))
			ask_later(watch);
		return 0;
	case ASKED_ADDRESSES:
		break;
	}
	watch->asked = ASKED_NOTHING;
	if (watch->broken) {
		ask_later(watch);
		return 0;
	}
	if (watch->table.full && !watch->known)
		ear_warn("network: too many interfaces or addresses: changes of some go unseen");
	watch->wait = NETWATCH_ASK_USEC;
	watch->known = true;
	return nettable_end(&watch->table);
}

/* --- telling ------------------------------------------------------------------------------ */

static void
on_gathered(void *arg)
{
	struct netwatch *watch = arg;

	watch->rested_at = ear_now(watch->clock) + NETWATCH_REST_USEC;
	watch->fn(watch->arg, true);
}

static void
on_settled(void *arg)
{
	struct netwatch *watch = arg;

	watch->fn(watch->arg, false);
}

static void
tell(struct netwatch *watch, unsigned changes)
{
	int64_t left = watch->rested_at - ear_now(watch->clock);

	if ((changes & NET_BETTER) != 0 && !ear_timer_is_set(&watch->gather))
		ear_timer_set(&watch->gather,
			      left > NETWATCH_GATHER_USEC ? left : NETWATCH_GATHER_USEC);
	if ((changes & NET_WORSE) != 0) {
		ear_timer_set(&watch->settle, NETWATCH_SETTLE_USEC);
		watch->fn(watch->arg, false);
	}
}

static unsigned
take(struct netwatch *watch, const void *bytes, size_t length)
{
	unsigned changes = nettable_take(&watch->table, bytes, length);
	bool was_known = watch->known;

	watch->broken |= (changes & NET_AGAIN) != 0;
	if ((changes & NET_DONE) != 0)
		changes |= go_on(watch);
	else if ((changes & NET_REFUSED) != 0)
		ask_later(watch);
	return was_known ? changes & (NET_WORSE | NET_BETTER) : 0;
}

void
netwatch_heard(struct netwatch *watch, const void *bytes, size_t length)
{
	tell(watch, take(watch, bytes, length));
}

void
netwatch_missed(struct netwatch *watch)
{
	watch->broken = true;
	if (watch->asked == ASKED_NOTHING)
		ask_later(watch);
}

/* --- hearing ------------------------------------------------------------------------------ */

/* One read. False: there is no more for now. Only the kernel is believed. */
static bool
hear(struct netwatch *watch, unsigned *changes)
{
	struct sockaddr_nl from = { .nl_family = AF_NETLINK };
	struct iovec room = { .iov_base = watch->room, .iov_len = READ_SIZE };
	struct msghdr message = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &room, .msg_iovlen = 1
	};
	ssize_t length = recvmsg(watch->fd, &message, 0);

	if (length < 0 && errno == ENOBUFS)
		netwatch_missed(watch);
	else if (length < 0)
		return errno == EINTR;
	else if (from.nl_pid == 0 && (message.msg_flags & MSG_TRUNC) != 0)
		netwatch_missed(watch);
	else if (from.nl_pid == 0)
		*changes |= take(watch, watch->room, (size_t)length);
	return true;
}

/* All that is there counts together: what went and came back is told as both. */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct netwatch *watch = arg;
	unsigned changes = 0;

	for (int i = 0; i < READS_MAX && hear(watch, &changes); i++)
		;
	tell(watch, changes);
}

static int
listen_to_kernel(struct netwatch *watch)
{
	struct sockaddr_nl local = { .nl_family = AF_NETLINK, .nl_groups = GROUPS };
	int size = BUFFER_SIZE;

	watch->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (watch->fd < 0)
		return -errno;
	setsockopt(watch->fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	return bind(watch->fd, (struct sockaddr *)&local, sizeof(local)) == 0 ? 0 : -errno;
}

struct netwatch *
netwatch_new_deaf(struct ear_clock *clock, netwatch_fn *fn, void *arg)
{
	struct netwatch *watch = xalloc(sizeof(*watch));

	nettable_init(&watch->table);
	watch->clock = clock;
	watch->fn = fn;
	watch->arg = arg;
	watch->fd = -1;
	ear_timer_init(&watch->gather, clock, on_gathered, watch);
	ear_timer_init(&watch->settle, clock, on_settled, watch);
	ear_timer_init(&watch->ask, clock, on_ask, watch);
	watch->wait = NETWATCH_ASK_USEC;
	watch->asked = ASKED_LINKS;
	return watch;
}

struct netwatch *
netwatch_new(struct event_base *base, struct ear_clock *clock, netwatch_fn *fn, void *arg)
{
	struct netwatch *watch = netwatch_new_deaf(clock, fn, arg);
	int error = listen_to_kernel(watch);

	if (error != 0) {
		ear_warn("network: the kernel tells nothing of changes (%s): connections of a "
			 "network that is gone end by time-out only",
			 strerror(-error));
		return watch;
	}
	watch->room = xalloc(READ_SIZE);
	watch->event = event_new(base, watch->fd, EV_READ | EV_PERSIST, on_readable, watch);
	event_add(watch->event, NULL);
	on_ask(watch);
	return watch;
}

void
netwatch_free(struct netwatch *watch)
{
	if (watch == NULL)
		return;
	ear_timer_stop(&watch->gather);
	ear_timer_stop(&watch->settle);
	ear_timer_stop(&watch->ask);
	if (watch->event != NULL)
		event_free(watch->event);
	if (watch->fd >= 0)
		close(watch->fd);
	nettable_release(&watch->table);
	free(watch->room);
	free(watch);
}

/* --- questions ---------------------------------------------------------------------------- */

bool
netwatch_is_known(const struct netwatch *watch)
{
	return watch->known;
}

/*
 * The kernel has addresses that no interface has: all of 127.0.0.0/8, and what a route of type
 * `local` says. Whether one is still its own shows when a socket is to have it.
 */
static bool
is_no_more_ours(const struct sockaddr_storage *address, socklen_t length)
{
	struct sockaddr_storage any_port = *address;
	int fd = socket(address->ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool gone;

	if (fd < 0)
		return false;
	if (address->ss_family == AF_INET6)
		((struct sockaddr_in6 *)&any_port)->sin6_port = 0;
	else
		((struct sockaddr_in *)&any_port)->sin_port = 0;
	gone = bind(fd, (struct sockaddr *)&any_port, length) != 0 &&
	       (errno == EADDRNOTAVAIL || errno == ENODEV);
	close(fd);
	return gone;
}

bool
netwatch_is_lost(const struct netwatch *watch, int fd)
{
	struct sockaddr_storage own = { .ss_family = AF_UNSPEC };
	socklen_t length = sizeof(own);

	if (!watch->known || getsockname(fd, (struct sockaddr *)&own, &length) != 0 ||
	    (own.ss_family != AF_INET && own.ss_family != AF_INET6))
		return false;
	switch (nettable_find(&watch->table, (struct sockaddr *)&own)) {
	case NET_ALIVE:
		return false;
	case NET_DEAD:
		return true;
	case NET_UNKNOWN:
		break;
	}
	return is_no_more_ours(&own, length);
}

void
netwatch_each(const struct netwatch *watch, netwatch_address_fn *fn, void *arg)
{
	for (size_t i = 0; i < watch->table.address_count; i++) {
		const struct net_address *address = &watch->table.addresses[i];

		if (nettable_is_usable(&watch->table, address))
			fn(arg, address, nettable_link(&watch->table, address->link));
	}
}
