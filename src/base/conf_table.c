/* SPDX-License-Identifier: ISC */
/* conf_table.c: every option that there is, one row each, and what a row can do with a value. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/conf.h"
#include "base/conf_table.h"
#include "base/endpoint.h"
#include "base/place.h"

#define PATH_BYTES 1023

static const char *const choices_log[] = { "error", "warn", "info", "debug", NULL };
static const char *const choices_mdns[] = { "auto", "daemon", "embedded", "off", NULL };
static const char *const choices_publish[] = { "minimal", "nick", "jid", "msg", NULL };
static const char *const choices_status[] = { "avail", "away", "dnd", NULL };
static const char *const choices_server[] = { "none", "component", "account", NULL };
static const char *const choices_tls[] = { "required", "optional", NULL };
static const char *const choices_player[] = { "auto", "mpv",  "mpris", "kodi",
					      "mpd",  "demo", "none",  NULL };
static const char *const choices_plaintext[] = { "warn", "allow", "deny", NULL };
static const char *const choices_level[] = {
	"anyone", "known", "proved", "trusted", "nobody", NULL
};
static const char *const choices_store[] = { "sqlite", "postgres", "none", NULL };

/* RFC 6763 §4.1.1 and XEP-0174 §3: the machine of an instance is a host name. */
static bool
is_host(const char *value)
{
	for (const char *p = value; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && strchr("-._", *p) == NULL)
			return false;
	}
	return isalnum((unsigned char)value[0]);
}

/* A host name or an address: no white space, nothing a URL would need. */
static bool
is_host_or_address(const char *value)
{
	for (const char *p = value; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && strchr("-._:%", *p) == NULL)
			return false;
	}
	return true;
}

/* Whether every word of a list with commas between fits; an empty word has length 0. */
static bool
is_list_of(const char *value, bool (*fits)(const void *arg, const char *word, size_t length),
	   const void *arg)
{
	size_t length;

	for (const char *p = value;; p++) {
		p += strspn(p, " \t");
		length = strcspn(p, ", \t");
		if (!fits(arg, p, length))
			return false;
		p += length;
		p += strspn(p, " \t");
		if (*p == '\0')
			return true;
		if (*p != ',')
			return false;
	}
}

static bool
is_interface(const void *arg, const char *word, size_t length)
{
	return length > 0 && length <= 15;
}

static bool
is_interfaces(const char *value)
{
	return is_list_of(value, is_interface, NULL);
}

static bool
is_user(const char *value)
{
	return strchr(value, '@') == NULL;
}

static bool
is_lan_address(const char *value)
{
	const char *at = strchr(value, '@'), *end = strrchr(value, '.');

	return at != NULL && at != value && end != NULL && strcmp(end, ".local") == 0 &&
	       at + 1 < end;
}

static bool
is_jid(const char *value)
{
	return strpbrk(value, " \t\"<>") == NULL && value[0] != '@' && value[0] != '/';
}

/* Figures are nobody's business but this machine's. */
static bool
is_loopback_endpoint(const char *value)
{
	struct sockaddr_storage address;
	socklen_t length;

	return endpoint_parse(value, &address, &length) == 0 && endpoint_is_loopback(&address);
}

#define AT(field)      .offset = offsetof(struct conf, field)
#define AT_PEER(field) .offset = offsetof(struct conf_peer, field)
#define HOST_WANT      "a host name of letters, digits, '-', '.' and '_'"
#define LEVEL_WANT     "Needed of a sender: anyone, known, proved, trusted; nobody: refused to all."

