/* SPDX-License-Identifier: ISC */
/* identity_cert.c: makes the certificate that shows our key and claims our addresses. */
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

#include <unistr.h>

#include "trust/identity_impl.h"
#include "trust/octets.h"

/*
 * Self-signed, for an end of a connection and not for an authority:
 *
 *	keyUsage digitalSignature (critical): all that TLS 1.3 does with it, RFC 8446 §4.4.2.2
 *	extendedKeyUsage serverAuth, clientAuth: either end may dial
 *	basicConstraints CA:FALSE (critical): who puts it into a store of trusted certificates
 *		trusts this device with it and nobody that it could sign for
 *
 * With such a certificate in their list of trusted ones OpenSSL 3.0 and GnuTLS 3.7 accept it in a
 * handshake, from either end (the unit test does it). They would also take one without
 * basicConstraints; one with CA:TRUE OpenSSL refuses unless it may sign certificates, which is more
 * than a device should be able to. Only `certtool --verify`, which looks for an authority above
 * each certificate, wants that.
 */

#define SERIAL_BYTES    16
#define JIDS_BYTES_MAX  6144 /* peers look at 8 KiB of certificate, CERT_BYTES_MAX */
#define JID_BYTES_EXTRA 32   /* around each in the DER: lengths, types, the object identifier */

static void
set_serial(X509 *x509)
{
	unsigned char octets[SERIAL_BYTES];
	BIGNUM *number;

	octets_random(octets, sizeof(octets));
	octets[0] = (octets[0] & 0x7f) | 0x40; /* positive, and never short: RFC 5280 §4.1.2.2 */
	number = BN_bin2bn(octets, sizeof(octets), NULL);
	octets_must(BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509)) != NULL, "serial");
	BN_free(number);
}

/* From the first second that a clock can show, without end (RFC 5280 §4.1.2.5). */
static void
set_dates(X509 *x509)
{
	octets_must(ASN1_TIME_set_string(X509_getm_notBefore(x509), "700101000000Z") == 1 &&
			    ASN1_TIME_set_string(X509_getm_notAfter(x509), "99991231235959Z") == 1,
		    "dates");
}

/* The bytes of name that fit, in whole characters. */
static size_t
name_length(const char *name)
{
	size_t length = strnlen(name, IDENTITY_NAME_MAX + 1);

	if (length > IDENTITY_NAME_MAX)
		for (length = IDENTITY_NAME_MAX; (name[length] & 0xc0) == 0x80;)
			length--;
	return u8_check((const uint8_t *)name, length) == NULL ? length : 0;
}

static void
set_names(X509 *x509, const char *name)
{
	X509_NAME *subject = X509_get_subject_name(x509);
	size_t length = name_length(name);

	if (length == 0) {
		name = "earshot";
		length = strlen(name);
	}
	octets_must(X509_NAME_add_entry_by_NID(subject, NID_commonName, MBSTRING_UTF8,
					       (const unsigned char *)name, (int)length, -1, 0),
		    "common name");
	octets_must(X509_set_issuer_name(x509, subject), "issuer");
}

static void
add_extension(X509 *x509, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_nconf_nid(NULL, NULL, nid, value);

	octets_must(extension != NULL && X509_add_ext(x509, extension, -1), "extension");
	X509_EXTENSION_free(extension);
}

static void
add_jid(GENERAL_NAMES *names, const char *jid)
{
	GENERAL_NAME *name = GENERAL_NAME_new();
	ASN1_TYPE *value = ASN1_TYPE_new();
	ASN1_STRING *text = ASN1_STRING_type_new(V_ASN1_UTF8STRING);

	octets_must(name != NULL && value != NULL && text != NULL &&
			    ASN1_STRING_set(text, jid, (int)strlen(jid)),
		    "name");
	ASN1_TYPE_set(value, V_ASN1_UTF8STRING, text);
	octets_must(GENERAL_NAME_set0_othername(name, OBJ_nid2obj(NID_XmppAddr), value) &&
			    sk_GENERAL_NAME_push(names, name) > 0,
		    "name");
}

static void
add_jids(X509 *x509, char *const *jids, size_t count)
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	size_t bytes = 0;

	for (size_t i = 0; i < count; i++) {
		size_t more = strlen(jids[i]) + JID_BYTES_EXTRA;

		if (more > JIDS_BYTES_MAX - bytes)
			continue;
		bytes += more;
		add_jid(names, jids[i]);
	}
	/* SIZE (1..MAX): none is no extension. */
	if (bytes > 0)
		octets_must(X509_add1_ext_i2d(x509, NID_subject_alt_name, names, 0,
					      X509V3_ADD_DEFAULT) == 1,
			    "names");
	GENERAL_NAMES_free(names);
}

X509 *
identity_cert_make(EVP_PKEY *key, const char *name, char *const *jids, size_t count)
{
	X509 *x509 = X509_new();

	octets_must(x509 != NULL && X509_set_version(x509, X509_VERSION_3), "certificate");
	set_serial(x509);
	set_dates(x509);
	set_names(x509, name);
	octets_must(X509_set_pubkey(x509, key), "public key");
	add_extension(x509, NID_basic_constraints, "critical,CA:FALSE");
	add_extension(x509, NID_key_usage, "critical,digitalSignature");
	add_extension(x509, NID_ext_key_usage, "serverAuth,clientAuth");
	add_jids(x509, jids, count);
	octets_must(X509_sign(x509, key, EVP_sha256()) > 0, "signature");
	ERR_clear_error();
	return x509;
}
