/* SPDX-License-Identifier: ISC */
/* cmd_queue.c: what is stored for those who are not there. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "cli.h"

static const char *const keys[] = { "id",       "to",    "state",     "bytes",
				    "taken-at", "tries", "condition", "why" };
static const char *const head[] = { "ID", "TO", "STATE", "SINCE", "BYTES", "TRIES", "WHY" };

static void
print_json(void *arg, xmpp_stanza_t *item)
{
	json_t *object = json_object();

	cli_put_attributes(object, item, keys, COUNT(keys));
	out_json(stdout, object);
}

static void
since(xmpp_stanza_t *item, char *out, size_t size)
{
	const char *value = xmpp_stanza_get_attribute(item, "taken-at");
	time_t at = value == NULL ? 0 : (time_t)strtoll(value, NULL, 10);
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL || strftime(out, size, "%Y-%m-%d %H:%M", &tm) == 0)
		copy_text(out, size, "?");
}

static void
add_row(void *arg, xmpp_stanza_t *item)
{
	const char *condition = xmpp_stanza_get_attribute(item, "condition");
	const char *why = xmpp_stanza_get_attribute(item, "why");
	char when[32], *reason;

	since(item, when, sizeof(when));
	reason = xasprintf("%s%s%s", condition == NULL ? "" : condition,
			   condition != NULL && why != NULL ? ": " : "", why == NULL ? "" : why);
	table_row(arg, (const char *[]){ xmpp_stanza_get_attribute(item, "id"),
					 xmpp_stanza_get_attribute(item, "to"),
					 xmpp_stanza_get_attribute(item, "state"), when,
					 xmpp_stanza_get_attribute(item, "bytes"),
					 xmpp_stanza_get_attribute(item, "tries"), reason });
	free(reason);
}

static int
list(struct cli *cli, const char *to)
{
	struct table table;
	int code;

	if (cli->args.json)
		return cli_list(cli, "queue", "item", "to", to, print_json, NULL);
	table_init(&table, head, COUNT(head));
	code = cli_list(cli, "queue", "item", "to", to, add_row, &table);
	if (code == EXIT_DONE && table.rows > 0 && !cli->args.quiet)
		table_print(&table, stdout, true);
	table_release(&table);
	return code;
}

static void
print_dropped(const struct cli *cli, const char *who, const char *count)
{
	char *clean = out_escape(who, false);

	if (cli->args.json) {
		json_t *object = json_object();

		json_put_text(object, "dropped", who);
		json_object_set_new(object, "count", json_integer(strtoll(count, NULL, 10)));
		out_json(stdout, object);
	} else if (!cli->args.quiet) {
		printf("%s: %s dropped\n", clean, count);
	}
	free(clean);
}

/* It is the daemon's trouble with its disk, not another side's refusal. */
static int
of_daemon(int code)
{
	return code == EXIT_REFUSED ? EXIT_CONFIG : code;
}

static int
drop_as(struct cli *cli, const char *who, struct answer *answer)
{
	xmpp_stanza_t *iq = cli_control(cli, "set", "queue-drop");

	ear_set(ear_first(iq), "who", "%s", who);
	cli_ask(cli, iq, cli->args.timeout, answer);
	return answer->code;
}

static bool
is_unknown(const struct answer *answer)
{
	return answer->stanza != NULL && answer->code != EXIT_DONE &&
	       ear_condition_of(answer->stanza) == EAR_ITEM_NOT_FOUND;
}

static int
drop(struct cli *cli)
{
	const char *who = cli->args.drop, *count;
	xmpp_stanza_t *result;
	struct answer answer;
	int code = drop_as(cli, who, &answer);

	if (is_unknown(&answer)) {
		complain("%s: nothing is stored under that id or address: earshot queue lists what "
			 "is",
			 who);
		code = EXIT_REFUSED;
	} else if (code != EXIT_DONE) {
		code = of_daemon(cli_refused(who, &answer));
	} else {
		result = ear_find(answer.stanza, "queue-drop", EAR_NS_CONTROL);
		count = result == NULL ? NULL : xmpp_stanza_get_attribute(result, "count");
		print_dropped(cli, who, count == NULL ? "0" : count);
	}
	answer_release(&answer);
	return code;
}

int
cmd_queue(struct cli *cli)
{
	char *to = NULL;
	int code = EXIT_DONE;

	if (cli->ear != NULL) {
		complain("queue: what is stored is the daemon's, and none is used here: start "
			 "earshotd");
		return EXIT_CONFIG;
	}
	if (cli->args.drop != NULL && cli->args.count > 0) {
		complain("queue: --drop says itself what: an id, or an address");
		return EXIT_USAGE;
	}
	if (cli->args.drop != NULL)
		return drop(cli);
	if (cli->args.count > 0) {
		to = cli_address(cli, cli->args.words[0], &code);
		if (to == NULL)
			return code;
	}
	code = list(cli, to);
	free(to);
	return of_daemon(code);
}
