/* SPDX-License-Identifier: ISC */
/* store.h: what is behind <earshot/store.h>: a service's memory in a database of any kind. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>

#include <earshot/store.h>

struct db_config;
struct db_kind;
struct event_base;
struct ear_clock;

/* 0, or -errno with error filled, as of db_kind.open. config is borrowed for the call. */
int store_new(struct event_base *base, struct ear_clock *clock, const struct db_kind *kind,
	      const struct db_config *config, struct ear_store **out, char *error, size_t size);

/* NULL is allowed. Nobody is answered any more; changes that were asked for are made where the
 * database can. */
void store_free(struct ear_store *store);

/* Somebody is answered, or told of news, soon. */
bool store_is_busy(const struct ear_store *store);

#endif
