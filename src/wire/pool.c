/* SPDX-License-Identifier: ISC */
/*
 * pool.c: freed blocks by size, for the next who wants as much. A block says itself which size it
 * has: to ask malloc() for that costs as much as all else that is done with it.
 */
#include <stddef.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "wire/pool.h"

#define STEP    16 /* bytes between two classes; the first is of none */
#define LARGEST 128
#define CLASSES (LARGEST / STEP + 1) /* names, values, attributes, stanzas */

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
	struct block *next; /* that is free */
	size_t class;       /* CLASSES: a large one, which is never kept */
	max_align_t memory[];
};

struct pool {
	xmpp_mem_t mem;
	struct block *free[CLASSES];
	size_t kept; /* bytes in free */
};

static size_t
class_bytes(size_t class)
{
	return sizeof(struct block) + class * STEP;
}

static struct block *
block_of(void *memory)
{
	return memory == NULL ? NULL
			      : (struct block *)((char *)memory - offsetof(struct block, memory));
}

/* In the place of `old`, which may be NULL. */
static void *
make(struct block *old, size_t class, size_t bytes)
{
	struct block *block = xrealloc(old, bytes);

	block->class = class;
	return block->memory;
}

static void *
pool_alloc(size_t size, void *arg)
{
	struct pool *pool = arg;
	size_t class = (size + STEP - 1) / STEP;
	struct block *block;

	if (size > LARGEST)
		return make(NULL, CLASSES, sizeof(*block) + size);
	block = pool->free[class];
	if (block == NULL)
		return make(NULL, class, class_bytes(class));
	pool->free[class] = block->next;
	pool->kept -= class_bytes(class);
	return block->memory;
}

static void
pool_free(void *memory, void *arg)
{
	struct pool *pool = arg;
	struct block *block = block_of(memory);

	if (block == NULL || block->class == CLASSES ||
	    pool->kept + class_bytes(block->class) > KEPT_MAX) {
		free(block);
		return;
	}
	block->next = pool->free[block->class];
	pool->free[block->class] = block;
	pool->kept += class_bytes(block->class);
}

static void *
pool_realloc(void *memory, size_t size, void *arg)
{
	return make(block_of(memory), CLASSES, sizeof(struct block) + size);
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
