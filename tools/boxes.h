/* SPDX-License-Identifier: ISC */
/* boxes.h: the boxes that may be controlled: the daemon's peers, and which of them say by service
 * discovery (XEP-0030) that they take buttons. */
#ifndef TOOLS_BOXES_H
#define TOOLS_BOXES_H

#include "asks.h"

#define BOXES_MAX 256

enum box_state {
	BOX_AWAY,    /* no path to it now; why tells more */
	BOX_UNKNOWN, /* it has not answered yet */
	BOX_YES,     /* it takes buttons */
	BOX_NO,      /* it does not, or does not tell us; why tells more */
};

struct box {
	char *address, *name; /* name NULL: it has none */
	char link[16], level[16];
	int64_t rtt_us;
	enum box_state state;
	char *why;
	bool told;        /* it answered */
	bool due, asking; /* its features are to be asked for, are being asked for */
	bool seen;        /* in the listing that is being read */
};

struct boxes;

/* changed: the list is another one now; from the event loop. */
struct boxes *boxes_new(struct cli *cli, struct asks *asks, void (*changed)(void *arg), void *arg);
void boxes_free(struct boxes *boxes);

/* Whether somebody looks at the list: only then the daemon is asked for its peers, and those for
 * their features. */
void boxes_show(struct boxes *boxes, bool shown);

/* After the daemon came back. */
void boxes_refresh(struct boxes *boxes);

/* Looks at what cli_listen() brought: peers come and go. */
void boxes_take(struct boxes *boxes, xmpp_stanza_t *stanza);

/* Number i of the list, those that take buttons first; NULL: no more. Borrowed until the list
 * changes. */
const struct box *boxes_get(const struct boxes *boxes, size_t i);

/* That with the address; NULL: none. */
const struct box *boxes_find(const struct boxes *boxes, const char *address);

/* The selection, and moving it; it stays with its box when the list changes. */
size_t boxes_selected(const struct boxes *boxes);
void boxes_move(struct boxes *boxes, int by);

#endif
