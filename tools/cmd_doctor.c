/* SPDX-License-Identifier: ISC */
/* cmd_doctor.c: why something is not found, not reached or refused: checks in order, one line each.
 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trust.h"

#define LOOK_SECONDS 2.0 /* an engine of our own has just begun to look around */

struct doctor {
	struct cli *cli;
	bool failed;
	char *server; /* our bare address behind the server; NULL: none */
};

/* What a look at the path to an address came to. */
struct reach {
	bool done, worked, refused; /* refused: by trust */
	char *text, *remedy;
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

/* Asks the engine; fn for each check. */
static int
ask_engine(struct doctor *doctor, const char *address,
	   void (*fn)(struct doctor *doctor, xmpp_stanza_t *check, void *arg), void *arg)
{
	xmpp_stanza_t *iq = cli_control(doctor->cli, "get", "doctor"), *list;
	struct answer answer;
	int code;

	if (address != NULL)
		ear_set(ear_first(iq), "address", "%s", address);
	cli_ask(doctor->cli, iq, doctor->cli->args.timeout, &answer);
	code = answer.code;
	if (code != EXIT_DONE) {
		code = trust_refused(address == NULL ? "daemon" : address, &answer, NULL);
		answer_release(&answer);
		return code;
	}
	list = trust_payload(&answer, "doctor", &code);
	for (xmpp_stanza_t *e = list == NULL ? NULL : ear_first(list); e != NULL; e = ear_next(e))
		if (ear_is(e, "check", EAR_NS_CONTROL))
			fn(doctor, e, arg);
	answer_release(&answer);
	return code;
}

static void
on_check(struct doctor *doctor, xmpp_stanza_t *check, void *arg)
{
	const char *name = xmpp_stanza_get_attribute(check, "name");
	const char *state = xmpp_stanza_get_attribute(check, "state");
	const char *text = xmpp_stanza_get_attribute(check, "text");

	if (name != NULL && state != NULL && text != NULL)
		tell(doctor, name, state, text, xmpp_stanza_get_attribute(check, "remedy"));
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

static void
check_published(struct doctor *doctor)
{
	struct cli *cli = doctor->cli;
	char *key = NULL, *name = NULL;
	xmpp_stanza_t *iq, *items;
	struct answer answer;

	if (doctor->server == NULL || trust_own(cli, &key, &name) != EXIT_DONE)
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

/* --- the way to an address ---------------------------------------------------------------- */

static const char *
remedy_of(const struct answer *answer, const char *path)
{
	if (answer->code == EXIT_TRUST)
		return "another key than before, or none: was that device reset? Then: earshot "
		       "untrust it, and pair again; else somebody is in its place";
	if (strcmp(path, "server") == 0)
		return "is its server reachable, and that device connected there?";
	if (answer->code == EXIT_TIMEOUT)
		return "its TCP port must not be filtered";
	return "is earshotd running there?";
}

static void
ping(struct doctor *doctor, const char *address, const char *path, struct reach *reach)
{
	struct cli *cli = doctor->cli;
	xmpp_stanza_t *iq = ear_stanza(cli->ctx, "iq", "get", address, NULL);
	const char *wanted = cli->args.path, *text;
	struct answer answer;
	char rtt[32];

	ear_child(iq, "ping", EAR_NS_PING);
	cli->args.path = path;
	cli_ask(cli, iq, cli->args.timeout, &answer);
	cli->args.path = wanted;
	reach->done = true;
	/* An error from the other side went there and back, too. */
	reach->worked = answer.code == EXIT_DONE || answer.code == EXIT_REFUSED;
	reach->refused = answer.code == EXIT_TRUST;
	out_rtt(rtt, sizeof(rtt), answer.rtt_us);
	text = answer.stanza == NULL ? NULL : ear_error_text_of(answer.stanza);
	if (reach->worked)
		reach->text = xasprintf("answers in %s", rtt);
	else if (answer.stanza == NULL)
		reach->text = xstrdup("no answer in time");
	else
		reach->text =
			xasprintf("%s%s%s", ear_condition_name(ear_condition_of(answer.stanza)),
				  text == NULL ? "" : ": ", text == NULL ? "" : text);
	reach->remedy = reach->worked ? NULL : xstrdup(remedy_of(&answer, path));
	answer_release(&answer);
}

/* One path is enough, unless the other is shut for a reason of trust. */
static void
tell_reach(struct doctor *doctor, const char *name, const struct reach *reach, bool other_works)
{
	if (!reach->done)
		return;
	tell(doctor, name,
	     reach->worked                    ? "ok"
	     : other_works && !reach->refused ? "warn"
					      : "fail",
	     reach->text, reach->remedy);
}

struct visit {
	struct reach lan, server;
	bool told;
};

/* What paths there are stands before the level that they have. */
static void
on_address_check(struct doctor *doctor, xmpp_stanza_t *check, void *arg)
{
	const char *name = xmpp_stanza_get_attribute(check, "name");
	struct visit *visit = arg;

	if (!visit->told && name != NULL && strcmp(name, "level") == 0) {
		visit->told = true;
		tell_reach(doctor, "by lan", &visit->lan, visit->server.worked);
		tell_reach(doctor, "by server", &visit->server, visit->lan.worked);
	}
	on_check(doctor, check, NULL);
}

static int
check_address(struct doctor *doctor, const char *name)
{
	struct visit visit = { 0 };
	int code;
	char *address = cli_address(doctor->cli, name, &code);

	if (address == NULL) {
		tell(doctor, "address", "fail", name,
		     "write user@machine.local, user@domain, or a name that earshot peers lists");
		return EXIT_DONE;
	}
	tell(doctor, "address", "ok", address, NULL);
	ping(doctor, address, "lan", &visit.lan);
	if (doctor->server != NULL && !doctor->cli->interrupted)
		ping(doctor, address, "server", &visit.server);
	code = doctor->cli->interrupted ? EXIT_CONFIG
					: ask_engine(doctor, address, on_address_check, &visit);
	free(visit.lan.text);
	free(visit.lan.remedy);
	free(visit.server.text);
	free(visit.server.remedy);
	free(address);
	return code;
}

int
cmd_doctor(struct cli *cli)
{
	struct doctor doctor = { .cli = cli };
	int code = check_daemon(&doctor);

	if (code == EXIT_DONE)
		code = ask_engine(&doctor, NULL, on_check, NULL);
	if (code == EXIT_DONE) {
		learn_self(&doctor);
		check_published(&doctor);
		if (cli->args.count > 0)
			code = check_address(&doctor, cli->args.words[0]);
	}
	free(doctor.server);
	return code == EXIT_DONE && doctor.failed ? EXIT_REFUSED : code;
}
