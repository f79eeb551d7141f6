/* SPDX-License-Identifier: ISC */
/* dest_conf.h: destinations after the configuration has changed. */
#ifndef CORE_DEST_CONF_H
#define CORE_DEST_CONF_H

#include "core/core.h"

/*
 * ear->conf has become another one; the old one is still there. Sections about the same device are
 * the same destination, whatever else in them changed; those that went leave a destination which
 * nobody vouches for; new ones take over what was known under their addresses. No walk over all
 * destinations may be under way.
 */
void dests_reload(struct ear *ear);

#endif
