/* SPDX-License-Identifier: ISC */
/* xmlname.c: names and attributes as the parser gives them. */
#include <string.h>

#include <earshot/ns.h>

#include "base/alloc.h"
#include "wire/xmlname.h"

#define PREFIX_XML   "xml:"
#define PREFIXED_MAX 64 /* bytes of xml:something; the longest that exists has ten */

const char *
xmlname_local(const char *name, size_t *ns_length)
{
	const char *separator = strchr(name, XMLNAME_SEPARATOR);

	*ns_length = separator != NULL ? (size_t)(separator - name) : 0;
	return separator != NULL ? separator + 1 : name;
}

bool
xmlname_is_in(const char *name, const char *ns)
{
	size_t n = strlen(ns);

	return strncmp(name, ns, n) == 0 && name[n] == XMLNAME_SEPARATOR;
}

unsigned
xmlname_count(const char **attributes)
{
	unsigned n = 0;

	while (attributes[2 * n] != NULL)
		n++;
	return n;
}

void
xmlname_read_header(struct reader_header *header, const char **attributes)
{
	const struct {
		const char *name, **value;
	} known[] = {
		{ "to", &header->to },
		{ "from", &header->from },
		{ "id", &header->id },
		{ "version", &header->version },
		{ EAR_NS_XML "\nlang", &header->lang },
	};

	for (; *attributes != NULL; attributes += 2)
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (strcmp(known[i].name, attributes[0]) == 0)
				*known[i].value = attributes[1];
}

/* What the attribute is called in a stanza; NULL: it has no place there. */
static const char *
plain_name(const char *name, char *room)
{
	size_t ns_length, prefix = strlen(PREFIX_XML);
	const char *local = xmlname_local(name, &ns_length);

	if (local == name)
		return name;
	if (!xmlname_is_in(name, EAR_NS_XML))
		return NULL;
	memcpy(room, PREFIX_XML, prefix);
	return copy_text(room + prefix, PREFIXED_MAX - prefix, local) == 0 ? room : NULL;
}

void
xmlname_set_attributes(xmpp_stanza_t *element, const char **attributes)
{
	char room[PREFIXED_MAX];

	for (; *attributes != NULL; attributes += 2) {
		const char *name = plain_name(attributes[0], room);

		if (name == NULL)
			continue;
		xcheck(xmpp_stanza_set_attribute(element, name, attributes[1]) == XMPP_EOK);
	}
}

bool
xmlname_is_space(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] != ' ' && text[i] != '\n' && text[i] != '\t' && text[i] != '\r')
			return false;
	return true;
}
