/* SPDX-License-Identifier: ISC */
/* conf.c: the configuration in memory: defaults, writing it out, the places its files live in. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/conf.h"
#include "base/conf_table.h"

/* The host name up to its first dot, where it is fit for one. */
static char *
host_name(void)
{
	const struct conf_option *option = conf_option_find("engine", "name");
	char name[256] = "";

	if (gethostname(name, sizeof(name) - 1) == 0) {
		name[strcspn(name, ".")] = '\0';
		name[option->max] = '\0';
		if (name[0] != '\0' && option->valid(name))
			return xstrdup(name);
	}
	return xstrdup("earshot");
}

static char *
login_name(void)
{
	const struct conf_option *option = conf_option_find("lan", "user");
	const struct passwd *user = getpwuid(geteuid());

	if (user != NULL && strlen(user->pw_name) <= option->max && user->pw_name[0] != '\0' &&
	    option->valid(user->pw_name))
		return xstrdup(user->pw_name);
	return xstrdup("earshot");
}

char *
conf_default_socket(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (geteuid() != 0 && runtime != NULL && runtime[0] == '/')
		return xasprintf("%s/earshot.sock", runtime);
	return xstrdup("/run/earshot/earshot.sock");
}

/* systemd gives several with colons between when a unit has several; the first is ours. */
char *
conf_default_state(void)
{
	const char *systemd = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME");
	const char *home = getenv("HOME");

	if (systemd != NULL && systemd[0] == '/')
		return xstrndup(systemd, strcspn(systemd, ":"));
	if (xdg != NULL && xdg[0] == '/')
		return xasprintf("%s/earshot", xdg);
	if (home != NULL && home[0] == '/')
		return xasprintf("%s/.local/state/earshot", home);
	return NULL;
}

struct conf *
conf_new(void)
{
	struct conf *conf = xalloc(sizeof(*conf));

	conf_set_defaults("peer", false, conf);
	conf->engine_name = host_name();
	conf->lan_user = login_name();
	conf->local_socket = conf_default_socket();
	conf->engine_state = conf_default_state();
	return conf;
}

void
conf_free(struct conf *conf)
{
	if (conf == NULL)
		return;
	for (const struct conf_option *o = conf_options; o->key != NULL; o++) {
		if (strcmp(o->section, "peer") != 0) {
			conf_option_release(o, conf);
			continue;
		}
		for (size_t i = 0; i < conf->peer_count; i++)
			conf_option_release(o, &conf->peers[i]);
	}
	for (size_t i = 0; i < conf->peer_count; i++)
		free(conf->peers[i].name);
	free(conf->peers);
	free(conf->file);
	free(conf);
}

static void
dump_option(const struct conf_option *option, const void *object, FILE *out)
{
	char buffer[32], want[256];
	const char *value = conf_option_get(option, object, buffer, sizeof(buffer));

	conf_option_want(option, want, sizeof(want));
	/* A ';' behind a space would begin a comment. */
	fprintf(out, "# %s\n# (%s%s%s)\n%s =%s%s\n", option->help, want,
		option->fallback == NULL ? "" : "; default: ",
		option->fallback == NULL ? "" : option->fallback, option->key,
		value[0] == '\0' || value[0] == ';' ? "" : " ", value);
}

void
conf_dump(const struct conf *conf, FILE *out)
{
	const char *section = "";

	for (const struct conf_option *o = conf_options; o->key != NULL; o++) {
		if (strcmp(o->section, "peer") == 0)
			continue;
		if (strcmp(o->section, section) != 0)
			fprintf(out, "%s[%s]\n", section[0] == '\0' ? "" : "\n", o->section);
		section = o->section;
		dump_option(o, conf, out);
	}
	for (size_t i = 0; i < conf->peer_count; i++) {
		fprintf(out, "\n[peer \"%s\"]\n", conf->peers[i].name);
		for (const struct conf_option *o = conf_options; o->key != NULL; o++) {
			if (strcmp(o->section, "peer") == 0)
				dump_option(o, &conf->peers[i], out);
		}
	}
}

static char *
user_file(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (config != NULL && config[0] == '/')
		return xasprintf("%s/earshot/earshotd.conf", config);
	if (home != NULL && home[0] == '/')
		return xasprintf("%s/.config/earshot/earshotd.conf", home);
	return NULL;
}

char *
conf_find_file(void)
{
	char *paths[] = { xstrdup("/etc/earshot/earshotd.conf"), user_file() };
	char *found = NULL;

	for (size_t i = 0; i < 2; i++) {
		if (found == NULL && paths[i] != NULL && access(paths[i], F_OK) == 0)
			found = paths[i];
		else
			free(paths[i]);
	}
	return found;
}
