/* SPDX-License-Identifier: ISC */
/* forms.h: data forms (XEP-0004): asked, and read again when they are submitted. */
#ifndef XEP_FORMS_H
#define XEP_FORMS_H

#include <earshot/ear.h>

#define FORM_FIELDS_MAX 64   /* of one submission */
#define FORM_VALUE_MAX  4096 /* bytes of one value */

enum form_kind {
	FORM_TEXT,    /* text-single: one line */
	FORM_LIST,    /* list-single: one of its options */
	FORM_BOOLEAN, /* XEP-0004 §3.3: "1", "true", "0", "false" */
	FORM_HIDDEN,
	FORM_JID,   /* jid-single */
	FORM_TEXTS, /* text-multi: lines */
	FORM_LISTS, /* list-multi: several of its options */
	FORM_JIDS,  /* jid-multi */
};

/* A field as it is asked for, and what is wanted back. */
struct form_field {
	const char *var;
	enum form_kind kind;
	bool required;
	const char *label;
};

/*
 * A new <x type='form'/>; the caller's. type: the FORM_TYPE (XEP-0068), NULL none. Title and
 * instructions may be NULL.
 */
xmpp_stanza_t *form_new(struct ear *ear, const char *type, const char *title,
			const char *instructions);

/* A new <x type='result'/>, which says how it is; the caller's. */
xmpp_stanza_t *form_result_new(struct ear *ear, const char *type);

/* A line for people between the fields. */
void form_add_text(xmpp_stanza_t *form, const char *text);

/* A field; value NULL: nothing is filled in. Borrowed from the form. */
xmpp_stanza_t *form_add(xmpp_stanza_t *form, const struct form_field *field, const char *value);

/* One more value, of a field that may have several. */
void form_add_value(xmpp_stanza_t *field, const char *value);

/* An option of a list. */
void form_add_option(xmpp_stanza_t *field, const char *label, const char *value);

/* The value is a whole number between these (XEP-0122): a hint to those who understand it. */
void form_set_range(xmpp_stanza_t *field, int min, int max);

enum form_fault {
	FORM_FINE,
	FORM_NO_SUBMISSION, /* neither type='submit' nor what XEP-0050 §3.5 takes for it */
	FORM_OF_OTHER_TYPE, /* its FORM_TYPE is not ours */
	FORM_TOO_MANY,      /* fields */
	FORM_TOO_LONG,      /* a value */
	FORM_TWICE,         /* one field, or several values where there is one */
	FORM_NOT_BOOLEAN,
	FORM_NOT_A_LINE, /* a line break or another control character */
	FORM_MISSING,    /* a required one */
	FORM_REFUSED,    /* by whom form_each() gave it to */
	FORM_FAULT_COUNT,
};

/* "a required field is missing": for people. */
const char *form_fault_text(enum form_fault fault);

/*
 * Reads a submission field by field, in its order, but its FORM_TYPE: fn for each that has a var,
 * with its first value that is not empty (NULL: none), and how many values there are; borrowed from
 * the form. What fn says ends it, unless that is FORM_FINE. A field may come twice. *fault_in as
 * below.
 */
typedef enum form_fault form_taker(void *arg, const char *var, const char *value, size_t count);
enum form_fault form_each(xmpp_stanza_t *form, const char *type, form_taker *fn, void *arg,
			  const char **fault_in);

/* Whether a value, which is not NULL, is one of a field of that kind; a boolean becomes "1" or "0".
 */
enum form_fault form_check(enum form_kind kind, const char **value);

/*
 * Reads a submission. fields: count of them; values[i]: of fields[i], borrowed from the form, NULL
 * where it was left out or left empty. A boolean is "1" or "0". Fields of other names are passed
 * over; whether a value is one of the options is for the caller to say, who knows them. *fault_in:
 * the var of the field that is at fault, NULL when it is the whole form.
 */
enum form_fault form_read(xmpp_stanza_t *form, const char *type, const struct form_field *fields,
			  size_t count, const char **values, const char **fault_in);

#endif
