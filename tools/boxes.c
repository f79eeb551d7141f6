/* SPDX-License-Identifier: ISC */
/* boxes.c: the list of boxes, kept up to date by what the daemon tells about its peers. */
#include <stdlib.h>
#include <string.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "boxes.h"

#define LIST_ANSWER  (5 * EAR_SEC)
#define INFO_ANSWER  (5 * EAR_SEC)
#define INFOS_MAX    8                /* questions for features under way */
#define REST         (200 * EAR_MSEC) /* after an event, for those that come with it */
#define AGAIN        (10 * EAR_SEC)   /* those that did not answer are asked again */
#define FEATURES_MAX 256              /* looked at in one answer */

struct boxes {
	struct cli *cli;
	struct asks *asks;
	void (*changed)(void *arg);
	void *arg;
	struct event *timer;
	struct box all[BOXES_MAX];
	size_t count;
	unsigned infos; /* under way */
	bool shown;     /* somebody looks at it */
	bool listing;   /* being read */
	bool stale;     /* changed meanwhile */
	char *selected; /* address; NULL: the first */
};

/* A question for features. */
struct info {
	struct boxes *boxes;
	char *address;
};

static void ask_infos(struct boxes *boxes);
static void ask_page(struct boxes *boxes, unsigned long first);

static void
schedule(struct boxes *boxes, int64_t usec)
{
	event_add(boxes->timer,
		  &(struct timeval){ .tv_sec = usec / EAR_SEC, .tv_usec = usec % EAR_SEC });
}

static struct box *
find(struct boxes *boxes, const char *address)
{
	for (size_t i = 0; i < boxes->count; i++)
		if (strcmp(boxes->all[i].address, address) == 0)
			return &boxes->all[i];
	return NULL;
}

/* Those that take buttons, those that may, the others; each by address. */
static int
rank_of(enum box_state state)
{
	switch (state) {
	case BOX_YES:
		return 0;
	case BOX_UNKNOWN:
		return 1;
	case BOX_NO:
		return 2;
	case BOX_AWAY:
		return 3;
	}
	return 4;
}

static int
compare(const void *a, const void *b)
{
	const struct box *x = a, *y = b;
	int difference = rank_of(x->state) - rank_of(y->state);

	return difference != 0 ? difference : strcmp(x->address, y->address);
}

static void
changed(struct boxes *boxes)
{
	qsort(boxes->all, boxes->count, sizeof(boxes->all[0]), compare);
	boxes->changed(boxes->arg);
}

static void
box_release(struct box *box)
{
	free(box->address);
	free(box->name);
	free(box->why);
}

static void
box_set(struct box *box, enum box_state state, const char *why)
{
	box->state = state;
	xreplace(&box->why, why);
}

/* --- features ----------------------------------------------------------------------------- */

static bool
has_feature(xmpp_stanza_t *query, const char *name)
{
	size_t looked_at = 0;

	for (xmpp_stanza_t *e = ear_first(query); e != NULL && looked_at < FEATURES_MAX;
	     e = ear_next(e), looked_at++) {
		const char *var = xmpp_stanza_get_attribute(e, "var");

		if (ear_is(e, "feature", EAR_NS_DISCO_INFO) && var != NULL &&
		    strcmp(var, name) == 0)
			return true;
	}
	return false;
}

static void
take_info(struct box *box, const struct answer *answer)
{
	xmpp_stanza_t *query = answer->code == EXIT_DONE
				       ? ear_find(answer->stanza, "query", EAR_NS_DISCO_INFO)
				       : NULL;
	char *reason;

	if (query != NULL) {
		bool takes = has_feature(query, EAR_NS_BUTTONS);

		box_set(box, takes ? BOX_YES : BOX_NO, takes ? NULL : "takes no buttons");
		box->told = true;
	} else if (answer->stanza != NULL && answer->code != EXIT_DONE) {
		reason = cli_reason("", answer);
		box_set(box, BOX_NO, reason == NULL ? "refused" : reason + 2);
		free(reason);
	} else {
		box_set(box, BOX_NO, "does not answer");
	}
}

