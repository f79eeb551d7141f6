/* SPDX-License-Identifier: ISC */
/* domain.h: the domain part of an address, RFC 7622 §3.2. */
#ifndef WIRE_DOMAIN_H
#define WIRE_DOMAIN_H

#include <stddef.h>

/*
 * Writes the canonical domain to out, which holds PRECIS_SIZE bytes and may be text: lower case,
 * without a final dot, IPv6 in its shortest form. -EINVAL: no host name or address literal;
 * -ENAMETOOLONG.
 */
int domain_prep(const char *text, size_t length, char *out);

#endif
