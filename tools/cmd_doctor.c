/* SPDX-License-Identifier: ISC */
/* cmd_doctor.c: why something is not found, not reached or refused: checks in order, one line each.
 * The engine looks and tries; whether our key is published is asked here. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trust.h"

#define LOOK_SECONDS 2.0  /* an engine of our own has just begun to look around */
#define TRY_MS       4000 /* for all that the engine tries */

struct doctor {
	struct cli *cli;
	bool failed;
	char *address; /* whom it is asked about; NULL: nobody */
	char *server;  /* our bare address behind the server; NULL: none */
};

static const char *
shown_state(const char *state)
{
	return strcmp(state, "fail") == 0 ? "FAIL" : state;
}

static void
print_text(const char *name, const char *state, const char *text, const char *remedy)
{
	bool colour = out_has_colour(stdout);
	char *line = xasprintf("%s: %s%s%s", name, text, remedy == NULL ? "" : "; ",
			       remedy == NULL ? "" : remedy);
	char *clean = out_escape(line, false);
	const char *paint = strcmp(state, "fail") == 0 ? "\033[1;31m"
			    : strcmp(state, "ok") == 0 ? "\033[32m"
						       : "\033[33m";

	printf("%s%-4s%s %s\n", colour ? paint : "", shown_state(state), colour ? "\033[0m" : "",
	       clean);
	fflush(stdout);
	free(clean);
	free(line);
}

static void
tell(struct doctor *doctor, const char *name, const char *state, const char *text,
     const char *remedy)
{
	if (strcmp(state, "fail") == 0)
		doctor->failed = true;
	if (doctor->cli->args.quiet && strcmp(state, "fail") != 0)
		return;
	if (doctor->cli->args.json) {
		json_t *object = json_object();

		json_put_text(object, "name", name);
		json_put_text(object, "state", state);
		json_put_text(object, "text", text);
		json_put_text(object, "remedy", remedy);
		out_json(stdout, object);
		return;
	}
	print_text(name, state, text, remedy);
}

/* --- the daemon, and what it says of itself ----------------------------------------------- */

static int
check_daemon(struct doctor *doctor)
{
	struct cli *cli = doctor->cli;
	int code = cli_open(cli);

	if (code != EXIT_DONE) {
		tell(doctor, "daemon", "fail", "cannot be spoken to",
		     "standard error says why; systemctl status earshotd");
		return EXIT_REFUSED;
	}
	if (cli->ear == NULL) {
		tell(doctor, "daemon", "ok", "answers", NULL);
		return EXIT_DONE;
	}
	tell(doctor, "daemon", "warn", "none is used: this is what an engine of its own sees",
	     "earshotd makes this device reachable all the time");
	cli_sleep(cli, cli->args.timeout < LOOK_SECONDS ? cli->args.timeout : LOOK_SECONDS);
	return EXIT_DONE;
}

/* Whom the server knows us as. */
static void
learn_self(struct doctor *doctor)
{
	char bare[EAR_JID_SIZE];
	struct answer answer;
	xmpp_stanza_t *self;

	cli_ask(doctor->cli, cli_control(doctor->cli, "get", "self"), doctor->cli->args.timeout,
		&answer);
	self = answer.code != EXIT_DONE ? NULL : ear_find(answer.stanza, "self", EAR_NS_CONTROL);
	for (xmpp_stanza_t *e = self == NULL ? NULL : ear_first(self); e != NULL; e = ear_next(e)) {
		const char *link = xmpp_stanza_get_attribute(e, "link");
		const char *address = xmpp_stanza_get_attribute(e, "address");

		if (link != NULL && address != NULL && strcmp(link, "server") == 0 &&
		    ear_jid_bare(address, bare, sizeof(bare)) == 0)
			xreplace(&doctor->server, bare);
	}
	answer_release(&answer);
}

/* --- whether our key is where others look for it ------------------------------------------ */

static bool
lists_key(xmpp_stanza_t *stanza, const char *key)
{
	xmpp_stanza_t *pubsub = ear_find(stanza, "pubsub", EAR_NS_PUBSUB);
	xmpp_stanza_t *items = pubsub == NULL ? NULL : ear_find(pubsub, "items", EAR_NS_PUBSUB);

	for (xmpp_stanza_t *e = items == NULL ? NULL : ear_first(items); e != NULL;
	     e = ear_next(e)) {
		const char *id = xmpp_stanza_get_attribute(e, "id");

		if (id != NULL && strcmp(id, key) == 0)
			return true;
	}
	return false;
}

