/* SPDX-License-Identifier: ISC */
/*
 * fuzz_pubsub.c: anybody's requests to the publish-subscribe service, over a real store.
 *
 * A line of the input is one event. Its first character says who: f or b, of a server that vouches
 * for them; j, on the LAN, for whom nobody does; o, who owns a node. The second says what: g or s,
 * an IQ get or set with the rest inside, of which several are under way at once where it is G or S;
 * m, a message, p, a presence with that inside. k: time passes.
 *
 * Each request gets one answer that every link carries. Somebody who is none of these has a node
 * for himself alone: what it holds reaches nobody, and it stays as it is.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "link/stream.h"
#include "tests/unit/xep/fake_ear.h"

#define EVENTS_MAX  48
#define AT_ONCE     16
#define HIS         "hamlet@example.org/elsinore"
#define PUBSUB(xml) "<pubsub xmlns='" EAR_NS_PUBSUB "'>" xml "</pubsub>"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct world {
	struct ear *ear;
	int waiting; /* requests that are not answered yet */
	bool any;    /* there may be more answers: a message may have an error */
};

static char secret[17]; /* another one each time: fuzzers learn what is compared */

static void
must(bool holds)
{
	if (!holds)
		abort();
}

static void
check_sent(xmpp_stanza_t *stanza)
{
	char *text = ear_render(stanza, STREAM_STANZA_MAX);

	must(text != NULL);
	must(strstr(text, secret) == NULL);
	free(text);
}

/* Everybody is answered, and nobody hears what is not for him. */
static void
settle(struct world *world)
{
	struct ear *ear = world->ear;

	for (int i = 0; i < 1000 && ear->holds > 0; i++)
		clock_advance(ear->clock, EAR_MSEC);
	clock_advance(ear->clock, EAR_MSEC);
	must(ear->holds == 0);
	must(ear->answers == world->waiting || world->any);
	ear->answers = world->waiting = 0;
	world->any = false;
	if (ear->answer != NULL)
		check_sent(ear->answer);
	for (size_t i = 0; i < ear->box_count; i++)
		check_sent(ear->box[i]);
	fake_clear(ear);
}

static void
ask(struct world *world, const char *type, const char *from, const char *xml)
{
	fake_ask_to(world->ear, type, from, "pubsub.example.org", xml);
	world->waiting++;
}

/* --- the node that is nobody's business --------------------------------------------------- */

static void
ask_for_him(struct world *world, const char *type, const char *xml)
{
	struct ear *ear = world->ear;

	ear->level = EAR_PROVED;
	ear->link = EAR_LINK_SERVER;
	ask(world, type, HIS, xml);
	while (ear->holds > 0)
		clock_advance(ear->clock, EAR_MSEC);
	world->waiting = ear->answers = 0;
	fake_clear(ear);
}

static void
begin(struct world *world)
{
	char publication[512];

	snprintf(publication, sizeof(publication),
		 PUBSUB("<publish node='his'><item id='1'><a xmlns='urn:example:a'>%s</a></item>"
			"</publish><publish-options><x xmlns='jabber:x:data' type='submit'>"
			"<field var='FORM_TYPE'><value>" EAR_NS_PUBSUB "#publish-options</value>"
			"</field><field var='pubsub#access_model'><value>whitelist</value></field>"
			"</x></publish-options>"),
		 secret);
	ask_for_him(world, "set", publication);
	must(strcmp(fake_attribute(world->ear->answer, "type"), "result") == 0);
}

/* It is as it was. */
static void
end(struct world *world)
{
	char *text;

	ask_for_him(world, "get", PUBSUB("<items node='his'/>"));
	text = ear_render(world->ear->answer, STREAM_STANZA_MAX);
	must(text != NULL && strstr(text, secret) != NULL);
	free(text);
}

/* --- events ------------------------------------------------------------------------------- */

static const char *
become(struct world *world, char who)
{
	bool on_lan = who == 'j';

	world->ear->level = on_lan ? EAR_PLAIN : EAR_PROVED;
	world->ear->link = on_lan ? EAR_LINK_LAN : EAR_LINK_SERVER;
	switch (who) {
	case 'f':
		return "francisco@example.org/barracks";
	case 'b':
		return "bernardo@example.org/x";
	case 'o':
		return "ophelia@example.org/x";
	case 'j':
		return "juliet@pronto.local";
	default:
		return NULL;
	}
}

/* As the reader has it: what is no XML does not come this far. */
static bool
is_xml(struct world *world, const char *xml)
{
	char *text = xasprintf("<iq xmlns='jabber:client'>%s</iq>", xml);
	xmpp_stanza_t *stanza = ear_parse(world->ear->ctx, text);

	free(text);
	if (stanza != NULL)
		xmpp_stanza_release(stanza);
	return stanza != NULL;
}

static void
say(struct world *world, const char *name, const char *from, const char *xml)
{
	char *text =
		xasprintf("<%s xmlns='jabber:client' from='%s' to='pubsub.example.org'>%s</%s>",
			  name, from, xml, name);

	(void)fake_message(world->ear, from, text);
	world->any = true;
	free(text);
}

static void
play(struct world *world, const char *line)
{
	const char *from = become(world, line[0]);
	char what = line[0] == '\0' ? '\0' : line[1];

	if (line[0] == 'k')
		clock_advance(world->ear->clock, EAR_SEC);
	if (from == NULL || what == '\0' || !is_xml(world, line + 2))
		return;
	if (strchr("gG", what) != NULL)
		ask(world, "get", from, line + 2);
	else if (strchr("sS", what) != NULL)
		ask(world, "set", from, line + 2);
	else if (what == 'm' || what == 'p')
		say(world, what == 'm' ? "message" : "presence", from, line + 2);
	if (strchr("GS", what) == NULL || world->waiting >= AT_ONCE)
		settle(world);
}

/* The service asks some of whom it hears by presence (XEP-0115): nobody answers. */
static void
forget_requests(struct world *world)
{
	while (world->ear->request_count > 0)
		fake_answer_none(world->ear, 0, -110);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world world;
	char *text = xstrndup((const char *)data, size), *line, *rest = text;

	ear_log_set_level(EAR_LOG_ERROR);
	world = (struct world){ .ear = fake_new_with_store() };
	ear_new_id(secret);
	world.ear->self[EAR_LINK_SERVER] = "pubsub.example.org";
	world.ear->self[EAR_LINK_LAN] = world.ear->self[EAR_LINK_LOCAL] = "pubsub@box.local";
	begin(&world);
	for (int i = 0; i < EVENTS_MAX && (line = strsep(&rest, "\n")) != NULL; i++) {
		play(&world, line);
		forget_requests(&world);
	}
	settle(&world);
	end(&world);
	free(text);
	fake_stop(world.ear);
	fake_free(world.ear);
	return 0;
}
