/* SPDX-License-Identifier: ISC */
/* presence.h: how many may subscribe to our presence. */
#ifndef XEP_PRESENCE_H
#define XEP_PRESENCE_H

#include <earshot/ear.h>

#define PRESENCE_ROSTER_MAX 1024

#endif
