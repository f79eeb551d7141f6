/* SPDX-License-Identifier: ISC */
/* test_roster_move.c: contacts that one engine had to itself, when it shares a store. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timer.h"
#include "fake_ear.h"
#include "store/db.h"
#include "store/store_impl.h"

#define ROMEO  "romeo@example.org"
#define JULIET "juliet@example.org"
#define TV     "tv.example.org"
#define MARK   "contacts moving"

static struct ear *ear;

static int
setup(void **state)
{
	ear = fake_new_with_store();
	ear->link = EAR_LINK_SERVER;
	ear->level = EAR_PROVED;
	ear->self[EAR_LINK_SERVER] = TV;
	ear->store->shared = true;
	return 0;
}

static int
teardown(void **state)
{
	fake_stop(ear);
	fake_free(ear);
	return 0;
}

static void
settle(void)
{
	while (store_is_busy(ear->store))
		clock_advance(ear->clock, 1);
}

static void
server_is_there(void)
{
	fake_tell(ear, EAR_SERVER_UP, TV);
	settle();
}

static void
on_contact(void *arg, const struct ear_stored_answer *answer)
{
	assert_int_equal(answer->error, 0);
	*(int *)arg = (int)answer->rows[0].contact;
}

/* What he was, to the store. */
static int
contact(const char *theirs, enum ear_contact_change change)
{
	int was = -1;

	ear_store_contact(ear->store, TV, theirs, change, on_contact, &was);
	settle();
	return was;
}

/* Those of the component that we are; who is in the store is what he is there. */
static void
test_moved(void **state)
{
	contact(JULIET, EAR_CONTACT_ADD);
	ear_keep(ear, "roster " TV " " ROMEO, "both");
	ear_keep(ear, "roster " TV " " JULIET, "both");
	ear_keep(ear, "roster nonsense", "from");
	ear_keep(ear, "roster tv.example.net " ROMEO, "from");
	fake_clear(ear);
	server_is_there();
	assert_int_equal(contact(ROMEO, EAR_CONTACT_LOOK), EAR_CONTACT_BOTH);
	assert_int_equal(contact(JULIET, EAR_CONTACT_LOOK), EAR_CONTACT_FROM);
	assert_null(ear_kept(ear, "roster " TV " " ROMEO));
	assert_null(ear_kept(ear, "roster " TV " " JULIET));
	assert_null(ear_kept(ear, MARK));
	assert_string_equal(ear_kept(ear, "roster tv.example.net " ROMEO), "from");
	/* They are greeted as all are: told of us, and asked. */
	assert_int_equal(ear->box_count, 4);
	/* Who leaves does not come back. */
	contact(ROMEO, EAR_CONTACT_REMOVE);
	server_is_there();
	assert_int_equal(contact(ROMEO, EAR_CONTACT_LOOK), EAR_CONTACT_NONE);
}

static void
ignore(void *arg, const struct ear_stored_answer *answer)
{
}

/* We were killed when the store had them, before that was written here; he has left since. */
static void
test_killed_between(void **state)
{
	const struct ear_stored romeo = { .ours = TV, .jid = ROMEO, .contact = EAR_CONTACT_FROM };

	ear_store_bring(ear->store, "m1", &romeo, 1, ignore, NULL);
	contact(ROMEO, EAR_CONTACT_REMOVE);
	ear_keep(ear, MARK, "m1");
	ear_keep(ear, "roster " TV " " ROMEO, "from");
	server_is_there();
	assert_int_equal(contact(ROMEO, EAR_CONTACT_LOOK), EAR_CONTACT_NONE);
	assert_null(ear_kept(ear, "roster " TV " " ROMEO));
	assert_null(ear_kept(ear, MARK));
}

/* Between the last of them and the mark: it is not for those that come later. */
static void
test_mark_alone(void **state)
{
	ear_store_bring(ear->store, "m1", NULL, 0, ignore, NULL);
	ear_keep(ear, MARK, "m1");
	server_is_there();
	assert_null(ear_kept(ear, MARK));
	ear_keep(ear, MARK, "m1");
	ear->store->shared = false;
	server_is_there();
	assert_null(ear_kept(ear, MARK));
}

/* The store could not: they stay, and are moved later. */
static void
test_later(void **state)
{
	ear_keep(ear, "roster " TV " " ROMEO, "both");
	for (int i = 0; i < DB_JOBS_MAX; i++)
		ear_store_contacts(ear->store, "", "", ignore, NULL);
	server_is_there();
	assert_string_equal(ear_kept(ear, "roster " TV " " ROMEO), "both");
	clock_advance(ear->clock, 6 * EAR_SEC);
	settle();
	assert_int_equal(contact(ROMEO, EAR_CONTACT_LOOK), EAR_CONTACT_BOTH);
	assert_null(ear_kept(ear, "roster " TV " " ROMEO));
}

/* Nothing is moved that could not be remembered as moved, nor what has no room there. */
static void
test_cannot(void **state)
{
	char theirs[40];

	ear_keep(ear, "roster " TV " " ROMEO, "both");
	ear->kept_full = true;
	server_is_there();
	assert_int_equal(contact(ROMEO, EAR_CONTACT_LOOK), EAR_CONTACT_NONE);
	assert_string_equal(ear_kept(ear, "roster " TV " " ROMEO), "both");
	ear->kept_full = false;
	for (int i = 0; i < EAR_CONTACTS_MAX; i++) {
		snprintf(theirs, sizeof(theirs), "%d@example.org", i);
		ear_store_contact(ear->store, "a@" TV, theirs, EAR_CONTACT_ADD, ignore, NULL);
		if (i % 1000 == 0)
			settle();
	}
	server_is_there();
	assert_int_equal(contact(ROMEO, EAR_CONTACT_LOOK), EAR_CONTACT_NONE);
	assert_string_equal(ear_kept(ear, "roster " TV " " ROMEO), "both");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_moved), TEST(test_killed_between), TEST(test_mark_alone),
		TEST(test_later), TEST(test_cannot),
	};

	ear_log_set_level(EAR_LOG_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
