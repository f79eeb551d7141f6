/* SPDX-License-Identifier: ISC */
/* diagnose.c: what may be wrong with this engine itself, in the order in which one thing needs the
 * other. */
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "core/diagnose.h"
#include "core/policy.h"

#define TROUBLE_SIZE 600

void
words_add(struct words *words, const char *format, ...)
{
	size_t used = strlen(words->text);
	char word[200];
	va_list args;

	va_start(args, format);
	vsnprintf(word, sizeof(word), format, args);
	va_end(args);
	snprintf(words->text + used, sizeof(words->text) - used, "%s%s", used == 0 ? "" : ", ",
		 word);
}

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

void
diagnosis_init(struct diagnosis *diagnosis, struct ear *ear, ear_check_fn *fn, void *arg)
{
	*diagnosis = (struct diagnosis){ .ear = ear, .fn = fn, .arg = arg };
	if (ear->reach->describe != NULL)
		ear->reach->describe(ear->reach_arg, &diagnosis->facts);
	if (ear->conf->lan_enabled)
		diagnosis->net_count =
			nets_look(ear->conf->lan_interfaces, diagnosis->nets, NETS_MAX);
}

static void
check_configuration(const struct diagnosis *d)
{
	const char *file = d->ear->conf->file;

	diagnosis_tell(d, "configuration", EAR_CHECK_OK, NULL, "%s",
		       file == NULL ? "no file: the defaults" : file);
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

/* --- policy ------------------------------------------------------------------------------- */

static void
check_policy(const struct diagnosis *d)
{
	static const char *const plaintext[] = { [CONF_PLAINTEXT_ALLOW] = "taken",
						 [CONF_PLAINTEXT_WARN] = "taken with a warning",
						 [CONF_PLAINTEXT_DENY] = "refused" };
	const struct conf *conf = d->ear->conf;
	struct words words = { "" };

	for (int verb = 0; verb < EAR_VERB_COUNT; verb++)
		if (verb != EAR_VERB_ADMIN)
			words_add(&words, "%s %s", ear_verb_name(verb),
				  ear_level_name(policy_level(conf, verb)));
	diagnosis_tell(d, "policy", EAR_CHECK_OK, NULL, "plaintext is %s; at least: %s",
		       plaintext[conf->policy_plaintext], words.text);
}

/* --- the server --------------------------------------------------------------------------- */

static void
check_connected(const struct diagnosis *d)
{
	const struct ear *ear = d->ear;
	bool asked = d->found != NULL && d->found->server_asked;

	if (asked && ear->reach->server_owes(ear->reach_arg))
		diagnosis_tell(d, "server", EAR_CHECK_FAIL,
			       "look at the server's process: it holds the connection and says "
			       "nothing (stopped? its disk full?)",
			       "connected as %s, but it does not answer: frozen or cut off",
			       ear->server->self);
	else
		diagnosis_tell(d, "server", EAR_CHECK_OK, NULL, "connected as %s%s",
			       ear->server->self, asked ? ", answers" : "");
}

static void
check_server(const struct diagnosis *d)
{
	const struct ear *ear = d->ear;
	char text[TROUBLE_SIZE] = "not connected";
	const char *remedy = NULL;

	if (ear->server == NULL) {
		diagnosis_tell(d, "server", EAR_CHECK_OK, NULL, "none is configured");
	} else if (ear->server->state == LINK_UP) {
		check_connected(d);
	} else {
		if (ear->reach->server_trouble != NULL)
			remedy = ear->reach->server_trouble(ear->reach_arg, text, sizeof(text));
		diagnosis_tell(d, "server", EAR_CHECK_FAIL, remedy, "%s: %s", ear->conf->server_jid,
			       text);
	}
}

void
diagnose_engine(struct diagnosis *diagnosis)
{
	check_configuration(diagnosis);
	diagnose_lan(diagnosis);
	check_key(diagnosis);
	check_policy(diagnosis);
	check_server(diagnosis);
}

void
ear_diagnose(struct ear *ear, const char *address, ear_check_fn *fn, void *arg)
{
	struct diagnosis diagnosis;

	diagnosis_init(&diagnosis, ear, fn, arg);
	if (address != NULL)
		diagnose_address(&diagnosis, address);
	else
		diagnose_engine(&diagnosis);
}
