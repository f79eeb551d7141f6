/* SPDX-License-Identifier: ISC */
/* pubsub_feed.c: what an entry of a feed has to hold (RFC 4287, XEP-0472, XEP-0277). */
#include <string.h>

#include "pubsub_item.h"

#define PROFILE_GALLERY "urn:xmpp:pubsub-social-feed:gallery:" /* XEP-0472 §5.3 */
#define PROFILE_BLOG    "urn:xmpp:microblog:0"                 /* XEP-0277 */
#define BLOG_ABOUT      "0" /* XEP-0277 §4: the item that tells of the blog */

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* --- values ------------------------------------------------------------------------------- */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* '0' stands for a digit, everything else for itself. */
static bool
has_shape(const char *text, const char *shape)
{
	for (; *shape != '\0'; shape++, text++)
		if (*shape == '0' ? !is_digit(*text) : *text != *shape)
			return false;
	return true;
}

/* Two digits. */
static int
two(const char *text)
{
	return (text[0] - '0') * 10 + text[1] - '0';
}

static bool
is_zone(const char *text)
{
	if (strcmp(text, "Z") == 0)
		return true;
	return (has_shape(text, "+00:00") || has_shape(text, "-00:00")) && text[6] == '\0' &&
	       two(text + 1) < 24 && two(text + 4) < 60;
}

/* RFC 4287 §3.3: a date-time of RFC 3339, its letters upper case. */
static bool
is_date(const char *text)
{
	if (!has_shape(text, "0000-00-00T00:00:00") || two(text + 5) < 1 || two(text + 5) > 12 ||
	    two(text + 8) < 1 || two(text + 8) > 31 || two(text + 11) > 23 || two(text + 14) > 59 ||
	    two(text + 17) > 60)
		return false;
	text += strlen("0000-00-00T00:00:00");
	if (*text == '.') {
		text++;
		if (!is_digit(*text))
			return false;
		text += strspn(text, "0123456789");
	}
	return is_zone(text);
}

/* RFC 4287 §4.2.6: an IRI, never a relative one. */
static bool
is_iri(const char *text)
{
	size_t scheme = strcspn(text, ":/?# \t\r\n");

	return scheme > 0 && text[scheme] == ':' && text[scheme + 1] != '\0' &&
	       text[strcspn(text, " \t\r\n<>\"")] == '\0';
}

static bool
is_anything(const char *text)
{
	return true;
}

/* --- entries (RFC 4287 §4.1.2) ------------------------------------------------------------ */

/* What an entry, or a feed, holds so many of. */
static const struct rule {
	const char *name;
	unsigned min, max;
	bool (*is)(const char *text);
	const char *fault;
} rules[] = {
	{ "id", 1, 1, is_iri, "an entry has one <id/>, which is an IRI" },
	/* One as text and one as XHTML (XEP-0277 §3.2). */
	{ "title", 1, 2, is_anything, "an entry has a <title/>" },
	{ "updated", 1, 1, is_date, "an entry has one <updated/>, which is a date" },
	{ "published", 0, 1, is_date, "<published/> is one date" },
};

static const char *
check_rule(xmpp_stanza_t *entry, const struct rule *rule)
{
	unsigned count = 0;

	for (xmpp_stanza_t *e = ear_first(entry); e != NULL; e = ear_next(e)) {
		const char *text;

		if (!ear_is(e, rule->name, EAR_NS_ATOM))
			continue;
		text = ear_text(e);
		if (++count > rule->max || !rule->is(text == NULL ? "" : text))
			return rule->fault;
	}
	return count < rule->min ? rule->fault : NULL;
}

/* RFC 4287 §4.2.7, §3.2: a link leads somewhere, a person has one name. */
static const char *
check_child(xmpp_stanza_t *child)
{
	xmpp_stanza_t *name;

	if (ear_is(child, "link", EAR_NS_ATOM) && xmpp_stanza_get_attribute(child, "href") == NULL)
		return "a <link/> has a href";
	if (!ear_is(child, "author", EAR_NS_ATOM) && !ear_is(child, "contributor", EAR_NS_ATOM))
		return NULL;
	name = ear_find(child, "name", EAR_NS_ATOM);
	return name == NULL || ear_text(name) == NULL ? "a person has a <name/>" : NULL;
}

/* XEP-0472 §5.3: a picture at least. */
static bool
has_enclosure(xmpp_stanza_t *entry)
{
	for (xmpp_stanza_t *e = ear_first(entry); e != NULL; e = ear_next(e)) {
		const char *rel = xmpp_stanza_get_attribute(e, "rel");

		if (ear_is(e, "link", EAR_NS_ATOM) && rel != NULL && strcmp(rel, "enclosure") == 0)
			return true;
	}
	return false;
}

static bool
is_root(xmpp_stanza_t *payload, const char *type, const char *item)
{
	if (strcmp(type, PROFILE_BLOG) == 0 && strcmp(item, BLOG_ABOUT) == 0)
		return ear_is(payload, "feed", EAR_NS_ATOM) ||
		       ear_is(payload, "entry", EAR_NS_ATOM);
	return ear_is(payload, "entry", EAR_NS_ATOM);
}

const char *
pubsub_feed_fault(xmpp_stanza_t *payload, const char *type, const char *item)
{
	const char *fault = NULL;

	if (!is_root(payload, type, item))
		return "this node holds Atom entries";
	for (size_t i = 0; fault == NULL && i < sizeof(rules) / sizeof(rules[0]); i++)
		fault = check_rule(payload, &rules[i]);
	for (xmpp_stanza_t *e = ear_first(payload); fault == NULL && e != NULL; e = ear_next(e))
		fault = check_child(e);
	if (fault == NULL && begins(type, PROFILE_GALLERY) && !has_enclosure(payload))
		fault = "an entry of a gallery has a picture: <link rel='enclosure'/>";
	return fault;
}
