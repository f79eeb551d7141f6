/* SPDX-License-Identifier: ISC */
/* faults.h: a disk that fails for a while: what SQLite asks of the system goes wrong as it is told
 * to, on the real files. */
#ifndef FAULTS_H
#define FAULTS_H

#include <stddef.h>
#include <sys/types.h>

enum fault {
	FAULT_NONE,
	FAULT_READ,  /* reading says EIO, */
	FAULT_JUNK,  /* or gives what was never written; */
	FAULT_FULL,  /* writing says ENOSPC, */
	FAULT_WRITE, /* or EIO */
};

/* For all databases of this process, from the n-th read or write (of that kind) from now on, so
 * many of them. */
void faults_begin(enum fault fault, size_t n, size_t count);
/* How many there were; the disk is well. */
size_t faults_end(void);

#endif
