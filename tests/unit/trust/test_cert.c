/* SPDX-License-Identifier: ISC */
/* test_cert.c: certificates that openssl makes: their key is what openssl says, their claims ours.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>

#include "base/alloc.h"
#include "trust/cert.h"

#define XMPP "otherName:1.3.6.1.5.5.7.8.5;UTF8:"
#define EC   "ec -pkeyopt ec_paramgen_curve:P-256"

static char dir[] = "/tmp/earshot-cert-XXXXXX";
static unsigned char der[65536];
static size_t der_length;

static int
setup(void **state)
{
	return mkdtemp(dir) != NULL ? 0 : -1;
}

static int
teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command);
}

/* The first line that the command prints, run in dir. */
static void
shell(const char *command, char *out, size_t size)
{
	char *line = xasprintf("cd '%s' && %s", dir, command);
	FILE *in = popen(line, "r");

	assert_non_null(in);
	if (fgets(out, (int)size, in) == NULL)
		out[0] = '\0';
	out[strcspn(out, "\n")] = '\0';
	if (pclose(in) != 0)
		fail_msg("%s", line);
	free(line);
}

/* A fresh certificate in der and in dir/c.der. names NULL: no subjectAltName. */
static void
make(const char *kind, const char *names)
{
	char *command = xasprintf("openssl req -x509 -nodes -newkey %s -keyout k.pem -subj /CN=x "
				  "-days 9 -outform DER -out c.der %s%s%s 2>err || { cat err; "
				  "exit 1; }",
				  kind, names != NULL ? "-addext 'subjectAltName=" : "",
				  names != NULL ? names : "", names != NULL ? "'" : "");
	char *path = xasprintf("%s/c.der", dir), out[256];
	FILE *in;

	shell(command, out, sizeof(out));
	in = fopen(path, "rb");
	assert_non_null(in);
	der_length = fread(der, 1, sizeof(der), in);
	fclose(in);
	free(command);
	free(path);
}

/* An exact copy, so that a sanitizer sees a read past the end. */
static int
read_der(struct cert *cert)
{
	unsigned char *copy = memcpy(xalloc(der_length + 1), der, der_length);
	int error = cert_read(copy, der_length, cert);

	free(copy);
	assert_int_equal(ERR_peek_error(), 0);
	return error;
}

static void
expect_key_of(const char *kind)
{
	struct cert cert;
	char ours[EAR_KEY_SIZE], theirs[256];

	make(kind, NULL);
	assert_int_equal(read_der(&cert), 0);
	assert_int_equal(cert.jid_count, 0);
	ear_key_format(&cert.key, ours);
	shell("openssl x509 -inform DER -in c.der -pubkey -noout | openssl pkey -pubin -outform "
	      "DER | openssl dgst -sha256 -r | cut -c1-64",
	      theirs, sizeof(theirs));
	assert_string_equal(ours, theirs);
	cert_release(&cert);
}

static void
test_keys(void **state)
{
	expect_key_of(EC);
	expect_key_of("ec -pkeyopt ec_paramgen_curve:secp384r1");
	expect_key_of("ed25519");
	expect_key_of("rsa:2048");
}

/* want: all claims with a comma behind each. */
static void
expect_claims(const char *names, const char *want)
{
	struct cert cert;
	char got[4096] = "";
	size_t n = 0;

	make(EC, names);
	assert_int_equal(read_der(&cert), 0);
	for (size_t i = 0; i < cert.jid_count; i++)
		n += (size_t)snprintf(got + n, sizeof(got) - n, "%s,", cert.jids[i]);
	assert_string_equal(got, want);
	cert_release(&cert);
	cert_release(&cert);
}

static void
test_claims(void **state)
{
	expect_claims(XMPP "tv@example.org", "tv@example.org,");
	expect_claims(XMPP "TV@Example.ORG/Box", "tv@example.org/Box,");
	expect_claims(XMPP "tv.example.org,DNS:x.example.org," XMPP "a@example.org",
		      "tv.example.org,a@example.org,");
	expect_claims(XMPP "tv@example.org," XMPP "TV@example.org", "tv@example.org,");
}

