/* SPDX-License-Identifier: ISC */
/*
 * several.c: several engines are one component, and its server gives each stanza to any of them.
 * What is answered from the store any of them answers. What is for one of them, who asked or has
 * sent something, is passed on through the store to all others; and so is who is there.
 *
 *	server -> an engine, which does not know what that is about -> store -> the one that does
 *
 * That is told and forgotten: an engine without a database at that moment does not hear it. Nothing
 * is passed on twice.
 */
#include <stdlib.h>
#include <string.h>

#include "core/dispatch.h"
#include "core/several.h"
#include "store/store.h"

/* None for us alone, and none that a server has not vouched for. */
static bool
is_shared(const struct ear_in *in)
{
	return in->link == EAR_LINK_SERVER && ear_store_is_shared(in->ear->store) &&
	       in->ear->self_server != NULL && ear_jid_resource(in->ear->self_server) == NULL;
}

static bool
is_presence(xmpp_stanza_t *stanza)
{
	return strcmp(xmpp_stanza_get_name(stanza), "presence") == 0;
}

static void
say(const struct ear_in *in, char *text)
{
	if (text == NULL || store_say(in->ear->store, text) != 0)
		ear_debug("%s: %s not passed on: there is too much of it", in->from,
			  xmpp_stanza_get_name(in->stanza));
	free(text);
}

/* Who it is from and what it is about, with that child alone; NULL: too long. */
static char *
brief(const struct ear_in *in, const char *name, const char *ns, size_t max)
{
	xmpp_stanza_t *brief = ear_stanza(in->ear->ctx, xmpp_stanza_get_name(in->stanza),
					  xmpp_stanza_get_type(in->stanza), in->to, in->id);
	xmpp_stanza_t *child = ear_find(in->stanza, name, ns);
	char *text;

	xmpp_stanza_set_from(brief, in->from);
	if (child != NULL) {
		child = xmpp_stanza_copy(child);
		xmpp_stanza_add_child(brief, child);
		xmpp_stanza_release(child);
	}
	text = ear_render(brief, max);
	xmpp_stanza_release(brief);
	return text;
}

/* No long one, which might be overtaken by the next that he sends. */
void
several_pass_presence(const struct ear_in *in)
{
	const char *type = xmpp_stanza_get_type(in->stanza);

	if (is_shared(in) && !in->passed && (type == NULL || strcmp(type, "unavailable") == 0))
		say(in, brief(in, "c", EAR_NS_CAPS, STORE_SAY_SHORT));
}

bool
several_pass_answer(const struct ear_in *in)
{
	const char *type = xmpp_stanza_get_type(in->stanza);

	if (!is_shared(in) || in->id == NULL || is_presence(in->stanza))
		return false;
	if (in->passed)
		return true;
	if (type != NULL && strcmp(type, "error") == 0)
		say(in, brief(in, "error", NULL, STORE_SAY_MAX));
	else
		say(in, ear_render(in->stanza, STORE_SAY_MAX));
	return true;
}

void
several_hear(struct ear *ear, const char *text)
{
	xmpp_stanza_t *stanza = ear_parse(ear->ctx, text);

	if (stanza != NULL && ear->server != NULL && !ear->stopping)
		dispatch_heard(ear, ear->server, stanza);
	if (stanza != NULL)
		xmpp_stanza_release(stanza);
}

/* Who came or left meanwhile we have not heard: as when the server was away. */
static void
on_heard(void *arg, const char *text)
{
	struct ear *ear = arg;

	if (text != NULL)
		several_hear(ear, text);
	else if (ear->server != NULL && ear->server->state == LINK_UP)
		core_tell(ear, EAR_SERVER_UP, ear->server->self, EAR_LINK_SERVER);
}

void
several_begin(struct ear *ear)
{
	store_hear(ear->store, on_heard, ear);
}
