/* SPDX-License-Identifier: ISC */
/* fuzz_txt.c: any bytes as a TXT record; what was understood survives being written and read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <unistr.h>

#include "base/alloc.h"
#include "discover/txt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_text(const char *text)
{
	if (u8_check((const uint8_t *)text, strlen(text)) != NULL)
		abort();
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 || *text == 0x7f)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of the exact size, so that a read past it is seen. */
	uint8_t *copy = memcpy(xalloc(size + (size == 0)), data, size), wire[TXT_MAX];
	struct txt txt, again;
	int length;

	txt_decode(copy, size, &txt);
	free(copy);
	check_text(txt.nick);
	check_text(txt.jid);
	check_text(txt.msg);
	check_text(txt.node);
	length = txt_encode(&txt, "nick,1st,last,email,jid,msg,phsh", wire, sizeof(wire));
	if (length < 0)
		return 0;
	if (txt_decode(wire, (size_t)length, &again) != 0 || memcmp(&txt, &again, sizeof(txt)) != 0)
		abort();
	return 0;
}
