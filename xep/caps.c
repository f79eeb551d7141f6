/* SPDX-License-Identifier: ISC */
/* caps.c: capabilities of others: asked for once for each hash, and believed for all who announce
 * it only if the answer has that hash (XEP-0115 §5.4). */
#include <stdio.h>
#include <string.h>

#include <earshot/store.h>

#include "caps.h"
#include "memory.h"

#define PATIENCE (30 * EAR_SEC)
#define VER_MAX  64 /* bytes of a hash as text, with the NUL */
#define NODE_MAX 256

struct known {
	char ver[VER_MAX];
	char *wants; /* NodeIDs, one behind the other, each with its NUL */
	size_t count;
};

struct asked {
	struct caps *caps;
	char *from, *to;
	enum ear_level level;
	enum ear_link_kind link;
	char ver[VER_MAX];
	bool passed;
	bool can_check; /* its hash is one that we can make */
};

struct caps {
	struct ear *ear;
	caps_fn *fn;
	void *arg;
	struct known known[CAPS_KNOWN_MAX]; /* of use longest ago first */
	size_t known_count;
	struct asked *asked[CAPS_ASKED_MAX];
	size_t asked_count;
};

/* --- what is known ------------------------------------------------------------------------ */

static void
known_add(struct caps *caps, struct known known)
{
	if (caps->known_count == CAPS_KNOWN_MAX) {
		free(caps->known[0].wants);
		memmove(&caps->known[0], &caps->known[1], --caps->known_count * sizeof(known));
	}
	caps->known[caps->known_count++] = known;
}

/* The last now. NULL: that hash is new. */
static const struct known *
known_find(struct caps *caps, const char *ver)
{
	for (size_t i = caps->known_count; i-- > 0;) {
		struct known known = caps->known[i];

		if (strcmp(known.ver, ver) != 0)
			continue;
		memmove(&caps->known[i], &caps->known[i + 1],
			(--caps->known_count - i) * sizeof(known));
		known_add(caps, known);
		return &caps->known[caps->known_count - 1];
	}
	return NULL;
}

/* known NULL: nothing is wanted. */
static void
tell(struct caps *caps, const struct ear_in *in, const struct known *known)
{
	const char *nodes[CAPS_WANTS_MAX], *at = known == NULL ? NULL : known->wants;
	size_t count = known == NULL ? 0 : known->count;

	for (size_t i = 0; i < count; i++) {
		nodes[i] = at;
		at += strlen(at) + 1;
	}
	caps->fn(caps->arg, in, nodes, count);
}

/* --- what an answer says ------------------------------------------------------------------ */

static const char *
attribute(xmpp_stanza_t *element, const char *name)
{
	const char *value = xmpp_stanza_get_attribute(element, name);

	return value == NULL ? "" : value;
}

/* XEP-0163 §4.3.2: "NODE+notify" is a feature. The length of the NodeID; 0: it is another one. */
static size_t
wanted_length(const char *var)
{
	static const char end[] = "+notify";
	size_t length = strlen(var), more = sizeof(end) - 1;

	if (length <= more || strcmp(var + length - more, end) != 0)
		return 0;
	return length - more > EAR_NODE_MAX ? 0 : length - more;
}

static void
read_wants(struct known *known, xmpp_stanza_t *query)
{
	size_t used = 0;

	known->wants = xep_alloc(CAPS_WANTS_BYTES);
	for (xmpp_stanza_t *e = ear_first(query); e != NULL; e = ear_next(e)) {
		const char *var = attribute(e, "var");
		size_t length = ear_is(e, "feature", EAR_NS_DISCO_INFO) ? wanted_length(var) : 0;

		if (length == 0 || known->count == CAPS_WANTS_MAX ||
		    used + length + 1 > CAPS_WANTS_BYTES)
			continue;
		memcpy(known->wants + used, var, length);
		used += length + 1;
		known->count++;
	}
	known->wants = xep_check(realloc(known->wants, used + 1));
}

static const char *
form_type(xmpp_stanza_t *form)
{
	for (xmpp_stanza_t *e = ear_first(form); e != NULL; e = ear_next(e)) {
		xmpp_stanza_t *value = ear_find(e, "value", EAR_NS_DATA);

		if (strcmp(attribute(e, "var"), "FORM_TYPE") == 0 && value != NULL &&
		    ear_text(value) != NULL)
			return ear_text(value);
	}
	return NULL;
}

static bool
is_twice(xmpp_stanza_t *a, xmpp_stanza_t *b)
{
	const char *type;

	if (ear_is(a, "feature", EAR_NS_DISCO_INFO) && ear_is(b, "feature", EAR_NS_DISCO_INFO))
		return strcmp(attribute(a, "var"), attribute(b, "var")) == 0;
	if (ear_is(a, "identity", EAR_NS_DISCO_INFO) && ear_is(b, "identity", EAR_NS_DISCO_INFO))
		return strcmp(attribute(a, "category"), attribute(b, "category")) == 0 &&
		       strcmp(attribute(a, "type"), attribute(b, "type")) == 0 &&
		       strcmp(attribute(a, "xml:lang"), attribute(b, "xml:lang")) == 0 &&
		       strcmp(attribute(a, "name"), attribute(b, "name")) == 0;
	if (!ear_is(a, "x", EAR_NS_DATA) || !ear_is(b, "x", EAR_NS_DATA))
		return false;
	type = form_type(a);
	return type != NULL && form_type(b) != NULL && strcmp(type, form_type(b)) == 0;
}

