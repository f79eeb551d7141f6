/* SPDX-License-Identifier: ISC */
/* cert.c: reads a stranger's certificate: the key in it, and the addresses it claims. */
#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trust/cert.h"
#include "trust/octets.h"

/*
 * Nothing in here is verified: no signature, no date, no chain. TLS has shown that the other end
 * holds the private key; who that is, others say (RFC 6120 §13.7.2 has no authority on a LAN).
 */

static int
read_key(const X509 *x509, struct ear_key *key)
{
	unsigned char *spki = NULL;
	int length;

	/* The octets alone would do; but a key that OpenSSL cannot use never was in a handshake. */
	if (X509_get0_pubkey(x509) == NULL)
		return -EBADMSG;
	length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &spki);
	if (length <= 0)
		return -EBADMSG;
	octets_sha256(spki, (size_t)length, key->sha256);
	OPENSSL_free(spki);
	return 0;
}

/* The text of an id-on-xmppAddr (RFC 6120 §13.7.1.4): a UTF8String and nothing else. */
static const ASN1_STRING *
xmpp_name(const GENERAL_NAME *name)
{
	ASN1_OBJECT *kind;
	ASN1_TYPE *value;

	if (GENERAL_NAME_get0_otherName(name, &kind, &value) != 1)
		return NULL;
	if (OBJ_obj2nid(kind) != NID_XmppAddr || value->type != V_ASN1_UTF8STRING)
		return NULL;
	return value->value.utf8string;
}

static bool
has_jid(const struct cert *cert, const char *jid)
{
	for (size_t i = 0; i < cert->jid_count; i++)
		if (strcmp(cert->jids[i], jid) == 0)
			return true;
	return false;
}

/* Nobody can vouch for a name in .local: that one is the LAN's word, not a server's. */
static void
add_jid(struct cert *cert, const ASN1_STRING *name)
{
	const char *text = (const char *)ASN1_STRING_get0_data(name);
	int length = ASN1_STRING_length(name);
	char copy[EAR_JID_SIZE], jid[EAR_JID_SIZE];

	if (length <= 0 || length > EAR_JID_MAX || memchr(text, '\0', (size_t)length) != NULL)
		return;
	memcpy(copy, text, (size_t)length);
	copy[length] = '\0';
	if (ear_jid_prep(copy, jid, sizeof(jid)) != 0 || ear_jid_is_lan(jid) || has_jid(cert, jid))
		return;
	cert->jids[cert->jid_count++] = xstrdup(jid);
}

static void
read_jids(const X509 *x509, struct cert *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names) && cert->jid_count < CERT_JIDS_MAX; i++) {
		const ASN1_STRING *name = xmpp_name(sk_GENERAL_NAME_value(names, i));

		if (name != NULL)
			add_jid(cert, name);
	}
	GENERAL_NAMES_free(names);
}

int
cert_read(const unsigned char *der, size_t length, struct cert *out)
{
	const unsigned char *end = der;
	X509 *x509;
	int error = -EBADMSG;

	memset(out, 0, sizeof(*out));
	if (length > CERT_BYTES_MAX)
		return -EMSGSIZE;
	x509 = d2i_X509(NULL, &end, (long)length);
	if (x509 != NULL && end == der + length)
		error = read_key(x509, &out->key);
	if (error == 0)
		read_jids(x509, out);
	X509_free(x509);
	/* The queue belongs to the thread: what stays in it would be read as a failure of TLS. */
	ERR_clear_error();
	return error;
}

void
cert_release(struct cert *cert)
{
	for (size_t i = 0; i < cert->jid_count; i++)
		free(cert->jids[i]);
	memset(cert, 0, sizeof(*cert));
}
