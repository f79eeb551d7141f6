/* SPDX-License-Identifier: ISC */
/* ask.c: questions to the engine, their answers, and what a refusal means to the user. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli.h"
#include "client.h"

enum ear_link_kind
cli_link_of(xmpp_stanza_t *element)
{
	const char *name = xmpp_stanza_get_attribute(element, "link");

	for (int kind = EAR_LINK_LOCAL; name != NULL && kind <= EAR_LINK_SERVER; kind++)
		if (strcmp(name, ear_link_name(kind)) == 0)
			return kind;
	return EAR_LINK_NONE;
}

void
cli_via(xmpp_stanza_t *stanza, enum ear_link_kind *link, int64_t *rtt_us, const char **level)
{
	xmpp_stanza_t *via = stanza == NULL ? NULL : ear_find(stanza, "via", EAR_NS_CONTROL);
	const char *rtt = via == NULL ? NULL : xmpp_stanza_get_attribute(via, "rtt-us");

	if (level != NULL)
		*level = via == NULL ? NULL : xmpp_stanza_get_attribute(via, "level");
	if (rtt_us != NULL)
		*rtt_us = rtt == NULL ? -1 : strtoll(rtt, NULL, 10);
	if (link != NULL)
		*link = via == NULL ? EAR_LINK_NONE : cli_link_of(via);
}

static bool
is_expired(xmpp_stanza_t *stanza)
{
	xmpp_stanza_t *error = ear_find(stanza, "error", NULL);

	return error != NULL && ear_find(error, "expired", EAR_NS_DELIVERY) != NULL;
}

enum exit_code
cli_code_of(xmpp_stanza_t *stanza)
{
	enum ear_verdict condition = ear_condition_of(stanza);
	enum ear_link_kind link;

	cli_via(stanza, &link, NULL, NULL);
	/* Whoever held it when its time was over, here or there. */
	if (is_expired(stanza))
		return EXIT_TIMEOUT;
	/* The server says so of a domain that it cannot find: no path, too. */
	if (condition == EAR_REMOTE_SERVER_NOT_FOUND)
		return EXIT_NOBODY;
	if (condition == EAR_RECIPIENT_UNAVAILABLE && link == EAR_LINK_SERVER)
		return EXIT_NOBODY;
	if (link != EAR_LINK_NONE)
		return EXIT_REFUSED;
	if (condition == EAR_RECIPIENT_UNAVAILABLE)
		return EXIT_NOBODY;
	if (condition == EAR_REMOTE_SERVER_TIMEOUT)
		return EXIT_TIMEOUT;
	if (condition == EAR_JID_MALFORMED)
		return EXIT_USAGE;
	if (condition == EAR_NOT_AUTHORIZED && ear_find(stanza, "via", EAR_NS_CONTROL) != NULL)
		return EXIT_TRUST;
	return EXIT_CONFIG;
}

/* --path: which way the daemon must take. */
static void
add_route(struct cli *cli, xmpp_stanza_t *stanza)
{
	if (strcmp(cli->args.path, "auto") != 0 && xmpp_stanza_get_to(stanza) != NULL)
		ear_set(ear_child(stanza, "route", EAR_NS_CONTROL), "path", "%s", cli->args.path);
}

void
cli_expires(struct cli *cli, xmpp_stanza_t *stanza)
{
	if (cli->args.expires > 0)
		ear_set(ear_child(stanza, "expires", EAR_NS_DELIVERY), "ms", "%.0f",
			ceil(cli->args.expires * 1e3));
}

int
cli_send(struct cli *cli, xmpp_stanza_t *stanza)
{
	int rc;

	add_route(cli, stanza);
	rc = client_send(cli->client, stanza);
	if (rc == -EMSGSIZE)
		complain("the stanza is too large");
	else if (rc != 0)
		cli_is_down(cli);
	return rc == 0 ? EXIT_DONE : rc == -EMSGSIZE ? EXIT_USAGE : EXIT_CONFIG;
}

void
answer_take(struct answer *answer, xmpp_stanza_t *stanza)
{
	*answer = (struct answer){ .stanza = stanza };
	cli_via(stanza, &answer->link, &answer->rtt_us, NULL);
	answer->code = strcmp(xmpp_stanza_get_type(stanza), "error") == 0 ? cli_code_of(stanza)
									  : EXIT_DONE;
}

