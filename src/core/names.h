/* SPDX-License-Identifier: ISC */
/*
 * names.h: where configuration says that peers are ([peer] host): addresses, and host names, which
 * are looked up while everything else goes on, and known for a while.
 */
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#include "core/core.h"

#define NAMES_MAX     1024 /* host names that are remembered */
#define NAME_WAYS_MAX 8    /* addresses of one */
#define NAME_FRESH    (60 * EAR_SEC)
#define NAME_AGAIN    (2 * EAR_SEC)    /* one that could not be found; doubles up to NAME_FRESH */
#define NAME_KEPT     (3600 * EAR_SEC) /* what was found last, while nobody can say anything */

void names_init(struct ear *ear);
void names_release(struct ear *ear);

/* Where that peer is as far as it is known now. What is not fresh is asked for; its destination is
 * told when something comes of it. Returns how many. */
size_t names_targets(struct ear *ear, const struct conf_peer *peer,
		     struct sockaddr_storage *targets, socklen_t *lengths, size_t max);

#endif
