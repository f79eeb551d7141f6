/* SPDX-License-Identifier: ISC */
/* cmd_paths.c: every path, why it is chosen or not, and changes as they happen. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "cli.h"
#include "switches.h"

static const char *const keys[] = { "to",     "address",   "link",    "state",    "level",
				    "rtt-us", "rttvar-us", "samples", "alive-us", "failure",
				    "chosen", "why",       "found" };
static const char *const head[] = { "", "TO", "PATH", "STATE", "IDENTITY", "RTT", "ALIVE", "WHY" };

struct listing {
	struct table table;
	bool json;
	unsigned count;
};

static void
print_json(xmpp_stanza_t *path)
{
	json_t *object = json_object();

	cli_put_attributes(object, path, keys, COUNT(keys));
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

static int
print_paths(struct cli *cli, const char *to)
{
	struct listing listing = { .json = cli->args.json };
	int code;

	table_init(&listing.table, head, COUNT(head));
	code = cli_list(cli, "paths", "path", "to", to, on_path, &listing);
	if (code == EXIT_DONE && listing.table.rows > 0 && !cli->args.quiet)
		table_print(&listing.table, stdout, true);
	if (code == EXIT_DONE && listing.count == 0 && !cli->args.watch) {
		if (to != NULL)
			code = EXIT_NOBODY;
		complain("%s: no path", to == NULL ? "nobody" : to);
	}
	table_release(&listing.table);
	fflush(stdout);
	return code;
}

/* --- watching ----------------------------------------------------------------------------- */

struct watching {
	struct cli *cli;
	const char *to;
};

static void
print_switch(xmpp_stanza_t *event)
{
	const char *address = xmpp_stanza_get_attribute(event, "address");
	char stamp[16], *text = switch_text(event), *line, *clean;
	time_t now = time(NULL);
	struct tm local;

	strftime(stamp, sizeof(stamp), "%H:%M:%S", localtime_r(&now, &local));
	line = xasprintf("%s: %s", address == NULL ? "?" : address, text);
	clean = out_escape(line, false);
	printf("%s %s\n", stamp, clean);
	free(clean);
	free(line);
	free(text);
}

static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	const struct watching *watching = arg;
	xmpp_stanza_t *event = switch_of(stanza, watching->to);

	if (event == NULL || watching->cli->args.quiet)
		return;
	if (watching->cli->args.json)
		out_json(stdout, switch_json(event));
	else
		print_switch(event);
	fflush(stdout);
}

static int
watch(struct cli *cli, const char *to)
{
	struct watching watching = { cli, to };
	int code;

	cli_listen(cli, on_stanza, &watching);
	code = switch_watch(cli);
	if (code == EXIT_DONE)
		code = print_paths(cli, to);
	while (code == EXIT_DONE && !cli->interrupted && !cli->down)
		cli_turn(cli, cli_now() + 3600 * EAR_SEC);
	cli_listen(cli, NULL, NULL);
	return cli_is_down(cli) == EXIT_DONE ? code : EXIT_CONFIG;
}

int
cmd_paths(struct cli *cli)
{
	char *to = NULL;
	int code = EXIT_DONE;

	if (cli->args.count > 0) {
		to = cli_resolve(cli, cli->args.words[0], &code);
		if (to == NULL)
			return code;
	} else if (cli->ear != NULL && !cli->args.watch) {
		cli_sleep(cli, cli->args.timeout < 2 ? cli->args.timeout : 2);
	}
	code = cli->args.watch ? watch(cli, to) : print_paths(cli, to);
	free(to);
	return code;
}
