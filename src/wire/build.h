/* SPDX-License-Identifier: ISC */
/* build.h: one stanza while it is being read: open elements and character data. */
#ifndef WIRE_BUILD_H
#define WIRE_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <strophe.h>

/* A namespace is copied to every element that is in it: its length is capped for itself. */
#define BUILD_NS_MAX 512

/*
 * libstrophe walks all children to append one: elements and pieces of text directly inside one
 * element, so that what this costs stays in proportion to the bytes it came in.
 */
#define BUILD_NODES_MAX 1024

struct build_level {
	xmpp_stanza_t *element;
	unsigned nodes;
};

struct build {
	xmpp_ctx_t *ctx;
	struct build_level *open; /* the stanza and the elements inside it that have not ended */
	char *text;               /* character data that is not yet in its element */
	unsigned depth, room;     /* elements in open, and room for them */
	size_t text_length, text_room;
	bool too_wide; /* an element got more than BUILD_NODES_MAX */
};

void build_init(struct build *build, xmpp_ctx_t *ctx);
void build_release(struct build *build);

/* Forgets what is half built; gives memory above a small measure back. */
void build_clear(struct build *build);

/* An element inside the innermost open one, or a new stanza; the namespace is not NUL-ended. */
xmpp_stanza_t *build_start(struct build *build, const char *name, const char *ns, size_t ns_length);

void build_text(struct build *build, const char *text, size_t length);

/* Ends the innermost element. Returns the stanza when that was it: the caller releases it. */
xmpp_stanza_t *build_end(struct build *build);

#endif