/* §5.4, 3.3 to 3.5: an answer with the same thing twice could be made to fit the hash of another.
 */
static bool
is_well_formed(xmpp_stanza_t *query)
{
	size_t count = 0;

	for (xmpp_stanza_t *a = ear_first(query); a != NULL; a = ear_next(a)) {
		if (++count > CAPS_FEATURES_MAX)
			return false;
		for (xmpp_stanza_t *b = ear_next(a); b != NULL; b = ear_next(b))
			if (is_twice(a, b))
				return false;
	}
	return true;
}

/* --- asking ------------------------------------------------------------------------------- */

static void
asked_end(struct asked *asked)
{
	struct caps *caps = asked->caps;
	size_t i = 0;

	while (caps->asked[i] != asked)
		i++;
	caps->asked[i] = caps->asked[--caps->asked_count];
	free(asked->from);
	free(asked->to);
	free(asked);
}

static void
take(struct asked *asked, xmpp_stanza_t *query)
{
	struct caps *caps = asked->caps;
	struct ear_in in = { .ear = caps->ear,
			     .from = asked->from,
			     .to = asked->to,
			     .level = asked->level,
			     .link = asked->link,
			     .passed = asked->passed };
	struct known known = { 0 };
	char ver[EAR_CAPS_VER_SIZE];

	if (asked->can_check) {
		ear_caps_ver_of(query, ver);
		if (!is_well_formed(query) || strcmp(ver, asked->ver) != 0) {
			ear_debug("%s: its capabilities are not what its hash says", asked->from);
			return;
		}
	}
	read_wants(&known, query);
	tell(caps, &in, &known);
	if (asked->can_check) {
		snprintf(known.ver, sizeof(known.ver), "%s", asked->ver);
		known_add(caps, known);
	} else {
		free(known.wants);
	}
}

static void
on_answer(void *arg, const struct ear_answer *answer)
{
	struct asked *asked = arg;
	xmpp_stanza_t *query =
		answer->error != 0 ? NULL : ear_find(answer->stanza, "query", EAR_NS_DISCO_INFO);

	if (query != NULL)
		take(asked, query);
	asked_end(asked);
}

/* §6.2: by the way on which it was announced. */
static void
ask(struct caps *caps, const struct ear_in *in, const char *node, const char *ver, bool can_check)
{
	xmpp_stanza_t *iq = ear_stanza(ear_ctx(caps->ear), "iq", "get", in->from, NULL);
	xmpp_stanza_t *query = ear_child(iq, "query", EAR_NS_DISCO_INFO);
	struct asked *asked = xep_alloc(sizeof(*asked));

	*asked = (struct asked){ .caps = caps,
				 .from = xep_strdup(in->from),
				 .to = in->to == NULL ? NULL : xep_strdup(in->to),
				 .level = in->level,
				 .link = in->link,
				 .passed = in->passed,
				 .can_check = can_check };
	snprintf(asked->ver, sizeof(asked->ver), "%s", ver);
	caps->asked[caps->asked_count++] = asked;
	ear_set(query, "node", "%s#%s", node, ver);
	ear_request_by(caps->ear, in->link, iq, PATIENCE, on_answer, asked);
}

static bool
is_asked(const struct caps *caps, const char *from, const char *ver)
{
	for (size_t i = 0; i < caps->asked_count; i++)
		if (strcmp(caps->asked[i]->from, from) == 0 &&
		    strcmp(caps->asked[i]->ver, ver) == 0)
			return true;
	return false;
}

void
caps_forget(struct caps *caps, const char *from)
{
	for (size_t i = caps->asked_count; i-- > 0;)
		if (strcmp(caps->asked[i]->from, from) == 0 ||
		    (ear_jid_resource(from) == NULL &&
		     ear_jid_bare_equal(caps->asked[i]->from, from))) {
			ear_request_forget(caps->ear, caps->asked[i]);
			asked_end(caps->asked[i]);
		}
}

void
caps_find(struct caps *caps, const struct ear_in *in, const char *node, const char *hash,
	  const char *ver)
{
	const struct known *known = NULL;
	bool can_check;

	if (node == NULL || hash == NULL || ver == NULL || *ver == '\0' || strlen(ver) >= VER_MAX ||
	    strlen(node) > NODE_MAX) {
		caps_forget(caps, in->from);
		tell(caps, in, NULL);
		return;
	}
	can_check = strcmp(hash, "sha-1") == 0;
	if (can_check && (strcmp(ver, ear_caps_ver(caps->ear)) == 0 ||
			  (known = known_find(caps, ver)) != NULL)) {
		caps_forget(caps, in->from);
		tell(caps, in, known); /* of ourselves: none */
		return;
	}
	if (is_asked(caps, in->from, ver))
		return;
	caps_forget(caps, in->from);
	if (caps->asked_count < CAPS_ASKED_MAX)
		ask(caps, in, node, ver, can_check);
}

struct caps *
caps_new(struct ear *ear, caps_fn *fn, void *arg)
{
	struct caps *caps = xep_alloc(sizeof(*caps));

	caps->ear = ear;
	caps->fn = fn;
	caps->arg = arg;
	return caps;
}

void
caps_free(struct caps *caps)
{
	while (caps->asked_count > 0)
		caps_forget(caps, caps->asked[0]->from);
	for (size_t i = 0; i < caps->known_count; i++)
		free(caps->known[i].wants);
	free(caps);
}
