/* SPDX-License-Identifier: ISC */
/* tls_kit.c: keys with self-signed certificates. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "tests/unit/link/tls_kit.h"

static void
add_extra(X509 *made, size_t size)
{
	char *text = calloc(1, size + 16);
	X509_EXTENSION *extension;

	snprintf(text, 16, "ASN1:UTF8:");
	memset(text + 10, 'x', size);
	extension = X509V3_EXT_conf(NULL, NULL, "1.2.3.4", text);
	X509_add_ext(made, extension, -1);
	X509_EXTENSION_free(extension);
	free(text);
}

void
tls_id_init(struct tls_id *id, const char *name, size_t extra)
{
	X509 *made = X509_new();

	id->key = EVP_EC_gen("P-256");
	id->certificate = made;
	id->file[0] = '\0';
	X509_set_version(made, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
	/* Long over: whose clock is right does not matter between peers. */
	X509_gmtime_adj(X509_getm_notBefore(made), -7200);
	X509_gmtime_adj(X509_getm_notAfter(made), -3600);
	X509_set_pubkey(made, id->key);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(made), "CN", MBSTRING_ASC,
				   (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(made, X509_get_subject_name(made));
	if (extra > 0)
		add_extra(made, extra);
	if (X509_sign(made, id->key, EVP_sha256()) <= 0)
		abort();
}

void
tls_id_release(struct tls_id *id)
{
	EVP_PKEY_free(id->key);
	X509_free(id->certificate);
	if (id->file[0] != '\0')
		unlink(id->file);
}

const char *
tls_id_file(struct tls_id *id)
{
	FILE *file;

	if (id->file[0] != '\0')
		return id->file;
	snprintf(id->file, sizeof(id->file), "/tmp/tls_kit.XXXXXX");
	file = fdopen(mkstemp(id->file), "w");
	PEM_write_PrivateKey(file, id->key, NULL, NULL, 0, NULL, NULL);
	PEM_write_X509(file, id->certificate);
	fclose(file);
	return id->file;
}
