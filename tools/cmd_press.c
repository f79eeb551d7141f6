/* SPDX-License-Identifier: ISC */
/* cmd_press.c: the remote control: one press, and what the player does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli.h"
#include "follow.h"
#include "player_view.h"
#include "press_value.h"
#include "switches.h"

#define PRESS_LIFE 5 /* seconds: nobody wants what he pressed longer ago to happen now */

static xmpp_stanza_t *
state_of(const struct answer *answer)
{
	return answer->stanza == NULL ? NULL : ear_find(answer->stanza, "state", EAR_NS_BUTTONS);
}

static void
print_json(const char *address, const struct player_view *view, const struct answer *answer)
{
	json_t *object = json_object();

	json_put_text(object, "address", address);
	player_view_json(view, object);
	json_put_text(object, "link", ear_link_name(answer->link));
	json_object_set_new(object, "rtt_us",
			    answer->rtt_us < 0 ? json_null() : json_integer(answer->rtt_us));
	out_json(stdout, object);
}

static void
print_text(const struct player_view *view)
{
	char *text = player_view_text(view);

	printf("%s\n", text);
	free(text);
}

void
state_print(struct cli *cli, const char *address, const struct answer *answer)
{
	struct player_view view;
	char rtt[32];

	if (cli->args.quiet || state_of(answer) == NULL ||
	    player_view_read(&view, state_of(answer)) != 0)
		return;
	if (cli->args.json)
		print_json(address, &view, answer);
	else
		print_text(&view);
	out_rtt(rtt, sizeof(rtt), answer->rtt_us);
	if (cli->args.verbose > 0)
		complain("%s: answered over %s in %s", address, ear_link_name(answer->link), rtt);
	fflush(stdout);
}

xmpp_stanza_t *
state_request(struct cli *cli, const char *address)
{
	xmpp_stanza_t *iq = ear_stanza(cli->ctx, "iq", "get", address, NULL);

	ear_child(iq, "state", EAR_NS_BUTTONS);
	return iq;
}

/* Asks, checks what the other side says, complains. Consumes the IQ. */
static int
ask_state(struct cli *cli, const char *address, xmpp_stanza_t *iq, struct answer *answer)
{
	struct player_view view;

	cli_ask(cli, iq, cli->args.timeout, answer);
	if (answer->code != EXIT_DONE)
		return cli_refused(address, answer);
	if (state_of(answer) == NULL || player_view_read(&view, state_of(answer)) != 0) {
		complain("%s: protocol error: its answer tells no player's state", address);
		return EXIT_PROTOCOL;
	}
	return EXIT_DONE;
}

/* The words of the command line, by the rules of the one who gets them. */
static int
parse_words(const struct cli *cli, struct ear_press *press)
{
	char *const *words = cli->args.words + 1;
	bool is_key = strcmp(words[0], "key") == 0;
	int rc;

	if (is_key && cli->args.count < 3) {
		complain("press: key: which? earshot press -h tells");
		return EXIT_USAGE;
	}
	if (!is_key && cli->args.count > 3) {
		complain("press: %s: one value at most", words[0]);
		return EXIT_USAGE;
	}
	rc = is_key ? press_parse_key(words[1], words[2], press)
		    : press_parse(words[0], words[1], press);
	if (rc == -ENOENT)
		complain("press: no %s \"%s\"; earshot press -h lists them",
			 is_key ? "key" : "button", words[is_key]);
	else if (rc == -ERANGE)
		complain("press: %s: \"%s\" is out of range", words[0], words[1]);
	else if (rc != 0 && is_key)
		complain("press: key: no motion \"%s\": it is down, held, up or press", words[2]);
	else if (rc != 0 && words[1] == NULL)
		complain("press: %s: needs a value; earshot press -h tells which", words[0]);
	else if (rc != 0)
		complain("press: %s: does not take \"%s\"; earshot press -h tells what", words[0],
			 words[1]);
	return rc == 0 ? EXIT_DONE : EXIT_USAGE;
}

