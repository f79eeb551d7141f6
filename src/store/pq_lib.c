/* SPDX-License-Identifier: ISC */
/* pq_lib.c: opens libpq. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/pq_lib.h"

#define FILE_NAME "libpq.so.5"

static const struct symbol {
	const char *name;
	size_t offset; /* of its pointer in the table */
} symbols[] = {
#define SYMBOL(name) { #name, offsetof(struct pq_lib, name) },
	PQ_FUNCTIONS(SYMBOL)
#undef SYMBOL
};

int
pq_lib_open(struct pq_lib *lib, char *error, size_t size)
{
	/* NODELETE: what it pulls in has state of its own that does not survive being unloaded. */
	void *library = dlopen(FILE_NAME, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

	if (library == NULL) {
		snprintf(error, size, "%s: install PostgreSQL's client library (Debian: libpq5)",
			 dlerror());
		return -ELIBACC;
	}
	for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
		void *symbol = dlsym(library, symbols[i].name);

		if (symbol == NULL) {
			snprintf(error, size,
				 FILE_NAME " has no %s: it must be of PostgreSQL 14 "
					   "or later",
				 symbols[i].name);
			dlclose(library);
			return -ELIBACC;
		}
		memcpy((char *)lib + symbols[i].offset, &symbol, sizeof(symbol));
	}
	dlclose(library);
	return 0;
}
