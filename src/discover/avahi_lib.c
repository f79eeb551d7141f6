/* SPDX-License-Identifier: ISC */
/* avahi_lib.c: opens one of Avahi's libraries so that it does not meet the other. */
#include <dlfcn.h>
#include <string.h>

#include <avahi-common/error.h>

#include <earshot/log.h>

#include "discover/avahi_lib.h"

int
avahi_lib_open(const char *file, const struct avahi_symbol *symbols, size_t count, void *table)
{
	/* NODELETE: libdbus below it has state of its own that does not survive being unloaded. */
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

	if (library == NULL) {
		ear_debug("mdns: %s", dlerror());
		return AVAHI_ERR_NOT_SUPPORTED;
	}
	for (size_t i = 0; i < count; i++) {
		void *symbol = dlsym(library, symbols[i].name);

		if (symbol == NULL) {
			ear_warn("mdns: %s has no %s", file, symbols[i].name);
			dlclose(library);
			return AVAHI_ERR_VERSION_MISMATCH;
		}
		memcpy((char *)table + symbols[i].offset, &symbol, sizeof(symbol));
	}
	dlclose(library);
	return 0;
}
