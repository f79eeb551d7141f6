/* SPDX-License-Identifier: ISC */
/* pubsub_setting.c: settings as words, and all of them as text:
 *
 *	access_model=whitelist
 *	max_items=max
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "pubsub_setting.h"

#define TEXT_MAX 4096 /* of all settings of a table */

static void *
place(const struct setting *setting, const void *things)
{
	return (char *)things + setting->offset;
}

/* Its key in the text. */
static const char *
key_of(const struct setting *setting)
{
	return setting->var + strcspn(setting->var, "#}") + 1;
}

const struct setting *
setting_find(const struct setting_table *table, const char *var)
{
	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->settings[i].var, var) == 0)
			return &table->settings[i];
	return NULL;
}

/* --- as a word ---------------------------------------------------------------------------- */

static void
get_number(const struct setting *setting, unsigned number, char *word)
{
	if (setting->most != NULL && number == setting->max)
		snprintf(word, SETTING_WORD_MAX, "%s", setting->most);
	else
		snprintf(word, SETTING_WORD_MAX, "%u", number);
}

const char *
setting_get(const struct setting *setting, const void *things, char *word)
{
	const void *value = place(setting, things);

	switch (setting->kind) {
	case SETTING_LINE:
		snprintf(word, SETTING_WORD_MAX, "%s", (const char *)value);
		break;
	case SETTING_FLAG:
		snprintf(word, SETTING_WORD_MAX, "%d", *(const bool *)value);
		break;
	case SETTING_NUMBER:
		get_number(setting, *(const unsigned *)value, word);
		break;
	case SETTING_CHOICE:
		snprintf(word, SETTING_WORD_MAX, "%s",
			 setting->choices[*(const unsigned *)value].name);
		break;
	case SETTING_NAME:
		snprintf(word, SETTING_WORD_MAX, "%s", *(const char *const *)value);
		break;
	}
	return word;
}

static int
set_line(const struct setting *setting, char *line, const char *word)
{
	if (strlen(word) >= setting->size)
		return -EINVAL;
	for (const unsigned char *c = (const unsigned char *)word; *c != '\0'; c++)
		if (*c < ' ' || *c == 0x7f)
			return -EINVAL;
	snprintf(line, setting->size, "%s", word);
	return 0;
}

static int
set_flag(bool *flag, const char *word)
{
	if (strcmp(word, "1") != 0 && strcmp(word, "true") != 0 && strcmp(word, "0") != 0 &&
	    strcmp(word, "false") != 0)
		return -EINVAL;
	*flag = *word == '1' || *word == 't';
	return 0;
}

static int
set_number(const struct setting *setting, unsigned *number, const char *word)
{
	size_t digits = strspn(word, "0123456789");
	unsigned long value;

	if (setting->most != NULL && strcmp(word, setting->most) == 0) {
		*number = setting->max;
		return 0;
	}
	if (digits == 0 || digits > 9 || word[digits] != '\0')
		return -EINVAL;
	value = strtoul(word, NULL, 10);
	if (value < setting->min || value > setting->max)
		return -EINVAL;
	*number = (unsigned)value;
	return 0;
}

static int
set_choice(const struct setting *setting, unsigned *place_of, const char *word)
{
	for (unsigned i = 0; setting->choices[i].name != NULL; i++)
		if (strcmp(setting->choices[i].name, word) == 0) {
			*place_of = i;
			return 0;
		}
	return -ENOTSUP;
}

static int
set_name(const struct setting *setting, const char **name, const char *word)
{
	unsigned i;
	int rc = set_choice(setting, &i, word);

	if (rc == 0)
		*name = setting->choices[i].name;
	return rc;
}

int
setting_set(const struct setting_table *table, const struct setting *setting, void *things,
	    const char *word)
{
	char standard[SETTING_WORD_MAX];
	void *value = place(setting, things);

	if (word == NULL)
		word = setting_get(setting, table->defaults, standard);
	switch (setting->kind) {
	case SETTING_LINE:
		return set_line(setting, value, word);
	case SETTING_FLAG:
		return set_flag(value, word);
	case SETTING_NUMBER:
		return set_number(setting, value, word);
	case SETTING_CHOICE:
		return set_choice(setting, value, word);
	case SETTING_NAME:
		return set_name(setting, value, word);
	}
	return -EINVAL;
}

/* --- as text ------------------------------------------------------------------------------ */

char *
settings_text(const struct setting_table *table, const void *things)
{
	char text[TEXT_MAX] = "", word[SETTING_WORD_MAX], standard[SETTING_WORD_MAX];
	size_t length = 0;

	for (size_t i = 0; i < table->count; i++) {
		const struct setting *setting = &table->settings[i];

		if (strcmp(setting_get(setting, things, word),
			   setting_get(setting, table->defaults, standard)) == 0)
			continue;
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s=%s\n",
					   key_of(setting), word);
	}
	return xep_strdup(text);
}

static const struct setting *
find_key(const struct setting_table *table, const char *key, size_t length)
{
	for (size_t i = 0; i < table->count; i++) {
		const char *name = key_of(&table->settings[i]);

		if (strlen(name) == length && memcmp(name, key, length) == 0)
			return &table->settings[i];
	}
	return NULL;
}

/* A line that is not known, or whose value is not any more, is passed over. */
static void
read_line(const struct setting_table *table, void *things, const char *line, size_t length)
{
	const char *equals = memchr(line, '=', length);
	const struct setting *setting;
	char word[SETTING_WORD_MAX];
	size_t rest;

	if (equals == NULL)
		return;
	setting = find_key(table, line, (size_t)(equals - line));
	rest = length - (size_t)(equals - line) - 1;
	if (setting == NULL || rest >= sizeof(word))
		return;
	memcpy(word, equals + 1, rest);
	word[rest] = '\0';
	setting_set(table, setting, things, word);
}

void
settings_read(const struct setting_table *table, void *things, size_t size, const char *text)
{
	memcpy(things, table->defaults, size);
	while (text != NULL && *text != '\0') {
		size_t length = strcspn(text, "\n");

		read_line(table, things, text, length);
		text += length + (text[length] == '\n');
	}
}
