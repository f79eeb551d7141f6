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

#define STORE_SAY_MAX     ((size_t)256 * 1024)      /* bytes of one text */
#define STORE_SAY_SHORT   7000                      /* of one that is not long */
#define STORE_SAYING_MAX  256                       /* texts on their way */
#define STORE_SAYING_SIZE ((size_t)2 * 1024 * 1024) /* bytes in them */
#define STORE_HEARING_MAX 256                       /* long ones that are read */

/* Tells a stanza to the engines that share the database and are connected to it now, but not to
 * ourselves: maybe. A long one may be heard behind those that were said after it. 0, -EMSGSIZE,
 * -ENOBUFS. */
int store_say(struct ear_store *store, const char *text);

/* What others say, from the event loop; NULL: something may have been missed. */
typedef void store_heard_fn(void *arg, const char *text);
void store_hear(struct ear_store *store, store_heard_fn *fn, void *arg);

/* Somebody is answered, or told of news, soon. */
bool store_is_busy(const struct ear_store *store);

#endif
