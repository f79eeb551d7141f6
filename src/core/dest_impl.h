/* SPDX-License-Identifier: ISC */
/* dest_impl.h: what the two files of destinations share. dest.c finds and makes them; dest_bind.c
 * makes one of several that are one device. */
#ifndef CORE_DEST_IMPL_H
#define CORE_DEST_IMPL_H

#include "core/core.h"

struct dest *dest_new(struct ear *ear, const char *lan, const char *jid,
		      const struct conf_peer *conf);
void dest_free(struct dest *dest);

/* Takes it out of the index, under all its addresses. */
void dest_unindex(struct dest *dest);

#endif
