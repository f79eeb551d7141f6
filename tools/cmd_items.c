/* SPDX-License-Identifier: ISC */
/* cmd_items.c: which nodes a service has (XEP-0060 §5.2), and what a node holds (§6.5). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli.h"
#include "contents.h"
#include "payload.h"
#include "service.h"

static void
print_node(void *arg, const struct place *place, xmpp_stanza_t *item)
{
	struct cli *cli = arg;
	const char *node = xmpp_stanza_get_attribute(item, "node");
	const char *name = xmpp_stanza_get_attribute(item, "name");
	char *clean_node, *clean_name;

	if (node == NULL)
		return;
	if (cli->args.json) {
		json_t *object = json_object();

		json_put_text(object, "address", place->address);
		json_put_text(object, "node", node);
		json_put_text(object, "name", name);
		out_json(stdout, object);
		return;
	}
	clean_node = out_escape(node, false);
	clean_name = out_escape(name == NULL ? "" : name, false);
	if (!cli->args.quiet)
		printf("%s%s%s\n", clean_node, *clean_name == '\0' ? "" : "  ", clean_name);
	free(clean_node);
	free(clean_name);
}

static void
print_item(void *arg, const struct place *place, xmpp_stanza_t *item)
{
	struct cli *cli = arg;
	const char *id = xmpp_stanza_get_id(item);
	xmpp_stanza_t *payload = ear_first(item);
	char *text = payload_summary(payload), *clean_id, *clean;

	if (cli->args.json) {
		json_t *object = json_object();
		char *xml = payload == NULL ? NULL : payload_xml(payload);

		json_put_text(object, "node", place->node);
		json_put_text(object, "item", id);
		json_put_text(object, "publisher", xmpp_stanza_get_attribute(item, "publisher"));
		json_put_text(object, "payload", xml);
		json_put_text(object, "text", text);
		out_json(stdout, object);
		free(xml);
	} else if (!cli->args.quiet) {
		clean_id = out_escape(id == NULL ? "-" : id, false);
		clean = out_escape(text, false);
		printf("%s  %s\n", clean_id, clean);
		free(clean_id);
		free(clean);
	}
	free(text);
}

int
cmd_items(struct cli *cli)
{
	const struct args *args = &cli->args;
	const char *node = args->count > 1 ? args->words[1] : NULL;
	struct place place;
	int code;

	if (node == NULL && (args->id != NULL || args->number > 0)) {
		complain("items: --id and --count are for the items of a node");
		return EXIT_USAGE;
	}
	code = place_open(&place, cli, args->words[0], node);
	if (code == EXIT_DONE && node != NULL)
		code = contents_items(cli, &place, args->id, args->number, print_item, cli);
	else if (code == EXIT_DONE)
		code = contents_nodes(cli, &place, print_node, cli);
	place_release(&place);
	return code;
}
