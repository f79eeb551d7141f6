/* SPDX-License-Identifier: ISC */
/* network.c: paths when our own network changed, and the addresses that we have in it. */
#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include "core/core.h"
#include "core/network.h"
#include "core/probe.h"
#include "link/listen.h"
#include "link/netwatch.h"

static void
try_again(struct dest *dest, void *unused)
{
	path_retry(&dest->by_lan);
	path_retry(&dest->by_server);
}

void
core_network_changed(struct ear *ear, bool better)
{
	if (better)
		dests_each(ear, try_again, NULL);
	core_tell(ear, EAR_NETWORK_CHANGED, "", EAR_LINK_NONE);
}

static void
ask(struct dest *dest, void *unused)
{
	probe_now(dest);
}

void
core_ask_life(struct ear *ear)
{
	dests_each(ear, ask, NULL);
}

/* --- our own addresses -------------------------------------------------------------------- */

struct own {
	struct ear *ear;
	ear_address_fn *fn;
	void *arg;
	size_t count;
};

/* RFC 3927: those of 169.254/16 may have been given by hand, with any scope. */
static bool
is_for_others(const struct net_address *address)
{
	if (address->passing || address->scope >= RT_SCOPE_LINK)
		return false;
	return address->family != AF_INET || address->bytes[0] != 169 || address->bytes[1] != 254;
}

static void
on_address(void *arg, const struct net_address *address, const struct net_link *link)
{
	struct own *own = arg;
	char text[INET6_ADDRSTRLEN];

	if (own->count == EAR_TOLD_MAX || link->loopback || !is_for_others(address) ||
	    !listen_is_named(link->name, own->ear->conf->lan_interfaces))
		return;
	inet_ntop(address->family, address->bytes, text, sizeof(text));
	own->count++;
	own->fn(own->arg, text);
}

unsigned
ear_each_own_address(struct ear *ear, ear_address_fn *fn, void *arg)
{
	struct own own = { .ear = ear, .fn = fn, .arg = arg };
	struct core_facts facts = { .port = 0 };

	if (ear->reach->describe != NULL)
		ear->reach->describe(ear->reach_arg, &facts);
	if (facts.port != 0 && facts.network != NULL)
		netwatch_each(facts.network, on_address, &own);
	return facts.port;
}
