/* SPDX-License-Identifier: ISC */
/* txt.h: the TXT record of XEP-0174 §4, as DNS-SD strings (RFC 6763 §6). */
#ifndef DISCOVER_TXT_H
#define DISCOVER_TXT_H

#include <stddef.h>
#include <stdint.h>

#define TXT_MAX        1300 /* bytes of a whole record; RFC 6763 §6.2 recommends to stay under 1300 */
#define TXT_KEYS_MAX   32
#define TXT_STRING_MAX 255

/* The fields that we understand; "" when absent. Decoded values are valid UTF-8 without control
 * characters. */
struct txt {
	char nick[TXT_STRING_MAX + 1], first[TXT_STRING_MAX + 1], last[TXT_STRING_MAX + 1];
	char email[TXT_STRING_MAX + 1], jid[TXT_STRING_MAX + 1], msg[TXT_STRING_MAX + 1];
	char status[16];                                  /* "avail", "away", "dnd" */
	char node[TXT_STRING_MAX + 1], hash[32], ver[64]; /* XEP-0115 */
	char vc[32];
	char hint[64]; /* of the device's key, for those who know it: trust/hint.h */
	char phsh[64];
	unsigned port; /* port.p2pj, 0 when absent */
};

/*
 * Decodes length-prefixed strings as they stand in the DNS record. Keys are matched without regard
 * to case, the first of a repeated key counts (RFC 6763 §6.4), unknown keys are passed over, a
 * value that breaks the rules is taken as absent. -EMSGSIZE: over TXT_MAX or TXT_KEYS_MAX;
 * -EBADMSG: a string runs past the end. out is valid (as far as it was read) in every case.
 */
int txt_decode(const uint8_t *wire, size_t length, struct txt *out);

/*
 * Encodes: txtvers=1 first, then the keys in alphabetical order without empty ones; publish is the
 * privacy switch of XEP-0174 §4.2: "minimal" (txtvers, port.p2pj, status, node, hash, ver, vc) or
 * "minimal" plus a comma-separated list of nick, 1st, last, email, jid, msg, phsh. Returns the
 * length, or -EMSGSIZE.
 */
int txt_encode(const struct txt *txt, const char *publish, uint8_t *wire, size_t size);

#endif
