/* SPDX-License-Identifier: ISC */
/* network.h: what a change of this machine's network, or its waking up, means for the paths. */
#ifndef CORE_NETWORK_H
#define CORE_NETWORK_H

#include <earshot/ear.h>

/* Our network is another one than before; better: what failed may work now, and is tried. Those
 * who watch are told. */
void core_network_changed(struct ear *ear, bool better);

/* Every path that is watched is measured at once. */
void core_ask_life(struct ear *ear);

#endif
