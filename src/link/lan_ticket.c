/* SPDX-License-Identifier: ISC */
/* lan_ticket.c: the newest TLS ticket of each peer, by which its next stream is resumed; each is
 * used once (RFC 8446 §C.4). */
#include <stdlib.h>

#include "base/alloc.h"
#include "link/io.h"
#include "link/lan_impl.h"
#include "link/tls.h"

struct lan_ticket {
	struct list entry;
	char *address;
	struct tls_session *session;
	bool acks; /* it acknowledged stanzas */
};

static struct tls_session *
ticket_end(struct lan *lan, struct lan_ticket *ticket)
{
	struct tls_session *session = ticket->session;

	map_del(lan->tickets, ticket->address);
	list_del(&ticket->entry);
	free(ticket->address);
	free(ticket);
	return session;
}

struct tls_session *
lan_ticket_take(struct lan *lan, const char *address)
{
	struct lan_ticket *ticket = map_get(lan->tickets, address);

	return ticket == NULL ? NULL : ticket_end(lan, ticket);
}

bool
lan_ticket_has_acks(struct lan *lan, const char *address)
{
	const struct lan_ticket *ticket = map_get(lan->tickets, address);

	return ticket != NULL && ticket->acks;
}

void
lan_ticket_set_acks(struct lan *lan, const char *address)
{
	struct lan_ticket *ticket = map_get(lan->tickets, address);

	if (ticket != NULL)
		ticket->acks = true;
}

void
lan_ticket_drop(struct lan *lan, const char *address)
{
	struct tls_session *session = lan_ticket_take(lan, address);

	if (session != NULL)
		tls_session_free(session);
}

static struct lan_ticket *
oldest(struct lan *lan)
{
	return container_of(lan->ticket_ages.next, struct lan_ticket, entry);
}

/* Only of a stream whose key was accepted, and which is not being refused. */
void
lan_ticket_keep(struct lan_stream *ls)
{
	struct lan *lan = ls->lan;
	struct lan_ticket *ticket;
	struct tls_session *session;

	if (!ls->dialled || !ls->secured || !ls->open || ls->unconfirmed || ls->refused)
		return;
	session = tls_take_session(io_tls(stream_io(ls->stream)));
	if (session == NULL)
		return;
	lan_ticket_drop(lan, ls->link->link.peer);
	if (map_count(lan->tickets) == LAN_TICKETS_MAX)
		tls_session_free(ticket_end(lan, oldest(lan)));
	ticket = xalloc(sizeof(*ticket));
	ticket->address = xstrdup(ls->link->link.peer);
	ticket->session = session;
	ticket->acks = lan_acks_are_on(ls);
	list_add(&lan->ticket_ages, &ticket->entry);
	map_set(lan->tickets, ticket->address, ticket);
}

void
lan_ticket_drop_all(struct lan *lan)
{
	while (!list_is_empty(&lan->ticket_ages))
		tls_session_free(ticket_end(lan, oldest(lan)));
}
