/* SPDX-License-Identifier: ISC */
/* test_store_contact.c: contacts: what they become, pages of them, how many there are. */
#include "store_kit.h"
#include "store/store_impl.h"

#define OURS   "pubsub.example.org"
#define JULIET "juliet@example.org"

/* What he was. */
static int
contact(const char *ours, const char *theirs, enum ear_contact_change change)
{
	got_clear();
	ear_store_contact(kit.store, ours, theirs, change, kit_on_stored, &kit);
	assert_false(got.done);
	kit_wait(&got.done);
	assert_int_equal(got.error, 0);
	assert_int_equal(got.count, 1);
	return (int)got.rows[0].contact;
}

static int
is_now(const char *theirs)
{
	return contact(OURS, theirs, EAR_CONTACT_LOOK);
}

/* Every step from every state. */
static void
test_states(void **state)
{
	assert_int_equal(is_now(KIT_ROMEO), EAR_CONTACT_NONE);
	/* Who is none has nothing to gain or to lose. */
	for (int change = EAR_CONTACT_GAIN; change <= EAR_CONTACT_REMOVE; change++) {
		assert_int_equal(contact(OURS, KIT_ROMEO, (enum ear_contact_change)change), 0);
		assert_int_equal(is_now(KIT_ROMEO), EAR_CONTACT_NONE);
	}
	assert_int_equal(contact(OURS, KIT_ROMEO, EAR_CONTACT_ADD), EAR_CONTACT_NONE);
	assert_int_equal(contact(OURS, KIT_ROMEO, EAR_CONTACT_GAIN), EAR_CONTACT_FROM);
	assert_int_equal(contact(OURS, KIT_ROMEO, EAR_CONTACT_ADD), EAR_CONTACT_BOTH);
	assert_int_equal(contact(OURS, KIT_ROMEO, EAR_CONTACT_LOSE), EAR_CONTACT_BOTH);
	assert_int_equal(is_now(KIT_ROMEO), EAR_CONTACT_FROM);
	assert_int_equal(is_now(JULIET), EAR_CONTACT_NONE);
	assert_int_equal(contact("tv@" OURS, KIT_ROMEO, EAR_CONTACT_LOOK), EAR_CONTACT_NONE);
	assert_int_equal(contact(OURS, KIT_ROMEO, EAR_CONTACT_REMOVE), EAR_CONTACT_FROM);
	assert_int_equal(is_now(KIT_ROMEO), EAR_CONTACT_NONE);
}

/* What one engine has written another one reads. */
static void
test_lasts(void **state)
{
	contact(OURS, KIT_ROMEO, EAR_CONTACT_ADD);
	kit_again();
	assert_int_equal(is_now(KIT_ROMEO), EAR_CONTACT_FROM);
}

static size_t
page(const char *ours, const char *theirs)
{
	got_clear();
	ear_store_contacts(kit.store, ours, theirs, kit_on_stored, &kit);
	kit_wait(&got.done);
	assert_int_equal(got.error, 0);
	return got.count;
}

static void
test_pages(void **state)
{
	char theirs[40];
	size_t found = 0, count;

	for (int i = 0; i < EAR_STORE_PAGE_MAX + 10; i++) {
		snprintf(theirs, sizeof(theirs), "%d@example.org", i);
		contact("tv@" OURS, theirs, EAR_CONTACT_ADD);
	}
	contact(OURS, KIT_ROMEO, EAR_CONTACT_ADD);
	contact(OURS, JULIET, EAR_CONTACT_ADD);
	contact(OURS, JULIET, EAR_CONTACT_GAIN);
	assert_int_equal(page("", ""), EAR_STORE_PAGE_MAX);
	assert_string_equal(got.rows[0].jid, JULIET);
	assert_int_equal(got.rows[0].contact, EAR_CONTACT_BOTH);
	assert_string_equal(got.rows[1].jid, KIT_ROMEO);
	assert_int_equal(got.rows[1].contact, EAR_CONTACT_FROM);
	assert_string_equal(got.rows[2].jid, "0@example.org");
	for (count = got.count; count > 0; count = page("tv@" OURS, theirs)) {
		found += count;
		snprintf(theirs, sizeof(theirs), "%s", got.rows[count - 1].jid);
	}
	assert_int_equal(found, EAR_STORE_PAGE_MAX + 12);
}

static void
ignore(void *arg, const struct ear_stored_answer *answer)
{
	++*(size_t *)arg;
}

static void
test_max(void **state)
{
	size_t answered = 0;
	char theirs[40];

	for (size_t i = 0; i < EAR_CONTACTS_MAX; i++) {
		snprintf(theirs, sizeof(theirs), "%zu@example.org", i);
		ear_store_contact(kit.store, OURS, theirs, EAR_CONTACT_ADD, ignore, &answered);
		while (answered + 1000 < i)
			kit_loop();
	}
	while (answered < EAR_CONTACTS_MAX)
		kit_loop();
	got_clear();
	ear_store_contact(kit.store, OURS, KIT_ROMEO, EAR_CONTACT_ADD, kit_on_stored, &kit);
	kit_wait(&got.done);
	assert_int_equal(got.error, -EDQUOT);
	assert_int_equal(contact(OURS, "0@example.org", EAR_CONTACT_ADD), EAR_CONTACT_FROM);
	contact(OURS, "0@example.org", EAR_CONTACT_REMOVE);
	assert_int_equal(contact(OURS, KIT_ROMEO, EAR_CONTACT_ADD), EAR_CONTACT_NONE);
}

/* Of a node he reads, where others share it. */
static void
test_with_a_node(void **state)
{
	create("blogs");
	contact("tv@" OURS, KIT_ROMEO, EAR_CONTACT_ADD);
	contact(OURS, KIT_ROMEO, EAR_CONTACT_ADD);
	contact(OURS, KIT_ROMEO, EAR_CONTACT_GAIN);
	kit.store->shared = true;
	assert_int_equal(ask_node("blogs", KIT_ROMEO), 0);
	assert_int_equal(got.rows[0].contact, EAR_CONTACT_BOTH);
	assert_int_equal(ask_node("blogs", JULIET), 0);
	assert_int_equal(got.rows[0].contact, EAR_CONTACT_NONE);
	assert_int_equal(ask_node("blogs", NULL), 0);
	assert_int_equal(got.rows[0].contact, EAR_CONTACT_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_states), TEST_FILE(test_lasts),  TEST(test_pages),
		TEST(test_max),    TEST(test_with_a_node),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
