/* SPDX-License-Identifier: ISC */
/*
 * pubsub_tell_multi.c: those who share a message with others of their domain (XEP-0033), each a
 * blind copy: nobody learns who else is told, and the message says nothing of it (§4.1).
 *
 * Such a message has an id of its own, by which it is known when it comes back, and an origin-id
 * of its event alone: whoever has had it knows it again, whomever he shares it with then, or when
 * he gets one of his own.
 */
#include <errno.h>

#include "escape.h"
#include "hash.h"
#include "memory.h"
#include "pubsub_tell_impl.h"

#define WAYS      8    /* places where an address can be among those told singly */
#define MARGIN    256  /* of a message around its event and addresses */
#define TAKEN_OUT '\n' /* in place of each byte of an address */

/* --- who is told singly though his domain is served --------------------------------------- */

static bool
has_passed(const struct multi_domain *domain, const struct multi_single *single)
{
	return (int)(domain->answered - single->after) >= 0;
}

/* Where no place is free he takes that of one who waits for nothing. If all wait, he waits as long
 * as the first of them, who then waits anew. */
static struct multi_single *
put_single(struct multi_domain *domain, struct multi_single *place, uint64_t hash)
{
	unsigned after = domain->used ? domain->asked + 1 : domain->answered;

	if (place->hash != 0 && !has_passed(domain, place))
		after = place->after;
	*place = (struct multi_single){ hash, after };
	return place;
}

/* NULL: he is not among them; add: he is now. */
static struct multi_single *
single_of(struct multi_domain *domain, const char *to, bool add)
{
	struct multi_single *found = NULL;
	uint64_t hash;

	if (domain->singles == NULL && !add)
		return NULL;
	hash = hash_text(HASH_BEGIN, to) | 1; /* 0 is nobody's */
	if (domain->singles == NULL)
		domain->singles = xep_alloc(MULTI_SINGLES * sizeof(domain->singles[0]));
	for (size_t i = 0; i < WAYS; i++) {
		struct multi_single *single = &domain->singles[(hash / 2 + i) % MULTI_SINGLES];

		if (single->hash == hash)
			return single;
		if (single->hash == 0 || has_passed(domain, single))
			found = found == NULL || found->hash != 0 ? single : found;
	}
	if (found == NULL)
		found = &domain->singles[hash / 2 % MULTI_SINGLES];
	return add ? put_single(domain, found, hash) : NULL;
}

/* Not before what he was told with others has passed the service. */
static bool
may_be_single(struct multi_domain *domain, const char *to)
{
	const struct multi_single *single;

	single = single_of(domain, to, true);
	if (has_passed(domain, single))
		return true;
	if (domain->tale == NULL)
		multi_ask(domain);
	return false;
}

static void
is_with_others(struct multi_domain *domain, const char *to)
{
	struct multi_single *single = single_of(domain, to, false);

	if (single != NULL)
		single->hash = 0;
}

/* --- what waits to be sent ---------------------------------------------------------------- */

static void
append(char **text, size_t *size, size_t *room, const char *more, size_t length)
{
	if (*size + length > *room) {
		*room = 2 * (*size + length);
		*text = xep_check(realloc(*text, *room));
	}
	memcpy(*text + *size, more, length);
	*size += length;
}

static void
add_xml(struct multi_domain *domain, const char *text, size_t length)
{
	append(&domain->xml, &domain->xml_size, &domain->xml_room, text, length);
}

static void
add_text(struct multi_domain *domain, const char *text)
{
	add_xml(domain, text, strlen(text));
}

static void
add_escaped(struct multi_domain *domain, const char *text)
{
	const char *escape;

	for (;;) {
		size_t plain = strcspn(text, ESCAPE_ALL);

		add_xml(domain, text, plain);
		text += plain;
		escape = escape_of(*text);
		if (escape == NULL)
			return;
		add_text(domain, escape);
		text++;
	}
}

static void
add_address(struct multi_domain *domain, const char *to)
{
	append(&domain->to, &domain->to_size, &domain->to_room, to, strlen(to) + 1);
	add_text(domain, "<address type='bcc' jid='");
	add_escaped(domain, to);
	add_text(domain, "'/>");
	domain->to_count++;
}

static void
begin(struct multi_domain *domain, struct tale *tale, int64_t stamp)
{
	domain->tale = tale_hold(tale);
	domain->stamp = stamp;
	domain->to_size = domain->xml_size = domain->to_count = 0;
	add_text(domain, "<addresses xmlns='" EAR_NS_ADDRESS "'>");
}

