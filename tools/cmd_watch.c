/* SPDX-License-Identifier: ISC */
/* cmd_watch.c: what is published, as it comes (XEP-0060 §7.1.2, §7.2.2, §8). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli.h"
#include "contents.h"
#include "payload.h"
#include "subscription.h"
#include "switches.h"

#define NODES_MAX    64
#define LINE_MAX     2000 /* bytes of an item that a line for people shows */
#define REOPEN_EVERY EAR_SEC

struct watching;

struct watched {
	struct watching *watching;
	char *node;
	struct subscription *subscription;
	bool stood, told; /* at least once; that it does not now */
	char state[16];
};

struct watching {
	struct cli *cli;
	struct place place;
	struct watched nodes[NODES_MAX];
	size_t count, refused;
	bool too_many;
	long left; /* notifications to be printed; 0: no end */
	bool done;
	int code;
};

/* --- printing ----------------------------------------------------------------------------- */

/* What happened: to one item of a node, or (item NULL) to the node. */
struct news {
	const char *event, *node, *item, *publisher, *stamp;
	xmpp_stanza_t *payload;
	enum ear_link_kind link;
};

static void
print_json(const struct watching *watching, const struct news *news, const char *text)
{
	json_t *object = json_object();
	char *xml = news->payload == NULL ? NULL : payload_xml(news->payload);

	json_put_text(object, "event", news->event);
	json_put_text(object, "address", watching->place.address);
	json_put_text(object, "node", news->node);
	json_put_text(object, "item", news->item);
	json_put_text(object, "publisher", news->publisher);
	json_put_text(object, "payload", xml);
	json_put_text(object, "text", text);
	json_put_text(object, "stamp", news->stamp);
	json_put_text(object, "link", ear_link_name(news->link));
	out_json(stdout, object);
	free(xml);
}

/* Cut where a character begins. */
static void
shorten(char *text)
{
	size_t n = LINE_MAX;

	if (strlen(text) <= LINE_MAX)
		return;
	while (n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80)
		n--;
	memcpy(text + n, "...", 4);
}

static void
print_line(const struct news *news, char *text)
{
	bool is_item = strcmp(news->event, "item") == 0;
	char *node = out_escape(news->node, false);
	char *item = out_escape(news->item == NULL ? "" : news->item, false), *clean;

	shorten(text);
	clean = out_escape(text, false);
	printf("%s%s%s  %s%s\n", node, *item == '\0' ? "" : " ", item, is_item ? "" : news->event,
	       clean);
	fflush(stdout);
	free(clean);
	free(item);
	free(node);
}

static void
print_news(struct watching *watching, const struct news *news)
{
	char *text;

	if (watching->done)
		return;
	text = payload_summary(news->payload);
	if (watching->cli->args.json)
		print_json(watching, news, news->payload == NULL ? NULL : text);
	else if (!watching->cli->args.quiet)
		print_line(news, text);
	free(text);
	watching->done = watching->left > 0 && --watching->left == 0;
}

/* --- notifications ------------------------------------------------------------------------ */

/* XEP-0203: of the message, or of the item itself. */
static const char *
stamp_of(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *delay = ear_find(stanza, "delay", EAR_NS_DELAY);

	return delay == NULL ? NULL : xmpp_stanza_get_attribute(delay, "stamp");
}

static void
take_items(struct watching *watching, struct news news, xmpp_stanza_t *items)
{
	const char *stamp = news.stamp;

	for (xmpp_stanza_t *e = ear_first(items); e != NULL; e = ear_next(e)) {
		bool is_item = ear_is(e, "item", EAR_NS_PUBSUB_EVENT);

		if (!is_item && !ear_is(e, "retract", EAR_NS_PUBSUB_EVENT))
			continue;
		news.event = is_item ? "item" : "retracted";
		news.item = xmpp_stanza_get_id(e);
		news.publisher = xmpp_stanza_get_attribute(e, "publisher");
		news.payload = is_item ? ear_first(e) : NULL;
		news.stamp = stamp_of(e) != NULL ? stamp_of(e) : stamp;
		print_news(watching, &news);
	}
}

