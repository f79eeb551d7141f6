/* SPDX-License-Identifier: ISC */
/* disco.c: disco#info of this engine, and the verification string of any disco#info. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include <earshot/ns.h>

#include "base/alloc.h"
#include "core/disco.h"

#define NS_DATA_FORM "jabber:x:data" /* XEP-0004 */

/*
 * Of the registered identities, "client/bot" is "an automated client that is not controlled by a
 * human user". It holds for every way we are reached, as component, as account and as LAN peer,
 * and one identity for all keeps one caps hash for all; "component" would be untrue on two of them.
 */
#define IDENTITY "client/bot"

/* Borrowed pointers to be sorted: strings, or elements. */
struct bag {
	const void **items;
	size_t count, room;
};

static void
bag_add(struct bag *bag, const void *item)
{
	if (bag->count == bag->room) {
		bag->room = bag->room == 0 ? 32 : bag->room * 2;
		bag->items = xrealloc(bag->items, bag->room * sizeof(bag->items[0]));
	}
	bag->items[bag->count++] = item;
}

static void
bag_sort(struct bag *bag, int (*compare)(const void *, const void *))
{
	if (bag->count > 0)
		qsort(bag->items, bag->count, sizeof(bag->items[0]), compare);
}

/* "i;octet" collation: bytes as unsigned numbers, which strcmp does. */
static int
compare_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static const char *
attribute(const void *element, const char *name)
{
	const char *value = xmpp_stanza_get_attribute((xmpp_stanza_t *)element, name);

	return value == NULL ? "" : value;
}

/* libstrophe's parser drops the prefix; ours, which reads every other stream, keeps it. */
static const char *
language(const void *identity)
{
	const char *lang = attribute(identity, "xml:lang");

	return *lang != '\0' ? lang : attribute(identity, "lang");
}

static int
compare_attribute(const void *a, const void *b, const char *name)
{
	return strcmp(attribute(*(void *const *)a, name), attribute(*(void *const *)b, name));
}

static int
compare_identity(const void *a, const void *b)
{
	int order = compare_attribute(a, b, "category");

	if (order == 0)
		order = compare_attribute(a, b, "type");
	if (order == 0)
		order = strcmp(language(*(void *const *)a), language(*(void *const *)b));
	return order == 0 ? compare_attribute(a, b, "name") : order;
}

static int
compare_field(const void *a, const void *b)
{
	return compare_attribute(a, b, "var");
}

static void
hash(EVP_MD_CTX *md, const char *text, const char *end)
{
	EVP_DigestUpdate(md, text, strlen(text));
	EVP_DigestUpdate(md, end, 1);
}

static void
hash_identities(EVP_MD_CTX *md, xmpp_stanza_t *query)
{
	struct bag bag = { 0 };

	for (xmpp_stanza_t *e = ear_first(query); e != NULL; e = ear_next(e))
		if (ear_is(e, "identity", EAR_NS_DISCO_INFO))
			bag_add(&bag, e);
	bag_sort(&bag, compare_identity);
	for (size_t i = 0; i < bag.count; i++) {
		hash(md, attribute(bag.items[i], "category"), "/");
		hash(md, attribute(bag.items[i], "type"), "/");
		hash(md, language(bag.items[i]), "/");
		hash(md, attribute(bag.items[i], "name"), "<");
	}
	free(bag.items);
}

static void
hash_features(EVP_MD_CTX *md, xmpp_stanza_t *query)
{
	struct bag bag = { 0 };

	for (xmpp_stanza_t *e = ear_first(query); e != NULL; e = ear_next(e))
		if (ear_is(e, "feature", EAR_NS_DISCO_INFO))
			bag_add(&bag, attribute(e, "var"));
	bag_sort(&bag, compare_text);
	for (size_t i = 0; i < bag.count; i++)
		hash(md, bag.items[i], "<");
	free(bag.items);
}

static const char *
value_text(xmpp_stanza_t *value)
{
	const char *text = value == NULL ? NULL : ear_text(value);

	return text == NULL ? "" : text;
}

static void
hash_values(EVP_MD_CTX *md, xmpp_stanza_t *field)
{
	struct bag bag = { 0 };

	for (xmpp_stanza_t *e = ear_first(field); e != NULL; e = ear_next(e))
		if (ear_is(e, "value", NS_DATA_FORM))
			bag_add(&bag, value_text(e));
	bag_sort(&bag, compare_text);
	for (size_t i = 0; i < bag.count; i++)
		hash(md, bag.items[i], "<");
	free(bag.items);
}