static void
tell_published(struct doctor *doctor, const struct answer *answer, const char *key)
{
	const char *remedy = "others cannot prove this device by its server; the daemon's log says "
			     "why";
	char *text;

	if (answer->code == EXIT_DONE && lists_key(answer->stanza, key)) {
		text = xasprintf("%s publishes it", doctor->server);
		tell(doctor, "published key", "ok", text, NULL);
	} else if (answer->code == EXIT_DONE) {
		text = xasprintf("%s publishes keys, but not this device's", doctor->server);
		tell(doctor, "published key", "fail", text, remedy);
	} else {
		text = xasprintf("%s: %s", doctor->server,
				 answer->stanza == NULL
					 ? "no answer"
					 : ear_condition_name(ear_condition_of(answer->stanza)));
		tell(doctor, "published key", "fail", text, remedy);
	}
	free(text);
}

/* A component's engine answers that itself: with the server gone that says nothing. */
static void
check_published(struct doctor *doctor, bool server_works)
{
	struct cli *cli = doctor->cli;
	char *key = NULL, *name = NULL;
	xmpp_stanza_t *iq, *items;
	struct answer answer;

	if (doctor->server == NULL || cli->interrupted)
		return;
	if (!server_works) {
		tell(doctor, "published key", "warn", "cannot be asked for without the server",
		     NULL);
		return;
	}
	if (trust_own(cli, &key, &name) != EXIT_DONE)
		return;
	iq = ear_stanza(cli->ctx, "iq", "get", doctor->server, NULL);
	items = ear_child(ear_child(iq, "pubsub", EAR_NS_PUBSUB), "items", EAR_NS_PUBSUB);
	ear_set(items, "node", "%s", EAR_NS_KEYS);
	cli_ask(cli, iq, cli->args.timeout, &answer);
	tell_published(doctor, &answer, key);
	answer_release(&answer);
	free(key);
	free(name);
}

/* --- the whole ---------------------------------------------------------------------------- */

static void
on_check(struct doctor *doctor, xmpp_stanza_t *check)
{
	const char *name = xmpp_stanza_get_attribute(check, "name");
	const char *state = xmpp_stanza_get_attribute(check, "state");
	const char *text = xmpp_stanza_get_attribute(check, "text");

	if (name == NULL || state == NULL || text == NULL)
		return;
	if (strcmp(name, "announced") == 0 && doctor->address != NULL)
		tell(doctor, "address", "ok", doctor->address, NULL);
	tell(doctor, name, state, text, xmpp_stanza_get_attribute(check, "remedy"));
	if (strcmp(name, "server") == 0)
		check_published(doctor, strcmp(state, "ok") == 0);
}

static int
examine(struct doctor *doctor)
{
	struct cli *cli = doctor->cli;
	xmpp_stanza_t *iq = cli_control(cli, "get", "doctor"), *list;
	double ms = cli->args.timeout * 900;
	struct answer answer;
	int code;

	if (doctor->address != NULL)
		ear_set(ear_first(iq), "address", "%s", doctor->address);
	ear_set(ear_first(iq), "ms", "%d", ms < 100 ? 100 : ms > TRY_MS ? TRY_MS : (int)ms);
	cli_ask(cli, iq, cli->args.timeout, &answer);
	code = answer.code;
	if (code != EXIT_DONE) {
		code = trust_refused("daemon", &answer, NULL);
		answer_release(&answer);
		return code;
	}
	list = trust_payload(&answer, "doctor", &code);
	for (xmpp_stanza_t *e = list == NULL ? NULL : ear_first(list); e != NULL; e = ear_next(e))
		if (ear_is(e, "check", EAR_NS_CONTROL))
			on_check(doctor, e);
	answer_release(&answer);
	return code;
}

static int
examine_all(struct doctor *doctor)
{
	struct cli *cli = doctor->cli;
	const char *name = cli->args.count > 0 ? cli->args.words[0] : NULL;
	int code = EXIT_DONE;

	if (name != NULL)
		doctor->address = cli_address(cli, name, &code);
	code = examine(doctor);
	if (name != NULL && doctor->address == NULL)
		tell(doctor, "address", "fail", name,
		     "write user@machine.local, user@domain, or a name that earshot peers lists");
	return code;
}

int
cmd_doctor(struct cli *cli)
{
	struct doctor doctor = { .cli = cli };
	int code = check_daemon(&doctor);

	if (code == EXIT_DONE) {
		learn_self(&doctor);
		code = examine_all(&doctor);
	}
	free(doctor.address);
	free(doctor.server);
	return code == EXIT_DONE && doctor.failed ? EXIT_REFUSED : code;
}
