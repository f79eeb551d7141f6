/* SPDX-License-Identifier: ISC */
/* lan_close.c: the end of a conversation: in good order, refused, or given up. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "link/lan_impl.h"

/* Those that are over come first in the list of all. */
void
lan_link_become_over(struct lan_link *l)
{
	l->over = true;
	list_del(&l->entry);
	list_add(l->lan->all.next, &l->entry);
	lan_soon(l->lan);
}

void
lan_link_finish(struct lan_link *l)
{
	if (map_get(l->lan->links, l->link.peer) == l)
		map_del(l->lan->links, l->link.peer);
	/* Of one that was refused there may be streams left, which deliver nothing any more. */
	while (!list_is_empty(&l->streams)) {
		struct lan_stream *ls = container_of(l->streams.next, struct lan_stream, entry);

		lan_queue_return_sent(l, ls);
		lan_stream_free(ls, NULL);
	}
	lan_queue_return(l);
	link_enter(&l->link, LINK_DOWN);
	if (l->closing)
		l->error = l->refused;
	l->link.events->down(l->link.owner, &l->link, l->error,
			     l->failure != NULL ? l->failure : "closed");
	lan_link_free(l);
}

void
lan_link_begin_close(struct lan_link *l)
{
	struct list *at, *spare;

	if (l->closing || l->over)
		return;
	if (l->out != NULL)
		lan_queue_flush(l);
	l->closing = true;
	l->out = NULL;
	ear_timer_stop(&l->hold);
	lan_link_drop_dial(l);
	link_enter(&l->link, LINK_CLOSING);
	list_each (at, spare, &l->streams)
		lan_stream_close(container_of(at, struct lan_stream, entry));
	if (list_is_empty(&l->streams)) {
		lan_link_become_over(l);
	}
}

/* Nothing that arrives is delivered any more; the rest waits for the loop. */
static void
begin_end(struct lan_link *l, int error, const char *text)
{
	l->refused = l->error = error;
	xreplace(&l->failure, text);
	l->closing = true;
	l->out = NULL;
	ear_timer_stop(&l->hold);
	lan_link_drop_dial(l);
	link_enter(&l->link, LINK_CLOSING);
}

static void
end_stream(struct lan_stream *ls)
{
	list_del(&ls->wait);
	ear_timer_stop(&ls->patience);
	ls->refused = true;
}

/* RFC 6120 §4.9.3.12. */
void
lan_refuse(struct link *link, int error, const char *text)
{
	struct lan_link *l = (struct lan_link *)link;
	struct list *at, *spare;

	if (l->over || list_is_empty(&l->entry))
		return;
	lan_ticket_drop(l->lan, link->peer);
	begin_end(l, error, text);
	list_each (at, spare, &l->streams) {
		struct lan_stream *ls = container_of(at, struct lan_stream, entry);

		end_stream(ls);
		stream_fail(ls->stream, "not-authorized", error, text);
	}
	lan_link_become_over(l);
}

/* What the kernel has not sent yet must not arrive late: it goes another way. */
void
lan_link_abandon(struct link *link, int error, const char *text)
{
	struct lan_link *l = (struct lan_link *)link;
	struct list *at, *spare;

	if (l->over || list_is_empty(&l->entry))
		return;
	begin_end(l, error, text);
	list_each (at, spare, &l->streams) {
		struct lan_stream *ls = container_of(at, struct lan_stream, entry);

		end_stream(ls);
		stream_abort(ls->stream);
	}
	lan_link_become_over(l);
}

static void
end_all(struct lan_link *l)
{
	while (!list_is_empty(&l->streams))
		lan_link_stream_ended(l, container_of(l->streams.next, struct lan_stream, entry), 0,
				      "closed");
}

/* A peer that opens and ends streams faster than their closing takes would have as many as it
 * likes. */
void
lan_link_end_old(struct lan *lan, const char *address)
{
	struct lan_link *oldest = NULL;
	struct list *at, *spare;
	size_t count = 0;

	if (map_get(lan->links, address) == NULL)
		return;
	list_each (at, spare, &lan->all) {
		struct lan_link *l = container_of(at, struct lan_link, entry);

		if (l->over || strcmp(l->link.peer, address) != 0)
			continue;
		count++;
		if (oldest == NULL)
			oldest = l;
	}
	if (count >= LAN_PEER_CLOSING_MAX)
		end_all(oldest);
}
