/* SPDX-License-Identifier: ISC */
/* cmd_pair.c: pairing with a device: by the digits that it shows, or by what its QR code holds. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "inside.h"
#include "trust.h"
#include "pairings.h"
#include "prompt.h"

/* A box asks its player, its user, and an answer crosses the LAN three times. */
#define STEP_SECONDS 30.0

#define TRIES 3 /* at six digits, on a terminal */

static double
patience(const struct cli *cli)
{
	return cli->args.has_timeout ? cli->args.timeout : STEP_SECONDS;
}

static xmpp_stanza_t *
pair_request(struct cli *cli, const char *attribute, const char *value)
{
	xmpp_stanza_t *iq = cli_control(cli, "set", "pair");

	ear_set(ear_first(iq), attribute, "%s", value);
	return iq;
}

static void
print_paired(const struct cli *cli, xmpp_stanza_t *paired, const char *fallback)
{
	const char *address = xmpp_stanza_get_attribute(paired, "address");
	const char *name = xmpp_stanza_get_attribute(paired, "name");
	char *clean;

	if (cli->args.quiet)
		return;
	if (address == NULL)
		address = fallback;
	if (cli->args.json) {
		json_t *object = json_object();

		json_put_text(object, "address", address);
		cli_put_attribute(object, paired, "name");
		cli_put_attribute(object, paired, "key");
		out_json(stdout, object);
		return;
	}
	clean = pairings_who(name, address);
	printf("paired with %s\n", clean);
	free(clean);
}

/* The end of a pairing: what the engine says of it. */
static int
finish(struct cli *cli, xmpp_stanza_t *iq, const char *who)
{
	struct answer answer;
	xmpp_stanza_t *paired;
	int code;

	cli_ask(cli, iq, patience(cli), &answer);
	code = answer.code;
	if (code != EXIT_DONE) {
		code = trust_refused(who, &answer, NULL);
	} else {
		paired = trust_payload(&answer, "paired", &code);
		if (paired != NULL)
			print_paired(cli, paired, who);
	}
	answer_release(&answer);
	return code;
}

/* --- by digits ---------------------------------------------------------------------------- */

/* Six digits, however they are grouped, to their beginning; false: it is something else. */
static bool
take_digits(char *line)
{
	size_t n = 0;

	for (const char *p = line; *p != '\0'; p++) {
		if (isdigit((unsigned char)*p) && n < EAR_CODE_SIZE - 1)
			line[n++] = *p;
		else if (*p != ' ' && *p != '-' && *p != '\t')
			return false;
	}
	line[n] = '\0';
	return n == EAR_CODE_SIZE - 1;
}

static void
cancel(struct cli *cli, const char *address)
{
	xmpp_stanza_t *iq = pair_request(cli, "address", address);

	ear_set(ear_first(iq), "cancel", "true");
	cli_send(cli, iq);
}

/* Asks again on a terminal when it is something else. The caller frees; NULL: none. */
static char *
read_digits(struct cli *cli, const char *address)
{
	char *who = out_escape(address, false);
	char *prompt = xasprintf("%s shows six digits. Type them: ", who), *line;
	int tries = isatty(STDIN_FILENO) ? TRIES : 1;

	for (;;) {
		line = prompt_line(cli, prompt);
		if (line == NULL || take_digits(line))
			break;
		xreplace(&line, NULL);
		if (--tries == 0)
			break;
	}
	free(prompt);
	free(who);
	return line;
}

static int
type_digits(struct cli *cli, const char *address)
{
	char *digits = read_digits(cli, address);
	int code = EXIT_USAGE;

	if (digits != NULL) {
		xmpp_stanza_t *iq = pair_request(cli, "address", address);

		ear_set(ear_first(iq), "code", "%s", digits);
		code = finish(cli, iq, address);
	} else if (cli_is_down(cli) == EXIT_DONE) {
		cancel(cli, address);
		if (!cli->interrupted)
			complain("%s: not paired: six digits are wanted", address);
	}
	free(digits);
	return code;
}

static int
pair_with(struct cli *cli, const char *name)
{
	struct answer answer;
	int code;
	char *address = cli_resolve(cli, name, &code);

	if (address == NULL)
		return code;
	cli_ask(cli, pair_request(cli, "address", address), patience(cli), &answer);
	code = answer.code;
	if (code != EXIT_DONE)
		code = trust_refused(address, &answer, NULL);
	answer_release(&answer);
	if (code == EXIT_DONE)
		code = type_digits(cli, address);
	free(address);
	return code;
}

/* --- by a URI ----------------------------------------------------------------------------- */

/* Who is meant: "xmpp:tv@box.local?pair;..." The caller frees. */
static char *
who_of(const char *uri)
{
	return xstrndup(uri + 5, strcspn(uri + 5, "?"));
}

/* An engine inside has to find that one first. */
static void
await_uri(struct cli *cli, const char *who)
{
	char *address;
	int code;

	address = strchr(who, '@') == NULL ? NULL : cli_resolve(cli, who, &code);
	free(address);
}

static int
pair_by_uri(struct cli *cli)
{
	char *line = prompt_line(cli, "");
	const char *uri = line;
	char *who;
	int code;

	if (line == NULL) {
		if (!cli->interrupted)
			complain("pair: standard input is empty: it wants what the QR code holds");
		return EXIT_USAGE;
	}
	uri += strspn(uri, " \t");
	line[strcspn(line, "\r\n")] = '\0';
	if (strncmp(uri, "xmpp:", 5) != 0) {
		complain("pair: that does not begin with xmpp:, as what a QR code of `earshot pair "
			 "--qr` holds");
		code = EXIT_USAGE;
	} else {
		who = who_of(uri);
		await_uri(cli, who);
		code = finish(cli, pair_request(cli, "uri", uri), *who == '\0' ? "pair" : who);
		free(who);
	}
	free(line);
	return code;
}

int
cmd_pair(struct cli *cli)
{
	if (cli->args.qr && cli->args.count > 0) {
		complain("pair: --qr is for this device and takes no address");
		return EXIT_USAGE;
	}
	if (cli->args.qr)
		return pairings_qr(cli);
	if (cli->args.count == 0)
		return pairings_watch(cli);
	if (strcmp(cli->args.words[0], "-") == 0)
		return pair_by_uri(cli);
	return pair_with(cli, cli->args.words[0]);
}