const struct conf_option conf_options[] = {
	{ "engine", "name", CONF_TEXT, CONF_PART_WHOLE, AT(engine_name), .min = 1, .max = 40,
	  .valid = is_host, .want = HOST_WANT,
	  .help = "How this device is called: the part after the @ of its LAN address. "
		  "Default: the host name." },

	{ "engine", "state", CONF_TEXT, CONF_PART_WHOLE, AT(engine_state), .min = 1,
	  .max = PATH_BYTES,
	  .help = "Directory of what survives a restart: this device's key, and whom it knows. "
		  "Default: $STATE_DIRECTORY, $XDG_STATE_HOME/earshot or "
		  "~/.local/state/earshot." },
	{ "engine", "log", CONF_CHOICE, CONF_PART_NONE, AT(engine_log), .choices = choices_log,
	  .fallback = "info",
	  .help = "Which lines are written: those for errors, warnings and events, and (debug) "
		  "every stanza's header." },
	{ "engine", "metrics", CONF_TEXT, CONF_PART_METRICS, AT(engine_metrics), .max = 47,
	  .valid = is_loopback_endpoint,
	  .want = "an address of this machine with a port, such as 127.0.0.1:9298 or [::1]:9298",
	  .help = "Where to serve figures for Prometheus: http://ADDRESS:PORT/metrics. "
		  "Default: nowhere." },

	{ "lan", "enabled", CONF_BOOL, CONF_PART_WHOLE, AT(lan_enabled), .fallback = "yes",
	  .help = "Whether to announce, find and talk to peers on the LAN (XEP-0174)." },
	{ "lan", "user", CONF_TEXT, CONF_PART_WHOLE, AT(lan_user), .min = 1, .max = 40,
	  .valid = is_user, .want = "a name without '@'",
	  .help = "The part before the @ of the LAN address. Default: the login name." },
	{ "lan", "port", CONF_NUMBER, CONF_PART_WHOLE, AT(lan_port), .min = 0, .max = 65535,
	  .fallback = "5298", .help = "TCP port for direct streams; 0: any free one." },
	{ "lan", "interfaces", CONF_TEXT, CONF_PART_WHOLE, AT(lan_interfaces), .min = 1, .max = 255,
	  .valid = is_interfaces, .want = "all, or interface names with commas between",
	  .fallback = "all",
	  .help = "Where to announce and listen: all, or a list such as eth0,wlan0." },
	{ "lan", "mdns", CONF_CHOICE, CONF_PART_WHOLE, AT(lan_mdns), .choices = choices_mdns,
	  .fallback = "auto",
	  .help = "Who speaks mDNS: avahi-daemon, the stack inside Earshot, "
		  "or (auto) the daemon where one runs. off: nobody; peers are found by "
		  "[peer] host and by what they tell over the server." },
	{ "lan", "publish", CONF_WORDS, CONF_PART_PUBLISHED, AT(lan_publish),
	  .choices = choices_publish, .fallback = "minimal",
	  .help = "What everybody on the LAN may read besides address, port and status: "
		  "nick, jid, msg." },
	{ "lan", "nick", CONF_TEXT, CONF_PART_PUBLISHED, AT(lan_nick), .max = 200,
	  .help = "A name for people; published if lan.publish holds nick." },
	{ "lan", "status", CONF_WORD, CONF_PART_PUBLISHED, AT(lan_status),
	  .choices = choices_status, .fallback = "avail", .help = "Published availability." },
	{ "lan", "message", CONF_TEXT, CONF_PART_PUBLISHED, AT(lan_message), .max = 200,
	  .help = "Status text; published if lan.publish holds msg." },

	{ "server", "kind", CONF_CHOICE, CONF_PART_SERVER, AT(server_kind),
	  .choices = choices_server, .fallback = "none",
	  .help = "How to join an XMPP server: as component (XEP-0114), as account, not at all." },
	{ "server", "jid", CONF_TEXT, CONF_PART_SERVER, AT(server_jid), .max = 1023,
	  .valid = is_jid, .want = "an XMPP address",
	  .help = "The component's domain (tv.example.org) or the account (tv@example.org)." },
	{ "server", "host", CONF_TEXT, CONF_PART_SERVER, AT(server_host), .max = 255,
	  .valid = is_host_or_address, .want = "a host name or an address",
	  .help = "Where to connect. Default: 127.0.0.1 for a component, DNS for an account. Of "
		  "several addresses of a name one is tried soon after the other." },
	{ "server", "port", CONF_NUMBER, CONF_PART_SERVER, AT(server_port), .min = 0, .max = 65535,
	  .fallback = "0", .help = "0: 5275 for a component; DNS or 5222 for an account." },
	{ "server", "secret-file", CONF_TEXT, CONF_PART_SERVER, AT(server_secret_file),
	  .max = PATH_BYTES,
	  .help = "File whose first line is the secret or password; closed to others (chmod "
		  "600)." },
	{ "server", "ca-file", CONF_TEXT, CONF_PART_SERVER, AT(server_ca_file), .max = PATH_BYTES,
	  .help = "Certificates to trust for the server. Default: the system's." },
	{ "server", "tls", CONF_CHOICE, CONF_PART_SERVER, AT(server_tls), .choices = choices_tls,
	  .fallback = "required",
	  .help = "Of an account; optional only for a server on this machine." },

	{ "player", "kind", CONF_WORD, CONF_PART_PLAYER, AT(player_kind), .choices = choices_player,
	  .fallback = "auto",
	  .help = "What the buttons drive: mpv, players on D-Bus (mpris), kodi, mpd, the built-in "
		  "demo, nothing, or (auto) whichever of them runs and was used last." },
	{ "player", "socket", CONF_TEXT, CONF_PART_PLAYER, AT(player_socket), .max = PATH_BYTES,
	  .help = "mpv's --input-ipc-server, or the socket of mpd. Default: the usual places." },
	{ "player", "url", CONF_TEXT, CONF_PART_PLAYER, AT(player_url), .max = 1023,
	  .help = "Where kodi or mpd listens. Default: tcp://127.0.0.1:9090, "
		  "tcp://127.0.0.1:6600." },
	{ "player", "name", CONF_TEXT, CONF_PART_PLAYER, AT(player_name), .max = 255,
	  .help = "Which of several players on D-Bus (vlc). Default: the one that was used last." },
	{ "player", "secret-file", CONF_TEXT, CONF_PART_PLAYER, AT(player_secret_file),
	  .max = PATH_BYTES,
	  .help = "File whose first line is the password of mpd; closed to others (chmod 600)." },
	{ "player", "chat", CONF_BOOL, CONF_PART_PLAYER, AT(player_chat), .fallback = "yes",
	  .help = "Words such as pause or vol 40, sent to this device as a message, press its "
		  "buttons." },

	{ "policy", "plaintext", CONF_CHOICE, CONF_PART_NONE, AT(policy_plaintext),
	  .choices = choices_plaintext, .fallback = "warn",
	  .help = "Unencrypted LAN streams: used with a warning in the log, used, or refused." },
	{ "policy", "query", CONF_CHOICE, CONF_PART_NONE, AT(policy_query),
	  .choices = choices_level, .fallback = "anyone",
	  .help = "To ask for features, version, ping. " LEVEL_WANT },
	{ "policy", "chat", CONF_CHOICE, CONF_PART_NONE, AT(policy_chat), .choices = choices_level,
	  .fallback = "anyone", .help = "To send messages." },
	{ "policy", "state", CONF_CHOICE, CONF_PART_NONE, AT(policy_state),
	  .choices = choices_level, .fallback = "known", .help = "To read what the player does." },
	{ "policy", "buttons", CONF_CHOICE, CONF_PART_NONE, AT(policy_buttons),
	  .choices = choices_level, .fallback = "trusted", .help = "To press buttons." },
	{ "policy", "subscribe", CONF_CHOICE, CONF_PART_NONE, AT(policy_subscribe),
	  .choices = choices_level, .fallback = "proved",
	  .help = "To have a component as a contact, and to read nodes of others." },
	{ "policy", "publish", CONF_CHOICE, CONF_PART_NONE, AT(policy_publish),
	  .choices = choices_level, .fallback = "proved",
	  .help = "To create nodes, and to publish at them." },
	{ "policy", "pair", CONF_CHOICE, CONF_PART_NONE, AT(policy_pair), .choices = choices_level,
	  .fallback = "known", .help = "To ask to be paired, which shows a code here." },
	{ "policy", "other", CONF_CHOICE, CONF_PART_NONE, AT(policy_other),
	  .choices = choices_level, .fallback = "proved",
	  .help = "To do whatever has no key of its own." },

	{ "store", "kind", CONF_WORD, CONF_PART_WHOLE, AT(store_kind), .choices = choices_store,
	  .fallback = "sqlite",
	  .help = "Where nodes, items and subscriptions (XEP-0060) are stored: in a file, or in a "
		  "database that several daemons may share. none: nowhere, nor are messages "
		  "(earshot "
		  "send --queue), which else are in spool.db below the state directory." },
	{ "store", "path", CONF_TEXT, CONF_PART_WHOLE, AT(store_path), .max = PATH_BYTES,
	  .help = "The file of kind = sqlite. Default: pubsub.db below the state directory." },
	{ "store", "url", CONF_TEXT, CONF_PART_WHOLE, AT(store_url), .max = 1023,
	  .help = "The database of kind = postgres, as libpq wants it, without a password: "
		  "postgresql://earshot@192.0.2.5/earshot, or host=/run/postgresql "
		  "dbname=earshot." },
	{ "store", "secret-file", CONF_TEXT, CONF_PART_WHOLE, AT(store_secret_file),
	  .max = PATH_BYTES,
	  .help = "A file whose first line is the password for url, closed to others (chmod "
		  "600)." },
	{ "store", "nodes-per-owner", CONF_NUMBER, CONF_PART_NONE, AT(store_nodes_per_owner),
	  .min = 1, .max = 10000, .fallback = "100",
	  .help = "How many nodes an address may create, unless it is trusted." },

	{ "local", "socket", CONF_TEXT, CONF_PART_WHOLE, AT(local_socket), .min = 1, .max = 107,
	  .help = "Unix socket for programs on this machine. "
		  "Default: $XDG_RUNTIME_DIR/earshot.sock, as root /run/earshot/earshot.sock." },
	{ "local", "group", CONF_TEXT, CONF_PART_WHOLE, AT(local_group), .max = 64,
	  .help = "Members of this group may use the socket besides its owner and root." },

	{ "peer", "address", CONF_TEXT, CONF_PART_PEERS, AT_PEER(address), .max = 255,
	  .valid = is_lan_address, .want = "a LAN address such as tv@box.local",
	  .help = "Its LAN address." },
	{ "peer", "jid", CONF_TEXT, CONF_PART_PEERS, AT_PEER(jid), .max = 1023, .valid = is_jid,
	  .want = "an XMPP address",
	  .help = "Its address behind the server. "
		  "Naming both tells that they are the same device." },
	{ "peer", "host", CONF_TEXT, CONF_PART_PEERS, AT_PEER(host), .max = 1023,
	  .valid = places_are_valid,
	  .want = "up to 8 host names or addresses with commas between, each with :port or not",
	  .help = "Where it is, if multicast does not reach it: names and addresses, with commas "
		  "between; [2001:db8::7]:5298 has a port of its own. Default: found by mDNS, or "
		  "told by it over the server." },
	{ "peer", "port", CONF_NUMBER, CONF_PART_PEERS, AT_PEER(port), .min = 1, .max = 65535,
	  .fallback = "5298", .help = "Its port at those that have none of their own." },
	{ "peer", "trusted", CONF_BOOL, CONF_PART_PEERS, AT_PEER(trusted), .fallback = "no",
	  .help = "Whether stanzas that the server stamps with its jid count as trusted." },
	{ NULL },
};

