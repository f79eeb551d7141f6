/* SPDX-License-Identifier: ISC */
/* fuzz_nettable.c: any bytes as what a netlink socket read; the table stays whole, and what it says
 * of a change is true. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "link/nettable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
usable(const struct nettable *table)
{
	size_t n = 0;

	for (size_t i = 0; i < table->address_count; i++)
		n += nettable_is_usable(table, &table->addresses[i]);
	return n;
}

static void
check(const struct nettable *table)
{
	if (table->link_count > NETTABLE_LINKS_MAX || table->address_count > NETTABLE_ADDRESSES_MAX)
		abort();
	for (size_t i = 0; i < table->link_count; i++)
		if (memchr(table->links[i].name, '\0', IF_NAMESIZE) == NULL ||
		    nettable_link(table, table->links[i].index) != &table->links[i])
			abort();
	for (size_t i = 0; i < table->address_count; i++)
		if (table->addresses[i].family != AF_INET && table->addresses[i].family != AF_INET6)
			abort();
}

/* The first byte says where a dump begins and ends in what follows. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct nettable table;
	uint8_t *copy;
	unsigned changes;
	size_t before, half;

	if (size == 0)
		return 0;
	nettable_init(&table);
	half = (size - 1) * data[0] / 255;
	copy = memcpy(xalloc(half + (half == 0)), data + 1, half);
	changes = nettable_take(&table, copy, half);
	free(copy);
	check(&table);
	if (usable(&table) > 0 && (changes & NET_BETTER) == 0)
		abort();
	nettable_begin(&table);
	before = usable(&table);
	copy = memcpy(xalloc(size - half), data + 1 + half, size - 1 - half);
	changes = nettable_take(&table, copy, size - 1 - half);
	free(copy);
	check(&table);
	if (usable(&table) < before && (changes & NET_WORSE) == 0)
		abort();
	before = usable(&table);
	changes = nettable_end(&table);
	check(&table);
	if ((usable(&table) < before) != ((changes & NET_WORSE) != 0))
		abort();
	nettable_release(&table);
	return 0;
}
