/* SPDX-License-Identifier: ISC */
/* 0092-version.c: software version (XEP-0092). */
#include <earshot/ear.h>

static enum ear_verdict
on_version(const struct ear_in *in)
{
	xmpp_stanza_t *query = ear_element(ear_ctx(in->ear), "query", EAR_NS_VERSION);

	ear_child_text(query, "name", EAR_NS_VERSION, "Earshot");
	ear_child_text(query, "version", EAR_NS_VERSION, EAR_VERSION);
	/* No <os/>: §5 warns that it helps attackers, and anyone may ask. */
	return ear_reply(in, query);
}

static const char *const features[] = { EAR_NS_VERSION, NULL };

static const struct ear_rule rules[] = {
	{ EAR_IQ_GET, EAR_NS_VERSION, "query", on_version, EAR_VERB_QUERY },
	{ 0 },
};

const struct ear_xep ear_xep_0092 = {
	.number = "0092",
	.name = "software version",
	.features = features,
	.rules = rules,
};
