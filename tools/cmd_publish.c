/* SPDX-License-Identifier: ISC */
/* cmd_publish.c: items from files, standard input or words to a node (XEP-0060 §7.1). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <unistr.h>

#include "base/alloc.h"
#include "cli.h"
#include "payload.h"
#include "service.h"

#define OPTIONS_MAX 32

struct publishing {
	struct cli *cli;
	struct place place;
	char *ours; /* for entries; NULL: not needed */
	char *options[OPTIONS_MAX];
	int option_count;
	char *option_text; /* what options points into */
};

static void
print_published(const struct publishing *publishing, const char *item, const struct answer *answer)
{
	const struct args *args = &publishing->cli->args;
	char *clean;

	if (args->json) {
		json_t *object = json_object();

		json_put_text(object, "to", publishing->place.address);
		json_put_text(object, "node", publishing->place.node);
		json_put_text(object, "item", item);
		json_put_text(object, "link", ear_link_name(answer->link));
		json_object_set_new(object, "rtt_us",
				    answer->rtt_us < 0 ? json_null()
						       : json_integer(answer->rtt_us));
		out_json(stdout, object);
		return;
	}
	if (args->quiet)
		return;
	clean = out_escape(item, false);
	printf("%s\n", clean);
	fflush(stdout);
	free(clean);
}

/* What the service made of it: an item of a node that keeps one is called as that one is. */
static const char *
item_in(const struct answer *answer, const char *item)
{
	xmpp_stanza_t *pubsub = service_of(answer, EAR_NS_PUBSUB);
	xmpp_stanza_t *publish = pubsub == NULL ? NULL : ear_find(pubsub, "publish", EAR_NS_PUBSUB);
	xmpp_stanza_t *element = publish == NULL ? NULL : ear_find(publish, "item", EAR_NS_PUBSUB);
	const char *id = element == NULL ? NULL : xmpp_stanza_get_id(element);

	return id == NULL ? item : id;
}

/* Consumes the payload. */
static int
publish(struct publishing *publishing, const char *id, xmpp_stanza_t *payload)
{
	struct cli *cli = publishing->cli;
	xmpp_stanza_t *publish, *item, *options;
	struct answer answer;
	xmpp_stanza_t *iq =
		service_request(cli, &publishing->place, "set", EAR_NS_PUBSUB, "publish", &publish);
	int code = EXIT_DONE;

	item = ear_child(publish, "item", EAR_NS_PUBSUB);
	xmpp_stanza_set_id(item, id);
	xmpp_stanza_add_child_ex(item, payload, 0);
	if (publishing->option_count > 0) {
		options = ear_child(ear_first(iq), "publish-options", EAR_NS_PUBSUB);
		if (!service_add_form(options, EAR_NS_PUBSUB "#publish-options",
				      publishing->options, publishing->option_count))
			code = EXIT_USAGE;
	}
	if (code != EXIT_DONE) {
		xmpp_stanza_release(iq);
		return code;
	}
	code = service_ask(cli, &publishing->place, iq, &answer);
	if (code == EXIT_DONE)
		print_published(publishing, item_in(&answer, id), &answer);
	answer_release(&answer);
	return code;
}

/* The id of the user's choice, or one that nobody has and that is no option where it is typed. */
static const char *
item_id(const struct publishing *publishing, char *fresh)
{
	if (publishing->cli->args.id != NULL)
		return publishing->cli->args.id;
	do
		ear_new_id(fresh);
	while (fresh[0] == '-');
	return fresh;
}

static int
publish_entry(struct publishing *publishing, const char *title, const char *content)
{
	const struct args *args = &publishing->cli->args;
	char fresh[17];
	const struct place *place = &publishing->place;
	struct entry entry = {
		.title = title,
		.content = content,
		.summary = args->summary,
		.link = args->href,
		.author = publishing->ours,
		.address = place->address == NULL ? publishing->ours : place->address,
		.node = place->node,
		.item = item_id(publishing, fresh),
		.updated = time(NULL),
		.is_new = args->id == NULL,
	};

	if (*title == '\0') {
		complain("publish: an entry needs a title: --title, or a first line");
		return EXIT_USAGE;
	}
	return publish(publishing, entry.item, payload_entry(publishing->cli->ctx, &entry));
}

/* --- where it comes from ------------------------------------------------------------------ */

/* The whole file, ended by a NUL that is not counted. The caller frees; NULL after a complaint. */
static char *
read_all(struct publishing *publishing, FILE *file, const char *name, size_t *length)
{
	char *text = xalloc(PAYLOAD_MAX + 2);

	errno = 0;
	*length = fread(text, 1, PAYLOAD_MAX + 1, file);
	text[*length] = '\0';
	if (cli_was_interrupted(publishing->cli, file)) {
		free(text);
		return NULL;
	}
	if (ferror(file))
		complain("%s: %s", name, strerror(errno));
	else if (*length > PAYLOAD_MAX)
		complain("%s: it is larger than %zu KiB", name, PAYLOAD_MAX / 1024);
	else
		return text;
	free(text);
	return NULL;
}

