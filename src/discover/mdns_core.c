/* SPDX-License-Identifier: ISC */
/* mdns_core.c: mDNS by Avahi's core inside this process, where no daemon runs. */
#include <stdlib.h>
#include <string.h>

#include <avahi-common/alternative.h>
#include <avahi-common/error.h>
#include <avahi-common/malloc.h>
#include <avahi-core/core.h>
#include <avahi-core/log.h>
#include <avahi-core/lookup.h>
#include <avahi-core/publish.h>

#include <earshot/log.h>

#include "base/alloc.h"
#include "discover/avahi_lib.h"
#include "discover/ifaces.h"
#include "discover/seen.h"

/* Records for each (interface, protocol): five for each of PEERS_MAX, and room. */
#define CACHE_MAX           16384
#define HOST_COLLISIONS_MAX 10

/* What we use of libavahi-core. */
#define CORE_FUNCTIONS(X)                                                                          \
	X(avahi_s_entry_group_commit)                                                              \
	X(avahi_s_entry_group_free)                                                                \
	X(avahi_s_entry_group_new)                                                                 \
	X(avahi_s_service_browser_free)                                                            \
	X(avahi_s_service_browser_new)                                                             \
	X(avahi_s_service_resolver_free)                                                           \
	X(avahi_s_service_resolver_new)                                                            \
	X(avahi_server_add_service_strlst)                                                         \
	X(avahi_server_config_free)                                                                \
	X(avahi_server_config_init)                                                                \
	X(avahi_server_errno)                                                                      \
	X(avahi_server_free)                                                                       \
	X(avahi_server_get_host_name)                                                              \
	X(avahi_server_new)                                                                        \
	X(avahi_server_set_host_name)                                                              \
	X(avahi_server_update_service_txt_strlst)                                                  \
	X(avahi_set_log_function)

struct core_lib {
	CORE_FUNCTIONS(AVAHI_SLOT)
};

#define SYMBOL(name) { #name, offsetof(struct core_lib, name) },

static const struct avahi_symbol symbols[] = { CORE_FUNCTIONS(SYMBOL) };

struct core {
	struct mdns_stack stack;
	struct core_lib lib;
	AvahiServer *server;
	AvahiSServiceBrowser *browser;
	unsigned collisions; /* of the host name, in a row */
};

/* Its errors are about what other machines send as often as about ours: not worth an operator. */
static void
on_log(AvahiLogLevel level, const char *text)
{
	ear_debug("mdns: avahi-core: %s", text);
}

/*
 * The name is the machine's: the same one that any other stack on this machine takes next, since
 * two stacks with different names would collide on the addresses of `lo` for ever.
 */
static void
rename_host(struct core *core, AvahiServer *server)
{
	char *name = avahi_alternative_host_name(core->lib.avahi_server_get_host_name(server));

	ear_info("mdns: the host name %s is taken, trying %s",
		 core->lib.avahi_server_get_host_name(server), name);
	if (++core->collisions > HOST_COLLISIONS_MAX ||
	    core->lib.avahi_server_set_host_name(server, name) < 0)
		stack_enter(&core->stack, STACK_FAILED, AVAHI_ERR_COLLISION);
	avahi_free(name);
}

static void
on_server(AvahiServer *server, AvahiServerState state, void *arg)
{
	struct core *core = arg;

	switch (state) {
	case AVAHI_SERVER_INVALID:
		break;
	case AVAHI_SERVER_REGISTERING:
		stack_enter(&core->stack, STACK_STARTING, 0);
		break;
	case AVAHI_SERVER_RUNNING:
		core->collisions = 0;
		stack_enter(&core->stack, STACK_RUNNING, 0);
		break;
	case AVAHI_SERVER_COLLISION:
		stack_enter(&core->stack, STACK_STARTING, 0);
		rename_host(core, server);
		break;
	case AVAHI_SERVER_FAILURE:
		stack_enter(&core->stack, STACK_FAILED, core->lib.avahi_server_errno(server));
		break;
	}
}

static void
configure(const struct core *core, AvahiServerConfig *config, const struct ifaces *ifaces)
{
	const char *name;
	int index;

	core->lib.avahi_server_config_init(config);
	config->publish_hinfo = 0;
	config->publish_workstation = 0;
	config->publish_domain = 0;
	config->enable_wide_area = 0;
	config->n_cache_entries_max = CACHE_MAX;
	for (size_t i = 0; (name = ifaces_at(ifaces, i, &index)) != NULL; i++)
		config->allow_interfaces = avahi_string_list_add(config->allow_interfaces, name);
}

static void
core_close(struct mdns_stack *stack)
{
	struct core *core = (struct core *)stack;

	if (core->browser != NULL)
		core->lib.avahi_s_service_browser_free(core->browser);
	/* Sends the goodbyes of what is still published (RFC 6762 §10.1), at once. */
	if (core->server != NULL)
		core->lib.avahi_server_free(core->server);
	free(core);
}

