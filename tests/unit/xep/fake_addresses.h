/* SPDX-License-Identifier: ISC */
/* fake_addresses.h: what <earshot/ear.h> says of addresses, without an engine. */
#ifndef FAKE_ADDRESSES_H
#define FAKE_ADDRESSES_H

#include <earshot/ear.h>

struct fake_trusted {
	const char *jid;
	struct ear_key key;
};

struct fake_addresses {
	unsigned port;      /* 0: nobody listens */
	const char *ip[32]; /* ours, NULL-ended */
	struct fake_trusted trusted[300];
	size_t trusted_count;
	int error; /* what ear_tell_ways returns */
	int tells; /* its calls; the last one: */
	char jid[256], address[256], ways[EAR_TOLD_MAX][64];
	struct ear_key key;
	size_t count;
	unsigned port_told;
	int64_t usec;
	int remembered; /* calls of ear_set_remembers */
};

/* Of the one engine that a test has; a test empties it. */
extern struct fake_addresses fake_addresses;

#endif
