/* SPDX-License-Identifier: ISC */
/*
 * control.c: what programs of this machine's owner ask the engine itself (EAR_NS_CONTROL).
 *
 * Every request is an IQ without `to` (or to the engine's own address); the payload and its answer
 * are elements of EAR_NS_CONTROL. Booleans are "true" and "false", times are whole microseconds. An
 * attribute whose value is unknown is absent. `earshot --json` prints the same names with '_' for
 * '-', null for absent.
 *
 * get <peers [address='A'] [first='N']/>
 *     -> <peers first='N' total='M'>
 *          <peer address='juliet@pronto.local' [jid='juliet@example.org'] [name='Juliet']
 *                [status='avail|away|dnd'] [message='...'] in-earshot='true|false'
 *                [found='mdns|config|told']
 *                level='plain|keyed|proved|trusted' link='none|local|lan|server' [rtt-us='1234']
 *                [refused='its key is not the one it had']/>*
 *        </peers>
 *     Sorted by address. address: only that one, item-not-found when it is not known. An answer
 *     holds at most PAGE_ENTRIES entries, from number `first` (0 when absent) of `total`: ask again
 *     with first = first + entries until that is total.
 *
 * get <paths [to='A'] [first='N']/>
 *     -> <paths first='N' total='M'>
 *          <path to='juliet@pronto.local' address='juliet@pronto.local' link='lan'
 *                state='...' level='...' [rtt-us='1234'] [rttvar-us='55'] samples='7'
 *                [alive-us='250000'] [failure='...'] [found='told'] chosen='true|false'
 * [why='...']/>*
 *        </paths>
 *     Paged as peers; state as ear_path_state_name(); alive-us is the age of the last proof of
 * life. No path at all is an empty answer.
 *
 * get <xeps/>
 *     -> <xeps><xep number='0199' name='ping'><feature var='urn:xmpp:ping'/>*</xep>*</xeps>
 *
 * get <self/>
 *     -> <self version='0.1' caps='base64 of XEP-0115' [player='mpv|demo|none']>
 *          <address link='local|lan|server' address='tv@pronto.local'/>*
 *        </self>
 *     player is absent when none is configured, "none" when none is there now.
 *
 * get <metrics/>
 *     -> <metrics><text>the lines of ear_metrics()</text></metrics>
 *
 * set <watch/>, set <unwatch/>
 *     -> empty result. From then on the program gets, for every event, until it leaves or
 *     unwatches:
 *     <message type='headline'>
 *       <event xmlns='urn:earshot:control:0' [address='juliet@pronto.local']
 *              kind='peer-changed|peer-gone|path-changed|server-up|trust-changed|trust-ended|
 *                    stream-ended|own-key-changed|network-changed|player-changed'
 *              [link='none|local|lan|server' [jid='juliet@example.org'] [rtt-us='1234'] [why='...']
 *               [failed='lan' failure='...']]/>
 *     </message>
 *     Only with path-changed: link, the path now chosen, what it is called at the server, the
 *     path's round-trip time, why it was chosen, and which path does not work and why. Both may be
 *     repeated without harm. More than CONTROL_WATCHERS_MAX programs: resource-constraint.
 *
 * An address that is none: jid-malformed. `first` that is no number: bad-request.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include <earshot/ear.h>

#include "event.h"
#include "memory.h"
#include "page.h"

#define CONTROL_WATCHERS_MAX 64

extern const struct ear_xep ear_xep_control;

struct control {
	struct ear *ear;
	char *watchers[CONTROL_WATCHERS_MAX]; /* full addresses of programs */
	size_t count;
};

static void
set_text(xmpp_stanza_t *element, const char *name, const char *text)
{
	if (text != NULL && *text != '\0')
		ear_set(element, name, "%s", text);
}

static void
set_usec(xmpp_stanza_t *element, const char *name, int64_t usec)
{
	if (usec >= 0)
		ear_set(element, name, "%" PRId64, usec);
}

/* The canonical address in an attribute; *address is NULL when it is absent. Errors as
 * ear_jid_prep. On the LAN there are no resources; elsewhere each may be another device. */
static int
get_address(const struct ear_in *in, const char *attribute, char *out, const char **address)
{
	const char *text = xmpp_stanza_get_attribute(in->payload, attribute);
	int error;

	*address = text == NULL ? NULL : out;
	if (text == NULL)
		return 0;
	error = ear_jid_prep(text, out, EAR_JID_SIZE);
	if (error == 0 && ear_jid_is_lan(out))
		error = ear_jid_bare(text, out, EAR_JID_SIZE);
	return error;
}