void
cli_ask(struct cli *cli, xmpp_stanza_t *iq, double seconds, struct answer *answer)
{
	int64_t deadline = cli_now() + (int64_t)(seconds * 1e6);
	char *id = xstrdup(xmpp_stanza_get_id(iq));
	struct wait wait = { .id = id };

	*answer = (struct answer){ .code = EXIT_CONFIG, .rtt_us = -1 };
	cli->wait = &wait;
	if (cli_send(cli, iq) == EXIT_DONE) {
		while (wait.stanza == NULL && !cli->down && !cli->interrupted &&
		       cli_now() < deadline)
			cli_turn(cli, deadline);
		if (wait.stanza != NULL)
			answer_take(answer, wait.stanza);
		else if (cli->interrupted)
			answer->interrupted = true;
		else if (cli_is_down(cli) == EXIT_DONE)
			answer->code = EXIT_TIMEOUT;
	}
	cli->wait = NULL;
	free(id);
}

void
answer_release(struct answer *answer)
{
	if (answer->stanza != NULL)
		xmpp_stanza_release(answer->stanza);
	answer->stanza = NULL;
}

xmpp_stanza_t *
cli_control(struct cli *cli, const char *type, const char *name)
{
	xmpp_stanza_t *iq = ear_stanza(cli->ctx, "iq", type, NULL, NULL);

	ear_child(iq, name, EAR_NS_CONTROL);
	return iq;
}

/* What may help, where the other side gave no reason. */
static const char *
hint_of(enum ear_verdict condition)
{
	switch ((int)condition) {
	case EAR_NOT_AUTHORIZED:
	case EAR_FORBIDDEN:
		return "its owner decides: [policy] in its earshotd.conf";
	case EAR_SERVICE_UNAVAILABLE:
		return "it does not offer this, or it is offline";
	case EAR_FEATURE_NOT_IMPLEMENTED:
		return "it does not offer this";
	default:
		return "it gave no reason";
	}
}

/* A stranger is led to what makes him known. */
static const char *
way_in(enum ear_verdict condition, const char *subject)
{
	return condition == EAR_NOT_AUTHORIZED && ear_jid_is_lan(subject)
		       ? "; if both devices are yours: earshot pair "
		       : "";
}

/* Of an answer that says no. */
static char *
refusal_text(const char *subject, const struct answer *answer)
{
	enum ear_verdict condition = ear_condition_of(answer->stanza);
	const char *name = ear_condition_name(condition);
	const char *text = ear_error_text_of(answer->stanza);
	const char *colon = text == NULL ? "" : ": ", *way;

	switch ((int)answer->code) {
	case EXIT_NOBODY:
		return xasprintf("%s: nobody there (%s)%s%s; earshot peers lists who is", subject,
				 name, colon, text == NULL ? "" : text);
	case EXIT_TIMEOUT:
		return xasprintf("%s: no answer (%s)%s%s", subject, name, colon,
				 text == NULL ? "" : text);
	case EXIT_TRUST:
		return xasprintf("%s: refused (%s): %s", subject, name,
				 text == NULL ? "the only path to it is plaintext, which [policy] "
						"plaintext of this machine denies"
					      : text);
	case EXIT_USAGE:
		return xasprintf("%s: is no address (%s)", subject, name);
	case EXIT_CONFIG:
		return xasprintf("%s: the daemon refused (%s): %s", subject, name,
				 text == NULL ? "it gave no reason" : text);
	default:
		way = way_in(condition, subject);
		return xasprintf("%s: refused (%s): %s%s%s", subject, name,
				 text == NULL ? hint_of(condition) : text, way,
				 *way == '\0' ? "" : subject);
	}
}

char *
cli_reason(const char *subject, const struct answer *answer)
{
	if (answer->stanza != NULL)
		return refusal_text(subject, answer);
	if (answer->code == EXIT_TIMEOUT)
		return xasprintf("%s: no answer in time; --timeout waits longer", subject);
	return NULL;
}

int
cli_refused(const char *subject, const struct answer *answer)
{
	char *reason = cli_reason(subject, answer);

	if (reason != NULL)
		complain("%s", reason);
	free(reason);
	return answer->code;
}
