/* SPDX-License-Identifier: ISC */
/* test_identity.c: the key's file and what may befall it; the certificate in the eyes of others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/alloc.h"
#include "trust/cert.h"
#include "trust/identity.h"

static char base[64], dir[128], path[160], error[512];

static int
setup(void **state)
{
	snprintf(base, sizeof(base), "/tmp/earshot-id-XXXXXX");
	if (mkdtemp(base) == NULL)
		return -1;
	snprintf(dir, sizeof(dir), "%s/state/earshot", base);
	snprintf(path, sizeof(path), "%s/device.key", dir);
	error[0] = '\0';
	return 0;
}

static int
teardown(void **state)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -rf '%s'", base);
	return system(command);
}

/* All that the command prints, run in base; it must succeed. The caller frees. */
static char *
shell(const char *command)
{
	char *line = xasprintf("cd '%s' || exit 1\n%s", base, command), *out = xalloc(65536);
	FILE *in = popen(line, "r");

	assert_non_null(in);
	out[fread(out, 1, 65535, in)] = '\0';
	if (pclose(in) != 0)
		fail_msg("%s: %s", line, out);
	free(line);
	return out;
}

static void
run(const char *command)
{
	free(shell(command));
}

static struct identity *
open_good(void)
{
	struct identity *identity = identity_open(dir, error, sizeof(error));

	if (identity == NULL)
		fail_msg("%s", error);
	return identity;
}

/* The error names the file and holds what. */
static void
expect_refused(const char *what)
{
	assert_null(identity_open(dir, error, sizeof(error)));
	if (strstr(error, path) == NULL || strstr(error, what) == NULL)
		fail_msg("\"%s\" does not hold \"%s\"", error, what);
}

static struct ear_key
key_now(void)
{
	struct identity *identity = open_good();
	struct ear_key key = *identity_key(identity);

	identity_free(identity);
	return key;
}

static void
expect_mode(const char *file, mode_t mode)
{
	struct stat st;

	assert_int_equal(lstat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, mode);
}

/* --- the file --------------------------------------------------------------------------------- */

static void
test_first_start(void **state)
{
	mode_t old = umask(0);
	struct ear_key first = key_now(), second = key_now();
	char text[EAR_KEY_SIZE], *theirs;

	umask(old);
	assert_true(ear_key_equal(&first, &second));
	expect_mode(path, 0600);
	expect_mode(dir, 0700);
	/* The fingerprint is what openssl makes of the file; PKCS #8 without passphrase. */
	ear_key_format(&first, text);
	theirs = shell("openssl pkey -in state/earshot/device.key -pubout -outform DER | "
		       "openssl dgst -sha256 -r");
	assert_memory_equal(theirs, text, 64);
	free(theirs);
	run("grep -q '^-----BEGIN PRIVATE KEY-----$' state/earshot/device.key");
	run("openssl pkey -in state/earshot/device.key -noout -text | grep -q 'NIST CURVE: P-256'");
	/* Nothing else is left. */
	run("test \"$(ls -A state/earshot)\" = device.key");
}

static void
test_modes(void **state)
{
	static const mode_t bad[] = { 0640, 0604, 0620, 0602, 0644, 0660, 0666, 0610, 0601 };

	key_now();
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(chmod(path, bad[i]), 0);
		expect_refused("chmod 600 /");
		expect_mode(path, bad[i]);
	}
	assert_int_equal(chmod(path, 0400), 0);
	key_now();
}

static void
test_owner(void **state)
{
	if (geteuid() != 0)
		skip();
	key_now();
	assert_int_equal(chown(path, 65534, 65534), 0);
	expect_refused("belongs to user 65534");
}

static void
test_not_a_file(void **state)
{
	key_now();
	run("mv state/earshot/device.key elsewhere && ln -s ../../elsewhere "
	    "state/earshot/device.key");
	expect_refused("symbolic link");
	run("rm state/earshot/device.key && mkfifo -m 600 state/earshot/device.key");
	expect_refused("is no file");
	run("rm state/earshot/device.key && mkdir -m 700 state/earshot/device.key");
	expect_refused("is no file");
}

static void
expect_no_key(const char *command)
{
	run(command);
	run("chmod 600 state/earshot/device.key && cp state/earshot/device.key before");
	expect_refused("");
	run("cmp before state/earshot/device.key");
}

