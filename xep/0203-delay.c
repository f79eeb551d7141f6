/* SPDX-License-Identifier: ISC */
/* 0203-delay.c: delayed delivery (XEP-0203), and its kin that a command must not come in. */
#include <earshot/ear.h>

#include "delay.h"

static bool
holds_mark(xmpp_stanza_t *element)
{
	return ear_find(element, "delay", EAR_NS_DELAY) != NULL ||
	       ear_find(element, "forwarded", EAR_NS_FORWARD) != NULL ||
	       ear_find(element, "received", EAR_NS_CARBONS) != NULL ||
	       ear_find(element, "sent", EAR_NS_CARBONS) != NULL;
}

bool
delay_is_hearsay(const struct ear_in *in)
{
	return holds_mark(in->stanza) || (in->payload != NULL && holds_mark(in->payload));
}

static const char *const features[] = { EAR_NS_DELAY, NULL };

const struct ear_xep ear_xep_0203 = {
	.number = "0203",
	.name = "delayed delivery",
	.features = features,
};
