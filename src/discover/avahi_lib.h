/* SPDX-License-Identifier: ISC */
/*
 * avahi_lib.h: Avahi's two libraries, opened at run time, each when it is first needed.
 *
 * They cannot be linked into one program: libavahi-core and libavahi-client both export and call
 * avahi_entry_group_free, for different structs, and the dynamic linker gives both the same one.
 * Opened with RTLD_LOCAL, each finds its own. A machine that lacks one of them keeps the other
 * kind.
 */
#ifndef DISCOVER_AVAHI_LIB_H
#define DISCOVER_AVAHI_LIB_H

#include <stddef.h>

struct avahi_symbol {
	const char *name;
	size_t offset; /* of its pointer in the table */
};

/* For a list macro that names functions: X(avahi_client_new) X(avahi_client_free) ... */
#define AVAHI_SLOT(name) __typeof__(name) *name;

/* The library stays loaded. 0, or an error of Avahi's with the reason logged. */
int avahi_lib_open(const char *file, const struct avahi_symbol *symbols, size_t count, void *table);

#endif
