/* SPDX-License-Identifier: ISC */
/* cmd_trust.c: our key, whose keys we know, who is on the list. */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "trust.h"
#include "prompt.h"

static const char *const head[] = { "ADDRESS", "NAME", "VOUCHED BY", "TRUSTED", "SEEN", "KEY" };

/* --- the list ----------------------------------------------------------------------------- */

static json_t *
texts_of(xmpp_stanza_t *pin, const char *name)
{
	json_t *array = json_array();

	for (xmpp_stanza_t *e = ear_first(pin); e != NULL; e = ear_next(e)) {
		const char *text = ear_text(e);

		if (ear_is(e, name, EAR_NS_CONTROL) && text != NULL)
			json_array_append_new(array, json_string(text));
	}
	return array;
}

static void
print_json(void *arg, xmpp_stanza_t *pin)
{
	static const char *const keys[] = { "key",     "name",    "voucher",
					    "trusted", "revoked", "seen-at" };
	json_t *object = json_object();

	json_object_set_new(object, "own", json_false());
	cli_put_attributes(object, pin, keys, COUNT(keys));
	json_object_set_new(object, "addresses", texts_of(pin, "address"));
	json_object_set_new(object, "jids", texts_of(pin, "jid"));
	out_json(stdout, object);
}

/* "12 s ago", "3 h ago", a date; "-": never. */
static void
seen(const char *value, char *out, size_t size)
{
	long long at = value == NULL ? 0 : strtoll(value, NULL, 10);
	long long ago = (long long)time(NULL) - at;
	time_t when = (time_t)at;
	struct tm tm;

	if (at <= 0)
		snprintf(out, size, "-");
	else if (ago < 60)
		snprintf(out, size, "now");
	else if (ago < 3600)
		snprintf(out, size, "%lld min ago", ago / 60);
	else if (ago < 86400)
		snprintf(out, size, "%lld h ago", ago / 3600);
	else if (localtime_r(&when, &tm) == NULL || strftime(out, size, "%Y-%m-%d", &tm) == 0)
		snprintf(out, size, "?");
}

static const char *
first_text(xmpp_stanza_t *pin, const char *name)
{
	xmpp_stanza_t *element = ear_find(pin, name, EAR_NS_CONTROL);

	return element == NULL ? NULL : ear_text(element);
}

static bool
is_true(xmpp_stanza_t *pin, const char *name)
{
	const char *value = xmpp_stanza_get_attribute(pin, name);

	return value != NULL && strcmp(value, "true") == 0;
}

static void
add_row(void *arg, xmpp_stanza_t *pin)
{
	const char *address = first_text(pin, "address"), *jid = first_text(pin, "jid");
	char key[TRUST_GROUPS_SIZE], when[32], *both = NULL;

	trust_groups(xmpp_stanza_get_attribute(pin, "key"), key);
	seen(xmpp_stanza_get_attribute(pin, "seen-at"), when, sizeof(when));
	if (address != NULL && jid != NULL)
		both = xasprintf("%s = %s", address, jid);
	table_row(arg, (const char *[]){ both != NULL      ? both
					 : address != NULL ? address
							   : jid,
					 xmpp_stanza_get_attribute(pin, "name"),
					 xmpp_stanza_get_attribute(pin, "voucher"),
					 is_true(pin, "revoked")   ? "REVOKED"
					 : is_true(pin, "trusted") ? "yes"
								   : "no",
					 when, key });
	free(both);
}

/* devices: what is published for our account, as JSON; consumed. NULL: not asked for. */
static void
print_own(const struct cli *cli, const char *key, const char *name, json_t *devices)
{
	char groups[TRUST_GROUPS_SIZE], *clean;

	if (cli->args.json) {
		json_t *object = json_object();

		json_object_set_new(object, "own", json_true());
		json_put_text(object, "key", key);
		json_put_text(object, "name", name);
		if (devices != NULL)
			json_object_update_new(object, devices);
		out_json(stdout, object);
		return;
	}
	trust_groups(key, groups);
	clean = out_escape(name, false);
	printf("%s (this device): %s\n", clean, groups);
	free(clean);
}

static int
print_pins(struct cli *cli)
{
	struct table table;
	int code;

	if (cli->args.json)
		return cli_list(cli, "trust", "pin", NULL, NULL, print_json, NULL);
	table_init(&table, head, COUNT(head));
	code = cli_list(cli, "trust", "pin", NULL, NULL, add_row, &table);
	if (code == EXIT_DONE && table.rows > 0) {
		printf("\n");
		table_print(&table, stdout, true);
	}
	table_release(&table);
	return code;
}

static int
list(struct cli *cli)
{
	char *key = NULL, *name = NULL;
	int code = trust_own(cli, &key, &name);

	if (code == EXIT_DONE && !cli->args.quiet) {
		print_own(cli, key, name, cli->args.json ? devices_json(cli) : NULL);
		code = print_pins(cli);
		if (code == EXIT_DONE && !cli->args.json)
			devices_print(cli);
	}
	free(key);
	free(name);
	return code;
}

/* --- changes ------------------------------------------------------------------------------ */

static void
print_done(const struct cli *cli, const char *address, const char *what)
{
	char *clean;

	if (cli->args.quiet)
		return;
	if (cli->args.json) {
		json_t *object = json_object();

		json_put_text(object, "address", address);
		json_put_text(object, "done", what);
		out_json(stdout, object);
		return;
	}
	clean = out_escape(address, false);
	printf("%s: %s\n", clean, what);
	free(clean);
}

