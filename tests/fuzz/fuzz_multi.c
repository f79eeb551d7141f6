/* SPDX-License-Identifier: ISC */
/*
 * fuzz_multi.c: what servers answer when they are asked whether they pass a message on to many
 * (XEP-0033): each stanza of the input answers the oldest question, one of type 'error' as an
 * error, a presence not at all, a message after a day. Whatever they say, nobody but services of
 * that domain is asked, a bounded number of times, and what is believed in the end keeps the
 * promises of pubsub_multi.h.
 */
#include <errno.h>
#include <string.h>

#include "base/timer.h"
#include "pubsub_multi.h"
#include "tests/fuzz/stanzas.h"
#include "tests/unit/xep/fake_ear.h"

#define DOMAIN "example.org"
#define USER   "romeo@" DOMAIN

static struct ear *ear;
static struct multi *multi;
static size_t asked; /* since it was looked for */

static void
on_drop(struct multi_domain *domain, void *arg)
{
	MUST(false); /* nothing waits */
}

static bool
is_of_it(const char *address)
{
	size_t length = strlen(address), own = strlen(DOMAIN);

	return length >= own && strpbrk(address, "@/") == NULL &&
	       strcmp(address + length - own, DOMAIN) == 0 &&
	       (length == own || address[length - own - 1] == '.');
}

static void
check(const struct multi_domain *domain)
{
	MUST(domain->state <= MULTI_REFUSED);
	MUST(domain->item_count <= MULTI_ITEMS_MAX && domain->item_at <= domain->item_count);
	MUST(ear->request_count <= 1 && (ear->request_count == 0 || asked <= MULTI_ITEMS_MAX + 3));
	for (size_t i = 0; i < ear->request_count; i++)
		MUST(is_of_it(xmpp_stanza_get_to(fake_request(ear, i))));
	if (domain->state != MULTI_TRIED && domain->state != MULTI_SERVED)
		return;
	MUST(domain->service != NULL && is_of_it(domain->service));
	MUST(strcmp(domain->service, "pubsub." DOMAIN) != 0);
	MUST(domain->state != MULTI_SERVED ||
	     (domain->limit >= 1 && domain->limit <= MULTI_LIMIT_MAX));
}

static void
answer(xmpp_stanza_t *stanza)
{
	const char *type = xmpp_stanza_get_type(stanza);
	xmpp_stanza_t *first = ear_first(stanza);
	char *text = first == NULL ? NULL : ear_render(first, 256 * 1024);
	xmpp_stanza_t *back = text == NULL ? NULL : ear_parse(ear->ctx, text);

	if (ear_is(stanza, "presence", EAR_NS_CLIENT))
		fake_answer_none(ear, 0, type == NULL ? -ETIMEDOUT : -ENOBUFS);
	else if (type != NULL && strcmp(type, "error") == 0)
		fake_answer_error(ear, 0, back == NULL ? "" : text);
	else
		fake_answer(ear, 0, back == NULL ? "" : text);
	if (back != NULL)
		xmpp_stanza_release(back);
	free(text);
}

static void
check_stanza(xmpp_ctx_t *ctx, xmpp_stanza_t *stanza)
{
	struct multi_domain *domain = multi_domain_of(multi, USER, true);

	if (ear_is(stanza, "message", EAR_NS_CLIENT))
		clock_advance(ear->clock, MULTI_LIFE_USEC + EAR_SEC);
	if (ear->request_count == 0)
		clock_advance(ear->clock, 2 * MULTI_SOON_USEC);
	if (ear->request_count == 0) {
		asked = 0;
		for (int i = 0; i < MULTI_ENOUGH; i++)
			multi_count(domain, 1);
	}
	if (ear->request_count > 0) {
		asked++;
		answer(stanza);
	}
	check(domain);
	fake_clear(ear);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	ear = fake_new();
	ear->self[EAR_LINK_SERVER] = "pubsub." DOMAIN;
	multi = multi_new(ear, on_drop, NULL);
	asked = 0;
	each_stanza(data, size, check_stanza);
	multi_free(multi);
	MUST(ear->request_count == 0);
	fake_stop(ear);
	fake_free(ear);
	return 0;
}
