/* SPDX-License-Identifier: ISC */
/* caps.h: what others can do, by the hash that they announce (XEP-0115): of that, which nodes they
 * want to hear of. */
#ifndef XEP_CAPS_H
#define XEP_CAPS_H

#include <earshot/ear.h>

#define CAPS_KNOWN_MAX    256 /* hashes; the one that was of no use for longest goes */
#define CAPS_ASKED_MAX    64  /* questions under way */
#define CAPS_FEATURES_MAX 512 /* of one answer */
#define CAPS_WANTS_MAX    64  /* nodes that one answer names; others are passed over */
#define CAPS_WANTS_BYTES  (8 * 1024)

struct caps;

/* The nodes that he wants to hear of (XEP-0163 §4.3.2), borrowed for the call. in is as it was
 * asked for; its stanza is NULL. From the event loop, or inside caps_find(). */
typedef void caps_fn(void *arg, const struct ear_in *in, const char *const *nodes, size_t count);

struct caps *caps_new(struct ear *ear, caps_fn *fn, void *arg);
void caps_free(struct caps *caps);

/*
 * Whoever in is from announces those capabilities; node, hash and ver may be NULL. fn is told, also
 * that there are none; unless it cannot be found out. A newer question about somebody takes the
 * place of an older one.
 */
void caps_find(struct caps *caps, const struct ear_in *in, const char *node, const char *hash,
	       const char *ver);

/* He is not there any more (a bare address: with any resource): fn is not told. */
void caps_forget(struct caps *caps, const char *from);

#endif
