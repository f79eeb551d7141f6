/* SPDX-License-Identifier: ISC */
/* fuzz_cert.c: any bytes as a certificate: what it claims is canonical, bounded, outside the LAN.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "base/alloc.h"
#include "tests/fuzz/must.h"
#include "trust/cert.h"

static void
check_claims(const struct cert *cert)
{
	char again[EAR_JID_SIZE];

	MUST(cert->jid_count <= CERT_JIDS_MAX);
	for (size_t i = 0; i < cert->jid_count; i++) {
		MUST(ear_jid_prep(cert->jids[i], again, sizeof(again)) == 0);
		MUST(strcmp(cert->jids[i], again) == 0);
		MUST(!ear_jid_is_lan(again));
		for (size_t k = 0; k < i; k++)
			MUST(strcmp(cert->jids[i], cert->jids[k]) != 0);
	}
}

/* The same with a byte behind it is none, and with a byte less neither. */
static void
check_length(const uint8_t *data, size_t size)
{
	uint8_t *longer = xalloc(size + 1);
	struct cert cert;

	memcpy(longer, data, size);
	MUST(cert_read(longer, size + 1, &cert) != 0);
	cert_release(&cert);
	MUST(cert_read(longer, size - 1, &cert) != 0);
	cert_release(&cert);
	free(longer);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cert cert, again;
	int error = cert_read(data, size, &cert);

	MUST(ERR_peek_error() == 0);
	if (error == 0) {
		check_claims(&cert);
		MUST(cert_read(data, size, &again) == 0);
		MUST(ear_key_equal(&cert.key, &again.key) && cert.jid_count == again.jid_count);
		cert_release(&again);
		check_length(data, size);
	} else {
		MUST(cert.jid_count == 0);
		MUST((error == -EMSGSIZE) == (size > CERT_BYTES_MAX));
	}
	cert_release(&cert);
	return 0;
}
