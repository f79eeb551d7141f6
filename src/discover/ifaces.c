/* SPDX-License-Identifier: ISC */
/* ifaces.c: a list of interface names, and the kernel's word when one of them changes. */
#include <errno.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "discover/ifaces.h"

struct iface {
	char name[IF_NAMESIZE];
	int index; /* 0: not there */
};

struct ifaces {
	struct iface list[IFACES_MAX];
	size_t count;
	bool all;
	void (*changed)(void *arg);
	void *arg;
	int fd;
	struct event *event;
};

static bool
refresh(struct ifaces *ifaces)
{
	bool changed = false;

	for (size_t i = 0; i < ifaces->count; i++) {
		int index = (int)if_nametoindex(ifaces->list[i].name);

		changed |= index != ifaces->list[i].index;
		ifaces->list[i].index = index;
	}
	return changed;
}

/* What the messages say is asked anew, so that one that was lost (ENOBUFS) does no harm. */
static void
on_netlink(evutil_socket_t fd, short what, void *arg)
{
	struct ifaces *ifaces = arg;
	char message[8192];

	while (recv(ifaces->fd, message, sizeof(message), 0) > 0 || errno == ENOBUFS)
		;
	if (refresh(ifaces))
		ifaces->changed(ifaces->arg);
}

static void
watch(struct ifaces *ifaces, struct event_base *base)
{
	struct sockaddr_nl local = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };

	ifaces->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (ifaces->fd < 0 || bind(ifaces->fd, (struct sockaddr *)&local, sizeof(local)) < 0) {
		ear_warn("mdns: cannot watch the network interfaces: %m");
		return;
	}
	ifaces->event = event_new(base, ifaces->fd, EV_READ | EV_PERSIST, on_netlink, ifaces);
	event_add(ifaces->event, NULL);
}

static void
parse(struct ifaces *ifaces, const char *list)
{
	while (*list != '\0') {
		size_t skip = strspn(list, ", \t");
		size_t length = strcspn(list + skip, ", \t");

		list += skip;
		if (length == 0)
			return;
		if (length >= IF_NAMESIZE || ifaces->count == IFACES_MAX)
			ear_warn("mdns: interface %.*s is left out: %s", (int)length, list,
				 length >= IF_NAMESIZE ? "no such name can exist" : "too many");
		else
			memcpy(ifaces->list[ifaces->count++].name, list, length);
		list += length;
	}
}

struct ifaces *
ifaces_new(struct event_base *base, const char *list, void (*changed)(void *arg), void *arg)
{
	struct ifaces *ifaces = xalloc(sizeof(*ifaces));

	ifaces->changed = changed;
	ifaces->arg = arg;
	ifaces->fd = -1;
	ifaces->all = strcmp(list, "all") == 0;
	if (ifaces->all)
		return ifaces;
	parse(ifaces, list);
	watch(ifaces, base);
	refresh(ifaces);
	return ifaces;
}

void
ifaces_free(struct ifaces *ifaces)
{
	if (ifaces == NULL)
		return;
	if (ifaces->event != NULL)
		event_free(ifaces->event);
	if (ifaces->fd >= 0)
		close(ifaces->fd);
	free(ifaces);
}

bool
ifaces_is_all(const struct ifaces *ifaces)
{
	return ifaces->all;
}

bool
ifaces_has(const struct ifaces *ifaces, int index)
{
	for (size_t i = 0; i < ifaces->count; i++)
		if (ifaces->list[i].index == index)
			return true;
	return ifaces->all;
}

const char *
ifaces_at(const struct ifaces *ifaces, size_t i, int *index)
{
	if (i >= ifaces->count)
		return NULL;
	*index = ifaces->list[i].index;
	return ifaces->list[i].name;
}
