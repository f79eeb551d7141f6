/* SPDX-License-Identifier: ISC */
/* registry.c: the table made from list.h. */
#include <stddef.h>

#include "registry.h"

#define XEP(name) extern const struct ear_xep name;
#include "list.h"
#undef XEP

#define XEP(name) &name,
const struct ear_xep *const ear_xeps_all[] = {
#include "list.h"
	NULL,
};
#undef XEP
