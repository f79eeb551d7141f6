/* SPDX-License-Identifier: ISC */
/* 0199-ping.c: are you there? (XEP-0199) */
#include <earshot/ear.h>

static enum ear_verdict
on_ping(const struct ear_in *in)
{
	return ear_reply(in, NULL);
}

static const char *const features[] = { EAR_NS_PING, NULL };

static const struct ear_rule rules[] = {
	{ EAR_IQ_GET, EAR_NS_PING, "ping", on_ping, EAR_VERB_QUERY },
	{ 0 },
};

const struct ear_xep ear_xep_0199 = {
	.number = "0199",
	.name = "ping",
	.features = features,
	.rules = rules,
};
