/* SPDX-License-Identifier: ISC */
/* hex.h: hexadecimal digits. */
#ifndef BASE_HEX_H
#define BASE_HEX_H

/* No isxdigit: it asks the locale. -1: not a digit. */
static inline int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

#endif
