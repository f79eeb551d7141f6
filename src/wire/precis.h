/* SPDX-License-Identifier: ISC */
/* precis.h: the PRECIS profiles of addresses: RFC 8265 UsernameCaseMapped and OpaqueString. */
#ifndef WIRE_PRECIS_H
#define WIRE_PRECIS_H

#include <stddef.h>

/* Room that out needs: one part of an address and a NUL. */
#define PRECIS_SIZE 1024

/*
 * Each enforces its profile on UTF-8 of length bytes, and writes it NUL-ended to out of PRECIS_SIZE
 * bytes; out may be text. -EINVAL: invalid UTF-8, empty, a character the profile disallows;
 * -ENAMETOOLONG: more than 1,023 bytes before or after.
 */

/* RFC 8265 §3.3, without the characters that RFC 7622 §3.3.1 forbids in a local part. */
int precis_username(const char *text, size_t length, char *out);

/* The mappings of the same alone: any valid UTF-8 comes through. */
int precis_map_username(const char *text, size_t length, char *out);

/* RFC 8265 §4.2, for resources (RFC 7622 §3.4). */
int precis_opaque(const char *text, size_t length, char *out);

/* The U-labels and dots of a domain, RFC 7622 §3.2: as a username, without its symbols. */
int precis_domain(const char *text, size_t length, char *out);

#endif
