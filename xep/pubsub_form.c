/* SPDX-License-Identifier: ISC */
/* pubsub_form.c: configuration of nodes and options of subscriptions as forms (XEP-0060 §6.3,
 * §8.2), and what was submitted. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "forms.h"
#include "pubsub_setting.h"

#define SETTINGS_MAX 32 /* of a table */
#define GROUPS       "pubsub#roster_groups_allowed"
#define ITEM_EXPIRE  "pubsub#item_expire"

/* --- asked and shown ---------------------------------------------------------------------- */

static enum form_kind
kind_of(const struct setting *setting)
{
	if (setting->choices != NULL)
		return FORM_LIST;
	return setting->kind == SETTING_FLAG ? FORM_BOOLEAN : FORM_TEXT;
}

static xmpp_stanza_t *
add(xmpp_stanza_t *form, const struct setting *setting, const void *things, const char *label)
{
	const struct form_field field = { setting->var, kind_of(setting), false, label };
	char word[SETTING_WORD_MAX];

	setting_get(setting, things, word);
	return form_add(form, &field, *word == '\0' ? NULL : word);
}

static void
ask(xmpp_stanza_t *form, const struct setting_table *table, const void *things)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct setting *setting = &table->settings[i];
		xmpp_stanza_t *field = add(form, setting, things, setting->label);

		for (const struct setting_choice *c = setting->choices;
		     c != NULL && c->name != NULL; c++)
			form_add_option(field, c->label, c->name);
		if (setting->kind == SETTING_NUMBER && setting->most == NULL)
			form_set_range(field, (int)setting->min, (int)setting->max);
	}
}

xmpp_stanza_t *
pubsub_config_form(struct ear *ear, const struct pubsub_config *config, const char *node)
{
	char title[EAR_NODE_MAX + 32];
	xmpp_stanza_t *form;

	snprintf(title, sizeof(title), "Configuration of %s", node == NULL ? "a new node" : node);
	form = form_new(ear, PUBSUB_CONFIG, title, NULL);
	ask(form, &pubsub_config_table, config);
	return form;
}

xmpp_stanza_t *
pubsub_config_result(struct ear *ear, const struct pubsub_config *config)
{
	xmpp_stanza_t *form = form_result_new(ear, PUBSUB_CONFIG);

	for (size_t i = 0; i < pubsub_config_table.count; i++)
		add(form, &pubsub_config_table.settings[i], config, NULL);
	return form;
}

xmpp_stanza_t *
pubsub_options_form(struct ear *ear, const struct pubsub_options *options)
{
	xmpp_stanza_t *form = form_new(ear, PUBSUB_OPTIONS, "Options of the subscription", NULL);

	ask(form, &pubsub_options_table, options);
	return form;
}

/* --- submitted ---------------------------------------------------------------------------- */

/*
 * Fields of the specification for what is not done here, and the values that ask for nothing else
 * than what is the case. Another one cannot be had; of item_expire it is passed over as what is not
 * in our forms is (XEP-0004 §3.2): that the newest max_items stay bounds them, too.
 */
static const struct lacking {
	const char *var, *fine[2];
} lacking[] = {
	{ "pubsub#children", { NULL } },
	{ "pubsub#collection", { NULL } },
	{ "pubsub#digest", { "0", "false" } },
	{ "pubsub#expire", { NULL } },
	{ "pubsub#include_body", { "0", "false" } },
	{ ITEM_EXPIRE, { "max" } },
	{ "pubsub#node_type", { "leaf" } },
	{ "pubsub#presence_based_delivery", { "0", "false" } },
	{ "pubsub#publish_node_full", { "discard-oldest" } },
	{ "pubsub#purge_offline", { "0", "false" } },
	{ "pubsub#subscription_depth", { "1" } },
	{ "pubsub#subscription_type", { "items" } },
	{ "pubsub#tempsub", { "0", "false" } },
};

struct submission {
	const struct setting_table *table;
	void *things;
	bool strict; /* a field that is not known is refused */
	bool groups; /* of the roster, some */
	bool seen[SETTINGS_MAX];
	int rc;
	enum form_fault (*taken)(struct submission *submission, const struct setting *setting);
	const void *wanted_as; /* of taken */
};

