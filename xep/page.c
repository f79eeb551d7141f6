/* SPDX-License-Identifier: ISC */
/* page.c: a list that is answered to a program of this machine page by page. */
#include <errno.h>
#include <stdlib.h>

#include "page.h"

int
page_open(struct page *page, const struct ear_in *in, const char *name)
{
	const char *first = xmpp_stanza_get_attribute(in->payload, "first");
	char *end = NULL;

	*page = (struct page){ 0 };
	if (first != NULL) {
		errno = 0;
		page->first = strtoul(first, &end, 10);
		if (*first < '0' || *first > '9' || *end != '\0' || errno != 0)
			return -EINVAL;
	}
	page->list = ear_element(ear_ctx(in->ear), name, EAR_NS_CONTROL);
	return 0;
}

xmpp_stanza_t *
page_add(struct page *page, const char *name)
{
	unsigned long i = page->total++;

	if (i < page->first || i - page->first >= PAGE_ENTRIES)
		return NULL;
	return ear_child(page->list, name, EAR_NS_CONTROL);
}

static xmpp_stanza_t *
finish(struct page *page)
{
	ear_set(page->list, "first", "%lu", page->first);
	ear_set(page->list, "total", "%lu", page->total);
	return page->list;
}

enum ear_verdict
page_reply(struct page *page, const struct ear_in *in)
{
	return ear_reply(in, finish(page));
}

void
page_answer(struct page *page, struct ear_hold *hold)
{
	ear_hold_reply(hold, finish(page));
}

void
page_drop(struct page *page)
{
	xmpp_stanza_release(page->list);
	page->list = NULL;
}
