/* SPDX-License-Identifier: ISC */
/* ifaces.h: the interfaces that the configuration names, as they come and go. */
#ifndef DISCOVER_IFACES_H
#define DISCOVER_IFACES_H

#include <stdbool.h>
#include <stddef.h>

#define IFACES_MAX 16

struct event_base;
struct ifaces;

/*
 * list: "all" or names with commas between; more than IFACES_MAX are dropped with a log line.
 * changed runs from the loop when a named interface appeared or went; never for "all".
 */
struct ifaces *ifaces_new(struct event_base *base, const char *list, void (*changed)(void *arg),
			  void *arg);
void ifaces_free(struct ifaces *ifaces);

bool ifaces_is_all(const struct ifaces *ifaces);
bool ifaces_has(const struct ifaces *ifaces, int index);

/* The i-th name of the list, and its index now, 0 while there is no such interface. NULL: no more.
 */
const char *ifaces_at(const struct ifaces *ifaces, size_t i, int *index);

#endif
