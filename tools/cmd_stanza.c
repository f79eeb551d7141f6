/* SPDX-License-Identifier: ISC */
/* cmd_stanza.c: raw stanzas from a file to the engine, and what comes back; or whatever arrives. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli.h"
#include "wire/reader.h"

/* What is read from the file stands in a stream of ours, so that prefixes and defaults are known.
 */
static const char opening[] =
	"<stream:stream xmlns='" EAR_NS_CLIENT "' xmlns:stream='" EAR_NS_STREAM "' version='1.0'>";
static const char ending[] = "</stream:stream>";

/* Stanzas that were read and wait for their turn; sending waits, which no callback may. */
struct queue {
	xmpp_stanza_t **all;
	size_t count;
};

/* The XML on one line of a terminal. */
static char *
xml_of(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *copy = ear_copy_without(stanza, EAR_NS_CONTROL);
	char *text, *clean;
	size_t size;

	if (xmpp_stanza_to_text(copy, &text, &size) != XMPP_EOK)
		abort();
	clean = out_escape(text, false);
	xmpp_free(xmpp_stanza_get_context(copy), text);
	xmpp_stanza_release(copy);
	return clean;
}

static void
print_stanza(struct cli *cli, xmpp_stanza_t *stanza)
{
	char *xml = xml_of(stanza);
	enum ear_link_kind link;
	const char *level;
	int64_t rtt;

	cli_via(stanza, &link, &rtt, &level);
	if (cli->args.json) {
		json_t *object = json_object();

		json_put_text(object, "stanza", xml);
		json_put_text(object, "link", ear_link_name(link));
		json_put_text(object, "level", level);
		json_object_set_new(object, "rtt_us", rtt < 0 ? json_null() : json_integer(rtt));
		out_json(stdout, object);
	} else if (!cli->args.quiet) {
		printf("%s\n", xml);
		fflush(stdout);
	}
	free(xml);
}

/* --- sending ------------------------------------------------------------------------------ */

static int
on_header(void *arg, const struct reader_header *header)
{
	return 0;
}

static int
on_read(void *arg, xmpp_stanza_t *stanza)
{
	struct queue *queue = arg;

	queue->all = xrealloc(queue->all, (queue->count + 1) * sizeof(*queue->all));
	queue->all[queue->count++] = xmpp_stanza_clone(stanza);
	return 0;
}

static int
on_read_end(void *arg)
{
	return 0;
}

static const struct reader_events reader_events = { on_header, on_read, on_read_end };

static bool
is_request(xmpp_stanza_t *stanza)
{
	return ear_is(stanza, "iq", EAR_NS_CLIENT) && ear_is_request(stanza);
}

static int
ask_one(struct cli *cli, xmpp_stanza_t *iq)
{
	const char *to = xmpp_stanza_get_to(iq);
	char *subject = xstrdup(to == NULL ? "daemon" : to);
	struct answer answer;
	int code;

	cli_ask(cli, iq, cli->args.timeout, &answer);
	if (answer.stanza != NULL)
		print_stanza(cli, answer.stanza);
	code = answer.code == EXIT_DONE ? EXIT_DONE : cli_refused(subject, &answer);
	answer_release(&answer);
	free(subject);
	return code;
}

/* Consumes the stanza. */
static int
send_one(struct cli *cli, xmpp_stanza_t *stanza)
{
	const char *to = xmpp_stanza_get_to(stanza);
	struct answer answer;
	int code;

	if (to != NULL && cli->ear != NULL) {
		char *address = cli_resolve(cli, to, &code);

		free(address);
	}
	if (is_request(stanza))
		return ask_one(cli, stanza);
	code = cli_send(cli, stanza);
	if (code != EXIT_DONE)
		return code;
	cli_ask(cli, cli_control(cli, "set", "flush"), cli->args.timeout, &answer);
	code = answer.code == EXIT_DONE ? EXIT_DONE : cli_refused("daemon", &answer);
	answer_release(&answer);
	return code;
}

