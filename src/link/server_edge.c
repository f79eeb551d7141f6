/* SPDX-License-Identifier: ISC */
/* server_edge.c: addresses on the way to and from the server. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <earshot/jid.h>
#include <earshot/log.h>

#include "base/alloc.h"
#include "link/server_impl.h"
#include "wire/writer.h"

/* Whether an address is one that a component may send from: in its domain. */
static bool
is_ours(const struct server *server, const char *address)
{
	char canonical[EAR_JID_SIZE], domain[EAR_JID_SIZE];
	struct ear_jid parts;

	if (address == NULL || ear_jid_prep(address, canonical, sizeof(canonical)) != 0 ||
	    ear_jid_parse(canonical, &parts) != 0)
		return false;
	memcpy(domain, parts.domain, parts.domain_len);
	domain[parts.domain_len] = '\0';
	return strcmp(domain, server->domain) == 0;
}

static bool
is_address(const char *address)
{
	char canonical[EAR_JID_SIZE];

	return address != NULL && ear_jid_prep(address, canonical, sizeof(canonical)) == 0;
}

/*
 * XEP-0114 wants `from` on everything and ends the stream otherwise; an account's server stamps it
 * itself (RFC 6120 §8.1.2.1). The stanza is as it was afterwards: when it does not arrive, it goes
 * back.
 */
int
server_edge_out(struct server *server, xmpp_stanza_t *stanza, struct evbuffer *out)
{
	char *from = xstrdup(xmpp_stanza_get_from(stanza));
	const char *to = xmpp_stanza_get_to(stanza);
	int error;

	if (!is_address(to) && (server->component || to != NULL)) {
		free(from);
		return -EINVAL;
	}
	if (!server->component)
		xmpp_stanza_del_attribute(stanza, "from");
	else if (!is_ours(server, from))
		xmpp_stanza_set_from(stanza, server->link.self);
	error = writer_stanza(out, stanza, SERVER_SEND_MAX);
	if (from != NULL)
		xmpp_stanza_set_from(stanza, from);
	else
		xmpp_stanza_del_attribute(stanza, "from");
	free(from);
	return error;
}

bool
server_edge_in(struct server *server, xmpp_stanza_t *stanza)
{
	const char *from = xmpp_stanza_get_from(stanza);
	char canonical[EAR_JID_SIZE];
	int error;

	/* RFC 6120 §8.1.2.1: without `from` it comes from the account itself. */
	if (from == NULL && !server->component)
		error = ear_jid_bare(server->link.self, canonical, sizeof(canonical));
	else if (from == NULL)
		error = -EINVAL;
	else
		error = ear_jid_prep(from, canonical, sizeof(canonical));
	if (error != 0) {
		ear_warn("%s: dropped a %s: its sender '%s' is no address", server->link.peer,
			 xmpp_stanza_get_name(stanza), from != NULL ? from : "");
		return false;
	}
	xmpp_stanza_set_from(stanza, canonical);
	link_strip_control(stanza);
	return true;
}
