/* SPDX-License-Identifier: ISC */
/*
 * 0184-receipts.c: message delivery receipts (XEP-0184). Sending and awaiting them is part of the
 * delivery of stanzas itself, and done there for every message; this only says so.
 */
#include <earshot/ear.h>

static const char *const features[] = { EAR_NS_RECEIPTS, NULL };

const struct ear_xep ear_xep_0184 = {
	.number = "0184",
	.name = "message delivery receipts",
	.features = features,
};
