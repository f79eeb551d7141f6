/* SPDX-License-Identifier: ISC */
/* seen_table.h: the digests of one sender's ids. */
#ifndef STORE_SEEN_TABLE_H
#define STORE_SEEN_TABLE_H

#include "store/seen_impl.h"

bool seen_table_has(const struct seen_sender *sender, struct seen_tables *tables, uint64_t digest);

/* Whether the newer generation has it. */
bool seen_table_has_newly(const struct seen_sender *sender, struct seen_tables *tables,
			  uint64_t digest);

/* One that the newer generation has not. The older one makes room. */
void seen_table_add(struct seen_sender *sender, struct seen_tables *tables, uint64_t digest);

void seen_table_remove(struct seen_sender *sender, struct seen_tables *tables, uint64_t digest);

/* For another sender. The counts need not have been checked. */
void seen_table_clear(struct seen_sender *sender, struct seen_tables *tables);

#endif
