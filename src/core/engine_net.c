/* SPDX-License-Identifier: ISC */
/* engine_net.c: brings what the kernel tells of network and sleep to the links and to core. */
#include <stdlib.h>

#include "base/alloc.h"
#include "base/slept.h"
#include "core/core.h"
#include "core/engine_net.h"
#include "core/network.h"
#include "link/lan.h"
#include "link/netwatch.h"
#include "link/server.h"

#define ASK_EVERY EAR_SEC /* everybody is asked for life not more often than that */

struct engine_net {
	struct ear *ear;
	struct lan *lan; /* NULL: none */
	struct netwatch *watch;
	struct slept *slept;
	struct ear_timer rest; /* nobody is asked before it has run */
	bool again;            /* but then */
};

static void
ask_life(struct engine_net *net)
{
	net->again = ear_timer_is_set(&net->rest);
	if (net->again)
		return;
	ear_timer_set(&net->rest, ASK_EVERY);
	if (net->lan != NULL)
		lan_ask_life(net->lan);
	if (net->ear->server != NULL)
		server_ask_life(net->ear->server);
	core_ask_life(net->ear);
}

static void
on_rested(void *arg)
{
	struct engine_net *net = arg;

	if (net->again)
		ask_life(net);
}

/* What is gone goes first, so that nothing is sent into it. */
static void
act(struct engine_net *net, bool better)
{
	if (net->lan != NULL)
		lan_network_changed(net->lan);
	if (net->ear->server != NULL)
		server_network_changed(net->ear->server, better);
	core_network_changed(net->ear, better);
	ask_life(net);
}

static void
on_network(void *arg, bool better)
{
	ear_debug("the network of this machine changed: %s",
		  better ? "there is more of it" : "something is gone");
	act(arg, better);
}

static void
on_slept(void *arg, int64_t usec)
{
	struct engine_net *net = arg;

	ear_info("this machine was asleep for %lld s", (long long)((usec + EAR_SEC / 2) / EAR_SEC));
	ear_timer_stop(&net->rest);
	act(net, true);
}

struct engine_net *
engine_net_new(struct event_base *base, struct ear *ear, struct lan *lan)
{
	struct engine_net *net = xalloc(sizeof(*net));

	net->ear = ear;
	net->lan = lan;
	ear_timer_init(&net->rest, ear->clock, on_rested, net);
	net->watch = netwatch_new(base, ear->clock, on_network, net);
	net->slept = slept_new(base, on_slept, net);
	if (lan != NULL)
		lan_watch_network(lan, net->watch);
	if (ear->server != NULL)
		server_watch_network(ear->server, net->watch);
	return net;
}

void
engine_net_free(struct engine_net *net)
{
	if (net == NULL)
		return;
	if (net->lan != NULL)
		lan_watch_network(net->lan, NULL);
	if (net->ear->server != NULL)
		server_watch_network(net->ear->server, NULL);
	ear_timer_stop(&net->rest);
	slept_free(net->slept);
	netwatch_free(net->watch);
	free(net);
}

const struct netwatch *
engine_net_watch(const struct engine_net *net)
{
	return net == NULL ? NULL : net->watch;
}
