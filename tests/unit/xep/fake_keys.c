/* SPDX-License-Identifier: ISC */
/* fake_keys.c: what programs of this machine may do about keys, without an engine. */
#include <stdio.h>

#include "fake_ear.h"
#include "fake_keys.h"

struct fake_keys fake_keys;

static int
note(const char *who)
{
	fake_keys.calls++;
	snprintf(fake_keys.who, sizeof(fake_keys.who), "%s", who);
	return fake_keys.error;
}

int
ear_trust(struct ear *ear, const char *address, const struct ear_key *key)
{
	fake_keys.with_key = key != NULL;
	if (key != NULL)
		fake_keys.key = *key;
	return note(address);
}

int
ear_untrust(struct ear *ear, const char *who)
{
	return note(who);
}

int
ear_new_key(struct ear *ear)
{
	return note("");
}

void
ear_diagnose(struct ear *ear, const char *address, ear_check_fn *fn, void *arg)
{
	note(address == NULL ? "" : address);
	fake_keys.about_engine = address == NULL;
	for (size_t i = 0; i < fake_keys.check_count; i++)
		fn(arg, &fake_keys.checks[i]);
}
