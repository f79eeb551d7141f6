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

/*
 * Inside one of these: the answer comes later. The function returns EAR_DONE, and query, which
 * stays where it is, may be filled until disco_answer(). drop runs instead of that when the engine
 * stops; it frees arg, and nothing else is to be done. NULL: too many wait already.
 */
#define DISCO_LATER_MAX 256
struct disco_later;
struct disco_later *disco_later(const struct ear_in *in, xmpp_stanza_t *query,
				void (*drop)(void *arg), void *arg);

/* EAR_DONE, or the error to answer with. query, consumed, takes the place of the one that was
 * filled; NULL: that one. Not from inside the call that disco_later() was made in. */
void disco_answer(struct disco_later *later, enum ear_verdict verdict, xmpp_stanza_t *query);

/* From start() of an extension, which stands behind 0030 in list.h. Either function may be NULL. At
 * most DISCO_NODES_MAX. */
#define DISCO_NODES_MAX 16
void disco_add(struct ear *ear, const struct disco_nodes *nodes);

#endif
