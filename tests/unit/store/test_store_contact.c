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

/* --- brought ------------------------------------------------------------------------------ */

static int
bring(const char *mark, const struct ear_stored *contacts, size_t count)
{
	got_clear();
	ear_store_bring(kit.store, mark, contacts, count, kit_on_stored, &kit);
	assert_false(got.done);
	kit_wait(&got.done);
	return got.error;
}

/* Who is none becomes what he was there; who is one stays what he is. Once: who has left does not
 * come back by the same mark. */
static void
test_brought(void **state)
{
	const struct ear_stored contacts[] = {
		{ .ours = OURS, .jid = KIT_ROMEO, .contact = EAR_CONTACT_BOTH },
		{ .ours = OURS, .jid = JULIET, .contact = EAR_CONTACT_BOTH },
		{ .ours = OURS, .jid = KIT_OWNER, .contact = EAR_CONTACT_FROM },
	};

	contact(OURS, KIT_ROMEO, EAR_CONTACT_ADD);
	assert_int_equal(bring("m1", contacts, 3), 0);
	assert_string_equal(got_names(), JULIET " " KIT_OWNER " ");
	assert_int_equal(is_now(KIT_ROMEO), EAR_CONTACT_FROM);
	assert_int_equal(is_now(JULIET), EAR_CONTACT_BOTH);
	assert_int_equal(is_now(KIT_OWNER), EAR_CONTACT_FROM);
	contact(OURS, JULIET, EAR_CONTACT_REMOVE);
	assert_int_equal(bring("m1", contacts, 3), -EEXIST);
	assert_int_equal(is_now(JULIET), EAR_CONTACT_NONE);
	assert_int_equal(bring("m2", contacts, 3), 0);
	assert_string_equal(got_names(), JULIET " ");
}

/* All or nothing, up to as many as there may be. */
static void
test_brought_many(void **state)
{
	static struct ear_stored contacts[EAR_BRING_MAX + 1];
	static char theirs[EAR_BRING_MAX + 1][40];
	char mark[8];

	for (size_t i = 0; i <= EAR_BRING_MAX; i++)
		contacts[i] = (struct ear_stored){ .ours = OURS,
						   .jid = theirs[i],
						   .contact = EAR_CONTACT_FROM };
	assert_int_equal(bring("m", contacts, EAR_BRING_MAX + 1), -EMSGSIZE);
	for (size_t page = 0; page * 500 < EAR_CONTACTS_MAX; page++) {
		for (size_t i = 0; i < 500; i++)
			snprintf(theirs[i], sizeof(theirs[i]), "%zu-%zu@example.org", page, i);
		snprintf(mark, sizeof(mark), "m%zu", page);
		assert_int_equal(bring(mark, contacts, 500), 0);
		assert_int_equal(got.count, 500);
	}
	snprintf(theirs[1], sizeof(theirs[1]), "%s", KIT_ROMEO);
	assert_int_equal(bring("full", contacts, 2), -EDQUOT);
	assert_int_equal(is_now(KIT_ROMEO), EAR_CONTACT_NONE);
	contact(OURS, "0-0@example.org", EAR_CONTACT_REMOVE);
	assert_int_equal(bring("full", contacts, 2), 0);
	assert_string_equal(got_names(), KIT_ROMEO " ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_states),       TEST_FILE(test_lasts),  TEST(test_pages),
		TEST(test_max),          TEST(test_with_a_node), TEST(test_brought),
		TEST(test_brought_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
