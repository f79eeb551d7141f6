/* SPDX-License-Identifier: ISC */
/* mdns_client.c: mDNS by the machine's avahi-daemon, over the system bus. */
#include <stdlib.h>

#include <avahi-client/client.h>
#include <avahi-client/lookup.h>
#include <avahi-client/publish.h>
#include <avahi-common/error.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "discover/avahi_lib.h"
#include "discover/ifaces.h"
#include "discover/seen.h"

/* What we use of libavahi-client. */
#define CLIENT_FUNCTIONS(X)                                                                        \
	X(avahi_client_errno)                                                                      \
	X(avahi_client_free)                                                                       \
	X(avahi_client_new)                                                                        \
	X(avahi_entry_group_add_service_strlst)                                                    \
	X(avahi_entry_group_commit)                                                                \
	X(avahi_entry_group_free)                                                                  \
	X(avahi_entry_group_new)                                                                   \
	X(avahi_entry_group_update_service_txt_strlst)                                             \
	X(avahi_service_browser_new)                                                               \
	X(avahi_service_resolver_free)                                                             \
	X(avahi_service_resolver_new)

struct client_lib {
	CLIENT_FUNCTIONS(AVAHI_SLOT)
};

#define SYMBOL(name) { #name, offsetof(struct client_lib, name) },

static const struct avahi_symbol symbols[] = { CLIENT_FUNCTIONS(SYMBOL) };

struct client {
	struct mdns_stack stack;
	struct client_lib lib;
	AvahiClient *client;
	AvahiServiceBrowser *browser;
};

/* A client that failed is of no use any more; it is freed from the loop, not in its callback. */
static void
on_client(AvahiClient *handle, AvahiClientState state, void *arg)
{
	struct client *client = arg;

	switch (state) {
	case AVAHI_CLIENT_CONNECTING:
		stack_enter(&client->stack, STACK_WAITING, AVAHI_ERR_NO_DAEMON);
		break;
	case AVAHI_CLIENT_S_REGISTERING:
	case AVAHI_CLIENT_S_COLLISION:
		stack_enter(&client->stack, STACK_STARTING, 0);
		break;
	case AVAHI_CLIENT_S_RUNNING:
		stack_enter(&client->stack, STACK_RUNNING, 0);
		break;
	case AVAHI_CLIENT_FAILURE:
		stack_enter(&client->stack, STACK_FAILED, client->lib.avahi_client_errno(handle));
		break;
	}
}

static void
client_close(struct mdns_stack *stack)
{
	struct client *client = (struct client *)stack;

	/* Frees all that was made with it, and asks the daemon nothing: that sees the connection go
	 * and says goodbye for us. */
	if (client->client != NULL)
		client->lib.avahi_client_free(client->client);
	free(client);
}

static struct mdns_stack *
client_open(const AvahiPoll *poll, const struct mdns_stack *common, int *error)
{
	struct client *client = xalloc(sizeof(*client));

	client->stack = *common;
	client->stack.ops = &stack_client;
	*error = avahi_lib_open("libavahi-client.so.3", symbols,
				sizeof(symbols) / sizeof(symbols[0]), &client->lib);
	if (*error != 0) {
		free(client);
		return NULL;
	}
	/* NO_FAIL: where only the bus is there, the bus tells when the daemon comes. */
	client->client = client->lib.avahi_client_new(
		poll, AVAHI_CLIENT_IGNORE_USER_CONFIG | AVAHI_CLIENT_NO_FAIL, on_client, client,
		error);
	if (client->client != NULL)
		return &client->stack;
	client_close(&client->stack);
	return NULL;
}

static void
on_browse(AvahiServiceBrowser *browser, AvahiIfIndex interface, AvahiProtocol protocol,
	  AvahiBrowserEvent event, const char *name, const char *type, const char *domain,
	  AvahiLookupResultFlags flags, void *arg)
{
	struct client *client = arg;

	switch (event) {
	case AVAHI_BROWSER_NEW:
		if (ifaces_has(client->stack.ifaces, interface))
			seen_add(client->stack.seen, interface, protocol, name);
		break;
	case AVAHI_BROWSER_REMOVE:
		seen_remove(client->stack.seen, interface, protocol, name);
		break;
	case AVAHI_BROWSER_FAILURE:
		stack_enter(&client->stack, STACK_FAILED,
			    client->lib.avahi_client_errno(client->client));
		break;
	case AVAHI_BROWSER_CACHE_EXHAUSTED:
	case AVAHI_BROWSER_ALL_FOR_NOW:
		break;
	}
}

