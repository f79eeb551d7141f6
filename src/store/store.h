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

#define STORE_SAY_MAX    7000 /* bytes of one text: PostgreSQL takes 8000 */
#define STORE_SAYING_MAX 256  /* texts on their way */

/* Tells a text to the engines that share the database and are connected to it now, but not to
 * ourselves: maybe. 0, -EMSGSIZE, -ENOBUFS. */
int store_say(struct ear_store *store, const char *text);

/* What others say, from the event loop; NULL: something may have been missed. */
typedef void store_heard_fn(void *arg, const char *text);
void store_hear(struct ear_store *store, store_heard_fn *fn, void *arg);

/* Somebody is answered, or told of news, soon. */
bool store_is_busy(const struct ear_store *store);

#endif
