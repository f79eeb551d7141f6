/* SPDX-License-Identifier: ISC */
/* cert.h: what another device's certificate says: its key, and the addresses that it claims. */
#ifndef TRUST_CERT_H
#define TRUST_CERT_H

#include <earshot/jid.h>
#include <earshot/trust.h>

#define CERT_BYTES_MAX 8192 /* of its DER */
#define CERT_JIDS_MAX  4    /* claims that are looked at; the rest is passed over */

struct cert {
	struct ear_key key;
	char *jids[CERT_JIDS_MAX]; /* canonical; nothing proves them */
	size_t jid_count;
};

/*
 * Reads DER. -EMSGSIZE; -EBADMSG: no certificate, bytes behind it, or a key that cannot be read.
 * Claims that are no XMPP address or lie in .local are passed over. out is to be released also on
 * error.
 */
int cert_read(const unsigned char *der, size_t length, struct cert *out);
void cert_release(struct cert *cert);

#endif
