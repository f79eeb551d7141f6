/* SPDX-License-Identifier: ISC */
/* fuzz_jid.c: any text as an address: what is accepted is canonical for good. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/jid.h>

#include "tests/fuzz/must.h"

static void
check_prepared(const char *text, const char *full)
{
	char again[EAR_JID_SIZE], bare[EAR_JID_SIZE];
	struct ear_jid jid;

	MUST(ear_jid_parse(text, &jid) == 0);
	MUST(ear_jid_prep(full, again, sizeof(again)) == 0);
	MUST(strcmp(full, again) == 0);
	MUST(ear_jid_bare(text, bare, sizeof(bare)) == 0);
	MUST(strncmp(full, bare, strlen(bare)) == 0);
	MUST(ear_jid_equal(text, full) && ear_jid_bare_equal(text, bare));
	MUST(ear_jid_parse(full, &jid) == 0);
	MUST(jid.local_len <= EAR_JID_PART_MAX && jid.domain_len <= EAR_JID_PART_MAX &&
	     jid.resource_len <= EAR_JID_PART_MAX);
	MUST((ear_jid_resource(full) != NULL) == (jid.resource != NULL));
	MUST(ear_jid_is_lan(text) == ear_jid_is_lan(bare));
}

static void
check_escape(const char *text)
{
	char local[EAR_JID_SIZE], back[EAR_JID_SIZE];

	if (ear_jid_escape(text, local, sizeof(local)) != 0)
		return;
	MUST(strpbrk(local, " \"&'/:<>@") == NULL);
	MUST(ear_jid_unescape(local, back, sizeof(back)) == 0);
	MUST(strcmp(text, back) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), full[EAR_JID_SIZE];

	memcpy(text, data, size);
	text[size] = '\0';
	if (ear_jid_prep(text, full, sizeof(full)) == 0)
		check_prepared(text, full);
	else
		MUST(!ear_jid_equal(text, text));
	check_escape(text);
	free(text);
	return 0;
}
