/* SPDX-License-Identifier: ISC */
/* xmlname.h: names and attributes as the parser gives them: "namespace, separator, local part". */
#ifndef WIRE_XMLNAME_H
#define WIRE_XMLNAME_H

#include <stdbool.h>
#include <stddef.h>
#include <strophe.h>

#include "wire/reader.h"

/* No character reference gets it into a namespace: expat refuses namespaces that hold it. */
#define XMLNAME_SEPARATOR '\n'

/* The local part, inside name; *ns_length is that of the namespace that name begins with. */
const char *xmlname_local(const char *name, size_t *ns_length);

bool xmlname_is_in(const char *name, const char *ns);

/* How many pairs there are; NULL ends them. */
unsigned xmlname_count(const char **attributes);

/* The attributes of a stream header. */
void xmlname_read_header(struct reader_header *header, const char **attributes);

/*
 * Gives an element its attributes. Those in a namespace of their own, other than xml:lang and its
 * like, are dropped: libstrophe has no place for the namespace, and without it `x:from` would pass
 * for `from`.
 */
void xmlname_set_attributes(xmpp_stanza_t *element, const char **attributes);

/* White space of XML, §2.3. */
bool xmlname_is_space(const char *text, size_t length);

#endif
