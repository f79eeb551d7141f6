/* SPDX-License-Identifier: ISC */
/* fake_keys.h: what programs of this machine may do about keys, without an engine. */
#ifndef FAKE_KEYS_H
#define FAKE_KEYS_H

#include <earshot/ear.h>

struct fake_keys {
	int error; /* what is returned */
	int calls;
	char who[256]; /* of the last call */
	bool with_key;
	struct ear_key key;
	const struct ear_check *checks; /* what ear_diagnose tells */
	size_t check_count;
	bool about_engine;                   /* it was asked without an address */
	int examining;                       /* examinations under way */
	int64_t usec;                        /* that the last one may take */
	struct ear_examination *examination; /* the last one */
};

/* Of the one engine that a test has; a test empties it. */
extern struct fake_keys fake_keys;

/* Ends the last examination, as the engine does it: the checks, then that it is done. */
void fake_keys_examined(void);

#endif
