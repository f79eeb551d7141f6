/* SPDX-License-Identifier: ISC */
/* pairings.c: being paired with: the digits of who asks, or a QR code that does without. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trust.h"
#include "pairings.h"
#include "qr.h"

#define SHOWN_MAX    8    /* at a time; the engine has fewer */
#define HELD_SECONDS 25.0 /* the engine keeps a question for 20 */

struct shown {
	char *address, *name, *code;
	bool seen; /* in the last listing */
};

struct watch {
	struct cli *cli;
	struct shown shown[SHOWN_MAX];
	size_t count;
	char serial[24]; /* "": nothing was listed yet */
	bool any;        /* somebody asked */
};

char *
pairings_who(const char *name, const char *address)
{
	char *text = name == NULL || *name == '\0' ? xstrdup(address)
						   : xasprintf("%s (%s)", name, address);
	char *clean = out_escape(text, false);

	free(text);
	return clean;
}

/* --- what is shown ------------------------------------------------------------------------ */

static void
print_pairing(const struct cli *cli, xmpp_stanza_t *pairing, const struct shown *shown)
{
	char *who;

	if (cli->args.quiet)
		return;
	if (cli->args.json) {
		json_t *object = json_object();

		json_put_text(object, "address", shown->address);
		json_put_text(object, "name", shown->name);
		json_put_text(object, "code", shown->code);
		cli_put_attribute(object, pairing, "expires-us");
		out_json(stdout, object);
		return;
	}
	who = pairings_who(shown->name, shown->address);
	printf("%s wants to be paired. Type there: %.3s %s\n", who, shown->code, shown->code + 3);
	fflush(stdout);
	free(who);
}

static struct shown *
find(struct watch *watch, const char *address, const char *code)
{
	for (size_t i = 0; i < watch->count; i++)
		if (strcmp(watch->shown[i].address, address) == 0 &&
		    strcmp(watch->shown[i].code, code) == 0)
			return &watch->shown[i];
	return NULL;
}

static void
take_pairing(struct watch *watch, xmpp_stanza_t *pairing)
{
	const char *address = xmpp_stanza_get_attribute(pairing, "address");
	const char *code = xmpp_stanza_get_attribute(pairing, "code");
	const char *name = xmpp_stanza_get_attribute(pairing, "name");
	struct shown *shown;

	if (address == NULL || code == NULL || strlen(code) != EAR_CODE_SIZE - 1)
		return;
	shown = find(watch, address, code);
	if (shown == NULL && watch->count < SHOWN_MAX) {
		shown = &watch->shown[watch->count++];
		*shown = (struct shown){ xstrdup(address), xstrdup(name == NULL ? "" : name),
					 xstrdup(code), true };
		print_pairing(watch->cli, pairing, shown);
		watch->any = true;
	}
	if (shown != NULL)
		shown->seen = true;
}

/* --- what became of it -------------------------------------------------------------------- */

struct pin_look {
	const char *address;
	char *key;
};

static void
on_pin(void *arg, xmpp_stanza_t *pin)
{
	struct pin_look *look = arg;
	const char *trusted = xmpp_stanza_get_attribute(pin, "trusted");

	if (trusted == NULL || strcmp(trusted, "true") != 0)
		return;
	for (xmpp_stanza_t *e = ear_first(pin); e != NULL; e = ear_next(e)) {
		const char *text = ear_is(e, "address", EAR_NS_CONTROL) ? ear_text(e) : NULL;

		if (text != NULL && strcmp(text, look->address) == 0)
			xreplace(&look->key, xmpp_stanza_get_attribute(pin, "key"));
	}
}

static void
print_end(struct cli *cli, const struct shown *shown)
{
	struct pin_look look = { .address = shown->address };
	char *who;

	if (cli_list(cli, "trust", "pin", NULL, NULL, on_pin, &look) != EXIT_DONE ||
	    cli->args.quiet) {
		free(look.key);
		return;
	}
	if (cli->args.json) {
		json_t *object = json_object();

		json_put_text(object, "address", shown->address);
		json_put_text(object, "name", shown->name);
		json_object_set_new(object, "paired", json_boolean(look.key != NULL));
		json_put_text(object, "key", look.key);
		out_json(stdout, object);
	} else {
		who = pairings_who(shown->name, shown->address);
		printf(look.key != NULL ? "paired with %s\n" : "%s is not paired\n", who);
		fflush(stdout);
		free(who);
	}
	free(look.key);
}

static void
shown_release(struct shown *shown)
{
	free(shown->address);
	free(shown->name);
	free(shown->code);
}

static void
end_unseen(struct watch *watch)
{
	for (size_t i = watch->count; i-- > 0;) {
		struct shown gone = watch->shown[i];

		if (gone.seen)
			continue;
		watch->shown[i] = watch->shown[--watch->count];
		print_end(watch->cli, &gone);
		shown_release(&gone);
	}
}

static void
print_waiting(const struct cli *cli, xmpp_stanza_t *list)
{
	const char *self = xmpp_stanza_get_attribute(list, "self");

	if (cli->args.quiet || cli->args.json)
		return;
	if (self == NULL)
		complain("this device has no address on the LAN: earshot doctor");
	else
		complain("waiting for who wants to be paired; there: earshot pair %s", self);
}

