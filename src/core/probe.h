/* SPDX-License-Identifier: ISC */
/* probe.h: our own measuring: XEP-0199 pings on the paths of destinations in use, so that short is
 * measured and death is seen. */
#ifndef CORE_PROBE_H
#define CORE_PROBE_H

#include "core/dest.h"

void probe_init(struct dest *dest);
void probe_release(struct dest *dest);

/* Something was sent to it: its paths are watched closely for a while. */
void probe_active(struct dest *dest);

/* Something about it changed (link up, announced, server back): looks at once. */
void probe_now(struct dest *dest);

/* It is known now to remember what it gets: one ping by its server tells it our time, before the
 * first thing comes there that may be late. */
void probe_tell_time(struct dest *dest);

#endif