static bool
is_form_type(xmpp_stanza_t *field)
{
	return strcmp(attribute(field, "var"), "FORM_TYPE") == 0;
}

/* The FORM_TYPE of a form, NULL when it has none. */
static const char *
form_type(xmpp_stanza_t *form)
{
	for (xmpp_stanza_t *e = ear_first(form); e != NULL; e = ear_next(e))
		if (ear_is(e, "field", NS_DATA_FORM) && is_form_type(e) &&
		    strcmp(attribute(e, "type"), "hidden") == 0)
			return value_text(ear_find(e, "value", NS_DATA_FORM));
	return NULL;
}

static int
compare_form(const void *a, const void *b)
{
	return strcmp(form_type(*(xmpp_stanza_t *const *)a), form_type(*(xmpp_stanza_t *const *)b));
}

static void
hash_form(EVP_MD_CTX *md, xmpp_stanza_t *form)
{
	struct bag bag = { 0 };

	for (xmpp_stanza_t *e = ear_first(form); e != NULL; e = ear_next(e))
		if (ear_is(e, "field", NS_DATA_FORM) && !is_form_type(e))
			bag_add(&bag, e);
	bag_sort(&bag, compare_field);
	hash(md, form_type(form), "<");
	for (size_t i = 0; i < bag.count; i++) {
		hash(md, attribute(bag.items[i], "var"), "<");
		hash_values(md, (xmpp_stanza_t *)bag.items[i]);
	}
	free(bag.items);
}

static void
hash_forms(EVP_MD_CTX *md, xmpp_stanza_t *query)
{
	struct bag bag = { 0 };

	for (xmpp_stanza_t *e = ear_first(query); e != NULL; e = ear_next(e))
		if (ear_is(e, "x", NS_DATA_FORM) && form_type(e) != NULL)
			bag_add(&bag, e);
	bag_sort(&bag, compare_form);
	for (size_t i = 0; i < bag.count; i++)
		hash_form(md, (xmpp_stanza_t *)bag.items[i]);
	free(bag.items);
}

static void
add_identity(xmpp_stanza_t *query, const char *what, const char *name)
{
	xmpp_stanza_t *identity = ear_child(query, "identity", EAR_NS_DISCO_INFO);
	const char *slash = strchr(what, '/');

	ear_set(identity, "category", "%.*s", (int)(slash - what), what);
	ear_set(identity, "type", "%s", slash + 1);
	if (name != NULL && *name != '\0')
		ear_set(identity, "name", "%s", name);
}

static void
add_features(xmpp_stanza_t *query, const struct bag *sorted)
{
	for (size_t i = 0; i < sorted->count; i++)
		if (i == 0 || strcmp(sorted->items[i], sorted->items[i - 1]) != 0)
			ear_set(ear_child(query, "feature", EAR_NS_DISCO_INFO), "var", "%s",
				(const char *)sorted->items[i]);
}

xmpp_stanza_t *
disco_info(xmpp_ctx_t *ctx, const struct ear_xep *const *xeps, bool stores, const char *name,
	   const char *node)
{
	xmpp_stanza_t *query = ear_element(ctx, "query", EAR_NS_DISCO_INFO);
	struct bag bag = { 0 };

	if (node != NULL)
		ear_set(query, "node", "%s", node);
	add_identity(query, IDENTITY, name);
	for (; *xeps != NULL; xeps++) {
		const char *const *features = (*xeps)->features;

		if ((*xeps)->needs_store && !stores)
			continue;
		if ((*xeps)->identity != NULL)
			add_identity(query, (*xeps)->identity, name);
		for (; features != NULL && *features != NULL; features++)
			bag_add(&bag, *features);
	}
	bag_sort(&bag, compare_text);
	add_features(query, &bag);
	free(bag.items);
	return query;
}

void
disco_ver(xmpp_stanza_t *query, char *out, size_t size)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned length = 0;

	assert(size >= DISCO_VER_SIZE);
	if (md == NULL || EVP_DigestInit_ex(md, EVP_sha1(), NULL) != 1)
		abort();
	hash_identities(md, query);
	hash_features(md, query);
	hash_forms(md, query);
	EVP_DigestFinal_ex(md, digest, &length);
	EVP_MD_CTX_free(md);
	EVP_EncodeBlock((unsigned char *)out, digest, (int)length);
}
