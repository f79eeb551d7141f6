/* SPDX-License-Identifier: ISC */
/*
 * pubsub_event.c: what is told of a node (XEP-0060 §7.1.2, §7.2.2, §8), as text, which is what the
 * store keeps. A payload is rendered already and goes in as it is.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "forms.h"
#include "escape.h"
#include "memory.h"
#include "pubsub.h"

/* --- text --------------------------------------------------------------------------------- */

struct text {
	FILE *out;
	char *at;
	size_t size;
};

static void
text_open(struct text *text)
{
	*text = (struct text){ NULL };
	text->out = xep_check(open_memstream(&text->at, &text->size));
}

static char *
text_close(struct text *text)
{
	bool failed = fclose(text->out) != 0;

	return xep_check(failed ? NULL : text->at);
}

/* NULL: it is left out. */
static void
put_attribute(struct text *text, const char *name, const char *value)
{
	if (value == NULL)
		return;
	fprintf(text->out, " %s='", name);
	for (; *value != '\0'; value++) {
		const char *escape = escape_of(*value);

		if (escape != NULL)
			fputs(escape, text->out);
		else
			fputc(*value, text->out);
	}
	fputc('\'', text->out);
}

/* <event> and in it an element of that node, whose tag is left open for attributes. */
static void
put_begin(struct text *text, const char *name, const char *node)
{
	text_open(text);
	fprintf(text->out, "<event xmlns='" EAR_NS_PUBSUB_EVENT "'><%s", name);
	put_attribute(text, "node", node);
}

/* Closes both; inside NULL: the element is empty. */
static void
put_end(struct text *text, const char *name, const char *inside)
{
	if (inside == NULL)
		fputs("/>", text->out);
	else
		fprintf(text->out, ">%s</%s>", inside, name);
	fputs("</event>", text->out);
}

/* --- items (§7.1.2, §7.2.2) --------------------------------------------------------------- */

static void
put_item(struct text *text, const struct pubsub_item *item, bool with_payload)
{
	bool empty = !with_payload || item->payload == NULL || *item->payload == '\0';

	fputs("<item", text->out);
	put_attribute(text, "id", item->id);
	put_attribute(text, "publisher", item->publisher);
	if (empty)
		fputs("/>", text->out);
	else
		fprintf(text->out, ">%s</item>", item->payload);
}

/* XEP-0203, as §6.1.7 has it: beside the event; of several the date of the newest. */
static void
put_delay(struct text *text, const struct pubsub_item *items, size_t count)
{
	char stamp[EAR_STAMP_SIZE];
	bool delayed = false;
	int64_t at = 0;

	for (size_t i = 0; i < count; i++)
		if (items[i].delayed && (!delayed || items[i].at > at)) {
			at = items[i].at;
			delayed = true;
		}
	if (!delayed || !ear_stamp(at, stamp))
		return;
	fputs("<delay xmlns='" EAR_NS_DELAY "'", text->out);
	put_attribute(text, "stamp", stamp);
	fputs("/>", text->out);
}

char *
pubsub_event_items(struct ear *ear, const char *node, const struct pubsub_item *items, size_t count,
		   bool with_payload)
{
	struct text text;

	put_begin(&text, "items", node);
	fputs(count == 0 ? "/>" : ">", text.out);
	for (size_t i = 0; i < count; i++)
		put_item(&text, &items[i], with_payload);
	fputs(count == 0 ? "</event>" : "</items></event>", text.out);
	put_delay(&text, items, count);
	return text_close(&text);
}

/* As the one above, with what stands for the item. */
char *
pubsub_event_newest(struct ear *ear, const char *node, bool with_payload)
{
	static const struct pubsub_item newest = { .id = EAR_NEWEST_ITEM,
						   .payload = EAR_NEWEST_PAYLOAD,
						   .publisher = EAR_NEWEST_PUBLISHER };
	struct text text;

	put_begin(&text, "items", node);
	fputc('>', text.out);
	put_item(&text, &newest, with_payload);
	fputs("</items></event><delay xmlns='" EAR_NS_DELAY "' stamp='" EAR_NEWEST_AT "'/>",
	      text.out);
	return text_close(&text);
}

char *
pubsub_event_retract(struct ear *ear, const char *node, const char *const *ids, size_t count)
{
	struct text text;

	put_begin(&text, "items", node);
	fputc('>', text.out);
	for (size_t i = 0; i < count; i++) {
		fputs("<retract", text.out);
		put_attribute(&text, "id", ids[i]);
		fputs("/>", text.out);
	}
	fputs("</items></event>", text.out);
	return text_close(&text);
}

/* --- nodes (§8.2.5, §8.4.2, §8.5.2) ------------------------------------------------------- */

char *
pubsub_event_delete(struct ear *ear, const char *node, const char *redirect)
{
	struct text text;

	put_begin(&text, "delete", node);
	if (redirect == NULL) {
		put_end(&text, "delete", NULL);
		return text_close(&text);
	}
	fputs("><redirect", text.out);
	put_attribute(&text, "uri", redirect);
	fputs("/></delete></event>", text.out);
	return text_close(&text);
}

char *
pubsub_event_purge(struct ear *ear, const char *node)
{
	struct text text;

	put_begin(&text, "purge", node);
	put_end(&text, "purge", NULL);
	return text_close(&text);
}

char *
pubsub_event_configuration(struct ear *ear, const char *node, xmpp_stanza_t *form)
{
	char *inside = form == NULL ? NULL : ear_render(form, EAR_PAYLOAD_MAX);
	struct text text;

	put_begin(&text, "configuration", node);
	put_end(&text, "configuration", inside);
	free(inside);
	return text_close(&text);
}

/* --- subscriptions (§8.8.4, §8.6) --------------------------------------------------------- */

char *
pubsub_event_subscription(struct ear *ear, const char *node, const char *jid,
			  enum ear_subscription subscription)
{
	struct text text;

	put_begin(&text, "subscription", node);
	put_attribute(&text, "jid", jid);
	put_attribute(&text, "subscription", pubsub_subscription_name(subscription));
	put_end(&text, "subscription", NULL);
	return text_close(&text);
}

char *
pubsub_event_approve(struct ear *ear, const char *node, const char *jid)
{
	static const struct form_field fields[] = {
		{ "pubsub#node", FORM_TEXT, false, "Node ID" },
		{ "pubsub#subscriber_jid", FORM_TEXT, false, "Subscriber Address" },
		{ "pubsub#allow", FORM_BOOLEAN, false,
		  "Allow this JID to subscribe to this pubsub node?" },
	};
	xmpp_stanza_t *form =
		form_new(ear, PUBSUB_APPROVE, "PubSub subscriber request",
			 "To approve this entity's subscription request, set the last field to "
			 "true and submit the form. To leave it pending, cancel.");
	char *text;

	form_add(form, &fields[0], node);
	xmpp_stanza_set_type(form_add(form, &fields[1], jid), "jid-single");
	form_add(form, &fields[2], "false");
	text = xep_check(ear_render(form, EAR_PAYLOAD_MAX));
	xmpp_stanza_release(form);
	return text;
}
