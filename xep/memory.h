/* SPDX-License-Identifier: ISC */
/* memory.h: zeroed memory for extensions; out of memory ends the program, as everywhere. */
#ifndef XEP_MEMORY_H
#define XEP_MEMORY_H

#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>

static inline void *
xep_check(void *memory)
{
	if (memory == NULL) {
		ear_error("out of memory");
		abort();
	}
	return memory;
}

static inline void *
xep_alloc(size_t size)
{
	return xep_check(calloc(1, size));
}

static inline char *
xep_strdup(const char *text)
{
	return xep_check(strdup(text));
}

#endif
