/* SPDX-License-Identifier: ISC */
/* 0115-caps.c: entity capabilities (XEP-0115): the hash of what we can do, on every presence. */
#include <string.h>

#include <earshot/ear.h>

/* Only available presence (no type) says what can be done with its sender. */
static bool
is_available(xmpp_stanza_t *stanza)
{
	const char *name = xmpp_stanza_get_name(stanza);

	return name != NULL && strcmp(name, "presence") == 0 &&
	       xmpp_stanza_get_type(stanza) == NULL;
}

static void
on_outgoing(struct ear *ear, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *c;

	if (!is_available(stanza) || ear_find(stanza, "c", EAR_NS_CAPS) != NULL)
		return;
	c = ear_child(stanza, "c", EAR_NS_CAPS);
	ear_set(c, "hash", "sha-1");
	ear_set(c, "node", "%s", EAR_CAPS_NODE);
	ear_set(c, "ver", "%s", ear_caps_ver(ear));
}

static const char *const features[] = { EAR_NS_CAPS, NULL };

const struct ear_xep ear_xep_0115 = {
	.number = "0115",
	.name = "entity capabilities",
	.features = features,
	.outgoing = on_outgoing,
};
