/* SPDX-License-Identifier: ISC */
/* disco.h: what this engine says it is (XEP-0030), and the hash of that (XEP-0115). */
#ifndef CORE_DISCO_H
#define CORE_DISCO_H

#include <stddef.h>

#include <earshot/xep.h>

#define DISCO_VER_SIZE 29 /* SHA-1 in base64, with the final NUL */

/*
 * A new disco#info <query/>: the identities, and the features of all xeps (NULL-ended), each once
 * and sorted. name NULL or "": the identities have none; node NULL: no such attribute; stores: what
 * needs a store is there. The caller owns it.
 */
xmpp_stanza_t *disco_info(xmpp_ctx_t *ctx, const struct ear_xep *const *xeps, bool stores,
			  const char *name, const char *node);

/*
 * Writes the verification string (XEP-0115 §5.1, SHA-1) of a disco#info <query/> to out, of
 * DISCO_VER_SIZE bytes or more. Forms (XEP-0128) without a FORM_TYPE are passed over (§5.4).
 */
void disco_ver(xmpp_stanza_t *query, char *out, size_t size);

#endif