static void
take_list(struct watch *watch, xmpp_stanza_t *list)
{
	const char *serial = xmpp_stanza_get_attribute(list, "serial");

	if (watch->serial[0] == '\0')
		print_waiting(watch->cli, list);
	copy_text(watch->serial, sizeof(watch->serial), serial == NULL ? "" : serial);
	for (size_t i = 0; i < watch->count; i++)
		watch->shown[i].seen = false;
	for (xmpp_stanza_t *e = ear_first(list); e != NULL; e = ear_next(e))
		if (ear_is(e, "pairing", EAR_NS_CONTROL))
			take_pairing(watch, e);
	end_unseen(watch);
}

/* --- asking ------------------------------------------------------------------------------- */

static int
ask_list(struct watch *watch, double seconds)
{
	struct cli *cli = watch->cli;
	xmpp_stanza_t *iq = cli_control(cli, "get", "pairings"), *list;
	struct answer answer;
	int code;

	if (watch->serial[0] != '\0')
		ear_set(ear_first(iq), "after", "%s", watch->serial);
	cli_ask(cli, iq, seconds, &answer);
	code = answer.code;
	if (code == EXIT_DONE) {
		list = trust_payload(&answer, "pairings", &code);
		if (list != NULL)
			take_list(watch, list);
	} else if (code != EXIT_TIMEOUT || answer.stanza != NULL) {
		code = trust_refused("daemon", &answer, NULL);
	}
	answer_release(&answer);
	return code;
}

/* Whoever runs this is at the device: what strangers guessed wrong counts no longer. */
static int
reset(struct cli *cli)
{
	xmpp_stanza_t *iq = cli_control(cli, "set", "pairings");
	struct answer answer;
	int code;

	ear_set(ear_first(iq), "reset", "true");
	cli_ask(cli, iq, cli->args.timeout, &answer);
	code = answer.code;
	if (code != EXIT_DONE)
		code = trust_refused("daemon", &answer, NULL);
	answer_release(&answer);
	return code;
}

static double
seconds_left(int64_t deadline)
{
	double left = (double)(deadline - cli_now()) / 1e6;

	return left < 0 ? 0 : left > HELD_SECONDS ? HELD_SECONDS : left;
}

int
pairings_watch(struct cli *cli)
{
	struct watch watch = { .cli = cli };
	double seconds = cli->args.has_timeout ? cli->args.timeout : 86400.0 * 365;
	int64_t deadline = cli_now() + (int64_t)(seconds * 1e6);
	int code = reset(cli);

	while ((code == EXIT_DONE || code == EXIT_TIMEOUT) && !cli->interrupted && !cli->down &&
	       cli_now() < deadline)
		code = ask_list(&watch, seconds_left(deadline));
	for (size_t i = 0; i < watch.count; i++)
		shown_release(&watch.shown[i]);
	if (cli_is_down(cli) != EXIT_DONE)
		return EXIT_CONFIG;
	if (cli->interrupted)
		return EXIT_DONE;
	return code == EXIT_DONE || code == EXIT_TIMEOUT ? (watch.any ? EXIT_DONE : EXIT_TIMEOUT)
							 : code;
}

/* --- a QR code ---------------------------------------------------------------------------- */

static int
print_qr(const struct cli *cli, xmpp_stanza_t *token)
{
	const char *uri = xmpp_stanza_get_attribute(token, "uri");
	const char *expires = xmpp_stanza_get_attribute(token, "expires-us");

	if (uri == NULL) {
		complain("daemon: its answer holds no uri");
		return EXIT_CONFIG;
	}
	if (cli->args.json) {
		json_t *object = json_object();

		json_put_text(object, "uri", uri);
		cli_put_attribute(object, token, "expires-us");
		out_json(stdout, object);
		return EXIT_DONE;
	}
	if (qr_write(uri, out_has_colour(stdout), stdout) != 0) {
		complain("%s: too long for a QR code", uri);
		return EXIT_CONFIG;
	}
	if (!cli->args.quiet) {
		char *clean = out_escape(uri, false);

		printf("%s\n", clean);
		free(clean);
		if (expires != NULL)
			complain("good once, for %lld seconds",
				 strtoll(expires, NULL, 10) / 1000000);
	}
	return EXIT_DONE;
}

int
pairings_qr(struct cli *cli)
{
	struct answer answer;
	xmpp_stanza_t *token;
	double seconds = 0;
	int code;

	cli_ask(cli, cli_control(cli, "set", "token"), cli->args.timeout, &answer);
	code = answer.code;
	if (code != EXIT_DONE) {
		code = trust_refused("daemon", &answer, NULL);
	} else {
		token = trust_payload(&answer, "token", &code);
		if (token != NULL) {
			const char *expires = xmpp_stanza_get_attribute(token, "expires-us");

			seconds = expires == NULL ? 0 : strtod(expires, NULL) / 1e6;
			code = print_qr(cli, token);
		}
	}
	answer_release(&answer);
	/* The token is an engine's: one inside has to be there when it is scanned. */
	if (code == EXIT_DONE && cli->ear != NULL)
		cli_sleep(cli, seconds);
	return code;
}
