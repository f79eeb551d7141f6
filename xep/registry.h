/* SPDX-License-Identifier: ISC */
/* registry.h: the extensions as one table, for the programs that make an engine. */
#ifndef XEP_REGISTRY_H
#define XEP_REGISTRY_H

#include <earshot/xep.h>

/* All of xep/list.h in its order, ended by NULL. */
extern const struct ear_xep *const ear_xeps_all[];

#endif
