/* SPDX-License-Identifier: ISC */
/* conf_compare.c: what is not the same in two configurations, and what that concerns. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/conf_table.h"

struct comparison {
	void (*fn)(void *arg, const char *text);
	void *arg;
	unsigned parts;
};

static void
differs(struct comparison *comparison, unsigned part, char *text)
{
	comparison->parts |= part;
	if (comparison->fn != NULL)
		comparison->fn(comparison->arg, text);
	free(text);
}

static bool
is_same(const struct conf_option *option, const void *old, const void *fresh)
{
	char a[32], b[32];

	return strcmp(conf_option_get(option, old, a, sizeof(a)),
		      conf_option_get(option, fresh, b, sizeof(b))) == 0;
}

static const struct conf_peer *
find_peer(const struct conf *conf, const char *name)
{
	for (size_t i = 0; i < conf->peer_count; i++)
		if (strcmp(conf->peers[i].name, name) == 0)
			return &conf->peers[i];
	return NULL;
}

static bool
is_same_peer(const struct conf_peer *old, const struct conf_peer *fresh)
{
	for (const struct conf_option *o = conf_options; o->key != NULL; o++)
		if (strcmp(o->section, "peer") == 0 && !is_same(o, old, fresh))
			return false;
	return true;
}

static void
compare_peers(struct comparison *comparison, const struct conf *old, const struct conf *fresh)
{
	for (size_t i = 0; i < fresh->peer_count; i++) {
		const struct conf_peer *peer = &fresh->peers[i];
		const struct conf_peer *before = find_peer(old, peer->name);

		if (before == NULL || !is_same_peer(before, peer))
			differs(comparison, CONF_PART_PEERS,
				xasprintf("peer \"%s\": %s", peer->name,
					  before == NULL ? "added" : "changed"));
	}
	for (size_t i = 0; i < old->peer_count; i++)
		if (find_peer(fresh, old->peers[i].name) == NULL)
			differs(comparison, CONF_PART_PEERS,
				xasprintf("peer \"%s\": removed", old->peers[i].name));
}

unsigned
conf_compare(const struct conf *old, const struct conf *fresh,
	     void (*fn)(void *arg, const char *text), void *arg)
{
	struct comparison comparison = { fn, arg, 0 };
	char buffer[32];

	for (const struct conf_option *o = conf_options; o->key != NULL; o++) {
		const char *value;

		if (strcmp(o->section, "peer") == 0 || is_same(o, old, fresh))
			continue;
		value = conf_option_get(o, fresh, buffer, sizeof(buffer));
		differs(&comparison, o->part == 0 ? CONF_PART_WHOLE : o->part,
			xasprintf("%s.%s: %s", o->section, o->key,
				  value[0] == '\0' ? "nothing" : value));
	}
	compare_peers(&comparison, old, fresh);
	return comparison.parts;
}