static void
on_info(void *arg, const struct answer *answer)
{
	struct info *info = arg;
	struct boxes *boxes = info->boxes;
	struct box *box = find(boxes, info->address);

	boxes->infos--;
	if (box != NULL && box->asking) {
		box->asking = false;
		if (box->state != BOX_AWAY)
			take_info(box, answer);
		changed(boxes);
	}
	free(info->address);
	free(info);
	ask_infos(boxes);
}

static int
ask_info(struct boxes *boxes, struct box *box)
{
	xmpp_stanza_t *iq = ear_stanza(boxes->cli->ctx, "iq", "get", box->address, NULL);
	struct info *info = xalloc(sizeof(*info));
	int rc;

	ear_child(iq, "query", EAR_NS_DISCO_INFO);
	info->boxes = boxes;
	info->address = xstrdup(box->address);
	rc = asks_send(boxes->asks, iq, INFO_ANSWER, on_info, info);
	if (rc != 0) {
		free(info->address);
		free(info);
		return rc;
	}
	box->due = false;
	box->asking = true;
	boxes->infos++;
	return 0;
}

static void
ask_infos(struct boxes *boxes)
{
	for (size_t i = 0; i < boxes->count && boxes->infos < INFOS_MAX; i++)
		if (boxes->all[i].due && !boxes->all[i].asking &&
		    ask_info(boxes, &boxes->all[i]) != 0)
			return;
}

/* --- the listing -------------------------------------------------------------------------- */

static struct box *
add(struct boxes *boxes, const char *address)
{
	struct box *box = find(boxes, address);

	if (box != NULL || boxes->count == BOXES_MAX)
		return box;
	box = &boxes->all[boxes->count++];
	*box = (struct box){ .address = xstrdup(address), .state = BOX_AWAY };
	return box;
}

static void
take_peer(struct boxes *boxes, xmpp_stanza_t *peer)
{
	const char *address = xmpp_stanza_get_attribute(peer, "address");
	const char *link = xmpp_stanza_get_attribute(peer, "link");
	const char *level = xmpp_stanza_get_attribute(peer, "level");
	const char *rtt = xmpp_stanza_get_attribute(peer, "rtt-us");
	const char *refused = xmpp_stanza_get_attribute(peer, "refused");
	struct box *box = address == NULL ? NULL : add(boxes, address);
	bool reached = link != NULL && strcmp(link, "none") != 0;

	if (box == NULL)
		return;
	box->seen = true;
	xreplace(&box->name, xmpp_stanza_get_attribute(peer, "name"));
	copy_text(box->link, sizeof(box->link), link == NULL ? "" : link);
	copy_text(box->level, sizeof(box->level), level == NULL ? "" : level);
	box->rtt_us = rtt == NULL ? -1 : strtoll(rtt, NULL, 10);
	if (refused != NULL)
		box_set(box, BOX_AWAY, refused);
	else if (!reached)
		box_set(box, BOX_AWAY, "not in earshot");
	else if (box->state == BOX_AWAY)
		box_set(box, BOX_UNKNOWN, NULL);
	box->told = box->told && box->state != BOX_AWAY;
	/* One that did not answer has been started since, or let us in. */
	box->due = box->state == BOX_UNKNOWN || (box->state == BOX_NO && !box->told);
}

/* Those that the whole listing did not name are gone. */
static void
end_listing(struct boxes *boxes)
{
	size_t kept = 0;

	for (size_t i = 0; i < boxes->count; i++) {
		if (boxes->all[i].seen)
			boxes->all[kept++] = boxes->all[i];
		else
			box_release(&boxes->all[i]);
	}
	boxes->count = kept;
	boxes->listing = false;
	changed(boxes);
	ask_infos(boxes);
	schedule(boxes, boxes->stale ? REST : AGAIN);
}

