/* SPDX-License-Identifier: ISC */
/* test_pubsub_feed.c: what is an entry of a feed (RFC 4287, XEP-0472, XEP-0277), and what is none.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "pubsub_item.h"

#define BLOG       "urn:xmpp:microblog:0"
#define GALLERY    "urn:xmpp:pubsub-social-feed:gallery:1"
#define ENTRY(xml) "<entry xmlns='" EAR_NS_ATOM "'>" xml "</entry>"
#define ID         "<id>tag:example.org,2008-05-08:posts-1cb57d9c</id>"
#define TITLE      "<title type='text'>hanging out</title>"
#define UPDATED    "<updated>2008-05-08T18:30:02Z</updated>"
#define BASE       ID TITLE UPDATED
#define DATED(at)  ENTRY(ID TITLE "<updated>" at "</updated>")

static xmpp_ctx_t *ctx;

static int
setup(void **state)
{
	ctx = xmpp_ctx_new(NULL, NULL);
	return 0;
}

static int
teardown(void **state)
{
	xmpp_ctx_free(ctx);
	return 0;
}

static void
check(const char *xml, const char *type, const char *item, bool fine)
{
	xmpp_stanza_t *payload = ear_parse(ctx, xml);
	const char *fault;

	assert_non_null(payload);
	fault = pubsub_feed_fault(payload, type, item);
	if (fine && fault != NULL)
		fail_msg("%s: %s", xml, fault);
	if (!fine && fault == NULL)
		fail_msg("taken: %s", xml);
	xmpp_stanza_release(payload);
}

static void
test_entries(void **state)
{
	static const char *const good[] = {
		ENTRY(BASE),
		ENTRY(BASE "<published>2008-05-08T18:30:02Z</published>"),
		ENTRY(BASE "<link rel='alternate' href='http://example.org/'/>"),
		ENTRY(BASE "<author><name>Romeo</name><uri>xmpp:romeo@example.org</uri></author>"),
		/* XEP-0277 §3.2: as text and as XHTML. */
		ENTRY(BASE
		      "<title type='xhtml'><div xmlns='http://www.w3.org/1999/xhtml'/></title>"),
		/* RFC 4287 §6: what is of others is passed over. */
		ENTRY(BASE "<geoloc xmlns='http://jabber.org/protocol/geoloc'/>"),
		ENTRY(BASE "<id xmlns='urn:example:other'/>"),
		DATED("2003-12-13T18:30:02.25Z"),
		DATED("2003-12-13T18:30:02+01:00"),
		DATED("2003-12-13T18:30:60.123456789-11:30"),
	};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		check(good[i], EAR_NS_ATOM, "x", true);
}

static void
test_faults(void **state)
{
	static const char *const bad[] = {
		"<entry xmlns='urn:example:a'>" BASE "</entry>",
		"<feed xmlns='" EAR_NS_ATOM "'>" BASE "</feed>",
		ENTRY(""),
		ENTRY(TITLE UPDATED),
		ENTRY(ID UPDATED),
		ENTRY(ID TITLE),
		ENTRY(BASE ID),
		ENTRY(BASE UPDATED),
		ENTRY(BASE TITLE TITLE),
		ENTRY("<id/>" TITLE UPDATED),
		ENTRY("<id>relative/path</id>" TITLE UPDATED),
		ENTRY("<id>:x</id>" TITLE UPDATED),
		ENTRY("<id>tag:a b</id>" TITLE UPDATED),
		ENTRY(BASE "<published/>"),
		ENTRY(BASE "<link/>"),
		ENTRY(BASE "<author/>"),
		ENTRY(BASE "<author><name/></author>"),
		DATED(""),
		DATED("2003-12-13"),
		DATED("2003-12-13T18:30:02"),
		DATED("2003-12-13t18:30:02z"),
		DATED("2003-12-13 18:30:02Z"),
		DATED("2003-13-13T18:30:02Z"),
		DATED("2003-00-13T18:30:02Z"),
		DATED("2003-12-32T18:30:02Z"),
		DATED("2003-12-13T24:30:02Z"),
		DATED("2003-12-13T18:60:02Z"),
		DATED("2003-12-13T18:30:61Z"),
		DATED("2003-12-13T18:30:02.Z"),
		DATED("2003-12-13T18:30:02+1:00"),
		DATED("2003-12-13T18:30:02+24:00"),
		DATED("2003-12-13T18:30:02Zx"),
		DATED("2003-12-13T18:30:02+01:00x"),
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		check(bad[i], EAR_NS_ATOM, "x", false);
}

/* XEP-0277 §4: item "0" of a blog tells of the blog. XEP-0472 §5.3: pictures. */
static void
test_profiles(void **state)
{
	static const char feed[] = "<feed xmlns='" EAR_NS_ATOM "'>" BASE "</feed>";
	static const char picture[] = ENTRY(
		BASE "<link rel='enclosure' href='https://example.org/a.jpg' type='image/jpeg'/>");

	check(feed, BLOG, "0", true);
	check(feed, BLOG, "1", false);
	check(feed, EAR_NS_ATOM, "0", false);
	check(picture, GALLERY, "x", true);
	check(ENTRY(BASE), GALLERY, "x", false);
	check(ENTRY(BASE "<link href='https://example.org/'/>"), GALLERY, "x", false);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_profiles),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
