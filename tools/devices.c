/* SPDX-License-Identifier: ISC */
/* devices.c: which devices of our account the server publishes. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "trust.h"

#define DEVICES_MAX 1000 /* a list that goes on without end is no list */

static const char *const head[] = { "NAME", "RESOURCE", "SINCE", "KEY" };

typedef void device_fn(void *arg, xmpp_stanza_t *device);

/* The answer from that number on; NULL: there is none, which is told unless we have no account. */
static xmpp_stanza_t *
ask(struct cli *cli, unsigned long first, struct answer *answer)
{
	xmpp_stanza_t *iq = cli_control(cli, "get", "devices");
	int code;

	ear_set(ear_first(iq), "first", "%lu", first);
	cli_ask(cli, iq, cli->args.timeout, answer);
	if (answer->code == EXIT_DONE)
		return trust_payload(answer, "devices", &code);
	if (answer->stanza == NULL || ear_condition_of(answer->stanza) != EAR_NOT_ALLOWED)
		trust_refused("the published devices of this account", answer, NULL);
	return NULL;
}

static unsigned long
take(xmpp_stanza_t *list, device_fn *fn, void *arg)
{
	unsigned long count = 0;

	for (xmpp_stanza_t *e = ear_first(list); e != NULL; e = ear_next(e)) {
		if (!ear_is(e, "device", EAR_NS_CONTROL))
			continue;
		fn(arg, e);
		count++;
	}
	return count;
}

/* Tells fn about each; the account's address, which the caller frees, NULL: they are not known. */
static char *
each_device(struct cli *cli, device_fn *fn, void *arg)
{
	unsigned long seen = 0, more = 1, total = 1;
	char *account = NULL;

	while (more > 0 && seen < total && seen < DEVICES_MAX) {
		struct answer answer;
		xmpp_stanza_t *list = ask(cli, seen, &answer);
		const char *text = list == NULL ? NULL : xmpp_stanza_get_attribute(list, "total");
		const char *address =
			list == NULL ? NULL : xmpp_stanza_get_attribute(list, "address");

		total = text == NULL ? 0 : strtoul(text, NULL, 10);
		more = list == NULL ? 0 : take(list, fn, arg);
		seen += more;
		if (list == NULL)
			xreplace(&account, NULL);
		else
			xreplace(&account, address == NULL ? "" : address);
		answer_release(&answer);
	}
	return account;
}

static bool
is_own(xmpp_stanza_t *device)
{
	const char *own = xmpp_stanza_get_attribute(device, "own");

	return own != NULL && strcmp(own, "true") == 0;
}

static void
add_json(void *arg, xmpp_stanza_t *device)
{
	static const char *const keys[] = { "key", "name", "resource", "since" };
	json_t *object = json_object();

	cli_put_attributes(object, device, keys, COUNT(keys));
	json_object_set_new(object, "own", json_boolean(is_own(device)));
	json_array_append_new(arg, object);
}

json_t *
devices_json(struct cli *cli)
{
	json_t *object = json_object(), *devices = json_array();
	char *account = each_device(cli, add_json, devices);

	json_put_text(object, "account", account);
	json_object_set(object, "devices", account == NULL ? json_null() : devices);
	json_decref(devices);
	free(account);
	return object;
}

static void
add_row(void *arg, xmpp_stanza_t *device)
{
	const char *name = xmpp_stanza_get_attribute(device, "name");
	char key[TRUST_GROUPS_SIZE], *own = NULL;

	trust_groups(xmpp_stanza_get_attribute(device, "key"), key);
	if (is_own(device))
		own = xasprintf("%s (this device)", name == NULL ? "" : name);
	table_row(arg, (const char *[]){ own != NULL ? own : name,
					 xmpp_stanza_get_attribute(device, "resource"),
					 xmpp_stanza_get_attribute(device, "since"), key });
	free(own);
}

void
devices_print(struct cli *cli)
{
	struct table table;
	char *account, *clean;

	table_init(&table, head, COUNT(head));
	account = each_device(cli, add_row, &table);
	if (account != NULL) {
		clean = out_escape(account, false);
		printf("\nPublished for %s:%s\n", clean, table.rows == 0 ? " nothing" : "");
		free(clean);
	}
	if (account != NULL && table.rows > 0)
		table_print(&table, stdout, true);
	table_release(&table);
	free(account);
}
