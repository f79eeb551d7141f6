/* SPDX-License-Identifier: ISC */
/* lan_network.c: streams that our own network has left behind. */
#include <errno.h>

#include "link/io.h"
#include "link/lan_impl.h"
#include "link/netwatch.h"

bool
lan_network_is_lost(const struct lan *lan, const struct io *io)
{
	return lan->net != NULL && netwatch_is_lost(lan->net, io_fd(io));
}

static bool
is_lost(const struct lan_stream *ls)
{
	return lan_network_is_lost(ls->lan, stream_io(ls->stream));
}

static void
check_link(struct lan_link *l)
{
	struct list *at, *spare;

	if (l->dial != NULL)
		dial_network_changed(l->dial);
	list_each (at, spare, &l->streams) {
		struct lan_stream *ls = container_of(at, struct lan_stream, entry);

		if (is_lost(ls))
			lan_link_stream_ended(l, ls, -ENETDOWN, "its network is gone");
	}
}

static void
check_strangers(struct lan *lan)
{
	struct list *at, *spare;

	list_each (at, spare, &lan->strangers) {
		struct lan_stream *ls = container_of(at, struct lan_stream, entry);

		if (is_lost(ls))
			lan_stream_free(ls, NULL);
	}
}

void
lan_watch_network(struct lan *lan, const struct netwatch *net)
{
	lan->net = net;
}

/* One that becomes over moves to the front of the list, behind which the walk goes on. */
void
lan_network_changed(struct lan *lan)
{
	struct list *at, *spare;

	check_strangers(lan);
	list_each (at, spare, &lan->all) {
		struct lan_link *l = container_of(at, struct lan_link, entry);

		if (!l->over)
			check_link(l);
	}
}

void
lan_ask_life(struct lan *lan)
{
	struct list *at, *spare;

	list_each (at, spare, &lan->all) {
		struct lan_link *l = container_of(at, struct lan_link, entry);

		if (!l->over && !l->closing)
			lan_link_probe(l, false);
	}
}
