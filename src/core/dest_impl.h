/* SPDX-License-Identifier: ISC */
/* dest_impl.h: what the files of destinations share. dest.c finds and makes them; dest_bind.c makes
 * one of several that are one device; dest_conf.c follows the configuration. */
#ifndef CORE_DEST_IMPL_H
#define CORE_DEST_IMPL_H

#include "core/core.h"

struct dest *dest_new(struct ear *ear, const char *lan, const char *jid,
		      const struct conf_peer *conf);
void dest_free(struct dest *dest);

/* A new one for that section, under its addresses as they stand. */
struct dest *dest_of_conf(struct ear *ear, const struct conf_peer *peer);

/* Puts it into the index under that address as it stands, or under its JID without the resource,
 * unless another one has that. */
void dest_index(struct dest *dest, const char *address);
void dest_index_bare(struct dest *dest);

/* Everything of `other`, which goes, becomes part of dest. */
void dest_absorb(struct dest *dest, struct dest *other);

/* Takes it out of the index, under all its addresses. */
void dest_unindex(struct dest *dest);

#endif
