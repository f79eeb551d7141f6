/* SPDX-License-Identifier: ISC */
/* cmd_xeps.c: the extensions that the engine speaks. */
#include <stdlib.h>

#include "base/alloc.h"
#include "cli.h"

static const char *const head[] = { "XEP", "NAME", "FEATURES" };

static void
print_json(xmpp_stanza_t *xep)
{
	json_t *object = json_object(), *features = json_array();

	json_put_text(object, "number", xmpp_stanza_get_attribute(xep, "number"));
	json_put_text(object, "name", xmpp_stanza_get_attribute(xep, "name"));
	for (xmpp_stanza_t *f = ear_first(xep); f != NULL; f = ear_next(f)) {
		const char *var = xmpp_stanza_get_attribute(f, "var");

		if (var != NULL)
			json_array_append_new(features, json_string(var));
	}
	json_object_set_new(object, "features", features);
	out_json(stdout, object);
}

static void
add_row(struct table *table, xmpp_stanza_t *xep)
{
	char *features = NULL;

	for (xmpp_stanza_t *f = ear_first(xep); f != NULL; f = ear_next(f)) {
		const char *var = xmpp_stanza_get_attribute(f, "var");
		char *longer;

		if (var == NULL)
			continue;
		longer = xasprintf("%s%s%s", features == NULL ? "" : features,
				   features == NULL ? "" : " ", var);
		free(features);
		features = longer;
	}
	table_row(table, (const char *[]){ xmpp_stanza_get_attribute(xep, "number"),
					   xmpp_stanza_get_attribute(xep, "name"), features });
	free(features);
}

static int
print_xeps(struct cli *cli, xmpp_stanza_t *xeps)
{
	struct table table;

	if (xeps == NULL) {
		complain("daemon: its answer holds no <xeps/>");
		return EXIT_CONFIG;
	}
	table_init(&table, head, 3);
	for (xmpp_stanza_t *xep = ear_first(xeps); xep != NULL; xep = ear_next(xep)) {
		if (cli->args.json)
			print_json(xep);
		else
			add_row(&table, xep);
	}
	if (table.rows > 0 && !cli->args.quiet)
		table_print(&table, stdout, true);
	table_release(&table);
	return EXIT_DONE;
}

int
cmd_xeps(struct cli *cli)
{
	struct answer answer;
	int code;

	cli_ask(cli, cli_control(cli, "get", "xeps"), cli->args.timeout, &answer);
	if (answer.code == EXIT_DONE)
		code = print_xeps(cli, ear_find(answer.stanza, "xeps", EAR_NS_CONTROL));
	else
		code = cli_refused("daemon", &answer);
	answer_release(&answer);
	return code;
}
