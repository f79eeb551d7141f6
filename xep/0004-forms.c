/* SPDX-License-Identifier: ISC */
/* 0004-forms.c: data forms (XEP-0004) with FORM_TYPE (XEP-0068); what is read is capped. */
#include <assert.h>
#include <string.h>

#include "forms.h"

#define NS_VALIDATE "http://jabber.org/protocol/xdata-validate" /* XEP-0122 */
#define FORM_TYPE   "FORM_TYPE"

static const char *const kinds[] = {
	[FORM_TEXT] = "text-single", [FORM_LIST] = "list-single", [FORM_BOOLEAN] = "boolean",
	[FORM_HIDDEN] = "hidden",    [FORM_JID] = "jid-single",   [FORM_TEXTS] = "text-multi",
	[FORM_LISTS] = "list-multi", [FORM_JIDS] = "jid-multi",
};

/* --- asking ------------------------------------------------------------------------------- */

static xmpp_stanza_t *
add_field(xmpp_stanza_t *form, const char *var, const char *kind, const char *value)
{
	xmpp_stanza_t *field = ear_child(form, "field", EAR_NS_DATA);

	if (var != NULL)
		ear_set(field, "var", "%s", var);
	ear_set(field, "type", "%s", kind);
	if (value != NULL)
		ear_child_text(field, "value", EAR_NS_DATA, value);
	return field;
}

xmpp_stanza_t *
form_new(struct ear *ear, const char *type, const char *title, const char *instructions)
{
	xmpp_stanza_t *form = ear_element(ear_ctx(ear), "x", EAR_NS_DATA);

	ear_set(form, "type", "form");
	if (title != NULL)
		ear_child_text(form, "title", EAR_NS_DATA, title);
	if (instructions != NULL)
		ear_child_text(form, "instructions", EAR_NS_DATA, instructions);
	if (type != NULL)
		add_field(form, FORM_TYPE, kinds[FORM_HIDDEN], type);
	return form;
}

xmpp_stanza_t *
form_result_new(struct ear *ear, const char *type)
{
	xmpp_stanza_t *form = ear_element(ear_ctx(ear), "x", EAR_NS_DATA);

	ear_set(form, "type", "result");
	if (type != NULL)
		add_field(form, FORM_TYPE, kinds[FORM_HIDDEN], type);
	return form;
}

void
form_add_text(xmpp_stanza_t *form, const char *text)
{
	add_field(form, NULL, "fixed", text);
}

xmpp_stanza_t *
form_add(xmpp_stanza_t *form, const struct form_field *field, const char *value)
{
	xmpp_stanza_t *element = add_field(form, field->var, kinds[field->kind], value);

	if (field->label != NULL)
		ear_set(element, "label", "%s", field->label);
	if (field->required)
		ear_child(element, "required", EAR_NS_DATA);
	return element;
}

void
form_add_value(xmpp_stanza_t *field, const char *value)
{
	ear_child_text(field, "value", EAR_NS_DATA, value);
}

void
form_add_option(xmpp_stanza_t *field, const char *label, const char *value)
{
	xmpp_stanza_t *option = ear_child(field, "option", EAR_NS_DATA);

	ear_set(option, "label", "%s", label);
	ear_child_text(option, "value", EAR_NS_DATA, value);
}

void
form_set_range(xmpp_stanza_t *field, int min, int max)
{
	xmpp_stanza_t *validate = ear_child(field, "validate", NS_VALIDATE);
	xmpp_stanza_t *range = ear_child(validate, "range", NS_VALIDATE);

	ear_set(validate, "datatype", "xs:integer");
	ear_set(range, "min", "%d", min);
	ear_set(range, "max", "%d", max);
}

/* --- reading ------------------------------------------------------------------------------ */

const char *
form_fault_text(enum form_fault fault)
{
	static const char *const texts[FORM_FAULT_COUNT] = {
		[FORM_FINE] = "nothing is wrong",
		[FORM_NO_SUBMISSION] = "the form is not a submission",
		[FORM_OF_OTHER_TYPE] = "this is another form",
		[FORM_TOO_MANY] = "too many fields",
		[FORM_TOO_LONG] = "the value is too long",
		[FORM_TWICE] = "there is one value, not several",
		[FORM_NOT_BOOLEAN] = "the value is neither true nor false",
		[FORM_NOT_A_LINE] = "the value is not a line of text",
		[FORM_MISSING] = "a required field is missing",
		[FORM_REFUSED] = "the value is none of this field",
	};

	return texts[fault];
}

