/* SPDX-License-Identifier: ISC */
/* fuzz_forms.c: any bytes as a submitted form. What is read keeps the promises of forms.h. */
#include <stdint.h>
#include <string.h>

#include "forms.h"
#include "tests/fuzz/stanzas.h"

#define COUNT 4

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

static void
check_stanza(xmpp_ctx_t *ctx, xmpp_stanza_t *stanza)
{
	check(stanza, NULL);
	check(stanza, "urn:example:form");
	for (xmpp_stanza_t *e = ear_first(stanza); e != NULL; e = ear_next(e))
		check(e, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	each_stanza(data, size, check_stanza);
	return 0;
}