static bool
is_fine(const struct lacking *lack, const char *value)
{
	for (size_t i = 0; i < 2; i++)
		if (lack->fine[i] != NULL && strcmp(lack->fine[i], value) == 0)
			return true;
	return false;
}

static enum form_fault
refuse(struct submission *submission, int rc)
{
	submission->rc = rc;
	return FORM_REFUSED;
}

/* A field that is none of our settings. */
static enum form_fault
take_other(struct submission *submission, const char *var, const char *value)
{
	for (size_t i = 0; i < sizeof(lacking) / sizeof(lacking[0]); i++) {
		const struct lacking *lack = &lacking[i];

		if (strcmp(lack->var, var) != 0)
			continue;
		if (value == NULL || is_fine(lack, value) ||
		    (strcmp(var, ITEM_EXPIRE) == 0 && !submission->strict))
			return FORM_FINE;
		return refuse(submission, -ENOTSUP);
	}
	if (strcmp(var, GROUPS) == 0 && value != NULL)
		submission->groups = true;
	return submission->strict ? refuse(submission, -ENOTSUP) : FORM_FINE;
}

static enum form_fault
take(void *arg, const char *var, const char *value, size_t count)
{
	struct submission *submission = arg;
	const struct setting *setting = setting_find(submission->table, var);
	size_t i;

	if (setting == NULL)
		return take_other(submission, var, value);
	i = (size_t)(setting - submission->table->settings);
	assert(i < SETTINGS_MAX);
	if (submission->seen[i] || count > 1)
		return FORM_TWICE;
	submission->seen[i] = true;
	submission->rc = setting_set(submission->table, setting, submission->things, value);
	if (submission->rc != 0)
		return FORM_REFUSED;
	return submission->taken == NULL ? FORM_FINE : submission->taken(submission, setting);
}

static int
submit(struct submission *submission, xmpp_stanza_t *form, const char *type, const char **why)
{
	enum form_fault fault = form_each(form, type, take, submission, why);

	if (*why == NULL && fault != FORM_FINE)
		*why = form_fault_text(fault);
	if (fault == FORM_FINE)
		return 0;
	return submission->rc != 0 ? submission->rc : -EINVAL;
}

int
pubsub_config_submit(struct pubsub_config *config, xmpp_stanza_t *form, const char *type,
		     const char **why)
{
	struct pubsub_config changed = *config;
	struct submission submission = { .table = &pubsub_config_table, .things = &changed };
	int rc;

	submission.strict = strcmp(type, PUBSUB_PUBLISH) == 0;
	rc = submit(&submission, form, type, why);
	/* Passed over, these would let in more than was wished. */
	if (rc == 0 && submission.groups && changed.access_model == PUBSUB_ROSTER) {
		*why = GROUPS;
		rc = -ENOTSUP;
	}
	if (rc != 0)
		return rc;
	*config = changed;
	pubsub_config_settle(config);
	return 0;
}

static enum form_fault
compare(struct submission *submission, const struct setting *setting)
{
	char word[SETTING_WORD_MAX], wanted[SETTING_WORD_MAX];

	return strcmp(setting_get(setting, submission->wanted_as, word),
		      setting_get(setting, submission->things, wanted)) == 0
		       ? FORM_FINE
		       : FORM_REFUSED;
}

bool
pubsub_config_holds(const struct pubsub_config *config, xmpp_stanza_t *form, const char **why)
{
	struct pubsub_config wanted = *config;
	struct submission submission = {
		.table = &pubsub_config_table,
		.things = &wanted,
		.strict = true,
		.taken = compare,
		.wanted_as = config,
	};

	return submit(&submission, form, PUBSUB_PUBLISH, why) == 0;
}

int
pubsub_options_submit(struct pubsub_options *options, xmpp_stanza_t *form, const char **why)
{
	struct pubsub_options changed = *options;
	struct submission submission = { .table = &pubsub_options_table, .things = &changed };
	int rc = submit(&submission, form, PUBSUB_OPTIONS, why);

	if (rc == 0)
		*options = changed;
	return rc;
}
