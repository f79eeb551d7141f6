/* SPDX-License-Identifier: ISC */
/* tls_kit.h: for tests of TLS between peers: keys with their certificates, and files of them. */
#ifndef TEST_TLS_KIT_H
#define TEST_TLS_KIT_H

#include <openssl/evp.h>
#include <openssl/x509.h>

struct tls_id {
	EVP_PKEY *key;
	X509 *certificate;
	char file[64]; /* PEM of both; "" while nobody asked for it */
};

/* extra: bytes of an extension that makes the certificate longer. */
void tls_id_init(struct tls_id *id, const char *name, size_t extra);
void tls_id_release(struct tls_id *id);
/* The file is written at the first call. */
const char *tls_id_file(struct tls_id *id);

#endif