/* A key that cannot be read is never replaced by itself: others know this device by it. */
static void
test_not_a_key(void **state)
{
	key_now();
	run("cp state/earshot/device.key good");
	expect_no_key("head -c 100 good >state/earshot/device.key");
	expect_no_key(": >state/earshot/device.key");
	expect_no_key("head -c 300 /dev/urandom >state/earshot/device.key");
	expect_no_key("openssl genpkey -algorithm ed25519 -out state/earshot/device.key");
	expect_no_key("openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "
		      "state/earshot/device.key");
	expect_no_key("openssl pkey -in good -pubout -out state/earshot/device.key");
	expect_no_key("openssl pkey -in good -aes128 -passout pass:secret -out "
		      "state/earshot/device.key </dev/null");
	expect_no_key("{ head -c 20000 /dev/zero; cat good; } >state/earshot/device.key");
	run("cp good state/earshot/device.key");
	key_now();
}

static void
test_leftover(void **state)
{
	run("mkdir -p -m 700 state/earshot && echo half >state/earshot/device.key.AbCdEf");
	key_now();
	expect_mode(path, 0600);
	run("grep -q half state/earshot/device.key.AbCdEf");
}

static void
test_no_room(void **state)
{
	run("echo file >state");
	expect_refused("Not a directory");
	run("rm state && ln -s state state");
	expect_refused("");
}

static void
test_in_memory(void **state)
{
	struct identity *a = identity_open(NULL, error, sizeof(error));
	struct identity *b = identity_open(NULL, error, sizeof(error));
	struct ear_key old;

	assert_non_null(a);
	assert_non_null(b);
	assert_false(ear_key_equal(identity_key(a), identity_key(b)));
	old = *identity_key(a);
	assert_int_equal(identity_renew(a), 0);
	assert_false(ear_key_equal(identity_key(a), &old));
	identity_free(a);
	identity_free(b);
	identity_free(NULL);
}

static void
test_renew(void **state)
{
	struct identity *identity = open_good();
	struct ear_key old = *identity_key(identity), stored;

	assert_int_equal(identity_renew(identity), 0);
	assert_false(ear_key_equal(identity_key(identity), &old));
	stored = key_now();
	assert_true(ear_key_equal(identity_key(identity), &stored));
	assert_int_equal(
		X509_check_private_key(identity_certificate(identity), identity_pkey(identity)), 1);
	expect_mode(path, 0600);
	identity_free(identity);
}

static void
test_renew_fails(void **state)
{
	struct identity *identity = open_good();
	struct ear_key old = *identity_key(identity);
	struct x509_st *certificate = identity_certificate(identity);

	run("mv state kept && echo file >state");
	assert_int_equal(identity_renew(identity), -ENOTDIR);
	assert_true(ear_key_equal(identity_key(identity), &old));
	assert_ptr_equal(identity_certificate(identity), certificate);
	identity_free(identity);
}

static void
renew_for_ever(void)
{
	struct identity *identity = identity_open(dir, error, sizeof(error));

	while (identity != NULL && identity_renew(identity) == 0)
		;
	_exit(1);
}

/* Killed at any moment: the file is a whole key each time. */
static void
test_killed(void **state)
{
	key_now();
	for (int i = 0; i < 40; i++) {
		struct timespec pause = { .tv_nsec = 1000 * 137 * (i + 1) };
		pid_t child = fork();
		int status;

		if (child == 0)
			renew_for_ever();
		assert_true(child > 0);
		nanosleep(&pause, NULL);
		assert_int_equal(kill(child, SIGKILL), 0);
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFSIGNALED(status));
		key_now();
		expect_mode(path, 0600);
	}
}

/* Several first starts at once, say daemon and command line: all get the same key. */
static void
test_first_start_of_many(void **state)
{
	enum { MANY = 8 };
	struct ear_key keys[MANY];
	int start[2], tell[2];
	char go;

	assert_int_equal(pipe(start), 0);
	assert_int_equal(pipe(tell), 0);
	for (int i = 0; i < MANY; i++)
		if (fork() == 0) {
			struct identity *identity;

			close(start[1]);
			if (read(start[0], &go, 1) != 0)
				_exit(1);
			identity = identity_open(dir, error, sizeof(error));
			if (identity == NULL ||
			    write(tell[1], identity_key(identity), EAR_KEY_BYTES) != EAR_KEY_BYTES)
				_exit(1);
			identity_free(identity);
			_exit(0);
		}
	close(start[0]);
	close(start[1]);
	close(tell[1]);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(read(tell[0], &keys[i], EAR_KEY_BYTES), EAR_KEY_BYTES);
	close(tell[0]);
	for (int i = 0; i < MANY; i++) {
		int status;

		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
		assert_true(ear_key_equal(&keys[i], &keys[0]));
	}
	run("test \"$(ls -A state/earshot)\" = device.key");
}

