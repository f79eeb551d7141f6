/* SPDX-License-Identifier: ISC */
/* lan_dial.c: the dial of a link: which addresses, and what becomes of the one that answers. */
#include <string.h>

#include "link/dial.h"
#include "link/lan_impl.h"

static void
on_connected(void *arg, struct io *io, const struct dial_target *target)
{
	lan_link_dialled(arg, io, target->secure);
}

static void
on_failed(void *arg, const struct dial_target *target, int error)
{
	lan_link_dial_failed(arg, error, strerror(-error));
}

void
lan_link_dial(struct lan_link *l, const struct dial_target *targets, size_t count)
{
	static const struct dial_events events = { .connected = on_connected, .failed = on_failed };
	struct dial_setup setup = { .base = l->lan->base,
				    .clock = l->lan->clock,
				    .net = l->lan->net,
				    .connect_usec = LAN_CONNECT_USEC,
				    .events = &events,
				    .arg = l };

	l->dial = dial_new(&setup, targets, count < DIAL_TARGETS_MAX ? count : DIAL_TARGETS_MAX);
}

void
lan_link_drop_dial(struct lan_link *l)
{
	dial_free(l->dial);
	l->dial = NULL;
}
