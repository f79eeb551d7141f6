/* SPDX-License-Identifier: ISC */
/*
 * pin_line.c: one record as one line of XML, and back.
 *
 *     <pin xmlns="urn:earshot:pins:0" key="HEX" voucher="pairing" trusted="true" met="true"
 *          name="phone" seen-at="1795240800"><address>tv@box.local</address>…<jid>…</jid>…</pin>
 *
 * Reading is strict, unknown attributes included: what we do not understand may be what keeps a
 * door shut, and would be lost when the line is written again.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>
#include <unistr.h>

#include <earshot/jid.h>
#include <earshot/ns.h>
#include <earshot/stanza.h>

#include "base/alloc.h"
#include "trust/pins_impl.h"
#include "wire/reader.h"
#include "wire/writer.h"

#define ATTRIBUTES_MAX 16
/* What the writer puts for a character that XML cannot carry is three bytes. */
#define NAME_READ_MAX ((size_t)3 * PIN_NAME_MAX)

static const char header[] =
	"<stream:stream xmlns='" EAR_NS_CLIENT "' xmlns:stream='" EAR_NS_STREAM "'>";

static const struct reader_caps caps = {
	.stanza_bytes = PIN_LINE_MAX,
	.depth = 2,
	.attributes = ATTRIBUTES_MAX,
	.children = PIN_ADDRESSES_MAX + PIN_JIDS_MAX,
};

struct pin_reader {
	struct reader *reader;
	xmpp_stanza_t *found; /* of the line being read */
};

static int
on_header(void *arg, const struct reader_header *in)
{
	return 0;
}

static int
on_stanza(void *arg, xmpp_stanza_t *stanza)
{
	struct pin_reader *reader = arg;

	if (reader->found != NULL)
		return -EINVAL;
	reader->found = xmpp_stanza_clone(stanza);
	return 0;
}

static int
on_end(void *arg)
{
	return -EINVAL;
}

static const struct reader_events events = { on_header, on_stanza, on_end };

struct pin_reader *
pin_reader_new(xmpp_ctx_t *ctx)
{
	struct pin_reader *reader = xalloc(sizeof(*reader));

	reader->reader = reader_new(ctx, &caps, &events, reader);
	reader_feed(reader->reader, header, sizeof(header) - 1);
	return reader;
}

static void
forget_found(struct pin_reader *reader)
{
	if (reader->found != NULL)
		xmpp_stanza_release(reader->found);
	reader->found = NULL;
}

void
pin_reader_free(struct pin_reader *reader)
{
	forget_found(reader);
	reader_free(reader->reader);
	free(reader);
}

static const char *
read_key(struct pin *pin, const char *text)
{
	char again[EAR_KEY_SIZE];

	if (ear_key_parse(text, &pin->key) != 0)
		return "key is no fingerprint";
	ear_key_format(&pin->key, again);
	return strcmp(text, again) == 0 ? NULL : "key is not 64 lower-case digits";
}

static const char *
read_voucher(struct pin *pin, const char *text)
{
	for (int i = EAR_BY_NOBODY; i <= EAR_BY_USER; i++) {
		if (strcmp(text, ear_voucher_name(i)) == 0) {
			pin->voucher = i;
			return NULL;
		}
	}
	return "voucher is not nobody, server, pairing or user";
}

static const char *
read_bool(bool *out, const char *text)
{
	*out = strcmp(text, "true") == 0;
	return *out || strcmp(text, "false") == 0 ? NULL
						  : "trusted, revoked and met are true or false";
}

static const char *
read_time(int64_t *out, const char *text)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 18 || text[digits] != '\0')
		return "seen-at and checked-at are seconds since 1970";
	*out = strtoll(text, NULL, 10);
	return NULL;
}

static const char *
read_name(struct pin *pin, const char *text)
{
	if (strlen(text) > NAME_READ_MAX)
		return "name is too long";
	xreplace(&pin->name, text);
	return NULL;
}

static const char *
read_attribute(struct pin *pin, const char *name, const char *value)
{
	if (strcmp(name, "xmlns") == 0)
		return NULL;
	if (strcmp(name, "key") == 0)
		return read_key(pin, value);
	if (strcmp(name, "voucher") == 0)
		return read_voucher(pin, value);
	if (strcmp(name, "trusted") == 0)
		return read_bool(&pin->trusted, value);
	if (strcmp(name, "revoked") == 0)
		return read_bool(&pin->revoked, value);
	if (strcmp(name, "met") == 0)
		return read_bool(&pin->met, value);
	if (strcmp(name, "seen-at") == 0)
		return read_time(&pin->seen_at, value);
	if (strcmp(name, "checked-at") == 0)
		return read_time(&pin->checked_at, value);
	if (strcmp(name, "name") == 0)
		return read_name(pin, value);
	return "unknown attribute";
}

static const char *
read_attributes(struct pin *pin, xmpp_stanza_t *element)
{
	const char *pairs[2 * ATTRIBUTES_MAX], *why = NULL;
	int n = xmpp_stanza_get_attributes(element, pairs, 2 * ATTRIBUTES_MAX);

	if (xmpp_stanza_get_attribute(element, "key") == NULL ||
	    xmpp_stanza_get_attribute(element, "voucher") == NULL)
		return "key or voucher is missing";
	for (int i = 0; i + 1 < n && why == NULL; i += 2)
		why = read_attribute(pin, pairs[i], pairs[i + 1]);
	return why;
}

