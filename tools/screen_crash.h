/* SPDX-License-Identifier: ISC */
/* screen_crash.h: the terminal is given back also when this program crashes on a full screen. */
#ifndef TOOLS_SCREEN_CRASH_H
#define TOOLS_SCREEN_CRASH_H

/* How the terminal is, before it is taken over. -ENODEV: nothing is known about its type,
 * or its cursor cannot be moved. */
int crash_remember(void);

/* From now on, when curses knows the terminal. */
void crash_guard(void);

void crash_unguard(void);

#endif
