/* SPDX-License-Identifier: ISC */
/* diagnose.c: what may be wrong with this engine itself, in the order in which one thing needs the
 * other. */
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "core/diagnose.h"

#define NAMES_SIZE 256

void
diagnosis_tell(const struct diagnosis *diagnosis, const char *name, enum ear_check_state state,
	       const char *remedy, const char *format, ...)
{
	struct ear_check check = { .name = name,
				   .state = state,
				   .remedy = remedy == NULL ? "" : remedy };
	char *text = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&text, format, args) == -1)
		abort();
	va_end(args);
	check.text = text;
	diagnosis->fn(diagnosis->arg, &check);
	free(text);
}

static void
check_configuration(const struct diagnosis *d)
{
	const char *file = d->ear->conf->file;

	diagnosis_tell(d, "configuration", EAR_CHECK_OK, NULL, "%s",
		       file == NULL ? "no file: the defaults" : file);
}

/* --- the LAN ------------------------------------------------------------------------------ */

static void
check_lan(const struct diagnosis *d, const struct core_facts *facts)
{
	const struct conf *conf = d->ear->conf;

	if (!conf->lan_enabled)
		diagnosis_tell(d, "lan", EAR_CHECK_WARN,
			       "[lan] enabled = yes lets others find this device",
			       "switched off: only the server path is left");
	else if (facts->port == 0)
		diagnosis_tell(d, "lan", EAR_CHECK_FAIL, "its log says why",
			       "no port for direct streams");
	else if (conf->lan_port != 0 && conf->lan_port != facts->port)
		diagnosis_tell(d, "lan", EAR_CHECK_WARN,
			       "who is told a host and a port in [peer] does not find us: free "
			       "that port, start again",
			       "%s, port %u, since %u is taken", d->ear->self_lan, facts->port,
			       conf->lan_port);
	else
		diagnosis_tell(d, "lan", EAR_CHECK_OK, NULL, "%s, port %u", d->ear->self_lan,
			       facts->port);
}

/* Whether the configuration's list of interfaces holds it. */
static bool
is_listed(const char *list, const char *name)
{
	size_t length = strlen(name);

	if (strcmp(list, "all") == 0)
		return true;
	for (const char *at = list; *at != '\0';) {
		at += strspn(at, ", ");
		size_t n = strcspn(at, ", ");

		if (n == length && strncmp(at, name, n) == 0)
			return true;
		at += n;
	}
	return false;
}

/* The loopback interface counts where it is named: nobody else is on it. */
static bool
is_usable(const struct ifaddrs *at, const char *list)
{
	unsigned want = IFF_UP | IFF_RUNNING;

	if (at->ifa_addr == NULL ||
	    (at->ifa_addr->sa_family != AF_INET && at->ifa_addr->sa_family != AF_INET6))
		return false;
	if ((at->ifa_flags & want) != want || !is_listed(list, at->ifa_name))
		return false;
	if (at->ifa_flags & IFF_LOOPBACK)
		return strcmp(list, "all") != 0;
	return (at->ifa_flags & IFF_MULTICAST) != 0;
}

/* Appends with a comma; a name that is there already, or does not fit, is left out. */
static void
names_add(char *names, const char *name)
{
	size_t used = strlen(names);

	if (!is_listed(used == 0 ? "-" : names, name))
		snprintf(names + used, NAMES_SIZE - used, "%s%s", used == 0 ? "" : ", ", name);
}

static void
check_interfaces(const struct diagnosis *d)
{
	const char *list = d->ear->conf->lan_interfaces;
	char names[NAMES_SIZE] = "";
	struct ifaddrs *all;

	if (getifaddrs(&all) != 0) {
		diagnosis_tell(d, "interfaces", EAR_CHECK_FAIL, NULL, "%s", strerror(errno));
		return;
	}
	for (const struct ifaddrs *at = all; at != NULL; at = at->ifa_next)
		if (is_usable(at, list))
			names_add(names, at->ifa_name);
	freeifaddrs(all);
	if (names[0] == '\0')
		diagnosis_tell(d, "interfaces", EAR_CHECK_FAIL,
			       "connect to a network, and look at [lan] interfaces",
			       "none of \"%s\" is up with an address and multicast", list);
	else
		diagnosis_tell(d, "interfaces", EAR_CHECK_OK, NULL, "%s", names);
}

