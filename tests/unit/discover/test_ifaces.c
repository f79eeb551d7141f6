/* SPDX-License-Identifier: ISC */
/* test_ifaces.c: the list of interface names. That they come and go: tests/lan/test_mdns.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <net/if.h>

#include <event2/event.h>

#include <earshot/log.h>

#include "discover/ifaces.h"

static struct ifaces *
list(const char *names)
{
	static struct event_base *base;

	if (base != NULL)
		event_base_free(base);
	base = event_base_new();
	return ifaces_new(base, names, NULL, NULL);
}

static void
test_all(void **state)
{
	struct ifaces *ifaces = list("all");
	int index;

	assert_true(ifaces_is_all(ifaces));
	assert_true(ifaces_has(ifaces, 12345));
	assert_null(ifaces_at(ifaces, 0, &index));
	ifaces_free(ifaces);
}

static void
test_names(void **state)
{
	struct ifaces *ifaces = list(" lo ,\tnone0,,");
	int lo = (int)if_nametoindex("lo"), index;

	assert_false(ifaces_is_all(ifaces));
	assert_string_equal(ifaces_at(ifaces, 0, &index), "lo");
	assert_int_equal(index, lo);
	assert_string_equal(ifaces_at(ifaces, 1, &index), "none0");
	assert_int_equal(index, 0);
	assert_null(ifaces_at(ifaces, 2, &index));
	assert_true(ifaces_has(ifaces, lo));
	assert_false(ifaces_has(ifaces, lo + 1000));
	ifaces_free(ifaces);
}

/* A list of impossible names is an empty list, and not every interface there is. */
static void
test_nonsense_is_not_all(void **state)
{
	struct ifaces *ifaces;
	int index;

	ear_log_set_level(EAR_LOG_ERROR);
	ifaces = list("a-name-that-is-too-long-for-an-interface");
	assert_false(ifaces_is_all(ifaces));
	assert_false(ifaces_has(ifaces, 1));
	assert_null(ifaces_at(ifaces, 0, &index));
	ifaces_free(ifaces);
	ifaces = list("");
	assert_false(ifaces_is_all(ifaces));
	ifaces_free(ifaces);
	ifaces = list("a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r,s,t");
	assert_non_null(ifaces_at(ifaces, IFACES_MAX - 1, &index));
	assert_null(ifaces_at(ifaces, IFACES_MAX, &index));
	ifaces_free(ifaces);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_nonsense_is_not_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
