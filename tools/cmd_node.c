/* SPDX-License-Identifier: ISC */
/* cmd_node.c: what the owner of a node does with it (XEP-0060 §8), and taking items back (§7.2). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli.h"
#include "service.h"

/* What `earshot node ACTION NODE WORD...` is about. */
struct acting {
	struct cli *cli;
	struct place place;
	char *const *words; /* behind the node */
	int count;
};

/* Consumes the request, which is answered with nothing of interest. */
static int
do_it(struct acting *acting, xmpp_stanza_t *iq)
{
	struct answer answer;
	int code = service_ask(acting->cli, &acting->place, iq, &answer);

	answer_release(&answer);
	return code;
}

/* --- the node ----------------------------------------------------------------------------- */

/* §8.1.1, §8.1.3: with the configuration right in the request. */
static int
create(struct acting *acting)
{
	xmpp_stanza_t *element, *iq = service_request(acting->cli, &acting->place, "set",
						      EAR_NS_PUBSUB, "create", &element);

	if (acting->count > 0 &&
	    !service_add_form(ear_child(ear_first(iq), "configure", EAR_NS_PUBSUB), SERVICE_CONFIG,
			      acting->words, acting->count)) {
		xmpp_stanza_release(iq);
		return EXIT_USAGE;
	}
	return do_it(acting, iq);
}

/* §8.4 and §8.5. */
static int
owner_request(struct acting *acting, const char *name)
{
	xmpp_stanza_t *element;

	return do_it(acting, service_request(acting->cli, &acting->place, "set",
					     EAR_NS_PUBSUB_OWNER, name, &element));
}

static int
delete_node(struct acting *acting)
{
	return owner_request(acting, "delete");
}

static int
purge(struct acting *acting)
{
	return owner_request(acting, "purge");
}

/* §7.2.1: one by one, as §7.2.3.5 lets a service refuse several at once; whoever is subscribed is
 * told. */
static int
retract(struct acting *acting)
{
	int code = EXIT_DONE;

	for (int i = 0; code == EXIT_DONE && i < acting->count; i++) {
		xmpp_stanza_t *element;
		xmpp_stanza_t *iq = service_request(acting->cli, &acting->place, "set",
						    EAR_NS_PUBSUB, "retract", &element);

		ear_set(element, "notify", "true");
		xmpp_stanza_set_id(ear_child(element, "item", EAR_NS_PUBSUB), acting->words[i]);
		code = do_it(acting, iq);
	}
	return code;
}

/* --- its configuration -------------------------------------------------------------------- */

static json_t *
values_json(xmpp_stanza_t *field)
{
	json_t *list = json_array();

	for (xmpp_stanza_t *e = ear_first(field); e != NULL; e = ear_next(e)) {
		const char *text = ear_is(e, "value", EAR_NS_DATA) ? ear_text(e) : NULL;
		json_t *value = text == NULL ? NULL : json_string(text);

		if (value != NULL)
			json_array_append_new(list, value);
	}
	return list;
}

static void
print_values(const char *name, xmpp_stanza_t *field)
{
	bool any = false;

	for (xmpp_stanza_t *e = ear_first(field); e != NULL; e = ear_next(e)) {
		const char *text = ear_is(e, "value", EAR_NS_DATA) ? ear_text(e) : NULL;
		char *clean = out_escape(text == NULL ? "" : text, false);

		if (ear_is(e, "value", EAR_NS_DATA)) {
			printf("%s=%s\n", name, clean);
			any = true;
		}
		free(clean);
	}
	if (!any)
		printf("%s=\n", name);
}

/* As one could type them. */
static void
print_form(struct acting *acting, xmpp_stanza_t *form)
{
	json_t *object = json_object();

	for (xmpp_stanza_t *e = ear_first(form); e != NULL; e = ear_next(e)) {
		const char *var = xmpp_stanza_get_attribute(e, "var");
		char *clean;

		if (!ear_is(e, "field", EAR_NS_DATA) || var == NULL ||
		    strcmp(var, "FORM_TYPE") == 0)
			continue;
		clean = out_escape(service_field_name(var), false);
		if (acting->cli->args.json)
			json_object_set_new(object, clean, values_json(e));
		else if (!acting->cli->args.quiet)
			print_values(clean, e);
		free(clean);
	}
	if (acting->cli->args.json)
		out_json(stdout, object);
	else
		json_decref(object);
}

static int
show_configuration(struct acting *acting)
{
	xmpp_stanza_t *element, *pubsub, *configure, *form;
	struct answer answer;
	int code = service_ask(acting->cli, &acting->place,
			       service_request(acting->cli, &acting->place, "get",
					       EAR_NS_PUBSUB_OWNER, "configure", &element),
			       &answer);

	if (code == EXIT_DONE) {
		pubsub = service_of(&answer, EAR_NS_PUBSUB_OWNER);
		configure =
			pubsub == NULL ? NULL : ear_find(pubsub, "configure", EAR_NS_PUBSUB_OWNER);
		form = configure == NULL ? NULL : ear_find(configure, "x", EAR_NS_DATA);
		if (form != NULL) {
			print_form(acting, form);
		} else {
			complain("%s: protocol error: its answer holds no configuration",
				 acting->place.node);
			code = EXIT_PROTOCOL;
		}
	}
	answer_release(&answer);
	return code;
}

/* §8.2. */
static int
configure(struct acting *acting)
{
	xmpp_stanza_t *element, *iq;

	if (acting->count == 0)
		return show_configuration(acting);
	iq = service_request(acting->cli, &acting->place, "set", EAR_NS_PUBSUB_OWNER, "configure",
			     &element);
	if (!service_add_form(element, SERVICE_CONFIG, acting->words, acting->count)) {
		xmpp_stanza_release(iq);
		return EXIT_USAGE;
	}
	return do_it(acting, iq);
}

