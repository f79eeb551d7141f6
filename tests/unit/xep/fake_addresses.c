/* SPDX-License-Identifier: ISC */
/* fake_addresses.c: addresses of ours and of others, without an engine. */
#include <stdio.h>
#include <string.h>

#include "fake_addresses.h"

struct fake_addresses fake_addresses;

unsigned
ear_each_own_address(struct ear *ear, ear_address_fn *fn, void *arg)
{
	for (size_t i = 0; fake_addresses.port != 0 && fake_addresses.ip[i] != NULL; i++)
		fn(arg, fake_addresses.ip[i]);
	return fake_addresses.port;
}

void
ear_each_trusted(struct ear *ear, ear_trusted_fn *fn, void *arg)
{
	for (size_t i = 0; i < fake_addresses.trusted_count; i++)
		fn(arg, fake_addresses.trusted[i].jid, &fake_addresses.trusted[i].key);
}

int
ear_tell_ways(struct ear *ear, const struct ear_told *told)
{
	struct fake_addresses *fake = &fake_addresses;

	fake->tells++;
	snprintf(fake->jid, sizeof(fake->jid), "%s", told->jid);
	snprintf(fake->address, sizeof(fake->address), "%s", told->address);
	for (size_t i = 0; i < told->count; i++)
		snprintf(fake->ways[i], sizeof(fake->ways[i]), "%s", told->ip[i]);
	fake->key = told->key;
	fake->count = told->count;
	fake->port_told = told->port;
	fake->usec = told->usec;
	return fake->error;
}

void
ear_set_remembers(struct ear *ear, const char *address)
{
	fake_addresses.remembered++;
}