static void
check_mdns(const struct diagnosis *d, const struct core_facts *facts)
{
	const char *who = facts->mdns != NULL && strcmp(facts->mdns, "daemon") == 0
				  ? "avahi-daemon"
				  : "the stack inside earshot";
	const char *remedy = "systemctl status avahi-daemon; or [lan] mdns = embedded does "
			     "without it";

	if (strcmp(who, "avahi-daemon") != 0)
		remedy = "UDP port 5353 must not be another program's alone, nor be filtered";
	if (facts->mdns_fails || facts->instance == NULL)
		diagnosis_tell(d, "mdns", EAR_CHECK_FAIL, remedy, "%s: %s", who,
			       facts->mdns_text != NULL && facts->mdns_text[0] != '\0'
				       ? facts->mdns_text
				       : "our name does not stand yet");
	else
		diagnosis_tell(d, "mdns", EAR_CHECK_OK, NULL, "%s, as \"%s\"", who,
			       facts->instance);
}

/* --- the key ------------------------------------------------------------------------------ */

/* The file that our key is in; NULL: it is in memory only. The caller frees. */
static char *
key_file(const struct conf *conf)
{
	char *found = conf->engine_state == NULL ? conf_default_state() : NULL;
	const char *dir = conf->engine_state == NULL ? found : conf->engine_state;
	char *path = dir == NULL ? NULL : xasprintf("%s/device.key", dir);

	free(found);
	return path;
}

static void
check_key_file(const struct diagnosis *d, const char *path, const char *key)
{
	struct passwd *owner;
	struct stat st;

	if (stat(path, &st) != 0) {
		diagnosis_tell(d, "own key", EAR_CHECK_FAIL,
			       "restore it from a backup, or start again: a new one is made",
			       "%s: %s", path, strerror(errno));
		return;
	}
	owner = getpwuid(st.st_uid);
	if ((st.st_mode & 077) != 0)
		diagnosis_tell(d, "own key", EAR_CHECK_FAIL,
			       "chmod 600 it; whoever may have read it can be this device: earshot "
			       "trust --new-key",
			       "%s: others may read it (mode %03o)", path,
			       (unsigned)st.st_mode & 0777);
	else
		diagnosis_tell(d, "own key", EAR_CHECK_OK, NULL,
			       "%.16s..., in %s, readable by %s only", key, path,
			       owner == NULL ? "its owner" : owner->pw_name);
}

static void
check_key(const struct diagnosis *d)
{
	char key[EAR_KEY_SIZE], *path = key_file(d->ear->conf);

	ear_key_format(ear_own_key(d->ear), key);
	if (path == NULL)
		diagnosis_tell(d, "own key", EAR_CHECK_WARN,
			       "[engine] state = a directory that lasts",
			       "%.16s..., in memory only: another one after a restart", key);
	else
		check_key_file(d, path, key);
	free(path);
}

/* --- the server --------------------------------------------------------------------------- */

static void
check_server(const struct diagnosis *d)
{
	const struct ear *ear = d->ear;
	const char *why;

	if (ear->server == NULL) {
		diagnosis_tell(d, "server", EAR_CHECK_OK, NULL, "none is configured");
		return;
	}
	if (ear->server->state == LINK_UP) {
		diagnosis_tell(d, "server", EAR_CHECK_OK, NULL, "connected as %s",
			       ear->server->self);
		return;
	}
	why = ear->reach->server_failure(ear->reach_arg);
	diagnosis_tell(d, "server", EAR_CHECK_FAIL,
		       "look at [server] in the configuration and at the server's log; who is in "
		       "earshot is reached without it",
		       "%s: %s", ear->conf->server_jid, why[0] == '\0' ? "not connected yet" : why);
}

void
ear_diagnose(struct ear *ear, const char *address, ear_check_fn *fn, void *arg)
{
	struct diagnosis diagnosis = { ear, fn, arg };
	struct core_facts facts = { 0 };

	if (address != NULL) {
		diagnose_address(&diagnosis, address);
		return;
	}
	if (ear->reach->describe != NULL)
		ear->reach->describe(ear->reach_arg, &facts);
	check_configuration(&diagnosis);
	check_lan(&diagnosis, &facts);
	if (ear->conf->lan_enabled) {
		check_interfaces(&diagnosis);
		check_mdns(&diagnosis, &facts);
	}
	check_key(&diagnosis);
	check_server(&diagnosis);
}
