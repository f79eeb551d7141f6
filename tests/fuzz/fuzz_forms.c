/* SPDX-License-Identifier: ISC */
/* fuzz_forms.c: any bytes as a submitted form. What is read keeps the promises of forms.h. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "forms.h"
#include "wire/reader.h"

#define HEADER                                                                                     \
	"<stream:stream xmlns='jabber:client' "                                                    \
	"xmlns:stream='http://etherx.jabber.org/streams'>"

#define MUST(what)                                                                                 \
	do {                                                                                       \
		if (!(what)) {                                                                     \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what);                 \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#define COUNT 4

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct form_field fields[COUNT] = {
	{ "button", FORM_LIST, true, NULL },
	{ "value", FORM_TEXT, false, NULL },
	{ "flag", FORM_BOOLEAN, false, NULL },
	{ "secret", FORM_HIDDEN, false, NULL },
};

static void
check_value(const char *value)
{
	MUST(value[0] != '\0' && strlen(value) <= FORM_VALUE_MAX);
	for (; *value != '\0'; value++)
		MUST((unsigned char)*value >= ' ' && *value != 0x7f);
}

static void
check(xmpp_stanza_t *form, const char *type)
{
	const char *values[COUNT], *fault_in;
	enum form_fault fault = form_read(form, type, fields, COUNT, values, &fault_in);

	MUST(form_fault_text(fault) != NULL);
	if (fault != FORM_FINE)
		return;
	MUST(values[0] != NULL && fault_in == NULL);
	MUST(values[2] == NULL || strcmp(values[2], "0") == 0 || strcmp(values[2], "1") == 0);
	for (size_t i = 0; i < COUNT; i++)
		if (values[i] != NULL)
			check_value(values[i]);
}

static int
on_header(void *arg, const struct reader_header *header)
{
	return 0;
}

static int
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	check(stanza, NULL);
	check(stanza, "urn:example:form");
	for (xmpp_stanza_t *e = ear_first(stanza); e != NULL; e = ear_next(e))
		check(e, NULL);
	return 0;
}

static int
on_end(void *arg)
{
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct reader_events events = { .header = on_header,
						     .stanza = on_stanza,
						     .end = on_end };
	xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
	struct reader *reader = reader_new(ctx, &reader_caps_known, &events, ctx);

	if (reader_feed(reader, HEADER, sizeof(HEADER) - 1) == 0)
		reader_feed(reader, (const char *)data, size);
	reader_free(reader);
	xmpp_ctx_free(ctx);
	return 0;
}