const struct conf_option *
conf_option_find(const char *section, const char *key)
{
	for (const struct conf_option *o = conf_options; o->key != NULL; o++) {
		if (strcmp(o->section, section) == 0 && strcmp(o->key, key) == 0)
			return o;
	}
	return NULL;
}

bool
conf_section_is_known(const char *section)
{
	for (const struct conf_option *o = conf_options; o->key != NULL; o++) {
		if (strcmp(o->section, section) == 0 && strcmp(section, "peer") != 0)
			return true;
	}
	return false;
}

/* "a, b, c" */
static void
join(const char *const *words, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; words[i] != NULL && n < size; i++)
		n += snprintf(out + n, size - n, "%s%s", i == 0 ? "" : ", ", words[i]);
}

void
conf_option_want(const struct conf_option *option, char *out, size_t size)
{
	char words[160] = "";

	if (option->choices != NULL)
		join(option->choices, words, sizeof(words));
	switch (option->type) {
	case CONF_TEXT:
		if (option->want != NULL)
			snprintf(out, size, "%s", option->want);
		else
			snprintf(out, size, "%u to %u bytes", option->min, option->max);
		return;
	case CONF_WORD:
	case CONF_CHOICE:
		snprintf(out, size, "one of %s", words);
		return;
	case CONF_WORDS:
		snprintf(out, size, "a comma-separated list of %s", words);
		return;
	case CONF_NUMBER:
		snprintf(out, size, "a number from %u to %u", option->min, option->max);
		return;
	case CONF_BOOL:
		snprintf(out, size, "yes or no");
		return;
	}
}