static int
send_queue(struct cli *cli, struct queue *queue)
{
	int code = EXIT_DONE, rc;

	for (size_t i = 0; i < queue->count; i++) {
		xmpp_stanza_t *stanza = xmpp_stanza_copy(queue->all[i]);
		char id[17];

		xmpp_stanza_release(queue->all[i]);
		if (xmpp_stanza_get_id(stanza) == NULL) {
			ear_new_id(id);
			xmpp_stanza_set_id(stanza, id);
		}
		rc = send_one(cli, stanza);
		code = rc != EXIT_DONE ? rc : code;
	}
	queue->count = 0;
	return code;
}

/* A message of ours that came back. */
static void
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct cli *cli = arg;
	const char *type = xmpp_stanza_get_type(stanza);

	print_stanza(cli, stanza);
	if (type != NULL && strcmp(type, "error") == 0 && cli->result == EXIT_DONE)
		cli->result = cli_code_of(stanza);
}

static int
not_xml(const char *name, const struct reader *reader)
{
	const char *error = reader_error(reader);

	complain("%s: no stanza of jabber:client: %s", name, error == NULL ? "cut short" : error);
	return EXIT_USAGE;
}

static int
send_file(struct cli *cli, FILE *file, const char *name)
{
	struct queue queue = { 0 };
	struct reader *reader = reader_new(cli->ctx, &reader_caps_known, &reader_events, &queue);
	char bytes[4096];
	size_t length;
	int code = EXIT_DONE, rc = reader_feed(reader, opening, sizeof(opening) - 1);
	unsigned long count = 0;

	cli_listen(cli, on_stanza, cli);
	while (rc == 0 && !cli->interrupted && !cli->down &&
	       (length = fread(bytes, 1, sizeof(bytes), file)) > 0) {
		rc = reader_feed(reader, bytes, length);
		count += queue.count;
		if (queue.count > 0) {
			int sent = send_queue(cli, &queue);

			code = sent != EXIT_DONE ? sent : code;
		}
	}
	if (cli_was_interrupted(cli, file))
		code = EXIT_CONFIG;
	else if (rc != 0 || !reader_is_between(reader) ||
		 reader_feed(reader, ending, sizeof(ending) - 1) != 0)
		code = not_xml(name, reader);
	else if (count == 0) {
		complain("%s: no stanza in it", name);
		code = EXIT_USAGE;
	}
	cli_listen(cli, NULL, NULL);
	free(queue.all);
	reader_free(reader);
	return code != EXIT_DONE ? code : cli->result;
}

/* --- listening ---------------------------------------------------------------------------- */

struct listening {
	struct cli *cli;
	long count;
};

static void
on_arrival(void *arg, xmpp_stanza_t *stanza)
{
	struct listening *listening = arg;

	if (listening->cli->args.number > 0 && listening->count >= listening->cli->args.number)
		return;
	print_stanza(listening->cli, stanza);
	listening->count++;
}

static int
listen_all(struct cli *cli)
{
	struct listening listening = { .cli = cli };
	double seconds = cli->args.has_timeout ? cli->args.timeout : 366 * 86400.0;
	int64_t deadline = cli_now() + (int64_t)(seconds * 1e6);
	long wanted = cli->args.number;
	int code;

	cli_listen(cli, on_arrival, &listening);
	code = cli_send(cli, ear_stanza(cli->ctx, "presence", NULL, NULL, NULL));
	while (code == EXIT_DONE && !cli->interrupted && !cli->down && cli_now() < deadline &&
	       (wanted == 0 || listening.count < wanted))
		cli_turn(cli, deadline);
	cli_listen(cli, NULL, NULL);
	if (cli_is_down(cli) != EXIT_DONE)
		return EXIT_CONFIG;
	if (wanted > 0 && listening.count < wanted && !cli->interrupted) {
		complain("%ld of %ld stanzas came in time", listening.count, wanted);
		return EXIT_TIMEOUT;
	}
	return code;
}

int
cmd_stanza(struct cli *cli)
{
	const char *name = cli->args.count > 0 ? cli->args.words[0] : "-";
	FILE *file;
	int code;

	if (cli->args.listen && cli->args.count > 0) {
		complain("stanza: --listen takes no file");
		return EXIT_USAGE;
	}
	if (cli->args.listen)
		return listen_all(cli);
	file = cli_open_file(name, &name);
	if (file == NULL)
		return EXIT_USAGE;
	code = send_file(cli, file, name);
	cli_close_file(file);
	return code;
}
