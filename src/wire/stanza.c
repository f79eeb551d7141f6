/* SPDX-License-Identifier: ISC */
/* stanza.c: shorthands over libstrophe's stanzas; ids, dates. Out of memory aborts everywhere. */
#include <openssl/rand.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <earshot/log.h>
#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"

/* Longer values go by the heap. */
#define SHORT_VALUE 256
#define DIGITS_SIZE 20 /* of a long long that is not negative, and its end */

static void
set_attribute(xmpp_stanza_t *stanza, const char *name, const char *value)
{
	xcheck(xmpp_stanza_set_attribute(stanza, name, value) == XMPP_EOK);
}

xmpp_stanza_t *
ear_element(xmpp_ctx_t *ctx, const char *name, const char *ns)
{
	xmpp_stanza_t *element = xmpp_stanza_new(ctx);

	xcheck(element != NULL && xmpp_stanza_set_name(element, name) == XMPP_EOK);
	if (ns != NULL)
		set_attribute(element, "xmlns", ns);
	return element;
}

static void
copy_attributes(xmpp_stanza_t *copy, xmpp_stanza_t *stanza)
{
	int n = 2 * xmpp_stanza_get_attribute_count(stanza);
	const char **all = xalloc(((size_t)n + 1) * sizeof(*all));

	n = xmpp_stanza_get_attributes(stanza, all, n);
	for (int i = 0; i + 1 < n; i += 2)
		set_attribute(copy, all[i], all[i + 1]);
	free(all);
}

xmpp_stanza_t *
ear_copy_without(xmpp_stanza_t *stanza, const char *ns)
{
	xmpp_stanza_t *copy =
		ear_element(xmpp_stanza_get_context(stanza), xmpp_stanza_get_name(stanza), NULL);
	xmpp_stanza_t *child;

	copy_attributes(copy, stanza);
	for (child = xmpp_stanza_get_children(stanza); child != NULL;
	     child = xmpp_stanza_get_next(child)) {
		const char *own = xmpp_stanza_is_tag(child) ? xmpp_stanza_get_ns(child) : NULL;
		xmpp_stanza_t *part;

		if (own != NULL && strcmp(own, ns) == 0)
			continue;
		part = xmpp_stanza_copy(child);
		xcheck(part != NULL && xmpp_stanza_add_child_ex(copy, part, 0) == XMPP_EOK);
	}
	return copy;
}

xmpp_stanza_t *
ear_child(xmpp_stanza_t *parent, const char *name, const char *ns)
{
	xmpp_stanza_t *child = ear_element(xmpp_stanza_get_context(parent), name,
					   ns != NULL ? ns : xmpp_stanza_get_ns(parent));

	xcheck(xmpp_stanza_add_child_ex(parent, child, 0) == XMPP_EOK);
	return child;
}

xmpp_stanza_t *
ear_child_text(xmpp_stanza_t *parent, const char *name, const char *ns, const char *text)
{
	xmpp_stanza_t *child = ear_child(parent, name, ns), *data;

	if (text == NULL || *text == '\0')
		return child;
	data = xmpp_stanza_new(xmpp_stanza_get_context(parent));
	xcheck(data != NULL && xmpp_stanza_set_text(data, text) == XMPP_EOK &&
	       xmpp_stanza_add_child_ex(child, data, 0) == XMPP_EOK);
	return child;
}

void
ear_set_flag(xmpp_stanza_t *stanza, const char *attribute, bool value)
{
	set_attribute(stanza, attribute, value ? "true" : "false");
}

/* A number that is not negative; returns where it begins, before the end of out. */
static const char *
digits_of(long long value, char out[DIGITS_SIZE])
{
	char *at = out + DIGITS_SIZE - 1;

	*at = '\0';
	do
		*--at = (char)('0' + value % 10);
	while ((value /= 10) > 0);
	return at;
}

/* What most values are, without all that formats can say. */
static bool
set_plain(xmpp_stanza_t *stanza, const char *attribute, const char *format, va_list args)
{
	char digits[DIGITS_SIZE];
	const char *value = NULL;
	long long number;

	if (strcmp(format, "%s") == 0)
		value = va_arg(args, const char *);
	else if (strcmp(format, "%lld") == 0 && (number = va_arg(args, long long)) >= 0)
		value = digits_of(number, digits);
	if (value != NULL)
		set_attribute(stanza, attribute, value);
	return value != NULL;
}

void
ear_set(xmpp_stanza_t *stanza, const char *attribute, const char *format, ...)
{
	char brief[SHORT_VALUE], *value = NULL;
	va_list args;
	bool done;
	int n;

	va_start(args, format);
	done = set_plain(stanza, attribute, format, args);
	va_end(args);
	if (done)
		return;
	va_start(args, format);
	n = vsnprintf(brief, sizeof(brief), format, args);
	va_end(args);
	xcheck(n >= 0);
	if ((size_t)n < sizeof(brief)) {
		set_attribute(stanza, attribute, brief);
		return;
	}
	va_start(args, format);
	xcheck(vasprintf(&value, format, args) != -1);
	va_end(args);
	set_attribute(stanza, attribute, value);
	free(value);
}

