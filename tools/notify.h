/* SPDX-License-Identifier: ISC */
/* notify.h: telling systemd how the service is (sd_notify(3), the protocol only). */
#ifndef TOOLS_NOTIFY_H
#define TOOLS_NOTIFY_H

#include <stdbool.h>

/* Sends "READY=1" or the like to $NOTIFY_SOCKET; without one, nothing. 0 or -errno. */
int notify(const char *state);

/* Whether there is a systemd to tell. */
bool notify_is_wanted(void);

#endif
