/* SPDX-License-Identifier: ISC */
/* rsm.c: result sets, page by page (XEP-0059): what is asked for, and what is told of a page. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "rsm.h"

#define DIGITS_MAX 9 /* of a number; its type is xs:int (§7) */

/* -EINVAL: there is such an element, and it holds no number. 0, *found false: there is none. */
static int
read_number(xmpp_stanza_t *set, const char *name, size_t *out, bool *found)
{
	xmpp_stanza_t *element = ear_find(set, name, EAR_NS_RSM);
	const char *text = element == NULL ? NULL : ear_text(element);
	size_t value = 0;

	*found = element != NULL;
	if (element == NULL)
		return 0;
	if (text == NULL || strlen(text) > DIGITS_MAX || text[strspn(text, "0123456789")] != '\0')
		return -EINVAL;
	for (; *text != '\0'; text++)
		value = value * 10 + (size_t)(*text - '0');
	*out = value;
	return 0;
}

/* NULL: there is no such element; "": it is empty. */
static const char *
read_uid(xmpp_stanza_t *set, const char *name)
{
	xmpp_stanza_t *element = ear_find(set, name, EAR_NS_RSM);
	const char *text = element == NULL ? NULL : ear_text(element);

	return element != NULL && text == NULL ? "" : text;
}

int
rsm_read(struct rsm *rsm, xmpp_stanza_t *parent)
{
	xmpp_stanza_t *set = ear_find(parent, "set", EAR_NS_RSM);
	size_t max = RSM_MAX;
	bool has_max;

	*rsm = (struct rsm){ .asked = set != NULL, .max = RSM_MAX };
	if (set == NULL)
		return 0;
	rsm->after = read_uid(set, "after");
	rsm->before = read_uid(set, "before");
	if ((rsm->after != NULL && rsm->before != NULL) ||
	    read_number(set, "max", &max, &has_max) != 0 ||
	    read_number(set, "index", &rsm->index, &rsm->by_index) != 0)
		return -EINVAL;
	/* §2.2: behind nothing in particular is the beginning. */
	if (rsm->after != NULL && *rsm->after == '\0')
		rsm->after = NULL;
	/* §2.6: a place is asked for only where no neighbour is known. */
	rsm->by_index = rsm->by_index && rsm->after == NULL && rsm->before == NULL;
	rsm->max = max < RSM_MAX ? max : RSM_MAX;
	return 0;
}

void
rsm_add(xmpp_stanza_t *parent, const char *first, const char *last, size_t index, size_t count)
{
	xmpp_stanza_t *set = ear_child(parent, "set", EAR_NS_RSM);
	char number[24];

	if (first != NULL && last != NULL) {
		ear_set(ear_child_text(set, "first", EAR_NS_RSM, first), "index", "%zu", index);
		ear_child_text(set, "last", EAR_NS_RSM, last);
	}
	snprintf(number, sizeof(number), "%zu", count);
	ear_child_text(set, "count", EAR_NS_RSM, number);
}
