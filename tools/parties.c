/* SPDX-License-Identifier: ISC */
/* parties.c: what we, and whom we deal with, are called on the paths between us. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli.h"
#include "parties.h"

/* Another device of the same account is another one. */
static bool
is_same(const char *a, const char *b)
{
	return ear_jid_resource(a) != NULL && ear_jid_resource(b) != NULL
		       ? ear_jid_equal(a, b)
		       : ear_jid_bare_equal(a, b);
}

static void
add_name(struct parties *parties, const char *name)
{
	if (name != NULL && parties->name_count < PARTIES_NAMES_MAX)
		parties->names[parties->name_count++] = xstrdup(name);
}

static void
forget_names(struct parties *parties)
{
	while (parties->name_count > 0)
		free(parties->names[--parties->name_count]);
}

static void
forget_ours(struct parties *parties)
{
	while (parties->our_count > 0)
		free(parties->ours[--parties->our_count]);
}

void
parties_init(struct parties *parties, const char *address)
{
	*parties = (struct parties){ .address = address };
	add_name(parties, address);
}

void
parties_release(struct parties *parties)
{
	forget_names(parties);
	forget_ours(parties);
}

void
parties_take_self(struct parties *parties, xmpp_stanza_t *answer, const char *program)
{
	xmpp_stanza_t *self = ear_find(answer, "self", EAR_NS_CONTROL);

	parties->link = EAR_LINK_NONE;
	forget_ours(parties);
	for (xmpp_stanza_t *e = self == NULL ? NULL : ear_first(self);
	     e != NULL && parties->our_count < PARTIES_OURS_MAX; e = ear_next(e)) {
		const char *address = xmpp_stanza_get_attribute(e, "address");
		enum ear_link_kind kind = cli_link_of(e);

		if (address == NULL || kind == EAR_LINK_NONE)
			continue;
		if (is_same(address, parties->address))
			parties->link = EAR_LINK_LOCAL;
		if (kind == EAR_LINK_LOCAL)
			address = program;
		parties->kinds[parties->our_count] = kind;
		parties->ours[parties->our_count++] = xstrdup(address);
	}
}

/* The name for the path that is taken, or one as good as any. */
static void
choose_ours(struct parties *parties)
{
	parties->best = 0;
	for (size_t i = 0; i < parties->our_count; i++)
		if (parties->kinds[i] ==
		    (parties->link == EAR_LINK_NONE ? EAR_LINK_LAN : parties->link))
			parties->best = i;
}

void
parties_take_paths(struct parties *parties, xmpp_stanza_t *answer)
{
	xmpp_stanza_t *paths = ear_find(answer, "paths", EAR_NS_CONTROL);

	forget_names(parties);
	add_name(parties, parties->address);
	for (xmpp_stanza_t *e = paths == NULL ? NULL : ear_first(paths); e != NULL;
	     e = ear_next(e)) {
		const char *chosen = xmpp_stanza_get_attribute(e, "chosen");

		add_name(parties, xmpp_stanza_get_attribute(e, "to"));
		add_name(parties, xmpp_stanza_get_attribute(e, "address"));
		if (chosen != NULL && strcmp(chosen, "true") == 0)
			parties->link = cli_link_of(e);
	}
	choose_ours(parties);
}

const char *
parties_ours(const struct parties *parties, size_t tried)
{
	return parties->ours[(parties->best + tried) % parties->our_count];
}

bool
parties_is_us(const struct parties *parties, const char *address)
{
	for (size_t i = 0; address != NULL && i < parties->our_count; i++)
		if (is_same(address, parties->ours[i]))
			return true;
	return false;
}

bool
parties_is_other(const struct parties *parties, const char *address)
{
	for (size_t i = 0; address != NULL && i < parties->name_count; i++)
		if (is_same(address, parties->names[i]))
			return true;
	return false;
}