static int
client_browse(struct mdns_stack *stack)
{
	struct client *client = (struct client *)stack;

	client->browser = client->lib.avahi_service_browser_new(
		client->client, AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC, MDNS_TYPE, MDNS_DOMAIN,
		AVAHI_LOOKUP_USE_MULTICAST, on_browse, client);
	return client->browser == NULL ? client->lib.avahi_client_errno(client->client) : 0;
}

static void
on_group(AvahiEntryGroup *handle, AvahiEntryGroupState state, void *arg)
{
	group_on_avahi(arg, state);
}

/* The daemon is asked and its answer waited for, which may never come (25 s is libdbus's patience):
 * not one by one where the whole client goes. */
static void
client_group_close(struct mdns_group *group)
{
	struct client *client = (struct client *)group->stack;

	if (!client->stack.closing)
		client->lib.avahi_entry_group_free(group->handle);
}

static int
client_group_open(struct mdns_group *group, const char *instance, uint16_t port,
		  AvahiStringList *txt)
{
	struct client *client = (struct client *)group->stack;
	int error;

	group->handle = client->lib.avahi_entry_group_new(client->client, on_group, group);
	if (group->handle == NULL)
		return client->lib.avahi_client_errno(client->client);
	error = client->lib.avahi_entry_group_add_service_strlst(
		group->handle, group->interface, AVAHI_PROTO_UNSPEC, 0, instance, MDNS_TYPE,
		MDNS_DOMAIN, NULL, port, txt);
	if (error == 0)
		error = client->lib.avahi_entry_group_commit(group->handle);
	if (error != 0)
		client_group_close(group);
	return error;
}

static int
client_group_update(struct mdns_group *group, const char *instance, AvahiStringList *txt)
{
	struct client *client = (struct client *)group->stack;

	return client->lib.avahi_entry_group_update_service_txt_strlst(
		group->handle, group->interface, AVAHI_PROTO_UNSPEC, 0, instance, MDNS_TYPE,
		MDNS_DOMAIN, txt);
}

static void
on_resolve(AvahiServiceResolver *resolver, AvahiIfIndex interface, AvahiProtocol protocol,
	   AvahiResolverEvent event, const char *name, const char *type, const char *domain,
	   const char *host, const AvahiAddress *address, uint16_t port, AvahiStringList *txt,
	   AvahiLookupResultFlags flags, void *arg)
{
	AvahiStringList *ordered;

	switch (event) {
	case AVAHI_RESOLVER_FOUND:
		/* The client library hands the strings in the opposite order to avahi-core. */
		ordered = avahi_string_list_reverse(avahi_string_list_copy(txt));
		seen_resolved(arg, host, address, port, ordered);
		avahi_string_list_free(ordered);
		break;
	case AVAHI_RESOLVER_FAILURE:
		seen_resolved(arg, NULL, NULL, 0, NULL);
		break;
	}
}

static int
client_resolve(struct mdns_stack *stack, struct seen_way *way)
{
	struct client *client = (struct client *)stack;

	way->resolver = client->lib.avahi_service_resolver_new(
		client->client, way->interface, way->protocol, seen_way_name(way), MDNS_TYPE,
		MDNS_DOMAIN, way->protocol, AVAHI_LOOKUP_USE_MULTICAST, on_resolve, way);
	return way->resolver == NULL ? client->lib.avahi_client_errno(client->client) : 0;
}

static void
client_unresolve(struct mdns_stack *stack, struct seen_way *way)
{
	struct client *client = (struct client *)stack;

	if (!stack->closing)
		client->lib.avahi_service_resolver_free(way->resolver);
}

const struct stack_ops stack_client = {
	.name = "daemon",
	.by_interface = true,
	.open = client_open,
	.close = client_close,
	.browse = client_browse,
	.group_open = client_group_open,
	.group_update = client_group_update,
	.group_close = client_group_close,
	.resolve = client_resolve,
	.unresolve = client_unresolve,
};
