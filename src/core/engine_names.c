/* SPDX-License-Identifier: ISC */
/* engine_names.c: one look-up each, by the resolver that the server link has. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "core/engine_names.h"
#include "link/server_dns.h"

struct lookup {
	struct list all;
	struct engine_names *names;
	struct server_dns *dns; /* NULL: it waits */
	bool done;
	core_found_fn *fn;
	void *arg;
	char host[];
};

struct engine_names {
	struct event_base *base;
	struct ear_clock *clock;
	struct list all; /* the oldest first */
	size_t running;
	struct ear_timer turn; /* frees what is done, starts what waits */
};

static void
lookup_free(struct lookup *lookup)
{
	list_del(&lookup->all);
	server_dns_free(lookup->dns);
	free(lookup);
}

/* server_dns_fn */
static void
on_found(void *arg, const struct server_target *targets, size_t count, int error, const char *text)
{
	struct lookup *lookup = arg;
	struct sockaddr_storage addresses[SERVER_TARGETS_MAX];

	for (size_t i = 0; i < count; i++)
		addresses[i] = targets[i].address;
	lookup->done = true;
	lookup->names->running--;
	ear_timer_set(&lookup->names->turn, 0);
	lookup->fn(lookup->arg, addresses, count, text);
}

static void
start(struct lookup *lookup)
{
	struct engine_names *names = lookup->names;

	names->running++;
	lookup->dns = server_dns_new(names->base, names->clock, NULL);
	server_dns_find(lookup->dns, lookup->host, false, 0, on_found, lookup);
}

static void
on_turn(void *arg)
{
	struct engine_names *names = arg;
	struct list *item, *spare;

	list_each (item, spare, &names->all) {
		struct lookup *lookup = container_of(item, struct lookup, all);

		if (lookup->done)
			lookup_free(lookup);
		else if (lookup->dns == NULL && names->running < ENGINE_NAMES_AT_ONCE)
			start(lookup);
	}
}

struct engine_names *
engine_names_new(struct event_base *base, struct ear_clock *clock)
{
	struct engine_names *names = xalloc(sizeof(*names));

	names->base = base;
	names->clock = clock;
	list_init(&names->all);
	ear_timer_init(&names->turn, clock, on_turn, names);
	return names;
}

void
engine_names_find(struct engine_names *names, const char *host, core_found_fn *fn, void *arg)
{
	size_t size = strlen(host) + 1;
	struct lookup *lookup = xalloc(sizeof(*lookup) + size);

	lookup->names = names;
	lookup->fn = fn;
	lookup->arg = arg;
	memcpy(lookup->host, host, size);
	list_add(&names->all, &lookup->all);
	ear_timer_set(&names->turn, 0);
}

void
engine_names_free(struct engine_names *names)
{
	struct list *item, *spare;

	if (names == NULL)
		return;
	ear_timer_stop(&names->turn);
	list_each (item, spare, &names->all)
		lookup_free(container_of(item, struct lookup, all));
	free(names);
}