static void
clear(struct multi_domain *domain)
{
	struct tale *tale = domain->tale;

	domain->tale = NULL;
	domain->to_size = domain->xml_size = domain->to_count = 0;
	tale_drop(tale);
}

static bool
has_room(const struct multi_domain *domain, const struct tale *tale, const char *to)
{
	return domain->to_count < domain->limit &&
	       domain->xml_size + tale->bytes + strlen(to) * ESCAPE_MAX + MARGIN < MULTI_BYTES_MAX;
}

/* --- sending it --------------------------------------------------------------------------- */

/* As ear_send. */
static int
send_it(struct pubsub_teller *teller, struct multi_domain *domain)
{
	struct tale *tale = domain->tale;
	xmpp_stanza_t *message = xmpp_stanza_copy(tale->model), *addresses;
	char id[TELL_ID_SIZE];
	struct sent *sent;
	size_t size = domain->xml_size;
	int error;

	add_text(domain, "</addresses>");
	add_xml(domain, "", 1);
	addresses = ear_rendered(ear_ctx(teller->ear), domain->xml);
	domain->xml_size = size;
	/* Without the last NUL: also to one it is not what he would get himself. */
	tale_id_of(tale, domain->to, domain->to_size - 1, id);
	xmpp_stanza_set_to(message, domain->service);
	xmpp_stanza_set_id(message, id);
	xmpp_stanza_add_child_ex(message, addresses, 0);
	xmpp_stanza_set_attribute(ear_child(message, "origin-id", EAR_NS_SID), "id", tale->origin);
	if (domain->stamp != 0)
		tale_stamp(message, domain->stamp);
	sent = sent_remember(teller, tale, domain->to, domain->to_size, id, domain->stamp);
	if (sent->tale != NULL)
		sent->service = xep_strdup(domain->service);
	domain->used = true;
	error = ear_send(teller->ear, message);
	if (error != 0)
		sent_forget(sent);
	return error;
}

/* With a list that nobody else changes. */
static void
tell_each_alone(struct pubsub_teller *teller, struct tale *tale, const char *to, size_t size,
		int64_t stamp)
{
	for (const char *end = to + size; to < end; to += strlen(to) + 1)
		if (*to != TAKEN_OUT)
			late_tell_alone(teller, tale, to, stamp);
}

static void
keep_each(struct pubsub_teller *teller, struct tale *tale, const char *to, size_t size)
{
	for (const char *end = to + size; tale->event.backlog > 0 && to < end; to += strlen(to) + 1)
		if (*to != TAKEN_OUT)
			late_keep(teller, tale, to, TELL_SETTLE_USEC);
}

/* What waits is told singly. */
static void
disperse(struct multi_domain *domain, void *arg)
{
	struct pubsub_teller *teller = arg;

	tell_each_alone(teller, domain->tale, domain->to, domain->to_size, domain->stamp);
	clear(domain);
}

/* 0; -ENOBUFS, -EDQUOT: it stays. */
static int
flush(struct pubsub_teller *teller, struct multi_domain *domain)
{
	int error;

	if (domain->tale == NULL)
		return 0;
	if (domain->settling) {
		multi_ask(domain);
		return -ENOBUFS;
	}
	if (domain->state != MULTI_SERVED) {
		disperse(domain, teller);
		return 0;
	}
	error = send_it(teller, domain);
	if (tell_is_full(error))
		return error;
	if (error != 0)
		keep_each(teller, domain->tale, domain->to, domain->to_size);
	clear(domain);
	return 0;
}

int
multi_flush(struct pubsub_teller *teller, const struct tale *tale)
{
	int full = 0;

	for (struct multi_domain *domain = teller->multi->domains; domain != NULL;
	     domain = domain->next) {
		int error = domain->tale == tale ? flush(teller, domain) : 0;

		full = error != 0 ? error : full;
	}
	return full;
}

void
multi_drop(struct pubsub_teller *teller, const struct tale *tale)
{
	for (struct multi_domain *domain = teller->multi->domains; domain != NULL;
	     domain = domain->next)
		if (domain->tale == tale)
			clear(domain);
}

static int
gather(struct pubsub_teller *teller, struct multi_domain *domain, struct tale *tale, const char *to)
{
	int error = 0;

	if (domain->tale != NULL && (domain->tale != tale || !has_room(domain, tale, to)))
		error = flush(teller, domain);
	if (error != 0)
		return error;
	if (domain->tale == NULL)
		begin(domain, tale, 0);
	add_address(domain, to);
	return 1;
}

static int
send_now(struct pubsub_teller *teller, struct multi_domain *domain, struct tale *tale,
	 const char *to, int64_t stamp)
{
	int error = flush(teller, domain);

	if (error != 0)
		return error;
	begin(domain, tale, stamp);
	add_address(domain, to);
	error = send_it(teller, domain);
	clear(domain);
	return error;
}

