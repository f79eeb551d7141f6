/* SPDX-License-Identifier: ISC */
/* sent.h: which program sent which message to whom: for what comes back of it. */
#ifndef CORE_SENT_H
#define CORE_SENT_H

#include "core/core.h"

#define SENT_MAX 4096 /* messages that are remembered */

/* One of them, and the path by which alone it may leave. */
struct note {
	char *id, *program, *to;
	enum ear_link_kind only;
	bool asked; /* the program itself asked for a receipt */
	bool maybe; /* a path died with it: it may have arrived */
	bool told;  /* its error has been told */
};

/* Remembers a message of that program; the oldest is forgotten. */
void sent_note(struct ear *ear, xmpp_stanza_t *stanza, const char *program,
	       enum ear_link_kind only);

/* The newest message of that id about which peer may speak, or NULL. */
struct note *sent_find(struct ear *ear, const char *id, const char *peer);

void sent_release(struct ear *ear);

#endif
