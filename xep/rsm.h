/* SPDX-License-Identifier: ISC */
/* rsm.h: result sets, page by page (XEP-0059). */
#ifndef XEP_RSM_H
#define XEP_RSM_H

#include <earshot/ear.h>

#define EAR_NS_RSM "http://jabber.org/protocol/rsm"
#define RSM_MAX    100 /* of a page, when it is left to us, or more is asked for */

/* What is asked for. Borrowed from the request. */
struct rsm {
	bool asked;                 /* there is a <set/> */
	bool by_index;              /* §2.6: from `index` on */
	const char *after, *before; /* NULL: none; before "": the last page (§2.5) */
	size_t max;                 /* 0: only the count is wanted (§2.7) */
	size_t index;
};

/* Of the <set/> inside parent. -EINVAL: a number is none, or after and before are both there. */
int rsm_read(struct rsm *rsm, xmpp_stanza_t *parent);

/* Adds the <set/> of an answer to parent: first and last NULL: the page is empty; index: the place
 * of the first. */
void rsm_add(xmpp_stanza_t *parent, const char *first, const char *last, size_t index,
	     size_t count);

#endif
