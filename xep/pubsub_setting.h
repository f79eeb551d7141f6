/* SPDX-License-Identifier: ISC */
/*
 * pubsub_setting.h: what a node, or a subscription, can be configured to: one row of a table for
 * each setting, whose value is read and written as a word. pubsub_config.c has the tables and the
 * text for the store, pubsub_form.c the forms.
 */
#ifndef XEP_PUBSUB_SETTING_H
#define XEP_PUBSUB_SETTING_H

#include "pubsub.h"

#define SETTING_WORD_MAX 512 /* bytes of any value, with the final NUL */

enum setting_kind {
	SETTING_LINE,   /* char[]: one line of text */
	SETTING_FLAG,   /* bool */
	SETTING_NUMBER, /* unsigned */
	SETTING_CHOICE, /* an enum: the place in its choices */
	SETTING_NAME,   /* const char *: the name of one of its choices */
};

struct setting_choice {
	const char *name, *label;
};

struct setting {
	const char *var; /* of the field, whose part behind '#' or '}' is its key in the text */
	const char *label;
	enum setting_kind kind;
	size_t offset, size;                  /* in the struct; size of a line, with its NUL */
	unsigned min, max;                    /* of a number */
	const char *most;                     /* the word for max, or NULL */
	const struct setting_choice *choices; /* ended by { 0 } */
};

/* The settings of one kind of thing. */
struct setting_table {
	const struct setting *settings;
	size_t count;
	const void *defaults; /* a struct of that kind */
};

extern const struct setting_table pubsub_config_table, pubsub_options_table;

const struct setting *setting_find(const struct setting_table *table, const char *var);

/* As a word; word holds SETTING_WORD_MAX. Returns word. */
const char *setting_get(const struct setting *setting, const void *things, char *word);

/* NULL: as by default. 0; -EINVAL: none of its values; -ENOTSUP: it has other choices. */
int setting_set(const struct setting_table *table, const struct setting *setting, void *things,
		const char *word);

/* A line for each that is not as by default; the caller frees. And back: what is not in the text is
 * as by default. */
char *settings_text(const struct setting_table *table, const void *things);
void settings_read(const struct setting_table *table, void *things, size_t size, const char *text);

/* What follows from the others: config->atom. */
void pubsub_config_settle(struct pubsub_config *config);

#endif
