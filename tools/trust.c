/* SPDX-License-Identifier: ISC */
/* trust.c: fingerprints for people, and why something about keys was refused. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trust.h"

void
trust_groups(const char *digits, char out[TRUST_GROUPS_SIZE])
{
	struct ear_key key;
	char plain[EAR_KEY_SIZE];
	size_t n = 0;

	if (digits == NULL || ear_key_parse(digits, &key) != 0) {
		copy_text(out, TRUST_GROUPS_SIZE, "?");
		return;
	}
	ear_key_format(&key, plain);
	for (size_t i = 0; plain[i] != '\0'; i++) {
		if (i > 0 && i % 4 == 0)
			out[n++] = ' ';
		out[n++] = plain[i];
	}
	out[n] = '\0';
}

xmpp_stanza_t *
trust_payload(const struct answer *answer, const char *name, int *code)
{
	xmpp_stanza_t *payload = answer->code != EXIT_DONE || answer->stanza == NULL
					 ? NULL
					 : ear_find(answer->stanza, name, EAR_NS_CONTROL);

	*code = payload == NULL ? EXIT_CONFIG : EXIT_DONE;
	if (payload == NULL)
		complain("daemon: its answer holds no <%s/>", name);
	return payload;
}

static char *
attribute_of(xmpp_stanza_t *element, const char *name)
{
	const char *value = xmpp_stanza_get_attribute(element, name);

	return xstrdup(value == NULL ? "" : value);
}

int
trust_own(struct cli *cli, char **key, char **name)
{
	xmpp_stanza_t *iq = cli_control(cli, "get", "trust"), *payload;
	struct answer answer;
	int code;

	cli_ask(cli, iq, cli->args.timeout, &answer);
	if (answer.code != EXIT_DONE) {
		code = trust_refused("daemon", &answer, NULL);
		answer_release(&answer);
		return code;
	}
	payload = trust_payload(&answer, "trust", &code);
	if (payload != NULL) {
		*key = attribute_of(payload, "key");
		*name = attribute_of(payload, "name");
	}
	answer_release(&answer);
	return code;
}

static int
code_of(enum ear_verdict condition)
{
	switch ((int)condition) {
	case EAR_NOT_AUTHORIZED:
		return EXIT_TRUST;
	case EAR_ITEM_NOT_FOUND:
	case EAR_RECIPIENT_UNAVAILABLE:
		return EXIT_NOBODY;
	case EAR_REMOTE_SERVER_TIMEOUT:
		return EXIT_TIMEOUT;
	case EAR_BAD_REQUEST:
	case EAR_JID_MALFORMED:
		return EXIT_USAGE;
	case EAR_RESOURCE_CONSTRAINT:
	case EAR_FEATURE_NOT_IMPLEMENTED:
	case EAR_UNEXPECTED_REQUEST:
		return EXIT_REFUSED;
	default:
		return EXIT_CONFIG;
	}
}

int
trust_refused(const char *subject, const struct answer *answer, const char *remedy)
{
	enum ear_verdict condition;
	const char *text;

	if (answer->stanza == NULL)
		return cli_refused(subject, answer);
	condition = ear_condition_of(answer->stanza);
	text = ear_error_text_of(answer->stanza);
	complain("%s: %s%s%s", subject, text == NULL ? ear_condition_name(condition) : text,
		 remedy == NULL ? "" : ": ", remedy == NULL ? "" : remedy);
	return code_of(condition);
}
