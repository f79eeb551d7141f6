/* SPDX-License-Identifier: ISC */
/* build.c: one stanza while it is being read. Its reader holds the caps. */
#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "wire/build.h"

/* What an idle stream may keep. */
#define OPEN_KEEP 8
#define TEXT_KEEP 512

void
build_init(struct build *build, xmpp_ctx_t *ctx)
{
	*build = (struct build){ .ctx = ctx };
}

void
build_release(struct build *build)
{
	build_clear(build);
	free(build->open);
	free(build->text);
	build_init(build, build->ctx);
}

void
build_clear(struct build *build)
{
	/* The stanza holds all that is inside it. */
	if (build->depth > 0)
		xmpp_stanza_release(build->open[0].element);
	build->depth = 0;
	build->too_wide = false;
	build->text_length = 0;
	if (build->room > OPEN_KEEP) {
		build->room = OPEN_KEEP;
		build->open = xrealloc(build->open, OPEN_KEEP * sizeof(build->open[0]));
	}
	if (build->text_room > TEXT_KEEP) {
		build->text_room = TEXT_KEEP;
		build->text = xrealloc(build->text, TEXT_KEEP);
	}
}

static void
append(struct build *build, xmpp_stanza_t *node)
{
	struct build_level *level = &build->open[build->depth - 1];

	xmpp_stanza_add_child_ex(level->element, node, 0);
	if (++level->nodes > BUILD_NODES_MAX)
		build->too_wide = true;
}

/* Character data read so far becomes one node, however many pieces it came in. */
static void
flush_text(struct build *build)
{
	xmpp_stanza_t *node;

	if (build->text_length == 0)
		return;
	node = xmpp_stanza_new(build->ctx);
	xcheck(node != NULL &&
	       xmpp_stanza_set_text_with_size(node, build->text, build->text_length) == XMPP_EOK);
	append(build, node);
	build->text_length = 0;
}

static void
set_ns(xmpp_stanza_t *element, const char *ns, size_t length)
{
	char copy[BUILD_NS_MAX + 1];

	assert(length <= BUILD_NS_MAX);
	memcpy(copy, ns, length);
	copy[length] = '\0';
	xcheck(xmpp_stanza_set_ns(element, copy) == XMPP_EOK);
}

static void
push(struct build *build, xmpp_stanza_t *element)
{
	if (build->depth == build->room) {
		build->room = build->room == 0 ? OPEN_KEEP : build->room * 2;
		build->open = xrealloc(build->open, build->room * sizeof(build->open[0]));
	}
	build->open[build->depth++] = (struct build_level){ .element = element };
}

xmpp_stanza_t *
build_start(struct build *build, const char *name, const char *ns, size_t ns_length)
{
	xmpp_stanza_t *element = xmpp_stanza_new(build->ctx);

	xcheck(element != NULL && xmpp_stanza_set_name(element, name) == XMPP_EOK);
	set_ns(element, ns, ns_length);
	if (build->depth > 0) {
		flush_text(build);
		append(build, element);
	}
	push(build, element);
	return element;
}

void
build_text(struct build *build, const char *text, size_t length)
{
	if (build->text_length + length > build->text_room) {
		size_t room = build->text_room == 0 ? TEXT_KEEP / 2 : build->text_room;

		while (room < build->text_length + length)
			room *= 2;
		build->text = xrealloc(build->text, room);
		build->text_room = room;
	}
	memcpy(build->text + build->text_length, text, length);
	build->text_length += length;
}

xmpp_stanza_t *
build_end(struct build *build)
{
	flush_text(build);
	return --build->depth == 0 ? build->open[0].element : NULL;
}
