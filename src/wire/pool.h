/* SPDX-License-Identifier: ISC */
/*
 * pool.h: a libstrophe context that keeps the memory of stanzas for the next ones. A message is 40
 * small blocks; what the allocator makes of them costs as much as parsing.
 */
#ifndef WIRE_POOL_H
#define WIRE_POOL_H

#include <strophe.h>

struct pool;

/* A new context, and the pool that is to be freed with it. Out of memory aborts. */
xmpp_ctx_t *pool_ctx_new(struct pool **pool);

/* Frees both; what the context allocated must have been released. */
void pool_ctx_free(xmpp_ctx_t *ctx, struct pool *pool);

#endif