static void
add_peer(void *arg, const struct ear_peer_info *peer)
{
	xmpp_stanza_t *element = page_add(arg, "peer");

	if (element == NULL)
		return;
	ear_set(element, "address", "%s", peer->address);
	set_text(element, "jid", peer->jid);
	set_text(element, "name", peer->name);
	set_text(element, "status", peer->status);
	set_text(element, "message", peer->message);
	ear_set_flag(element, "in-earshot", peer->in_earshot);
	set_text(element, "found", peer->found);
	ear_set(element, "level", "%s", ear_level_name(peer->level));
	ear_set(element, "link", "%s", ear_link_name(peer->link));
	set_usec(element, "rtt-us", peer->rtt_us);
	set_text(element, "refused", peer->refused);
}

static enum ear_verdict
on_peers(const struct ear_in *in)
{
	char canonical[EAR_JID_SIZE], bare[EAR_JID_SIZE];
	const char *address;
	struct page page;

	if (get_address(in, "address", canonical, &address) != 0)
		return EAR_JID_MALFORMED;
	if (page_open(&page, in, "peers") != 0)
		return ear_fail(in, EAR_BAD_REQUEST, "first is no number");
	ear_each_peer(in->ear, address, add_peer, &page);
	/* Who is known as an account may be asked for as a device of it. */
	if (address != NULL && page.total == 0 && ear_jid_bare(address, bare, sizeof(bare)) == 0)
		ear_each_peer(in->ear, bare, add_peer, &page);
	if (address != NULL && page.total == 0) {
		page_drop(&page);
		return ear_fail(in, EAR_ITEM_NOT_FOUND, "no such peer");
	}
	return page_reply(&page, in);
}

static void
add_path(void *arg, const struct ear_path_info *path)
{
	xmpp_stanza_t *element = page_add(arg, "path");

	if (element == NULL)
		return;
	ear_set(element, "to", "%s", path->to);
	ear_set(element, "address", "%s", path->address);
	ear_set(element, "link", "%s", ear_link_name(path->link));
	ear_set(element, "state", "%s", ear_path_state_name(path->state));
	ear_set(element, "level", "%s", ear_level_name(path->level));
	set_usec(element, "rtt-us", path->rtt_us);
	set_usec(element, "rttvar-us", path->rttvar_us);
	ear_set(element, "samples", "%u", path->samples);
	set_usec(element, "alive-us", path->alive_us);
	set_text(element, "failure", path->failure);
	set_text(element, "found", path->found);
	ear_set_flag(element, "chosen", path->chosen);
	set_text(element, "why", path->why);
}

static enum ear_verdict
on_paths(const struct ear_in *in)
{
	char canonical[EAR_JID_SIZE];
	const char *to;
	struct page page;

	if (get_address(in, "to", canonical, &to) != 0)
		return EAR_JID_MALFORMED;
	if (page_open(&page, in, "paths") != 0)
		return ear_fail(in, EAR_BAD_REQUEST, "first is no number");
	ear_each_path(in->ear, to, add_path, &page);
	return page_reply(&page, in);
}

static void
add_xep(xmpp_stanza_t *list, const struct ear_xep *xep)
{
	xmpp_stanza_t *element = ear_child(list, "xep", EAR_NS_CONTROL);

	ear_set(element, "number", "%s", xep->number);
	ear_set(element, "name", "%s", xep->name);
	for (size_t i = 0; xep->features != NULL && xep->features[i] != NULL; i++)
		ear_set(ear_child(element, "feature", EAR_NS_CONTROL), "var", "%s",
			xep->features[i]);
}

static enum ear_verdict
on_xeps(const struct ear_in *in)
{
	xmpp_stanza_t *list = ear_element(ear_ctx(in->ear), "xeps", EAR_NS_CONTROL);
	const struct ear_xep *const *xeps = ear_xeps(in->ear);

	for (size_t i = 0; xeps[i] != NULL; i++)
		add_xep(list, xeps[i]);
	return ear_reply(in, list);
}

