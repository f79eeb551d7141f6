/* SPDX-License-Identifier: ISC */
/* nodes_told.c: who is told of our nodes: a table with a bound, whoever was heard of longest ago
 * first. */
#include <string.h>

#include "memory.h"
#include "nodes_impl.h"
#include "presence.h"

struct look {
	const char *address;
	bool found;
};

static void
on_path(void *arg, const struct ear_path_info *path)
{
	struct look *look = arg;

	look->found = look->found || strcmp(path->address, look->address) == 0 ||
		      strcmp(path->to, look->address) == 0;
}

/* A device may be known by its LAN address first, and by its own once its key is proved. */
bool
told_is_same(struct ear *ear, const char *a, const char *b)
{
	struct look look = { .address = ear_jid_is_lan(a) ? b : a };

	if (strcmp(a, b) == 0)
		return true;
	if (ear_jid_is_lan(a) == ear_jid_is_lan(b))
		return false;
	ear_each_path(ear, ear_jid_is_lan(a) ? a : b, on_path, &look);
	return look.found;
}

static size_t
index_of(const struct nodes *nodes, const struct node *node, const char *address)
{
	size_t i;

	for (i = 0; i < nodes->count; i++)
		if (nodes->told[i]->node == node && !nodes->told[i]->gone &&
		    told_is_same(nodes->ear, nodes->told[i]->address, address))
			break;
	return i;
}

struct listener *
told_find(struct nodes *nodes, const struct node *node, const char *address)
{
	size_t i = index_of(nodes, node, address);

	return i == nodes->count ? NULL : nodes->told[i];
}

static struct listener *
take_out(struct nodes *nodes, size_t i)
{
	struct listener *listener = nodes->told[i];

	nodes->count--;
	memmove(&nodes->told[i], &nodes->told[i + 1], (nodes->count - i) * sizeof(nodes->told[0]));
	return listener;
}

static void
listener_free(struct listener *listener)
{
	ear_request_forget(listener->ear, listener);
	free(listener->address);
	free(listener->ours);
	free(listener);
}

bool
nodes_are_followed(struct ear *ear)
{
	return nodes_of(ear)->count > 0;
}

void
told_forget(struct nodes *nodes, struct listener *listener)
{
	size_t i = 0;

	while (nodes->told[i] != listener)
		i++;
	nodes_keep_no_more(listener);
	listener_free(take_out(nodes, i));
}

void
told_forget_all(struct nodes *nodes)
{
	while (nodes->count > 0)
		listener_free(take_out(nodes, nodes->count - 1));
}

/* A component has many addresses, and is to others whichever they chose; a direct stream says by
 * itself from whom. */
static char *
ours_of(const struct ear_in *in)
{
	char bare[EAR_JID_SIZE];

	if (in->link != EAR_LINK_SERVER || !presence_is_component(in->ear) || in->to == NULL ||
	    ear_jid_bare(in->to, bare, sizeof(bare)) != 0)
		return NULL;
	return xep_strdup(bare);
}

struct listener *
told_hear(struct nodes *nodes, const struct ear_in *in, const struct node *node,
	  const char *address)
{
	size_t i = index_of(nodes, node, address);
	struct listener *listener;

	if (i < nodes->count) {
		listener = take_out(nodes, i);
	} else {
		if (nodes->count == NODES_TOLD_MAX)
			told_forget(nodes, nodes->told[0]);
		listener = xep_alloc(sizeof(*listener));
		listener->ear = nodes->ear;
		listener->node = node;
	}
	nodes->told[nodes->count++] = listener;
	free(listener->address);
	free(listener->ours);
	listener->address = xep_strdup(address);
	listener->ours = ours_of(in);
	listener->link = in->link;
	listener->missed = false;
	listener->heard_at = ear_now(ear_clock(in->ear));
	listener->failing_since = 0;
	return listener;
}
