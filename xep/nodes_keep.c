/* SPDX-License-Identifier: ISC */
/*
 * nodes_keep.c: subscriptions that outlive us: those through the server, whose clients subscribe
 * once and for all (XEP-0060 §6.1). On the LAN, and on this machine, who follows sees that we were
 * away.
 *
 *	node NODE OURS ADDRESS = proved      subscribed, when we were that sure of him; OURS
 *	                                     "-": none
 */
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "nodes_impl.h"

#define PREFIX   "node "
#define KEY_SIZE (2 * EAR_JID_SIZE + 128)

static void
key_of(const struct listener *listener, char *key)
{
	snprintf(key, KEY_SIZE, PREFIX "%s %s %s", listener->node->name,
		 listener->ours == NULL ? "-" : listener->ours, listener->address);
}

void
nodes_keep(const struct listener *listener, enum ear_level level)
{
	char key[KEY_SIZE];

	if (listener->link != EAR_LINK_SERVER)
		return;
	key_of(listener, key);
	/* Without room on the disk or in it he is told as long as we run. */
	ear_keep(listener->ear, key, ear_level_name(level));
}

void
nodes_keep_no_more(const struct listener *listener)
{
	char key[KEY_SIZE];

	if (listener->link != EAR_LINK_SERVER || !listener->subscribed)
		return;
	key_of(listener, key);
	ear_keep(listener->ear, key, NULL);
}

/* Cuts the next word off. */
static char *
word(char **text)
{
	char *start = *text;

	*text += strcspn(start, " ");
	if (**text == ' ')
		*(*text)++ = '\0';
	return start;
}

static enum ear_level
level_of(const char *name)
{
	for (int level = EAR_TRUSTED; level > EAR_PLAIN; level--)
		if (strcmp(ear_level_name(level), name) == 0)
			return level;
	return EAR_PLAIN;
}

static void
load_one(void *arg, const char *key, const char *text)
{
	struct nodes *nodes = arg;
	char *copy = xep_strdup(key + strlen(PREFIX)), *rest = copy;
	const char *name = word(&rest), *ours = word(&rest);
	const struct node *node = nodes_find(name);
	struct ear_in in = { .ear = nodes->ear,
			     .to = strcmp(ours, "-") == 0 ? NULL : ours,
			     .level = level_of(text),
			     .link = EAR_LINK_SERVER };
	char address[EAR_JID_SIZE];

	if (node != NULL && ear_may(&in, node->verb) &&
	    ear_jid_prep(rest, address, sizeof(address)) == 0) {
		struct listener *listener = told_hear(nodes, &in, node, address);

		listener->subscribed = listener->missed = true;
	}
	free(copy);
}

void
nodes_load(struct nodes *nodes)
{
	ear_each_kept(nodes->ear, PREFIX, load_one, nodes);
}
