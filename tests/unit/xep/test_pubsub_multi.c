/* SPDX-License-Identifier: ISC */
/* test_pubsub_multi.c: what domains say of XEP-0033, also what no honest one says. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/timer.h"
#include "fake_ear.h"
#include "pubsub_multi.h"

#define INFO    "<query xmlns='" EAR_NS_DISCO_INFO "'>"
#define ITEMS   "<query xmlns='" EAR_NS_DISCO_ITEMS "'>"
#define END     "</query>"
#define FEATURE "<feature var='" EAR_NS_ADDRESS "'/>"

static struct ear *ear;
static struct multi *multi;
static int dropped;

static void
on_drop(struct multi_domain *domain, void *arg)
{
	domain->tale = NULL;
	dropped++;
}

static int
setup(void **state)
{
	ear = fake_new();
	ear->self[EAR_LINK_SERVER] = "pubsub.example.org";
	multi = multi_new(ear, on_drop, NULL);
	dropped = 0;
	return 0;
}

static int
teardown(void **state)
{
	multi_free(multi);
	assert_int_equal(ear->request_count, 0);
	fake_stop(ear);
	fake_free(ear);
	return 0;
}

static struct multi_domain *
look(const char *address)
{
	struct multi_domain *domain = multi_domain_of(multi, address, true);

	for (int i = 0; i < MULTI_ENOUGH; i++)
		multi_count(domain, 1);
	return domain;
}

/* As far as that what it can is asked once more, after a message was tried. */
static struct multi_domain *
try_it(void)
{
	struct multi_domain *domain = look("romeo@example.org");

	fake_answer(ear, 0, INFO FEATURE END);
	assert_int_equal(domain->state, MULTI_TRIED);
	assert_int_equal(ear->sends, 1);
	return domain;
}

static void
test_domains(void **state)
{
	struct multi_domain *domain = multi_domain_of(multi, "romeo@example.org/a@b/c", true);

	assert_string_equal(domain->name, "example.org");
	assert_ptr_equal(multi_domain_of(multi, "juliet@example.org", false), domain);
	assert_null(multi_domain_of(multi, "juliet@xample.org", false));
	assert_null(multi_domain_of(multi, "juliet@example.or", false));
	assert_null(multi_domain_of(multi, "juliet@pronto.local", true));
	assert_null(multi_domain_of(multi, "example.org", true));
	assert_null(multi_domain_of(multi, "example.com/a@b", true));
	assert_null(multi_domain_by(multi, "example.org"));
}

/* Of those of which nothing is known the oldest makes room; of the others none does. */
static void
test_many_domains(void **state)
{
	char address[64];

	for (int i = 0; i < MULTI_DOMAINS_MAX + 1; i++) {
		snprintf(address, sizeof(address), "a@d%d.example", i);
		assert_non_null(multi_domain_of(multi, address, true));
	}
	assert_null(multi_domain_of(multi, "a@d0.example", false));
	assert_non_null(multi_domain_of(multi, "a@d1.example", false));
	assert_int_equal(multi->count, MULTI_DOMAINS_MAX);
	for (int i = 1; i < MULTI_DOMAINS_MAX + 1; i++) {
		snprintf(address, sizeof(address), "a@d%d.example", i);
		look(address);
	}
	assert_null(multi_domain_of(multi, "a@one.example", true));
	clock_advance(ear->clock, EAR_SEC);
	while (ear->request_count > 0)
		fake_answer(ear, 0, "");
	assert_null(multi_domain_of(multi, "a@one.example", true)); /* they have refused */
	clock_advance(ear->clock, MULTI_LIFE_USEC + 1);
	assert_non_null(multi_domain_of(multi, "a@one.example", true));
}

/* Less than that of one event is not worth asking. */
static void
test_few(void **state)
{
	struct multi_domain *domain = multi_domain_of(multi, "romeo@example.org", true);

	for (int i = 0; i < 100; i++)
		multi_count(domain, i / (MULTI_ENOUGH - 1));
	assert_int_equal(ear->request_count, 0);
}

/* Only services below the domain, and not more than can be asked one after the other. */
static void
test_items(void **state)
{
	static const char *const foreign[] = {
		"evilexample.org",         "example.org",
		"multicast.example.com",   "",
		"a@multicast.example.org", ".example.org",
		"multicast.example.org/x", "pubsub.example.org", /* that is us */
	};
	struct multi_domain *domain = look("romeo@example.org");
	size_t size = 64 * 1024;
	char *xml = xalloc(size), *at = xml;

	at += snprintf(at, size, ITEMS "<item/>");
	for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++)
		at += snprintf(at, 256, "<item jid='%s'/>", foreign[i]);
	for (int i = 0; i < 500; i++)
		at += snprintf(at, 256, "<item jid='s%d.example.org'/>", i);
	snprintf(at, 256, END);
	fake_answer(ear, 0, INFO END);
	fake_answer(ear, 0, xml);
	free(xml);
	for (int i = 0; i < MULTI_ITEMS_MAX; i++) {
		char name[64];

		snprintf(name, sizeof(name), "s%d.example.org", i);
		assert_int_equal(ear->request_count, 1);
		assert_int_equal(domain->state, MULTI_LOOKING);
		assert_string_equal(fake_attribute(fake_request(ear, 0), "to"), name);
		fake_answer(ear, 0, INFO END);
	}
	assert_int_equal(ear->request_count, 0);
	assert_int_equal(domain->state, MULTI_REFUSED);
}

