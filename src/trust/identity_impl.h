/* SPDX-License-Identifier: ISC */
/* identity_impl.h: what identity.c has others do: the key's file, and the certificate. */
#ifndef TRUST_IDENTITY_IMPL_H
#define TRUST_IDENTITY_IMPL_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "trust/identity.h"

#define IDENTITY_NAME_MAX 64 /* bytes of the CN; ub-common-name of RFC 5280 is 64 characters */

/*
 * The key in dir/device.key. 0; -ENOENT: no such file; other -errno: error says what to do. The
 * caller frees *key.
 */
int identity_file_read(const char *dir, EVP_PKEY **key, char *error, size_t size);

/*
 * Stores it: after a power cut there is either what was there before, or this key, whole.
 * may_replace false: -EEXIST when there is a key by now. 0 or -errno.
 */
int identity_file_write(const char *dir, EVP_PKEY *key, bool may_replace);

/* The caller frees it. What does not fit into a certificate that peers take is left out. */
X509 *identity_cert_make(EVP_PKEY *key, const char *name, char *const *jids, size_t count);

#endif
