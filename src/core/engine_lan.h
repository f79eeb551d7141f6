/* SPDX-License-Identifier: ISC */
/* engine_lan.h: core's answers to the LAN link. */
#ifndef CORE_ENGINE_LAN_H
#define CORE_ENGINE_LAN_H

#include "link/lan.h"

/* owner is the struct ear. */
extern const struct lan_hooks engine_lan_hooks;

#endif
