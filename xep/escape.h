/* SPDX-License-Identifier: ISC */
/* escape.h: text for an attribute in single quotes, in XML that is rendered here. */
#ifndef XEP_ESCAPE_H
#define XEP_ESCAPE_H

#include <stddef.h>

#define ESCAPE_ALL "&<>'\t\n\r" /* what may not stand for itself */
#define ESCAPE_MAX 6            /* bytes of what stands for it */

/* NULL: it may; white space but the blank is read as one there (XML 1.0 §3.3.3). */
static inline const char *
escape_of(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '\'':
		return "&apos;";
	case '\t':
		return "&#9;";
	case '\n':
		return "&#10;";
	case '\r':
		return "&#13;";
	default:
		return NULL;
	}
}

#endif
