/* SPDX-License-Identifier: ISC */
/* fuzz_pins.c: any bytes as lines of the file of pins; what is read must be read back alike. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trust/pins_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What was read can be written, and written again it is the same line. */
static void
check_back(xmpp_ctx_t *ctx, const struct pin *pin)
{
	char *first, *second;
	struct pin *once, *twice;

	if (pin_line(ctx, pin, &first, &once) != 0 || pin_line(ctx, once, &second, &twice) != 0)
		abort();
	if (strcmp(first, second) != 0 || !ear_key_equal(&pin->key, &twice->key) ||
	    pin->voucher != twice->voucher || pin->trusted != twice->trusted ||
	    pin->revoked != twice->revoked || pin->jid_count != twice->jid_count ||
	    pin->address_count != twice->address_count)
		abort();
	pin_free(once);
	pin_free(twice);
	free(first);
	free(second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	struct pin_reader *reader = pin_reader_new(ctx);
	const char *why, *at = (const char *)data, *end = at + size;
	int rc = 0;

	while (rc == 0 && at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t length = (size_t)((newline != NULL ? newline : end) - at);
		struct pin *pin;

		rc = pin_reader_line(reader, at, length, &pin, &why);
		if ((rc != 0) != (why != NULL) || (rc != 0 && pin != NULL))
			abort();
		if (pin != NULL)
			check_back(ctx, pin);
		pin_free(pin);
		at += length + 1;
	}
	pin_reader_free(reader);
	xmpp_ctx_free(ctx);
	return 0;
}