/* --- the certificate -------------------------------------------------------------------------- */

static size_t
der_of(const struct identity *identity, unsigned char **der)
{
	int length;

	*der = NULL;
	length = i2d_X509(identity_certificate(identity), der);
	assert_true(length > 0);
	return (size_t)length;
}

/* To base/c.pem and base/c.der. */
static void
save(const struct identity *identity)
{
	char *file = xasprintf("%s/c.der", base);
	unsigned char *der;
	size_t length = der_of(identity, &der);
	FILE *out = fopen(file, "wb");

	assert_non_null(out);
	assert_int_equal(fwrite(der, 1, length, out), length);
	fclose(out);
	OPENSSL_free(der);
	free(file);
	run("openssl x509 -inform DER -in c.der -out c.pem");
}

/* As any peer reads it. The caller releases it. */
static struct cert
read_back(const struct identity *identity)
{
	unsigned char *der;
	size_t length = der_of(identity, &der);
	struct cert cert;

	assert_int_equal(cert_read(der, length, &cert), 0);
	assert_true(ear_key_equal(&cert.key, identity_key(identity)));
	OPENSSL_free(der);
	return cert;
}

static void
expect_in(const char *text, const char *what)
{
	if (strstr(text, what) == NULL)
		fail_msg("no \"%s\" in:\n%s", what, text);
}

static void
test_read_back(void **state)
{
	static const char *const jids[] = { "tv@example.org/box", "tv.example.org" };
	struct identity *identity = open_good();
	struct cert cert = read_back(identity);

	assert_int_equal(cert.jid_count, 0);
	cert_release(&cert);
	identity_set_jids(identity, "livingroom", jids, 2);
	cert = read_back(identity);
	assert_int_equal(cert.jid_count, 2);
	assert_string_equal(cert.jids[0], jids[0]);
	assert_string_equal(cert.jids[1], jids[1]);
	cert_release(&cert);
	/* They stay with the next key. */
	assert_int_equal(identity_renew(identity), 0);
	cert = read_back(identity);
	assert_int_equal(cert.jid_count, 2);
	cert_release(&cert);
	identity_free(identity);
}

static void
test_made_when_different(void **state)
{
	static const char *const one[] = { "tv@example.org" }, *const two[] = { "x@example.org" };
	struct identity *identity = identity_open(NULL, error, sizeof(error));
	struct x509_st *seen;

	identity_set_jids(identity, "tv", one, 1);
	seen = identity_certificate(identity);
	X509_up_ref(seen);
	identity_set_jids(identity, "tv", one, 1);
	assert_ptr_equal(identity_certificate(identity), seen);
	identity_set_jids(identity, "tv", two, 1);
	assert_ptr_not_equal(identity_certificate(identity), seen);
	identity_set_jids(identity, "tv", one, 1);
	/* Another serial each time. */
	assert_int_not_equal(X509_cmp(identity_certificate(identity), seen), 0);
	X509_free(seen);
	seen = identity_certificate(identity);
	X509_up_ref(seen);
	identity_set_jids(identity, "box", one, 1);
	assert_ptr_not_equal(identity_certificate(identity), seen);
	X509_free(seen);
	identity_set_jids(identity, "box", NULL, 0);
	identity_free(identity);
}

static void
test_openssl(void **state)
{
	static const char *const jids[] = { "tv@example.org", "tv.example.org" };
	struct identity *identity = open_good();
	char *text;

	identity_set_jids(identity, "livingroom", jids, 2);
	save(identity);
	text = shell("openssl x509 -in c.pem -noout -text");
	expect_in(text, "Version: 3 (0x2)");
	expect_in(text, "Issuer: CN = livingroom");
	expect_in(text, "Subject: CN = livingroom");
	expect_in(text, "Not Before: Jan  1 00:00:00 1970 GMT");
	expect_in(text, "Not After : Dec 31 23:59:59 9999 GMT");
	expect_in(text, "othername: XmppAddr::tv@example.org, othername: XmppAddr::tv.example.org");
	expect_in(text, "X509v3 Key Usage: critical\n                Digital Signature\n");
	expect_in(text, "TLS Web Server Authentication, TLS Web Client Authentication");
	expect_in(text, "X509v3 Basic Constraints: critical\n                CA:FALSE");
	expect_in(text, "Signature Algorithm: ecdsa-with-SHA256");
	free(text);
	/* As an anchor for itself, in each role, by the strict rules, with its signature. */
	run("openssl verify -check_ss_sig -x509_strict -purpose sslserver -CAfile c.pem c.pem");
	run("openssl verify -check_ss_sig -x509_strict -purpose sslclient -CAfile c.pem c.pem");
	identity_free(identity);
}

