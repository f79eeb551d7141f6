/* SPDX-License-Identifier: ISC */
/*
 * fake_pairing.h: the direct stream to one other device, for the tests of pairing: the arithmetic
 * is the real one, keys and exporter are the test's.
 */
#ifndef FAKE_PAIRING_H
#define FAKE_PAIRING_H

#include <earshot/ear.h>

struct fake_pairing {
	int error; /* of ear_pairing_new: -ENOTCONN, -EACCES */
	bool cut;  /* the stream ended: every step is -ENOTCONN */
	struct ear_key other;
	unsigned char exporter[32];
	int done_error; /* of ear_pairing_done */
	int alive;      /* not freed yet */
	int news;       /* calls of ear_pairing_new; the last one: */
	char address[256];
	int dones; /* calls of ear_pairing_done that did; the last one: */
	char name[256];
};

/* Of the one engine that a test has; a test empties it. */
extern struct fake_pairing fake_pairing;

#endif
