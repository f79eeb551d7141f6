/* SPDX-License-Identifier: ISC */
/*
 * pool.c: freed blocks by size, for the next who wants as much. They are ordinary blocks of
 * malloc(), each of a size that its class has in common.
 */
#include <malloc.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "wire/pool.h"

#define STEP     16 /* bytes between two classes */
#define SMALLEST 24 /* bytes of the first: what malloc gives at least */
#define CLASSES  8  /* up to 136 bytes: names, values, attributes, stanzas */

/* Bytes in all, so that a burst is not kept for ever. A sanitizer has to see all come and go. */
#if defined(__has_feature)
#define HAS_FEATURE(x) __has_feature(x)
#else
#define HAS_FEATURE(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || HAS_FEATURE(address_sanitizer)
#define KEPT_MAX 0
#else
#define KEPT_MAX (256 * 1024)
#endif

struct block {
	struct block *next;
};

struct pool {
	xmpp_mem_t mem;
	struct block *free[CLASSES];
	size_t kept; /* bytes in free */
};

static size_t
class_bytes(size_t class)
{
	return SMALLEST + class * STEP;
}

static void *
pool_alloc(size_t size, void *arg)
{
	struct pool *pool = arg;
	size_t class = size <= SMALLEST ? 0 : (size - SMALLEST + STEP - 1) / STEP;
	struct block *block;

	if (class >= CLASSES)
		return xrealloc(NULL, size);
	block = pool->free[class];
	if (block == NULL)
		return xrealloc(NULL, class_bytes(class));
	pool->free[class] = block->next;
	pool->kept -= class_bytes(class);
	return block;
}

static void
pool_free(void *memory, void *arg)
{
	struct pool *pool = arg;
	struct block *block = memory;
	size_t size = malloc_usable_size(memory);
	size_t class = (size - SMALLEST) / STEP;

	if (size < SMALLEST || class >= CLASSES || pool->kept + size > KEPT_MAX) {
		free(memory);
		return;
	}
	block->next = pool->free[class];
	pool->free[class] = block;
	pool->kept += class_bytes(class);
}

static void *
pool_realloc(void *memory, size_t size, void *arg)
{
	return xrealloc(memory, size);
}

xmpp_ctx_t *
pool_ctx_new(struct pool **pool)
{
	struct pool *new = xalloc(sizeof(*new));

	new->mem = (xmpp_mem_t){
		.alloc = pool_alloc, .free = pool_free, .realloc = pool_realloc, .userdata = new
	};
	*pool = new;
	return xmpp_ctx_new(&new->mem, NULL);
}

void
pool_ctx_free(xmpp_ctx_t *ctx, struct pool *pool)
{
	struct block *block;

	xmpp_ctx_free(ctx);
	for (size_t class = 0; class < CLASSES; class ++) {
		while ((block = pool->free[class]) != NULL) {
			pool->free[class] = block->next;
			free(block);
		}
	}
	free(pool);
}
