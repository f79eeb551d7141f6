/* SPDX-License-Identifier: ISC */
/* pubsub_multi.c: which domains pass a message on to many of their users (XEP-0033). */
#include <errno.h>
#include <stdio.h>

#include "memory.h"
#include "pubsub_multi.h"

static const char *const state_names[] = { "unknown", "looking", "tried", "served", "refused" };

static int64_t
now_of(const struct multi *multi)
{
	return ear_now(ear_clock(multi->ear));
}

static void
enter(struct multi_domain *domain, enum multi_state state)
{
	ear_debug("%s: one message for many: %s -> %s", domain->name, state_names[domain->state],
		  state_names[state]);
	domain->state = state;
	domain->until = now_of(domain->multi) + MULTI_LIFE_USEC;
}

static void on_look(void *arg);

/* --- the table ---------------------------------------------------------------------------- */

static void
free_items(struct multi_domain *domain)
{
	while (domain->item_count > 0)
		free(domain->items[--domain->item_count]);
	domain->item_at = 0;
}

/* Nothing of it waits to be sent. */
static void
domain_free(struct multi_domain *domain)
{
	struct multi *multi = domain->multi;
	struct multi_domain **place = &multi->domains;

	while (*place != domain)
		place = &(*place)->next;
	*place = domain->next;
	multi->count--;
	ear_request_forget(multi->ear, domain);
	ear_timer_stop(&domain->look);
	free_items(domain);
	free(domain->service);
	free(domain->singles);
	free(domain->to);
	free(domain->xml);
	free(domain->name);
	free(domain);
}

/* The one that was used longest ago of those about which nothing is known. */
static bool
make_room(struct multi *multi)
{
	struct multi_domain *oldest = NULL;

	if (multi->count < MULTI_DOMAINS_MAX)
		return true;
	for (struct multi_domain *domain = multi->domains; domain != NULL; domain = domain->next)
		if (domain->state == MULTI_UNKNOWN ||
		    (domain->state == MULTI_REFUSED && !domain->settling && domain->tale == NULL &&
		     now_of(multi) > domain->until))
			oldest = domain;
	if (oldest == NULL)
		return false;
	domain_free(oldest);
	return true;
}

static struct multi_domain *
add_domain(struct multi *multi, const char *name, size_t length)
{
	struct multi_domain *domain;

	if (!make_room(multi))
		return NULL;
	domain = xep_alloc(sizeof(*domain));
	domain->multi = multi;
	domain->name = xep_check(strndup(name, length));
	domain->length = length;
	ear_timer_init(&domain->look, ear_clock(multi->ear), on_look, domain);
	domain->next = multi->domains;
	multi->domains = domain;
	multi->count++;
	return domain;
}

struct multi_domain *
multi_domain_of(struct multi *multi, const char *address, bool add)
{
	const char *at = strpbrk(address, "@/"), *name;
	size_t length;

	if (at == NULL || *at == '/')
		return NULL;
	name = at + 1;
	length = strcspn(name, "/");
	for (struct multi_domain **place = &multi->domains, *domain; (domain = *place) != NULL;
	     place = &domain->next) {
		if (domain->length != length || memcmp(domain->name, name, length) != 0)
			continue;
		*place = domain->next;
		domain->next = multi->domains;
		multi->domains = domain;
		return domain;
	}
	return add && !ear_jid_is_lan(address) ? add_domain(multi, name, length) : NULL;
}

struct multi_domain *
multi_domain_by(struct multi *multi, const char *service)
{
	struct multi_domain *domain = multi->domains;

	while (domain != NULL && (domain->service == NULL || strcmp(domain->service, service) != 0))
		domain = domain->next;
	return domain;
}

/* --- what an answer says ------------------------------------------------------------------ */

static xmpp_stanza_t *
query_of(const struct ear_answer *answer, const char *ns)
{
	return answer->error != 0 ? NULL : ear_find(answer->stanza, "query", ns);
}

static bool
can(xmpp_stanza_t *query)
{
	unsigned left = MULTI_ELEMENTS_MAX;

	for (xmpp_stanza_t *e = query == NULL ? NULL : ear_first(query); e != NULL && left-- > 0;
	     e = ear_next(e)) {
		const char *var = xmpp_stanza_get_attribute(e, "var");

		if (ear_is(e, "feature", EAR_NS_DISCO_INFO) && var != NULL &&
		    strcmp(var, EAR_NS_ADDRESS) == 0)
			return true;
	}
	return false;
}

static const char *
value_of(xmpp_stanza_t *form, const char *name)
{
	unsigned left = MULTI_ELEMENTS_MAX;

	for (xmpp_stanza_t *e = ear_first(form); e != NULL && left-- > 0; e = ear_next(e)) {
		const char *var = xmpp_stanza_get_attribute(e, "var");
		xmpp_stanza_t *value = ear_find(e, "value", EAR_NS_DATA);

		if (ear_is(e, "field", EAR_NS_DATA) && var != NULL && strcmp(var, name) == 0)
			return value == NULL ? NULL : ear_text(value);
	}
	return NULL;
}

