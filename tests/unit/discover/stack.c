/* SPDX-License-Identifier: ISC */
/* stack.c: a kind of mDNS that only counts. */
#include <avahi-common/error.h>

#include "base/alloc.h"
#include "discover/seen.h"
#include "stack.h"

static int
fake_group_open(struct mdns_group *group, const char *instance, uint16_t port, AvahiStringList *txt)
{
	struct fake_stack *fake = (struct fake_stack *)group->stack;

	copy_text(fake->instance, sizeof(fake->instance), instance);
	if (fake->open_error != 0)
		return fake->open_error;
	fake->groups++;
	fake->group = group;
	return 0;
}

static int
fake_group_update(struct mdns_group *group, const char *instance, AvahiStringList *txt)
{
	struct fake_stack *fake = (struct fake_stack *)group->stack;

	fake->updates++;
	return fake->update_error;
}

static void
fake_group_close(struct mdns_group *group)
{
	((struct fake_stack *)group->stack)->groups--;
}

static int
fake_resolve(struct mdns_stack *stack, struct seen_way *way)
{
	struct fake_stack *fake = (struct fake_stack *)stack;

	if (fake->resolvers_max != 0 && fake->resolvers == fake->resolvers_max)
		return AVAHI_ERR_TOO_MANY_OBJECTS;
	fake->resolvers++;
	fake->opened++;
	way->resolver = fake;
	return 0;
}

static void
fake_unresolve(struct mdns_stack *stack, struct seen_way *way)
{
	((struct fake_stack *)stack)->resolvers--;
}

static const struct stack_ops fake_ops = {
	.name = "fake",
	.group_open = fake_group_open,
	.group_update = fake_group_update,
	.group_close = fake_group_close,
	.resolve = fake_resolve,
	.unresolve = fake_unresolve,
};

void
fake_stack_init(struct fake_stack *fake)
{
	*fake = (struct fake_stack){ .stack = { .ops = &fake_ops, .state = STACK_RUNNING } };
}
