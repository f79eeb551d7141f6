/* SPDX-License-Identifier: ISC */
/* precis_class.h: which characters may stand where: the string classes of RFC 8264. */
#ifndef WIRE_PRECIS_CLASS_H
#define WIRE_PRECIS_CLASS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Code points that are Unicode scalar values. IdentifierClass with the Bidi Rule, RFC 7622 §3.3. */
bool class_allows_username(const uint32_t *text, size_t length);

/* FreeformClass. */
bool class_allows_opaque(const uint32_t *text, size_t length);

/* IdentifierClass without symbols, label by label; the Bidi Rule for each label (RFC 5893). */
bool class_allows_domain(const uint32_t *text, size_t length);

#endif
