/* SPDX-License-Identifier: ISC */
/* match.c: whether what was sent is what a scenario expects. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "scenario.h"

static struct binding {
	char name[16], value[128];
} bindings[16];
static size_t binding_count;

void
match_reset(void)
{
	binding_count = 0;
}

static bool
match_value(const char *pattern, const char *value)
{
	if (strcmp(pattern, "*") == 0)
		return true;
	if (pattern[0] != '$')
		return strcmp(pattern, value) == 0;
	for (size_t i = 0; i < binding_count; i++)
		if (strcmp(bindings[i].name, pattern) == 0)
			return strcmp(bindings[i].value, value) == 0;
	if (binding_count == 16)
		return false;
	copy_text(bindings[binding_count].name, sizeof(bindings[0].name), pattern);
	copy_text(bindings[binding_count++].value, sizeof(bindings[0].value), value);
	return true;
}

static void
fill_attribute(xmpp_stanza_t *element, const char *name)
{
	const char *value = xmpp_stanza_get_attribute(element, name);

	for (size_t i = 0; value != NULL && i < binding_count; i++)
		if (strcmp(bindings[i].name, value) == 0) {
			xmpp_stanza_set_attribute(element, name, bindings[i].value);
			return;
		}
}

static void
fill(xmpp_stanza_t *element)
{
	fill_attribute(element, "id");
	fill_attribute(element, "sessionid"); /* XEP-0050 */
}

/* What a scenario writes into a stanza that arrives: "$x" becomes what it was bound to. */
void
match_fill(xmpp_stanza_t *stanza)
{
	fill(stanza);
	for (xmpp_stanza_t *child = ear_first(stanza); child != NULL; child = ear_next(child))
		fill(child);
}

static bool
match_attributes(xmpp_stanza_t *pattern, xmpp_stanza_t *sent)
{
	const char *list[64];
	int n = xmpp_stanza_get_attributes(pattern, list, 64);

	for (int i = 0; i + 1 < n; i += 2) {
		const char *value = xmpp_stanza_get_attribute(sent, list[i]);

		/* libstrophe's parser, which reads scenarios, drops the prefix. */
		if (value == NULL && strcmp(list[i], "lang") == 0)
			value = xmpp_stanza_get_attribute(sent, "xml:lang");
		if (value == NULL || !match_value(list[i + 1], value))
			return false;
	}
	return xmpp_stanza_get_attribute_count(sent) == n / 2;
}

/* What the engine adds so that a message is delivered once counts only where a scenario names it.
 */
static bool
is_of_delivery(xmpp_stanza_t *child, xmpp_stanza_t *pattern)
{
	return (ear_is(child, "origin-id", EAR_NS_SID) || ear_is(child, "order", EAR_NS_DELIVERY) ||
		ear_is(child, "request", EAR_NS_RECEIPTS)) &&
	       (pattern == NULL ||
		strcmp(xmpp_stanza_get_name(pattern), xmpp_stanza_get_name(child)) != 0);
}

static xmpp_stanza_t *
past_delivery(xmpp_stanza_t *child, xmpp_stanza_t *pattern)
{
	while (child != NULL && is_of_delivery(child, pattern))
		child = ear_next(child);
	return child;
}

static bool
match_children(struct world *world, xmpp_stanza_t *pattern, xmpp_stanza_t *sent)
{
	xmpp_stanza_t *a = ear_first(pattern), *b = past_delivery(ear_first(sent), a);

	while (a != NULL && b != NULL) {
		if (!match(world, a, b))
			return false;
		a = ear_next(a);
		b = past_delivery(ear_next(b), a);
	}
	return a == NULL && b == NULL;
}

bool
match(struct world *world, xmpp_stanza_t *pattern, xmpp_stanza_t *sent)
{
	const char *a = ear_text(pattern), *b = ear_text(sent);

	if (strcmp(xmpp_stanza_get_name(pattern), xmpp_stanza_get_name(sent)) != 0)
		return false;
	if (a != NULL && !match_value(a, b == NULL ? "" : b))
		return false;
	return match_attributes(pattern, sent) && match_children(world, pattern, sent);
}
