/* SPDX-License-Identifier: ISC */
/* keep.h: what extensions remember across a restart (ear_keep). */
#ifndef CORE_KEEP_H
#define CORE_KEEP_H

#include "core/core.h"

/* In memory only. */
void keep_init(struct ear *ear);
void keep_release(struct ear *ear);

/* In that directory instead, NULL: still in memory. 0, or -errno with error filled. */
int keep_open(struct ear *ear, const char *dir, char *error, size_t size);

#endif
