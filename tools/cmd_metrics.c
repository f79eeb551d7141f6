/* SPDX-License-Identifier: ISC */
/* cmd_metrics.c: the figures of the engine, as Prometheus reads them or as JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli.h"

/* name="value",... up to the closing brace. */
static json_t *
read_labels(char *text)
{
	json_t *labels = json_object();
	char *rest = NULL;

	for (char *pair = strtok_r(text, ",", &rest); pair != NULL;
	     pair = strtok_r(NULL, ",", &rest)) {
		char *value = strchr(pair, '=');

		if (value == NULL)
			continue;
		*value++ = '\0';
		value += *value == '"';
		value[strcspn(value, "\"")] = '\0';
		json_object_set_new(labels, pair, json_string(value));
	}
	return labels;
}

/* name{labels} value; the engine writes no spaces elsewhere, and no commas in labels. */
static void
print_json(char *line)
{
	json_t *object = json_object();
	char *value = strrchr(line, ' '), *labels = strchr(line, '{');

	if (value != NULL && line[0] != '#') {
		*value++ = '\0';
		if (labels != NULL) {
			*labels++ = '\0';
			labels[strcspn(labels, "}")] = '\0';
		}
		json_put_text(object, "name", line);
		json_object_set_new(object, "labels",
				    labels == NULL ? json_object() : read_labels(labels));
		json_object_set_new(object, "value", json_real(strtod(value, NULL)));
		out_json(stdout, object);
	} else {
		json_decref(object);
	}
}

static int
print_metrics(struct cli *cli, xmpp_stanza_t *metrics)
{
	xmpp_stanza_t *text = metrics == NULL ? NULL : ear_find(metrics, "text", EAR_NS_CONTROL);
	const char *lines = text == NULL ? NULL : ear_text(text);
	char *copy, *rest = NULL;

	if (lines == NULL) {
		complain("daemon: its answer holds no <metrics/>");
		return EXIT_CONFIG;
	}
	if (!cli->args.json) {
		char *safe = out_escape(lines, true);

		fputs(safe, stdout);
		free(safe);
		return EXIT_DONE;
	}
	copy = xstrdup(lines);
	for (char *line = strtok_r(copy, "\n", &rest); line != NULL;
	     line = strtok_r(NULL, "\n", &rest))
		print_json(line);
	free(copy);
	return EXIT_DONE;
}

int
cmd_metrics(struct cli *cli)
{
	struct answer answer;
	int code;

	cli_ask(cli, cli_control(cli, "get", "metrics"), cli->args.timeout, &answer);
	if (answer.code == EXIT_DONE)
		code = print_metrics(cli, ear_find(answer.stanza, "metrics", EAR_NS_CONTROL));
	else
		code = cli_refused("daemon", &answer);
	answer_release(&answer);
	return code;
}
