/* SPDX-License-Identifier: ISC */
/* storage.h: where the nodes of a publish-subscribe service are stored (ear_store). */
#ifndef CORE_STORAGE_H
#define CORE_STORAGE_H

#include "core/core.h"

struct event_base;

/*
 * As [store] says; dir: the state directory, NULL: in memory, whatever it says. Of a file nothing
 * is opened or made before somebody needs it. 0, or -errno with error filled.
 */
int storage_open(struct ear *ear, struct event_base *base, const char *dir, char *error,
		 size_t size);

/* Whether the password for the database that conf names is the one that is used. */
bool storage_has_secret(const struct ear *ear, const struct conf *conf);

/* What waits is done. */
void storage_release(struct ear *ear);

#endif