/* XEP-0050 §3.5: a form of type cancel is to be taken for a submitted one. */
static bool
is_submission(xmpp_stanza_t *form)
{
	const char *type = xmpp_stanza_get_type(form);

	return ear_is(form, "x", EAR_NS_DATA) && type != NULL &&
	       (strcmp(type, "submit") == 0 || strcmp(type, "cancel") == 0);
}

static bool
is_line(const char *text)
{
	for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
		if (*c < ' ' || *c == 0x7f)
			return false;
	return true;
}

enum form_fault
form_check(enum form_kind kind, const char **value)
{
	if (kind == FORM_BOOLEAN) {
		if (strcmp(*value, "1") != 0 && strcmp(*value, "true") != 0 &&
		    strcmp(*value, "0") != 0 && strcmp(*value, "false") != 0)
			return FORM_NOT_BOOLEAN;
		*value = **value == '1' || **value == 't' ? "1" : "0";
	}
	return is_line(*value) ? FORM_FINE : FORM_NOT_A_LINE;
}

/* The first value that is not empty, NULL: none; and how many there are. */
static enum form_fault
read_values(xmpp_stanza_t *field, const char **value, size_t *count)
{
	*value = NULL;
	*count = 0;
	for (xmpp_stanza_t *e = ear_first(field); e != NULL; e = ear_next(e)) {
		const char *text;

		if (!ear_is(e, "value", EAR_NS_DATA))
			continue;
		++*count;
		text = ear_text(e);
		if (text != NULL && strlen(text) > FORM_VALUE_MAX)
			return FORM_TOO_LONG;
		if (text != NULL && *text != '\0' && *value == NULL)
			*value = text;
	}
	return FORM_FINE;
}

static enum form_fault
check_type(const char *type, const char *value, size_t count, bool *seen)
{
	if (*seen || count > 1)
		return FORM_TWICE;
	*seen = true;
	if (type != NULL && (value == NULL || strcmp(value, type) != 0))
		return FORM_OF_OTHER_TYPE;
	return FORM_FINE;
}

enum form_fault
form_each(xmpp_stanza_t *form, const char *type, form_taker *fn, void *arg, const char **fault_in)
{
	enum form_fault fault = FORM_FINE;
	bool typed = false;
	const char *value;
	size_t n = 0, count;

	*fault_in = NULL;
	if (!is_submission(form))
		return FORM_NO_SUBMISSION;
	for (xmpp_stanza_t *e = ear_first(form); e != NULL && fault == FORM_FINE; e = ear_next(e)) {
		if (!ear_is(e, "field", EAR_NS_DATA))
			continue;
		*fault_in = NULL;
		if (++n > FORM_FIELDS_MAX)
			return FORM_TOO_MANY;
		/* The lines for people (XEP-0004 §3.3) have none; some clients send them back. */
		*fault_in = xmpp_stanza_get_attribute(e, "var");
		if (*fault_in == NULL)
			continue;
		fault = read_values(e, &value, &count);
		if (fault == FORM_FINE && strcmp(*fault_in, FORM_TYPE) == 0)
			fault = check_type(type, value, count, &typed);
		else if (fault == FORM_FINE)
			fault = fn(arg, *fault_in, value, count);
	}
	if (fault == FORM_FINE)
		*fault_in = NULL;
	return fault;
}

struct reading {
	const struct form_field *fields;
	size_t count;
	const char **values;
	bool seen[FORM_FIELDS_MAX];
};

/* One field of the submission; of other names than we asked for it is passed over. */
static enum form_fault
take(void *arg, const char *var, const char *value, size_t count)
{
	struct reading *reading = arg;
	size_t i = 0;

	while (i < reading->count && strcmp(var, reading->fields[i].var) != 0)
		i++;
	if (i == reading->count)
		return FORM_FINE;
	if (reading->seen[i] || count > 1)
		return FORM_TWICE;
	reading->seen[i] = true;
	reading->values[i] = value;
	return value == NULL ? FORM_FINE : form_check(reading->fields[i].kind, &reading->values[i]);
}

enum form_fault
form_read(xmpp_stanza_t *form, const char *type, const struct form_field *fields, size_t count,
	  const char **values, const char **fault_in)
{
	struct reading reading = { fields, count, values, { false } };
	enum form_fault fault;

	assert(count <= FORM_FIELDS_MAX);
	for (size_t i = 0; i < count; i++)
		values[i] = NULL;
	fault = form_each(form, type, take, &reading, fault_in);
	for (size_t i = 0; i < count && fault == FORM_FINE; i++)
		if (fields[i].required && values[i] == NULL) {
			*fault_in = fields[i].var;
			fault = FORM_MISSING;
		}
	return fault;
}

static const char *const features[] = { EAR_NS_DATA, NULL };

const struct ear_xep ear_xep_0004 = {
	.number = "0004",
	.name = "data forms",
	.features = features,
};