static int
choice_of(const char *const *choices, const char *word, size_t length)
{
	for (int i = 0; choices[i] != NULL; i++) {
		if (strlen(choices[i]) == length && strncmp(choices[i], word, length) == 0)
			return i;
	}
	return -1;
}

static bool
is_choice(const void *arg, const char *word, size_t length)
{
	return choice_of(arg, word, length) != -1;
}

static bool
words_are_valid(const char *const *choices, const char *value)
{
	return is_list_of(value, is_choice, choices);
}

static int
bool_of(const char *value)
{
	static const char *const words[] = { "no", "yes", "off", "on", "false", "true", NULL };
	int place = choice_of(words, value, strlen(value));

	return place == -1 ? -1 : place % 2;
}

static bool
text_is_valid(const struct conf_option *option, const char *value)
{
	size_t length = strlen(value);

	if (length < option->min || length > option->max)
		return false;
	return length == 0 || option->valid == NULL || option->valid(value);
}

static int
number_of(const struct conf_option *option, const char *value, unsigned *number)
{
	unsigned long n;
	char *end;

	if (!isdigit((unsigned char)value[0]) || strlen(value) > 9)
		return -EINVAL;
	n = strtoul(value, &end, 10);
	if (*end != '\0' || n < option->min || n > option->max)
		return -EINVAL;
	*number = n;
	return 0;
}