/* What is no number is not believed; ejabberd also says "infinite". */
static unsigned
read_limit(const char *text)
{
	unsigned long limit;

	if (strcmp(text, "infinite") == 0)
		return MULTI_LIMIT_MAX;
	if (*text == '\0' || text[strspn(text, "0123456789")] != '\0')
		return MULTI_LIMIT;
	limit = strtoul(text, NULL, 10);
	return limit > MULTI_LIMIT_MAX ? MULTI_LIMIT_MAX : (unsigned)limit;
}

/* How many addresses a message may have (XEP-0128, as ejabberd says it); §10 of XEP-0033 leaves
 * the number to the service. */
static unsigned
limit_of(xmpp_stanza_t *query)
{
	unsigned left = MULTI_ELEMENTS_MAX;

	for (xmpp_stanza_t *e = ear_first(query); e != NULL && left-- > 0; e = ear_next(e)) {
		const char *type = ear_is(e, "x", EAR_NS_DATA) ? value_of(e, "FORM_TYPE") : NULL;
		const char *limit = type != NULL && strcmp(type, EAR_NS_ADDRESS) == 0
					    ? value_of(e, "message")
					    : NULL;

		if (limit != NULL)
			return read_limit(limit);
	}
	return MULTI_LIMIT;
}

static void
request(struct multi_domain *domain, const char *to, const char *ns, int64_t usec,
	ear_answer_fn *fn)
{
	struct ear *ear = domain->multi->ear;
	xmpp_stanza_t *iq = ear_stanza(ear_ctx(ear), "iq", "get", to, NULL);

	ear_child(iq, "query", ns);
	ear_request_by(ear, EAR_LINK_SERVER, iq, usec, fn, domain);
}

/* Whether that error is of the way there, and not of who was asked. */
static bool
is_ours(int error)
{
	return error != 0 && error != -EREMOTEIO && error != -ETIMEDOUT;
}

/* --- its service -------------------------------------------------------------------------- */

void
multi_refuse(struct multi_domain *domain, const char *why)
{
	if (domain->state == MULTI_SERVED)
		ear_info("%s: %s passes messages on to many no more: %s", domain->name,
			 domain->service, why);
	ear_timer_stop(&domain->look);
	if (domain->state != MULTI_REFUSED)
		enter(domain, MULTI_REFUSED);
}

/* No answer says that it can. */
static void
give_up(struct multi_domain *domain, int error, const char *why)
{
	free_items(domain);
	if (is_ours(error)) {
		enter(domain, MULTI_LOOKING);
		ear_timer_set(&domain->look, MULTI_SOON_USEC);
		return;
	}
	multi_refuse(domain, why);
	if (error == -ETIMEDOUT)
		domain->until = now_of(domain->multi) + MULTI_AGAIN_USEC;
}

/* The way there is gone, and what still went it with it: nothing is to be waited for, and with the
 * next stream all is forgotten. */
static void
lose(struct multi_domain *domain)
{
	domain->answered = domain->asked;
	domain->again = domain->settling = false;
	multi_refuse(domain, "there is no way there");
	domain->until = now_of(domain->multi) + MULTI_SOON_USEC;
}

static void
on_asked(void *arg, const struct ear_answer *answer)
{
	struct multi_domain *domain = arg;
	xmpp_stanza_t *query = query_of(answer, EAR_NS_DISCO_INFO);
	unsigned limit = can(query) ? limit_of(query) : 0;

	domain->asking = false;
	if (is_ours(answer->error) && domain->state != MULTI_TRIED) {
		if (answer->error != -ENOBUFS && answer->error != -EDQUOT)
			lose(domain);
		return; /* whoever waits for it asks again */
	}
	domain->answered = domain->asked;
	if (domain->again) {
		domain->again = false;
		multi_ask(domain);
		return;
	}
	domain->settling = false;
	if (domain->state == MULTI_REFUSED)
		return;
	if (limit == 0) {
		give_up(domain, answer->error, "it says nothing of it");
		return;
	}
	domain->limit = limit;
	if (domain->state == MULTI_TRIED)
		ear_info("%s: %s passes messages on, to %u at a time", domain->name,
			 domain->service, limit);
	enter(domain, MULTI_SERVED);
}

void
multi_ask(struct multi_domain *domain)
{
	if (domain->asking)
		return;
	domain->asking = true;
	domain->asked++;
	request(domain, domain->service, EAR_NS_DISCO_INFO, MULTI_ASK_USEC, on_asked);
}

void
multi_settle(struct multi_domain *domain)
{
	domain->settling = true;
	domain->again = domain->asking;
	multi_ask(domain);
}

/*
 * Whether it does for us what it says is tried with a message that nobody gets: to a server itself,
 * of a type that it neither shows nor returns (RFC 6121 §8.5.1 lets it ignore that). What the
 * service has against it comes before its answer to the question behind it.
 */
