/* SPDX-License-Identifier: ISC */
/* remote.c: what the remote control knows of its box: the state, the path, what went wrong. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "boxes.h"
#include "remote.h"
#include "switches.h"

#define PATH_EVERY  (2 * EAR_SEC)
#define PATH_ANSWER (5 * EAR_SEC)

void
remote_say(struct remote *remote, bool is_bad, const char *format, ...)
{
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) == -1)
		abort();
	va_end(args);
	free(remote->message);
	remote->message = text;
	remote->is_bad = is_bad;
	remote->message_until = cli_now() + REMOTE_MESSAGE;
	remote->dirty = true;
}

/* The address stands at the foot of the screen: it need not be in every message. */
static const char *
without_address(const struct remote *remote, const char *reason)
{
	size_t length = remote->address == NULL ? 0 : strlen(remote->address);

	if (length > 0 && strncmp(reason, remote->address, length) == 0 && reason[length] == ':')
		return reason + length + 1 + (reason[length + 1] == ' ');
	return reason;
}

static char *
reason_of(const struct remote *remote, const struct answer *answer)
{
	char *reason, *text;

	if (answer->stanza == NULL)
		return answer->code == EXIT_TIMEOUT ? xstrdup("no answer in time")
						    : xstrdup("the daemon left");
	reason = cli_reason(remote->address, answer);
	text = xstrdup(reason == NULL ? "no answer" : without_address(remote, reason));
	free(reason);
	return text;
}

void
remote_say_refusal(struct remote *remote, const char *what, const struct answer *answer)
{
	char *reason = reason_of(remote, answer);

	remote_say(remote, true, "%s: %s", what, reason);
	free(reason);
}

/* --- the state ---------------------------------------------------------------------------- */

void
remote_take_state(struct remote *remote, xmpp_stanza_t *state, enum ear_link_kind link)
{
	remote->link = link;
	remote->has_view = player_view_read(&remote->view, state) == 0;
	xreplace(&remote->trouble, remote->has_view ? NULL : "its answer tells no player's state");
	remote->dirty = true;
}

static void
on_state(void *arg, xmpp_stanza_t *state, const struct answer *answer)
{
	struct remote *remote = arg;

	if (state != NULL) {
		remote_take_state(remote, state, answer->link);
		return;
	}
	free(remote->trouble);
	remote->trouble = reason_of(remote, answer);
	remote->has_view = false;
	remote->dirty = true;
}

/* --- the path ----------------------------------------------------------------------------- */

static void
add_trouble(struct remote_path *path, const char *link, const char *failure)
{
	size_t length = strlen(path->trouble);

	snprintf(path->trouble + length, sizeof(path->trouble) - length, "%s%s: %s",
		 length == 0 ? "" : "; ", link, failure);
}

static void
take_path(struct remote_path *path, xmpp_stanza_t *row)
{
	const char *link = xmpp_stanza_get_attribute(row, "link");
	const char *level = xmpp_stanza_get_attribute(row, "level");
	const char *rtt = xmpp_stanza_get_attribute(row, "rtt-us");
	const char *chosen = xmpp_stanza_get_attribute(row, "chosen");
	const char *failure = xmpp_stanza_get_attribute(row, "failure");

	if (link == NULL)
		return;
	if (chosen != NULL && strcmp(chosen, "true") == 0) {
		copy_text(path->link, sizeof(path->link), link);
		copy_text(path->level, sizeof(path->level), level == NULL ? "" : level);
		path->rtt_us = rtt == NULL ? -1 : strtoll(rtt, NULL, 10);
	} else if (failure != NULL) {
		add_trouble(path, link, failure);
	}
}

static void
on_paths(void *arg, const struct answer *answer)
{
	struct remote *remote = arg;
	xmpp_stanza_t *paths = answer->code == EXIT_DONE
				       ? ear_find(answer->stanza, "paths", EAR_NS_CONTROL)
				       : NULL;

	if (paths == NULL || remote->address == NULL)
		return;
	remote->path = (struct remote_path){ .rtt_us = -1 };
	for (xmpp_stanza_t *row = ear_first(paths); row != NULL; row = ear_next(row))
		if (ear_is(row, "path", EAR_NS_CONTROL))
			take_path(&remote->path, row);
	remote->dirty = true;
}