static void
on_page(void *arg, const struct answer *answer)
{
	struct boxes *boxes = arg;
	xmpp_stanza_t *peers = answer->code == EXIT_DONE
				       ? ear_find(answer->stanza, "peers", EAR_NS_CONTROL)
				       : NULL;
	const char *total = peers == NULL ? NULL : xmpp_stanza_get_attribute(peers, "total");
	const char *first = peers == NULL ? NULL : xmpp_stanza_get_attribute(peers, "first");
	unsigned long at = first == NULL ? 0 : strtoul(first, NULL, 10), begin = at;

	if (peers == NULL) {
		boxes->listing = false;
		schedule(boxes, AGAIN);
		return;
	}
	for (xmpp_stanza_t *e = ear_first(peers); e != NULL; e = ear_next(e), at++)
		if (ear_is(e, "peer", EAR_NS_CONTROL))
			take_peer(boxes, e);
	if (at > begin && total != NULL && at < strtoul(total, NULL, 10))
		ask_page(boxes, at);
	else
		end_listing(boxes);
}

static void
ask_page(struct boxes *boxes, unsigned long first)
{
	xmpp_stanza_t *iq = cli_control(boxes->cli, "get", "peers");

	if (first > 0)
		ear_set(ear_first(iq), "first", "%lu", first);
	boxes->listing = asks_send(boxes->asks, iq, LIST_ANSWER, on_page, boxes) == 0;
}

void
boxes_refresh(struct boxes *boxes)
{
	if (!boxes->shown)
		return;
	boxes->stale = boxes->listing;
	if (boxes->listing)
		return;
	for (size_t i = 0; i < boxes->count; i++)
		boxes->all[i].seen = false;
	ask_page(boxes, 0);
}

void
boxes_show(struct boxes *boxes, bool shown)
{
	boxes->shown = shown;
	boxes_refresh(boxes);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	boxes_refresh(arg);
}

void
boxes_take(struct boxes *boxes, xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *event = ear_find(stanza, "event", EAR_NS_CONTROL);
	const char *kind = event == NULL ? NULL : xmpp_stanza_get_attribute(event, "kind");

	if (kind != NULL &&
	    (strcmp(kind, "peer-changed") == 0 || strcmp(kind, "peer-gone") == 0 ||
	     strcmp(kind, "path-changed") == 0 || strcmp(kind, "trust-changed") == 0))
		schedule(boxes, REST);
}

/* --- for the screen ------------------------------------------------------------------------ */

const struct box *
boxes_get(const struct boxes *boxes, size_t i)
{
	return i < boxes->count ? &boxes->all[i] : NULL;
}

const struct box *
boxes_find(const struct boxes *boxes, const char *address)
{
	return find((struct boxes *)boxes, address);
}

size_t
boxes_selected(const struct boxes *boxes)
{
	for (size_t i = 0; boxes->selected != NULL && i < boxes->count; i++)
		if (strcmp(boxes->all[i].address, boxes->selected) == 0)
			return i;
	return 0;
}

void
boxes_move(struct boxes *boxes, int by)
{
	size_t at = boxes_selected(boxes);

	if (boxes->count == 0)
		return;
	if (by < 0)
		at = at > 0 ? at - 1 : 0;
	else if (at + 1 < boxes->count)
		at++;
	xreplace(&boxes->selected, boxes->all[at].address);
}

struct boxes *
boxes_new(struct cli *cli, struct asks *asks, void (*fn)(void *arg), void *arg)
{
	struct boxes *boxes = xalloc(sizeof(*boxes));

	boxes->cli = cli;
	boxes->asks = asks;
	boxes->changed = fn;
	boxes->arg = arg;
	boxes->timer = evtimer_new(cli->base, on_timer, boxes);
	if (boxes->timer == NULL)
		abort();
	return boxes;
}

/* The questions under way belong to asks, which has been ended. */
void
boxes_free(struct boxes *boxes)
{
	if (boxes == NULL)
		return;
	for (size_t i = 0; i < boxes->count; i++)
		box_release(&boxes->all[i]);
	free(boxes->selected);
	event_free(boxes->timer);
	free(boxes);
}