static struct mdns_stack *
core_open(const AvahiPoll *poll, const struct mdns_stack *common, int *error)
{
	struct core *core = xalloc(sizeof(*core));
	AvahiServerConfig config;

	core->stack = *common;
	core->stack.ops = &stack_core;
	*error = avahi_lib_open("libavahi-core.so.7", symbols, sizeof(symbols) / sizeof(symbols[0]),
				&core->lib);
	if (*error != 0) {
		free(core);
		return NULL;
	}
	configure(core, &config, common->ifaces);
	core->lib.avahi_set_log_function(on_log);
	/* A list without one possible name would mean every interface to Avahi. */
	if (config.allow_interfaces == NULL && !ifaces_is_all(common->ifaces))
		*error = AVAHI_ERR_INVALID_INTERFACE;
	else
		core->server = core->lib.avahi_server_new(poll, &config, on_server, core, error);
	core->lib.avahi_server_config_free(&config);
	if (core->server != NULL)
		return &core->stack;
	core_close(&core->stack);
	return NULL;
}

static void
on_browse(AvahiSServiceBrowser *browser, AvahiIfIndex interface, AvahiProtocol protocol,
	  AvahiBrowserEvent event, const char *name, const char *type, const char *domain,
	  AvahiLookupResultFlags flags, void *arg)
{
	struct core *core = arg;

	switch (event) {
	case AVAHI_BROWSER_NEW:
		seen_add(core->stack.seen, interface, protocol, name);
		break;
	case AVAHI_BROWSER_REMOVE:
		seen_remove(core->stack.seen, interface, protocol, name);
		break;
	case AVAHI_BROWSER_FAILURE:
		stack_enter(&core->stack, STACK_FAILED, core->lib.avahi_server_errno(core->server));
		break;
	case AVAHI_BROWSER_CACHE_EXHAUSTED:
	case AVAHI_BROWSER_ALL_FOR_NOW:
		break;
	}
}

static int
core_browse(struct mdns_stack *stack)
{
	struct core *core = (struct core *)stack;

	core->browser = core->lib.avahi_s_service_browser_new(
		core->server, AVAHI_IF_UNSPEC, AVAHI_PROTO_UNSPEC, MDNS_TYPE, MDNS_DOMAIN,
		AVAHI_LOOKUP_USE_MULTICAST, on_browse, core);
	return core->browser == NULL ? core->lib.avahi_server_errno(core->server) : 0;
}

static void
on_group(AvahiServer *server, AvahiSEntryGroup *handle, AvahiEntryGroupState state, void *arg)
{
	group_on_avahi(arg, state);
}

static void
core_group_close(struct mdns_group *group)
{
	struct core *core = (struct core *)group->stack;

	core->lib.avahi_s_entry_group_free(group->handle);
}

static int
core_group_open(struct mdns_group *group, const char *instance, uint16_t port, AvahiStringList *txt)
{
	struct core *core = (struct core *)group->stack;
	int error;

	group->handle = core->lib.avahi_s_entry_group_new(core->server, on_group, group);
	if (group->handle == NULL)
		return core->lib.avahi_server_errno(core->server);
	error = core->lib.avahi_server_add_service_strlst(
		core->server, group->handle, group->interface, AVAHI_PROTO_UNSPEC, 0, instance,
		MDNS_TYPE, MDNS_DOMAIN, NULL, port, txt);
	if (error == 0)
		error = core->lib.avahi_s_entry_group_commit(group->handle);
	if (error != 0)
		core_group_close(group);
	return error;
}

static int
core_group_update(struct mdns_group *group, const char *instance, AvahiStringList *txt)
{
	struct core *core = (struct core *)group->stack;

	return core->lib.avahi_server_update_service_txt_strlst(
		core->server, group->handle, group->interface, AVAHI_PROTO_UNSPEC, 0, instance,
		MDNS_TYPE, MDNS_DOMAIN, txt);
}

static void
on_resolve(AvahiSServiceResolver *resolver, AvahiIfIndex interface, AvahiProtocol protocol,
	   AvahiResolverEvent event, const char *name, const char *type, const char *domain,
	   const char *host, const AvahiAddress *address, uint16_t port, AvahiStringList *txt,
	   AvahiLookupResultFlags flags, void *arg)
{
	switch (event) {
	case AVAHI_RESOLVER_FOUND:
		seen_resolved(arg, host, address, port, txt);
		break;
	case AVAHI_RESOLVER_FAILURE:
		seen_resolved(arg, NULL, NULL, 0, NULL);
		break;
	}
}

static int
core_resolve(struct mdns_stack *stack, struct seen_way *way)
{
	struct core *core = (struct core *)stack;

	way->resolver = core->lib.avahi_s_service_resolver_new(
		core->server, way->interface, way->protocol, seen_way_name(way), MDNS_TYPE,
		MDNS_DOMAIN, way->protocol, AVAHI_LOOKUP_USE_MULTICAST, on_resolve, way);
	return way->resolver == NULL ? core->lib.avahi_server_errno(core->server) : 0;
}

static void
core_unresolve(struct mdns_stack *stack, struct seen_way *way)
{
	struct core *core = (struct core *)stack;

	core->lib.avahi_s_service_resolver_free(way->resolver);
}

const struct stack_ops stack_core = {
	.name = "embedded",
	.open = core_open,
	.close = core_close,
	.browse = core_browse,
	.group_open = core_group_open,
	.group_update = core_group_update,
	.group_close = core_group_close,
	.resolve = core_resolve,
	.unresolve = core_unresolve,
};
