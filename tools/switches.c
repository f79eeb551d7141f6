/* SPDX-License-Identifier: ISC */
/* switches.c: changes of the path, for people and as JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "switches.h"

static bool
is_about(xmpp_stanza_t *event, const char *attribute, const char *address)
{
	const char *value = xmpp_stanza_get_attribute(event, attribute);

	return value != NULL && ear_jid_bare_equal(value, address);
}

xmpp_stanza_t *
switch_of(xmpp_stanza_t *stanza, const char *address)
{
	xmpp_stanza_t *event = ear_find(stanza, "event", EAR_NS_CONTROL);
	const char *kind = event == NULL ? NULL : xmpp_stanza_get_attribute(event, "kind");

	if (kind == NULL || strcmp(kind, "path-changed") != 0)
		return NULL;
	if (address != NULL && !is_about(event, "address", address) &&
	    !is_about(event, "jid", address))
		return NULL;
	return event;
}

/* What does not work says more than that the rest is all there is. */
static char *
reason_of(xmpp_stanza_t *event)
{
	const char *failed = xmpp_stanza_get_attribute(event, "failed");
	const char *failure = xmpp_stanza_get_attribute(event, "failure");
	const char *why = xmpp_stanza_get_attribute(event, "why");

	if (failed != NULL && failure != NULL)
		return xasprintf(": %s failed: %s", failed, failure);
	return why == NULL ? xstrdup("") : xasprintf(": %s", why);
}

char *
switch_text(xmpp_stanza_t *event)
{
	const char *link = xmpp_stanza_get_attribute(event, "link");
	const char *rtt = xmpp_stanza_get_attribute(event, "rtt-us");
	char *reason = reason_of(event), *text, time[32];

	out_rtt(time, sizeof(time), rtt == NULL ? -1 : strtoll(rtt, NULL, 10));
	if (link == NULL || strcmp(link, "none") == 0)
		text = xasprintf("no path now%s", reason);
	else if (rtt == NULL)
		text = xasprintf("now by %s%s", link, reason);
	else
		text = xasprintf("now by %s (%s)%s", link, time, reason);
	free(reason);
	return text;
}

json_t *
switch_json(xmpp_stanza_t *event)
{
	static const char *const names[] = { "jid", "link", "rtt-us", "why", "failed", "failure" };
	json_t *object = json_object();

	json_put_text(object, "event", "path");
	json_put_text(object, "to", xmpp_stanza_get_attribute(event, "address"));
	cli_put_attributes(object, event, names, COUNT(names));
	return object;
}

int
switch_watch(struct cli *cli)
{
	struct answer answer;
	int code;

	cli_ask(cli, cli_control(cli, "set", "watch"), cli->args.timeout, &answer);
	code = answer.code;
	if (code != EXIT_DONE)
		cli_refused("daemon", &answer);
	answer_release(&answer);
	return code;
}
