/* SPDX-License-Identifier: ISC */
/* kodi_cut.c: cutting a stream of JSON objects. */
#include <errno.h>
#include <string.h>

#include "player/kodi_cut.h"

static void
take_in_string(struct kodi_cut *cut, char c)
{
	if (cut->escaped)
		cut->escaped = false;
	else if (c == '\\')
		cut->escaped = true;
	else if (c == '"')
		cut->in_string = false;
}

/* Returns false when c cannot stand here. Which bracket closes which, the parser looks at. */
static bool
take_outside(struct kodi_cut *cut, char c)
{
	if (cut->depth == 0 && c != '{')
		return c == ' ' || c == '\t' || c == '\r' || c == '\n';
	if (c == '"')
		cut->in_string = true;
	else if (c == '{' || c == '[')
		return ++cut->depth <= KODI_DEPTH_MAX;
	else if (c == '}' || c == ']')
		cut->depth--;
	return true;
}

bool
kodi_cut_object(struct kodi_cut *cut, const char *text, size_t length, int *error)
{
	*error = 0;
	while (cut->seen < length) {
		char c = text[cut->seen++];
		bool good = true;

		if (cut->in_string)
			take_in_string(cut, c);
		else
			good = take_outside(cut, c);
		if (good && cut->depth == 0 && (c == '}' || c == ']'))
			return true;
		if (!good || cut->seen == KODI_OBJECT_MAX) {
			*error = -EPROTO;
			return false;
		}
	}
	return false;
}
