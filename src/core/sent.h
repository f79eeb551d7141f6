/* SPDX-License-Identifier: ISC */
/* sent.h: which program sent which message to whom: for what comes back of it. */
#ifndef CORE_SENT_H
#define CORE_SENT_H

#include "core/core.h"

/* Messages that are remembered: more than can wait for one destination, be owed to it and be on its
 * links together. */
#define SENT_MAX (3 * DEST_WAITING_MAX)

/* One of them, and the path by which alone it may leave. */
struct note {
	char *id, *origin, *program, *to; /* origin: of its <origin-id/>, or NULL */
	struct note *newer, *older;       /* of the same id */
	enum ear_link_kind only;
	int64_t back_at; /* when a link gave it back for the first time; 0: none did */
	bool asked;      /* the program itself asked for a receipt */
	bool maybe;      /* a path died with it: it may have arrived */
	bool told;       /* its error has been told */
};

/* Remembers a message of that program, which has an id; the oldest is forgotten. */
void sent_note(struct ear *ear, xmpp_stanza_t *stanza, const char *program,
	       enum ear_link_kind only);

/* The newest message of that id about which peer may speak, and of which no error has been told, if
 * there is one; else the newest at all. NULL: none. */
struct note *sent_find(struct ear *ear, const char *id, const char *peer);

/* The message that this stanza of ours is, whatever its id is shared with. NULL: none is noted. */
struct note *sent_of(struct ear *ear, xmpp_stanza_t *stanza);

void sent_release(struct ear *ear);

#endif
