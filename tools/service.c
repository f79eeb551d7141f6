/* SPDX-License-Identifier: ISC */
/* service.c: requests to publish-subscribe services (XEP-0060). */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "pubsub.h"
#include "service.h"

int
place_open(struct place *place, struct cli *cli, const char *address, const char *node)
{
	int code = EXIT_DONE;

	*place = (struct place){ .node = node };
	if (node != NULL && node[0] == '\0') {
		complain("\"\" is no node");
		return EXIT_USAGE;
	}
	if (address != NULL)
		place->address = cli_resolve(cli, address, &code);
	return code;
}

void
place_release(struct place *place)
{
	free(place->address);
	place->address = NULL;
}

char *
place_text(const struct place *place)
{
	const char *address = place->address == NULL ? "daemon" : place->address;

	return place->node == NULL ? xstrdup(address) : xasprintf("%s: %s", address, place->node);
}

xmpp_stanza_t *
service_request(struct cli *cli, const struct place *place, const char *type, const char *ns,
		const char *name, xmpp_stanza_t **element)
{
	xmpp_stanza_t *iq = ear_stanza(cli->ctx, "iq", type, place->address, NULL);

	*element = ear_child(iq, "pubsub", ns);
	if (name == NULL)
		return iq;
	*element = ear_child(*element, name, ns);
	if (place->node != NULL)
		ear_set(*element, "node", "%s", place->node);
	return iq;
}

int
service_ask(struct cli *cli, const struct place *place, xmpp_stanza_t *iq, struct answer *answer)
{
	cli_ask(cli, iq, cli->args.timeout, answer);
	return answer->code == EXIT_DONE ? EXIT_DONE : service_refused(place, answer);
}

xmpp_stanza_t *
service_of(const struct answer *answer, const char *ns)
{
	return answer->stanza == NULL ? NULL : ear_find(answer->stanza, "pubsub", ns);
}

/* --- forms -------------------------------------------------------------------------------- */

static xmpp_stanza_t *
add_field(xmpp_stanza_t *form, const char *var)
{
	xmpp_stanza_t *field;

	for (field = ear_first(form); field != NULL; field = ear_next(field)) {
		const char *known = xmpp_stanza_get_attribute(field, "var");

		if (known != NULL && strcmp(known, var) == 0)
			return field;
	}
	field = ear_child(form, "field", EAR_NS_DATA);
	ear_set(field, "var", "%s", var);
	return field;
}

/* The fields of XEP-0060 have a prefix that nobody wants to type, and ours has its namespace. */
static char *
var_of(const char *name)
{
	if (strcmp(name, "backlog") == 0)
		return xstrdup(PUBSUB_BACKLOG);
	return strpbrk(name, "#{") != NULL ? xstrdup(name) : xasprintf("pubsub#%s", name);
}

const char *
service_field_name(const char *var)
{
	if (strcmp(var, PUBSUB_BACKLOG) == 0)
		return "backlog";
	return strncmp(var, "pubsub#", 7) == 0 ? var + 7 : var;
}

/* "access_model=open" */
static bool
add_setting(xmpp_stanza_t *form, const char *text)
{
	const char *equals = strchr(text, '=');
	char *name, *var;

	if (equals == NULL || equals == text) {
		complain("\"%s\" is no setting: write FIELD=VALUE, such as access_model=open",
			 text);
		return false;
	}
	name = xstrndup(text, (size_t)(equals - text));
	var = var_of(name);
	ear_child_text(add_field(form, var), "value", EAR_NS_DATA, equals + 1);
	free(var);
	free(name);
	return true;
}

bool
service_add_form(xmpp_stanza_t *parent, const char *type, char *const *fields, int count)
{
	xmpp_stanza_t *form = ear_child(parent, "x", EAR_NS_DATA);
	xmpp_stanza_t *field;
	bool good = true;

	xmpp_stanza_set_type(form, "submit");
	field = add_field(form, "FORM_TYPE");
	xmpp_stanza_set_type(field, "hidden");
	ear_child_text(field, "value", EAR_NS_DATA, type);
	for (int i = 0; good && i < count; i++)
		good = add_setting(form, fields[i]);
	return good;
}

/* --- ourselves ---------------------------------------------------------------------------- */

char *
service_ours(struct cli *cli, int *code)
{
	char bare[EAR_JID_SIZE], *found = NULL;
	struct answer answer;
	xmpp_stanza_t *self;

	cli_ask(cli, cli_control(cli, "get", "self"), cli->args.timeout, &answer);
	*code = answer.code == EXIT_DONE ? EXIT_DONE : cli_refused("daemon", &answer);
	self = *code == EXIT_DONE ? ear_find(answer.stanza, "self", EAR_NS_CONTROL) : NULL;
	/* In the order local, lan, server: the last is the one that most people can reach. */
	for (xmpp_stanza_t *e = self == NULL ? NULL : ear_first(self); e != NULL; e = ear_next(e)) {
		const char *address = xmpp_stanza_get_attribute(e, "address");

		if (address != NULL && ear_jid_bare(address, bare, sizeof(bare)) == 0)
			xreplace(&found, bare);
	}
	if (*code == EXIT_DONE && found == NULL) {
		complain("daemon: it does not say what it is called");
		*code = EXIT_CONFIG;
	}
	answer_release(&answer);
	return found;
}
