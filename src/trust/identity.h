/* SPDX-License-Identifier: ISC */
/*
 * identity.h: who this device is: its private key, which never leaves, and the certificate that
 * shows the key together with our XMPP addresses.
 */
#ifndef TRUST_IDENTITY_H
#define TRUST_IDENTITY_H

#include <earshot/trust.h>

#define IDENTITY_JIDS_MAX 8

struct identity;
struct evp_pkey_st;
struct x509_st;

/*
 * The key in dir/device.key (ECDSA P-256, PKCS #8 PEM, mode 0600), made if there is none: written
 * to a temporary file, synced, renamed. dir is made if missing (0700). dir NULL: a key for this
 * process only. NULL with error filled, naming the file and what to do: not readable, others may
 * read it (chmod 600), not a key.
 */
struct identity *identity_open(const char *dir, char *error, size_t size);
void identity_free(struct identity *identity);

/*
 * The certificate carries these addresses (id-on-xmppAddr, RFC 6120 §13.7.1.4) from now on; made
 * anew when they differ. Self-signed, subject CN = name, RFC 5280 §4.1.2.5's "no expiration", and
 * valid from long ago: boxes start with a wrong clock. Not stored.
 */
void identity_set_jids(struct identity *identity, const char *name, const char *const *jids,
		       size_t count);

/* Another key, stored before it is used. -errno: the old one stays. */
int identity_renew(struct identity *identity);

const struct ear_key *identity_key(const struct identity *identity);

/* Borrowed, until the next change. */
struct evp_pkey_st *identity_pkey(const struct identity *identity);
struct x509_st *identity_certificate(const struct identity *identity);

#endif
