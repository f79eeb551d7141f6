/* SPDX-License-Identifier: ISC */
/* look.h: what others in core want to know of a path, as `earshot paths` shows it. */
#ifndef CORE_LOOK_H
#define CORE_LOOK_H

#include "core/core.h"

/* What state that path of dest is in now: as its link is, and as its own past says. */
enum ear_path_state look_state(struct dest *dest, const struct path *path);

#endif