/* --- its people --------------------------------------------------------------------------- */

/* §8.8, §8.9: two lists of the same shape. */
struct list {
	const char *name, *element, *value;
};

static const struct list affiliations = { "affiliations", "affiliation", "affiliation" };
static const struct list subscriptions = { "subscriptions", "subscription", "subscription" };

static void
print_person(struct acting *acting, const struct list *list, xmpp_stanza_t *element)
{
	const char *jid = xmpp_stanza_get_attribute(element, "jid");
	const char *value = xmpp_stanza_get_attribute(element, list->value);
	char *clean_jid, *clean;

	if (jid == NULL || value == NULL)
		return;
	if (acting->cli->args.json) {
		json_t *object = json_object();

		json_put_text(object, "jid", jid);
		json_put_text(object, list->value, value);
		out_json(stdout, object);
		return;
	}
	clean_jid = out_escape(jid, false);
	clean = out_escape(value, false);
	if (!acting->cli->args.quiet)
		printf("%s=%s\n", clean_jid, clean);
	free(clean_jid);
	free(clean);
}

static int
show_people(struct acting *acting, const struct list *list)
{
	xmpp_stanza_t *element, *pubsub, *all;
	struct answer answer;
	int code = service_ask(acting->cli, &acting->place,
			       service_request(acting->cli, &acting->place, "get",
					       EAR_NS_PUBSUB_OWNER, list->name, &element),
			       &answer);

	pubsub = code == EXIT_DONE ? service_of(&answer, EAR_NS_PUBSUB_OWNER) : NULL;
	all = pubsub == NULL ? NULL : ear_find(pubsub, list->name, EAR_NS_PUBSUB_OWNER);
	for (xmpp_stanza_t *e = all == NULL ? NULL : ear_first(all); e != NULL; e = ear_next(e))
		if (ear_is(e, list->element, EAR_NS_PUBSUB_OWNER))
			print_person(acting, list, e);
	answer_release(&answer);
	return code;
}

/* "juliet@example.org=publisher" */
static bool
add_person(const struct list *list, xmpp_stanza_t *parent, const char *text)
{
	const char *equals = strrchr(text, '=');
	char canonical[EAR_JID_SIZE], *jid;
	xmpp_stanza_t *element;
	int rc = -1;

	jid = equals == NULL ? NULL : xstrndup(text, (size_t)(equals - text));
	if (jid != NULL)
		rc = ear_jid_prep(jid, canonical, sizeof(canonical));
	free(jid);
	if (rc != 0 || equals[1] == '\0') {
		complain("\"%s\": write ADDR=%s, such as juliet@example.org=%s", text,
			 list == &affiliations ? "AFFILIATION" : "STATE",
			 list == &affiliations ? "publisher" : "subscribed");
		return false;
	}
	element = ear_child(parent, list->element, EAR_NS_PUBSUB_OWNER);
	ear_set(element, "jid", "%s", canonical);
	ear_set(element, list->value, "%s", equals + 1);
	return true;
}

static int
people(struct acting *acting, const struct list *list)
{
	xmpp_stanza_t *element, *iq;

	if (acting->count == 0)
		return show_people(acting, list);
	iq = service_request(acting->cli, &acting->place, "set", EAR_NS_PUBSUB_OWNER, list->name,
			     &element);
	for (int i = 0; i < acting->count; i++) {
		if (!add_person(list, element, acting->words[i])) {
			xmpp_stanza_release(iq);
			return EXIT_USAGE;
		}
	}
	return do_it(acting, iq);
}

static int
affiliate(struct acting *acting)
{
	return people(acting, &affiliations);
}

static int
subscribers(struct acting *acting)
{
	return people(acting, &subscriptions);
}

/* --- the command -------------------------------------------------------------------------- */

/* Actions, and how many words may stand behind the node; max -1: any number. */
static const struct action {
	const char *name;
	int (*run)(struct acting *acting);
	int min, max;
	const char *wants;
} actions[] = {
	{ "create", create, 0, -1, "NODE [FIELD=VALUE...]" },
	{ "configure", configure, 0, -1, "NODE [FIELD=VALUE...]" },
	{ "affiliations", affiliate, 0, -1, "NODE [ADDR=AFFILIATION...]" },
	{ "subscriptions", subscribers, 0, -1, "NODE [ADDR=STATE...]" },
	{ "retract", retract, 1, -1, "NODE ITEM..." },
	{ "purge", purge, 0, 0, "NODE" },
	{ "delete", delete_node, 0, 0, "NODE" },
};

static const struct action *
find_action(const char *name)
{
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	complain("node: \"%s\" is none of create, configure, affiliations, subscriptions, retract, "
		 "purge, delete",
		 name);
	return NULL;
}

int
cmd_node(struct cli *cli)
{
	struct acting acting = {
		.cli = cli,
		.words = cli->args.words + 2,
		.count = cli->args.count - 2,
	};
	const struct action *action = find_action(cli->args.words[0]);
	int code;

	if (action == NULL)
		return EXIT_USAGE;
	if (acting.count < action->min || (action->max >= 0 && acting.count > action->max)) {
		complain("node %s: wants %s", action->name, action->wants);
		return EXIT_USAGE;
	}
	code = place_open(&acting.place, cli, cli->args.to, cli->args.words[1]);
	if (code == EXIT_DONE)
		code = action->run(&acting);
	place_release(&acting.place);
	return code;
}