/* Whether it may stand in XML at all. */
static bool
is_text(const char *name, const char *text, size_t length)
{
	if (u8_check((const uint8_t *)text, length) == NULL && strlen(text) == length)
		return true;
	complain("%s: it is not UTF-8 text", name);
	return false;
}

/* As a mail has its subject: the first line, and what follows an empty line. */
static int
publish_article(struct publishing *publishing, char *text)
{
	const char *title = publishing->cli->args.title;
	char *content = text;

	if (title == NULL) {
		title = text;
		content = text + strcspn(text, "\n");
		if (*content != '\0')
			*content++ = '\0';
		content += strspn(content, "\r\n");
		text[strcspn(text, "\r")] = '\0';
	}
	return publish_entry(publishing, title, *content == '\0' ? NULL : content);
}

static int
publish_file(struct publishing *publishing, FILE *file, const char *name)
{
	xmpp_stanza_t *payload;
	char fresh[17], *text;
	const char *why;
	size_t length;
	int code = EXIT_USAGE;

	text = read_all(publishing, file, name, &length);
	if (text == NULL)
		return publishing->cli->interrupted ? EXIT_CONFIG : EXIT_USAGE;
	if (publishing->cli->args.atom) {
		if (is_text(name, text, length))
			code = publish_article(publishing, text);
		free(text);
		return code;
	}
	why = payload_parse(publishing->cli->ctx, text, length, &payload);
	free(text);
	if (why != NULL) {
		complain("%s: %s", name, why);
		return EXIT_USAGE;
	}
	return publish(publishing, item_id(publishing, fresh), payload);
}

static int
publish_line(struct publishing *publishing, const char *line)
{
	char fresh[17];

	if (publishing->cli->args.atom)
		return publish_entry(publishing, line, NULL);
	return publish(publishing, item_id(publishing, fresh),
		       payload_text(publishing->cli->ctx, line));
}

static int
publish_lines(struct publishing *publishing, FILE *file, const char *name)
{
	char *line = NULL;
	size_t size = 0;
	ssize_t length;
	int code = EXIT_DONE;

	errno = 0;
	while (code == EXIT_DONE && (length = getline(&line, &size, file)) != -1) {
		while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
			line[--length] = '\0';
		if (length == 0)
			continue;
		if (!is_text(name, line, (size_t)length))
			code = EXIT_USAGE;
		else
			code = publish_line(publishing, line);
	}
	if (code == EXIT_DONE && cli_was_interrupted(publishing->cli, file))
		code = EXIT_CONFIG;
	free(line);
	return code;
}

/* --- the command -------------------------------------------------------------------------- */

/* --options access_model=open,max_items=3 */
static int
take_options(struct publishing *publishing)
{
	const char *text = publishing->cli->args.options;
	char *rest, *one;

	if (text == NULL)
		return EXIT_DONE;
	publishing->option_text = xstrdup(text);
	for (one = strtok_r(publishing->option_text, ",", &rest); one != NULL;
	     one = strtok_r(NULL, ",", &rest)) {
		if (publishing->option_count == OPTIONS_MAX) {
			complain("publish: --options: more than %d", OPTIONS_MAX);
			return EXIT_USAGE;
		}
		publishing->options[publishing->option_count++] = one;
	}
	return EXIT_DONE;
}

static int
check(const struct args *args)
{
	if (args->lines && (args->id != NULL || args->title != NULL)) {
		complain("publish: with --lines each line is an item of its own: no --id, no "
			 "--title");
		return EXIT_USAGE;
	}
	if (!args->atom && (args->title != NULL || args->href != NULL || args->summary != NULL)) {
		complain("publish: --title, --link and --summary are for --atom");
		return EXIT_USAGE;
	}
	if (args->id != NULL && *args->id == '\0') {
		complain("publish: --id: \"\" is none");
		return EXIT_USAGE;
	}
	return EXIT_DONE;
}

static int
publish_from(struct publishing *publishing)
{
	const struct args *args = &publishing->cli->args;
	const char *name = args->count > 1 ? args->words[1] : "-";
	FILE *file;
	int code;

	/* A title alone is an entry. */
	if (args->atom && args->title != NULL && args->count < 2)
		return publish_entry(publishing, args->title, NULL);
	file = cli_open_file(name, &name);
	if (file == NULL)
		return EXIT_USAGE;
	code = (args->lines ? publish_lines : publish_file)(publishing, file, name);
	cli_close_file(file);
	return code;
}

int
cmd_publish(struct cli *cli)
{
	struct publishing publishing = { .cli = cli };
	int code = check(&cli->args);

	if (code == EXIT_DONE)
		code = take_options(&publishing);
	if (code == EXIT_DONE)
		code = place_open(&publishing.place, cli, cli->args.to, cli->args.words[0]);
	if (code == EXIT_DONE && cli->args.atom)
		publishing.ours = service_ours(cli, &code);
	if (code == EXIT_DONE)
		code = publish_from(&publishing);
	place_release(&publishing.place);
	free(publishing.option_text);
	free(publishing.ours);
	return code;
}
