/* SPDX-License-Identifier: ISC */
/* conf_table.h: the rows of the configuration, as the parser, the dump and the tests read them. */
#ifndef BASE_CONF_TABLE_H
#define BASE_CONF_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/conf.h"

enum conf_type {
	CONF_TEXT,   /* char *; min..max bytes; empty = NULL where min is 0 */
	CONF_WORD,   /* char *; one of the choices */
	CONF_WORDS,  /* char *; a comma-separated list of the choices */
	CONF_CHOICE, /* an enum; the place among the choices */
	CONF_NUMBER, /* unsigned; min..max */
	CONF_BOOL,   /* bool; yes or no */
};

struct conf_option {
	const char *section; /* "peer": one row for all [peer "name"] sections */
	const char *key;
	enum conf_type type;
	enum conf_part part; /* what is made anew when it changes; 0: the whole engine */
	size_t offset;       /* in struct conf, of "peer" in struct conf_peer */
	unsigned min, max;
	const char *const *choices;       /* NULL-ended */
	bool (*valid)(const char *value); /* of a text; NULL: anything */
	const char *want;                 /* what valid wants, for people */
	const char *fallback;             /* as in a file; NULL: none, or known at run time only */
	const char *help;
};

/* Ended by a row without a key; the rows of one section stand together. */
extern const struct conf_option conf_options[];

const struct conf_option *conf_option_find(const char *section, const char *key);
bool conf_section_is_known(const char *section);

/* What a row accepts, for people: "a number from 0 to 65535". */
void conf_option_want(const struct conf_option *option, char *out, size_t size);

/* Sets the field of object that the row describes: 0, or -EINVAL when it does not accept value. */
int conf_option_set(const struct conf_option *option, void *object, const char *value);

/* The field as a value that parses; "" for none. Points into object, to buffer or to a constant. */
const char *conf_option_get(const struct conf_option *option, const void *object, char *buffer,
			    size_t size);

/* Frees what the field holds. */
void conf_option_release(const struct conf_option *option, void *object);

/* Sets what has a fallback: in all rows of the section, or in all rows of the others. */
void conf_set_defaults(const char *section, bool of_section, void *object);

/* Reads at most max bytes of fd. 0 or -errno. */
int conf_read_bytes(int fd, char *bytes, size_t max, size_t *length);

#endif
