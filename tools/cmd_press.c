/* SPDX-License-Identifier: ISC */
/* cmd_press.c: the remote control: one press, and what the player does. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli.h"
#include "follow.h"
#include "player_view.h"
#include "press_words.h"
#include "switches.h"

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

int
cmd_press(struct cli *cli)
{
	char *const *words = cli->args.words + 1;
	char *wrong = press_words_check(words), *address;
	struct answer answer;
	int code;

	if (wrong != NULL) {
		complain("press: %s", wrong);
		free(wrong);
		return EXIT_USAGE;
	}
	address = cli_resolve(cli, cli->args.words[0], &code);
	if (address == NULL)
		return code;
	code = ask_state(cli, address, press_words_request(cli, address, words), &answer);
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
	bool any, done, nonsense;
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

/* Once: it may go on. */
static void
on_nonsense(struct watching *watching)
{
	if (!watching->nonsense)
		complain("%s: protocol error: it tells a state that is none", watching->address);
	watching->nonsense = true;
}

static void
on_state(void *arg, xmpp_stanza_t *state, const struct answer *answer)
{
	struct watching *watching = arg;
	struct player_view view;
	char *now;

	if (state == NULL) {
		on_trouble(watching, answer);
		return;
	}
	if (player_view_read(&view, state) != 0) {
		on_nonsense(watching);
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
