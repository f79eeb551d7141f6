/* SPDX-License-Identifier: ISC */
/* parties.h: what we, and whom we deal with, are called on the paths between us. */
#ifndef TOOLS_PARTIES_H
#define TOOLS_PARTIES_H

#include <stdbool.h>
#include <stddef.h>

#include <earshot/ear.h>

#define PARTIES_NAMES_MAX 8 /* that the other side is known by */
#define PARTIES_OURS_MAX  3 /* one for each kind of link */

struct parties {
	const char *address; /* of the other side, as the user has it; borrowed */
	char *names[PARTIES_NAMES_MAX];
	size_t name_count;
	char *ours[PARTIES_OURS_MAX];
	enum ear_link_kind kinds[PARTIES_OURS_MAX]; /* of ours */
	size_t our_count, best;
	enum ear_link_kind
		link; /* of the path that is taken; EAR_LINK_LOCAL: it is our own engine */
};

void parties_init(struct parties *parties, const char *address);
void parties_release(struct parties *parties);

/* Answers of the engine: to <self/>, with our address as a program of it; then to <paths/> of that
 * address. */
void parties_take_self(struct parties *parties, xmpp_stanza_t *answer, const char *program);
void parties_take_paths(struct parties *parties, xmpp_stanza_t *answer);

/* Our name for the path that is taken, or with tried > 0 another one; our_count of them. */
const char *parties_ours(const struct parties *parties, size_t tried);

/* Whether that address (NULL: no) is one of ours, or of the other side. */
bool parties_is_us(const struct parties *parties, const char *address);
bool parties_is_other(const struct parties *parties, const char *address);

#endif