static void
try_it(struct multi_domain *domain, const char *service)
{
	struct ear *ear = domain->multi->ear;
	xmpp_stanza_t *message, *address;

	free(domain->service);
	domain->service = xep_strdup(service);
	free_items(domain);
	enter(domain, MULTI_TRIED);
	message = ear_stanza(ear_ctx(ear), "message", "headline", service, NULL);
	snprintf(domain->trial, sizeof(domain->trial), "%s", xmpp_stanza_get_id(message));
	address = ear_child(ear_child(message, "addresses", EAR_NS_ADDRESS), "address", NULL);
	ear_set(address, "type", "bcc");
	ear_set(address, "jid", "%s", domain->name);
	if (ear_send(ear, message) != 0)
		give_up(domain, -ENOBUFS, NULL);
	else if (domain->state == MULTI_TRIED)
		multi_ask(domain);
}

/* --- looking (XEP-0033 §6.1) -------------------------------------------------------------- */

static void ask_next(struct multi_domain *domain);

static void
on_item(void *arg, const struct ear_answer *answer)
{
	struct multi_domain *domain = arg;
	char *service;

	if (is_ours(answer->error)) {
		give_up(domain, answer->error, NULL);
		return;
	}
	if (!can(query_of(answer, EAR_NS_DISCO_INFO))) {
		domain->item_at++;
		ask_next(domain);
		return;
	}
	service = xep_strdup(domain->items[domain->item_at]);
	try_it(domain, service);
	free(service);
}

static void
ask_next(struct multi_domain *domain)
{
	if (domain->item_at < domain->item_count) {
		request(domain, domain->items[domain->item_at], EAR_NS_DISCO_INFO, MULTI_LOOK_USEC,
			on_item);
		return;
	}
	give_up(domain, 0, "there is no such service");
}

/* A service of its own: the domain's users are shown to nobody else. */
static bool
is_below(const struct multi_domain *domain, const char *jid)
{
	size_t length = strlen(jid);

	return length > domain->length + 1 && length < EAR_JID_SIZE && strpbrk(jid, "@/") == NULL &&
	       jid[length - domain->length - 1] == '.' &&
	       strcmp(jid + length - domain->length, domain->name) == 0;
}

static void
on_items(void *arg, const struct ear_answer *answer)
{
	struct multi_domain *domain = arg;
	xmpp_stanza_t *query = query_of(answer, EAR_NS_DISCO_ITEMS);
	unsigned left = MULTI_ELEMENTS_MAX;

	for (xmpp_stanza_t *e = query == NULL ? NULL : ear_first(query);
	     e != NULL && left-- > 0 && domain->item_count < MULTI_ITEMS_MAX; e = ear_next(e)) {
		const char *jid = xmpp_stanza_get_attribute(e, "jid");
		const char *self = ear_self(domain->multi->ear, EAR_LINK_SERVER);

		if (ear_is(e, "item", EAR_NS_DISCO_ITEMS) && jid != NULL && is_below(domain, jid) &&
		    xmpp_stanza_get_attribute(e, "node") == NULL &&
		    (self == NULL || strcmp(jid, self) != 0))
			domain->items[domain->item_count++] = xep_strdup(jid);
	}
	if (domain->item_count == 0 && answer->error != 0)
		give_up(domain, answer->error, "it does not say what services it has");
	else
		ask_next(domain);
}

static void
on_domain(void *arg, const struct ear_answer *answer)
{
	struct multi_domain *domain = arg;

	if (is_ours(answer->error) || answer->error == -ETIMEDOUT)
		give_up(domain, answer->error, "it does not answer");
	else if (can(query_of(answer, EAR_NS_DISCO_INFO)))
		try_it(domain, domain->name);
	else
		request(domain, domain->name, EAR_NS_DISCO_ITEMS, MULTI_LOOK_USEC, on_items);
}

static void
on_look(void *arg)
{
	struct multi_domain *domain = arg;

	request(domain, domain->name, EAR_NS_DISCO_INFO, MULTI_LOOK_USEC, on_domain);
}

void
multi_count(struct multi_domain *domain, int64_t event)
{
	if (domain->state == MULTI_REFUSED && !domain->settling && !domain->asking &&
	    domain->tale == NULL && now_of(domain->multi) > domain->until)
		domain->state = MULTI_UNKNOWN;
	if (domain->state != MULTI_UNKNOWN)
		return;
	if (domain->event != event)
		domain->count = 0;
	domain->event = event;
	if (++domain->count < MULTI_ENOUGH)
		return;
	enter(domain, MULTI_LOOKING);
	on_look(domain);
}

/* --- life --------------------------------------------------------------------------------- */

struct multi *
multi_new(struct ear *ear, void (*drop)(struct multi_domain *domain, void *arg), void *arg)
{
	struct multi *multi = xep_alloc(sizeof(*multi));

	multi->ear = ear;
	multi->drop = drop;
	multi->arg = arg;
	return multi;
}

void
multi_forget(struct multi *multi)
{
	while (multi->domains != NULL) {
		if (multi->domains->tale != NULL)
			multi->drop(multi->domains, multi->arg);
		domain_free(multi->domains);
	}
}

void
multi_free(struct multi *multi)
{
	multi_forget(multi);
	free(multi);
}