static enum ear_verdict
on_self(const struct ear_in *in)
{
	static const enum ear_link_kind kinds[] = { EAR_LINK_LOCAL, EAR_LINK_LAN, EAR_LINK_SERVER };
	xmpp_stanza_t *self = ear_element(ear_ctx(in->ear), "self", EAR_NS_CONTROL);

	ear_set(self, "version", "%s", EAR_VERSION);
	ear_set(self, "caps", "%s", ear_caps_ver(in->ear));
	if (ear_player(in->ear) != NULL)
		ear_set(self, "player", "%s", ear_player_kind(ear_player(in->ear)));
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		const char *address = ear_self(in->ear, kinds[i]);
		xmpp_stanza_t *element;

		if (address == NULL)
			continue;
		element = ear_child(self, "address", EAR_NS_CONTROL);
		ear_set(element, "link", "%s", ear_link_name(kinds[i]));
		ear_set(element, "address", "%s", address);
	}
	return ear_reply(in, self);
}

static enum ear_verdict
on_metrics(const struct ear_in *in)
{
	xmpp_stanza_t *metrics = ear_element(ear_ctx(in->ear), "metrics", EAR_NS_CONTROL);
	char *text = ear_metrics(in->ear);

	ear_child_text(metrics, "text", EAR_NS_CONTROL, text);
	free(text);
	return ear_reply(in, metrics);
}

static size_t
watcher_find(const struct control *control, const char *program)
{
	size_t i;

	for (i = 0; i < control->count; i++)
		if (strcmp(control->watchers[i], program) == 0)
			break;
	return i;
}

static void
watcher_remove(struct control *control, size_t i)
{
	free(control->watchers[i]);
	control->watchers[i] = control->watchers[--control->count];
}

static enum ear_verdict
on_watch(const struct ear_in *in)
{
	struct control *control = ear_state(in->ear, &ear_xep_control);

	if (watcher_find(control, in->from) == control->count) {
		if (control->count == CONTROL_WATCHERS_MAX)
			return ear_fail(in, EAR_RESOURCE_CONSTRAINT, "%d programs watch already",
					CONTROL_WATCHERS_MAX);
		control->watchers[control->count++] = xep_strdup(in->from);
	}
	return ear_reply(in, NULL);
}

static enum ear_verdict
on_unwatch(const struct ear_in *in)
{
	struct control *control = ear_state(in->ear, &ear_xep_control);
	size_t i = watcher_find(control, in->from);

	if (i < control->count)
		watcher_remove(control, i);
	return ear_reply(in, NULL);
}

/* A watcher that cannot be sent to has left, or does not read: it would miss events unknowingly. */
static void
on_event(void *arg, const struct ear_event *event)
{
	struct control *control = arg;

	for (size_t i = control->count; i-- > 0;) {
		const char *program = control->watchers[i];
		int error = ear_send(control->ear, event_message(control->ear, program, event));

		if (error == 0)
			continue;
		ear_debug("%s: watches no more: %s", program, strerror(-error));
		watcher_remove(control, i);
	}
}

static int
start(struct ear *ear)
{
	struct control *control = xep_alloc(sizeof(*control));

	control->ear = ear;
	ear_set_state(ear, &ear_xep_control, control);
	ear_watch(ear, on_event, control);
	return 0;
}

static void
stop(struct ear *ear)
{
	struct control *control = ear_state(ear, &ear_xep_control);

	ear_unwatch(ear, on_event, control);
	ear_set_state(ear, &ear_xep_control, NULL);
	while (control->count > 0)
		watcher_remove(control, 0);
	free(control);
}

static const struct ear_rule rules[] = {
	{ EAR_IQ_GET, EAR_NS_CONTROL, "peers", on_peers, EAR_VERB_ADMIN },
	{ EAR_IQ_GET, EAR_NS_CONTROL, "paths", on_paths, EAR_VERB_ADMIN },
	{ EAR_IQ_GET, EAR_NS_CONTROL, "xeps", on_xeps, EAR_VERB_ADMIN },
	{ EAR_IQ_GET, EAR_NS_CONTROL, "self", on_self, EAR_VERB_ADMIN },
	{ EAR_IQ_GET, EAR_NS_CONTROL, "metrics", on_metrics, EAR_VERB_ADMIN },
	{ EAR_IQ_SET, EAR_NS_CONTROL, "watch", on_watch, EAR_VERB_ADMIN },
	{ EAR_IQ_SET, EAR_NS_CONTROL, "unwatch", on_unwatch, EAR_VERB_ADMIN },
	{ 0 },
};

/* No features: this is not for peers, so they are not told of it. */
const struct ear_xep ear_xep_control = {
	.number = "-",
	.name = "control",
	.rules = rules,
	.start = start,
	.stop = stop,
};
