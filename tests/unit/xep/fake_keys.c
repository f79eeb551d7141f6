/* SPDX-License-Identifier: ISC */
/* fake_keys.c: what programs of this machine may do about keys, without an engine. */
#include <stdio.h>

#include "fake_ear.h"
#include "fake_keys.h"
#include "memory.h"

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

struct ear_examination {
	ear_check_fn *fn;
	ear_examined_fn *done;
	void *arg;
};

struct ear_examination *
ear_examine(struct ear *ear, const char *address, int64_t usec, ear_check_fn *fn,
	    ear_examined_fn *done, void *arg)
{
	struct ear_examination *examination = xep_alloc(sizeof(*examination));

	note(address == NULL ? "" : address);
	*examination = (struct ear_examination){ fn, done, arg };
	fake_keys.about_engine = address == NULL;
	fake_keys.usec = usec;
	fake_keys.examining++;
	fake_keys.examination = examination;
	return examination;
}

void
ear_examination_drop(struct ear_examination *examination)
{
	fake_keys.examining--;
	free(examination);
}

void
fake_keys_examined(void)
{
	struct ear_examination *examination = fake_keys.examination;

	for (size_t i = 0; i < fake_keys.check_count; i++)
		examination->fn(examination->arg, &fake_keys.checks[i]);
	examination->done(examination->arg);
	ear_examination_drop(examination);
}
