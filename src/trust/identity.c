/* SPDX-License-Identifier: ISC */
/* identity.c: this device: its key, made once, and the certificate of the moment. */
#include <errno.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trust/identity_impl.h"
#include "trust/octets.h"

struct identity {
	char *dir; /* NULL: this process only */
	EVP_PKEY *pkey;
	X509 *certificate;
	struct ear_key key;
	char *name;
	char *jids[IDENTITY_JIDS_MAX];
	size_t jid_count;
};

static EVP_PKEY *
make_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	octets_must(key != NULL, "key");
	return key;
}

static void
make_certificate(struct identity *identity)
{
	X509_free(identity->certificate);
	identity->certificate = identity_cert_make(identity->pkey, identity->name, identity->jids,
						   identity->jid_count);
}

/* Takes the key over. */
static void
use_key(struct identity *identity, EVP_PKEY *pkey)
{
	unsigned char *spki = NULL;
	int length = i2d_PUBKEY(pkey, &spki);

	octets_must(length > 0, "public key");
	octets_sha256(spki, (size_t)length, identity->key.sha256);
	OPENSSL_free(spki);
	EVP_PKEY_free(identity->pkey);
	identity->pkey = pkey;
	make_certificate(identity);
}

/* Two first starts at the same time: one of them stores its key, and both use that one. */
static EVP_PKEY *
open_key(const char *dir, char *error, size_t size)
{
	EVP_PKEY *key = NULL;
	int code = identity_file_read(dir, &key, error, size);

	if (code != -ENOENT)
		return key;
	key = make_key();
	code = identity_file_write(dir, key, false);
	if (code == 0)
		return key;
	EVP_PKEY_free(key);
	key = NULL;
	if (code == -EEXIST)
		identity_file_read(dir, &key, error, size);
	else
		snprintf(error, size, "%s/device.key: no key can be stored there: %s", dir,
			 strerror(-code));
	return key;
}

struct identity *
identity_open(const char *dir, char *error, size_t size)
{
	EVP_PKEY *key = dir != NULL ? open_key(dir, error, size) : make_key();
	struct identity *identity;

	if (key == NULL)
		return NULL;
	identity = xalloc(sizeof(*identity));
	identity->dir = xstrdup(dir);
	identity->name = xstrdup("earshot");
	use_key(identity, key);
	return identity;
}

static void
drop_jids(struct identity *identity)
{
	while (identity->jid_count > 0)
		free(identity->jids[--identity->jid_count]);
}

void
identity_free(struct identity *identity)
{
	if (identity == NULL)
		return;
	drop_jids(identity);
	X509_free(identity->certificate);
	EVP_PKEY_free(identity->pkey);
	free(identity->name);
	free(identity->dir);
	free(identity);
}

static bool
is_same(const struct identity *identity, const char *name, const char *const *jids, size_t count)
{
	if (strcmp(identity->name, name) != 0 || identity->jid_count != count)
		return false;
	for (size_t i = 0; i < count; i++)
		if (strcmp(identity->jids[i], jids[i]) != 0)
			return false;
	return true;
}

void
identity_set_jids(struct identity *identity, const char *name, const char *const *jids,
		  size_t count)
{
	if (count > IDENTITY_JIDS_MAX)
		count = IDENTITY_JIDS_MAX;
	if (is_same(identity, name, jids, count))
		return;
	drop_jids(identity);
	for (size_t i = 0; i < count; i++)
		identity->jids[identity->jid_count++] = xstrdup(jids[i]);
	xreplace(&identity->name, name);
	make_certificate(identity);
}

int
identity_renew(struct identity *identity)
{
	EVP_PKEY *key = make_key();
	int error = identity->dir != NULL ? identity_file_write(identity->dir, key, true) : 0;

	if (error == 0)
		use_key(identity, key);
	else
		EVP_PKEY_free(key);
	return error;
}

const struct ear_key *
identity_key(const struct identity *identity)
{
	return &identity->key;
}

EVP_PKEY *
identity_pkey(const struct identity *identity)
{
	return identity->pkey;
}

X509 *
identity_certificate(const struct identity *identity)
{
	return identity->certificate;
}
