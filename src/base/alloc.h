/* SPDX-License-Identifier: ISC */
/* alloc.h: memory that is there or the program is not. Callers cap what peers control first. */
#ifndef BASE_ALLOC_H
#define BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* Aborts with a log line, unless there is what somebody else had to allocate. */
_Noreturn void alloc_failed(void);

static inline void
xcheck(bool there)
{
	if (!there)
		alloc_failed();
}

/* As calloc, realloc, strdup, strndup, asprintf; out of memory aborts with a log line. */
void *xalloc(size_t size); /* zeroed */
void *xrealloc(void *old, size_t size);
char *xstrdup(const char *text); /* NULL stays NULL */
char *xstrndup(const char *text, size_t length);
char *xasprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* *slot = copy of text, the old value freed. */
void xreplace(char **slot, const char *text);

/* snprintf of "%s" that tells: 0, or -ENOSPC with out cut and NUL-ended. */
int copy_text(char *out, size_t size, const char *text);

/*
 * For a process that has thousands of stanzas on their way: glibc's bins of small freed blocks are
 * swept for every larger one that is asked for, which costs more than they bring.
 */
void alloc_for_many(void);

#endif
