/* SPDX-License-Identifier: ISC */
/* pq_error.h: what a server's error means for us. */
#ifndef STORE_PQ_ERROR_H
#define STORE_PQ_ERROR_H

#include <stdbool.h>

/* -errno of an SQLSTATE, which may be NULL. */
int pq_error_of(const char *state);

/* Another session was in the way: the same transaction may well pass when it is tried again. */
bool pq_error_is_passing(const char *state);

#endif
