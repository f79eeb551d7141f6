/* SPDX-License-Identifier: ISC */
/* presence.h: whose presence we send ourselves, and to how many. */
#ifndef XEP_PRESENCE_H
#define XEP_PRESENCE_H

#include <earshot/ear.h>

#define PRESENCE_ROSTER_MAX 1024 /* of an engine that has one to itself */

/* Whether we are a component, whose presence no server keeps, and the link to it has been up. */
bool presence_is_component(struct ear *ear);

/* Whether that bare address gets the presence of one of ours; false where several engines know
 * that: see ear_stored. */
bool presence_is_contact(struct ear *ear, const char *bare);

#endif