/* §8: what happened to a node, in a word. */
static const char *
word_of(xmpp_stanza_t *element)
{
	static const char *const words[][2] = {
		{ "delete", "deleted" },
		{ "purge", "purged" },
		{ "configuration", "configured" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (ear_is(element, words[i][0], EAR_NS_PUBSUB_EVENT))
			return words[i][1];
	/* §8.8.4: "subscribed", "pending", "none". */
	return ear_is(element, "subscription", EAR_NS_PUBSUB_EVENT)
		       ? xmpp_stanza_get_attribute(element, "subscription")
		       : NULL;
}

static void
on_notified(void *arg, xmpp_stanza_t *message, xmpp_stanza_t *event)
{
	struct watched *watched = arg;
	struct news news = { .node = watched->node, .stamp = stamp_of(message) };

	cli_via(message, &news.link, NULL, NULL);
	for (xmpp_stanza_t *e = ear_first(event); e != NULL; e = ear_next(e)) {
		if (ear_is(e, "items", EAR_NS_PUBSUB_EVENT)) {
			take_items(watched->watching, news, e);
			continue;
		}
		news.event = word_of(e);
		if (news.event != NULL)
			print_news(watched->watching, &news);
	}
}

/* --- the subscriptions -------------------------------------------------------------------- */

static void
on_stands(void *arg, const char *state)
{
	struct watched *watched = arg;
	struct watching *watching = watched->watching;
	bool said = strcmp(watched->state, state) == 0;

	if (strcmp(state, "pending") == 0 && !said)
		complain("%s: %s: its owner has to approve the subscription first",
			 watching->place.address, watched->node);
	else if (strcmp(state, "unconfigured") == 0 && !said)
		complain("%s: %s: the subscription has to be configured first",
			 watching->place.address, watched->node);
	else if (watching->cli->args.verbose > 0 && (!watched->stood || watched->told))
		complain("%s: %s: subscribed", watching->place.address, watched->node);
	copy_text(watched->state, sizeof(watched->state), state);
	watched->stood = true;
	watched->told = false;
}

/* One that stood comes back; one that never did is not for us. */
static void
on_trouble(void *arg, const struct answer *answer)
{
	struct watched *watched = arg;
	struct watching *watching = watched->watching;
	struct place place = { .address = watching->place.address, .node = watched->node };
	int code;

	if (watched->told)
		return;
	watched->told = true;
	code = service_refused(&place, answer);
	if (watched->stood)
		return;
	watching->code = code;
	watching->done = ++watching->refused == watching->count;
}

static const struct subscription_events subscription_events = { on_stands, on_notified,
								on_trouble };

/* --- the daemon --------------------------------------------------------------------------- */

static void
say_switch(const struct watching *watching, xmpp_stanza_t *event)
{
	char *text;

	if (watching->cli->args.verbose == 0)
		return;
	if (watching->cli->args.json) {
		out_json(stdout, switch_json(event));
		return;
	}
	text = switch_text(event);
	complain("%s: %s", watching->place.address, text);
	free(text);
}

static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct watching *watching = arg;
	xmpp_stanza_t *event = switch_of(stanza, watching->place.address);

	if (event != NULL)
		say_switch(watching, event);
	for (size_t i = 0; i < watching->count && !watching->done; i++)
		if (subscription_take(watching->nodes[i].subscription, stanza))
			return;
}

/* It is started again, as a rule; what was published meanwhile is not known. */
static void
outlive(struct watching *watching)
{
	struct cli *cli = watching->cli;
	int64_t again = 0;

	complain("daemon: %s; waiting for it", cli->why);
	for (size_t i = 0; i < watching->count; i++)
		subscription_pause(watching->nodes[i].subscription);
	cli_forget(cli);
	while (!cli->up && !cli->interrupted) {
		if (cli->down)
			cli_forget(cli);
		if (cli->client == NULL && cli_now() >= again) {
			again = cli_now() + REOPEN_EVERY;
			cli_reopen(cli);
		}
		cli_turn(cli, cli_now() + REOPEN_EVERY / 4);
	}
	if (cli->up)
		switch_watch(cli);
	for (size_t i = 0; cli->up && !cli->down && i < watching->count; i++)
		subscription_resume(watching->nodes[i].subscription);
}

static void
run(struct watching *watching)
{
	struct cli *cli = watching->cli;

	while (!watching->done && !cli->interrupted) {
		if (cli->down)
			outlive(watching);
		cli_turn(cli, cli_now() + 3600 * EAR_SEC);
	}
}

/* --- the command -------------------------------------------------------------------------- */

static void
add_node(void *arg, const struct place *place, xmpp_stanza_t *item)
{
	struct watching *watching = arg;
	const char *node = xmpp_stanza_get_attribute(item, "node");

	if (node == NULL)
		return;
	if (watching->count == NODES_MAX)
		watching->too_many = true;
	else
		watching->nodes[watching->count++].node = xstrdup(node);
}

static int
find_nodes(struct watching *watching, const char *node)
{
	int code = EXIT_DONE;

	if (node != NULL) {
		watching->nodes[watching->count++].node = xstrdup(node);
		return EXIT_DONE;
	}
	code = contents_nodes(watching->cli, &watching->place, add_node, watching);
	if (code == EXIT_DONE && watching->too_many)
		complain("%s: it has more than %d nodes: only the first are watched",
			 watching->place.address, NODES_MAX);
	if (code == EXIT_DONE && watching->count == 0) {
		complain("%s: it has no nodes, or shows none to this address; name the node if you "
			 "know it",
			 watching->place.address);
		code = EXIT_REFUSED;
	}
	return code;
}

static void
subscribe_all(struct watching *watching)
{
	for (size_t i = 0; i < watching->count; i++) {
		struct watched *watched = &watching->nodes[i];

		watched->watching = watching;
		watched->subscription =
			subscription_new(watching->cli, watching->place.address, watched->node,
					 SUBSCRIPTION_TIDY, &subscription_events, watched);
	}
}

static int
leave_all(struct watching *watching)
{
	int code = watching->code;

	for (size_t i = 0; i < watching->count; i++) {
		struct watched *watched = &watching->nodes[i];
		int left = EXIT_DONE;

		if (watched->stood)
			left = subscription_end(watched->subscription);
		code = code == EXIT_DONE ? left : code;
		subscription_free(watched->subscription);
		watched->subscription = NULL;
	}
	return code;
}

int
cmd_watch(struct cli *cli)
{
	struct watching watching = { .cli = cli, .left = cli->args.number };
	const char *node = cli->args.count > 1 ? cli->args.words[1] : NULL;
	int code = place_open(&watching.place, cli, cli->args.words[0], NULL);

	if (code == EXIT_DONE)
		code = find_nodes(&watching, node);
	if (code == EXIT_DONE)
		code = switch_watch(cli);
	if (code == EXIT_DONE) {
		subscribe_all(&watching);
		cli_listen(cli, on_stanza, &watching);
		run(&watching);
		cli_listen(cli, NULL, NULL);
		code = leave_all(&watching);
	}
	for (size_t i = 0; i < watching.count; i++)
		free(watching.nodes[i].node);
	place_release(&watching.place);
	return code;
}