int
multi_tell(struct pubsub_teller *teller, struct tale *tale, const char *to, int64_t stamp,
	   bool gathers)
{
	bool only = ear_only_by_server(teller->ear, to);
	struct multi_domain *domain = multi_domain_of(teller->multi, to, only);

	if (domain == NULL || tale->model == NULL)
		return -ENOTSUP;
	if (domain->settling) {
		multi_ask(domain);
		return -ENOBUFS;
	}
	if (domain->state != MULTI_SERVED) {
		flush(teller, domain);
		if (only)
			multi_count(domain, tale->event.id);
		return -ENOTSUP;
	}
	if (!only)
		return may_be_single(domain, to) ? -ENOTSUP : -ENOBUFS;
	if (ear_now(ear_clock(teller->ear)) > domain->until)
		multi_ask(domain);
	is_with_others(domain, to);
	return gathers ? gather(teller, domain, tale, to)
		       : send_now(teller, domain, tale, to, stamp);
}

const char *
multi_way(struct pubsub_teller *teller, const char *address)
{
	const struct multi_domain *domain = multi_domain_of(teller->multi, address, false);

	return domain != NULL && domain->state == MULTI_SERVED &&
			       ear_only_by_server(teller->ear, address)
		       ? domain->service
		       : address;
}

size_t
multi_ways(struct pubsub_teller *teller, const char *ways[MULTI_DOMAINS_MAX])
{
	size_t count = 0;

	for (const struct multi_domain *domain = teller->multi->domains; domain != NULL;
	     domain = domain->next)
		if (domain->used)
			ways[count++] = domain->service;
	return count;
}

/* --- what comes back ---------------------------------------------------------------------- */

/* Also when no more is known of who was to pass it on than that. */
static struct sent *
find(struct pubsub_teller *teller, const struct ear_in *in)
{
	for (size_t i = 0; i < TELL_SENT_MAX; i++) {
		struct sent *sent = &teller->sent[i];

		if (sent->service != NULL && strcmp(sent->id, in->id) == 0 &&
		    strcmp(sent->service, in->from) == 0)
			return sent;
	}
	return NULL;
}

/* From who should have passed it on: nobody got it. */
static void
give_back(struct pubsub_teller *teller, struct sent *sent, bool refused)
{
	struct tale *tale = tale_hold(sent->tale);
	size_t size = sent->size;
	int64_t stamp = sent->stamp;
	char *to = sent->to;

	sent->to = NULL;
	sent_forget(sent);
	if (refused)
		tell_each_alone(teller, tale, to, size, stamp);
	else
		keep_each(teller, tale, to, size);
	free(to);
	tale_drop(tale);
}

bool
multi_bounced(struct pubsub_teller *teller, const struct ear_in *in)
{
	struct multi_domain *domain = multi_domain_by(teller->multi, in->from);
	bool refused = in->link != EAR_LINK_NONE;
	struct sent *sent;

	if (refused && in->link != EAR_LINK_SERVER)
		return false;
	if (domain != NULL && strcmp(domain->trial, in->id) == 0) {
		multi_refuse(domain, ear_condition_name(ear_condition_of(in->stanza)));
		return true;
	}
	sent = find(teller, in);
	if (sent == NULL)
		return false;
	if (refused && domain != NULL && domain->state == MULTI_SERVED) {
		multi_refuse(domain, ear_condition_name(ear_condition_of(in->stanza)));
		multi_settle(domain);
	}
	give_back(teller, sent, refused);
	return true;
}

const char *
multi_find(const struct sent *sent, const char *from)
{
	size_t length = strcspn(from, "/");

	for (const char *to = sent->to; to < sent->to + sent->size; to += strlen(to) + 1)
		if (strncmp(to, from, length) == 0 && (to[length] == '\0' || to[length] == '/'))
			return to;
	return NULL;
}

/* It stays as long as it is. */
void
multi_take_out(struct sent *sent, const char *to)
{
	char *at = sent->to + (to - sent->to);

	memset(at, TAKEN_OUT, strlen(at));
}

/* --- life --------------------------------------------------------------------------------- */

void
multi_tell_init(struct pubsub_teller *teller)
{
	teller->multi = multi_new(teller->ear, disperse, teller);
}

/* What waits was not noted as told. */
void
multi_tell_release(struct pubsub_teller *teller)
{
	for (struct multi_domain *domain = teller->multi->domains; domain != NULL;
	     domain = domain->next)
		if (domain->tale != NULL)
			clear(domain);
	multi_free(teller->multi);
}
