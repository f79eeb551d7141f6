/* SPDX-License-Identifier: ISC */
/* alloc.c: memory that is there or the program is not. */
#include <assert.h>
#include <errno.h>
#include <malloc.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/log.h>

#include "base/alloc.h"

_Noreturn void
alloc_failed(void)
{
	ear_error("out of memory");
	abort();
}

static void *
check(void *memory)
{
	xcheck(memory != NULL);
	return memory;
}

void *
xalloc(size_t size)
{
	return check(calloc(1, size == 0 ? 1 : size));
}

void *
xrealloc(void *old, size_t size)
{
	return check(realloc(old, size == 0 ? 1 : size));
}

char *
xstrdup(const char *text)
{
	return text == NULL ? NULL : check(strdup(text));
}

char *
xstrndup(const char *text, size_t length)
{
	return check(strndup(text, length));
}

char *
xasprintf(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) == -1)
		text = NULL;
	va_end(args);
	return check(text);
}

void
xreplace(char **slot, const char *text)
{
	char *copy = xstrdup(text);

	free(*slot);
	*slot = copy;
}

int
copy_text(char *out, size_t size, const char *text)
{
	size_t length = strlen(text);
	size_t n;

	assert(size > 0);
	n = length < size ? length : size - 1;

	memcpy(out, text, n);
	out[n] = '\0';
	return n == length ? 0 : -ENOSPC;
}

void
alloc_for_many(void)
{
	mallopt(M_MXFAST, 0);
}
