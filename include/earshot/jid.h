/* SPDX-License-Identifier: ISC */
/* jid.h: XMPP addresses (RFC 7622), their escaping (XEP-0106), and LAN names as addresses
 * (XEP-0174). */
#ifndef EARSHOT_JID_H
#define EARSHOT_JID_H

#include <stdbool.h>
#include <stddef.h>

#define EAR_JID_PART_MAX 1023                       /* bytes of each part, RFC 7622 §3.1 */
#define EAR_JID_MAX      (3 * EAR_JID_PART_MAX + 2) /* bytes of a whole address */
#define EAR_JID_SIZE     (EAR_JID_MAX + 1)          /* with the final NUL */
#define EAR_INSTANCE_MAX 63 /* bytes of a DNS-SD instance, RFC 6763 §4.1.1 */

/* The parts of an address, as views into the string that was parsed. */
struct ear_jid {
	const char *local, *domain, *resource; /* local and resource NULL where absent */
	size_t local_len, domain_len, resource_len;
};

/*
 * Takes an address apart without copying and without changing case. The views are valid
 * while text is. -EINVAL: not an address; -ENAMETOOLONG: a part is over its limit.
 */
int ear_jid_parse(const char *text, struct ear_jid *jid);

/*
 * Writes the canonical form (RFC 7622 §3.2-3.4: UsernameCaseMapped local part, lower-case
 * domain without a final dot, OpaqueString resource, all NFC) to out. Errors as ear_jid_parse;
 * -ENOSPC: out too small (EAR_JID_SIZE always suffices).
 */
int ear_jid_prep(const char *text, char *out, size_t size);

/* Writes the canonical bare address ("local@domain" or "domain"). Errors as ear_jid_prep. */
int ear_jid_bare(const char *text, char *out, size_t size);

/* The resource inside text, or NULL. */
const char *ear_jid_resource(const char *text);

/* Whether two addresses are equal in canonical form; an invalid one equals nothing. */
bool ear_jid_equal(const char *a, const char *b);
bool ear_jid_bare_equal(const char *a, const char *b);

/* XEP-0106 §4: any UTF-8 text to a local part, and back. -EINVAL, -ENAMETOOLONG, -ENOSPC. */
int ear_jid_escape(const char *text, char *out, size_t size);
int ear_jid_unescape(const char *local, char *out, size_t size);

/* Whether the address is one of the LAN: its domain ends in ".local". */
bool ear_jid_is_lan(const char *text);
/* The same of what ear_jid_bare() made. */
bool ear_jid_bare_is_lan(const char *bare);

/*
 * XEP-0174 §3: a DNS-SD instance "user@machine" <-> the address "user@machine.local" that the
 * program uses everywhere. The machine is what follows the last '@' and is a host name
 * (letters, digits, '-', '.', '_'); the user is XEP-0106-escaped. -EINVAL: not such a name (no '@',
 * empty part, control character, invalid UTF-8); -ENAMETOOLONG: over 63 bytes.
 */
int ear_jid_from_instance(const char *instance, char *out, size_t size);
int ear_jid_to_instance(const char *address, char *out, size_t size);

#endif
