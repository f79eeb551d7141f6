/* SPDX-License-Identifier: ISC */
/* kodi_cut.h: where one JSON object ends and the next begins, in a stream that has nothing between
 * them. Pure, and fuzzed. */
#ifndef PLAYER_KODI_CUT_H
#define PLAYER_KODI_CUT_H

#include <stdbool.h>
#include <stddef.h>

#define KODI_OBJECT_MAX (256 * 1024) /* bytes of one object, with the blanks before it */
#define KODI_DEPTH_MAX  32           /* of objects and arrays in one another; Kodi needs 7 */

/* How far the object that comes in has been looked at; all zero at the start of one. */
struct kodi_cut {
	size_t seen;
	int depth;
	bool in_string, escaped;
};

/*
 * text: all that has come since the end of the last object, which no byte is looked at twice of.
 * Returns whether an object is complete: cut->seen is then its length, and the next one begins with
 * a cut of zeros. *error is -EPROTO when this is no object, or one beyond a cap. What is inside the
 * object is for the parser to judge.
 */
bool kodi_cut_object(struct kodi_cut *cut, const char *text, size_t length, int *error);

#endif