int
conf_option_set(const struct conf_option *option, void *object, const char *value)
{
	char *field = (char *)object + option->offset;
	int place;

	switch (option->type) {
	case CONF_TEXT:
		if (!text_is_valid(option, value))
			return -EINVAL;
		xreplace((char **)field, value[0] == '\0' ? NULL : value);
		return 0;
	case CONF_WORD:
		if (choice_of(option->choices, value, strlen(value)) == -1)
			return -EINVAL;
		xreplace((char **)field, value);
		return 0;
	case CONF_WORDS:
		if (!words_are_valid(option->choices, value))
			return -EINVAL;
		xreplace((char **)field, value);
		return 0;
	case CONF_CHOICE:
		place = choice_of(option->choices, value, strlen(value));
		if (place == -1)
			return -EINVAL;
		*(unsigned *)field = place;
		return 0;
	case CONF_NUMBER:
		return number_of(option, value, (unsigned *)field);
	case CONF_BOOL:
		place = bool_of(value);
		if (place == -1)
			return -EINVAL;
		*(bool *)field = place;
		return 0;
	}
	return -EINVAL;
}

const char *
conf_option_get(const struct conf_option *option, const void *object, char *buffer, size_t size)
{
	const char *field = (const char *)object + option->offset;
	const char *text;

	switch (option->type) {
	case CONF_TEXT:
	case CONF_WORD:
	case CONF_WORDS:
		text = *(char *const *)field;
		return text == NULL ? "" : text;
	case CONF_CHOICE:
		return option->choices[*(const unsigned *)field];
	case CONF_NUMBER:
		snprintf(buffer, size, "%u", *(const unsigned *)field);
		return buffer;
	case CONF_BOOL:
		return *(const bool *)field ? "yes" : "no";
	}
	return "";
}

void
conf_option_release(const struct conf_option *option, void *object)
{
	char *field = (char *)object + option->offset;

	switch (option->type) {
	case CONF_TEXT:
	case CONF_WORD:
	case CONF_WORDS:
		xreplace((char **)field, NULL);
		return;
	case CONF_CHOICE:
	case CONF_NUMBER:
	case CONF_BOOL:
		return;
	}
}

void
conf_set_defaults(const char *section, bool of_section, void *object)
{
	for (const struct conf_option *o = conf_options; o->key != NULL; o++) {
		if ((strcmp(o->section, section) == 0) == of_section && o->fallback != NULL)
			conf_option_set(o, object, o->fallback);
	}
}
