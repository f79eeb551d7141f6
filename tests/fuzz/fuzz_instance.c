/* SPDX-License-Identifier: ISC */
/* fuzz_instance.c: any text as a DNS-SD instance: never an address outside the LAN. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/jid.h>

#include "tests/fuzz/must.h"

static void
check_address(const char *address)
{
	char again[EAR_JID_SIZE], instance[EAR_INSTANCE_MAX + 1], back[EAR_JID_SIZE];
	size_t n = strlen(address);

	MUST(n < 192);
	MUST(ear_jid_is_lan(address));
	MUST(n > 6 && strcmp(address + n - 6, ".local") == 0);
	MUST(strchr(address, '/') == NULL);
	MUST(ear_jid_prep(address, again, sizeof(again)) == 0);
	MUST(strcmp(address, again) == 0);
	/* Case mapping may make a name longer than an instance can be; else the way back is exact.
	 */
	if (ear_jid_to_instance(address, instance, sizeof(instance)) != 0)
		return;
	MUST(ear_jid_from_instance(instance, back, sizeof(back)) == 0);
	MUST(strcmp(address, back) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), address[EAR_JID_SIZE], instance[EAR_INSTANCE_MAX + 1];

	memcpy(text, data, size);
	text[size] = '\0';
	if (ear_jid_from_instance(text, address, sizeof(address)) == 0)
		check_address(address);
	if (ear_jid_to_instance(text, instance, sizeof(instance)) == 0) {
		MUST(strlen(instance) <= EAR_INSTANCE_MAX);
		MUST(ear_jid_from_instance(instance, address, sizeof(address)) == 0);
	}
	free(text);
	return 0;
}