bool
ear_is(xmpp_stanza_t *stanza, const char *name, const char *ns)
{
	const char *own_name, *own_ns;

	if (!xmpp_stanza_is_tag(stanza))
		return false;
	/* The name first: nearly all have another one, and a namespace has to be searched for. */
	own_name = xmpp_stanza_get_name(stanza);
	if (own_name == NULL || strcmp(own_name, name) != 0)
		return false;
	own_ns = xmpp_stanza_get_ns(stanza);
	return own_ns == NULL || ns == NULL ? own_ns == ns : strcmp(own_ns, ns) == 0;
}

xmpp_stanza_t *
ear_find(xmpp_stanza_t *parent, const char *name, const char *ns)
{
	xmpp_stanza_t *child;

	if (ns == NULL)
		ns = xmpp_stanza_get_ns(parent);
	for (child = ear_first(parent); child != NULL; child = ear_next(child))
		if (ear_is(child, name, ns))
			return child;
	return NULL;
}

static xmpp_stanza_t *
skip_text(xmpp_stanza_t *node)
{
	while (node != NULL && !xmpp_stanza_is_tag(node))
		node = xmpp_stanza_get_next(node);
	return node;
}

xmpp_stanza_t *
ear_first(xmpp_stanza_t *parent)
{
	return skip_text(xmpp_stanza_get_children(parent));
}

xmpp_stanza_t *
ear_next(xmpp_stanza_t *child)
{
	return skip_text(xmpp_stanza_get_next(child));
}

/* The first piece: the reader makes character data one piece wherever it is not interrupted. */
const char *
ear_text(xmpp_stanza_t *element)
{
	xmpp_stanza_t *node;

	for (node = xmpp_stanza_get_children(element); node != NULL;
	     node = xmpp_stanza_get_next(node))
		if (xmpp_stanza_is_text(node))
			return xmpp_stanza_get_text_ptr(node);
	return NULL;
}

void
ear_new_id(char *out)
{
	/* 64 characters: six bits of each random byte, nothing lost by a division. */
	static const char digits[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	unsigned char random[16];

	if (RAND_bytes(random, sizeof(random)) != 1) {
		ear_error("no randomness from OpenSSL");
		abort();
	}
	for (size_t i = 0; i < sizeof(random); i++)
		out[i] = digits[random[i] & 63];
	out[sizeof(random)] = '\0';
}

bool
ear_stamp(int64_t seconds, char *out)
{
	time_t at = (time_t)seconds;
	struct tm tm;

	/* Of the year 1000 at least: otherwise it has not four digits. */
	return gmtime_r(&at, &tm) != NULL && tm.tm_year >= 1000 - 1900 &&
	       strftime(out, EAR_STAMP_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm) > 0;
}

xmpp_stanza_t *
ear_stanza(xmpp_ctx_t *ctx, const char *name, const char *type, const char *to, const char *id)
{
	xmpp_stanza_t *stanza = ear_element(ctx, name, EAR_NS_CLIENT);
	char fresh[17];

	if (id == NULL) {
		ear_new_id(fresh);
		id = fresh;
	}
	set_attribute(stanza, "id", id);
	if (type != NULL)
		set_attribute(stanza, "type", type);
	if (to != NULL)
		set_attribute(stanza, "to", to);
	return stanza;
}

/* Copies an attribute under another name, where there is one. */
static void
copy_attribute(xmpp_stanza_t *to, const char *as, xmpp_stanza_t *from, const char *name)
{
	const char *value = xmpp_stanza_get_attribute(from, name);

	if (value != NULL)
		set_attribute(to, as, value);
}

bool
ear_is_request(xmpp_stanza_t *stanza)
{
	const char *type;

	/* The name first: an attribute has to be searched for. */
	if (strcmp(xmpp_stanza_get_name(stanza), "iq") != 0)
		return false;
	type = xmpp_stanza_get_type(stanza);
	return type != NULL && (strcmp(type, "get") == 0 || strcmp(type, "set") == 0);
}

bool
ear_is_answer(xmpp_stanza_t *stanza)
{
	const char *type = xmpp_stanza_get_type(stanza);

	return type != NULL && (strcmp(type, "result") == 0 || strcmp(type, "error") == 0);
}

xmpp_stanza_t *
ear_answer_to(xmpp_stanza_t *stanza, const char *type)
{
	const char *ns = xmpp_stanza_get_ns(stanza);
	xmpp_stanza_t *answer =
		ear_element(xmpp_stanza_get_context(stanza), xmpp_stanza_get_name(stanza),
			    ns != NULL ? ns : EAR_NS_CLIENT);

	copy_attribute(answer, "id", stanza, "id");
	copy_attribute(answer, "to", stanza, "from");
	copy_attribute(answer, "from", stanza, "to");
	if (type != NULL)
		set_attribute(answer, "type", type);
	return answer;
}
