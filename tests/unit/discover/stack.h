/* SPDX-License-Identifier: ISC */
/* stack.h: a kind of mDNS without a network, for the bounds and failures that no network shows. */
#ifndef TESTS_DISCOVER_STACK_H
#define TESTS_DISCOVER_STACK_H

#include "discover/mdns_kind.h"

struct fake_stack {
	struct mdns_stack stack;
	size_t resolvers, resolvers_max; /* max 0: no bound */
	size_t opened;                   /* resolvers, ever */
	size_t groups, updates;
	struct mdns_group *group; /* opened last */
	char instance[64];        /* of that */
	int open_error, update_error;
};

void fake_stack_init(struct fake_stack *fake);

#endif
