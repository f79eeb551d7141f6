/* SPDX-License-Identifier: ISC */
/* contents.h: nodes of a service (XEP-0060 §5.2) and items of a node (§6.5), page by page where the
 * service has pages (XEP-0059). */
#ifndef TOOLS_CONTENTS_H
#define TOOLS_CONTENTS_H

#include "cli.h"
#include "service.h"

/* item: an <item/>, of disco#items or of the node; borrowed. */
typedef void contents_fn(void *arg, const struct place *place, xmpp_stanza_t *item);

/* fn for each, when all have come. An exit code, after a complaint. */
int contents_nodes(struct cli *cli, const struct place *place, contents_fn *fn, void *arg);

/* In the order of the service, which is the newest last; id: only that one (NULL: any); number: so
 * many of the newest (0: all). */
int contents_items(struct cli *cli, const struct place *place, const char *id, long number,
		   contents_fn *fn, void *arg);

#endif
