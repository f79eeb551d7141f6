/* SPDX-License-Identifier: ISC */
/* page.h: a list that is answered to a program of this machine page by page. */
#ifndef XEP_PAGE_H
#define XEP_PAGE_H

#include <earshot/ear.h>

#define PAGE_ENTRIES 50 /* of one answer: far below what a reader takes */

struct page {
	xmpp_stanza_t *list; /* the answer, of EAR_NS_CONTROL */
	unsigned long first, total;
};

/* Begins an answer of that name, from the number in the request's `first` on. -EINVAL: that is no
 * number. */
int page_open(struct page *page, const struct ear_in *in, const char *name);

/* A new entry when it is on this page, else NULL. */
xmpp_stanza_t *page_add(struct page *page, const char *name);

/* Answers with first and total in it. */
enum ear_verdict page_reply(struct page *page, const struct ear_in *in);

/* The same, to a request that was held. */
void page_answer(struct page *page, struct ear_hold *hold);

/* Nobody is answered. */
void page_drop(struct page *page);

#endif