void
remote_look_at_path(struct remote *remote)
{
	xmpp_stanza_t *iq;

	if (remote->address == NULL || cli_now() < remote->path_at)
		return;
	remote->path_at = cli_now() + PATH_EVERY;
	iq = cli_control(remote->cli, "get", "paths");
	ear_set(ear_first(iq), "to", "%s", remote->address);
	asks_send(remote->asks, iq, PATH_ANSWER, on_paths, remote);
}

static void
on_switch(struct remote *remote, xmpp_stanza_t *event)
{
	char *text = switch_text(event);

	remote_say(remote, false, "%s", text);
	free(text);
	remote->path_at = 0;
}

void
remote_on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct remote *remote = arg;

	if (asks_take(remote->asks, stanza))
		return;
	if (remote->follow != NULL && follow_take(remote->follow, stanza))
		return;
	boxes_take(remote->boxes, stanza);
	if (remote->address != NULL && switch_of(stanza, remote->address) != NULL)
		on_switch(remote, switch_of(stanza, remote->address));
}

/* --- the box ------------------------------------------------------------------------------ */

static void
forget(struct remote *remote)
{
	follow_free(remote->follow);
	remote->follow = NULL;
	remote->has_view = false;
	xreplace(&remote->trouble, NULL);
	remote->path = (struct remote_path){ .rtt_us = -1 };
	remote->path_at = 0;
	remote->dirty = true;
}

static void
start(struct remote *remote)
{
	if (remote->address != NULL)
		remote->follow = follow_new(remote->cli, remote->address, on_state, remote);
}

void
remote_choose(struct remote *remote, const char *address, const char *name)
{
	forget(remote);
	xreplace(&remote->address, address);
	xreplace(&remote->name, name);
	xreplace(&remote->message, NULL);
	remote->box++;
	remote->page = REMOTE_PLAYER;
	start(remote);
}

/* What it calls itself, when the user gave its address. */
static void
on_peer(void *arg, const struct answer *answer)
{
	struct remote *remote = arg;
	xmpp_stanza_t *peers = answer->code == EXIT_DONE
				       ? ear_find(answer->stanza, "peers", EAR_NS_CONTROL)
				       : NULL;
	xmpp_stanza_t *peer = peers == NULL ? NULL : ear_find(peers, "peer", NULL);
	const char *address = peer == NULL ? NULL : xmpp_stanza_get_attribute(peer, "address");

	if (address == NULL || remote->address == NULL ||
	    !ear_jid_bare_equal(address, remote->address))
		return;
	xreplace(&remote->name, xmpp_stanza_get_attribute(peer, "name"));
	remote->dirty = true;
}

static void
ask_name(struct remote *remote)
{
	xmpp_stanza_t *iq = cli_control(remote->cli, "get", "peers");

	ear_set(ear_first(iq), "address", "%s", remote->address);
	asks_send(remote->asks, iq, PATH_ANSWER, on_peer, remote);
}

static void
on_watch(void *arg, const struct answer *answer)
{
	if (answer->code != EXIT_DONE && answer->stanza != NULL)
		remote_say_refusal(arg, "daemon", answer);
}

void
remote_begin(struct remote *remote)
{
	asks_send(remote->asks, cli_control(remote->cli, "set", "watch"), PATH_ANSWER, on_watch,
		  remote);
	boxes_refresh(remote->boxes);
	if (remote->address != NULL)
		ask_name(remote);
	start(remote);
	remote->path_at = 0;
	remote->dirty = true;
}

void
remote_end(struct remote *remote)
{
	forget(remote);
	asks_end(remote->asks);
	xreplace(&remote->message, NULL);
	xreplace(&remote->trouble, "the daemon of this machine left; waiting for it");
	remote->dirty = true;
}