/* What helps when an address cannot be put on the list. */
static char *
remedy_of(const struct answer *answer, const char *address)
{
	enum ear_verdict condition =
		answer->stanza == NULL ? EAR_PASS : ear_condition_of(answer->stanza);

	if (condition != EAR_NOT_AUTHORIZED && condition != EAR_ITEM_NOT_FOUND)
		return NULL;
	if (!ear_jid_is_lan(address))
		return xasprintf("its server has proved no key for it yet: earshot doctor %s; or "
				 "compare fingerprints and: earshot trust %s KEY",
				 address, address);
	return xasprintf("pair first: earshot pair %s, or compare fingerprints and: earshot trust "
			 "%s KEY",
			 address, address);
}

/* Asks for a change of which nothing but its success comes back. */
static int
change(struct cli *cli, xmpp_stanza_t *iq, const char *who, const char *what, bool with_remedy)
{
	struct answer answer;
	char *remedy;
	int code;

	cli_ask(cli, iq, cli->args.timeout, &answer);
	code = answer.code;
	if (code == EXIT_DONE) {
		print_done(cli, who, what);
	} else {
		remedy = with_remedy ? remedy_of(&answer, who) : NULL;
		code = trust_refused(who, &answer, remedy);
		/* Whom we have not met has proved nothing either. */
		if (remedy != NULL)
			code = EXIT_TRUST;
		free(remedy);
	}
	answer_release(&answer);
	return code;
}

static int
trust(struct cli *cli)
{
	char *key = cli->args.count > 1 ? cli_join(cli, 1) : NULL, *address;
	struct ear_key parsed;
	xmpp_stanza_t *iq;
	int code;

	if (key != NULL && ear_key_parse(key, &parsed) != 0) {
		complain(
			"trust: \"%s\" is no key: 64 hexadecimal digits, as `earshot trust` prints "
			"them on that device",
			key);
		free(key);
		return EXIT_USAGE;
	}
	address = cli_address(cli, cli->args.words[0], &code);
	if (address != NULL) {
		iq = cli_control(cli, "set", "trust");
		ear_set(ear_first(iq), "address", "%s", address);
		if (key != NULL)
			ear_set(ear_first(iq), "key", "%s", key);
		code = change(cli, iq, address, "trusted", key == NULL);
	}
	free(address);
	free(key);
	return code;
}

/* Whether the user means it; asks on a terminal. */
static int
confirm(struct cli *cli)
{
	char *line;
	bool yes;

	if (cli->args.yes)
		return EXIT_DONE;
	if (!isatty(STDIN_FILENO)) {
		complain("trust: --new-key wants --yes where no terminal is to ask on");
		return EXIT_USAGE;
	}
	line = prompt_line(cli, "Another key for this device: those who have paired with it must "
				"pair again. Go on? [y/N] ");
	yes = line != NULL && (line[0] == 'y' || line[0] == 'Y');
	free(line);
	if (yes)
		return EXIT_DONE;
	if (!cli->interrupted)
		complain("trust: the key stays as it is");
	return EXIT_USAGE;
}

static int
new_key(struct cli *cli)
{
	struct answer answer;
	char *key = NULL, *name = NULL;
	int code = confirm(cli);

	if (code != EXIT_DONE)
		return code;
	cli_ask(cli, cli_control(cli, "set", "new-key"), cli->args.timeout, &answer);
	code = answer.code;
	if (code != EXIT_DONE)
		code = trust_refused("this device", &answer, NULL);
	answer_release(&answer);
	if (code == EXIT_DONE)
		code = trust_own(cli, &key, &name);
	if (code == EXIT_DONE && !cli->args.quiet)
		print_own(cli, key, name, NULL);
	free(key);
	free(name);
	return code;
}

/* The words behind it are the other groups of the key. */
static int
revoke_device(struct cli *cli)
{
	char *rest = cli_join(cli, 0), *text = xasprintf("%s%s", cli->args.revoke, rest);
	char digits[EAR_KEY_SIZE];
	struct ear_key key;
	xmpp_stanza_t *iq;
	int code = EXIT_USAGE;

	if (ear_key_parse(text, &key) != 0) {
		complain("trust: \"%s\" is no key: 64 hexadecimal digits, as `earshot trust` lists "
			 "them",
			 text);
	} else {
		ear_key_format(&key, digits);
		iq = cli_control(cli, "set", "revoke");
		ear_set(ear_first(iq), "key", "%s", digits);
		code = change(cli, iq, digits, "revoked", false);
	}
	free(rest);
	free(text);
	return code;
}

int
cmd_trust(struct cli *cli)
{
	if (cli->args.new_key && cli->args.revoke != NULL) {
		complain("trust: --new-key is for this device, --revoke for another: one of them");
		return EXIT_USAGE;
	}
	if (cli->args.revoke != NULL)
		return revoke_device(cli);
	if (cli->args.new_key && cli->args.count > 0) {
		complain("trust: --new-key is for this device and takes no address");
		return EXIT_USAGE;
	}
	if (cli->args.new_key)
		return new_key(cli);
	return cli->args.count == 0 ? list(cli) : trust(cli);
}

int
cmd_untrust(struct cli *cli)
{
	const char *who = cli->args.words[0];
	char *address = NULL;
	struct ear_key key;
	xmpp_stanza_t *iq;
	int code;

	if (ear_key_parse(who, &key) != 0) {
		address = cli_address(cli, who, &code);
		if (address == NULL)
			return code;
		who = address;
	}
	iq = cli_control(cli, "set", "untrust");
	ear_set(ear_first(iq), "who", "%s", who);
	code = change(cli, iq, who, "forgotten", false);
	free(address);
	return code;
}
