/* SPDX-License-Identifier: ISC */
/* lookup.c: the engine's paged listings, addresses by name, attributes as JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli.h"
#include "inside.h"

/* Pages of one listing: more than any engine has. */
#define PAGES_MAX 1000

/* One page from number first on. Returns an exit code; *next is where to go on, 0: at the end. */
static int
list_page(struct cli *cli, xmpp_stanza_t *iq, const char *list, const char *item,
	  unsigned long *next, void (*fn)(void *arg, xmpp_stanza_t *element), void *arg)
{
	unsigned long first = *next, count = 0;
	xmpp_stanza_t *all;
	struct answer answer;
	const char *total;
	int code;

	*next = 0;
	cli_ask(cli, iq, cli->args.timeout, &answer);
	code = answer.code;
	all = code == EXIT_DONE ? ear_find(answer.stanza, list, EAR_NS_CONTROL) : NULL;
	if (code == EXIT_DONE && all == NULL) {
		complain("daemon: its answer holds no <%s/>", list);
		code = EXIT_CONFIG;
	}
	for (xmpp_stanza_t *e = all == NULL ? NULL : ear_first(all); e != NULL; e = ear_next(e)) {
		if (!ear_is(e, item, EAR_NS_CONTROL))
			continue;
		fn(arg, e);
		count++;
	}
	total = all == NULL ? NULL : xmpp_stanza_get_attribute(all, "total");
	if (count > 0 && total != NULL && first + count < strtoul(total, NULL, 10))
		*next = first + count;
	if (code != EXIT_DONE && answer.stanza != NULL &&
	    ear_condition_of(answer.stanza) == EAR_ITEM_NOT_FOUND)
		code = EXIT_NOBODY;
	else if (code != EXIT_DONE && all == NULL)
		cli_refused(list, &answer);
	answer_release(&answer);
	return code;
}

int
cli_list(struct cli *cli, const char *list, const char *item, const char *key, const char *value,
	 void (*fn)(void *arg, xmpp_stanza_t *element), void *arg)
{
	unsigned long next = 0;
	int code, pages = 0;

	do {
		xmpp_stanza_t *iq = cli_control(cli, "get", list);
		xmpp_stanza_t *query = ear_first(iq);

		if (value != NULL)
			ear_set(query, key, "%s", value);
		if (next > 0)
			ear_set(query, "first", "%lu", next);
		code = list_page(cli, iq, list, item, &next, fn, arg);
	} while (code == EXIT_DONE && next > 0 && ++pages < PAGES_MAX);
	return code;
}

struct lookup {
	const char *name;
	char *found;
	unsigned matches;
};

static void
on_peer(void *arg, xmpp_stanza_t *element)
{
	struct lookup *lookup = arg;
	const char *name = xmpp_stanza_get_attribute(element, "name");
	const char *address = xmpp_stanza_get_attribute(element, "address");

	if (name == NULL || address == NULL || strcmp(name, lookup->name) != 0)
		return;
	lookup->matches++;
	xreplace(&lookup->found, address);
}

static char *
find_by_name(struct cli *cli, const char *name, int *code)
{
	int64_t deadline = cli_now() + (int64_t)(cli->args.timeout * 1e6);
	struct lookup lookup = { .name = name };

	do {
		*code = cli_list(cli, "peers", "peer", NULL, NULL, on_peer, &lookup);
		if (*code != EXIT_DONE || lookup.matches > 0 || cli->ear == NULL)
			break;
		cli_sleep(cli, 0.1);
	} while (!cli->interrupted && cli_now() < deadline);
	if (*code == EXIT_DONE && lookup.matches > 1) {
		complain("%s: %u peers are called so: give an address (earshot peers)", name,
			 lookup.matches);
		*code = EXIT_USAGE;
		xreplace(&lookup.found, NULL);
	}
	return lookup.found;
}

char *
cli_address(struct cli *cli, const char *name, int *code)
{
	char canonical[EAR_JID_SIZE], *found = NULL;

	*code = EXIT_DONE;
	/* What a peer calls itself does not take the place of a domain. */
	if (strpbrk(name, "@/") == NULL &&
	    (strchr(name, '.') == NULL || ear_jid_prep(name, canonical, sizeof(canonical)) != 0))
		found = find_by_name(cli, name, code);
	if (*code != EXIT_DONE)
		return NULL;
	if (found == NULL && strpbrk(name, "@./") == NULL) {
		complain("%s: no peer is called so: earshot peers lists who is there", name);
		*code = EXIT_NOBODY;
		return NULL;
	}
	if (found == NULL)
		found = xstrdup(name);
	if (ear_jid_prep(found, canonical, sizeof(canonical)) != 0) {
		complain("%s: is no address; write user@machine.local or user@domain", name);
		free(found);
		*code = EXIT_USAGE;
		return NULL;
	}
	xreplace(&found, canonical);
	return found;
}

char *
cli_resolve(struct cli *cli, const char *name, int *code)
{
	char *found = cli_address(cli, name, code);

	if (found != NULL)
		inside_await(cli, found);
	return found;
}

static json_t *
json_of(const char *value)
{
	char *end;
	long long number;

	if (value == NULL)
		return json_null();
	if (strcmp(value, "true") == 0 || strcmp(value, "false") == 0)
		return json_boolean(value[0] == 't');
	number = strtoll(value, &end, 10);
	return *value != '\0' && *end == '\0' ? json_integer(number) : json_null();
}

void
cli_put_attribute(json_t *object, xmpp_stanza_t *element, const char *name)
{
	static const char *const typed[] = { "in-earshot", "rtt-us",     "rttvar-us", "samples",
					     "alive-us",   "chosen",     "trusted",   "revoked",
					     "seen-at",    "expires-us", "bytes",     "taken-at",
					     "tries" };
	const char *value = xmpp_stanza_get_attribute(element, name);
	char key[32];

	copy_text(key, sizeof(key), name);
	for (char *p = key; *p != '\0'; p++) {
		if (*p == '-')
			*p = '_';
	}
	for (size_t i = 0; i < sizeof(typed) / sizeof(typed[0]); i++) {
		if (strcmp(typed[i], name) == 0) {
			json_object_set_new(object, key, json_of(value));
			return;
		}
	}
	json_put_text(object, key, value);
}

void
cli_put_attributes(json_t *object, xmpp_stanza_t *element, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		cli_put_attribute(object, element, names[i]);
}

char *
cli_join(const struct cli *cli, int first)
{
	size_t size = 1, n = 0;
	char *out;

	for (int i = first; i < cli->args.count; i++)
		size += strlen(cli->args.words[i]) + 1;
	out = xalloc(size);
	for (int i = first; i < cli->args.count; i++)
		n += snprintf(out + n, size - n, "%s%s", i == first ? "" : " ", cli->args.words[i]);
	return out;
}
