/* SPDX-License-Identifier: ISC */
/* cmd_peers.c: who is in earshot and who is known. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli.h"
#include "switches.h"

static const char *const keys[] = { "address", "jid",  "name",   "status",  "message", "in-earshot",
				    "level",   "link", "rtt-us", "refused", "found" };
static const char *const head[] = { "ADDRESS", "JID", "NAME", "STATUS", "IDENTITY", "PATH", "RTT" };

/* A peer that changed, to be looked up outside of the callback that told it. */
struct change {
	struct change *next;
	char *address;
	bool gone;
};

struct watching {
	struct change *first, **last;
};

static void
print_json(void *arg, xmpp_stanza_t *peer)
{
	json_t *object = json_object();

	cli_put_attributes(object, peer, keys, COUNT(keys));
	out_json(stdout, object);
}

static void
add_row(void *arg, xmpp_stanza_t *peer)
{
	const char *link = xmpp_stanza_get_attribute(peer, "link");
	const char *rtt = xmpp_stanza_get_attribute(peer, "rtt-us");
	const char *earshot = xmpp_stanza_get_attribute(peer, "in-earshot");
	const char *status = xmpp_stanza_get_attribute(peer, "status");
	const char *message = xmpp_stanza_get_attribute(peer, "message");
	const char *address = xmpp_stanza_get_attribute(peer, "address");
	const char *refused = xmpp_stanza_get_attribute(peer, "refused");
	const char *jid = xmpp_stanza_get_attribute(peer, "jid");
	char text[32], *full = NULL;

	if (status == NULL)
		status = earshot != NULL && strcmp(earshot, "true") == 0 ? "avail" : "-";
	if (message != NULL)
		full = xasprintf("%s (%s)", status, message);
	out_rtt(text, sizeof(text), rtt == NULL ? -1 : strtoll(rtt, NULL, 10));
	table_row(arg,
		  (const char *[]){
			  address,
			  jid != NULL && address != NULL && strcmp(jid, address) != 0 ? jid : NULL,
			  xmpp_stanza_get_attribute(peer, "name"), full == NULL ? status : full,
			  refused != NULL ? "REFUSED" : xmpp_stanza_get_attribute(peer, "level"),
			  link != NULL && strcmp(link, "none") == 0 ? "-" : link, text });
	free(full);
	if (refused != NULL)
		complain("%s: REFUSED: %s", address, refused);
}

static int
print_peers(struct cli *cli, const char *address, bool with_head)
{
	struct table table;
	int code;

	if (cli->args.json)
		return cli_list(cli, "peers", "peer", "address", address, print_json, NULL);
	table_init(&table, head, COUNT(head));
	code = cli_list(cli, "peers", "peer", "address", address, add_row, &table);
	if (code == EXIT_DONE && !cli->args.quiet && (table.rows > 0 || address != NULL))
		table_print(&table, stdout, with_head);
	else if (code == EXIT_DONE && !cli->args.quiet && !cli->args.watch)
		complain("nobody is in earshot; earshot peers -w waits");
	table_release(&table);
	return code;
}

static void
on_event(void *arg, xmpp_stanza_t *stanza)
{
	struct watching *watching = arg;
	xmpp_stanza_t *event = ear_find(stanza, "event", EAR_NS_CONTROL);
	const char *address = event == NULL ? NULL : xmpp_stanza_get_attribute(event, "address");
	const char *kind = event == NULL ? NULL : xmpp_stanza_get_attribute(event, "kind");
	struct change *change;

	if (address == NULL || kind == NULL)
		return;
	change = xalloc(sizeof(*change));
	change->address = xstrdup(address);
	change->gone = strcmp(kind, "peer-gone") == 0;
	*watching->last = change;
	watching->last = &change->next;
}

static void
print_gone(struct cli *cli, const char *address)
{
	char *clean;

	if (cli->args.json) {
		json_t *object = json_object();

		json_put_text(object, "address", address);
		json_object_set_new(object, "in_earshot", json_false());
		json_put_text(object, "event", "gone");
		out_json(stdout, object);
		return;
	}
	clean = out_escape(address, false);
	printf("%s  gone\n", clean);
	free(clean);
}

static void
print_change(struct cli *cli, struct watching *watching)
{
	struct change *change = watching->first;

	watching->first = change->next;
	if (watching->first == NULL)
		watching->last = &watching->first;
	/* item-not-found: it went between the event and our question, its own event follows. */
	if (change->gone)
		print_gone(cli, change->address);
	else
		print_peers(cli, change->address, false);
	fflush(stdout);
	free(change->address);
	free(change);
}

static int
watch(struct cli *cli)
{
	struct watching watching = { .last = &watching.first };
	int code;

	cli_listen(cli, on_event, &watching);
	code = switch_watch(cli);
	if (code == EXIT_DONE)
		code = print_peers(cli, NULL, true);
	while (code == EXIT_DONE && !cli->interrupted && !cli->down) {
		if (watching.first != NULL)
			print_change(cli, &watching);
		else
			cli_turn(cli, cli_now() + 3600 * EAR_SEC);
	}
	while (watching.first != NULL) {
		struct change *change = watching.first;

		watching.first = change->next;
		free(change->address);
		free(change);
	}
	cli_listen(cli, NULL, NULL);
	if (cli_is_down(cli) != EXIT_DONE)
		code = EXIT_CONFIG;
	return code;
}

/* An engine of our own has just begun to look around: answers to its first question take a while.
 */
static void
look_around(struct cli *cli)
{
	double seconds = cli->args.timeout < 2 ? cli->args.timeout : 2;

	if (cli->ear != NULL && !cli->args.watch)
		cli_sleep(cli, seconds);
}

int
cmd_peers(struct cli *cli)
{
	look_around(cli);
	return cli->args.watch ? watch(cli) : print_peers(cli, NULL, true);
}
