/* SPDX-License-Identifier: ISC */
/* cmd_paths.c: every path, and why it is chosen or not. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli.h"

static const char *const keys[] = { "to",       "address", "link",      "state",
				    "level",    "rtt-us",  "rttvar-us", "samples",
				    "alive-us", "failure", "chosen",    "why" };
static const char *const head[] = { "", "TO", "PATH", "STATE", "IDENTITY", "RTT", "ALIVE", "WHY" };

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct listing {
	struct table table;
	bool json;
	unsigned count;
};

static void
print_json(xmpp_stanza_t *path)
{
	json_t *object = json_object();

	for (size_t i = 0; i < COUNT(keys); i++)
		cli_put_attribute(object, path, keys[i]);
	out_json(stdout, object);
}

static int64_t
number_of(xmpp_stanza_t *path, const char *name)
{
	const char *value = xmpp_stanza_get_attribute(path, name);

	return value == NULL ? -1 : strtoll(value, NULL, 10);
}

static void
add_row(struct table *table, xmpp_stanza_t *path)
{
	const char *chosen = xmpp_stanza_get_attribute(path, "chosen");
	const char *failure = xmpp_stanza_get_attribute(path, "failure");
	const char *why = xmpp_stanza_get_attribute(path, "why");
	int64_t alive = number_of(path, "alive-us");
	char rtt[32], age[32] = "never", *reason;

	out_rtt(rtt, sizeof(rtt), number_of(path, "rtt-us"));
	if (alive >= 0)
		snprintf(age, sizeof(age), "%.1f s ago", (double)alive / 1e6);
	reason = xasprintf("%s%s%s", why == NULL ? "" : why,
			   why != NULL && failure != NULL ? ": " : "",
			   failure == NULL ? "" : failure);
	table_row(table,
		  (const char *[]){ chosen != NULL && strcmp(chosen, "true") == 0 ? "*" : " ",
				    xmpp_stanza_get_attribute(path, "to"),
				    xmpp_stanza_get_attribute(path, "link"),
				    xmpp_stanza_get_attribute(path, "state"),
				    xmpp_stanza_get_attribute(path, "level"), rtt, age, reason });
	free(reason);
}

static void
on_path(void *arg, xmpp_stanza_t *path)
{
	struct listing *listing = arg;

	listing->count++;
	if (listing->json)
		print_json(path);
	else
		add_row(&listing->table, path);
}

int
cmd_paths(struct cli *cli)
{
	struct listing listing = { .json = cli->args.json };
	char *to = NULL;
	int code = EXIT_DONE;

	if (cli->args.count > 0) {
		to = cli_resolve(cli, cli->args.words[0], &code);
		if (to == NULL)
			return code;
	} else if (cli->ear != NULL) {
		cli_sleep(cli, cli->args.timeout < 2 ? cli->args.timeout : 2);
	}
	table_init(&listing.table, head, COUNT(head));
	code = cli_list(cli, "paths", "path", "to", to, on_path, &listing);
	if (code == EXIT_DONE && listing.table.rows > 0 && !cli->args.quiet)
		table_print(&listing.table, stdout, true);
	if (code == EXIT_DONE && listing.count == 0) {
		if (to != NULL)
			code = EXIT_NOBODY;
		complain("%s: no path", to == NULL ? "nobody" : to);
	}
	table_release(&listing.table);
	free(to);
	return code;
}