/* Appends the text of an element to a list; what is not canonical would never be found again. */
static const char *
read_listed(char **list, size_t *count, size_t max, xmpp_stanza_t *child)
{
	char canonical[EAR_JID_SIZE];
	const char *text = ear_text(child);

	if (*count == max)
		return "more than 8 addresses or JIDs";
	if (xmpp_stanza_get_attribute_count(child) != 1) /* xmlns */
		return "unknown attribute";
	if (text == NULL || ear_jid_prep(text, canonical, sizeof(canonical)) != 0 ||
	    strcmp(text, canonical) != 0)
		return "not an address in its canonical form";
	for (size_t i = 0; i < *count; i++)
		if (strcmp(list[i], text) == 0)
			return "an address twice";
	list[(*count)++] = xstrdup(text);
	return NULL;
}

static const char *
read_child(struct pin *pin, xmpp_stanza_t *child)
{
	if (ear_is(child, "address", PIN_NS))
		return read_listed(pin->addresses, &pin->address_count, PIN_ADDRESSES_MAX, child);
	if (ear_is(child, "jid", PIN_NS))
		return read_listed(pin->jids, &pin->jid_count, PIN_JIDS_MAX, child);
	return "neither <address/> nor <jid/>";
}

static const char *
read_pin(struct pin *pin, xmpp_stanza_t *element)
{
	xmpp_stanza_t *child = xmpp_stanza_get_children(element);
	const char *why = read_attributes(pin, element);

	for (; child != NULL && why == NULL; child = xmpp_stanza_get_next(child))
		why = xmpp_stanza_is_tag(child) ? read_child(pin, child)
						: "text between the elements";
	return why;
}

/* One whole element, and nothing behind it. */
static const char *
read_element(struct pin_reader *reader, const char *line, size_t length)
{
	const char *condition;

	if (length == 0 || line[0] != '<' || line[length - 1] != '>')
		return "not one element";
	if (reader_feed(reader->reader, line, length) != 0) {
		condition = reader_error(reader->reader);
		return condition != NULL ? condition : "not one element";
	}
	if (reader->found == NULL || !reader_is_between(reader->reader))
		return "not one whole element";
	return NULL;
}

int
pin_reader_line(struct pin_reader *reader, const char *line, size_t length, struct pin **out,
		const char **why)
{
	static const struct ear_key none;

	*out = NULL;
	*why = read_element(reader, line, length);
	if (*why == NULL && ear_is(reader->found, "pin", PIN_NS)) {
		*out = pin_new(&none);
		*why = read_pin(*out, reader->found);
	} else if (*why == NULL && (length != sizeof(PIN_FILE_END) - 2 ||
				    memcmp(line, PIN_FILE_END, length) != 0)) {
		*why = "neither <pin/> nor <end/> of " PIN_NS;
	}
	forget_found(reader);
	if (*why == NULL)
		return 0;
	pin_free(*out);
	*out = NULL;
	return -EBADMSG;
}

static void
set_bool(xmpp_stanza_t *element, const char *name, bool value)
{
	if (value)
		xmpp_stanza_set_attribute(element, name, "true");
}

static void
set_time(xmpp_stanza_t *element, const char *name, int64_t value)
{
	if (value > 0)
		ear_set(element, name, "%lld", (long long)value);
}

/* Cut between two characters. */
static void
set_name(xmpp_stanza_t *element, const char *name)
{
	size_t length = name != NULL ? strlen(name) : 0;

	if (length > PIN_NAME_MAX) {
		length = PIN_NAME_MAX;
		while (length > 0 && ((unsigned char)name[length] & 0xc0) == 0x80)
			length--;
	}
	if (length > 0)
		ear_set(element, "name", "%.*s", (int)length, name);
}

static void
add_list(xmpp_stanza_t *element, const char *name, char *const *list, size_t count, size_t max)
{
	for (size_t i = 0; i < count && i < max; i++)
		ear_child_text(element, name, PIN_NS, list[i]);
}

static xmpp_stanza_t *
pin_element(xmpp_ctx_t *ctx, const struct pin *pin)
{
	xmpp_stanza_t *element = ear_element(ctx, "pin", PIN_NS);
	char key[EAR_KEY_SIZE];

	ear_key_format(&pin->key, key);
	xmpp_stanza_set_attribute(element, "key", key);
	xmpp_stanza_set_attribute(element, "voucher", ear_voucher_name(pin->voucher));
	set_bool(element, "trusted", pin->trusted);
	set_bool(element, "revoked", pin->revoked);
	set_bool(element, "met", pin->met);
	set_name(element, pin->name);
	set_time(element, "seen-at", pin->seen_at);
	set_time(element, "checked-at", pin->checked_at);
	add_list(element, "address", pin->addresses, pin->address_count, PIN_ADDRESSES_MAX);
	add_list(element, "jid", pin->jids, pin->jid_count, PIN_JIDS_MAX);
	return element;
}

static int
read_back(xmpp_ctx_t *ctx, const char *line, size_t length, struct pin **out)
{
	struct pin_reader *reader = pin_reader_new(ctx);
	const char *why;
	int rc = memchr(line, '\n', length) != NULL
			 ? -EINVAL
			 : pin_reader_line(reader, line, length, out, &why);

	pin_reader_free(reader);
	return rc != 0 ? -EINVAL : 0;
}

int
pin_line(xmpp_ctx_t *ctx, const struct pin *pin, char **line, struct pin **out)
{
	struct evbuffer *buffer = evbuffer_new();
	xmpp_stanza_t *element = pin_element(ctx, pin);
	int rc = writer_stanza(buffer, element, PIN_LINE_MAX - 2);
	size_t length = evbuffer_get_length(buffer);

	*line = NULL;
	if (rc == 0)
		rc = read_back(ctx, (char *)evbuffer_pullup(buffer, -1), length, out);
	if (rc == 0)
		*line = xasprintf("%.*s\n", (int)length, (char *)evbuffer_pullup(buffer, -1));
	xmpp_stanza_release(element);
	evbuffer_free(buffer);
	return rc != 0 ? -EINVAL : 0;
}
