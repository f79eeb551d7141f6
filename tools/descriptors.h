/* SPDX-License-Identifier: ISC */
/* descriptors.h: standard input, output and error. */
#ifndef TOOLS_DESCRIPTORS_H
#define TOOLS_DESCRIPTORS_H

#include <stdbool.h>

/*
 * Opens on /dev/null what the caller closed. To be called first: otherwise the next socket gets
 * its number, and what is printed or logged goes there.
 */
void descriptors_fill(void);

/* False: standard output did not take everything. One whose reader left counts as served. */
bool descriptors_said_all(void);

#endif