/* As it was typed: the words have been checked. */
static xmpp_stanza_t *
press_request(struct cli *cli, const char *address, enum ear_button button)
{
	xmpp_stanza_t *iq = ear_stanza(cli->ctx, "iq", "set", address, NULL);
	char *const *words = cli->args.words + 1;
	xmpp_stanza_t *press;

	if (button == EAR_KEY) {
		press = ear_child(iq, "key", EAR_NS_BUTTONS);
		ear_set(press, "name", "%s", words[1]);
		if (words[2] != NULL)
			ear_set(press, "motion", "%s", words[2]);
	} else {
		press = ear_child(iq, "press", EAR_NS_BUTTONS);
		ear_set(press, "button", "%s", words[0]);
		if (words[1] != NULL)
			ear_set(press, "value", "%s", words[1]);
	}
	if (!cli->args.has_expires)
		cli->args.expires = PRESS_LIFE;
	cli_expires(cli, iq);
	return iq;
}

int
cmd_press(struct cli *cli)
{
	struct ear_press press;
	struct answer answer;
	char *address;
	int code = parse_words(cli, &press);

	if (code != EXIT_DONE)
		return code;
	address = cli_resolve(cli, cli->args.words[0], &code);
	if (address == NULL)
		return code;
	code = ask_state(cli, address, press_request(cli, address, press.button), &answer);
	if (code == EXIT_DONE)
		state_print(cli, address, &answer);
	answer_release(&answer);
	free(address);
	return code;
}

/* What stays the same while nothing happens: everything but the position. */
static char *
fingerprint(const struct answer *answer)
{
	struct player_view view;
	json_t *object = json_object();
	char *text;

	player_view_read(&view, state_of(answer));
	player_view_json(&view, object);
	json_object_del(object, "position");
	text = json_dumps(object, JSON_COMPACT);
	json_decref(object);
	return text;
}

struct watching {
	struct cli *cli;
	const char *address;
	struct follow *follow;
	char *before; /* what was printed last */
	long left;    /* lines to be printed; 0: no end */
	bool any, done;
	int code;
};

/* A box that comes back after it could not be reached is no reason to stop; one that never could
 * is. */
static void
on_trouble(struct watching *watching, const struct answer *answer)
{
	int code = cli_refused(watching->address, answer);

	if (watching->any)
		return;
	watching->code = code;
	watching->done = true;
}

static void
on_state(void *arg, xmpp_stanza_t *state, const struct answer *answer)
{
	struct watching *watching = arg;
	char *now;

	if (state == NULL) {
		on_trouble(watching, answer);
		return;
	}
	watching->any = true;
	now = fingerprint(answer);
	if (!watching->done && (watching->before == NULL || strcmp(watching->before, now) != 0)) {
		state_print(watching->cli, watching->address, answer);
		watching->done = watching->left > 0 && --watching->left == 0;
	}
	free(watching->before);
	watching->before = now;
}

static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct watching *watching = arg;

	follow_take(watching->follow, stanza);
}

static int
watch(struct cli *cli, const char *address)
{
	struct watching watching = { .cli = cli, .address = address, .left = cli->args.number };
	int code = switch_watch(cli);

	if (code != EXIT_DONE)
		return code;
	watching.follow = follow_new(cli, address, on_state, &watching);
	follow_set_interval(watching.follow, (int64_t)(cli->args.interval * 1e6));
	cli_listen(cli, on_stanza, &watching);
	while (!watching.done && !cli->interrupted && !cli->down)
		cli_turn(cli, cli_now() + 3600 * EAR_SEC);
	cli_listen(cli, NULL, NULL);
	follow_free(watching.follow);
	free(watching.before);
	return watching.done ? watching.code : cli_is_down(cli);
}

int
cmd_status(struct cli *cli)
{
	struct answer answer;
	int code;
	char *address = cli_resolve(cli, cli->args.words[0], &code);

	if (address == NULL)
		return code;
	if (cli->args.watch) {
		code = watch(cli, address);
	} else {
		code = ask_state(cli, address, state_request(cli, address), &answer);
		if (code == EXIT_DONE)
			state_print(cli, address, &answer);
		answer_release(&answer);
	}
	free(address);
	return code;
}
