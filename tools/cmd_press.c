/* SPDX-License-Identifier: ISC */
/* cmd_press.c: the remote control: one press, and what the player does. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli.h"

static xmpp_stanza_t *
state_of(const struct answer *answer)
{
	return answer->stanza == NULL ? NULL : ear_find(answer->stanza, "state", EAR_NS_BUTTONS);
}

static const char *
playback_of(const struct answer *answer)
{
	xmpp_stanza_t *state = state_of(answer);
	const char *playback = state == NULL ? NULL : xmpp_stanza_get_attribute(state, "playback");

	for (int i = EAR_STOPPED; playback != NULL && i <= EAR_PAUSED; i++) {
		if (strcmp(playback, ear_playback_name(i)) == 0)
			return playback;
	}
	return NULL;
}

static void
put_number(json_t *object, const char *key, const char *value)
{
	char *end;
	double number = value == NULL ? 0 : strtod(value, &end);

	if (value == NULL || end == value || *end != '\0' || !isfinite(number))
		json_object_set_new(object, key, json_null());
	else
		json_object_set_new(object, key, json_real(number));
}

/* -1: none, or none that a volume can be. */
static long
volume_of(xmpp_stanza_t *state)
{
	const char *value = xmpp_stanza_get_attribute(state, "volume");
	char *end;
	long number = value == NULL ? -1 : strtol(value, &end, 10);

	return value == NULL || end == value || *end != '\0' || number > 1000 ? -1 : number;
}

static void
put_bool(json_t *object, const char *key, const char *value)
{
	json_object_set_new(object, key,
			    value == NULL ? json_null() : json_boolean(strcmp(value, "true") == 0));
}

static void
print_json(const char *address, const struct answer *answer)
{
	xmpp_stanza_t *state = state_of(answer);
	long volume = volume_of(state);
	json_t *object = json_object();

	json_put_text(object, "address", address);
	json_put_text(object, "player", xmpp_stanza_get_attribute(state, "player"));
	json_put_text(object, "playback", playback_of(answer));
	json_put_text(object, "title", xmpp_stanza_get_attribute(state, "title"));
	put_number(object, "position", xmpp_stanza_get_attribute(state, "position"));
	put_number(object, "duration", xmpp_stanza_get_attribute(state, "duration"));
	json_object_set_new(object, "volume", volume < 0 ? json_null() : json_integer(volume));
	put_bool(object, "muted", xmpp_stanza_get_attribute(state, "muted"));
	put_bool(object, "seekable", xmpp_stanza_get_attribute(state, "seekable"));
	json_put_text(object, "link", ear_link_name(answer->link));
	json_object_set_new(object, "rtt_us",
			    answer->rtt_us < 0 ? json_null() : json_integer(answer->rtt_us));
	out_json(stdout, object);
}

static double
seconds_of(const char *value)
{
	return value == NULL ? -1 : strtod(value, NULL);
}

/* "playing  0:12 / 10:34  volume 70 %  Big Buck Bunny" */
static void
print_text(const struct answer *answer)
{
	xmpp_stanza_t *state = state_of(answer);
	const char *title = xmpp_stanza_get_attribute(state, "title");
	const char *muted = xmpp_stanza_get_attribute(state, "muted");
	long volume = volume_of(state);
	char position[32], duration[32], *clean = out_escape(title == NULL ? "" : title, false);

	out_time(position, sizeof(position),
		 seconds_of(xmpp_stanza_get_attribute(state, "position")));
	out_time(duration, sizeof(duration),
		 seconds_of(xmpp_stanza_get_attribute(state, "duration")));
	printf("%s  %s / %s", playback_of(answer), position, duration);
	if (volume >= 0)
		printf("  volume %ld %%", volume);
	if (muted != NULL && strcmp(muted, "true") == 0)
		printf("  muted");
	if (clean[0] != '\0')
		printf("  %s", clean);
	printf("\n");
	free(clean);
}

void
state_print(struct cli *cli, const char *address, const struct answer *answer)
{
	char rtt[32];

	if (cli->args.quiet)
		return;
	if (cli->args.json)
		print_json(address, answer);
	else
		print_text(answer);
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
	cli_ask(cli, iq, cli->args.timeout, answer);
	if (answer->code != EXIT_DONE)
		return cli_refused(address, answer);
	if (playback_of(answer) == NULL) {
		complain("%s: protocol error: its answer tells no player's state", address);
		return EXIT_PROTOCOL;
	}
	return EXIT_DONE;
}

int
cmd_press(struct cli *cli)
{
	const char *button = cli->args.words[1];
	xmpp_stanza_t *iq, *press;
	struct answer answer;
	char *address;
	int code;

	if (ear_button_find(button) < 0) {
		complain("press: no button \"%s\"; earshot press -h lists them", button);
		return EXIT_USAGE;
	}
	address = cli_resolve(cli, cli->args.words[0], &code);
	if (address == NULL)
		return code;
	iq = ear_stanza(cli->ctx, "iq", "set", address, NULL);
	press = ear_child(iq, "press", EAR_NS_BUTTONS);
	ear_set(press, "button", "%s", button);
	if (cli->args.count > 2)
		ear_set(press, "value", "%s", cli->args.words[2]);
	cli_expires(cli, iq);
	code = ask_state(cli, address, iq, &answer);
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
	xmpp_stanza_t *state = state_of(answer);
	const char *title = xmpp_stanza_get_attribute(state, "title");
	const char *volume = xmpp_stanza_get_attribute(state, "volume");
	const char *muted = xmpp_stanza_get_attribute(state, "muted");

	return xasprintf("%s %s %s %s", playback_of(answer), volume == NULL ? "" : volume,
			 muted == NULL ? "" : muted, title == NULL ? "" : title);
}

static int
follow(struct cli *cli, const char *address)
{
	char *before = NULL, *now;
	struct answer answer;
	long looks = 0;
	int code;

	do {
		code = ask_state(cli, address, state_request(cli, address), &answer);
		if (code == EXIT_DONE) {
			now = fingerprint(&answer);
			if (before == NULL || strcmp(before, now) != 0)
				state_print(cli, address, &answer);
			free(before);
			before = now;
		}
		answer_release(&answer);
		if (code == EXIT_DONE && (cli->args.number == 0 || ++looks < cli->args.number))
			cli_sleep(cli, cli->args.interval);
	} while (code == EXIT_DONE && !cli->interrupted && !cli->down &&
		 (cli->args.number == 0 || looks < cli->args.number));
	free(before);
	return code;
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
		code = follow(cli, address);
	} else {
		code = ask_state(cli, address, state_request(cli, address), &answer);
		if (code == EXIT_DONE)
			state_print(cli, address, &answer);
		answer_release(&answer);
	}
	free(address);
	return code;
}