/* What is looked for is not behind a thousand others. */
static void
test_long_answer(void **state)
{
	struct multi_domain *domain = look("romeo@example.org");
	size_t size = 64 * 1024;
	char *xml = xalloc(size), *at = xml;

	at += snprintf(at, size, INFO);
	for (int i = 0; i < MULTI_ELEMENTS_MAX; i++)
		at += snprintf(at, 256, "<feature var='x%d'/>", i);
	snprintf(at, 256, FEATURE END);
	fake_answer(ear, 0, xml);
	free(xml);
	assert_int_equal(domain->state, MULTI_LOOKING);
	fake_answer(ear, 0, "");
	assert_int_equal(domain->state, MULTI_REFUSED);
}

static void
check_limit(const char *form, unsigned limit)
{
	struct multi_domain *domain = try_it();
	char *xml = xasprintf(INFO FEATURE "%s" END, form);

	fake_answer(ear, 0, xml);
	free(xml);
	assert_int_equal(domain->state, limit == 0 ? MULTI_REFUSED : MULTI_SERVED);
	if (limit > 0)
		assert_int_equal(domain->limit, limit);
	multi_forget(multi);
	fake_clear(ear);
}

#define FORM(type, value)                                                                          \
	"<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE'><value>" type               \
	"</value></field><field var='message'>" value "</field></x>"

static void
test_limits(void **state)
{
	check_limit("", MULTI_LIMIT);
	check_limit(FORM(EAR_NS_ADDRESS, "<value>7</value>"), 7);
	check_limit(FORM(EAR_NS_ADDRESS, "<value>0</value>"), 0);
	check_limit(FORM(EAR_NS_ADDRESS, "<value>1000000000</value>"), MULTI_LIMIT_MAX);
	check_limit(FORM(EAR_NS_ADDRESS, "<value>99999999999999999999999</value>"),
		    MULTI_LIMIT_MAX);
	check_limit(FORM(EAR_NS_ADDRESS, "<value>-5</value>"), MULTI_LIMIT);
	check_limit(FORM(EAR_NS_ADDRESS, "<value>many</value>"), MULTI_LIMIT);
	check_limit(FORM(EAR_NS_ADDRESS, "<value>infinite</value>"), MULTI_LIMIT_MAX);
	check_limit(FORM(EAR_NS_ADDRESS, "<value/>"), MULTI_LIMIT);
	check_limit(FORM(EAR_NS_ADDRESS, ""), MULTI_LIMIT);
	check_limit(FORM("urn:example:other", "<value>7</value>"), MULTI_LIMIT);
	check_limit("<x xmlns='jabber:x:data'><field/><field var='message'/></x>", MULTI_LIMIT);
}

/* That nothing could be asked says nothing of who was to be. */
static void
test_no_way(void **state)
{
	struct multi_domain *domain = look("romeo@example.org");

	fake_answer_none(ear, 0, -ENOBUFS);
	assert_int_equal(domain->state, MULTI_LOOKING);
	clock_advance(ear->clock, 2 * MULTI_SOON_USEC);
	fake_answer(ear, 0, INFO END);
	fake_answer_none(ear, 0, -EDQUOT);
	clock_advance(ear->clock, 2 * MULTI_SOON_USEC);
	fake_answer(ear, 0, INFO END);
	fake_answer(ear, 0, ITEMS "<item jid='a.example.org'/>" END);
	fake_answer_none(ear, 0, -ENOBUFS);
	clock_advance(ear->clock, 2 * MULTI_SOON_USEC);
	ear->send_error = -ENOBUFS;
	fake_answer(ear, 0, INFO FEATURE END);
	assert_int_equal(domain->state, MULTI_LOOKING);
	ear->send_error = 0;
	clock_advance(ear->clock, 2 * MULTI_SOON_USEC);
	fake_answer(ear, 0, INFO FEATURE END);
	fake_answer_none(ear, 0, -ECONNRESET);
	assert_int_equal(domain->state, MULTI_LOOKING);
	clock_advance(ear->clock, 2 * MULTI_SOON_USEC);
	fake_answer(ear, 0, INFO FEATURE END);
	fake_answer(ear, 0, INFO FEATURE END);
	assert_int_equal(domain->state, MULTI_SERVED);
	assert_ptr_equal(multi_domain_by(multi, "example.org"), domain);
}

/* Whoever does not answer is asked again, but not for every event. */
static void
test_no_answer(void **state)
{
	struct multi_domain *domain = look("romeo@example.org");

	fake_answer_none(ear, 0, -ETIMEDOUT);
	look("romeo@example.org");
	assert_int_equal(ear->request_count, 0);
	clock_advance(ear->clock, MULTI_AGAIN_USEC + 1);
	look("romeo@example.org");
	assert_int_equal(ear->request_count, 1);
	assert_int_equal(domain->state, MULTI_LOOKING);
}

/* What it still gives back is before the answer to a question behind all that was sent. */
static void
test_settling(void **state)
{
	struct multi_domain *domain = try_it();

	fake_answer(ear, 0, INFO FEATURE END);
	multi_ask(domain);
	multi_ask(domain);
	assert_int_equal(ear->request_count, 1);
	multi_refuse(domain, "not-acceptable");
	multi_settle(domain);
	fake_answer(ear, 0, INFO FEATURE END);
	assert_true(domain->settling);
	assert_int_equal(ear->request_count, 1);
	fake_answer(ear, 0, INFO FEATURE END);
	assert_false(domain->settling);
	assert_int_equal(domain->state, MULTI_REFUSED);
}

static void
test_forget(void **state)
{
	struct multi_domain *domain = try_it();

	domain->tale = domain;
	multi_forget(multi);
	assert_int_equal(dropped, 1);
	assert_int_equal(multi->count, 0);
	assert_int_equal(ear->request_count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_domains),  TEST(test_many_domains), TEST(test_few),
		TEST(test_items),    TEST(test_limits),       TEST(test_long_answer),
		TEST(test_no_way),   TEST(test_no_answer),    TEST(test_forget),
		TEST(test_settling),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
