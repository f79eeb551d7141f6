/* SPDX-License-Identifier: ISC */
/* cmd_send.c: chat messages from arguments or standard input. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <unistr.h>

#include "base/alloc.h"
#include "cli.h"

#define TEXT_MAX ((size_t)128 * 1024) /* half of what a stream takes: room for escapes */

#define HEAR_SECONDS 0.3
#define LINES_STORED 64 /* that are stored together */

/* What came back for messages of ours. */
struct sending {
	int code;
	bool told;
	const char *address;
};

static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct sending *sending = arg;
	const char *type = xmpp_stanza_get_type(stanza);
	struct answer answer = { .stanza = stanza };

	if (!ear_is(stanza, "message", EAR_NS_CLIENT) || type == NULL || strcmp(type, "error") != 0)
		return;
	answer.code = cli_code_of(stanza);
	if (sending->code == EXIT_DONE)
		sending->code = answer.code;
	if (!sending->told)
		cli_refused(sending->address, &answer);
	sending->told = true;
}

static int
send_one(struct cli *cli, const char *address, const char *text, size_t length)
{
	xmpp_stanza_t *message;
	char *body;

	if (length > TEXT_MAX) {
		complain("the message is longer than %zu bytes", TEXT_MAX);
		return EXIT_USAGE;
	}
	if (u8_check((const uint8_t *)text, length) != NULL || memchr(text, '\0', length) != NULL) {
		complain("the message is not UTF-8 text");
		return EXIT_USAGE;
	}
	message = ear_stanza(cli->ctx, "message", "chat", address, NULL);
	body = xstrndup(text, length);
	ear_child_text(message, "body", EAR_NS_CLIENT, body);
	free(body);
	cli_expires(cli, message);
	if (cli->args.queue)
		ear_set(ear_child(message, "route", EAR_NS_CONTROL), "queue", "true");
	return cli_send(cli, message);
}

/* Waits until everything sent has been handed to a path, or came back. */
static int
flush_sent(struct cli *cli, struct sending *sending)
{
	struct answer answer;
	int code;

	cli_ask(cli, cli_control(cli, "set", "flush"), cli->args.timeout, &answer);
	code = answer.code;
	if (code != EXIT_DONE && sending->code == EXIT_DONE)
		cli_refused(sending->address, &answer);
	answer_release(&answer);
	return sending->code != EXIT_DONE ? sending->code : code;
}

/*
 * The other side may refuse what it was sent ("nobody is listening here"). It takes a stream in
 * order: once a ping that followed is answered, a refusal has come. Who answers no pings (iChat,
 * Pidgin) costs a moment.
 */
static int
hear_back(struct cli *cli, struct sending *sending)
{
	xmpp_stanza_t *iq = ear_stanza(cli->ctx, "iq", "get", sending->address, NULL);
	struct answer answer;

	ear_child(iq, "ping", EAR_NS_PING);
	cli_ask(cli, iq, cli->args.timeout < HEAR_SECONDS ? cli->args.timeout : HEAR_SECONDS,
		&answer);
	answer_release(&answer);
	return sending->code;
}

static int
send_lines(struct cli *cli, struct sending *sending)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	unsigned together = cli->args.queue ? LINES_STORED : 1, count = 0;
	int code = EXIT_DONE;

	errno = 0;
	while (code == EXIT_DONE && (length = getline(&line, &size, stdin)) != -1) {
		while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
			length--;
		if (length == 0)
			continue;
		code = send_one(cli, sending->address, line, length);
		/* One at a time: a queue that is full refuses what a pause would let through. */
		if (code == EXIT_DONE && ++count % together == 0)
			code = flush_sent(cli, sending);
	}
	if (code == EXIT_DONE && count % together != 0)
		code = flush_sent(cli, sending);
	if (code == EXIT_DONE && cli_was_interrupted(cli, stdin))
		code = EXIT_CONFIG;
	free(line);
	return code;
}

static int
send_input(struct cli *cli, struct sending *sending)
{
	char *text = xalloc(TEXT_MAX + 2);
	size_t length = fread(text, 1, TEXT_MAX + 2, stdin);
	int code;

	if (length <= TEXT_MAX + 1 && length > 0 && text[length - 1] == '\n')
		length--;
	if (cli_was_interrupted(cli, stdin)) {
		code = EXIT_CONFIG;
	} else if (length == 0) {
		complain("standard input is empty: nothing to send");
		code = EXIT_USAGE;
	} else {
		code = send_one(cli, sending->address, text, length);
	}
	free(text);
	return code == EXIT_DONE ? flush_sent(cli, sending) : code;
}

static int
send_words(struct cli *cli, struct sending *sending)
{
	char *text = cli_join(cli, 1);
	int code = send_one(cli, sending->address, text, strlen(text));

	free(text);
	return code == EXIT_DONE ? flush_sent(cli, sending) : code;
}

static int
check_queue(const struct cli *cli)
{
	if (cli->args.queue && strcmp(cli->args.path, "auto") != 0) {
		complain("send: what --queue stores takes the path that there will be: no --path");
		return EXIT_USAGE;
	}
	if (cli->args.queue && cli->ear != NULL) {
		complain("send: --queue stores with the daemon, and none is used here: start "
			 "earshotd");
		return EXIT_CONFIG;
	}
	return EXIT_DONE;
}

int
cmd_send(struct cli *cli)
{
	struct sending sending = { .code = EXIT_DONE };
	int code;
	char *address;

	if (cli->args.lines && cli->args.count > 1) {
		complain("send: --lines reads standard input, and TEXT is given too");
		return EXIT_USAGE;
	}
	code = check_queue(cli);
	if (code != EXIT_DONE)
		return code;
	/* Who is stored for need not be there. */
	address = (cli->args.queue ? cli_address : cli_resolve)(cli, cli->args.words[0], &code);
	if (address == NULL)
		return code;
	sending.address = address;
	cli_listen(cli, on_stanza, &sending);
	if (cli->args.lines)
		code = send_lines(cli, &sending);
	else if (cli->args.count > 1)
		code = send_words(cli, &sending);
	else
		code = send_input(cli, &sending);
	if (code == EXIT_DONE && !cli->args.queue)
		code = hear_back(cli, &sending);
	cli_listen(cli, NULL, NULL);
	free(address);
	return code;
}