static void
test_no_claims(void **state)
{
	expect_claims("DNS:example.org,email:tv@example.org,IP:192.0.2.1", "");
	/* The LAN's names are nobody's to claim. */
	expect_claims(XMPP "tv@box.local," XMPP "TV@BOX.LOCAL.", "");
	expect_claims(XMPP "@," XMPP "tv@," XMPP "a b@example.org," XMPP "x@y@z/", "");
	/* Another type than UTF8String, another identifier. */
	expect_claims("otherName:1.3.6.1.5.5.7.8.5;IA5STRING:tv@example.org", "");
	expect_claims("otherName:1.3.6.1.5.5.7.8.5;INTEGER:5", "");
	expect_claims("otherName:1.3.6.1.4.1.311.20.2.3;UTF8:tv@example.org", "");
	expect_claims("DER:30ff", "");
	expect_claims("DER:3000", "");
}

static void
test_bad_among_good(void **state)
{
	expect_claims(XMPP "tv@box.local," XMPP "@," XMPP "tv@example.org", "tv@example.org,");
}

static void
test_many(void **state)
{
	char names[8192] = XMPP "a0@example.org";

	for (int i = 1; i < 50; i++) {
		size_t n = strlen(names);

		snprintf(names + n, sizeof(names) - n, "," XMPP "a%d@example.org", i);
	}
	expect_claims(names, "a0@example.org,a1@example.org,a2@example.org,a3@example.org,");
}

/* What follows the NUL is not seen by who prints it, so that nothing of it counts. */
static void
test_nul_inside(void **state)
{
	unsigned char *at;
	struct cert cert;

	make(EC, XMPP "tv@example.org");
	at = memmem(der, der_length, "tv@example.org", 14);
	assert_non_null(at);
	at[10] = '\0';
	assert_int_equal(read_der(&cert), 0);
	assert_int_equal(cert.jid_count, 0);
	cert_release(&cert);
	at[10] = (unsigned char)'\xff';
	assert_int_equal(read_der(&cert), 0);
	assert_int_equal(cert.jid_count, 0);
	cert_release(&cert);
}

static void
expect_error(int want)
{
	struct cert cert;
	int error = read_der(&cert);

	if (error != want)
		fail_msg("%d and not %d for %zu bytes", error, want, der_length);
	assert_int_equal(cert.jid_count, 0);
	cert_release(&cert);
}

static void
test_none(void **state)
{
	make(EC, XMPP "tv@example.org");
	der[der_length++] = 0;
	expect_error(-EBADMSG);
	for (der_length -= 2; der_length > 0; der_length--)
		expect_error(-EBADMSG);
	expect_error(-EBADMSG);
	memset(der, 0x30, sizeof(der));
	der_length = CERT_BYTES_MAX;
	expect_error(-EBADMSG);
}

static void
test_too_long(void **state)
{
	char *command;

	memset(der, 0x30, sizeof(der));
	der_length = CERT_BYTES_MAX + 1;
	expect_error(-EMSGSIZE);
	/* A good one, too long by its own claims. */
	command = xalloc(32768);
	snprintf(command, 32768, XMPP "a@example.org");
	for (int i = 0; i < 300; i++) {
		size_t n = strlen(command);

		snprintf(command + n, 32768 - n, "," XMPP "device%d@example.org", i);
	}
	make(EC, command);
	assert_true(der_length > CERT_BYTES_MAX);
	expect_error(-EMSGSIZE);
	free(command);
}

/* A point off the curve is no key. */
static void
test_no_key(void **state)
{
	static const unsigned char point[] = { 0x03, 0x42, 0x00, 0x04 };
	unsigned char *at;

	make(EC, NULL);
	at = memmem(der, der_length, point, sizeof(point));
	assert_non_null(at);
	at[10] ^= 1;
	expect_error(-EBADMSG);
}

/* No byte of a certificate can be changed so that anything breaks. */
static void
test_every_byte(void **state)
{
	struct cert cert;

	make(EC, XMPP "tv@example.org");
	for (size_t i = 0; i < der_length; i++)
		for (int bit = 0; bit < 8; bit++) {
			der[i] ^= (unsigned char)(1 << bit);
			read_der(&cert);
			cert_release(&cert);
			der[i] ^= (unsigned char)(1 << bit);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys),      cmocka_unit_test(test_claims),
		cmocka_unit_test(test_no_claims), cmocka_unit_test(test_bad_among_good),
		cmocka_unit_test(test_many),      cmocka_unit_test(test_nul_inside),
		cmocka_unit_test(test_none),      cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_no_key),    cmocka_unit_test(test_every_byte),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
