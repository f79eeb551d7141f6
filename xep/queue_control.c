/* SPDX-License-Identifier: ISC */
/*
 * queue_control.c: what programs of this machine's owner ask about messages that outlive the engine
 * (EAR_NS_CONTROL; what holds for every request of it stands in control.c).
 *
 * A program has a message stored by <route xmlns='urn:earshot:control:0' queue='true'/> in it. It
 * is, and will leave when its destination can be reached, once a <flush/> that followed has been
 * answered without an error for that message.
 *
 * get <queue [to='A'] [first='N']/>
 *     -> <queue first='N' total='M'>
 *          <item id='Zk3w...' to='juliet@pronto.local' state='waiting|sent|failed' bytes='312'
 *                taken-at='1795000000' tries='2' [condition='service-unavailable'] [why='...']/>*
 *        </queue>
 *     In their order; to: only those for that address. sent: to somebody who may not confirm it,
 *     forgotten soon. condition, why: of the last try that came to nothing. Paged as peers.
 *
 * set <queue-drop who='A or id'/>
 *     -> <queue-drop count='N'/>; item-not-found when nothing is stored under that name.
 *
 * What is stored cannot be read: internal-server-error, with the file and a remedy in its text.
 */
#include <inttypes.h>

#include <earshot/ear.h>

#include "page.h"

static void
add_item(void *arg, const struct ear_queued *queued)
{
	xmpp_stanza_t *element = page_add(arg, "item");

	if (element == NULL)
		return;
	ear_set(element, "id", "%s", queued->id);
	ear_set(element, "to", "%s", queued->to);
	ear_set(element, "state", "%s", ear_queued_state_name(queued->state));
	ear_set(element, "bytes", "%zu", queued->bytes);
	ear_set(element, "taken-at", "%" PRId64, queued->taken_at);
	ear_set(element, "tries", "%u", queued->tries);
	if (queued->condition[0] != '\0')
		ear_set(element, "condition", "%s", queued->condition);
	if (queued->why[0] != '\0')
		ear_set(element, "why", "%s", queued->why);
}

/* On the LAN there are no resources. */
static int
canonical(const char *text, char out[EAR_JID_SIZE])
{
	int error = ear_jid_prep(text, out, EAR_JID_SIZE);

	return error == 0 && ear_jid_is_lan(out) ? ear_jid_bare(text, out, EAR_JID_SIZE) : error;
}

static enum ear_verdict
on_queue(const struct ear_in *in)
{
	const char *to = xmpp_stanza_get_attribute(in->payload, "to"), *error;
	char address[EAR_JID_SIZE];
	struct page page;

	if (to != NULL && canonical(to, address) != 0)
		return EAR_JID_MALFORMED;
	if (page_open(&page, in, "queue") != 0)
		return ear_fail(in, EAR_BAD_REQUEST, "first is no number");
	if (ear_each_queued(in->ear, to == NULL ? NULL : address, add_item, &page, &error) == 0)
		return page_reply(&page, in);
	page_drop(&page);
	return ear_fail(in, EAR_INTERNAL_SERVER_ERROR, "%s", error);
}

static enum ear_verdict
on_drop(const struct ear_in *in)
{
	const char *who = xmpp_stanza_get_attribute(in->payload, "who"), *error;
	char address[EAR_JID_SIZE];
	xmpp_stanza_t *answer;
	size_t count;
	int rc;

	if (who == NULL)
		return ear_fail(in, EAR_BAD_REQUEST, "which?");
	rc = ear_drop_queued(in->ear, who, &count, &error);
	if (rc == 0 && count == 0 && canonical(who, address) == 0)
		rc = ear_drop_queued(in->ear, address, &count, &error);
	if (rc != 0)
		return ear_fail(in, EAR_INTERNAL_SERVER_ERROR, "%s", error);
	if (count == 0)
		return ear_fail(in, EAR_ITEM_NOT_FOUND, "nothing is stored under that name");
	answer = ear_element(ear_ctx(in->ear), "queue-drop", EAR_NS_CONTROL);
	ear_set(answer, "count", "%zu", count);
	return ear_reply(in, answer);
}

static const struct ear_rule rules[] = {
	{ EAR_IQ_GET, EAR_NS_CONTROL, "queue", on_queue, EAR_VERB_ADMIN },
	{ EAR_IQ_SET, EAR_NS_CONTROL, "queue-drop", on_drop, EAR_VERB_ADMIN },
	{ 0 },
};

/* No features: this is not for peers, so they are not told of it. */
const struct ear_xep ear_xep_queue_control = {
	.number = "-",
	.name = "messages that outlive the engine, local",
	.rules = rules,
};
