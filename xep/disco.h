/* SPDX-License-Identifier: ISC */
/* disco.h: what extensions add to service discovery (XEP-0030): nodes below this engine. */
#ifndef XEP_DISCO_H
#define XEP_DISCO_H

#include <earshot/ear.h>

/*
 * One who knows some nodes. Both fill query, a new <query node='..'/> of their kind, and return
 * EAR_DONE, or EAR_PASS when the node is not theirs, or the error to answer with. The same verbs
 * hold as for the deed itself: what the asker may not do he need not be shown.
 */
struct disco_nodes {
	/* node is never NULL: what the engine itself is, its rules say. */
	enum ear_verdict (*info)(const struct ear_in *in, const char *node, xmpp_stanza_t *query);
	/* node NULL: of the engine itself; all are asked, and each adds its own. */
	enum ear_verdict (*items)(const struct ear_in *in, const char *node, xmpp_stanza_t *query);
};

/* From start() of an extension, which stands behind 0030 in list.h. Either function may be NULL. At
 * most DISCO_NODES_MAX. */
#define DISCO_NODES_MAX 16
void disco_add(struct ear *ear, const struct disco_nodes *nodes);

#endif
