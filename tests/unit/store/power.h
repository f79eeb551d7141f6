/* SPDX-License-Identifier: ISC */
/*
 * power.h: a disk whose power is cut, under SQLite. Of what was written and not yet synced any part
 * may be on it afterwards, sector by sector, as on a real one; nothing waits for the real one.
 */
#ifndef POWER_H
#define POWER_H

#include <stdbool.h>
#include <stddef.h>

/* All databases of this process are on it from now on. */
void power_begin(void);

/* How often it was asked to write, sync, truncate or delete. */
size_t power_steps(void);

/*
 * When it is asked the n-th time from now on, that is not done, and the process ends by SIGKILL.
 * loses: the power is cut, and not only the process gone. seed: which parts are on the disk then.
 */
void power_cut_at(size_t n, bool loses, unsigned seed);

#endif