static void
test_gnutls(void **state)
{
	static const char *const jids[] = { "tv@example.org" };
	struct identity *identity;
	char *text;

	if (system("command -v certtool >/dev/null") != 0)
		fail_msg("certtool is missing: gnutls-bin");
	identity = open_good();
	identity_set_jids(identity, "livingroom", jids, 1);
	save(identity);
	text = shell("certtool -i --infile c.pem 2>&1");
	expect_in(text, "XMPP Address: tv@example.org");
	expect_in(text, "Digital signature");
	expect_in(text, "TLS WWW Server");
	expect_in(text, "TLS WWW Client");
	expect_in(text, "Certificate Authority (CA): FALSE");
	free(text);
	/* A handshake with both ends verified: an OpenSSL that serves, a GnuTLS that dials. */
	run("openssl s_server -accept 127.0.0.1:0 -www -tls1_3 -cert c.pem -key "
	    "state/earshot/device.key -CAfile c.pem -Verify 1 -verify_return_error </dev/null >log "
	    "2>&1 & server=$!; trap 'kill $server' EXIT; n=0; "
	    "until port=$(sed -n 's/^ACCEPT.*://p' log) && test -n \"$port\"; do "
	    "n=$((n+1)); test $n -lt 200 || exit 1; sleep 0.05; done; "
	    "printf 'GET / HTTP/1.0\\r\\n\\r\\n' | timeout 20 gnutls-cli -p \"$port\" --x509cafile "
	    "c.pem --x509certfile c.pem --x509keyfile state/earshot/device.key --verify-hostname "
	    "livingroom 127.0.0.1 >seen 2>&1; "
	    "grep -q 'The certificate is trusted' seen && grep -q '200 ok' seen || "
	    "{ cat seen log; exit 1; }");
	identity_free(identity);
}

/* Names and addresses that a certificate has no room for. */
static void
test_bounds(void **state)
{
	struct identity *identity = identity_open(NULL, error, sizeof(error));
	const char *jids[IDENTITY_JIDS_MAX + 3];
	char *far = xalloc(3001), name[256];
	unsigned char *der;
	struct cert cert;
	size_t length;

	memset(far, 'a', 900);
	snprintf(far + 900, 2000, "@example.org/");
	memset(far + strlen(far), 'b', 900);
	for (size_t i = 0; i < IDENTITY_JIDS_MAX + 3; i++)
		jids[i] = far;
	jids[4] = "tv@example.org";
	for (size_t i = 0; i < sizeof(name) - 1; i += 3)
		memcpy(name + i, "\xe2\x82\xac", 3);
	name[255] = '\0';
	identity_set_jids(identity, name, jids, IDENTITY_JIDS_MAX + 3);
	length = der_of(identity, &der);
	assert_true(length < CERT_BYTES_MAX);
	OPENSSL_free(der);
	cert = read_back(identity);
	assert_int_equal(cert.jid_count, 2);
	assert_string_equal(cert.jids[1], "tv@example.org");
	cert_release(&cert);
	identity_set_jids(identity, "", NULL, 0);
	identity_set_jids(identity, "\xff\xfe", NULL, 0);
	cert = read_back(identity);
	cert_release(&cert);
	free(far);
	identity_free(identity);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_first_start), TEST(test_modes),
		TEST(test_owner),       TEST(test_not_a_file),
		TEST(test_not_a_key),   TEST(test_leftover),
		TEST(test_no_room),     TEST(test_in_memory),
		TEST(test_renew),       TEST(test_renew_fails),
		TEST(test_killed),      TEST(test_first_start_of_many),
		TEST(test_read_back),   TEST(test_made_when_different),
		TEST(test_openssl),     TEST(test_gnutls),
		TEST(test_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
