/* SPDX-License-Identifier: ISC */
/* sync_dir.h: names that a power cut does not take back. */
#ifndef BASE_SYNC_DIR_H
#define BASE_SYNC_DIR_H

/* A name is on the disk when its directory is. 0 or -errno; a file system that cannot sync a
 * directory has no name that could get lost. */
int sync_dir(const char *dir);

#endif
